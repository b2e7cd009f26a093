"""The parts of an estate made from its sheets, every reference resolved.

All parts are made even where something is wrong, so that one reading tells every problem; the caller throws them away
then.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from armslength.estate.chain import circles, from_the_top, refuse_circles, spelled
from armslength.estate.model import (
    AMEND,
    ASSUME,
    ENROLL,
    OPERATE,
    POWERS,
    Assets,
    Bytes,
    Entities,
    Grants,
    Groups,
    Ints,
    Journey,
    Kind,
    People,
    Tie,
)
from armslength.estate.names import HOLDERS, MEMBERS, TARGETS, Names, unpack
from armslength.estate.problem import Findings, near
from armslength.estate.section import GREATEST
from armslength.estate.sheet import Sheet

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_COUNT = re.compile(r"0|[1-9]\d{0,15}", re.ASCII)

POWER_TARGETS: Mapping[str, tuple[Kind, ...]] = {
    OPERATE: (Kind.ASSET, Kind.CLASS),
    ENROLL: (Kind.GROUP,),
    ASSUME: (Kind.PERSON, Kind.GROUP),
    AMEND: (Kind.TERMS,),
}
"""What each power may be over (semantics, rule 5); every other action takes assets and classes."""
PLAIN_TARGETS = (Kind.ASSET, Kind.CLASS)
EVERY_ACTION = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """What the parts need to know of each other."""

    names: Names
    states: Mapping[str, int]
    actions: Mapping[str, int]

    def state(self, code: str) -> int | str:
        return message if (message := self.names.state(code)) is not None else self.states.get(code, 0)


def day(text: str) -> int | str:
    """The ordinal of `YYYY-MM-DD`; no other spelling is a day."""
    if _DAY.fullmatch(text):
        try:
            return dt.date.fromisoformat(text).toordinal()
        except ValueError:
            pass
    return f"{text!r} is not a day: expected YYYY-MM-DD"


def freeze(array: Ints) -> Ints:
    """The array itself, read-only from here on."""
    array.setflags(write=False)
    return array


def freeze_bytes(array: Bytes) -> Bytes:
    """As `freeze`."""
    array.setflags(write=False)
    return array


def dated(sheets: Iterable[Sheet], findings: Findings) -> None:
    """`as_of` must be a day in whatever table it stands."""
    for sheet in sheets:
        if "as_of" in sheet.table.columns:
            sheet.read("as_of", day, findings)


def people(sheet: Sheet, look: Lookup, findings: Findings) -> People:
    names = look.names
    ids = tuple(sheet.table.columns["id"].to_list()) if "id" in sheet.table.columns else ()
    manager = sheet.read("manager", names.people.find, findings)
    refuse_circles(sheet, "manager", manager, findings)
    return People(
        ids=ids,
        workplace=freeze(sheet.read("workplace", look.state, findings)),
        residence=freeze(sheet.read("residence", look.state, findings)),
        entity=freeze(sheet.read("entity", names.entities.find, findings)),
        manager=freeze(manager),
        columns=sheet.table.columns,
    )


def entities(sheet: Sheet, look: Lookup, findings: Findings) -> Entities:
    ids = tuple(sheet.table.columns["id"].to_list()) if "id" in sheet.table.columns else ()
    parent = sheet.read("parent", look.names.entities.find, findings)
    refuse_circles(sheet, "parent", parent, findings)
    return Entities(ids=ids, state=freeze(sheet.read("state", look.state, findings)), parent=freeze(parent))


def travel(sheet: Sheet, look: Lookup, findings: Findings) -> tuple[Journey, ...]:
    for column in ("person", "state", "from", "until"):
        sheet.required(column, findings)
    person = sheet.read("person", look.names.people.find, findings)
    state = sheet.read("state", look.state, findings)
    start, until = sheet.read("from", day, findings), sheet.read("until", day, findings)
    for row in np.flatnonzero((start > until) & (until >= 0)).tolist():
        message = f"{dt.date.fromordinal(int(until[row]))} is before the first day: expected that day or a later one"
        findings.wrong(sheet.file, message, line=sheet.table.line(row), column="until")
    if min(start.min(initial=0), until.min(initial=0)) < 0:
        return ()
    return tuple(
        Journey(person=p, state=s, start=dt.date.fromordinal(a), until=dt.date.fromordinal(b), row=row)
        for row, (p, s, a, b) in enumerate(
            zip(person.tolist(), state.tolist(), start.tolist(), until.tolist(), strict=True)
        )
    )


def declared(sheet: Sheet, look: Lookup, findings: Findings) -> tuple[Tie, ...]:
    sheet.required("person", findings)
    sheet.required("state", findings)
    person = sheet.read("person", look.names.people.find, findings)
    state = sheet.read("state", look.state, findings)
    return tuple(
        Tie(person=p, state=s, row=row) for row, (p, s) in enumerate(zip(person.tolist(), state.tolist(), strict=True))
    )


def groups(sheet: Sheet, unknown: Sheet, look: Lookup, findings: Findings) -> Groups:
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


def grants(sheet: Sheet, look: Lookup, findings: Findings) -> Grants:
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
    meant = {
        code: f"{action!r} is a plain action: did you mean the power {power!r}?"
        for code, action in enumerate(cells.values)
        if action and action not in POWERS and (power := near(action, sorted(POWERS))) is not None
    }
    if meant:
        for row, code in cells.rows_of(list(meant)):
            findings.odd(sheet.file, meant[code], line=sheet.table.line(row), column="action")


def routes(sheet: Sheet, findings: Findings) -> None:
    """Kept as a table: patterns are the gate's. A route must at least say which path means which action."""
    sheet.required("path", findings)
    sheet.required("action", findings)


