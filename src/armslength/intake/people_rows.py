"""The people table, from all records of each person; and where it is not known where somebody is.

Somebody whose place was not told, or in words that name no state, must not pass for somebody whom no state can reach.
So whatever such a person belongs to or may do is given to an unknown group as well, which stands as a gap in every
answer until linking.toml or the source tells the place.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from armslength.intake.harvest import Matter
from armslength.intake.harvest_form import Kept
from armslength.intake.linking import Links, Person, Remark
from armslength.intake.linking_rules import FILE, Linking
from armslength.intake.places import Places
from armslength.intake.tables import OURS, quoted

PLAIN = ("unit", "role", "name")
UNPLACED = "unplaced"


@dataclass(slots=True, kw_only=True)
class PeopleRows:
    """`rows` of people.csv with any further columns, `source`, `as_of` and `origin`; `unplaced`: the unknown group that
    stands beside a person, by `person:ID`, and `notes` for these groups."""

    rows: list[dict[str, str]] = field(default_factory=list)
    unplaced: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Record:
    kept: Kept
    cells: Mapping[str, str]


def people_rows(links: Links, rules: Linking, places: Places, entities: Mapping[str, str]) -> PeopleRows:
    """`entities`: states by id of all employers."""
    made = PeopleRows()
    records = [
        {row["id"]: row for row in reversed(list(kept.table("people").iter_rows(named=True)))} for kept in links.order
    ]
    strange: dict[tuple[str, str], list[str]] = defaultdict(list)
    for person in links.people:
        mine = [_Record(links.order[source], records[source][id]) for source, id in person.records]
        made.rows.append(_row(person, mine, rules, places, entities, made, strange))
    _managers(made, links)
    for (column, text), ids in strange.items():
        some = ", ".join(ids[:3]) + (", …" if len(ids) > 3 else "")
        table = "employers" if column == "entity" else "offices"
        what = "employer" if column == "entity" else "state"
        reason = f"names no {what}: {len(ids)} people ({some}); add it to [{table}] in {FILE}"
        made.remarks.append(Remark(source="", matter=Matter.UNKNOWN, item=text, reason=reason, origin=column))
    nowhere = [person for person, group in made.unplaced.items() if group == UNPLACED]
    for one in nowhere[:1]:
        reason = f"{len(nowhere)} people have no workplace, residence or employer that a source tells"
        made.remarks.append(Remark(source="", matter=Matter.UNKNOWN, item=one, reason=reason, origin="people"))
    return made


def _row(
    person: Person,
    records: list[_Record],
    rules: Linking,
    places: Places,
    entities: Mapping[str, str],
    made: PeopleRows,
    strange: dict[tuple[str, str], list[str]],
) -> dict[str, str]:
    first = records[0]
    row = {"id": person.id}
    for column in PLAIN:
        row[column] = quoted(next((r.cells[column] for r in records if r.cells[column]), ""))
    lost, differ = "", person.unclear
    for column in ("workplace", "residence", "entity"):
        if column == "entity":
            row[column], unread, apart = _employer(person, records, rules, entities, made)
        else:
            row[column], unread, apart = _place(column, person, records, places, made)
        differ = differ or apart
        if unread:
            strange[column, unread].append(person.id)
            lost = lost or unread
    row["manager"] = next((f"{r.kept.name}\0{r.cells['manager']}" for r in records if r.cells["manager"]), "")
    for record in reversed(records):
        row |= {key: quoted(str(value)) for key, value in _more(record.cells["more"]).items() if key not in row}
    row |= {
        "source": f"{OURS}{first.kept.name}",
        "as_of": first.kept.as_of.isoformat(),
        "origin": first.cells["origin"],
    }
    if differ or lost or not (row["workplace"] or row["residence"] or entities.get(row["entity"])):
        _unplace(person, lost, differ, made)
    return row


def _place(
    column: str, person: Person, records: Iterable[_Record], places: Places, made: PeopleRows
) -> tuple[str, str, bool]:
    """The state, words that name none, and whether sources differ."""
    state, unread, differ = "", "", False
    for record in records:
        text = record.cells[column]
        found = places.state(text)
        if found is None:
            unread = unread or text
        elif found and not state:
            state = found
        elif found and found != state:
            differ = True
            _differ(person, record, column, found, state, made)
    return state, unread, differ


def _employer(
    person: Person, records: Iterable[_Record], rules: Linking, entities: Mapping[str, str], made: PeopleRows
) -> tuple[str, str, bool]:
    """As `_place`, for the id of the employer."""
    id, unread, differ = "", "", False
    for record in records:
        text = record.cells["entity"]
        employer = rules.employers.get(text)
        found = employer.id if employer is not None else text if text in entities else ""
        if text and not found:
            unread = unread or text
        elif found and not id:
            id = found
        elif found and found != id:
            differ = True
            _differ(person, record, "employer", found, id, made)
    return id, unread, differ


def _differ(person: Person, record: _Record, what: str, found: str, counts: str, made: PeopleRows) -> None:
    reason = (
        f"{record.kept.name} has another {what}: of the source named first counts, beside a gap: {found}, not {counts}"
    )
    made.remarks.append(
        Remark(
            source=record.kept.name,
            matter=Matter.CONFLICT,
            item=f"person:{person.id}",
            reason=reason,
            origin=record.cells["origin"],
        )
    )


def _more(text: str) -> Mapping[str, object]:
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {}


def _unplace(person: Person, words: str, differ: bool, made: PeopleRows) -> None:
    if differ:
        group, note = f"{UNPLACED}/{person.id}", f"sources differ on who or where person:{person.id} is: see review.csv"
    elif words:
        group, note = f"{UNPLACED}/{words}", f"people at {words!r}, which names no state: add it to {FILE}"
    else:
        group, note = UNPLACED, "people of whom no source tells a workplace, a residence or an employer"
    made.unplaced[f"person:{person.id}"] = group
    made.notes[group] = note


def _managers(made: PeopleRows, links: Links) -> None:
    """Managers as ids of the estate; one that is nobody, or below whom they manage, is left out and listed."""
    above: dict[str, str] = {}
    for row in made.rows:
        source, _, id = row["manager"].partition("\0")
        row["manager"] = ""
        if not id:
            continue
        manager = links.alias.get(f"person:{id}", "").removeprefix("person:")
        if manager:
            above[row["id"]] = manager
        else:
            _unmanaged(row, source, id, "is in no source of people", made)
    circles = _circles(above)
    for row in made.rows:
        manager = above.get(row["id"], "")
        if manager and row["id"] not in circles:
            row["manager"] = manager
        elif manager and manager != row["id"]:  # many systems write the head of a firm so
            _unmanaged(row, row["source"].removeprefix(OURS), manager, "is below them in the line", made)


def _circles(above: Mapping[str, str]) -> set[str]:
    """Of each circle of managers, the one whose manager is left out: the first by id."""
    done: set[str] = set()
    found: set[str] = set()
    for start in sorted(above):
        path: dict[str, None] = {}
        here = start
        while here in above and here not in done and here not in path:
            path[here] = None
            here = above[here]
        if here in path:
            walked = list(path)
            found.add(min(walked[walked.index(here) :]))
        done.update(path)
    return found


def _unmanaged(row: Mapping[str, str], source: str, manager: str, why: str, made: PeopleRows) -> None:
    made.remarks.append(
        Remark(
            source=source,
            matter=Matter.UNMAPPED,
            item=f"person:{row['id']}",
            reason=f"their manager {manager!r} {why}: left out",
            origin=row["origin"],
        )
    )
