"""What reach answers: a length for each (state, action, asset), with a witness that anyone can check."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

NOBODY = -1
"""In `Reach.length`: no coalition with up to the cap of outsiders suffices (`null` in JSON)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """The least number of outsiders is `length`."""

    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond:
    """No coalition with up to `cap` outsiders suffices."""

    cap: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """A time limit stopped the search: the length lies between the two; `at_most` None when no coalition was found."""

    at_least: int
    at_most: int | None


Length = Exact | Beyond | Between

Fact = tuple[str, ...]
"""A fact of a derivation: `("acts", "person:ana")`, `("in", "person:ana", "group:ops")`, `("enrolled", "group:g")`,
`("assumed", "person:p" or "group:g")`, `("waived", "terms:r")`, `("over", action, "asset:t" or "class:c")` (on it
and all
that lies within), `("can", action, "asset:t")`, `("gate",)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table, by file name and data row (0-based; `Table.line` gives the line)."""

    file: str
    row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a derivation: `rule` makes `fact` from `needs`, by `rows` (or `policy`).

    rule       fact                         needs, rows, further fields
    compelled  acts p                       tie = basis or "sealed"; rows: where the tie stands (none if sealed)
    accomplice acts p
    member     in p g                       rows: the memberships from p up to g
    enrolled   in p g                       needs acts p, enrolled h; rows: the memberships from h up to g (none if
    h = g)
    grant      over/enrolled/assumed/waived rows: the grant; by = standing | quorum | waived | gate.
                                            needs: acts q, in q holder (unless a person or everyone); for a quorum also
                                            acts and in of each approver; for waived the waived terms; for gate only
                                            ("gate",)
    permit     can/over/enrolled/assumed/waived   as grant, with policy = its @id instead of rows; needs name also the
                                            groups entered by enrolment that open it
    assumed    acts p                       needs assumed p, or assumed g with rows: the memberships from p up to g
    class      over a asset:t               needs over a class:c; rows: the asset
    within     over a asset:t               needs over a asset:parent; rows: the asset
    has        can a asset:t                needs over a asset:t, or over operate asset:t
    custody    can a asset:t                needs nothing, or can use|operate asset:key; rows: the asset
    gate       gate                         needs can operate asset:gate

    `requester` and `approvers` are people ids ("person:…"), set for grant and permit where they matter.
    """

    rule: str
    fact: Fact
    needs: tuple[Fact, ...] = ()
    rows: tuple[Row, ...] = ()
    tie: str | None = None
    by: str | None = None
    policy: str | None = None
    requester: str | None = None
    approvers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """With every unknown group filled by people of the state the length would be `length`; `groups` (indexes) are those
    without which it would be larger, or all when no single one makes the difference (semantics, "Gaps"). `stopped`: a
    time limit stopped the search; `length` is the least that it could be, `groups` are those that could matter."""

    groups: tuple[int, ...]
    length: int
    stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One row of the answer. `accomplices` are people indexes: one smallest set, empty when nobody can or none is
    needed."""

    state: int
    action: int
    asset: int
    length: Length
    accomplices: tuple[int, ...]
    floor: int | None
    gaps: tuple[Gap, ...]

    @property
    def broken(self) -> bool:
        """The floor does not hold, or holds only if gaps are ignored; an unfinished search counts as broken unless it
        has proved enough."""
        if self.floor is None:
            return False
        if any(gap.length < self.floor for gap in self.gaps):
            return True
        match self.length:
            case Exact(length=length):
                return length < self.floor
            case Beyond(cap=cap):
                return cap + 1 < self.floor
            case Between(at_least=at_least):
                return at_least < self.floor


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked. Filters are indexes; empty means all. `everything` is --all. `seconds` limits the exact search."""

    at: dt.date
    cap: int = 3
    everything: bool = False
    states: frozenset[int] = frozenset()
    actions: frozenset[int] = frozenset()
    assets: frozenset[int] = frozenset()
    seconds: float | None = None


Ints = npt.NDArray[np.int32]
Small = npt.NDArray[np.int8]
