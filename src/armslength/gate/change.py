"""What an event does to the state: some objects are others, or the event does not fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ObjectKind = Literal["gate", "key", "request", "lease"]
"""`gate` is one object, whose id is empty: the estate, and whether the founding is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The objects that are others now, as kind and id; none for an event that is only told."""

    objects: tuple[tuple[ObjectKind, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """The event does not fit what is there: nothing changed."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """In place of an event: a record of this kind whose fields can no longer be read."""

    kind: str
