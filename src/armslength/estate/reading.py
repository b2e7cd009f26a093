"""Bytes in, one frozen estate out, or every problem at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass

from armslength.estate import settings
from armslength.estate.assets import read_assets
from armslength.estate.columns import FILES
from armslength.estate.floors import DraftFloor
from armslength.estate.grants import EVERY_ACTION, read_grants
from armslength.estate.groups import read_groups
from armslength.estate.lookup import Lookup
from armslength.estate.model import POWERS, Estate, Kind, Settings, State
from armslength.estate.names import MISSING, MISSING_ENTITY, Index, Names, index
from armslength.estate.oddities import note_oddities
from armslength.estate.parquet_form import Hush
from armslength.estate.people import dated, read_declared, read_entities, read_people, read_travel
from armslength.estate.policy import ReadPolicy, policy
from armslength.estate.problem import EstateError, Findings, Problem, in_order
from armslength.estate.routes import check_routes
from armslength.estate.sheet import Sheet
from armslength.estate.states import known
from armslength.estate.tables import read_tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """An estate, and what is odd about it without being wrong."""

    estate: Estate
    warnings: tuple[Problem, ...]


def parse(files: Mapping[str, bytes], *, lost: Iterable[Problem] = (), hush: Hush = nullcontext) -> Parsed:
    """The estate that the files of a folder make: `files` maps names such as `people.csv`, `grants.parquet`,
    `estate.toml`, `policy.cedar` to their bytes; other names are not looked at (semantics, "The estate").

    Tables that are absent are empty. No day enters: what holds on a day is asked later. `lost`: what kept the caller
    from files that are there; they are no estate without them, but the rest is still searched for problems.
    `hush`: entered around the reading of Parquet pages, whose reader writes to standard error when one is damaged.

    Raises `EstateError` with every problem of every file.
    """
    findings = Findings(problems=list(lost))
    missing = frozenset(problem.file for problem in findings.problems)
    if FILES.isdisjoint(files) and FILES.isdisjoint(missing):
        findings.wrong("estate.toml", "no file of an estate is here: expected estate.toml, people.csv, grants.csv, …")
        raise EstateError(findings.problems)
    sheets = read_tables(files, missing, hush, findings)
    drafted = settings.draft(files, missing, findings)
    names = _names(sheets, drafted, findings)
    people_columns = None if sheets["people"].broken else frozenset(sheets["people"].table.columns)
    read = settings.settings(drafted, names, people_columns, findings)
    policies = policy(files, names, findings)
    states = _states(sheets, drafted, read)
    actions = _actions(sheets["grants"], read, policies)
    look = Lookup(
        names=names,
        states={code: place for place, code in enumerate(states)},
        actions={action: place for place, action in enumerate(actions)},
    )
    dated(sheets.values(), findings)
    check_routes(sheets["routes"], look, findings)
    estate = Estate(
        states=states,
        actions=actions,
        classes=tuple(names.classes.places),
        people=read_people(sheets["people"], look, findings),
        entities=read_entities(sheets["entities"], look, findings),
        travel=read_travel(sheets["travel"], look, findings),
        declared=read_declared(sheets["declared"], look, findings),
        groups=read_groups(sheets["groups"], sheets["unknown"], look, findings),
        assets=read_assets(sheets["assets"], look, findings),
        grants=read_grants(sheets["grants"], look, findings),
        settings=_settings(drafted, read, look.states),
        policy=policies.policy if policies is not None else None,
        tables={name: sheet.table for name, sheet in sheets.items()},
    )
    if findings.problems:
        raise EstateError(findings.problems)
    note_oddities(estate, sheets, drafted.lines, policies, findings)
    return Parsed(estate=estate, warnings=in_order(findings.warnings))


def _names(sheets: Mapping[str, Sheet], drafted: settings.Draft, findings: Findings) -> Names:
    groups = sorted({v for name in ("groups", "unknown") for v in sheets[name]["group"].values if v})
    classes = sorted(v for v in sheets["assets"]["class"].values if v)
    malformed = drafted.root is None
    return Names(
        people=index(sheets["people"], "id", MISSING[Kind.PERSON], findings),
        entities=index(sheets["entities"], "id", MISSING_ENTITY, findings),
        groups=Index(
            places={v: i for i, v in enumerate(groups)},
            missing=MISSING[Kind.GROUP],
            whole=not (sheets["groups"].broken or sheets["unknown"].broken),
        ),
        assets=index(sheets["assets"], "id", MISSING[Kind.ASSET], findings),
        classes=Index(
            places={v: i for i, v in enumerate(classes)},
            missing=MISSING[Kind.CLASS],
            whole=not sheets["assets"].broken,
        ),
        terms=Index(
            places={v: i for i, v in enumerate(drafted.terms)},
            missing=MISSING[Kind.TERMS],
            whole=not malformed,
        ),
        declared=drafted.declared,
        any_state=malformed,
    )


def _states(sheets: Mapping[str, Sheet], drafted: settings.Draft, read: settings.Read) -> tuple[State, ...]:
    """Every state that anything names, by code."""
    found: set[str] = set(drafted.declared) | set(read.home)
    for table, column in (("people", "workplace"), ("people", "residence"), ("entities", "state"), ("travel", "state")):
        found.update(sheets[table][column].values)
    found.update(sheets["declared"]["state"].values)
    for column in ("hosted_in", "shielded_from"):
        found.update(code for cell in sheets["assets"][column].values for code in cell.split())
    for floor in read.floors:
        found.update((*(floor.against or ()), *(floor.exempt or ())))
    return tuple(State(code) for code in sorted(found) if known(code, drafted.declared))


def _actions(grants: Sheet, read: settings.Read, policies: ReadPolicy | None) -> tuple[str, ...]:
    """The powers, and every action that a grant, a floor or a policy names."""
    found = set(POWERS) | {action for action in grants["action"].values if action not in ("", EVERY_ACTION)}
    found.update(floor.action for floor in read.floors if floor.action is not None)
    found.update(policies.actions if policies is not None else ())
    return tuple(sorted(found))


def _settings(drafted: settings.Draft, read: settings.Read, states: Mapping[str, int]) -> Settings:
    upward = closed(
        {states[s]: [states[t] for t in above] for s, above in drafted.states.items() if s in states}, len(states)
    )
    home = (states[code] for code in read.home if code in states)
    return Settings(
        name=read.name,
        bases=frozenset(read.bases),
        gate=read.gate,
        home=frozenset(above for state in home for above in upward[state]),
        upward=upward,
        terms=read.terms,
        floors=tuple(floor.final(states) for floor in read.floors if _all_known(floor, states)),
        costs=read.costs,
        parsed=read.parsed,
        declared=drafted.declared,
    )


def _all_known(floor: DraftFloor, states: Mapping[str, int]) -> bool:
    return all(code in states for code in (*(floor.against or ()), *(floor.exempt or ())))


def closed(above: Mapping[int, Iterable[int]], count: int) -> tuple[frozenset[int], ...]:
    """For each of `count` states: itself and all that is reached through `above`, circles allowed."""
    found = []
    for start in range(count):
        reached, waiting = {start}, [start]
        while waiting:
            for state in above.get(waiting.pop(), ()):
                if state not in reached:
                    reached.add(state)
                    waiting.append(state)
        found.append(frozenset(reached))
    return tuple(found)
