"""Traits: what tells two people apart for some rules, and who among them can be left out of a search.

Like people are interchangeable. One who has every trait of another, no exposure more and the same distinct values can
stand in for them in any quorum; where enough such people remain, the other need not be tried.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from armslength.reach.bundles import Bundles
from armslength.reach.classes import Counts
from armslength.reach.columns import Words, bits
from armslength.reach.deputies import Deputies
from armslength.reach.pool import Pool
from armslength.reach.quorum import Quorums
from armslength.reach.rules import Rule
from armslength.reach.sorting import Looks, Sorting, more, sort
from armslength.reach.spread import Flags, Ints

WIDE = 3000
"""Kinds compared in pairs; of more, only those alike are put together."""
KEPT = 1 << 24
"""So many bytes of people sorted are kept."""
BARES = 256
"""For so many sets of sources it is kept whom they do not make act."""
_UNSEEN = np.uint64(2**63)
"""The value of people of whom it makes no difference which they have."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Valued:
    """Everyone by the value of one column and exposures: `group` [P]; of each group its `value` (0: none, of so many
    `values`), its `exposure` and how many it has."""

    group: Ints
    value: Ints
    exposure: Ints
    count: Ints
    values: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class View:
    """What is looked at in people: the crowds of a `mask` [Wt], the `relevant` sources [Wh], the values of `columns`,
    of people without a part by the tables those of the `common` ones: those of rules that they could have joined."""

    mask: Words
    relevant: Words
    columns: tuple[str, ...]
    common: tuple[str, ...]
    joined: tuple[Rule, ...]


