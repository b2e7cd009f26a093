"""A small firm in plain words, and docs/semantics.md read once more, apart from the code that it is held against.

Nothing of `armslength` is imported here: what a person is exposed to, who may ask for what, and what a satisfied quorum
is, are worked out anew and slowly, so that the gate and this agree only if both read the definition alike.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, combinations, permutations
from typing import Any

Grant = tuple[str, str, str, str]
"""Holder, action, target, terms; empty terms: access outside the gate."""

GATE = "asset:access-gate"
STANDING = ""
"""In place of terms: access that needs no lease."""

ASSETS = {"meetings": ("", ""), "rec-1": ("content", "meetings"), "records": ("content", ""), "access-gate": ("", "")}
"""The class of each, and what it lies within."""
ENTITIES = {"mm": ("US", ""), "mm-ie": ("IE", "mm"), "mm-sg": ("SG", "mm")}
"""The state of each employer, and its owner."""
BLOCS = {"HK": frozenset({"CN"})}
HOME = frozenset({"US"})
CEDAR = """
@id("liaison-end") @terms("two-apart")
permit(principal in Group::"liaison", action == Action::"end", resource == Asset::"meetings");
@id("not-from-cn")
forbid(principal, action == Action::"end", resource) when { principal.states.contains("CN") };
@id("ops-view")
permit(principal in Group::"ops", action == Action::"view", resource == Asset::"meetings");
"""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """As `[terms.…]` in estate.toml."""

    approvals: int
    approvers: str
    apart: int = 0
    distinct: tuple[str, ...] = ()
    minutes: int = 60
    uses: int | None = None
    customers: int | None = None
    customer: str | None = None
    line: bool = False
    places: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Firm:
    """`people` by id, with their cells; `groups` with their members as references; `travel` with first and last day."""

    people: Mapping[str, Mapping[str, str]]
    groups: Mapping[str, frozenset[str]]
    grants: tuple[Grant, ...]
    terms: Mapping[str, Terms]
    travel: tuple[tuple[str, str, str, str], ...] = ()
    declared: frozenset[tuple[str, str]] = field(default_factory=frozenset)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(f"<a firm of {len(self.people)}>")

    # Who is who

    @cached_property
    def everybody(self) -> tuple[str, ...]:
        return tuple(sorted(self.people))

    def members(self, group: str) -> frozenset[str]:
        """People, through nesting."""
        found: set[str] = set()
        for member in self.groups.get(group, ()):
            kind, _, name = member.partition(":")
            found |= {name} if kind == "person" else self.members(name)
        return frozenset(found)

    def belongs(self, person: str, reference: str) -> bool:
        kind, _, name = reference.partition(":")
        return kind == "everyone" or (name == person if kind == "person" else person in self.members(name))

    def exposed(self, person: str, day: dt.date) -> frozenset[str]:
        """X(p): the states that can compel them, upward through blocs."""
        row = self.people[person]
        found = {row["workplace"]} if row.get("workplace") else set()
        entity = row.get("entity", "")
        while entity:
            state, entity = ENTITIES[entity]
            found.add(state)
        for who, state, first, last in self.travel:
            if who == person and first <= day.isoformat() <= last:
                found.add(state)
        found |= {state for who, state in self.declared if who == person}
        return frozenset(found.union(*(BLOCS.get(state, ()) for state in found)))

    def above(self, person: str) -> frozenset[str]:
        """Everyone over them in their line."""
        found: list[str] = []
        while person := self.people[person].get("manager", ""):
            found.append(person)
        return frozenset(found)

    # Who may ask for what

    def ways(self, executor: str, others: frozenset[str], action: str, target: str, day: dt.date) -> list[str]:
        """The terms that lead to it, `STANDING` for none needed; none at all: it is refused. `others` are who asks for
        it and who wrote it."""
        if not {executor, *others} <= self.people.keys() or not self._known(target):
            return []
        reached = set(self._reaching(target))
        found = [
            terms
            for holder, what, aim, terms in self.grants
            if terms and what == action and aim in reached and self.belongs(executor, holder)
        ]
        states = frozenset(chain.from_iterable(self.exposed(each, day) for each in {executor, *others}))
        if executor in self.members("liaison") and (action, target) == ("end", "asset:meetings") and "CN" not in states:
            found.append("two-apart")
        if executor in self.members("ops") and (action, target) == ("view", "asset:meetings"):
            return [STANDING]
        return found

    def may_assume(self, voucher: str, person: str) -> bool:
        """Whether a standing grant of `assume` lets one person vouch for the other."""
        reached = set(self._reaching(f"person:{person}"))
        return voucher in self.people and any(
            not terms and what == "assume" and aim in reached and self.belongs(voucher, holder)
            for holder, what, aim, terms in self.grants
        )

    def _known(self, target: str) -> bool:
        kind, _, name = target.partition(":")
        return name in (self.people if kind == "person" else ASSETS)

    def _reaching(self, target: str) -> Iterator[str]:
        """What a grant can be for to give something on a target."""
        yield target
        kind, _, name = target.partition(":")
        if kind == "person":
            yield from (f"group:{group}" for group in self.groups if name in self.members(group))
        while kind == "asset" and name:
            of_class, name = ASSETS[name]
            if of_class:
                yield f"class:{of_class}"
            if name:
                yield f"asset:{name}"

    # Who is a quorum

    def fits(
        self,
        terms: str,
        asking: frozenset[str],
        approvers: tuple[str, ...],
        day: dt.date,
        barred: frozenset[str] = frozenset(),
    ) -> bool:
        """Whether exactly these approvers satisfy the terms for who asks, who hold one seat together."""
        asked = self.terms[terms]
        people = set(approvers)
        if len(people) != asked.approvals or len(approvers) != asked.approvals or people & asking:
            return False
        if not all(self.belongs(each, asked.approvers) for each in people):
            return False
        if not all(self._differ(column, asking, approvers) for column in asked.distinct):
            return False
        needed = [group for group, count in asked.places for _ in range(count)]
        if not any(
            all(self.belongs(one, group) for one, group in zip(order, needed, strict=False))
            for order in permutations(approvers)
            if len(order) >= len(needed)
        ):
            return False
        seats = [[*asking], *([one] for one in approvers)]
        if asked.line and any(
            a in self.above(b) or b in self.above(a) for one, two in combinations(seats, 2) for a in one for b in two
        ):
            return False
        reach = [frozenset().union(*(self.exposed(one, day) for one in seat)) for seat in seats]
        if any(states & barred for states in reach):
            return False
        states = frozenset().union(*reach) - HOME
        return all(sum(state not in seat for seat in reach) >= asked.apart for state in {*states, "no state"})

    def quorums(
        self,
        terms: str,
        asking: frozenset[str],
        among: frozenset[str],
        day: dt.date,
        barred: frozenset[str] = frozenset(),
    ) -> Iterator[tuple[str, ...]]:
        """Every quorum of these people."""
        known = sorted(among & self.people.keys())
        return (
            some
            for some in combinations(known, self.terms[terms].approvals)
            if self.fits(terms, asking, some, day, barred)
        )

    def _differ(self, column: str, asking: frozenset[str], approvers: tuple[str, ...]) -> bool:
        seat = {self.people[one].get(column, "") for one in asking}
        others = [self.people[one].get(column, "") for one in approvers]
        return "" not in {*seat, *others} and len(set(others)) == len(others) and seat.isdisjoint(others)

    # As files, and changed

    def files(self) -> dict[str, bytes]:
        """The estate's tables and texts."""
        grants = [dict(zip(("holder", "action", "target", "terms"), grant, strict=True)) for grant in self.grants]
        tables = {
            "people": [{"id": name, **row} for name, row in sorted(self.people.items())],
            "entities": [{"id": name, "state": of, "parent": owner} for name, (of, owner) in ENTITIES.items()],
            "groups": [
                {"group": group, "member": member}
                for group, members in sorted(self.groups.items())
                for member in sorted(members)
            ],
            "unknown": [{"group": group, "note": "empty"} for group, members in self.groups.items() if not members],
            "assets": [{"id": name, "class": of, "within": parent} for name, (of, parent) in ASSETS.items()],
            "grants": grants,
            "travel": [
                {"person": who, "state": state, "from": first, "until": last} for who, state, first, last in self.travel
            ],
            "declared": [{"person": who, "state": state} for who, state in sorted(self.declared)],
        }
        named = {f"{name}.csv": _csv(rows) for name, rows in tables.items() if rows}
        return {**named, "policy.cedar": CEDAR.encode(), "estate.toml": self._toml().encode()}

    def without(self, person: str) -> Firm:
        """They leave."""
        people = {
            name: {**row, "manager": "" if row.get("manager") == person else row.get("manager", "")}
            for name, row in self.people.items()
            if name != person
        }
        return replace(
            self,
            people=people,
            groups={group: members - {f"person:{person}"} for group, members in self.groups.items()},
            grants=tuple(grant for grant in self.grants if f"person:{person}" not in grant),
            travel=tuple(trip for trip in self.travel if trip[0] != person),
            declared=frozenset(tie for tie in self.declared if tie[0] != person),
        )

    def moved(self, person: str, **cells: str) -> Firm:
        return replace(self, people={**self.people, person: {**self.people[person], **cells}})

    def with_terms(self, name: str, **changed: object) -> Firm:
        return replace(self, terms={**self.terms, name: replace(self.terms[name], **changed)})  # type: ignore[arg-type]

    def _toml(self) -> str:
        lines = ['name = "A firm"', 'gate = "access-gate"', f"home = {json.dumps(sorted(HOME))}", "[states]"]
        lines += [f"{state} = {json.dumps(sorted(above))}" for state, above in BLOCS.items()]
        for name, terms in self.terms.items():
            lines += [
                "",
                f"[terms.{name}]",
                f"approvals = {terms.approvals}",
                f"approvers = {json.dumps(terms.approvers)}",
            ]
            lines += [
                f"apart = {terms.apart}",
                f"minutes = {terms.minutes}",
                f"distinct = {json.dumps(terms.distinct)}",
            ]
            lines += ['line = "apart"'] if terms.line else []
            lines += [f"{key} = {value}" for key in ("uses", "customers") if (value := getattr(terms, key)) is not None]
            lines += [f"customer = {json.dumps(terms.customer)}"] if terms.customer else []
            places = ", ".join(f"{{ of = {json.dumps(group)}, count = {count} }}" for group, count in terms.places)
            lines += [f"from = [{places}]"] if places else []
        return "\n".join(lines) + "\n"


