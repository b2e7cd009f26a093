"""Who acts in this part of the program, and at which point it is asked about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from armslength.enforce.point import Point
from armslength.gate import PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """`lease`: the one that the person brought, as the gate signed it."""

    point: Point
    person: PersonId
    lease: str | None


_NOW: ContextVar[Acting | None] = ContextVar("armslength_acting", default=None)


@contextmanager
def acting(point: Point, person: str, *, lease: str | None = None) -> Iterator[Acting]:
    """In this block `person` acts, as the program itself has checked."""
    found = Acting(point=point, person=PersonId(person), lease=lease)
    token = _NOW.set(found)
    try:
        yield found
    finally:
        _NOW.reset(token)


def who_acts() -> Acting | None:
    """None: nobody is known to."""
    return _NOW.get()
