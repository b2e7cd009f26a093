"""A small firm as sources tell it, for tests of linking and assembling."""

from __future__ import annotations

import copy
import csv
import datetime as dt
import io
from collections.abc import Mapping

from armslength.estate import Estate, parse
from armslength.intake import Assembled, Harvest, Kept, Problems, assemble, kept, read_linking

DAY = dt.date(2026, 11, 1)


def hr(*people: Mapping[str, str], name: str = "hr", kind: str = "hr") -> Harvest:
    """`people`: columns of the people table, and marks of identifiers (`mail`, `employee`, `login`, …)."""
    harvest = Harvest(name=name, kind=kind)
    for place, given in enumerate(people):
        origin = f"{name}.csv:{place + 2}"
        marks = {mark: given[mark] for mark in ("mail", "employee", "scim", "subject", "login") if mark in given}
        harvest.person(origin=origin, **{key: value for key, value in given.items() if key not in marks})
        for mark, value in marks.items():
            harvest.identifier(f"person:{given['id']}", mark, value, origin=origin)  # type: ignore[arg-type]
    return harvest


def system(name: str = "github", **accounts: Mapping[str, str]) -> Harvest:
    """A system whose accounts are all in one team, which may push to one repository."""
    harvest = Harvest(name=name, kind=name)
    team, repository = harvest.id("team"), harvest.id("app")
    harvest.group(team, origin="team")
    harvest.asset(repository, kind="repository", origin="app", traits=("visibility:private",))
    harvest.grant(f"group:{team}", "push", f"asset:{repository}", origin="team")
    for login, marks in accounts.items():
        account = harvest.id(login)
        harvest.account(account, origin=login)
        harvest.member(team, f"group:{account}", origin=login)
        harvest.identifier(f"group:{account}", "login", f"{name}:{login}", origin=login)
        for mark, value in marks.items():
            harvest.identifier(f"group:{account}", mark, value, origin=login)  # type: ignore[arg-type]
    return harvest


def keeping(harvest: Harvest) -> Kept:
    return kept(harvest, as_of=DAY, inputs=("a test",))


def put_together(
    *harvests: Harvest,
    rules: str = "",
    files: Mapping[str, bytes] | None = None,
    edited: frozenset[str] = frozenset(),
) -> Assembled:
    problems = Problems()
    linking = read_linking(rules.encode(), problems)
    problems.stop()
    own = {"estate.toml": b'name = "firm"\n'} | dict(files or {})
    sources = [keeping(copy.deepcopy(harvest)) for harvest in harvests]
    return assemble(sources, linking, own, problems, lambda _: None, edited=edited)


def estate_of(made: Assembled, files: Mapping[str, bytes] | None = None) -> Estate:
    everything = {"estate.toml": b'name = "firm"\n'} | dict(files or {}) | dict(made.files)
    return parse({name: data for name, data in everything.items() if name not in ("review.csv", "linking.toml")}).estate


def table(made: Assembled, name: str) -> list[dict[str, str]]:
    """The rows of a table, without where they came from and without empty cells."""
    rows = csv.DictReader(io.StringIO(made.files.get(f"{name}.csv", b"").decode()))
    return [{k: v for k, v in row.items() if v and k not in ("source", "as_of", "origin")} for row in rows]


def members(made: Assembled, group: str) -> set[str]:
    return {row["member"] for row in table(made, "groups") if row["group"] == group}


def unknown(made: Assembled) -> set[str]:
    return {row["group"] for row in table(made, "unknown")}


def remarks(made: Assembled) -> set[tuple[str, str]]:
    return {(remark.matter.value, remark.item) for remark in made.remarks}