def _csv(rows: list[dict[str, str]]) -> bytes:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [",".join(columns), *(",".join(row.get(column, "") for column in columns) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def _group(*people: str) -> frozenset[str]:
    return frozenset(each if ":" in each else f"person:{each}" for each in people)


THE_FIRM = Firm(
    people={
        "ana": {"workplace": "CN", "unit": "liaison"},
        "bo": {"workplace": "US", "unit": "ops", "entity": "mm"},
        "cy": {"workplace": "US", "unit": "trust us"},
        "di": {"workplace": "IE", "unit": "trust ie", "entity": "mm-ie"},
        "ed": {"workplace": "SG", "unit": "trust sg", "entity": "mm-sg"},
        "eli": {"workplace": "IE", "unit": "ops", "manager": "di"},
        "fay": {"workplace": "CA", "unit": "legal", "manager": "cy"},
        "gus": {"workplace": "IE", "unit": "safety"},
        "hal": {"workplace": "HK", "unit": "trust hk"},
        "kim": {"workplace": "US", "unit": "desk"},
        "ola": {"workplace": "NO", "unit": "liaison"},
    },
    groups={
        "liaison": _group("ana", "ola"),
        "ops": _group("bo", "eli"),
        "legal": _group("fay", "gus"),
        "trust": _group("cy", "di", "ed", "hal", "group:legal"),
        "keepers": _group("di", "ed", "fay", "kim"),
        "staff": _group("group:liaison", "group:ops", "group:trust", "kim"),
    },
    grants=(
        ("group:ops", "end", "asset:meetings", "two-apart"),
        ("group:ops", "read", "class:content", "placed"),
        ("group:ops", "export", "asset:records", "voiced"),
        ("group:ops", "delete", "asset:records", "vetoed"),
        ("group:staff", "list", "asset:meetings", "loose"),
        ("person:ana", "list", "asset:rec-1", ""),
        ("group:ops", "assume", "group:trust", "loose"),
        ("person:kim", "assume", "group:staff", ""),
        ("group:keepers", "operate", GATE, "keeping"),
    ),
    terms={
        "two-apart": Terms(approvals=2, approvers="group:trust", apart=2, distinct=("unit",), uses=2),
        "placed": Terms(
            approvals=2, approvers="group:trust", minutes=30, customers=2, line=True, places=(("group:legal", 1),)
        ),
        "voiced": Terms(approvals=1, approvers="group:trust", apart=1, customer="approve"),
        "vetoed": Terms(approvals=1, approvers="group:trust", apart=1, customer="veto", uses=1),
        "loose": Terms(approvals=1, approvers="everyone", apart=1, minutes=240),
        "keeping": Terms(approvals=2, approvers="group:keepers", apart=1, minutes=30),
    },
    travel=(("ed", "CN", "2026-11-26", "2026-11-27"),),
    declared=frozenset({("gus", "CN")}),
)
