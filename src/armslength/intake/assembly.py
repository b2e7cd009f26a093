"""All harvests, with what linking.toml says, become the tables of the estate. The same input gives the same bytes.

Rows that people wrote stay as they are, before ours; a row is ours if its `source` begins with `intake/`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from armslength.estate import COLUMNS
from armslength.intake.employers import Employers
from armslength.intake.harvest import Matter
from armslength.intake.harvest_form import Kept, csv_bytes
from armslength.intake.linking import Remark, linked
from armslength.intake.linking_rules import FILE, Linking
from armslength.intake.node import below
from armslength.intake.people_rows import people_rows
from armslength.intake.places import Places
from armslength.intake.problem import Problems
from armslength.intake.rows import Rows
from armslength.intake.settings_text import with_terms
from armslength.intake.tables import AFTER, OURS, Own, newlines, own_rows, quoted, table_file, table_file_name, together

REVIEW = "review.csv"
REVIEW_COLUMNS = ("source", "matter", "item", "reason", "origin")
SETTINGS, POLICY = "estate.toml", "policy.cedar"
MOST_LOST = 100
"""Lost rows that are told, of one table."""
TABLES = ("people", "entities", "groups", "assets", "unknown", "grants")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixed:
    """A table with own rows before those of intake: `own` of them, with `shift` line breaks inside their cells; `frame`
    holds where every row came from."""

    file: str
    frame: pl.DataFrame
    own: int
    shift: int

    def origin(self, line: int) -> str | None:
        """Where the row at a line of the file came from: None if people wrote it, or if there is none."""
        row = line - 2 - (self.shift if self.file.endswith(".csv") else 0)
        if not self.own <= row < self.frame.height:
            return None
        return f"{self.frame['source'][row].removeprefix(OURS)}: {self.frame['origin'][row]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """`files` to be written, with their new bytes; `gone`: files that go; `tables`: those among the first, to name the
    origin of a row.
    `linked` and `unlinked`: accounts whose holder was found, and those that stay unknown."""

    files: Mapping[str, bytes]
    gone: frozenset[str]
    tables: tuple[Mixed, ...]
    remarks: tuple[Remark, ...]
    people: int
    linked: int
    unlinked: int
    grants: int


def assemble(
    harvests: Iterable[Kept],
    rules: Linking,
    files: Mapping[str, bytes],
    problems: Problems,
    tell: Callable[[str], None],
    *,
    edited: frozenset[str] = frozenset(),
) -> Assembled:
    """`files`: the estate's own, by name; `edited`: those that somebody changed since intake wrote them, whose rows of
    intake are told when they go. `tell` hears what is being done.

    Raises `IntakeError` with what is wrong in the estate's own files or between sources.
    """
    tell("reading the tables")
    stood = {
        table: own_rows(files, table, problems, with_ours=table_file_name(table, files) in edited) for table in TABLES
    }
    own = {table: found.rows for table, found in stood.items()}
    text = _text(files.get(SETTINGS, b""), problems)
    problems.stop()
    tell("finding who is who")
    links = linked(harvests, rules, problems)
    employers = Employers(own["entities"], links.order, rules, problems)
    places = Places(rules.offices, _declared(text))
    for office, wrong in places.wrong:
        problems.add(FILE, wrong, path=below("$.offices", office))
    problems.stop()
    people = people_rows(links, rules, places, employers.states())
    tell("putting the tables together")
    rows = Rows(links, rules, people, own)
    rows.look_at_own(text, files.get(POLICY, b"").decode("utf-8", "replace"))
    groups = rows.with_empty(rows.groups())
    ours = {
        "people": rows.people_frame(),
        "entities": employers.frame(row["entity"] for row in people.rows),
        "groups": groups,
        "assets": rows.assets(places),
        "grants": rows.grants(),
        "unknown": rows.unknown(),
    }
    made_settings = with_terms(text, rows.terms(), problems)
    problems.stop()
    touched = [table for table in TABLES if ours[table].height or stood[table].ours]
    # A table of ours that has no row left goes.
    gone = frozenset(
        table_file_name(table, files) for table in touched if not ours[table].height and not own[table].height
    )
    frames = {
        table: together(table, own[table], ours[table])
        for table in touched
        if table_file_name(table, files) not in gone
    }
    made = dict(table_file(table, frame, files) for table, frame in frames.items())
    made[SETTINGS] = made_settings.encode()
    lost = [remark for table in touched for remark in _lost(table, stood[table], ours[table])]
    remarks = tuple(sorted({*rows.remarks(), *lost}, key=lambda r: (r.source, r.matter, r.item, r.reason, r.origin)))
    made[REVIEW] = csv_bytes(_review(remarks))
    accounts = {id for kept in links.order for id in kept.table("accounts")["group"].to_list()}
    found = sum(1 for id in accounts if links.holders.get(id) or id in rows.closed)
    return Assembled(
        files=made,
        gone=gone,
        tables=tuple(
            Mixed(
                file=table_file_name(table, files),
                frame=frame.select(name for name in AFTER if name in frame.columns),
                own=own[table].height,
                shift=newlines(own[table]),
            )
            for table, frame in frames.items()
        ),
        remarks=remarks,
        people=len(people.rows),
        linked=found,
        unlinked=len(accounts) - found,
        grants=ours["grants"].height,
    )


def _text(settings: bytes, problems: Problems) -> str:
    try:
        return settings.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.add(SETTINGS, f"is not UTF-8: {error.reason} at byte {error.start:,}: save it again as UTF-8")
        return ""


def _declared(text: str) -> frozenset[str]:
    """States that estate.toml adds; a broken one is told when the estate is read."""
    try:
        states = tomllib.loads(text).get("states", {})
    except (ValueError, RecursionError):
        return frozenset()
    if not isinstance(states, dict):
        return frozenset()
    above = {code for codes in states.values() if isinstance(codes, list) for code in codes if isinstance(code, str)}
    return frozenset(states) | above


def _lost(table: str, stood: Own, ours: pl.DataFrame) -> Iterator[Remark]:
    """Rows that stood among those of intake in a file that somebody changed, and that no source makes."""
    if stood.old is None or not stood.old.height:
        return
    keys = [name for name in COLUMNS[table] if name in stood.old.columns]
    made = ours.with_columns(pl.lit("").alias(name) for name in keys if name not in ours.columns)
    for row in stood.old.join(made, on=keys, how="anti").select(keys).head(MOST_LOST).iter_rows():
        reason = "stood among the rows of intake, which are made anew, and is gone: a row of yours has another source"
        yield Remark(
            source="", matter=Matter.UNMAPPED, item=",".join(row), reason=reason, origin=table_file_name(table, {})
        )


def _review(remarks: Iterable[Remark]) -> pl.DataFrame:
    rows = [(r.source, r.matter.value, quoted(r.item), quoted(r.reason), quoted(r.origin)) for r in remarks]
    return pl.DataFrame(rows, schema=dict.fromkeys(REVIEW_COLUMNS, pl.String), orient="row")
