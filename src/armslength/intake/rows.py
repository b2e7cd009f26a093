"""The rows of intake, table by table: what sources told, with persons made one, accounts held, and gaps beside whoever
is unplaced."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping

import polars as pl

from armslength.estate import ASSUME
from armslength.intake.asset_rows import asset_rows
from armslength.intake.harvest import Matter
from armslength.intake.harvest_form import Kept
from armslength.intake.linking import Links, Remark
from armslength.intake.linking_rules import FILE, Linking
from armslength.intake.people_rows import UNPLACED, PeopleRows
from armslength.intake.places import Places
from armslength.intake.tables import AFTER, OURS

_PERSON = re.compile(r'\bPerson\s*::\s*"([^"]*)"')


class Rows:
    """The rows of intake. `own`: those that people wrote, by table."""

    def __init__(self, links: Links, rules: Linking, people: PeopleRows, own: Mapping[str, pl.DataFrame]) -> None:
        self._links, self._rules, self._people, self._own = links, rules, people, own
        self._remarks = [*links.remarks, *people.remarks]
        names = {f"group:{id}" for kept in links.order for id in _group_ids(kept)}
        known = names | {f"group:{id}" for table in ("groups", "unknown") for id in _column(own[table], "group")}
        known |= links.alias.keys() | {f"person:{id}" for id in _column(own["people"], "id")}
        self._added: list[tuple[str, str, str]] = []
        self.closed: set[str] = set()
        """Groups that linking.toml tells in full."""
        for extra in rules.holders:
            if f"group:{extra.of}" not in names:
                self._say(Matter.UNMAPPED, f"group:{extra.of}", "no source has this group", extra.origin)
                continue
            there = [member for member in extra.members if member in known]
            for member in extra.members:
                if member not in known:
                    self._say(
                        Matter.UNMAPPED, member, f"is to be in group:{extra.of}, and nothing has it", extra.origin
                    )
            self._added += [(extra.of, links.alias.get(member, member), extra.origin) for member in there]
            # Whoever is meant by a member that is not there is not told, so the group is not told in full.
            if extra.all and len(there) == len(extra.members):
                self.closed.add(extra.of)
        self._gaps: dict[str, tuple[str, str, Kept]] = {}
        self._standing_in: list[tuple[str, str, str]] = []
        with_terms = any(kept.table("terms").height for kept in links.order)
        self._instead = self._approvers() if with_terms else {}

    def _say(self, matter: Matter, item: str, reason: str, origin: str) -> None:
        self._remarks.append(Remark(source="", matter=matter, item=item, reason=reason, origin=origin))

    def look_at_own(self, settings: str, policy: str) -> None:
        """Remarks on unplaced people whom terms or policies that people wrote name themselves: those take no group
        beside them, so reach takes these people for out of every state's reach there."""
        try:
            named = set(_texts(tomllib.loads(settings).get("terms", {})))
        except (ValueError, RecursionError):  # told when the estate is read
            named = set()
        named |= {f"person:{id}" for id in _PERSON.findall(policy)}
        for person in sorted(named & self._people.unplaced.keys()):
            reason = "terms or a policy name them, and where they are is not known: reach takes them there for nobody's"
            self._say(
                Matter.UNKNOWN, person, f"{reason}; name a group, or tell their place", "estate.toml, policy.cedar"
            )

    # people

    def people_frame(self) -> pl.DataFrame:
        columns = dict.fromkeys(key for row in self._people.rows for key in row)
        return pl.DataFrame(
            {name: [row.get(name, "") for row in self._people.rows] for name in columns},
            schema=dict.fromkeys(columns, pl.String),
        )

    # groups

    def groups(self) -> pl.DataFrame:
        """Memberships as told, with holders of accounts, what linking.toml adds, and the gaps of unplaced people."""
        frames = [
            self._renamed(_tagged(kept, "groups"), "member").select("group", "member", *AFTER)
            for kept in self._links.order
        ]
        frames += [self._holders(kept) for kept in self._links.order]
        frames.append(_rows(("group", "member"), self._added, f"{OURS}{FILE}", ""))
        frames.append(_rows(("group", "member"), self._standing_in, f"{OURS}{FILE}", ""))
        frame = pl.concat(frames).unique(("group", "member"), keep="first", maintain_order=True)
        return pl.concat([frame, self._beside(frame, "member"), self._beside(self._of_own("groups"), "member")])

    def _holders(self, kept: Kept) -> pl.DataFrame:
        rows = [
            (account, person, origin)
            for account, origin in kept.table("accounts").select("group", "origin").iter_rows()
            for person in self._links.holders.get(account, ())
        ]
        return _rows(("group", "member"), rows, f"{OURS}{kept.name}", kept.as_of.isoformat())

    def with_empty(self, groups: pl.DataFrame) -> pl.DataFrame:
        """A group that is known to be empty is its own only member: a group without rows would be an error."""
        own = (group for table in ("groups", "unknown") for group in _column(self._own[table], "group"))
        filled = {*groups["group"].to_list(), *own}
        for kept in self._links.order:
            for table in ("unknown", "accounts"):
                for group, note, origin in kept.table(table).select("group", "note", "origin").iter_rows():
                    held = table == "accounts" and bool(self._links.holders.get(group))
                    if group not in self.closed and not held:
                        note = note if table == "unknown" else f"nobody was found who holds it{note and ': '}{note}"
                        self._gaps.setdefault(group, (note, origin, kept))
        empty = [
            _rows(
                ("group", "member"),
                [
                    (group, f"group:{group}", origin)
                    for group, origin in pl.concat(
                        [kept.table(t).select("group", "origin") for t in ("known", "unknown", "accounts")]
                    ).iter_rows()
                    if group not in filled and group not in self._gaps
                ],
                f"{OURS}{kept.name}",
                kept.as_of.isoformat(),
            )
            for kept in self._links.order
        ]
        return pl.concat([groups, *empty]).unique(("group", "member"), keep="first", maintain_order=True)

    def unknown(self) -> pl.DataFrame:
        rows = [
            (group, note, f"{OURS}{kept.name}", kept.as_of.isoformat(), origin)
            for group, (note, origin, kept) in self._gaps.items()
        ]
        # All of them: whoever is unplaced may do what everyone may.
        rows += [(group, note, f"{OURS}{FILE}", "", "$.offices") for group, note in self._people.notes.items()]
        theirs = set(_column(self._own["unknown"], "group"))
        return _frame(("group", "note", *AFTER), [row for row in rows if row[0] not in theirs])

    # assets and grants

    def assets(self, places: Places) -> pl.DataFrame:
        frames = [_tagged(kept, "assets") for kept in self._links.order]
        frame, remarks = asset_rows(pl.concat(frames) if frames else pl.DataFrame(), self._rules.assets, places)
        self._remarks += remarks
        return frame

    def grants(self) -> pl.DataFrame:
        frames = [
            self._renamed(self._renamed(_tagged(kept, "grants"), "holder"), "target") for kept in self._links.order
        ]
        keys = ("holder", "action", "target", "terms")
        frames = [frame.select(*keys, *AFTER) for frame in frames] or [_rows(keys, (), "", "")]
        frame = pl.concat(frames).unique(keys, keep="first", maintain_order=True)
        everything = pl.concat([frame, self._of_own("grants")])
        held = self._beside(everything, "holder")
        everything = pl.concat([everything, held])
        assumed = everything.filter((pl.col("action") == ASSUME) & pl.col("target").str.starts_with("person:"))
        return pl.concat([frame, held, self._beside(assumed, "target")])

    def _of_own(self, table: str) -> pl.DataFrame:
        """Own rows as if they were ours: what an unplaced person has by one of them is a gap as well."""
        keys = ("group", "member") if table == "groups" else ("holder", "action", "target", "terms")
        own = self._own[table]
        rows = zip(*(_column(own, key) or [""] * own.height for key in keys), strict=True)
        return _rows(keys, ((*row, f"{table}, by hand") for row in rows), f"{OURS}{FILE}", "")

    def _renamed(self, frame: pl.DataFrame, column: str) -> pl.DataFrame:
        """References to a person's record become those to the person."""
        changed = {record: person for record, person in self._links.alias.items() if record != person}
        return frame.with_columns(pl.col(column).replace(changed)) if changed and frame.height else frame

    def _beside(self, frame: pl.DataFrame, column: str) -> pl.DataFrame:
        """The rows that name an unplaced person, for the unknown group that stands beside them."""
        beside = {person: f"group:{group}" for person, group in self._people.unplaced.items()}
        if not beside or not frame.height:
            return frame.clear()
        return (
            frame.filter(pl.col(column).is_in(list(beside)))
            .with_columns(pl.col(column).replace(beside))
            .unique([c for c in frame.columns if c not in AFTER], keep="first", maintain_order=True)
        )

    # the rest

    def _approvers(self) -> dict[str, str]:
        """For each person, what stands for them in terms of a source: a group with their gap, if they are unplaced."""
        found = dict(self._links.alias)
        named = {
            reference
            for kept in self._links.order
            for text in kept.table("terms")["document"].to_list()
            for reference in _texts(json.loads(text))
        }
        for record, person in self._links.alias.items():
            if record in named and (gap := self._people.unplaced.get(person)) is not None:
                group = f"{UNPLACED}/with/{person.removeprefix('person:')}"
                found[record] = f"group:{group}"
                self._standing_in += [(group, person, "terms"), (group, f"group:{gap}", "terms")]
        return found

    def terms(self) -> dict[str, dict[str, object]]:
        return {
            id: _terms(json.loads(text), self._instead)
            for kept in self._links.order
            for id, text in kept.table("terms").select("id", "document").iter_rows()
        }

    def remarks(self) -> Iterator[Remark]:
        yield from self._remarks
        for kept in self._links.order:
            for matter, item, reason, origin in kept.table("review").iter_rows():
                yield Remark(source=kept.name, matter=Matter(matter), item=item, reason=reason, origin=origin)
        for group, (note, origin, kept) in self._gaps.items():
            yield Remark(source=kept.name, matter=Matter.UNKNOWN, item=f"group:{group}", reason=note, origin=origin)


