"""The bench: who may approve under some terms, with those together whom no quorum can tell apart but by a value.

A kind is told by exposures, places that can be filled, and reporting lines as far as approvers are in them. So five
thousand approvers are a few dozen kinds, and of each a few people with values of their own stand for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from armslength.gate.quorum import Member, Rule
from armslength.gate.request import PersonId


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kind:
    """`exposed` without the home states; `line` are the approvers above them; `own` is the one person of the kind where
    other approvers report to them."""

    exposed: frozenset[str]
    places: frozenset[int]
    line: frozenset[PersonId]
    own: PersonId | None
    people: tuple[Member, ...]

    def rivals(self, other: Kind) -> bool:
        """Whether one of these and one of those would be in one reporting line."""
        return self.own in other.line or other.own in self.line

    def serves(self, other: Kind) -> bool:
        """Whether one of these can stand in for one of those in any quorum, but for their values."""
        return (
            self.own is None
            and self.exposed <= other.exposed
            and self.places >= other.places
            and self.line <= other.line
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """Those of a kind who are worth trying. `ample`: whoever else sits in the quorum, one of them has values left."""

    kind: Kind
    people: tuple[Member, ...]
    ample: bool


class Bench:
    """Everyone who may approve under some terms, by kind."""

    def __init__(self, rule: Rule, approvers: Sequence[Member]) -> None:
        self.rule = rule
        ids = frozenset(one.person for one in approvers)
        above = frozenset().union(*(one.line for one in approvers)) if rule.lines_apart else frozenset()
        found: dict[tuple[frozenset[str], frozenset[int], frozenset[PersonId], PersonId | None], list[Member]] = {}
        for one in approvers:
            line = one.line & ids if rule.lines_apart else frozenset()
            own = one.person if one.person in above else None
            # Home states and all: a state can be barred though it is home.
            found.setdefault((one.exposed, one.places, line, own), []).append(one)
        self.kinds = tuple(
            Kind(exposed=exposed - rule.home, places=places, line=line, own=own, people=tuple(people))
            for (exposed, places, line, own), people in found.items()
        )

    def rows(self, fits: Callable[[Member], bool]) -> tuple[Row, ...]:
        """Those who `fits` takes, less whoever somebody else can stand in for in any quorum of these."""
        rows = [
            Row(kind=kind, people=some, ample=ample) for kind in self.kinds for some, ample in [self._few(kind, fits)]
        ]
        kept = [
            row
            for number, row in enumerate(rows)
            if row.people and not any(rows[other].ample for other in self._better[number])
        ]
        return tuple(sorted(kept, key=lambda row: (len(row.kind.exposed), -len(row.kind.places), len(row.kind.line))))

    @cached_property
    def _better(self) -> tuple[tuple[int, ...], ...]:
        """For each kind those that can stand in for it; of two that are equal in this, the earlier."""
        return tuple(
            tuple(
                place
                for place, other in enumerate(self.kinds)
                if place != number and other.serves(kind) and not (kind.serves(other) and number < place)
            )
            for number, kind in enumerate(self.kinds)
        )

    def _few(self, kind: Kind, fits: Callable[[Member], bool]) -> tuple[tuple[Member, ...], bool]:
        """Of a kind, people who differ in every distinct column, if there are as many as any quorum can want; else one
        for each set of values. Each other seat takes at most one value of each column, so that one of
        `(approvals - 1) * columns + 1` is always left."""
        columns = self.rule.distinct
        enough = (self.rule.approvals - 1) * max(1, len(columns)) + 1
        every: dict[tuple[str, ...], Member] = {}
        apart: list[Member] = []
        used: tuple[set[str], ...] = tuple(set() for _ in columns)
        plain: list[Member] = []
        for one in kind.people:
            values = tuple(one.values.get(column, "") for column in columns)
            if values in every or not fits(one):
                continue
            if not columns:
                plain.append(one)
                if len(plain) == enough:
                    return tuple(plain), True
                continue
            every[values] = one
            if all(value not in taken for value, taken in zip(values, used, strict=True)):
                apart.append(one)
                for value, taken in zip(values, used, strict=True):
                    taken.add(value)
                if len(apart) == enough:
                    return tuple(apart), True
        return (tuple(every.values()), False) if columns else (tuple(plain), False)
