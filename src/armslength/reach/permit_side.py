"""The people, or the targets of one kind, as one policy sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from armslength.estate import Kind
from armslength.reach.permit_atoms import Atoms
from armslength.reach.permit_columns import Bools, Classes, Codes, Columns, classes
from armslength.reach.permit_policy import Uid
from armslength.reach.permit_sight import ATTRIBUTES, Sight

_LEAVES = frozenset({Kind.PERSON, Kind.TERMS})
"""Nothing lies in one of these but itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """People, or targets, by how they look to one policy. Row c is class c of `rows`. `look[c]` numbers all that is
    seen but what `inside` and `read` tell. `inside[c, u]`: whether it is, or lies in, `uids[u]`; `named[c]`: its
    place in `names`, or -1; `holds[c, s]`: whether `subjects[s]` lies in it; `read[a][c]`: its class for the a-th
    atom that reads both sides."""

    kind: Kind
    rows: Classes
    look: Codes
    uids: tuple[Uid, ...]
    inside: Bools
    names: tuple[Uid, ...]
    named: Codes
    subjects: tuple[tuple[Uid, tuple[Kind, int]], ...]
    holds: Bools
    read: tuple[Codes, ...]


def side(columns: Columns, atoms: Atoms, sight: Sight, kind: Kind, *, asks: bool) -> Side:
    """People who ask (`asks`), or the targets of `kind`, as the policy of `sight` sees them."""
    count = len(columns.ids(kind))
    places = {uid: place for uid in sorted(sight.uids) if (place := columns.find(uid)) is not None}
    names = tuple(uid for uid, place in places.items() if place[0] is kind)
    named = np.zeros(count, dtype=np.int64)
    for number, uid in enumerate(names):
        named[places[uid][1]] = number + 1
    uids = tuple(
        uid
        for uid, place in places.items()
        if (place[0] is Kind.GROUP if asks else place[0] not in _LEAVES and bool(columns.inside(kind, uid).any()))
    )
    inside = [columns.inside(kind, uid) for uid in uids]
    met = not asks and sight.target_met
    subjects = tuple((uid, places[uid]) for uid in sorted(sight.subjects) if met and uid in places)
    holds = [columns.holding(kind, place) for _, place in subjects]
    seen = sight.person if asks else sight.target
    look = [named, *holds, *(columns.codes(kind, name) for name in ATTRIBUTES[kind] if name in seen)]
    read: list[Codes] = []
    for atom in sight.atoms:
        own, other = (atom.person, atom.target) if asks else (atom.target, atom.person)
        if own and other:
            read.append(atoms.seen(kind, own).of)
        elif own:
            truth = atoms.truth(atom, kind)
            look.append(truth.of[:, 0][truth.person.of] if asks else truth.of[0][truth.target.of])
    looks = classes(count, look)
    rows = classes(count, [looks.of, *inside, *read])
    first = rows.first
    none = np.zeros((len(rows), 0), dtype=np.bool_)
    return Side(
        kind=kind,
        rows=rows,
        look=looks.of[first],
        uids=uids,
        inside=np.stack([one[first] for one in inside], axis=1) if inside else none,
        names=names,
        named=named[first] - 1,
        subjects=subjects,
        holds=np.stack([one[first] for one in holds], axis=1) if holds else none,
        read=tuple(one[first] for one in read),
    )
