"""What a repair costs, row by row (`[costs]` in estate.toml; the form is told in `settings`)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from armslength.estate.model import Bytes, Estate, Ints, Kind
from armslength.estate.names import MASK, SHIFT, TARGETS, names_of
from armslength.estate.settings import COSTS


def row_costs(estate: Estate, change: str) -> npt.NDArray[np.float64]:
    """The cost of a change for each row: of the groups table for `drop_membership`, of the grants table for `terms` and
    `drop_grant`. A key with a reference is for the rows that name it; the dearest that fits counts, else the plain
    number."""
    if change not in COSTS:
        raise ValueError(f"{change!r} is not a change: expected one of {', '.join(COSTS)}")
    costs = estate.settings.costs
    columns: list[tuple[Bytes, Ints]]
    if change == "drop_membership":
        groups = estate.groups
        columns = [
            (groups.member_kind, groups.member),
            (np.full(len(groups.row), Kind.GROUP, dtype=np.int8), groups.group),
        ]
    else:
        grants = estate.grants
        columns = [
            (grants.holder_kind, grants.holder),
            (grants.target_kind, grants.target),
            (np.full(len(grants), Kind.TERMS, dtype=np.int8), grants.terms),
        ]
    own = np.full(len(columns[0][0]), -1.0)
    special = {key.partition(" ")[2]: cost for key, cost in costs.items() if key.startswith(f"{change} ")}
    names = names_of(estate) if special else None
    for text, cost in special.items():
        assert names is not None
        packed = names.typed(text, (*TARGETS, Kind.EVERYONE))
        assert isinstance(packed, int), packed
        for kinds, indexes in columns:
            fits = (kinds == packed >> SHIFT) & (indexes == packed & MASK)
            own[fits] = np.maximum(own[fits], cost)
    return np.where(own < 0, costs[change], own)
