"""Exposure: the states that can compel each person on a day, by a place or an employer, never by ancestry."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from armslength.estate import Basis, Estate

Ints = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """X(p) of every person: `sets[of[p]]` holds state indexes, closed upward by [states].

    `of` has shape [P]; `sets` holds each distinct set once, in order of first use.
    """

    sets: tuple[frozenset[int], ...]
    of: Ints

    def to(self, state: int) -> npt.NDArray[np.bool_]:
        """Shape [P]: who is exposed to `state`."""
        return np.array([state in members for members in self.sets], dtype=np.bool_)[self.of]


def exposure(estate: Estate, at: dt.date) -> Exposure:
    """Find X(p) for the day `at` (semantics, "Exposure, never ancestry")."""
    people, settings = estate.people, estate.settings
    bases = settings.bases
    employer = _entity_states(estate)
    # One number for the three of them, as numbers are sorted much faster than rows.
    wide, wider = len(estate.states) + 1, len(employer) + 1
    keys = (people.workplace + 1).astype(np.int64) * wide + people.residence + 1
    distinct, inverse = np.unique(keys * wider + people.entity + 1, return_inverse=True)
    plain: list[frozenset[int]] = []
    for key in distinct.tolist():
        workplace, residence = (number - 1 for number in divmod(key // wider, wide))
        entity = key % wider - 1
        found: set[int] = set()
        if Basis.WORKPLACE in bases and workplace >= 0:
            found.add(workplace)
        if Basis.RESIDENCE in bases and residence >= 0:
            found.add(residence)
        if entity >= 0:
            found |= employer[entity]
        plain.append(_upward(estate, found))
    extra: dict[int, set[int]] = {}
    if Basis.TRAVEL in bases:
        for journey in estate.travel:
            if journey.start <= at <= journey.until:
                extra.setdefault(journey.person, set()).add(journey.state)
    if Basis.DECLARED in bases:
        for tie in estate.declared:
            extra.setdefault(tie.person, set()).add(tie.state)
    numbers: dict[frozenset[int], int] = {}
    renumber = np.array([numbers.setdefault(members, len(numbers)) for members in plain] or [0], dtype=np.int32)
    of = renumber[inverse.reshape(-1)] if len(people.ids) else np.zeros(0, dtype=np.int32)
    for person, states in extra.items():
        members = plain[int(inverse.reshape(-1)[person])] | _upward(estate, states)
        of[person] = numbers.setdefault(members, len(numbers))
    return Exposure(sets=tuple(numbers), of=of.astype(np.int32))


def _upward(estate: Estate, states: set[int]) -> frozenset[int]:
    upward = estate.settings.upward
    return frozenset().union(*(upward[s] for s in states))


def _entity_states(estate: Estate) -> list[set[int]]:
    """For each entity: the states that its staff are exposed to, by itself and by its owners as far as `bases` says."""
    entities, bases = estate.entities, estate.settings.bases
    found: list[set[int]] = []
    for entity in range(len(entities.ids)):
        states: set[int] = set()
        if Basis.EMPLOYER in bases and entities.state[entity] >= 0:
            states.add(int(entities.state[entity]))
        if Basis.OWNER in bases:
            owner = int(entities.parent[entity])
            while owner >= 0:
                if entities.state[owner] >= 0:
                    states.add(int(entities.state[owner]))
                owner = int(entities.parent[owner])
        found.append(states)
    return found
