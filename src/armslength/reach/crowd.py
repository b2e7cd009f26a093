"""Crowds: who may hold, approve or fill a place, by the tables and by what enrolment opens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from armslength.estate import Kind, Ref
from armslength.reach.membership import Membership
from armslength.reach.spread import Ints, together


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Way:
    """Once all of `opened` (groups) are opened by enrolment, `people` belong; None means everyone who acts."""

    opened: frozenset[int]
    people: Ints | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crowd:
    """`ways` by which one belongs. `filled_by` are the unknown groups whose members belong (always, when None)."""

    ways: tuple[Way, ...]
    filled_by: frozenset[int] | None

    @property
    def mentioned(self) -> frozenset[int]:
        """The groups whose opening changes who belongs."""
        return frozenset().union(*(way.opened for way in self.ways))

    def people(self, opened: frozenset[int]) -> Ints | None:
        """Who belongs when `opened` groups are open: people indexes, ascending, or None for everyone."""
        parts: list[Ints] = []
        for way in self.ways:
            if way.opened <= opened:
                if way.people is None:
                    return None
                parts.append(way.people)
        if len(parts) == 1:
            return parts[0]
        return together(parts)

    def takes_filled(self, filled: frozenset[int], opened: frozenset[int] = frozenset()) -> bool:
        """Whether someone of the unknown groups `filled` belongs when `opened` groups are open."""
        if not filled:
            return False
        everyone = any(way.people is None and way.opened <= opened for way in self.ways)
        return everyone or self.filled_by is None or bool(filled & self.filled_by)


def crowd(ref: Ref, membership: Membership, unknown: frozenset[int]) -> Crowd:
    """The crowd of a typed reference: a person, a group or everyone."""
    match ref.kind:
        case Kind.EVERYONE:
            return Crowd(ways=(Way(opened=frozenset(), people=None),), filled_by=None)
        case Kind.GROUP:
            ways = (
                Way(opened=frozenset(), people=membership.members(ref.index)),
                Way(opened=frozenset({ref.index}), people=None),
            )
            return Crowd(ways=ways, filled_by=membership.within(ref.index) & unknown)
        case Kind.PERSON:
            alone = np.array([ref.index], dtype=np.int32)
            return Crowd(ways=(Way(opened=frozenset(), people=alone),), filled_by=frozenset())
        case Kind.ASSET | Kind.CLASS | Kind.TERMS:
            raise ValueError(f"{ref.kind.name.lower()} cannot hold or approve")


