"""Groups and their members, as rows of the groups table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from armslength.estate.lookup import Lookup, freeze, freeze_bytes
from armslength.estate.model import Groups
from armslength.estate.names import MEMBERS, unpack
from armslength.estate.problem import Findings
from armslength.estate.sheet import Sheet


def read_groups(sheet: Sheet, unknown: Sheet, look: Lookup, findings: Findings) -> Groups:
    """Groups and their rows; `unknown` lists those whose members nobody told."""
    index = look.names.groups
    sheet.required("group", findings)
    sheet.required("member", findings)
    unknown.required("group", findings)
    member_kind, member = unpack(sheet.read("member", look.names.typed_reader(MEMBERS), findings))
    listed = unknown["group"]
    return Groups(
        ids=tuple(index.places),
        unknown=frozenset(index.places[value] for value in listed.values if value in index.places),
        group=freeze(sheet.read("group", index.find, findings)),
        member_kind=freeze_bytes(member_kind),
        member=freeze(member),
        row=freeze(np.arange(sheet.rows, dtype=np.int32)),
    )


def kept_groups(groups: Groups, kept: npt.NDArray[np.bool_]) -> Groups:
    """The memberships where `kept` (one flag a row) holds; ids stay."""
    return Groups(
        ids=groups.ids,
        unknown=groups.unknown,
        group=freeze(groups.group[kept]),
        member_kind=freeze_bytes(groups.member_kind[kept]),
        member=freeze(groups.member[kept]),
        row=freeze(np.arange(int(kept.sum()), dtype=np.int32)),
    )
