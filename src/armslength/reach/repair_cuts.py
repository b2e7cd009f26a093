"""The clauses known so far, the pairs each is for, and quick plans that meet all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush

from armslength.reach.clock import Expired
from armslength.reach.repair_clause import Clause
from armslength.reach.repair_master import Infeasible, Master, Solved, fewest_given_up
from armslength.reach.repair_menu import Key, Menu

Pair = tuple[int, int]
MANY = 128
"""Different sets of clauses of one pair looked at."""
LEAST = 1e-9
"""A gain below is none: sums of fractions are not exact."""


class Cuts:
    """A clause for pairs counts as long as one of them is neither given up nor set aside; one for no pair always
    counts."""

    def __init__(self, menu: Menu, rank: Sequence[int]) -> None:
        """`rank[r]`: of terms that cost the same, those of lower rank are put first."""
        self._menu, self._rank = menu, rank
        self._master = Master(menu)
        self._pairs: dict[Clause, set[Pair]] = {}
        self._always: set[Clause] = set()
        self._with: dict[int, list[Clause]] = {}
        self._against: dict[int, list[Clause]] = {}
        self._for: dict[Pair, list[Clause]] = {}
        self._hopeless: set[Pair] = set()
        self._alone: dict[frozenset[Clause], int] = {}
        self.given_up: frozenset[Pair] = frozenset()
        self.aside: frozenset[Pair] = frozenset()
        self._out: frozenset[Pair] = frozenset()
        self._active: list[Clause] | None = None

    def __len__(self) -> int:
        return len(self._pairs)

    def add(self, clauses: Iterable[Clause]) -> int:
        """How many of them are new."""
        before = len(self._pairs)
        for c in clauses:
            pairs = self._pairs.get(c)
            if pairs is None:
                pairs = self._pairs[c] = set()
                for o in c.any_of:
                    self._with.setdefault(o, []).append(c)
                for o in frozenset[int]().union(*c.unless):
                    self._against.setdefault(o, []).append(c)
                self._active = None
            if c.pair is None:
                self._always.add(c)
            elif c.pair not in pairs:
                if pairs <= self._out:
                    self._active = None
                pairs.add(c.pair)
                self._for.setdefault(c.pair, []).append(c)
        return len(self._pairs) - before

    def bound(self, expired: Callable[[], bool]) -> int | None:
        """What the clauses prove at a glance; None where they cannot all be met."""
        return self._master.relaxed(self.active(), expired)

    def give_up(self, pairs: Iterable[Pair]) -> None:
        """These pairs cannot be mended by anything. Without them, others that were given up may be mended after all."""
        self._hopeless.update(pairs)
        self.leave(frozenset(self._hopeless), self.aside)

    def set_aside(self, pairs: frozenset[Pair]) -> None:
        """Let these pairs not count, and all that were set aside before only if they are among them."""
        self.leave(frozenset(self._hopeless), pairs)

    def leave(self, given_up: frozenset[Pair], aside: frozenset[Pair]) -> None:
        """Let exactly these pairs not count."""
        self.given_up, self.aside = given_up, aside
        self._out = given_up | aside
        self._active = None

    def active(self) -> list[Clause]:
        if self._active is None:
            self._active = [c for c in self._pairs if self._counts(c)]
        return self._active

    def of(self, pair: Pair) -> list[Clause]:
        """The clauses known for a pair."""
        return self._for.get(pair, [])

    def told(self, c: Clause) -> Clause:
        """The same for one of its pairs that counts."""
        pairs = self._pairs[c] - self._out
        if c.pair is None or c.pair in pairs or not pairs:
            return c
        return next(same for same in self._for[min(pairs)] if same == c)

    def alone(self, pair: Pair, expired: Callable[[], bool]) -> int:
        """What a plan that mends this pair weighs at the least, whatever else it mends, by its own clauses; 0 once that
        was found out for many."""
        asked = frozenset(self.of(pair))
        if asked not in self._alone and len(self._alone) < MANY:
            self._alone[asked] = self._master.relaxed(list(asked), expired) or 0
        return self._alone.get(asked, 0)

    def least(self, expired: Callable[[], bool], known: frozenset[int] | None, gap: float = 0.0) -> Solved:
        """The cheapest plan that meets every clause, or as near to it as `gap` says. Where there is none, the fewest
        pairs are given up first."""
        while True:
            if expired():
                raise Expired
            if known is not None and not all(c.met(known) for c in self.active()):
                known = None
            solved = self._master.solve(self.active(), expired, known, gap)
            if not isinstance(solved, Infeasible):
                return solved
            self._choose(expired)

    def _choose(self, expired: Callable[[], bool]) -> None:
        """Which pairs to give up, so that the clauses of the others can all be met."""
        by_pair: dict[Pair, set[int]] = {}
        clauses = list(self._pairs)
        for number, c in enumerate(clauses):
            if c not in self._always:
                for pair in self._pairs[c] - self._hopeless - self.aside:
                    by_pair.setdefault(pair, set()).add(number)
        groups: dict[frozenset[int], list[Pair]] = {}
        for pair, numbers in by_pair.items():
            groups.setdefault(frozenset(numbers), []).append(pair)
        members = list(groups.values())
        asked: list[set[int]] = [set() for _ in clauses]
        for group, together in enumerate(groups):
            for number in together:
                asked[number].add(group)
        wanted = [
            (c, frozenset(asked[number])) for number, c in enumerate(clauses) if c in self._always or asked[number]
        ]
        chosen = fewest_given_up(self._menu, wanted, [len(pairs) for pairs in members], expired)
        if expired():
            # A search cut short may give up more than it must.
            raise Expired
        self.leave(frozenset(self._hopeless).union(*(members[group] for group in chosen)), self.aside)

    def polished(self, chosen: frozenset[int]) -> frozenset[int]:
        """As cheap, with no change that no clause asks for, and of terms that serve as well those of the lowest
        rank."""
        chosen = self.pruned(chosen)
        menu = self._menu
        for o in sorted(chosen):
            if not menu.terms(o):
                continue
            same = [
                p
                for p in menu.options(menu.key[o])
                if menu.terms(p)
                and menu.weight[p] == menu.weight[o]
                and self._rank[menu.status[p]] < self._rank[menu.status[o]]
            ]
            for p in sorted(same, key=lambda p: self._rank[menu.status[p]]):
                other = (chosen - {o}) | {p}
                if all(c.met(other) for c in self._with.get(o, ())) and self._no_new(other, p):
                    chosen = other
                    break
        return chosen

    def _no_new(self, chosen: frozenset[int], option: int) -> bool:
        """Whether no clause that asks for something not to be done is broken by an option."""
        return all(c.met(chosen) for c in self._against.get(option, ()) if self._counts(c))

    def pruned(self, chosen: frozenset[int]) -> frozenset[int]:
        """Without changes that no clause asks for, the dearest first."""
        for o in sorted(chosen, key=lambda o: (-self._menu.weight[o], o)):
            less = chosen - {o}
            if all(c.met(less) for c in self._with.get(o, ()) if self._counts(c)):
                chosen = less
        return chosen

    def mended(self, chosen: frozenset[int]) -> frozenset[int] | None:
        """`chosen` with cheap changes more, and without those that must not be made together, until every clause is
        met; None where that leads nowhere. To take one of several alike out of a group counts for as much less as there
        are others who may stand in."""
        menu = self._menu
        at: dict[Key, int] = {menu.key[o]: o for o in chosen}
        spent: set[int] = set(chosen)
        now = frozenset(at.values())
        gains = _Gains(menu, self._order)
        unmet = dict.fromkeys(c for c in self.active() if not c.met(now))
        for c in unmet:
            gains.add(c)
        while unmet:
            best = gains.best(spent)
            if best is not None:
                spent.add(best)
                old = at.get(menu.key[best])
                with_it = (now - {old}) | {best} if old is not None else now | {best}
                if not all(c.met(with_it) for c in self._against.get(best, ()) if c not in unmet and self._counts(c)):
                    # It would do what must not be done.
                    continue
                at[menu.key[best]] = best
                touched = [best] if old is None else [best, old]
            else:
                touched = self._undone(unmet, now)
                if not touched:
                    return None
                for o in touched:
                    del at[menu.key[o]]
            now = frozenset(at.values())
            for c in dict.fromkeys(c for o in touched for c in (*self._with.get(o, ()), *self._against.get(o, ()))):
                if self._counts(c) and c.met(now) == (c in unmet):
                    if c in unmet:
                        del unmet[c]
                        gains.take(c)
                    else:
                        unmet[c] = None
                        gains.add(c)
        return now

    def _undone(self, unmet: Iterable[Clause], chosen: frozenset[int]) -> list[int]:
        """Changes to take back so that a clause is met after all; those on which fewest others rest."""
        ways = [some & chosen for c in unmet for some in c.unless]
        rests = {o: sum(1 for c in self._with.get(o, ()) if len(c.any_of & chosen) == 1) for way in ways for o in way}
        return sorted(min(ways, key=lambda way: (sum(rests[o] for o in way), sorted(way)), default=()))

    def _counts(self, c: Clause) -> bool:
        return c in self._always or not self._pairs[c] <= self._out

    def _order(self, option: int) -> int:
        return self._rank[self._menu.status[option]] if self._menu.terms(option) else -1


class _Gains:
    """How much each option would help with the clauses not met, and which helps most for its weight."""

    def __init__(self, menu: Menu, order: Callable[[int], int]) -> None:
        self._menu, self._order = menu, order
        self._gain: dict[int, float] = {}
        self._heap: list[tuple[float, int, int]] = []
        self._fresh: set[int] = set()

    def add(self, c: Clause) -> None:
        for o in c.any_of:
            self._gain[o] = self._gain.get(o, 0.0) + 1 / (1 + c.others.get(o, 0))
            self._fresh.add(o)

    def take(self, c: Clause) -> None:
        for o in c.any_of:
            self._gain[o] -= 1 / (1 + c.others.get(o, 0))

    def best(self, spent: set[int]) -> int | None:
        for o in self._fresh:
            if o not in spent:
                heappush(self._heap, self._entry(o))
        self._fresh.clear()
        while self._heap:
            entry = heappop(self._heap)
            option = entry[2]
            if option in spent or self._gain[option] < LEAST:
                continue
            now = self._entry(option)
            if now <= entry:
                return option
            # Some of what it would have met is met.
            heappush(self._heap, now)
        return None

    def _entry(self, option: int) -> tuple[float, int, int]:
        gain = self._gain[option]
        dear = self._menu.weight[option] / gain if gain >= LEAST else math.inf
        return dear, self._order(option), option
