"""Proposing: what directories say otherwise than the estate, as a change that people see, and sign or leave.

A directory widens nothing by itself. What it says the same as the estate renews only the dates of those rows, which
are no part of what was signed for (`Office.freshen`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from armslength.estate import Estate, Kind
from armslength.gate import PersonId, Rejected, moment
from armslength.intake import IntakeError, Linking, Places, Problems, read_linking
from armslength.service.gate_adopting import Adopting
from armslength.service.gate_asking import AskOutcome
from armslength.service.gate_directory_hearing import Hearing
from armslength.service.gate_directory_index import DirectoryIndex, Entry
from armslength.service.gate_office import Office
from armslength.store import GateDirectory

PEOPLE, GROUPS = "people.csv", "groups.csv"
_NAMING: Mapping[str, tuple[str, ...]] = {
    "groups.csv": ("member",),
    "grants.csv": ("holder", "target"),
    "travel.csv": ("person",),
    "declared.csv": ("person",),
}
"""The columns of each table that name people; those of travel and ties by bare id."""
_BARE = frozenset({"travel.csv", "declared.csv"})
PLAIN = ("unit", "role", "name")
STANDING = ("unit", "workplace", "residence", "entity", "manager")
"""What decisions rest on."""

Rows = list[dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`what` is a column of the people table, `group:ID`, or one of `new`, `left`, `back`, `unknown`: somebody whom the
    estate does not have, who left and stands in it still, who left and is said to be there again, and of whom the
    directory has to speak and does not. `proposed`: whether it becomes part of a proposal; else people have to look."""

    directory: str
    person: PersonId
    what: str
    estate: str
    said: str
    proposed: bool


@dataclass(slots=True)
class _View:
    """What the estate has, ready to be compared."""

    estate: Estate
    cells: Mapping[str, Sequence[str]] = field(default_factory=dict)
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    entities: frozenset[str] = frozenset()
    places: dict[str, Places] = field(default_factory=dict)
    """By directory."""


