"""Grants: who may do what on what, and which power goes with which target."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from armslength.estate.lookup import Lookup, freeze, freeze_bytes
from armslength.estate.model import AMEND, ASSUME, ENROLL, OPERATE, POWERS, Grants, Ints, Kind
from armslength.estate.names import HOLDERS, TARGETS, unpack
from armslength.estate.problem import Findings, Speller
from armslength.estate.sheet import Sheet

POWER_TARGETS: Mapping[str, tuple[Kind, ...]] = {
    OPERATE: (Kind.ASSET, Kind.CLASS),
    ENROLL: (Kind.GROUP,),
    ASSUME: (Kind.PERSON, Kind.GROUP),
    AMEND: (Kind.TERMS,),
}
"""What each power may be over (semantics, rule 5); every other action takes assets and classes."""
PLAIN_TARGETS = (Kind.ASSET, Kind.CLASS)
EVERY_ACTION = "*"


def read_grants(sheet: Sheet, look: Lookup, findings: Findings) -> Grants:
    """Grants by row; each must have a target that its action can have."""
    for column in ("holder", "action", "target"):
        sheet.required(column, findings)
    names = look.names

    def action(text: str) -> int | str:
        if text == EVERY_ACTION:
            return "'*' is no action: expected one action a row"
        return look.actions.get(text, 0)

    holder_kind, holder = unpack(sheet.read("holder", names.typed_reader(HOLDERS), findings))
    actions = sheet.read("action", action, findings)
    target_kind, target = unpack(sheet.read("target", names.typed_reader(TARGETS), findings))
    _fitting(sheet, target_kind.astype(np.int32), findings)
    _slips(sheet, findings)
    return Grants(
        holder_kind=freeze_bytes(holder_kind),
        holder=freeze(holder),
        action=freeze(actions),
        target_kind=freeze_bytes(target_kind),
        target=freeze(target),
        terms=freeze(sheet.read("terms", names.terms.find, findings)),
        row=freeze(np.arange(sheet.rows, dtype=np.int32)),
    )


def kept_grants(grants: Grants, kept: npt.NDArray[np.bool_]) -> Grants:
    """The grants where `kept` (one flag a row) holds."""
    return Grants(
        holder_kind=freeze_bytes(grants.holder_kind[kept]),
        holder=freeze(grants.holder[kept]),
        action=freeze(grants.action[kept]),
        target_kind=freeze_bytes(grants.target_kind[kept]),
        target=freeze(grants.target[kept]),
        terms=freeze(grants.terms[kept]),
        row=freeze(np.arange(int(kept.sum()), dtype=np.int32)),
    )


def _fitting(sheet: Sheet, target_kind: Ints, findings: Findings) -> None:
    """Each power over its own kinds of target, every other action over assets and classes."""
    cells = sheet["action"]
    allowed = np.zeros((len(cells.values), len(Kind)), dtype=np.bool_)
    for code, action in enumerate(cells.values):
        allowed[code, list(POWER_TARGETS.get(action, PLAIN_TARGETS))] = True
        if action in ("", EVERY_ACTION):
            allowed[code] = True
    fits = allowed[cells.codes, target_kind] | (target_kind < 0)
    for row in np.flatnonzero(~fits).tolist():
        action = cells.values[int(cells.codes[row])]
        written = sheet["target"].values[int(sheet["target"].codes[row])]
        what = "the power " if action in POWERS else ""
        message = f"{written!r}: {what}{action!r} expects {kinds_expected(action)}"
        findings.wrong(sheet.file, message, line=sheet.table.line(row), column="target")


def kinds_expected(action: str) -> str:
    """What an action may be over, for a message."""
    return " or ".join(f"{kind.name.lower()}:…" for kind in POWER_TARGETS.get(action, PLAIN_TARGETS))


def _slips(sheet: Sheet, findings: Findings) -> None:
    """A power that is misspelt is a plain action, and reach would not count what it does."""
    cells = sheet["action"]
    speller = Speller(sorted(POWERS))
    meant = {
        code: f"{action!r} is a plain action: did you mean the power {power!r}?"
        for code, action in enumerate(cells.values)
        if action and action not in POWERS and (power := speller.near(action)) is not None
    }
    if meant:
        for row, code in cells.rows_of(list(meant)):
            findings.odd(sheet.file, meant[code], line=sheet.table.line(row), column="action")
