"""What an event does to the state: some objects are others, or the event does not fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ObjectKind = Literal["gate", "key", "request", "lease", "leaver"]
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
    """In place of an event: an act of this kind of which no record can be read any more; or, where the kind is
    `erasure`, the order to erase others.

    `among` are the act ids of what it may be about, as far as the log tells: of all that its customers' records had
    before it, or of what is to be erased; None: of anything. `at` is when the log took it, in POSIX seconds.
    """

    kind: str
    among: frozenset[bytes] | None = None
    at: int = 0

    def may_be_about(self, act: bytes) -> bool:
        """Whether it may be about the request or the lease, or be of the approval, whose record is this act."""
        return self.among is None or act in self.among