class DirectoryProposing:
    """For any number of threads."""

    def __init__(
        self, office: Office, hearing: Hearing, indexes: Mapping[str, DirectoryIndex], adopting: Adopting
    ) -> None:
        self._office, self._hearing, self._indexes, self._adopting = office, hearing, indexes, adopting
        self._linking = {each.id: _linking(office, each) for each in office.settings.directories}
        self._kept: tuple[object, tuple[Difference, ...]] | None = None

    def differences(self) -> tuple[Difference, ...]:
        """Everything that they say otherwise, by directory and person."""
        decider, state = self._office.decider, self._office.book.state
        versions = tuple(index.version for index in self._indexes.values())
        leavers = tuple((each.person, each.version) for each in tuple(state.leavers.values()))
        key = (decider.estate, versions, leavers)
        kept = self._kept
        if kept is None or kept[0] != key:
            view = _view(decider.estate)
            found = tuple(each for id in self._indexes for each in self._of(id, view))
            kept = self._kept = key, found
        return kept[1]

    def propose(self, *, asker: PersonId, purpose: str, caller: str, key: str | None) -> AskOutcome:
        """Ask for the estate that they would make of the one that holds. Raises as `Adopting.propose` does."""
        found = [each for each in self.differences() if each.proposed]
        if not found:
            raise Rejected(["the directories say nothing otherwise that could be proposed"])
        files, back = self._changed(found)
        return self._adopting.propose(files, asker=asker, purpose=purpose, caller=caller, key=key, returning=back)

    def renew(self) -> bool:
        """Give the rows of which the same was said the day on which it was; whether there were any. Raises
        `Rejected`, `Unavailable`."""
        estate = self._office.decider.estate
        files = self._files()
        apart = {(each.person, each.what) for each in self.differences()}
        view, people = _view(estate), {}
        for name in estate.people.ids:
            if (day := self._same(PersonId(name), apart, view)) is not None:
                people[name] = day
        differing = {what for _, what in apart}
        told = {group: day for group, day in self._groups_said().items() if f"group:{group}" not in differing}
        changed = False
        for file, column, days in ((PEOPLE, "id", people), (GROUPS, "group", told)):
            if file in files and days:
                rows, names = _read(files[file])
                for row in rows:
                    day = days.get(row.get(column, "").strip())
                    if day is not None and row.get("as_of", "").strip() < day[0]:
                        row["source"], row["as_of"] = day[1], day[0]
                        changed = True
                files[file] = _written(rows, [*names, *(n for n in ("source", "as_of") if n not in names)])
        if changed:
            self._office.freshen(files)
        return changed

    # What differs

    def _of(self, id: str, view: _View) -> Iterator[Difference]:
        index = self._indexes[id]
        state, known = self._office.book.state, self._office.decider.roster.places

        def differs(person: PersonId, what: str, estate: str, said: str, proposed: bool = True) -> Difference:
            return Difference(directory=id, person=person, what=what, estate=estate, said=said, proposed=proposed)

        for name in view.estate.people.ids:
            person = PersonId(name)
            if not self._hearing.covers(id, person):
                continue
            there = [entry for entry in index.of(person) if entry.active]
            if state.gone(person):
                if there and not self._hearing.said_gone(person):
                    yield differs(person, "back", "left", "there")
                else:
                    yield differs(person, "left", "there", "left")
            elif not there:
                yield differs(person, "unknown", "there", "", proposed=False)
            for entry in there[:1]:
                yield from self._cells(id, person, known[person], entry, view)
        for person in sorted(index.people()):
            if person in known or state.gone(person) or not self._hearing.covers(id, person):
                continue
            for entry in [each for each in index.of(person) if each.active][:1]:
                row = self._row(id, entry, view)
                placed = any(row.get(column) for column in ("workplace", "residence", "entity"))
                yield differs(person, "new", "", row.get("workplace", ""), proposed=placed)
        for group, said in self._memberships(id).items():
            for member in sorted(said ^ view.members.get(group, frozenset())):
                inside = member in said
                who = PersonId(member.partition(":")[2])
                proposed = member.startswith("group:") or who in known
                yield differs(who, f"group:{group}", "" if inside else member, member if inside else "", proposed)

    def _cells(self, id: str, person: PersonId, place: int, entry: Entry, view: _View) -> Iterator[Difference]:
        for column, said in self._row(id, entry, view, unread=True).items():
            cells = view.cells.get(column)
            if cells is not None and cells[place] != said:
                unread = said.startswith("?")
                yield Difference(
                    directory=id,
                    person=person,
                    what=column,
                    estate=cells[place],
                    said=said[1:] if unread else said,
                    proposed=not unread,
                )

    def _row(self, id: str, entry: Entry, view: _View, *, unread: bool = False) -> dict[str, str]:
        """The cells of what it says of somebody; of words that nobody understands `?` and the words, if `unread`."""
        rules, words = self._linking[id], dict(entry.words)
        row = {column: words[column] for column in PLAIN if words.get(column)}
        if (places := view.places.get(id)) is None:
            places = view.places[id] = Places(rules.offices, [str(state) for state in view.estate.states])
        for column in ("workplace", "residence"):
            if words.get(column):
                row[column] = places.state(words[column]) or (f"?{words[column]}" if unread else "")
        if text := words.get("entity"):
            employer = rules.employers.get(text)
            known = employer.id if employer is not None else text
            row["entity"] = known if known in view.entities else f"?{text}" if unread else ""
        if entry.manager and (manager := self._indexes[id].person_of(entry.manager)) is not None:
            row["manager"] = manager
        return row

    def _memberships(self, id: str) -> dict[str, frozenset[str]]:
        """Of each group that the estate has, who it says is in it."""
        index, estate = self._indexes[id], self._office.decider.estate
        known = frozenset(estate.groups.ids)
        found: dict[str, frozenset[str]] = {}
        for group, members in tuple(index.groups.values()):
            if group in known:
                inside = {f"person:{person}" for each in members if (person := index.person_of(each)) is not None}
                nested = {index.groups[each][0] for each in members if each in index.groups}
                found[group] = frozenset(inside | {f"group:{each}" for each in nested if each in known})
        return found

    # What stays the same

    def _same(self, person: PersonId, apart: set[tuple[PersonId, str]], view: _View) -> tuple[str, str] | None:
        """The day on which all that the estate says of where somebody stands was said by one directory, and by which.
        None: it was not, or another one differs."""
        columns = (*PLAIN, *STANDING, "left", "back", "unknown")
        if any((person, what) in apart for what in columns):
            return None
        place = self._office.decider.roster.places[person]
        for id, index in self._indexes.items():
            entry = next((each for each in index.of(person) if each.active), None)
            at = index.heard(person)
            if entry is None or at is None or not self._hearing.covers(id, person):
                continue
            row = self._row(id, entry, view)
            cells = {column: view.cells[column][place] for column in STANDING if column in view.cells}
            if all(not cell or row.get(column) == cell for column, cell in cells.items()):
                return moment(at).date().isoformat(), f"scim/{id}"
        return None

    def _groups_said(self) -> dict[str, tuple[str, str]]:
        """As `_same`, of groups: those of a directory that is read whole."""
        return {
            group: (moment(index.reconciled).date().isoformat(), f"scim/{id}")
            for id, index in self._indexes.items()
            for group in self._memberships(id)
            if index.reconciled
        }

    # The files that would be

    def _files(self) -> dict[str, bytes]:
        return dict(self._office.folder.estates.files(self._office.digest))

    def _changed(self, found: Sequence[Difference]) -> tuple[dict[str, bytes], tuple[PersonId, ...]]:
        files = self._files()
        if PEOPLE not in files:
            raise Rejected(["the estate's people are in no people.csv: propose the change by hand"])
        rows, names = _read(files[PEOPLE])
        by_id = {row.get("id", "").strip(): row for row in rows}
        view = _view(self._office.decider.estate)
        left = frozenset(each.person for each in found if each.what == "left")
        back = tuple(sorted({each.person for each in found if each.what == "back"}))
        members = [each for each in found if each.what.startswith("group:") and each.person not in left]
        for each in found:
            if each.what == "new":
                entry = next(one for one in self._indexes[each.directory].of(each.person) if one.active)
                new = {"id": str(each.person), **self._row(each.directory, entry, view)}
                rows.append({name: new.get(name, "") for name in names})
            elif each.what in names and each.person in by_id:
                by_id[each.person][each.what] = each.said
        for row in rows:
            if row.get("manager", "").strip() in left:
                row["manager"] = ""
        files[PEOPLE] = _written([row for row in rows if row.get("id", "").strip() not in left], names)
        if members:
            files[GROUPS] = _regrouped(files.get(GROUPS, b"group,member\n"), members)
        for file, columns in _NAMING.items():
            if left and file in files:
                gone = left if file in _BARE else frozenset(f"person:{each}" for each in left)
                some, header = _read(files[file])
                stay = [row for row in some if not any(row.get(column, "").strip() in gone for column in columns)]
                files[file] = _written(stay, header)
        return files, back


