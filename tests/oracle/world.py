"""The rows of a case on one day, as sets: who is exposed to what, who is in what, what lies within what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .case import Case, Row

BASES = ("workplace", "residence", "employer", "owner", "travel", "declared")
POWERS = frozenset({"operate", "enroll", "assume", "amend"})

Ref = tuple[str, str]
"""A typed reference, split at its first colon; ("everyone", "") for everyone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    holder: Ref
    action: str
    target: Ref
    terms: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """`places`: one reference for each approval that must come from it."""

    approvals: int
    approvers: Ref
    apart: int
    distinct: tuple[str, ...]
    places: tuple[Ref, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that does not change while one derives.

    `exposure[p]` is X(p); `member[p]` the groups p is in through nesting; `above[g]` g and every group it is nested in;
    `beneath[t]` t and all that lies within it; `hosts[t]` is closed upward, `lock[t]` "" where there is no key;
    `cells[p]` p's row. `phantoms` are people who stand for unknown members.
    """

    exposure: Mapping[str, frozenset[str]]
    member: Mapping[str, frozenset[str]]
    cells: Mapping[str, Row]
    above: Mapping[str, frozenset[str]]
    beneath: Mapping[str, frozenset[str]]
    of_class: Mapping[str, str]
    hosts: Mapping[str, frozenset[str]]
    hosted_in: Mapping[str, frozenset[str]]
    shielded_from: Mapping[str, frozenset[str]]
    lock: Mapping[str, str]
    parent: Mapping[str, str]
    grants: tuple[Grant, ...]
    terms: Mapping[str, Terms]
    gate: str
    home: frozenset[str]
    ties: Mapping[str, frozenset[str]]
    unknown: frozenset[str]
    phantoms: frozenset[str] = frozenset()

    @property
    def people(self) -> tuple[str, ...]:
        return tuple(self.exposure)

    def upward(self, states: Iterable[str]) -> frozenset[str]:
        return closed(states, self.ties)

    def filled(self, state: str, groups: frozenset[str]) -> World:
        """With so many people of `state` in each of these unknown groups that no quorum wants for more of them."""
        most = 1 + max((t.approvals for t in self.terms.values()), default=0)
        names = [f"?{n}" for n in range(most)]
        every = closed(groups, self.above)
        return replace(
            self,
            exposure={**self.exposure, **{p: self.upward([state]) for p in names}},
            member={**self.member, **dict.fromkeys(names, every)},
            cells={**self.cells, **{p: {} for p in names}},
            phantoms=frozenset(names),
        )


def world(case: Case, at: dt.date) -> World:
    """The case as it stands on the day `at`."""
    settings = case.settings
    ties = {state: frozenset(up) for state, up in settings.get("states", {}).items()}
    assets = {row["id"]: row for row in case.rows("assets")}
    parent = {t: row.get("within", "") for t, row in assets.items()}
    lines = {t: _line(t, parent) for t in assets}
    hosted = {t: _nearest(lines[t], assets, "hosted_in").split() for t in assets}
    above = _above(case)
    return World(
        exposure=_exposures(case, at, ties),
        member=_members(case, above),
        cells={row["id"]: row for row in case.rows("people")},
        above=above,
        beneath={t: frozenset(u for u in assets if t in lines[u]) for t in assets},
        of_class={t: row.get("class", "") for t, row in assets.items()},
        hosts={t: closed(hosted[t], ties) for t in assets},
        hosted_in={t: frozenset(hosted[t]) for t in assets},
        shielded_from={t: frozenset(row.get("shielded_from", "").split()) for t, row in assets.items()},
        lock={t: _lock(lines[t], assets) for t in assets},
        parent=parent,
        grants=tuple(
            Grant(holder=ref(r["holder"]), action=r["action"], target=ref(r["target"]), terms=r.get("terms", ""))
            for r in case.rows("grants")
        ),
        terms={name: _terms(body) for name, body in settings.get("terms", {}).items()},
        gate=settings.get("gate", ""),
        home=closed(settings.get("home", ()), ties),
        ties=ties,
        unknown=frozenset(row["group"] for row in case.rows("unknown")),
    )


def ref(text: str) -> Ref:
    kind, _, name = text.partition(":")
    return kind, name


def closed(start: Iterable[str], up: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """`start` and all that is reached from it through `up`."""
    found = set(start)
    while more := {b for a in found for b in up.get(a, ())} - found:
        found |= more
    return frozenset(found)


def subsets(items: Iterable[str]) -> list[frozenset[str]]:
    found: list[frozenset[str]] = [frozenset()]
    for item in sorted(items):
        found += [some | {item} for some in found]
    return found


def _terms(body: Mapping[str, Any]) -> Terms:
    places: list[Ref] = []
    for place in body.get("from", []):
        places += [ref(place["of"])] * place.get("count", 1)
    return Terms(
        approvals=body["approvals"],
        approvers=ref(body["approvers"]),
        apart=body.get("apart", 0),
        distinct=tuple(body.get("distinct", ())),
        places=tuple(places),
    )


def _line(asset: str, parent: Mapping[str, str]) -> list[str]:
    """The asset, what it lies within, and so on upward."""
    line = [asset]
    while parent[line[-1]]:
        line.append(parent[line[-1]])
    return line


def _nearest(line: list[str], assets: Mapping[str, Row], column: str) -> str:
    return next((cell for t in line if (cell := assets[t].get(column, ""))), "")


def _lock(line: list[str], assets: Mapping[str, Row]) -> str:
    """The asset's own key, or else what locks the asset it lies in, unless that is the asset itself."""
    own = assets[line[0]].get("key", "")
    if own or len(line) == 1:
        return own
    above = _lock(line[1:], assets)
    return "" if above == line[0] else above


def _above(case: Case) -> dict[str, frozenset[str]]:
    into: dict[str, frozenset[str]] = {}
    names = {row["group"] for row in case.rows("groups") + case.rows("unknown")}
    for row in case.rows("groups"):
        kind, name = ref(row["member"])
        if kind == "group":
            into[name] = into.get(name, frozenset()) | {row["group"]}
            names.add(name)
    return {g: closed([g], into) for g in names}


def _members(case: Case, above: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    own: dict[str, set[str]] = {row["id"]: set() for row in case.rows("people")}
    for row in case.rows("groups"):
        kind, name = ref(row["member"])
        if kind == "person":
            own[name].add(row["group"])
    return {p: closed(groups, above) for p, groups in own.items()}


def _exposures(case: Case, at: dt.date, ties: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    bases = case.settings.get("bases", BASES)
    entities = {row["id"]: row for row in case.rows("entities")}
    found: dict[str, set[str]] = {}
    for row in case.rows("people"):
        mine: dict[str, set[str]] = {base: set() for base in BASES}
        mine["workplace"].add(row.get("workplace", ""))
        mine["residence"].add(row.get("residence", ""))
        employer = row.get("entity", "")
        if employer:
            mine["employer"].add(entities[employer].get("state", ""))
            while employer := entities[employer].get("parent", ""):
                mine["owner"].add(entities[employer].get("state", ""))
        for trip in case.rows("travel"):
            first, last = dt.date.fromisoformat(trip["from"]), dt.date.fromisoformat(trip["until"])
            if trip["person"] == row["id"] and first <= at <= last:
                mine["travel"].add(trip["state"])
        mine["declared"] |= {tie["state"] for tie in case.rows("declared") if tie["person"] == row["id"]}
        found[row["id"]] = {state for base in bases for state in mine[base]} - {""}
    return {p: closed(states, ties) for p, states in found.items()}
