"""Random policies about assets, groups and terms that name nobody, over a random estate: after a what-if they are asked
about people who changed only."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random

from tests.oracle.case import Case

STATES = "principal.states"


def with_policies(case: Case, random: Random) -> Case:
    """The case with one to four permits and up to two forbids in place of its own policies."""
    terms = list(case.settings.get("terms", {}))
    text = []
    for n in range(random.randint(1, 4)):
        carried = f' @terms("{random.choice(terms)}")' if terms and random.random() < 0.6 else ""
        text.append(f'@id("p{n}"){carried} permit ({_scope(case, random)}){_conditions(case, random, 0.55)};')
    for n in range(random.choice((0, 1, 1, 2))):
        text.append(f'@id("f{n}") forbid ({_scope(case, random)}){_conditions(case, random, 0.9)};')
    random.shuffle(text)
    return replace(case, policy="\n".join(text) + "\n")


def _uid(kind: str, names: list[str], random: Random) -> str:
    return f"{kind}::{json.dumps(random.choice(names), ensure_ascii=False)}"


def _group(case: Case, random: Random) -> str:
    groups = sorted({row["group"] for name in ("groups", "unknown") for row in case.rows(name)})
    return _uid("Group", groups, random)


def _scope(case: Case, random: Random) -> str:
    assets, terms = [row["id"] for row in case.rows("assets")], list(case.settings.get("terms", {}))
    asset, within = _uid("Asset", assets, random), _uid("Asset", assets, random)
    one = f"resource == {_uid('Terms', terms, random)}" if terms else "resource is Terms"
    who = random.choice(("principal", f"principal in {_group(case, random)}"))
    what, where = random.choice(
        [
            ('action == Action::"read"', f"resource == {asset}"),
            ('action in [Action::"read", Action::"operate"]', f"resource in {within}"),
            ("action", "resource is Asset"),
            ('action == Action::"operate"', f"resource == {asset}"),
            ('action == Action::"enroll"', f"resource == {_group(case, random)}"),
            ('action == Action::"enroll"', "resource is Group"),
            ('action == Action::"assume"', "resource is Group"),
            ('action == Action::"amend"', one),
        ]
    )
    return f"{who}, {what}, {where}"


def _conditions(case: Case, random: Random, share: float) -> str:
    rows = case.rows("people")
    state = json.dumps(random.choice([row.get("workplace") or "US" for row in rows]))
    unit = json.dumps(random.choice([row.get("unit") or "" for row in rows]))
    known = [
        "context.ticket",
        f"{STATES}.containsAny(resource.shielded_from)",
        f"{STATES}.contains({state})",
        f"{STATES} == []",
        f"principal.unit == {unit}",
        f"principal.unit == {unit} || {STATES}.contains({state})",
        f"principal in {_group(case, random)}",
        f"principal in {_group(case, random)} && principal in {_group(case, random)}",
        f"principal in {_group(case, random)} || context.urgent",
        'principal.entity == ""',
    ]
    parts = ""
    while random.random() < share and parts.count("{") < 2:
        parts += f" {random.choice(('when', 'unless'))} {{ {random.choice(known)} }}"
    return parts