def _view(estate: Estate) -> _View:
    cells = {name: column.to_list() for name, column in estate.people.columns.items()}
    groups, people = estate.groups, estate.people.ids
    members: dict[str, set[str]] = {name: set() for name in groups.ids}
    for group, kind, member in zip(
        groups.group.tolist(), groups.member_kind.tolist(), groups.member.tolist(), strict=True
    ):
        word, ids = ("person", people) if kind == int(Kind.PERSON) else ("group", groups.ids)
        members[groups.ids[group]].add(f"{word}:{ids[member]}")
    known = {name: frozenset(some) for name, some in members.items()}
    return _View(estate, cells, known, frozenset(estate.entities.ids))


def _regrouped(data: bytes, found: Sequence[Difference]) -> bytes:
    rows, names = _read(data)
    gone = {(each.what[6:], each.estate) for each in found if each.estate}
    stay = [row for row in rows if (row.get("group", "").strip(), row.get("member", "").strip()) not in gone]
    for each in found:
        if each.said:
            stay.append({**dict.fromkeys(names, ""), "group": each.what[6:], "member": each.said})
    return _written(stay, names)


def _read(data: bytes) -> tuple[Rows, list[str]]:
    reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    names = list(reader.fieldnames or ())
    return [{name: row.get(name) or "" for name in names} for row in reader], names


def _written(rows: Rows, names: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _linking(office: Office, directory: GateDirectory) -> Linking:
    """Raises `Rejected` for a file of rules that cannot be read."""
    problems, data = Problems(), None
    try:
        if directory.linking:
            data = (office.folder.path / directory.linking).read_bytes()
        rules = read_linking(data, problems)
        problems.stop()
    except OSError as error:
        raise Rejected([f"{directory.linking}: {error.strerror}"]) from None
    except IntakeError as error:
        raise Rejected([str(each) for each in error.problems]) from None
    return rules
