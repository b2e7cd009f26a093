"""Coalitions: the least number of accomplices with whom a rule fires at once, without another rule in between.

An accomplice is plain (an identity of its own) or a controller (its bundle brings more). Every set of controllers
that could help is tried, smallest first; the rest of the quorum is filled by the exact seating.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations

import numpy as np

from armslength.reach.bundles import Bundles
from armslength.reach.columns import Words, bits
from armslength.reach.ground import Ground
from armslength.reach.quorum import Ballot, Classes, Counts, Flags, Quorums, Stand
from armslength.reach.rules import STANDING, Rule
from armslength.reach.seating import Seating
from armslength.reach.spread import Ints
from armslength.reach.traits import Traits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Controllers:
    """People with the same bundle, as far as a rule goes. `mask` [Wh]; `people` ascending; the rest as in `Lead`."""

    mask: Words
    people: Ints
    brings: int = 0
    asks: bool = False
    eases: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stakes:
    """What matters to a rule with certain groups open: `mask` [Wh] of all relevant sources, `held` the part that people
    hold, and the controllers. `opens`: some source would open a further group."""

    mask: Words
    held: Words
    controllers: tuple[Controllers, ...]
    opens: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """A rule in a column once the sources of `mask` (word number, word) are held: its ballot with the groups then
    `opened`, as it stands then, and who of those asked about acts then."""

    opened: frozenset[int]
    waived: bool
    stand: Stand
    mask: tuple[tuple[int, int], ...]
    acts: dict[int, bool] = field(default_factory=dict)


SCENES = 50_000
"""Scenes kept at a time."""
FEW = 16
MANY = 4096


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lead:
    """A controller tried. `brings`: how many identities of the quorum, its own among them; `asks`: one of them may ask;
    `eases`: it opens a group or waives the terms, so that counting identities says little."""

    mask: Words
    person: int
    brings: int
    asks: bool
    eases: bool


class Coalitions:
    """Answers for one ground; equal situations are answered once."""

    def __init__(self, ground: Ground, quorums: Quorums, bundles: Bundles, tick: Callable[[], None]) -> None:
        self.ground, self.quorums, self.bundles = ground, quorums, bundles
        self._tick = tick
        self._stakes: dict[tuple[int, frozenset[int], bool], Stakes] = {}
        self._everyone = np.arange(ground.board.graph.layout.people, dtype=np.int32)
        self._nobody = np.zeros(0, dtype=np.int32)
        self._into: dict[tuple[int, bytes], tuple[Ints, Ints]] = {}
        self._joined: dict[tuple[int, bytes], Ints] = {}
        self._all_mask: Words | None = None
        self._kinds: dict[tuple[int, frozenset[int]], list[Controllers]] = {}
        self._closures: dict[tuple[int, tuple[int, ...]], tuple[Words, int]] = {}
        self._loose: dict[int, int] = {}
        self._alone: dict[tuple[object, ...], tuple[int, ...] | None] = {}
        self._people: dict[tuple[int, frozenset[int]], Ints | None] = {}
        self._feeding: dict[tuple[int, frozenset[int]], tuple[Rule, ...]] = {}
        self._base: dict[tuple[int, int], Counts] = {}
        self._scenes: dict[tuple[int, int, bytes], Scene] = {}
        self._mattering: dict[tuple[int, int], Words] = {}
        self._class: dict[tuple[int, int], int] = {}
        self.none: Words = np.zeros(bundles.words, dtype=np.uint64)
        self._outside: tuple[int, Flags] | None = None

    @cached_property
    def traits(self) -> Traits:
        return Traits(self.ground.board.graph.rules, self.quorums, self.bundles)

    def outside(self, column: int) -> Flags:
        """Shape [P]: who does not act on the ground."""
        if self._outside is None or self._outside[0] != column:
            self._outside = (column, ~self.ground.acting(self._everyone, column))
        return self._outside[1]

    def able(self, rule: Rule, column: int, given: Words) -> Ints | None:
        """Everyone who could have a part in firing the rule once the sources of `given` are held; None for all."""
        before = self.ground.opened(rule, column)
        stakes = self.stakes(rule, before, chained=True)
        opened = before | self.bundles.opened(given | stakes.held, self.quorums.mentioned(rule))
        holding = rule.holders.people(opened)
        if holding is None:
            return None
        ballot = self.quorums.ballot(rule, opened)
        if self.quorums.approved_by_all(rule, opened):
            return None
        controllers = [c.people for c in stakes.controllers]
        return np.unique(np.concatenate([holding, ballot.approvers.people, *controllers])).astype(np.int32)

    def direct(self, rule: Rule, column: int, most: int) -> tuple[int, ...] | None:
        """At most `most` accomplices with whom the rule fires directly, or None when no such set exists."""
        return self.further(rule, column, self.none, (), most)

    def further(
        self, rule: Rule, column: int, given: Words, with_people: tuple[int, ...], most: int
    ) -> tuple[int, ...] | None:
        """At most `most` more accomplices with whom the rule fires, once the sources of `given` are held and
        `with_people` act; or None when no such set exists."""
        plain = self.outsiders(rule, column, given, with_people, most)
        if plain is not None or not most:
            return plain
        opened = self.ground.opened(rule, column) | self.bundles.opened(given, self.quorums.mentioned(rule))
        stakes = self.stakes(rule, opened, chained=False)
        if not stakes.controllers:
            return None
        if self.outsiders(rule, column, given | stakes.held, with_people, most) is None:
            return None
        leads = self._leads(rule, opened, column)
        need, silent = self.need(rule, column, given, with_people)
        for size in range(1, most + 1):
            for chosen in combinations(leads, size):
                # Too few identities, or nobody to ask: such a set cannot fill the quorum.
                few = sum(lead.brings for lead in chosen) + most - size < need
                mute = silent and size == most and not any(lead.asks for lead in chosen)
                if (few or mute) and not any(lead.eases for lead in chosen):
                    continue
                self._tick()
                mask = np.bitwise_or.reduce(np.array([given, *(lead.mask for lead in chosen)]), axis=0)
                people = tuple(lead.person for lead in chosen)
                more = self.outsiders(rule, column, mask, with_people + people, most - size)
                if more is not None:
                    return people + more
        return None

    def need(self, rule: Rule, column: int, given: Words, people: tuple[int, ...]) -> tuple[int, bool]:
        """How many more identities a quorum wants at the least, and whether nobody who acts so far can ask."""
        opened = self.ground.opened(rule, column) | self.bundles.opened(given, self.quorums.mentioned(rule))
        ballot = self.quorums.ballot(rule, opened)
        asking = self._counts(ballot.requesters, column, given, people)
        approving = self._counts(ballot.approvers, column, given, people)
        members = ballot.bill.approvals + 1
        filled = self.ground.filled(column)
        seating = self.quorums.least(ballot, asking, approving, members, filled)
        silent = not asking.any() and filled is None
        # Where even outsiders in any number cannot make a quorum, only a bundle that opens a group could.
        return (members + 1 if seating is None else seating.outsiders), silent

    def alone(self, rule: Rule, column: int) -> tuple[int, ...] | None:
        """Every outsider who fires the rule directly without another; None when too many come into question."""
        opened = self.ground.opened(rule, column)
        people = self._concerned(rule, opened, self.stakes(rule, opened, chained=False))
        if people is None or self.ground.filled(column) is not None:
            return self._find_alone(rule, column)
        pattern = np.packbits(self.ground.acting(people, column)).tobytes()
        key = (rule.number, opened, self.ground.waived(rule, column), pattern)
        if key not in self._alone:
            self._alone[key] = self._find_alone(rule, column)
        return self._alone[key]

    def _find_alone(self, rule: Rule, column: int) -> tuple[int, ...] | None:
        opened = self.ground.opened(rule, column)
        stakes = self.stakes(rule, opened, chained=False)
        ballot, holding = self.quorums.ballot(rule, opened), rule.holders.people(opened)
        people = self._everyone
        if holding is not None and not stakes.opens:
            parts = [holding, ballot.approvers.people, *(c.people for c in stakes.controllers)]
            people = np.unique(np.concatenate(parts))
        if len(people) > MANY:
            return None
        people = people[~self.ground.acting(people, column)]
        holds = np.ascontiguousarray((self.bundles.holds[:, people] & stakes.held[:, None]).T)
        holder = np.ones(len(people), dtype=np.bool_) if holding is None else np.isin(people, holding)
        wider = self.quorums.ballot(rule, self.quorums.mentioned(rule)) if stakes.opens else ballot
        tables = [classes.of(people) for b in (ballot, wider) for classes in (b.requesters, b.approvers)]
        kinds: dict[object, list[int]] = {}
        for i, person in enumerate(people.tolist()):
            # Whom else the person's bundle brings counts too, so the person's own sources are part of the kind.
            own = self.bundles.assumes[:, person].tobytes()
            kinds.setdefault((holds[i].tobytes(), own, bool(holder[i]), *(int(t[i]) for t in tables)),
            []).append(person)
        found: list[int] = []
        for alike in kinds.values():
            self._tick()
            mask = self.bundles.holds[:, alike[0]]
            if self.outsiders(rule, column, mask, (alike[0],), 0) is not None:
                found += alike
        return tuple(sorted(found))

    def closure(self, column: int, people: tuple[int, ...], active: int) -> Words:
        """The mask of all that these outsiders hold and fire, of the `active` rules (a bit each by number)."""
        key = (column, people)
        found, known = self._closures.get(key, (None, 0))
        if found is None:
            found, waiting = self.settled(column, people, people, self.none, active)
        elif active & ~known:
            # Those known to wait still do, unless a new one fires.
            found, waiting = self.settled(column, people, (), found, active, active & ~known)
        else:
            return found
        self._closures[key] = (found, active)
        return found

    def settled(
        self, column: int, people: tuple[int, ...], fresh: tuple[int, ...], mask: Words, waiting: int, first: int = 0
    ) -> tuple[Words, int]:
        """The mask of all that `people` hold and fire of the rules `waiting`, and those that do not fire. All but the
        `fresh` people were settled with `mask` before, except for the rules of `first`."""
        rules, numbers = self.ground.board.graph.rules, self.bundles
        held = self.held(fresh)
        if held is not None and (held | mask).any():
            # What is held may have opened a group to all: then anybody has a part.
            mask, waking = mask | held, waiting
        else:
            waking = first | (self.loose(column) if fresh else 0)
            for person in fresh:
                waking |= self.traits.parts(person)
            waking &= waiting
        while True:
            ready = []
            rest = waking
            while rest:
                low = rest & -rest
                rest ^= low
                number = low.bit_length() - 1
                if numbers.fired(mask, number):
                    waiting ^= low
                elif self.enough(rules[number], column, mask, people, 0):
                    ready.append(number)
                    waiting ^= low
            if not ready:
                return mask, waiting
            mask = mask | numbers.mask_of_rules(ready)
            waking = waiting

    def held(self, people: tuple[int, ...]) -> Words | None:
        """All sources that these people hold; None for none."""
        if not people:
            return None
        found: Words = self.bundles.holds[:, people[0]]
        for person in people[1:]:
            found = found | self.bundles.holds[:, person]
        return found

    def loose(self, column: int) -> int:
        """The rules in which anybody has a part, by a bit each: those for everyone, or with a group open."""
        found = self._loose.get(column)
        if found is None:
            found = 0
            for rule in self.ground.board.graph.rules:
                everyone = any(w.people is None and not w.opened for c in self.quorums.crowds(rule) for w in c.ways)
                if everyone or self.ground.opened(rule, column):
                    found |= 1 << rule.number
            self._loose[column] = found
        return found

    def alike(self, rule: Rule, columns: Words) -> list[list[int]]:
        """The columns of a mask [W], those together in which `direct` has the same answer with the same people."""
        groups: dict[object, list[int]] = {}
        for opened, some in self._by_opening(rule, columns).items():
            stakes = self.stakes(rule, opened, chained=False)
            people = self._concerned(rule, opened, stakes)
            if people is None:
                groups |= {c: [c] for c in some}
                continue
            words = self.ground.board.words
            acting = np.unpackbits(words[:, people].T.copy().view(np.uint8), axis=1, bitorder="little")
            keys = np.packbits(acting.T, axis=1)
            for c in some:
                key = c if self.ground.filled(c) else (opened, self.ground.waived(rule, c), keys[c].tobytes())
                groups.setdefault(key, []).append(c)
        return list(groups.values())

    def _by_opening(self, rule: Rule, columns: Words) -> dict[frozenset[int], list[int]]:
        found: dict[frozenset[int], list[int]] = {}
        for c in bits(columns):
            found.setdefault(self.ground.opened(rule, c), []).append(c)
        return found

    def _concerned(self, rule: Rule, opened: frozenset[int], stakes: Stakes) -> Ints | None:
        """Everyone whose acting can matter to `direct`; None when that is too many to compare."""
        key = (rule.number, opened)
        if key not in self._people:
            ballot, holding = self.quorums.ballot(rule, opened), rule.holders.people(opened)
            parts = [ballot.requesters.people, ballot.approvers.people]
            parts += [controllers.people for controllers in stakes.controllers]
            total = sum(len(part) for part in parts)
            few = holding is not None and not stakes.opens and total < MANY
            self._people[key] = np.unique(np.concatenate([*parts, holding])) if few and holding is not None else None
        return self._people[key]

    def feeders(self, rule: Rule, column: int) -> tuple[Rule, ...]:
        """The rules with powers whose bundle could matter to `rule` in this column."""
        opened = self.ground.opened(rule, column)
        key = (rule.number, opened)
        found = self._feeding.get(key)
        if found is None:
            rules = self.ground.board.graph.rules
            numbers = self.bundles.rules(self.stakes(rule, opened, chained=True).mask)
            found = self._feeding[key] = tuple(rules[n] for n in numbers)
        return found

    def outsiders(
        self, rule: Rule, column: int, mask: Words, people: tuple[int, ...], most: int
    ) -> tuple[int, ...] | None:
        """The fewest further outsiders, up to `most`, once the sources of `mask` are held and `people` act too."""
        scene = self._scene(rule, column, mask)
        if scene.waived:
            return self._holder(rule, scene.opened, column, mask, people, most)
        seating = self._seating(scene, column, people, most)
        if seating is None:
            return None
        if not seating.outsiders:
            return ()
        joining = self._joining(column, mask, people)
        ballot = scene.stand.ballot
        flags = [self._flags(c.people, column, joining) for c in (ballot.requesters, ballot.approvers)]
        return self.quorums.name(ballot, seating, *flags).outsiders

    def enough(self, rule: Rule, column: int, mask: Words, people: tuple[int, ...], most: int) -> bool:
        """Whether at most so many further outsiders do; who they are is left open."""
        scene = self._scene(rule, column, mask)
        if scene.waived:
            return self._holder(rule, scene.opened, column, mask, people, most) is not None
        return self._seating(scene, column, people, most) is not None

    def _seating(self, scene: Scene, column: int, people: tuple[int, ...], most: int) -> Seating | None:
        stand, ballot = scene.stand, scene.stand.ballot
        more = self._more(scene, column, people) if people else people
        filled = self.ground.filled(column)
        if len(more) > FEW:
            extra = np.array(more, dtype=np.int32)
            asking = ballot.requesters.added(stand.asking, extra)
            return self.quorums.least(ballot, asking, ballot.approvers.added(stand.approving, extra), most, filled)
        asks = tuple(sorted(self._number(ballot.requesters, person) for person in more))
        approves = tuple(sorted(self._number(ballot.approvers, person) for person in more))
        return self.quorums.joined(stand, asks, approves, most, filled)

    def _number(self, classes: Classes, person: int) -> int:
        """The class of a person, or -1."""
        key = (id(classes), person)
        found = self._class.get(key)
        if found is None:
            found = self._class[key] = int(classes.of(np.array([person], dtype=np.int32))[0])
        return found

    def _scene(self, rule: Rule, column: int, mask: Words) -> Scene:
        # Most of what is held matters to other rules only.
        matters = self._mattering.get((rule.number, column))
        if matters is None:
            matters = self.stakes(rule, self.ground.opened(rule, column), chained=True).mask
            self._mattering[rule.number, column] = matters
        mask = mask & matters
        key = (rule.number, column, mask.tobytes())
        found = self._scenes.get(key)
        if found is None:
            if len(self._scenes) > SCENES:
                self._scenes.clear()
            found = self._scenes[key] = self._make_scene(rule, column, mask)
        return found

    def _make_scene(self, rule: Rule, column: int, mask: Words) -> Scene:
        ground, bundles = self.ground, self.bundles
        opened = ground.opened(rule, column) | bundles.opened(mask, self.quorums.mentioned(rule))
        ballot = self.quorums.ballot(rule, opened)
        return Scene(
            opened=opened,
            waived=ground.waived(rule, column) or bundles.waived(mask, rule.terms),
            stand=self.quorums.stand(
                ballot,
                self._counts(ballot.requesters, column, mask, ()),
                self._counts(ballot.approvers, column, mask, ()),
            ),
            mask=tuple((w, int(mask[w])) for w in np.flatnonzero(mask).tolist()),
        )

    def _more(self, scene: Scene, column: int, people: tuple[int, ...]) -> tuple[int, ...]:
        """Those of `people` who do not act in the scene already."""
        acts, found = scene.acts, []
        for person in people:
            known = acts.get(person)
            if known is None:
                acting = int(self.ground.board.words[column >> 6, person]) >> (column & 63) & 1
                assumes = self.bundles.assumes
                known = acts[person] = bool(acting) or any(int(assumes[w, person]) & word for w, word in scene.mask)
            if not known:
                found.append(person)
        return tuple(found)

    def _holder(
        self, rule: Rule, opened: frozenset[int], column: int, mask: Words, people: tuple[int, ...], most: int
    ) -> tuple[int, ...] | None:
        if self.ground.holder(rule, opened, column) is not None:
            return ()
        holding = rule.holders.people(opened)
        holding = self._everyone if holding is None else holding
        if not holding.size:
            return None
        if np.isin(self._joining(column, mask, people), holding).any():
            return ()
        return (int(holding[0]),) if most else None

    def _flags(self, who: Ints, column: int, joining: Ints) -> Flags:
        return self.ground.acting(who, column) | np.isin(who, joining)

    def _counts(self, classes: Classes, column: int, mask: Words, people: tuple[int, ...]) -> Counts:
        """How many of each class act: on the ground, brought by `mask`, or among `people`."""
        key = (id(classes), column)
        counts = self._base.get(key)
        if counts is None:
            counts = self._base[key] = classes.counts(self.ground.acting(classes.people, column))
        if mask.any():
            who, of = self._brought_into(classes, mask)
            fresh = of[~self.ground.acting(who, column)]
            if fresh.size:
                counts = counts + np.bincount(fresh, minlength=len(counts))
        if people:
            more = np.array(people, dtype=np.int32)
            more = more[~self.ground.acting(more, column)]
            if mask.any():
                more = more[~self.bundles.assumed(mask, more)]
            counts = classes.added(counts, more)
        return counts

    def _brought_into(self, classes: Classes, mask: Words) -> tuple[Ints, Ints]:
        """Whom a mask brings of the people of a table, and their classes."""
        key = (id(classes), mask.tobytes())
        found = self._into.get(key)
        if found is None:
            flags = self.bundles.assumed(mask, classes.sorted_people)
            found = self._into[key] = (classes.sorted_people[flags], classes.sorted_class[flags])
        return found

    def _joining(self, column: int, mask: Words, people: tuple[int, ...]) -> Ints:
        """Those who act besides the ground: `people` and whom `mask` brings; people indexes, each once."""
        fresh = self._fresh(column, mask)
        if not people:
            return fresh
        more = np.array(people, dtype=np.int32)
        more = more[~self.ground.acting(more, column)]
        if len(more) > FEW:
            return np.union1d(fresh, more)
        if fresh.size and more.size:
            place = np.minimum(np.searchsorted(fresh, more), len(fresh) - 1)
            more = more[fresh[place] != more]
        return np.concatenate([fresh, more]) if fresh.size else more

    def _fresh(self, column: int, mask: Words) -> Ints:
        """Whom a mask brings who does not act on the ground; ascending."""
        if not mask.any():
            return self._nobody
        key = (column, mask.tobytes())
        found = self._joined.get(key)
        if found is None:
            brought = self.bundles.brought(mask)
            found = self._joined[key] = brought[~self.ground.acting(brought, column)]
        return found

    def stakes(self, rule: Rule, opened: frozenset[int], chained: bool) -> Stakes:
        """The sources whose bundle could matter to `rule` with `opened` groups open: those that people hold, and when
        `chained` also the rules with powers."""
        mentioned = self.quorums.mentioned(rule)
        key = (rule.number, opened & mentioned, chained)
        found = self._stakes.get(key)
        if found is None:
            found = self._stakes[key] = self._make(rule, key[1], mentioned, chained)
        return found

    def _make(self, rule: Rule, opened: frozenset[int], mentioned: frozenset[int], chained: bool) -> Stakes:
        bundles, ballot = self.bundles, self.quorums.ballot(rule, opened)
        groups = np.array(sorted(mentioned - opened), dtype=np.int64)
        opening = np.bitwise_or.reduce(bundles.opens[:, groups], axis=1)
        if not chained:
            opening = bundles.standing(opening)
        mask = self._assuming(rule, ballot, opened) | opening
        if rule.terms != STANDING:
            mask = mask | bundles.waives[:, rule.terms]
        if opening.any():
            # Once a group opens, whoever acts may ask or approve: then every identity counts.
            mask = mask | self._assuming_anyone()
        held, opens = bundles.standing(mask), bool(opening.any())
        if not chained:
            mask = held
        people = np.flatnonzero((bundles.holds & held[:, None]).any(axis=0)).astype(np.int32)
        if not people.size:
            return Stakes(mask=mask, held=held, controllers=(), opens=opens)
        rows, inverse = np.unique((bundles.holds[:, people] & held[:, None]).T, axis=0, return_inverse=True)
        order = np.argsort(inverse.reshape(-1), kind="stable")
        parts = np.split(people[order], np.cumsum(np.bincount(inverse.reshape(-1)))[:-1])
        controllers = tuple(Controllers(mask=row, people=part) for row, part in zip(rows, parts, strict=True))
        return Stakes(mask=mask, held=held, controllers=controllers, opens=opens)

    def _assuming(self, rule: Rule, ballot: Ballot, opened: frozenset[int]) -> Words:
        holding = rule.holders.people(opened)
        if holding is None:
            return self._assuming_anyone()
        people = np.concatenate([holding, ballot.approvers.people])
        found: Words = np.bitwise_or.reduce(self.bundles.assumes[:, people], axis=1)
        return found

    def _assuming_anyone(self) -> Words:
        if self._all_mask is None:
            self._all_mask = np.bitwise_or.reduce(self.bundles.assumes, axis=1)
        return self._all_mask

    def _leads(self, rule: Rule, opened: frozenset[int], column: int) -> list[Lead]:
        """One outsider of each kind of controller that could help in this column."""
        leads: list[Lead] = []
        for kind in self.kinds(rule, opened):
            outside = kind.people[~self.ground.acting(kind.people, column)]
            if outside.size:
                leads.append(
                    Lead(
                        mask=kind.mask, person=int(outside[0]), brings=kind.brings, asks=kind.asks, eases=kind.eases
                    )
                )
        return leads

    def kinds(self, rule: Rule, opened: frozenset[int]) -> list[Controllers]:
        """Controllers by bundle and by the role that they have in the quorum themselves."""
        key = (rule.number, opened & self.quorums.mentioned(rule))
        found = self._kinds.get(key)
        if found is None:
            stakes = self.stakes(rule, key[1], chained=False)
            found = self._kinds[key] = self._all_kinds(rule, stakes, opened)
        return found

    def _all_kinds(self, rule: Rule, stakes: Stakes, opened: frozenset[int]) -> list[Controllers]:
        """Controllers by bundle and by the role that they have in the quorum themselves. Those that bring no more than
        one identity are plain, and those that another kind covers in full are left out."""
        ballot = self.quorums.ballot(rule, opened)
        mentioned = self.quorums.mentioned(rule)
        holding = rule.holders.people(opened)
        kinds: list[tuple[Controllers, bool]] = []
        for controllers in stakes.controllers:
            mask = controllers.mask
            eases = bool(self.bundles.opened(mask, mentioned - opened)) or self.bundles.waived(mask, rule.terms)
            useful = self._useful(ballot, rule, opened, mask, stakes.opens)
            asks = holding is None or bool(np.isin(useful, holding).any())
            if not eases and not useful.size:
                continue
            for people, own, own_asks in self._by_role(controllers.people, ballot, rule, opened, stakes):
                brings = len(useful) - int((useful == people[0]).any()) + own
                if eases or brings >= 2:
                    kind = Controllers(
                        mask=mask, people=people, brings=brings, asks=asks or own_asks, eases=eases or stakes.opens
                    )
                    kinds.append((kind, own))
        kinds.sort(key=lambda kind: (-int(np.bitwise_count(kind[0].mask).sum()), int(kind[0].people[0])))
        kept: list[Controllers] = []
        for i, (kind, own) in enumerate(kinds):
            # Where all of the other kind act already, so does everything of this bundle.
            covered = any(
                not (kind.mask & ~other.mask).any() and (not own or self._assumes(other.mask, int(kind.people[0])))
                for other, _ in kinds[:i]
            )
            if not covered:
                kept.append(kind)
        return kept

    def _assumes(self, mask: Words, person: int) -> bool:
        return bool((self.bundles.assumes[:, person] & mask).any())

    def _useful(self, ballot: Ballot, rule: Rule, opened: frozenset[int], mask: Words, opens: bool) -> Ints:
        """The identities that a mask brings to the quorum."""
        some = self.bundles.brought(mask)
        if not opens and some.size:
            holding = rule.holders.people(opened)
            if holding is not None:
                some = some[(ballot.approvers.of(some) >= 0) | np.isin(some, holding)]
        return some

    def _by_role(
        self, controllers: Ints, ballot: Ballot, rule: Rule, opened: frozenset[int], stakes: Stakes
    ) -> Iterator[tuple[Ints, bool, bool]]:
        """Controllers by the role that they have in the quorum: (people, whether it is one, whether they may ask).
        People whom different
        sources bring differ too: one who is brought anyway adds nothing."""
        if stakes.opens:
            # With groups about to open everyone has a role; the ballot of everyone tells them apart.
            ballot = self.quorums.ballot(rule, self.quorums.mentioned(rule))
        roles: dict[tuple[int, int, bool, bytes], list[int]] = {}
        brought = np.ascontiguousarray((self.bundles.assumes[:, controllers] & stakes.mask[:, None]).T)
        asks, approves = ballot.requesters.of(controllers), ballot.approvers.of(controllers)
        holding = rule.holders.people(opened)
        holds = np.ones(len(controllers), dtype=np.bool_) if holding is None else np.isin(controllers, holding)
        for person, ask, approve, hold, by in zip(
            controllers.tolist(), asks.tolist(), approves.tolist(), holds.tolist(), brought, strict=True
        ):
            roles.setdefault((ask, approve, hold, by.tobytes()), []).append(person)
        for (ask, approve, hold, _), people in roles.items():
            yield np.array(people, dtype=np.int32), ask >= 0 or approve >= 0 or hold, hold
