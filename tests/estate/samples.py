"""Small estates for the tests of this room: written as rows, turned to files in either form, and told back by name."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from hypothesis import strategies as st

from armslength.estate import COLUMNS, POWERS, Estate, Kind, Ref

Rows = list[dict[str, str]]


@dataclass
class Sample:
    """The rows of each table, the settings and the policy of an estate that is about to be written."""

    tables: dict[str, Rows] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    policy: str | None = None

    def files(self, form: str = "csv") -> dict[str, bytes]:
        write = {"csv": csv_bytes, "parquet": parquet_bytes}[form]
        found = {f"{name}.{form}": write(_columns(name, rows), rows) for name, rows in self.tables.items()}
        found["estate.toml"] = toml(self.settings).encode()
        if self.policy is not None:
            found["policy.cedar"] = self.policy.encode()
        return found


def _columns(name: str, rows: Rows) -> tuple[str, ...]:
    return (*COLUMNS[name], *sorted({column for row in rows for column in row} - set(COLUMNS[name])))


def csv_bytes(columns: tuple[str, ...], rows: Rows) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([row.get(column, "") for column in columns] for row in rows)
    return text.getvalue().encode()


def parquet_bytes(columns: tuple[str, ...], rows: Rows) -> bytes:
    frame = pl.DataFrame(
        {c: [row.get(c) or None for row in rows] for c in columns}, schema=dict.fromkeys(columns, pl.String)
    )
    file = io.BytesIO()
    frame.write_parquet(file)
    return file.getvalue()


def toml(settings: Mapping[str, Any]) -> str:
    """Settings as TOML: tables under `states`, `terms`, `costs`, arrays of tables under `floor`."""
    lines: list[str] = []
    for key, value in settings.items():
        if key not in ("states", "terms", "costs", "floor"):
            lines.append(f"{key} = {_value(value)}")
    lines += _table("states", settings)
    for name, terms in settings.get("terms", {}).items():
        lines.append(f"[terms.{_value(name)}]")
        lines += [f"{k} = {_value(v)}" for k, v in terms.items()]
    for floor in settings.get("floor", []):
        lines.append("[[floor]]")
        lines += [f"{k} = {_value(v)}" for k, v in floor.items()]
    lines += _table("costs", settings)
    return "\n".join(lines) + "\n"


def _table(key: str, settings: Mapping[str, Any]) -> list[str]:
    rows = [f"{_value(k)} = {_value(v)}" for k, v in settings.get(key, {}).items()]
    return [f"[{key}]", *rows] if rows else []


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


# --- strategies -----------------------------------------------------------------------------------------------------

NAME = st.text(st.sampled_from("abcXYZ09é国:/-_. ,\"'"), min_size=1, max_size=6).map(str.strip).filter(bool)
STATE = st.sampled_from(["US", "CN", "HK", "IE", "EU", "XK"])
DAY = st.dates().map(lambda day: day.isoformat())


def _names(most: int) -> st.SearchStrategy[list[str]]:
    return st.lists(NAME, max_size=most, unique=True)


def _earlier(draw: Any, ids: list[str], place: int) -> str:
    return str(draw(st.sampled_from(["", *ids[:place]])))


@st.composite
def samples(draw: Any) -> Sample:
    """Sound estates with every feature of the tables, the settings and, now and then, a policy."""
    units = st.sampled_from(["", "a", "b", "c"])
    states = st.sampled_from(["", "US", "CN", "HK", "IE", "EU", "XK"])
    cells = st.lists(STATE, max_size=2).map(" ".join)
    entities = draw(_names(3))
    people = draw(_names(5))
    groups = draw(_names(4))
    assets = draw(_names(5))
    classes = ["c1", "c:2"]
    terms = draw(_names(2))
    tables: dict[str, Rows] = {
        "entities": [
            {"id": e, "state": draw(states), "parent": _earlier(draw, entities, i)} for i, e in enumerate(entities)
        ],
        "people": [
            {
                "id": p,
                "unit": draw(units),
                "role": draw(units),
                "entity": draw(st.sampled_from(["", *entities])),
                "workplace": draw(states),
                "residence": draw(states),
                "manager": _earlier(draw, people, i),
                "name": draw(NAME),
            }
            for i, p in enumerate(people)
        ],
        "assets": [
            {
                "id": a,
                "kind": draw(units),
                "class": draw(st.sampled_from(["", *classes])),
                "within": _earlier(draw, assets, i),
                "hosted_in": draw(cells),
                "shielded_from": draw(cells),
                "key": draw(st.sampled_from(["", *(other for other in assets if other != a)])),
                "subjects": draw(st.sampled_from(["", "0", "12", "9007199254740991"])),
            }
            for i, a in enumerate(assets)
        ],
    }
    used = sorted({row["class"] for row in tables["assets"]} - {""})
    members = [f"person:{p}" for p in people] + [f"group:{g}" for g in groups]
    holders = ["everyone", *members]
    tables["groups"] = (
        draw(
            st.lists(
                st.fixed_dictionaries({"group": st.sampled_from(groups), "member": st.sampled_from(members)}),
                max_size=8,
            )
        )
        if groups and members
        else []
    )
    filled = {row["group"] for row in tables["groups"]}
    tables["unknown"] = [{"group": g, "note": draw(NAME)} for g in groups if g not in filled or draw(st.booleans())]
    plain = [f"asset:{a}" for a in assets] + [f"class:{c}" for c in used]
    over = {
        "operate": plain,
        "enroll": [f"group:{g}" for g in groups],
        "assume": members,
        "amend": [f"terms:{t}" for t in terms],
        "read": plain,
        "end meeting": plain,
    }
    possible = [(action, target) for action, targets in over.items() for target in targets]
    tables["grants"] = [
        {
            "holder": draw(st.sampled_from(holders)),
            "action": action,
            "target": target,
            "terms": draw(st.sampled_from(["", *terms])),
        }
        for action, target in (draw(st.lists(st.sampled_from(possible), max_size=6)) if possible else [])
    ]
    if people:
        tables["travel"] = [
            {"person": p, "state": draw(STATE), "from": day, "until": day}
            for p, day in draw(st.lists(st.tuples(st.sampled_from(people), DAY), max_size=3))
        ]
        tables["declared"] = [
            {"person": p, "state": draw(STATE)} for p in draw(st.lists(st.sampled_from(people), max_size=2))
        ]
    route = {"path": "/rooms/{room}", "action": "read", "method": "GET", "resource": "room-{room}"}
    tables["routes"] = draw(st.lists(st.just(route), max_size=2))
    settings: dict[str, Any] = {
        "name": draw(NAME),
        "states": {"HK": ["CN"], "XK": [], "IE": ["EU"]},
        "home": draw(st.lists(STATE, max_size=1)),
        "terms": {
            t: {
                "approvals": draw(st.integers(1, 3)),
                "approvers": draw(st.sampled_from(holders)),
                "apart": draw(st.integers(0, 3)),
                "distinct": draw(st.lists(st.sampled_from(["unit", "name"]), max_size=2, unique=True)),
                "from": [{"of": draw(st.sampled_from(holders)), "count": 1}] if draw(st.booleans()) else [],
            }
            for t in terms
        },
        "floor": [
            {
                "action": draw(st.sampled_from(["*", "read", "erase"])),
                "target": target,
                "length": draw(st.integers(0, 4)),
            }
            | draw(st.sampled_from([{}, {"except": ["IE"]}, {"against": ["CN", "XK"]}]))
            for target in (draw(st.lists(st.sampled_from(plain), max_size=2)) if plain else [])
        ],
    }
    if assets and draw(st.booleans()):
        settings["gate"] = assets[0]
    if draw(st.booleans()):
        settings["costs"] = {"drop_grant": draw(st.sampled_from([0, 2, 2.5]))}
    policy = None
    if groups and draw(st.booleans()):
        policy = (
            f'@id("one")\npermit(principal in Group::{json.dumps(groups[0], ensure_ascii=False)}, action, resource);\n'
        )
    return Sample(tables=tables, settings=settings, policy=policy)


# --- an estate told by name -----------------------------------------------------------------------------------------


def told(estate: Estate) -> dict[str, Any]:
    """Everything in an estate by name in place of index, so that two can be compared whatever their order of ids."""
    names = {
        Kind.PERSON: estate.people.ids,
        Kind.GROUP: estate.groups.ids,
        Kind.ASSET: estate.assets.ids,
        Kind.CLASS: estate.classes,
        Kind.TERMS: tuple(terms.id for terms in estate.settings.terms),
        Kind.EVERYONE: ("everyone",),
    }
    states, people, entities, assets = estate.states, estate.people, estate.entities, estate.assets
    groups, grants, settings = estate.groups, estate.grants, estate.settings

    def one(ids: tuple[str, ...], index: int) -> str | None:
        assert -1 <= index < len(ids)
        return None if index == -1 else ids[index]

    def ref(kind: int, index: int) -> tuple[str, str | None]:
        return Kind(kind).name, one(names[Kind(kind)], index)

    def typed(reference: Ref) -> tuple[str, str | None]:
        return ref(reference.kind, reference.index)

    def codes(indexes: frozenset[int] | None) -> list[str] | None:
        return None if indexes is None else sorted(states[i] for i in indexes)

    assert list(states) == sorted(set(states)) and list(estate.actions) == sorted(set(estate.actions))
    assert POWERS <= set(estate.actions)
    return {
        "people": [
            (p, one(states, int(w)), one(states, int(r)), one(entities.ids, int(e)), one(people.ids, int(m)))
            for p, w, r, e, m in zip(
                people.ids, people.workplace, people.residence, people.entity, people.manager, strict=True
            )
        ],
        "columns": {name: column.to_list() for name, column in people.columns.items()},
        "entities": [
            (e, one(states, int(s)), one(entities.ids, int(p)))
            for e, s, p in zip(entities.ids, entities.state, entities.parent, strict=True)
        ],
        "travel": [(people.ids[j.person], states[j.state], j.start, j.until, j.row) for j in estate.travel],
        "declared": [(people.ids[t.person], states[t.state], t.row) for t in estate.declared],
        "groups": [
            (groups.ids[g], ref(k, int(m)), int(row))
            for g, k, m, row in zip(groups.group, groups.member_kind, groups.member, groups.row, strict=True)
        ],
        "unknown": sorted(groups.ids[g] for g in groups.unknown),
        "assets": [
            (
                a,
                assets.kind[i],
                one(estate.classes, int(assets.of_class[i])),
                one(assets.ids, int(assets.within[i])),
                codes(assets.hosted_in[i]),
                codes(assets.shielded_from[i]),
                one(assets.ids, int(assets.key[i])),
                int(assets.subjects[i]),
                codes(assets.hosts[i]),
                one(assets.ids, int(assets.lock[i])),
            )
            for i, a in enumerate(assets.ids)
        ],
        "grants": [
            (
                ref(int(grants.holder_kind[i]), int(grants.holder[i])),
                one(estate.actions, int(grants.action[i])),
                ref(int(grants.target_kind[i]), int(grants.target[i])),
                one(names[Kind.TERMS], int(grants.terms[i])),
                int(grants.row[i]),
            )
            for i in range(len(grants))
        ],
        "settings": {
            "name": settings.name,
            "bases": sorted(settings.bases),
            "gate": None if settings.gate is None else assets.ids[settings.gate],
            "home": codes(settings.home),
            "upward": {s: codes(settings.upward[i]) for i, s in enumerate(states)},
            "terms": [
                (t.id, t.approvals, typed(t.approvers), t.apart, t.distinct, [(typed(p.of), p.count) for p in t.places])
                + (t.minutes, t.line, t.uses, t.customers, t.customer)
                for t in settings.terms
            ],
            "floors": [
                (f.number, f.line, f.action, typed(f.target), f.length, codes(f.against), codes(f.exempt))
                for f in settings.floors
            ],
            "costs": dict(settings.costs),
            "parsed": settings.parsed,
        },
        "policy": None if estate.policy is None else (estate.policy.text, estate.policy.ids, estate.policy.lines),
        "tables": {
            name: {c: column.to_list() for c, column in table.columns.items()} for name, table in estate.tables.items()
        },
    }
