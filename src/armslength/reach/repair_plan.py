"""What a repair comes to: the plan, what no change mends, and the proof that nothing cheaper would do."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from armslength.reach.repair_change import Change, Refusal
from armslength.reach.result import Length, Row


class Reason(enum.StrEnum):
    """Why a floor stays broken."""

    CUSTODY = "custody"
    """The state holds the machines: hosted there, without a key or with one that it can use. No row gives that."""
    PERMIT = "permit"
    """Policies give it; whom they name could only be taken out of groups, and that would not do or is not allowed."""
    REFUSED = "refused"
    """Every change that would mend it was refused."""
    TOGETHER = "together"
    """The changes that would mend it exclude each other: one row would need two terms, a group would be left empty, or
    terms without people enough to meet them."""
    ASIDE = "aside"
    """It resisted until the time was over, and was set aside for a plan that mends the others: it is not known whether
    some change mends it, or what that costs besides `Remaining.at_least`."""
    UNFINISHED = "unfinished"
    """The time was over before a plan was found that mends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remaining:
    """A pair whose floor is still broken once the plan is carried out (indexes of the estate that was asked about).
    `length` is what it is then. `policies`, `rows`, `assets` are what it rests on, of one way that stands: the @ids of
    permits, rows of grants and memberships, and assets (indexes) that the state holds; of a pair set aside, the rows of
    all ways known. `at_least`, of such a pair: no plan that mends it costs less, by these ways."""

    state: int
    action: int
    asset: int
    floor: int
    length: Length
    reason: Reason
    at_least: float = 0.0
    policies: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    assets: tuple[int, ...] = ()


class Why(enum.StrEnum):
    """Why no plan can put certain terms on anything."""

    NOBODY = "nobody"
    """No quorum of the estate's people meets them on that day, even if everyone took part."""
    NO_SPARE = "no-spare"
    """A quorum meets them, but with one person away none might."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """Declared terms (an id) that the repair could not use."""

    terms: str
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the search is: the cheapest valid plan so far costs `cost` (None: none yet), none costs less than
    `bound`. Neither counts the `aside` pairs that are set aside.
    `broken` counts the pairs that the plan looked at last leaves broken."""

    cost: float | None
    bound: float
    aside: int
    broken: int
    round: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """One way to satisfy a cut: the changes of `any_of` (numbers in `Certificate.options`), at least one of which
    must be
    made, or if `unless` none of which may be."""

    any_of: tuple[int, ...]
    unless: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A condition that every valid plan meets: one of `literals` holds. `pair` (state, action, asset) with `outsiders`
    (people) says which derivation it stops; None where it keeps a group filled or terms able (then nothing is derived).
    `rows` are what the derivation rests on: while none of them changes, it stands."""

    literals: tuple[Literal, ...]
    rows: tuple[Row, ...]
    pair: tuple[int, int, int] | None
    outsiders: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One allowed change, as the solver sees it; of the options on one row a plan takes one at most."""

    row: Row
    terms: str | None
    cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The whole covering problem whose optimum is the bound: choose options, at most one a row, so that every cut is
    met, at least total cost. Anyone can solve it again with another solver (docs/repair.md)."""

    options: tuple[Option, ...]
    cuts: tuple[Cut, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The changes, by table and row, after which every floor holds but those of `remaining`.

    `cost`: what they cost together. `bound`: no allowed set of changes that mends as much costs less. `proven`: the
    two are equal. `verified`: the engine found every floor of the changed estate to hold but those of `remaining`;
    asked afresh, or, where the time was over before that ended, when the search asked it about this plan. `idle`: terms
    that could not be used, as far as the time sufficed to tell. `refused`: as it was asked. `rounds`: how often the
    engine was asked. `history`: plan and bound over time, each entry better than the one before or for more pairs.
    """

    changes: tuple[Change, ...]
    cost: float
    bound: float
    proven: bool
    verified: bool
    remaining: tuple[Remaining, ...]
    idle: tuple[Idle, ...]
    refused: frozenset[Refusal]
    rounds: int
    history: tuple[Progress, ...]
    certificate: Certificate

    @property
    def gap(self) -> float:
        """How far the plan can be from the least: (cost - bound) / cost, 0 where it is proven least."""
        return 0.0 if self.proven or not self.cost else max(0.0, self.cost - self.bound) / self.cost
