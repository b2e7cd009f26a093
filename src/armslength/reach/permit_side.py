"""The people, or the targets of one kind, as one policy sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from armslength.estate import Kind
from armslength.reach.permit_atoms import Atoms
from armslength.reach.permit_columns import Bools, Classes, Codes, Columns, classes
from armslength.reach.permit_form import Uid
from armslength.reach.permit_sight import ATTRIBUTES, Place, Sight


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """People, or targets, by how they look to one policy. Row c is class c of `rows`. `look[c]` numbers all that is
    seen but for `held` and `read`. `held[c, n]`: whether it is in `places[n]`, which enrolment can change; `holds[c,
    s]`: whether `subjects[s]` lies in it; `read[a][c]`: its class for the a-th atom that reads both sides."""

    kind: Kind
    rows: Classes
    look: Codes
    places: tuple[frozenset[int], ...]
    held: Bools
    subjects: tuple[tuple[Uid, tuple[Kind, int]], ...]
    holds: Bools
    read: tuple[Codes, ...]


def askers(columns: Columns, atoms: Atoms, sight: Sight, enrollable: frozenset[int]) -> Side:
    """All people, as they ask; `enrollable` are the groups that some enrolment could give."""
    fixed: list[Place] = []
    moving: list[tuple[frozenset[int], Place]] = []
    for place in _ordered(sight.person_places):
        found = (columns.find(uid) for uid in place.uids)
        groups = frozenset(one[1] for one in found if one is not None and one[0] is Kind.GROUP) & enrollable
        if groups and not place.exact:
            moving.append((groups, place))
        else:
            fixed.append(place)
    held = [_inside(columns, Kind.PERSON, place) for _, place in moving]
    read, truths = _read(atoms, sight, Kind.PERSON, asks=True)
    seen = [columns.codes(Kind.PERSON, name) for name in ATTRIBUTES[Kind.PERSON] if name in sight.person]
    look = [*_placed(columns, Kind.PERSON, fixed), *seen, *truths]
    return _side(columns, Kind.PERSON, look, tuple(groups for groups, _ in moving), held, (), [], read)


def targets(columns: Columns, atoms: Atoms, sight: Sight, kind: Kind) -> Side:
    """All targets of a kind."""
    met = sorted(sight.subjects) if sight.target_met else []
    subjects = tuple((uid, place) for uid in met if (place := columns.find(uid)) is not None)
    holds = [columns.holding(kind, place) for _, place in subjects]
    read, truths = _read(atoms, sight, kind, asks=False)
    seen = [columns.codes(kind, name) for name in ATTRIBUTES[kind] if name in sight.target]
    look = [*_placed(columns, kind, _ordered(sight.target_places)), *seen, *truths]
    return _side(columns, kind, look, (), [], subjects, holds, read)


def _side(
    columns: Columns,
    kind: Kind,
    look: Sequence[Codes | Bools],
    places: tuple[frozenset[int], ...],
    held: Sequence[Bools],
    subjects: tuple[tuple[Uid, tuple[Kind, int]], ...],
    holds: Sequence[Bools],
    read: Sequence[Codes],
) -> Side:
    count = len(columns.ids(kind))
    looks = classes(count, [*look, *holds])
    rows = classes(count, [looks.of, *held, *read]) if held or read else looks
    first = rows.first
    none = np.zeros((len(rows), 0), dtype=np.bool_)
    return Side(
        kind=kind,
        rows=rows,
        look=looks.of[first],
        places=places,
        held=np.stack([one[first] for one in held], axis=1) if held else none,
        subjects=subjects,
        holds=np.stack([one[first] for one in holds], axis=1) if holds else none,
        read=tuple(one[first] for one in read),
    )


def _read(atoms: Atoms, sight: Sight, kind: Kind, *, asks: bool) -> tuple[list[Codes], list[npt.NDArray[np.int8]]]:
    """Shape [n] each: classes for the atoms that read both sides, and the truth of those that read this side alone."""
    read: list[Codes] = []
    truths: list[npt.NDArray[np.int8]] = []
    for atom in sight.atoms:
        own, other = (atom.person, atom.target) if asks else (atom.target, atom.person)
        if own and other:
            read.append(atoms.seen(kind, own).of)
        elif own:
            truth = atoms.truth(atom, kind)
            truths.append((truth[:, 0] if asks else truth[0])[atoms.seen(kind, own).of])
    return read, truths


def _ordered(places: frozenset[Place]) -> list[Place]:
    return sorted(places, key=lambda place: (place.exact, sorted(place.uids)))


def _placed(columns: Columns, kind: Kind, places: Sequence[Place]) -> list[Codes | Bools]:
    """Shape [n] each: what the places tell apart, the exact ones, which few are in, by one column together."""
    marks: dict[int, list[int]] = {}
    inside: list[Codes | Bools] = []
    for number, place in enumerate(places):
        if not place.exact:
            if (one := _inside(columns, kind, place)).any():
                inside.append(one)
            continue
        for uid in place.uids:
            found = columns.find(uid)
            if found is not None and found[0] is kind:
                marks.setdefault(found[1], []).append(number)
    codes = np.zeros(len(columns.ids(kind)), dtype=np.int64)
    patterns: dict[tuple[int, ...], int] = {(): 0}
    for index, pattern in marks.items():
        codes[index] = patterns.setdefault(tuple(pattern), len(patterns))
    return [codes, *inside]


def _inside(columns: Columns, kind: Kind, place: Place) -> Bools:
    found = np.zeros(len(columns.ids(kind)), dtype=np.bool_)
    for uid in place.uids:
        found |= columns.inside(kind, uid)
    return found
