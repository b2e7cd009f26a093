"""Assets, and what passes down to those that lie within others."""

from __future__ import annotations

import re

import numpy as np

from armslength.estate.chain import circles, from_the_top, refuse_circles, spelled
from armslength.estate.lookup import Lookup, freeze
from armslength.estate.model import Assets, Ints
from armslength.estate.problem import Findings
from armslength.estate.section import GREATEST
from armslength.estate.sheet import Sheet

_COUNT = re.compile(r"0|[1-9]\d{0,15}", re.ASCII)


def read_assets(sheet: Sheet, look: Lookup, findings: Findings) -> Assets:
    """Assets by row, with what passes down to each."""
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
