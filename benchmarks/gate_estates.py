"""Estates of a drawn meeting firm for the gate's benchmark: so many people, policies and assets, from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

STATES = ("US", "IE", "DE", "SG", "IN", "BR", "CN", "JP")
ACTIONS = tuple(f"act-{n}" for n in range(10))

SETTINGS = """
name = "benchmark"
gate = "gate"
[terms.two-apart]
approvals = 2
approvers = "group:reviewers"
apart = 2
distinct = ["unit"]
minutes = 60
"""

FORBID = """
@id("shielded")
forbid (principal, action, resource is Asset) when { principal.states.containsAny(resource.shielded_from) };
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One question, as ids."""

    person: str
    action: str
    asset: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """`files` by name; `members[g]` and `classes[c]` as ids; `rules` as (group, action, class), one a permit."""

    files: dict[str, bytes]
    groups: dict[str, list[str]]
    classes: dict[str, list[str]]
    rules: tuple[tuple[str, str, str], ...]
    asks: tuple[Ask, ...]


def draw(*, policies: int, people: int, seed: int, asks: int = 2000) -> Drawn:
    """Half of the questions fit some permit; every permit asks for a ticket, half of them for a quorum."""
    chance = random.Random(f"gate {policies} {people} {seed}")
    names = [f"p{n:05}" for n in range(people)]
    groups = {f"team-{n}": sorted(chance.sample(names, 20)) for n in range(max(10, policies // 4))}
    groups["reviewers"] = names[:40]
    assets = [f"asset-{n:04}" for n in range(400)]
    of = {name: f"class-{n % 20}" for n, name in enumerate(assets)}
    classes = {f"class-{n}": [name for name in assets if of[name] == f"class-{n}"] for n in range(20)}
    teams = [name for name in groups if name != "reviewers"]
    rules = tuple((chance.choice(teams), chance.choice(ACTIONS), f"class-{n % 20}") for n in range(policies - 1))
    drawn = []
    for n in range(asks):
        group, action, kind = chance.choice(rules)
        person = chance.choice(groups[group]) if n % 2 else chance.choice(names)
        drawn.append(Ask(person=person, action=action, asset=chance.choice(classes[kind])))
    return Drawn(
        files=_files(names, groups, of, rules), groups=groups, classes=classes, rules=rules, asks=tuple(drawn)
    )


def _files(
    names: list[str], groups: dict[str, list[str]], of: dict[str, str], rules: tuple[tuple[str, str, str], ...]
) -> dict[str, bytes]:
    policy = [FORBID]
    for n, (group, action, kind) in enumerate(rules):
        terms = '@terms("two-apart")\n' if n % 2 else ""
        policy.append(
            f'@id("permit-{n}")\n{terms}permit (principal in Group::"{group}", action == Action::"{action}",'
            f' resource in Class::"{kind}") when {{ context.ticket != "" }};'
        )
    tables = {
        "people.csv": ["id,unit,workplace", *(f"{p},unit-{n % 12},{STATES[n % 8]}" for n, p in enumerate(names))],
        "groups.csv": ["group,member", *(f"{g},person:{p}" for g, members in groups.items() for p in members)],
        "assets.csv": [
            "id,class,shielded_from",
            "gate,control,",
            *(f"{name},{kind},{'CN' if n % 10 == 0 else ''}" for n, (name, kind) in enumerate(of.items())),
        ],
    }
    texts = {name: "\n".join(rows) + "\n" for name, rows in tables.items()}
    texts |= {"estate.toml": SETTINGS, "policy.cedar": "\n".join(policy)}
    return {name: text.encode() for name, text in texts.items()}
