"""Estates in which a goal wants people whom others bring, groups that others open, and terms that others waive.

So most answers rest on somebody who is not an accomplice. Whoever asks what a change does to an answer, and misses on
whom it rested, is caught here.
"""

from __future__ import annotations

from random import Random
from typing import Any

from .case import Case, Row

STATES = ("CN", "DE", "US")


def tangled_case(seed: int) -> Case:
    """The same case for the same seed."""
    return _Tangle(Random(seed)).case()


class _Tangle:
    """`twins` act once somebody brings them, `aides` too now and then; `crowd` are mostly outsiders, `inside` are
    compelled."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.states = STATES[: random.choice((1, 2, 2))]
        self.twins = [f"a{n}" for n in range(random.randint(1, 3))]
        self.aides = [f"b{n}" for n in range(random.randint(0, 2))]
        self.crowd = [f"p{n}" for n in range(random.randint(3, 5))]
        self.inside = ["r", "s"][: random.choice((1, 1, 2))]
        self.people = [*self.twins, *self.aides, *self.crowd, *self.inside]
        self.groups = {
            "board": [*self.twins, *self.some(self.crowd, len(self.crowd))],
            "leads": [*self.some(self.crowd, 3), *self.aides[: random.randint(0, 1)]],
            "keys": self.some([*self.crowd, *self.inside], 3),
            "twins": [*self.twins, *(self.some(self.crowd, 1) if self.chance(0.3) else [])],
            "odd": random.sample(self.people, 2),
        }
        if self.chance(0.3):
            self.groups["board"] += self.inside
        self.terms: dict[str, dict[str, Any]] = {}
        self.grants: list[Row] = []

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def some(self, people: list[str], most: int) -> list[str]:
        return self.random.sample(people, min(len(people), self.random.randint(1, most)))

    def case(self) -> Case:
        random = self.random
        goal, led, key = self.quorum(random.randint(2, 4), "board"), self.quorum(2, "leads"), self.quorum(1, "keys")
        self.grant("read", "asset:t", goal)
        self.grant("assume", random.choice(("group:twins", "person:a0")), random.choice((led, led, key, "")))
        for _ in range(random.randint(1, 5)):
            action = random.choice(("assume", "assume", "enroll", "enroll", "amend", "read", "operate"))
            more = self.quorum(random.randint(1, 2), random.choice(list(self.groups)))
            self.grant(action, self.target(action), random.choice(("", led, led, key, key, goal, more)))
        settings: dict[str, Any] = {"name": "T", "bases": ["workplace", "travel", "declared"], "terms": self.terms}
        if self.chance(0.25):
            settings["home"] = [random.choice(STATES)]
        if self.chance(0.2):
            settings["states"] = {"DE": ["CN"]}
        if self.chance(0.1):
            settings["gate"] = "u"
        assets: list[Row] = [{"id": "t"}, {"id": "u"}]
        if self.chance(0.15):
            assets[0] |= {"key": "u", "hosted_in": random.choice(STATES)}
        members = [
            {"group": g, "member": f"person:{p}"} for g, some in self.groups.items() for p in dict.fromkeys(some)
        ]
        if self.chance(0.15):
            one, other = random.sample(list(self.groups), 2)
            members.append({"group": one, "member": f"group:{other}"})
        tables = {"people": self.rows(), "groups": members, "assets": assets, "grants": self.grants}
        if self.chance(0.15):
            tables["unknown"] = [{"group": random.choice(list(self.groups))}]
        return Case(tables=tables, settings=settings)

    def quorum(self, approvals: int, approvers: str) -> str:
        name = f"t{len(self.terms)}"
        body: dict[str, Any] = {
            "approvals": approvals,
            "approvers": "everyone" if self.chance(0.08) else f"group:{approvers}",
        }
        if self.chance(0.25):
            body["apart"] = self.random.randint(1, approvals + 1)
        if self.chance(0.12):
            body["distinct"] = ["unit"]
        if self.chance(0.12):
            body["from"] = [{"of": f"group:{self.random.choice(list(self.groups))}", "count": 1}]
        self.terms[name] = body
        return name

    def grant(self, action: str, target: str, terms: str) -> None:
        holders = [f"person:{p}" for p in [*self.crowd, *self.inside, *self.inside, *self.inside]]
        holder = self.random.choice([*holders, "group:odd", "everyone"])
        self.grants.append({"holder": holder, "action": action, "target": target, "terms": terms})

    def target(self, action: str) -> str:
        choose = self.random.choice
        match action:
            case "assume":
                return choose([*(f"person:{p}" for p in [*self.aides, *self.twins, *self.crowd[:1]]), "group:twins"])
            case "enroll":
                return f"group:{choose(list(self.groups))}"
            case "amend":
                return f"terms:{choose(list(self.terms))}"
            case "operate":
                return choose(("asset:u", "asset:t"))
            case _:
                return "asset:u"

    def rows(self) -> list[Row]:
        rows: list[Row] = []
        for person in self.people:
            row = {"id": person, "unit": self.random.choice(("u1", "u2", "u3", person))}
            if person in self.inside:
                row["workplace"] = self.states[0] if person == "r" else self.random.choice(self.states)
            elif self.chance(0.15):
                row["workplace"] = self.random.choice(STATES)
            rows.append(row)
        return rows
