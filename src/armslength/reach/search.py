"""Search: the exact answer where quorums feed each other.

A few people are found who would serve the goal and all that must fire before it, if everything fired that could. If
they do not fire the goal for real, then whoever does either fires nothing that they do not, or there is a first rule
among what is fired that they do not fire: it has to fire on what they do. Each case rules them out, and so the search
ends. Rules that those who fire the goal could not fire, one upon the other, are left out before.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np

from armslength.reach.coalition import Coalitions
from armslength.reach.columns import Words, as_int, set_bits
from armslength.reach.demands import Demand
from armslength.reach.links import Link, Links, People, demands, together
from armslength.reach.rules import Rule
from armslength.reach.spread import Ints, within


class Search:
    """One question: can at most so many accomplices fire `goal` in `column`, with the feeders `usable` (rules with
    powers, a bit each by number) to help? `active`: all rules with powers that cost as little, the feeders among them.
    `links`: those of this column and for at most so many."""

    def __init__(
        self,
        coalitions: Coalitions,
        goal: Rule,
        usable: int,
        column: int,
        active: int,
        links: Links,
        tick: Callable[[], None],
    ) -> None:
        self._coalitions, self._bundles = coalitions, coalitions.bundles
        self.goal, self.usable, self.column, self._tick = goal, usable, column, tick
        self._active, self._links = active, links
        self._sketches = links.sketches
        self._vain = Vain()
        self._near: int | None = None
        self._able: tuple[Ints | None] | None = None
        self._rules = coalitions.ground.board.graph.rules

    def complete(self, people: People, most: int) -> People | None:
        """`people`, who fire a feeder, with the fewest others who then fire the goal; None when more than `most`."""
        return self.first([people], most, set())

    def first(self, coalitions: Sequence[People], most: int, vain: set[Hashable]) -> People | None:
        """The same for the first of some coalitions that is enough. `vain`: what of a coalition matters to the goal,
        for those tried without success; added to."""
        near = self._sketches.counted(self.goal, self._sketches.sources(self.counted()))
        if near is None or near.fewest > most:
            return None
        matter = self._sketches.matters(self.goal)
        short = self._coalitions.roster.short
        for people, part in zip(coalitions, self._parts(coalitions), strict=True):
            # They may leave no more to others than there may be.
            left = most - len(people)
            if left < 0 or near.fewest - len(part) > left or short(near.demands, people) > left:
                continue
            mask = self._coalitions.closure(self.column, people, self._active)
            key = (part, len(people), as_int(mask) & matter)
            if key not in vain:
                found = self._with(people, mask, most)
                if found is not None:
                    return found
                vain.add(key)
        return None

    def _with(self, people: People, mask: Words, most: int) -> People | None:
        """Those who fire the goal with `people` and what they hold and fire."""
        if self._coalitions.enough(self.goal, self.column, mask, people, 0):
            return people
        if len(people) == most:
            return None
        more = self._coalitions.further(self.goal, self.column, mask, people, most - len(people))
        return None if more is None else people + more

    def _parts(self, coalitions: Sequence[People]) -> list[People]:
        """Of each coalition, those who could have a part in the goal."""
        if self._able is None:
            free = self._sketches.words(self._sketches.sources(self.counted()))
            self._able = (self._coalitions.able(self.goal, self.column, free),)
        able = self._able[0]
        if able is None:
            return list(coalitions)
        flags = iter(within(np.array([p for people in coalitions for p in people], dtype=np.int32), able).tolist())
        return [tuple([p for p in people if next(flags)]) for people in coalitions]

    def confirms(self, people: People) -> bool:
        """Whether `people`, found in another column, are outsiders here as well and fire the goal."""
        outside = self._coalitions.outside(self.column)
        return bool(outside[list(people)].all()) and self.complete(people, len(people)) is not None

    def counted(self) -> int:
        """The feeders that those who fire the goal might fire as well, as counting tells, a bit each by number."""
        if self._near is None:
            self._near = self._counted((), self.usable)
        return self._near

    def narrowed(self) -> int:
        """The same, and of the goal exactly how many it takes."""
        return self._beside((), self.counted())

    def least(self, usable: int, tried: int = 0) -> People | None:
        """A coalition that fires none but the feeders `usable`, or None when there is none. Call with links for rising
        numbers for a smallest one. `tried`: feeders that are known not to do without any other."""
        self._vain.add(0, (), tried)
        self._links.begin()
        return self._extend((), usable)

    def _extend(self, links: tuple[Link, ...], usable: int) -> People | None:
        """Of the coalitions that serve all of `links`, fire their rules, and besides the goal none but the feeders
        `usable`, which these are among."""
        self._tick()
        rules = sum({1 << link.rule.number for link in links})
        if self._vain.covers(rules, links, usable):
            return None
        found = self._branch(links, usable)
        if found is None:
            self._vain.add(rules, links, usable)
        return found

    def _branch(self, links: tuple[Link, ...], usable: int) -> People | None:
        usable = self._beside(links, usable)
        if any(not usable >> link.rule.number & 1 for link in links):
            return None
        some = self._served(links, usable)
        if some is None:
            return None
        found = self.complete(some, self._links.most)
        if found is not None:
            return found
        before = self._fired(some) & usable
        if before != usable and all(before >> link.rule.number & 1 for link in links):
            found = self._extend(links, before)
            if found is not None:
                return found
        given = self._sketches.sources(before)
        for number in set_bits(usable & ~before):
            rule = self._rules[number]
            sketch = self._sketches.counted(rule, given)
            # Most are not worth a link, as counting tells.
            if sketch is None or not self._counted(sketch.demands, usable, links) >> number & 1:
                continue
            link = self._links.link(rule, given)
            found = None if link is None else self._extend(together(links, link), usable)
            if found is not None:
                return found
        return None

    def _served(self, links: tuple[Link, ...], usable: int) -> People | None:
        """Who would serve the links and the goal, if all of `usable` fired."""
        last = self._links.link(self.goal, self._sketches.sources(usable))
        return None if last is None else self._links.fill(together(links, last))

    def _counted(self, asked: Sequence[Demand], usable: int, links: tuple[Link, ...] = ()) -> int:
        """Of the feeders `usable`, those that the same few could fire, one upon the other, who fire the goal, serve the
        links and meet what is asked; as counting tells."""
        near, before = usable, 0
        asked = (*asked, *demands(links))
        while near and near != before:
            sketch, before = self._sketches.counted(self.goal, self._sketches.sources(near)), near
            near = 0 if sketch is None else self._sketches.reached((*asked, *sketch.demands), near, exact=False)
        return near

    def _beside(self, links: tuple[Link, ...], usable: int) -> int:
        """The same of those who serve the links: exactly, once there are any."""
        while True:
            last = self._links.link(self.goal, self._sketches.sources(usable))
            if last is None:
                return 0
            near = self._sketches.reached(demands(together(links, last)), usable, exact=bool(links))
            if near == usable:
                return usable
            usable = near

    def _fired(self, people: People) -> int:
        """The feeders that they fire in the end, a bit each by number."""
        mask = self._coalitions.closure(self.column, people, self._active)
        return sum(1 << number for number in set_bits(self.usable) if self._bundles.fired(mask, number))


class Vain:
    """What was looked for in vain: coalitions that serve some links, of such `rules`, and fire none but the feeders
    `usable` (rules and feeders a bit each by number)."""

    def __init__(self) -> None:
        self._before: dict[int, dict[int, list[tuple[Link, ...]]]] = {}

    def add(self, rules: int, links: tuple[Link, ...], usable: int) -> None:
        self._before.setdefault(usable, {}).setdefault(rules, []).append(links)

    def covers(self, rules: int, links: tuple[Link, ...], usable: int) -> bool:
        """Whether those who serve the links and fire no others are among those looked for before: who serves more or
        harder links, or fires fewer feeders, is."""
        for more, before in self._before.items():
            for some in () if usable & ~more else before:
                if not some & ~rules and any(_includes(links, easier) for easier in before[some]):
                    return True
        return False


def _includes(links: tuple[Link, ...], easier: tuple[Link, ...]) -> bool:
    """Whether all who serve `links` serve the easier ones."""
    return all(any(link.implies(one) for link in links) for one in easier)
