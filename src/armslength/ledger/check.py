"""What the verification of a bundle says: each check with how it ended and why, and what no check could show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from armslength.ledger.record import Kind
from armslength.ledger.saved import Saved

MOST_FAULTS = 10
"""Faults of one check that are told; the others are counted."""


def counted(count: int, noun: str) -> str:
    """`1 record`, `12,480 records`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


class CheckName(StrEnum):
    """docs/formats/bundle.md, "What a verifier says", tells when each holds."""

    SIGNATURES = "signatures"
    LOG = "log"
    MAP = "map"
    RECORDS = "records"
    CHAIN = "chain"
    CUSTOMER = "customer"
    SAVED = "saved"
    HISTORY = "history"
    OPENINGS = "openings"
    ERASURES = "erasures"


class Outcome(StrEnum):
    """`unchecked`: what it takes was not given. It speaks neither for nor against."""

    HOLDS = "holds"
    FAILS = "fails"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check. `said` is what was found, in plain words, a sentence each."""

    name: CheckName
    outcome: Outcome
    said: tuple[str, ...]

    @classmethod
    def of(cls, name: CheckName, faults: Iterable[str], holds: str) -> Check:
        """A check that fails with its faults, or holds."""
        found = list(faults)
        if not found:
            return cls(name=name, outcome=Outcome.HOLDS, said=(holds,))
        more = len(found) - MOST_FAULTS
        told = found[:MOST_FAULTS] + ([f"and {more:,} faults more"] if more > 0 else [])
        return cls(name=name, outcome=Outcome.FAILS, said=tuple(told))

    @classmethod
    def unchecked(cls, name: CheckName, said: str) -> Check:
        return cls(name=name, outcome=Outcome.UNCHECKED, said=(said,))


@dataclass(frozen=True, slots=True, kw_only=True)
class KindCount:
    """How many of the customer's records are of one kind, and the times (POSIX seconds) of the first and last."""

    kind: Kind
    records: int
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleVerdict:
    """The checks in the order in which each rests on those before, the records by kind, and `unshown`: what this
    verification cannot show. `worth_saving` is what the next one should be held to; None where something failed, or
    where what was saved before could not be connected to it."""

    origin: str
    customer: bytes
    size: int
    checks: tuple[Check, ...]
    kinds: tuple[KindCount, ...]
    unshown: tuple[str, ...]
    worth_saving: Saved | None

    @property
    def holds(self) -> bool:
        """That nothing fails. What is unchecked is told, and is for the customer to weigh."""
        return all(check.outcome is not Outcome.FAILS for check in self.checks)

    @property
    def records(self) -> int:
        return sum(count.records for count in self.kinds)
