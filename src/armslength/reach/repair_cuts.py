"""The clauses known so far, the pairs each is for, and quick plans that meet all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from armslength.reach.repair_clause import Clause
from armslength.reach.repair_master import Infeasible, Solved, fewest_given_up, solve
from armslength.reach.repair_menu import Key, Menu

Pair = tuple[int, int]


class Cuts:
    """A clause for pairs counts as long as one of them is not given up; one for no pair always counts."""

    def __init__(self, menu: Menu, rank: Sequence[int]) -> None:
        """`rank[r]`: of terms that cost the same, those of lower rank are put first."""
        self._menu, self._rank = menu, rank
        self._pairs: dict[Clause, set[Pair]] = {}
        self._always: set[Clause] = set()
        self._with: dict[int, list[Clause]] = {}
        self._hopeless: set[Pair] = set()
        self.given_up: frozenset[Pair] = frozenset()
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
                self._active = None
            if c.pair is None:
                self._always.add(c)
            elif c.pair not in pairs:
                if pairs <= self.given_up:
                    self._active = None
                pairs.add(c.pair)
        return len(self._pairs) - before

    def give_up(self, pairs: Iterable[Pair]) -> None:
        """These pairs cannot be mended by anything. Without them, others that were given up may be mended after all."""
        self._hopeless.update(pairs)
        self.given_up = frozenset(self._hopeless)
        self._active = None

    def active(self) -> list[Clause]:
        if self._active is None:
            given = self.given_up
            self._active = [c for c, pairs in self._pairs.items() if c in self._always or not pairs <= given]
        return self._active

    def of(self, pair: Pair) -> list[Clause]:
        """The clauses known for a pair."""
        return [c for c, pairs in self._pairs.items() if pair in pairs]

    def least(self, expired: Callable[[], bool], known: frozenset[int] | None) -> Solved:
        """The cheapest plan that meets every clause. Where there is none, the fewest pairs are given up first."""
        while True:
            if known is not None and not all(c.met(known) for c in self.active()):
                known = None
            solved = solve(self._menu, self.active(), expired, known)
            if not isinstance(solved, Infeasible):
                return solved
            self._choose(expired)

    def _choose(self, expired: Callable[[], bool]) -> None:
        """Which pairs to give up, so that the clauses of the others can all be met."""
        by_pair: dict[Pair, set[int]] = {}
        clauses = list(self._pairs)
        for number, c in enumerate(clauses):
            if c not in self._always:
                for pair in self._pairs[c] - self._hopeless:
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
            (c, frozenset(asked[number]))
            for number, c in enumerate(clauses)
            if c in self._always or asked[number]
        ]
        chosen = fewest_given_up(self._menu, wanted, [len(pairs) for pairs in members], expired)
        self.given_up = frozenset(self._hopeless).union(*(members[group] for group in chosen))
        self._active = None

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
        return all(c.met(chosen) for c in self.active() if any(option in some for some in c.unless))

    def pruned(self, chosen: frozenset[int]) -> frozenset[int]:
        """Without changes that no clause asks for, the dearest first."""
        given = self.given_up
        for o in sorted(chosen, key=lambda o: (-self._menu.weight[o], o)):
            less = chosen - {o}
            if all(c.met(less) for c in self._with.get(o, ()) if c in self._always or not self._pairs[c] <= given):
                chosen = less
        return chosen

    def mended(self, chosen: frozenset[int]) -> frozenset[int] | None:
        """`chosen` with cheap changes more, until every clause is met; None where that leads nowhere."""
        menu = self._menu
        at: dict[Key, int] = {menu.key[o]: o for o in chosen}
        spent: set[int] = set(chosen)
        unmet = [c for c in self.active() if not c.met(chosen)]
        while unmet:
            gain: dict[int, int] = {}
            for c in unmet:
                for o in c.any_of:
                    if o not in spent:
                        gain[o] = gain.get(o, 0) + 1
            if not gain:
                return None
            best = min(gain, key=lambda o: (menu.weight[o] / gain[o], self._order(o), o))
            old = at.get(menu.key[best])
            at[menu.key[best]] = best
            spent.add(best)
            chosen = frozenset(at.values())
            if old is None and not any(c.unless for c in self._with.get(best, ())):
                unmet = [c for c in unmet if not c.met(chosen)]
            if old is not None or not unmet:
                unmet = [c for c in self.active() if not c.met(chosen)]
        return chosen

    def _order(self, option: int) -> int:
        return self._rank[self._menu.status[option]] if self._menu.terms(option) else -1
