"""Seating: whether some of a bench make a quorum with given people, found kind by kind.

First kinds are chosen, by exposures, lines and places; then people of them, by their values. What is found is checked
by the rule of quorums itself, so that no error here can name a quorum that is none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from armslength.gate.bench import Bench, Row
from armslength.gate.quorum import Member, Rule, agree, filled, placed, shortfalls

Layers = tuple[int, ...]
"""`layers[j]`: the states, a bit each, that more than j of the seats are exposed to."""


class Spent(Exception):
    """The search took more steps than it was given."""


class Steps:
    """How many steps a search may still take: so many, and no clock, that the answer is the same everywhere."""

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self) -> None:
        """Raises `Spent` once there are none."""
        self._left -= 1
        if self._left < 0:
            raise Spent


class Seating:
    """A rule, who asks, and who could approve: those of the bench that `fits` takes."""

    def __init__(
        self, bench: Bench, rule: Rule, asking: Sequence[Member], fits: Callable[[Member], bool], steps: Steps
    ) -> None:
        self._rule, self._asking, self._steps = rule, asking, steps
        self._rows = bench.rows(fits)
        states = frozenset().union(*(one.exposed for one in asking), *(row.kind.exposed for row in self._rows))
        self._bits: dict[str, int] = {state: 1 << n for n, state in enumerate(sorted(states - rule.home))}
        self._masks = tuple(self._mask(row.kind.exposed) for row in self._rows)
        self._most = rule.approvals + 1 - rule.apart
        """So many seats may be exposed to one state."""
        self._every = [one for row in self._rows for one in row.people]

    def find(self, forced: Sequence[Member]) -> tuple[Member, ...] | None:
        """A quorum that has all of `forced` in it, None if there is none. Raises `Spent`."""
        rule = self._rule
        if self._most < 0 or sum(rule.places) > rule.approvals or len(forced) > rule.approvals:
            return None
        if not agree(rule, self._asking, forced) or self._hopeless(forced):
            return None
        layers: Layers | None = (0,) * self._most
        for exposed in (frozenset().union(*(one.exposed for one in self._asking)), *(one.exposed for one in forced)):
            layers = None if layers is None else self._more(layers, self._mask(exposed))
        if layers is None:
            return None
        return self._kinds(forced, (), 0, layers)

    def _kinds(
        self, forced: Sequence[Member], chosen: tuple[int, ...], start: int, layers: Layers
    ) -> tuple[Member, ...] | None:
        """Rows for the seats that are left, from row `start` on, each as often as it has people."""
        rows = [self._rows[number] for number in chosen]
        left = self._rule.approvals - len(forced) - len(chosen)
        if self._rule.places:
            stand = [*forced, *(row.people[0] for row in rows)]
            if filled(self._rule, stand) + left < sum(self._rule.places):
                return None
        if not left:
            return self._people(tuple(forced), sorted(rows, key=lambda row: len(row.people)))
        for number in range(start, len(self._rows)):
            self._steps.take()
            if chosen.count(number) >= len(self._rows[number].people) or not self._clear(forced, chosen, number):
                continue
            more = self._more(layers, self._masks[number])
            if more is not None and (found := self._kinds(forced, (*chosen, number), number, more)) is not None:
                return found
        return None

    def _people(self, seated: tuple[Member, ...], rows: Sequence[Row]) -> tuple[Member, ...] | None:
        """Somebody of each row, so that no values are the same."""
        if not rows:
            return None if shortfalls(self._rule, self._asking, seated) else seated
        taken = {one.person for one in seated}
        for one in rows[0].people:
            self._steps.take()
            if one.person in taken or any(
                one.values.get(column) == other.values.get(column) for other in seated for column in self._rule.distinct
            ):
                continue
            if (found := self._people((*seated, one), rows[1:])) is not None:
                return found
        return None

    def _hopeless(self, forced: Sequence[Member]) -> bool:
        """Whether too few differ in a column, or fit a place, whoever is chosen."""
        rule, every = self._rule, [*forced, *self._every]
        return not placed(rule, every) or any(
            len({one.values.get(column) for one in every}) < rule.approvals for column in rule.distinct
        )

    def _clear(self, forced: Sequence[Member], chosen: tuple[int, ...], number: int) -> bool:
        """Whether the row is in no reporting line with those chosen already."""
        if not self._rule.lines_apart:
            return True
        kind = self._rows[number].kind
        return not any(kind.rivals(self._rows[other].kind) for other in chosen if other != number) and not any(
            one.person in kind.line or kind.own in one.line for one in forced
        )

    def _more(self, layers: Layers, mask: int) -> Layers | None:
        """The layers with one more seat, None where one state would reach too many."""
        if not self._rule.apart:
            return layers
        if not layers:
            return None if mask else layers
        if layers[-1] & mask:
            return None
        return (layers[0] | mask, *(layers[j] | (layers[j - 1] & mask) for j in range(1, len(layers))))

    def _mask(self, exposed: frozenset[str]) -> int:
        # A state that nobody on the bench is exposed to can be crowded by who asks and who is forced alone.
        found = 0
        for state in exposed - self._rule.home:
            found |= self._bits.setdefault(state, 1 << len(self._bits))
        return found