class Traits:
    """`words` [Wt, P]: bit t of a person says that the person belongs to crowd t by the tables. `exposed`: the distinct
    bit masks of exposures, home states left out; `exposure` [P] numbers them, `everyone` [E] counts people."""

    def __init__(self, rules: Sequence[Rule], quorums: Quorums, bundles: Bundles) -> None:
        self._quorums, self._bundles = quorums, bundles
        numbers: dict[bytes, int] = {}
        crowds: list[Ints] = []
        of_rule: dict[int, list[int]] = {}
        for rule in rules:
            mine = of_rule[rule.number] = []
            for crowd in quorums.crowds(rule):
                for way in crowd.ways:
                    if way.people is not None and way.people.size:
                        key = way.people.tobytes()
                        if key not in numbers:
                            numbers[key] = len(crowds)
                            crowds.append(way.people)
                        mine.append(numbers[key])
        count = max(1, -(-len(crowds) // 64))
        self.words: Words = np.zeros((count, quorums.people), dtype=np.uint64)
        for number, people in enumerate(crowds):
            self.words[number >> 6, people] |= np.uint64(1 << (number & 63))
        self._crowds = crowds
        self._touched: dict[int, Ints] = {}
        self._parts: dict[int, int] = {}
        self._masks: dict[int, Words] = {}
        for rule in rules:
            mask: Words = np.zeros(count, dtype=np.uint64)
            for number in of_rule[rule.number]:
                mask[number >> 6] |= np.uint64(1 << (number & 63))
            self._masks[rule.number] = mask
        self._numbers = list(self._masks)
        self._matrix: Words = np.array(list(self._masks.values()), dtype=np.uint64).reshape(-1, count)
        exposed = quorums.exposed
        distinct = {members: i for i, members in enumerate(dict.fromkeys(exposed))}
        reduced = np.array([distinct[members] for members in exposed] or [0], dtype=np.int32)
        self.exposed = tuple(distinct)
        self.exposure: Ints = reduced[quorums.exposure_of]
        self.everyone: Counts = np.bincount(self.exposure, minlength=len(distinct)).astype(np.int64)
        width = max(1, -(-max((members.bit_length() for members in distinct), default=0) // 64))
        exposures: Words = np.array(
            [[members >> 64 * w & (1 << 64) - 1 for w in range(width)] for members in distinct] or [[0] * width],
            dtype=np.uint64,
        )
        # The last stands for people of whom it makes no difference where they are.
        self._unseen = len(exposures)
        self._exposed: Words = np.concatenate([exposures, np.full((1, width), ~np.uint64(0))])
        self._pool = Pool(quorums, self.exposure, exposures)
        self._deputies = Deputies(quorums, bundles, self.exposure, exposures)
        self._valued: dict[str, Valued] = {}
        self._sortings: dict[Hashable, Sorting] = {}
        self._kept = 0
        self._proxies: dict[tuple[tuple[str, ...], int, bytes], dict[bytes, bool]] = {}
        self._holding: dict[bytes, Ints] = {}
        self._bares: dict[bytes, npt.NDArray[np.uint8]] = {}

    def kinds(
        self,
        people: Ints | None,
        outside: Flags,
        rules: Sequence[Rule],
        relevant: Words,
        most: int,
        quorums: int,
        joined: Sequence[Rule],
    ) -> list[Ints]:
        """The outsiders among `people` (None: everyone) who need trying in coalitions of at most `most` for so many
        `quorums` of the rules, like people together. `outside` [P]; `relevant` [Wh]: the sources that matter; `joined`:
        the rules in which people without a part by the tables could have one."""
        view = View(
            mask=self._mask(rules),
            relevant=relevant,
            columns=self._columns(rules),
            common=self._columns(joined),
            joined=tuple(joined),
        )
        key = (
            tuple(r.number for r in rules), tuple(r.number for r in joined), relevant.tobytes(), people is None
        )  # fmt: skip
        if people is not None:
            sorting, flags = self._sorting(key, view, people, False)
            flags &= outside[sorting.people]
            counts = sorting.counts(flags)
            if np.count_nonzero(counts) <= WIDE:
                flags &= (sorting.more(counts) < most)[sorting.kind]
            return sorting.parts(flags)
        strong = self._strong(view.mask, relevant)
        others = outside.copy()
        others[strong] = False
        size = max((self._quorums.size(rule) for rule in joined), default=1)
        weak = self._pool.kept(others, self._bare(relevant), view.common, most, quorums * (size - 1) + most)
        sorting, flags = self._sorting(key, view, strong, True)
        flags &= outside[sorting.people]
        rest = sort(weak, self._looks(weak, view), True)
        parts = [*sorting.parts(flags), *rest.parts(np.ones(len(weak), dtype=np.bool_))]
        counts = sorting.counts(flags)
        some = np.flatnonzero(counts).astype(np.int32)
        assert sorting.looks is not None and rest.looks is not None
        looks = sorting.looks.of(some).joined(rest.looks)
        order = np.lexsort(looks.rows().T)
        if len(parts) <= WIDE:
            number = np.array([len(part) for part in parts], dtype=np.int64)
            order = order[more(looks, number)[order] < most]
        return [parts[i] for i in order.tolist()]

    def _sorting(self, key: Hashable, view: View, people: Ints, looks: bool) -> tuple[Sorting, Flags]:
        """Of these people, who ascend, and others; and which are they. `looks`: with those of the kinds."""
        found = self._sortings.pop(key, None)
        flags = found.flags(people) if found is not None else None
        if found is None or flags is None:
            every = people
            if found is not None:
                self._kept -= found.size
                every = np.union1d(people, found.people).astype(np.int32)
            found = sort(every, self._looks(every, view), looks)
            flags = found.flags(people)
            assert flags is not None
            self._kept += found.size
        # The last used is the last to be let go.
        self._sortings[key] = found
        while self._kept > KEPT:
            self._kept -= self._sortings.pop(next(iter(self._sortings))).size
        return found, flags

    def _looks(self, people: Ints, view: View) -> Looks:
        some = np.flatnonzero(view.relevant)
        relevant = view.relevant[some, None]
        ways = (self.words[:, people] & view.mask[:, None])[view.mask != 0].T
        holds = self._bundles.holds[np.ix_(some, people)] & relevant
        assumes = (self._bundles.assumes[np.ix_(some, people)] & relevant).T
        exposure = self.exposure[people]
        values = np.array([self._quorums.codes(c)[people] for c in view.columns], dtype=np.uint64)
        values = values.reshape(len(view.columns), len(people)).T
        plain = ~ways.any(axis=1)
        values[np.ix_(plain, [c not in view.common for c in view.columns])] = _UNSEEN
        held = np.zeros((len(view.relevant), len(people)), dtype=np.uint64)
        held[some] = holds
        proxied = self._proxied(plain, held, exposure, view.joined)
        exposure = np.where(proxied, self._unseen, exposure)
        values[proxied] = _UNSEEN
        assumes[proxied] = 0
        return Looks(
            ways=ways,
            holds=holds.T,
            assumes=assumes,
            values=values,
            exposure=exposure,
            exposed=self._exposed[exposure],
        )

    def _columns(self, rules: Sequence[Rule]) -> tuple[str, ...]:
        """Whose values must differ in some of the rules."""
        return tuple(sorted({c for r in rules for c in self._quorums.distinct(r)}))

    def proxied(self, people: Ints, relevant: Words, rules: Sequence[Rule], joined: Sequence[Rule]) -> Flags:
        """Who of `people` holds a `relevant` source [Wh] and has no other part in the rules by the tables, so that it
        makes no difference who they are: they have no part in those that anyone may join either (`joined`), or bring
        others who can sit in their place."""
        plain: Flags = (self.words[:, people] & self._mask(rules)[:, None] == 0).all(axis=0)
        return self._proxied(plain, self._bundles.holds[:, people] & relevant[:, None], self.exposure[people], joined)

    def _proxied(self, plain: Flags, held: Words, exposure: Ints, joined: Sequence[Rule]) -> Flags:
        """The same for people without a part but for what they hold (`plain` [n], `held` [Wh, n])."""
        found: Flags = held.any(axis=0) & plain
        if not joined:
            return found
        columns, size = self._columns(joined), max(self._quorums.size(rule) for rule in joined)
        some = np.flatnonzero(held.any(axis=1))
        known = self._proxies.setdefault((columns, size, some.tobytes()), {})
        place = np.flatnonzero(found)
        rows = np.concatenate([held[np.ix_(some, place)].T, exposure[place, None].astype(np.uint64)], axis=1)
        blob, width = rows.tobytes(), rows.shape[1] * rows.itemsize
        for n, i in enumerate(place.tolist()):
            key = blob[n * width : (n + 1) * width]
            if key not in known:
                mask = np.ascontiguousarray(held[:, i])
                known[key] = self._deputies.enough(mask, int(exposure[i]), columns, size)
            found[i] = known[key]
        return found

    def parts(self, person: int) -> int:
        """The rules in which a person has a part by the tables, a bit each by number."""
        found = self._parts.get(person)
        if found is None:
            some = (self._matrix & self.words[:, person]).any(axis=1)
            found = self._parts[person] = sum(1 << self._numbers[i] for i in np.flatnonzero(some).tolist())
        return found

    def special(self, rules: Sequence[Rule], relevant: Words, most: int) -> Ints | None:
        """Who has a part in the rules by the tables: people indexes; None for more than `most`."""
        crowds = [self._crowds[t] for t in bits(self._mask(rules))]
        for source in bits(relevant):
            people = self._touched.get(source)
            if people is None:
                word, bit = self._bundles.holds[source >> 6] | self._bundles.assumes[source >> 6], source & 63
                people = np.flatnonzero(word >> np.uint64(bit) & np.uint64(1)).astype(np.int32)
                self._touched[source] = people
            crowds.append(people)
        if any(len(people) > most for people in crowds) or sum(len(people) for people in crowds) > 16 * most:
            return None
        found = np.unique(np.concatenate([np.zeros(0, dtype=np.int32), *crowds]))
        return found if len(found) <= most else None

    def valued(self, name: str) -> Valued:
        found = self._valued.get(name)
        if found is None:
            codes = self._quorums.codes(name).astype(np.int64) + 1
            keys = codes * len(self.exposed) + self.exposure
            distinct, group, count = np.unique(keys, return_inverse=True, return_counts=True)
            found = self._valued[name] = Valued(
                group=group.reshape(-1).astype(np.int32),
                value=(distinct // len(self.exposed)).astype(np.int32),
                exposure=(distinct % len(self.exposed)).astype(np.int32),
                count=count.astype(np.int32),
                values=int(codes.max(initial=0)) + 1,
            )
        return found

    def covers(self, kept: list[int], present: Ints) -> bool:
        """Whether each of the exposures `present` includes one of those `kept`."""
        found = np.ones((len(present), len(kept)), dtype=np.bool_)
        for word in self._exposed.T:
            found &= ~word[present][:, None] & word[kept][None, :] == 0
        return bool(found.any(axis=1).all())

    def keep(self, counts: Counts, enough: int) -> list[int]:
        """Of exposures (`counts` [E] people each), those for which fewer than `enough` people with less stand in."""
        some = np.flatnonzero(counts)
        exposed = self._exposed[some]
        less = np.ones((len(some), len(some)), dtype=np.bool_)
        for word in exposed.T:
            less &= word[:, None] & ~word[None, :] == 0
        np.fill_diagonal(less, False)
        kept: list[int] = some[counts[some] @ less < enough].tolist()
        return kept

    def _mask(self, rules: Sequence[Rule]) -> Words:
        mask: Words = np.bitwise_or.reduce(np.array([self._masks[r.number] for r in rules]), axis=0)
        return mask

    def _strong(self, mask: Words, relevant: Words) -> Ints:
        """Who belongs to a crowd of the mask, or holds a relevant source; ascending."""
        key = relevant.tobytes()
        if key not in self._holding:
            self._holding[key] = self._bundles.holders(relevant)
        strong = np.zeros(self.words.shape[1], dtype=np.bool_)
        strong[self._holding[key]] = True
        for crowd in bits(mask):
            strong[self._crowds[crowd]] = True
        return np.flatnonzero(strong).astype(np.int32)

    def _bare(self, relevant: Words) -> Flags:
        """Shape [P]: whom no relevant source can make act."""
        key = relevant.tobytes()
        found = self._bares.get(key)
        if found is None:
            if len(self._bares) >= BARES:
                self._bares.clear()
            found = self._bares[key] = np.packbits(self._bundles.bare(relevant))
        return np.unpackbits(found, count=self.words.shape[1]).view(np.bool_)
