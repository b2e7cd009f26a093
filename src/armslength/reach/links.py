"""Links: what a coalition has to serve all at once so that one rule after another fires, and who can.

Each link asks for outsiders of its own, and the same few have to serve all. How few each needs is exact, and who joins
makes that one less at the most. So each demands so many of those with a part in it, and one of each landmark; few can
meet many such demands at once, and only who could is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import combinations
from operator import or_

import numpy as np
import numpy.typing as npt

from armslength.reach.coalition import Coalitions
from armslength.reach.columns import Words, as_int
from armslength.reach.demands import WIDTH, Demand, meet, wanted
from armslength.reach.rules import Rule
from armslength.reach.scene import NO_ROLE, Role
from armslength.reach.situation import Situations
from armslength.reach.sketches import Sketches
from armslength.reach.spread import Flags, Ints, within

People = tuple[int, ...]
Roles = tuple[Role, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Link:
    """A rule that has to fire once the sources of `given` [Wh] are held. It takes some outsiders at the least, of those
    who could be among them (`part`); of each of the `landmarks`, one has to be. `bits`: `given` as a number."""

    rule: Rule
    given: Words
    part: Demand
    landmarks: tuple[Demand, ...]
    bits: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bits", as_int(self.given))

    @property
    def need(self) -> int:
        return self.part.count

    @property
    def able(self) -> Ints | None:
        """Indexes of outsiders; None for everyone."""
        return self.part.people

    @property
    def demands(self) -> tuple[Demand, ...]:
        return (self.part, *self.landmarks) if self.need else ()

    def implies(self, other: Link) -> bool:
        """Whether all who serve this one serve the other."""
        return self.rule is other.rule and not self.bits & ~other.bits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cast:
    """Outsiders of each of the `kinds` worth trying for some links. `marks` [kinds]: the demands in whose sets they
    are, a bit each: first those of the links themselves, then the landmarks. `sizes` [kinds]: how many there are."""

    kinds: list[Ints]
    marks: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]

    def part(self, link: int) -> Flags:
        """Shape [kinds]: who could be among those of a link, by its place; past the width, anyone."""
        found: Flags = self.marks >> link & 1 != 0 if link < WIDTH else self.sizes > 0
        return found


class Links:
    """Those of one `column`, for coalitions of at most `most`. `known`: what was found in like situations, for all
    columns together."""

    def __init__(
        self,
        coalitions: Coalitions,
        situations: Situations,
        known: dict[Hashable, People | None],
        column: int,
        most: int,
        tick: Callable[[], None],
    ) -> None:
        self._coalitions, self._situations, self._known = coalitions, situations, known
        self._column, self.most, self._tick = column, most, tick
        self.sketches = Sketches(coalitions, column, most)
        self._links: dict[tuple[int, int], Link | None] = {}
        self._disjoint: dict[tuple[int, int], bool] = {}
        self._filled: dict[frozenset[int], People | None] = {}
        self._roles: dict[tuple[int, int, People | Roles, Role | None], bool] = {}
        self._stages: dict[tuple[int, People], tuple[Words, Roles | None]] = {}
        self._kinds: dict[tuple[frozenset[int], int, frozenset[int], bytes | None], list[Ints]] = {}

    def begin(self) -> None:
        """Forget what takes room and helps one search only."""
        self._roles.clear()
        self._stages.clear()
        self._kinds.clear()

    def link(self, rule: Rule, given: int) -> Link | None:
        """The rule as a link, or None when more outsiders would be needed than there may be. `given`: sources, a bit
        each."""
        given &= self.sketches.matters(rule)
        key = (rule.number, given)
        if key not in self._links:
            self._links[key] = self._make(rule, given)
        return self._links[key]

    def _make(self, rule: Rule, given: int) -> Link | None:
        need, mask = self.sketches.need(rule, given), self.sketches.words(given)
        if need is None:
            return None
        landmarks = self.sketches.landmarks(rule, mask) if need else ()
        return Link(rule=rule, given=mask, part=self.sketches.part(rule, mask, need), landmarks=landmarks)

    def fill(self, links: tuple[Link, ...]) -> People | None:
        """At most `most` outsiders who serve all the links at once."""
        key = frozenset(id(link) for link in links)
        if key not in self._filled:
            self._filled[key] = self._recall(links)
        return self._filled[key]

    def may(self, links: tuple[Link, ...]) -> bool:
        """Whether nothing plain stands against `fill`."""
        return not self._apart(links) and self._coalitions.roster.met(demands(links), self.most)

    def _recall(self, links: tuple[Link, ...]) -> People | None:
        """The same, from another column or goal where it must be alike."""
        if not self.may(links):
            return None
        links = tuple(sorted(links, key=lambda link: (link.rule.number, link.given.tobytes())))
        given: Words = np.bitwise_or.reduce([link.given for link in links], axis=0)
        key = self._situations.key([link.rule for link in links], given, self._column, self.most)
        if key is None:
            key = (self._column, self.most, tuple(link.rule.number for link in links))
        key = (key, tuple(link.given.tobytes() for link in links))
        if key in self._known:
            found = self._known[key]
            if found is None or self._serve(links, found):
                return found
        found = self._known[key] = self._find(links)
        return found

    def _serve(self, links: tuple[Link, ...], people: People) -> bool:
        """Whether these are outsiders here and enough for all the links."""
        if not self._coalitions.outside(self._column)[list(people)].all():
            return False
        return all(
            self._coalitions.suffices(link.rule, self._column, self._given(link, people), people, 0) for link in links
        )

    def _find(self, links: tuple[Link, ...]) -> People | None:
        needs = tuple(link.need for link in links)
        if sum(needs) <= self.most:
            return self._joined(links, needs, ())
        some = self._worth(links, needs)
        kinds = self._kinds_of(links, some)
        first = np.array([kind[0] for kind in kinds], dtype=np.int32)
        marks, asked = np.zeros(len(kinds), dtype=np.int64), demands(links)
        for i, demand in enumerate(asked):
            marks |= (1 if demand.people is None else within(first, demand.people).astype(np.int64)) << i
        sizes = np.array([len(kind) for kind in kinds], dtype=np.int64)
        cast = Cast(kinds=kinds, marks=marks, sizes=sizes)
        unseen = (1 << len(asked)) - (1 << min(len(links), WIDTH))
        return self._join(links, needs, cast, np.ones(len(kinds), dtype=np.bool_), (), unseen)

    def _worth(self, links: tuple[Link, ...], needs: Sequence[int]) -> Ints | None:
        """Everyone who may be in a coalition for the links; None for anyone. Where a link needs as many as there may
        be, each of them has a part in it."""
        full = [link for link, need in zip(links, needs, strict=True) if need == self.most]
        tight = [link.able for link in full if link.able is not None]
        if tight:
            some = tight[0]
            for other in tight[1:]:
                some = np.intersect1d(some, other, assume_unique=True)
            return some
        able = [link.able for link in links if link.able is not None]
        return np.unique(np.concatenate(able)).astype(np.int32) if len(able) == len(links) else None

    def _apart(self, links: tuple[Link, ...]) -> bool:
        """Whether two links need more than there may be, and nobody has a part in both."""
        for one, other in combinations(links, 2):
            if one.able is not None and other.able is not None and one.need + other.need > self.most:
                key = (id(one), id(other))
                found = self._disjoint.get(key)
                if found is None:
                    both = np.intersect1d(one.able, other.able, assume_unique=True)
                    found = self._disjoint[key] = not both.size
                if found:
                    return True
        return False

    def _join(
        self, links: tuple[Link, ...], needs: Sequence[int], cast: Cast, allowed: Flags, people: People, unseen: int
    ) -> People | None:
        """The same with `people` among them, of whom the links still need so many more, and otherwise only outsiders of
        the kinds `allowed`. `unseen`: the landmarks, a bit each, in which none of `people` is."""
        self._tick()
        room = self.most - len(people)
        if sum(needs) <= room:
            return self._joined(links, needs, people)
        # Where a link needs as many as may still join, each of them has a part in it.
        counts = list(needs[:WIDTH])
        tight = sum(1 << i for i, need in enumerate(counts) if need == room)
        allowed = allowed & (cast.marks & tight == tight)
        counts += [unseen >> i & 1 for i in range(len(counts), unseen.bit_length())]
        if not meet(_counted(cast.marks[allowed], cast.sizes[allowed]), wanted(counts, room), room):
            return None
        shared = self._shared(needs, cast, allowed, room, unseen)
        for kind in np.flatnonzero(shared).tolist():
            person = next((p for p in cast.kinds[kind][: self.most].tolist() if p not in people), None)
            if person is not None:
                more = (*people, person)
                left = self._all_left(links, needs, more, room - 1)
                if left is not None:
                    found = self._join(links, left, cast, allowed, more, unseen & ~int(cast.marks[kind]))
                    if found is not None:
                        return found
            # From here on, coalitions without this kind.
            allowed[kind] = False
        return None

    def _shared(self, needs: Sequence[int], cast: Cast, allowed: Flags, room: int, unseen: int) -> Flags:
        """The fewest kinds of which one more outsider must be: those in a landmark, or, if k links together need over
        (k - 1) × room, those with a part in all of them."""
        best, least = allowed, len(allowed) + 1
        while unseen:
            low = unseen & -unseen
            unseen ^= low
            flags = allowed & (cast.marks & low != 0)
            count = int(flags.sum())
            if count < least:
                best, least = flags, count
        wanting = [i for i, need in enumerate(needs) if need]
        for size in range(1, len(wanting) + 1):
            for some in combinations(wanting, size):
                if sum(needs[i] for i in some) > (size - 1) * room:
                    flags = np.logical_and.reduce([allowed, *(cast.part(i) for i in some)])
                    count = int(flags.sum())
                    if count < least:
                        best, least = flags, count
        return best

    def _all_left(
        self, links: tuple[Link, ...], needs: Sequence[int], people: People, room: int
    ) -> tuple[int, ...] | None:
        """How many each link needs once the last of `people` has joined; None if that is over `room` anywhere."""
        left = list(needs)
        # The links that ask for most refuse most; where values must differ, asking takes long.
        distinct = self._coalitions.quorums.distinct
        for i in sorted(range(len(links)), key=lambda i: (-needs[i], len(distinct(links[i].rule)))):
            left[i] = self._left(links[i], needs[i], people)
            if left[i] > room:
                return None
        return tuple(left)

    def _left(self, link: Link, need: int, people: People) -> int:
        """How many the link needs once the last of `people` has joined: one fewer, or as many as before."""
        if not need:
            return 0
        given, roles = self._stage(link, people[:-1])
        role = self._coalitions.role(link.rule, self._column, given, people[-1])
        if role is None:
            return need - self._joins(link, need, people)
        key = (id(link), need, people[:-1] if roles is None else _with(roles, role), role if roles is None else None)
        found = self._roles.get(key)
        if found is None:
            found = self._roles[key] = self._joins(link, need, people)
        return need - found

    def _stage(self, link: Link, people: People) -> tuple[Words, Roles | None]:
        """All that is held once these have joined, and the roles that they have in the link; None where one of them
        holds what brings more."""
        key = (id(link), people)
        found = self._stages.get(key)
        if found is None:
            given, roles = self._given(link, people), self._stage(link, people[:-1])[1] if people else ()
            if people and roles is not None:
                role = self._coalitions.role(link.rule, self._column, given, people[-1])
                roles = None if role is None else _with(roles, role)
            found = self._stages[key] = (given, roles)
        return found

    def _joins(self, link: Link, need: int, people: People) -> bool:
        return self._coalitions.suffices(link.rule, self._column, self._given(link, people), people, need - 1)

    def _given(self, link: Link, people: People) -> Words:
        held = self._coalitions.held(people)
        return link.given if held is None else link.given | held

    def _joined(self, links: tuple[Link, ...], needs: Sequence[int], people: People) -> People:
        """`people` and, for each link, the fewest others that it needs."""
        found = dict.fromkeys(people)
        for link, need in zip(links, needs, strict=True):
            if need:
                given = self._given(link, people)
                more = self._coalitions.further(link.rule, self._column, given, people, need)
                found |= dict.fromkeys(more or ())
        return tuple(found)

    def _kinds_of(self, links: tuple[Link, ...], some: Ints | None) -> list[Ints]:
        """The outsiders among some who could have a part in a link, like people together."""
        rules = {link.rule.number: link.rule for link in links}
        joined = {link.rule.number: link.rule for link in links if link.able is None}
        key = (frozenset(rules), len(links), frozenset(joined), None if some is None else some.tobytes())
        found = self._kinds.get(key)
        if found is None:
            coalitions = self._coalitions
            relevant = self.sketches.words(reduce(or_, map(self.sketches.matters, rules.values())))
            outside = coalitions.outside(self._column)
            found = coalitions.traits.kinds(
                some, outside, list(rules.values()), relevant, self.most, len(links), list(joined.values())
            )
            self._kinds[key] = found
        return found


def together(links: tuple[Link, ...], link: Link) -> tuple[Link, ...]:
    """The links and one more; of one rule, those that another includes are left out."""
    if any(other.implies(link) for other in links):
        return links
    return (*(other for other in links if not link.implies(other)), link)


def demands(links: Sequence[Link]) -> list[Demand]:
    """Those of all links themselves, then their landmarks, as many as are looked at together."""
    return [*(link.part for link in links), *(one for link in links for one in link.landmarks)][:WIDTH]


def _with(roles: Roles, role: Role) -> Roles:
    """The roles and one more, if it is one."""
    return tuple(sorted((*roles, role))) if role != NO_ROLE else roles


def _counted(marks: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> dict[int, int]:
    """How many people have each of the `marks`."""
    found: dict[int, int] = {}
    for mark, size in zip(marks.tolist(), sizes.tolist(), strict=True):
        found[mark] = found.get(mark, 0) + size
    return found