def assets(sheet: Sheet, look: Lookup, findings: Findings) -> Assets:
    names = look.names
    ids = tuple(sheet.table.columns["id"].to_list()) if "id" in sheet.table.columns else ()
    within = sheet.read("within", names.assets.find, findings)
    key = sheet.read("key", names.assets.find, findings)
    sound = not refuse_circles(sheet, "within", within, findings)
    sound = sound and not sheet.broken and len(names.assets.places) == sheet.rows
    for row in np.flatnonzero((key == sheet["id"].codes) & (key >= 0)).tolist():
        if ids and ids[row] and not sheet.broken:
            message = f"{ids[row]!r} is its own key: expected the asset that holds the key, or nothing"
            findings.wrong(sheet.file, message, line=sheet.table.line(row), column="key")
    hosted_in = _state_sets(sheet, "hosted_in", look, findings)
    shielded_from = _state_sets(sheet, "shielded_from", look, findings)
    subjects, wrong = sheet["subjects"], {}
    for code, value in enumerate(subjects.values):
        if value and not (_COUNT.fullmatch(value) and int(value) <= GREATEST):
            wrong[code] = f"{value!r}: expected a whole number from 0 to {GREATEST}, digits only"
    sheet.report("subjects", wrong, findings)
    counts = np.asarray([0 if c in wrong or not v else int(v) for c, v in enumerate(subjects.values)], dtype=np.int64)
    hosts, lock = passed_down(within, hosted_in, key) if sound else (hosted_in, key)
    if sound:
        _circular_keys(sheet, ids, lock, findings)
    subject_counts = counts[subjects.codes]
    subject_counts.setflags(write=False)
    kinds = sheet["kind"]
    return Assets(
        ids=ids,
        kind=tuple(kinds.values[code] for code in kinds.codes.tolist()),
        of_class=freeze(sheet.read("class", names.classes.find, findings)),
        within=freeze(within),
        hosted_in=hosted_in,
        shielded_from=shielded_from,
        key=freeze(key),
        subjects=subject_counts,
        hosts=hosts,
        lock=freeze(lock),
    )


def _state_sets(sheet: Sheet, column: str, look: Lookup, findings: Findings) -> tuple[frozenset[int], ...]:
    cells = sheet[column]
    wrong: dict[int, str] = {}
    sets: list[frozenset[int]] = []
    for code, value in enumerate(cells.values):
        places = [look.state(one) for one in value.split()]
        sets.append(frozenset(place for place in places if isinstance(place, int)))
        if messages := [place for place in places if isinstance(place, str)]:
            wrong[code] = "; ".join(messages)
    sheet.report(column, wrong, findings)
    return tuple(sets[code] for code in cells.codes.tolist())


def passed_down(
    within: Ints, hosted_in: tuple[frozenset[int], ...], key: Ints
) -> tuple[tuple[frozenset[int], ...], Ints]:
    """Hosts and key of every asset, own or passed down, each of the two apart.

    A passed-down key that is the asset itself counts as none (semantics, "The estate"). What lies below such an asset
    then inherits none either, unless it has a key of its own: of the two readings this is the one under which custody
    opens more, so that reach cannot be under-reported.
    """
    hosts, lock = list(hosted_in), key.copy()
    parent: list[int] = within.tolist()
    for asset in from_the_top(within):
        above = parent[asset]
        if above < 0:
            continue
        if not hosts[asset]:
            hosts[asset] = hosts[above]
        if lock[asset] < 0 and lock[above] != asset:
            lock[asset] = lock[above]
    return tuple(hosts), lock


def _circular_keys(sheet: Sheet, ids: tuple[str, ...], lock: Ints, findings: Findings) -> None:
    for circle in circles(lock):
        message = (
            f"keys lock each other in: {spelled(ids, circle)}: by these rows alone no host could open any of them;"
            " tell where the first key really is"
        )
        findings.odd(sheet.file, message, line=sheet.table.line(circle[0]), column="key")