def _group_ids(kept: Kept) -> Iterator[str]:
    for table in ("known", "accounts", "unknown", "groups"):
        yield from kept.table(table)["group"].unique().to_list()


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for part in value:
                yield from _texts(part)
        case dict():
            for part in value.values():
                yield from _texts(part)
        case _:
            pass


def _terms(settings: dict[str, object], alias: Mapping[str, str]) -> dict[str, object]:
    def renamed(value: object) -> object:
        match value:
            case str():
                return alias.get(value, value)
            case list():
                return [renamed(part) for part in value]
            case dict():
                return {key: renamed(part) for key, part in value.items()}
            case _:
                return value

    return {key: renamed(value) for key, value in settings.items()}


def _tagged(kept: Kept, table: str) -> pl.DataFrame:
    """The rows of a source with where they came from."""
    return kept.table(table).with_columns(
        pl.lit(f"{OURS}{kept.name}").alias("source"), pl.lit(kept.as_of.isoformat()).alias("as_of")
    )


def _rows(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]], source: str, as_of: str) -> pl.DataFrame:
    """Rows of `columns` and an origin, tagged."""
    frame = _frame((*columns, "origin"), rows)
    tagged = frame.with_columns(pl.lit(source).alias("source"), pl.lit(as_of).alias("as_of"))
    return tagged.select(*columns, *AFTER)


def _frame(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=dict.fromkeys(columns, pl.String), orient="row")


def _column(frame: pl.DataFrame, name: str) -> list[str]:
    return frame[name].to_list() if name in frame.columns else []
