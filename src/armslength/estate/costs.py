"""What a repair costs.

`[costs]` tells repair what a change costs, as numbers of at least 0:

    [costs]
    terms = 1                            # put terms on a grant
    drop_membership = 2                  # take someone out of a group
    drop_grant = 3                       # drop a grant
    "drop_grant group:on-call" = 40      # any grant that names the group, as holder or target
    "drop_membership person:ana" = 9     # any membership of Ana

A key with a reference is for every row that names it; where several fit a row, the dearest counts, and the plain number
where none fits. References last longer than line numbers, which every edit of a table moves.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from armslength.estate.model import Bytes, Estate, Ints, Kind
from armslength.estate.names import MASK, MEMBERS, SHIFT, TARGETS, Names, names_of
from armslength.estate.problem import did_you_mean
from armslength.estate.section import GREATEST, Section, spelled

COSTS: Mapping[str, float] = {"terms": 1.0, "drop_membership": 2.0, "drop_grant": 3.0}
"""What repair may do, and what it costs where estate.toml does not say."""


def read_costs(root: Section, names: Names) -> dict[str, float]:
    """Costs by key, defaults filled in."""
    costs = dict(COSTS)
    section = root.table("costs")
    for key, value in section.values.items() if section is not None else ():
        assert section is not None
        change, _, reference = key.partition(" ")
        if change not in COSTS:
            hint = did_you_mean(change, COSTS) or f": expected one of {', '.join(COSTS)}"
            section.wrong(f"{change!r} is not a change{hint}", key)
            continue
        if reference:
            kinds = MEMBERS if change == "drop_membership" else (*TARGETS, Kind.EVERYONE)
            packed = names.typed(reference.strip(), kinds)
            if isinstance(packed, str):
                section.wrong(packed, key)
                continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= GREATEST:
            section.wrong(f"{spelled(value)}: expected a number of at least 0", key)
            continue
        costs[f"{change} {reference.strip()}".strip()] = float(value)
    return costs


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
