"""The entities table: employers that sources tell, and those of linking.toml that people or other employers need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from armslength.intake.harvest_form import Kept
from armslength.intake.linking_rules import FILE, Linking
from armslength.intake.problem import Problems
from armslength.intake.tables import AFTER, OURS

COLUMNS = ("id", "state", "parent", *AFTER)


class Employers:
    """All employers by id. Two that differ in state or parent are reported: one of them would hide a state."""

    def __init__(self, own: pl.DataFrame, harvests: Iterable[Kept], rules: Linking, problems: Problems) -> None:
        self._problems = problems
        self._rows: dict[str, tuple[str, ...]] = {}
        self._own = {str(row.get("id", "")): _cells(row) for row in own.iter_rows(named=True)}
        for kept in harvests:
            for id, state, parent, origin in kept.table("entities").iter_rows():
                self._add((id, state, parent, f"{OURS}{kept.name}", kept.as_of.isoformat(), origin), kept.name)
        self._told = set(self._rows)
        for name, employer in rules.employers.items():
            row = (employer.id, employer.state, employer.parent, f"{OURS}{FILE}", "", f"$.employers.{name}")
            self._add(row, FILE)

    def _add(self, row: tuple[str, ...], who: str) -> None:
        id = row[0]
        known = self._own.get(id) or (self._rows[id][1:3] if id in self._rows else None)
        if known is not None and known != row[1:3]:
            told = f"{id!r} has the state {known[0] or 'none'} and the parent {known[1] or 'none'} elsewhere"
            self._problems.add(
                who, f"{told}, here {row[1] or 'none'} and {row[2] or 'none'}: expected one", path=row[5]
            )
        self._rows.setdefault(id, row)

    def states(self) -> dict[str, str]:
        """The state of each; one without has its owner's, for the purpose of knowing whether there is any."""
        both = {id: (row[1], row[2]) for id, row in self._rows.items()} | self._own
        found = {}
        for id, (state, parent) in both.items():
            seen = {id}
            while not state and parent in both and parent not in seen:
                seen.add(parent)
                state, parent = both[parent]
            found[id] = state
        return found

    def frame(self, needed: Iterable[str]) -> pl.DataFrame:
        """Rows of what sources tell, and of what `needed` names with its owners; not of what the own table has."""
        wanted, waiting = set(self._told), [*needed, *(self._rows[id][2] for id in self._told)]
        while waiting:
            id = waiting.pop()
            if id in self._rows and id not in wanted:
                wanted.add(id)
                waiting.append(self._rows[id][2])
        rows = [row for id, row in self._rows.items() if id in wanted and id not in self._own]
        return pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, pl.String), orient="row")


def _cells(row: Mapping[str, object]) -> tuple[str, str]:
    return str(row.get("state", "")), str(row.get("parent", ""))
