"""One act before it happens, and the answer: allowed, for as long as that holds, or refused with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from armslength.gate import LeaseId, Moment, PersonId, Target
from armslength.tlog import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who is about to do what, on what, of which customers (ascending). `context` is what policy may look at."""

    person: PersonId
    action: str
    resource: Target
    customers: tuple[str, ...] = ()
    context: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """The act may happen, and its use is on record. What goes on after `end`, or once the lease is taken away, has to
    be ended (`Point.running`). `lease` and `end` are None for standing access."""

    act: Act
    lease: LeaseId | None
    end: Moment | None
