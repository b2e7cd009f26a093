"""Estates in which a few people have to serve several quorums at once, for states that are nearly alike.

First quorums bring people who matter to later ones. Boards overlap, so that one who sits in two saves one; some people
are alike, or alike but for one thing. Whatever an engine leaves out of its search is missed here.
"""

from __future__ import annotations

from random import Random
from typing import Any

from .case import Case, Row

STATES = ("CN", "DE", "IE", "US")


def woven_case(seed: int) -> Case:
    """The same case for the same seed."""
    return _Weave(Random(seed)).case()


class _Weave:
    """`crowd` are outsiders, `brought` act once a first quorum fires, `asks` is compelled by every state."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.states = STATES[: random.randint(1, 3)]
        self.crowd = [f"p{n}" for n in range(random.randint(3, 7))]
        self.brought = [f"b{n}" for n in range(random.randint(1, 4))]
        self.inside = [f"k{n}" for n in range(random.randint(0, 3))]
        self.units, self.varied = random.choice((1, 3, 30)), self.chance(0.4)
        self.wide = random.choice((0.0, 0.0, 0.25))
        self.groups: dict[str, list[str]] = {}
        self.terms: dict[str, dict[str, Any]] = {}
        self.grants: list[Row] = []

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def some(self, people: list[str], most: int) -> list[str]:
        return self.random.sample(people, min(len(people), self.random.randint(1, most)))

    def quorum(self, approvals: int, approvers: list[str]) -> str:
        """Terms of a group of their own, or for everyone."""
        name, random = f"t{len(self.terms)}", self.random
        self.groups[f"g-{name}"] = approvers
        everyone = self.chance(self.wide)
        body: dict[str, Any] = {"approvals": approvals, "approvers": "everyone" if everyone else f"group:g-{name}"}
        if self.varied and self.chance(0.5):
            body["distinct"] = random.choice((["unit"], ["unit"], ["unit", "role"]))
        if self.chance(0.2):
            body["apart"] = random.randint(1, approvals)
        if (everyone or self.chance(0.1)) and self.chance(0.6):
            body["from"] = [{"of": f"group:g-{name}", "count": 1}]
        self.terms[name] = body
        return name

    def grant(self, holder: str, action: str, target: str, terms: str = "") -> None:
        self.grants.append({"holder": holder, "action": action, "target": target, "terms": terms})

    def case(self) -> Case:
        random = self.random
        holders = ["asks"]
        for person in self.brought:
            board = self.some(self.crowd, 3) + (self.some(self.inside, 1) if self.inside and self.chance(0.4) else [])
            approvals = random.choice((1, 1, 1, 2, 2))
            self.power(random.choice(holders), person, self.quorum(min(approvals, len(board)), board))
            if self.chance(0.6):
                holders.append(person)
        assets = ["t", "u"][: random.randint(1, 2)]
        for asset in assets:
            board = self.brought + self.some(self.crowd, 3) + (self.some(self.inside, 1) if self.inside else [])
            approvals = min(len(board) - 1, random.randint(1, len(self.brought) + 2)) or 1
            self.grant(f"person:{random.choice(holders)}", "read", f"asset:{asset}", self.quorum(approvals, board))
        for person in self.some(self.crowd, 2) if self.chance(0.3) else ():
            self.power(person, random.choice([*self.crowd, *self.brought]), "")
        people = self.people()
        members = [{"group": g, "member": f"person:{p}"} for g, some in self.groups.items() for p in some]
        tables = {"people": people, "declared": self.declared(), "groups": members, "grants": self.grants}
        tables["assets"] = [{"id": asset} for asset in assets]
        settings: dict[str, Any] = {"name": "A weave", "bases": ["workplace", "declared"], "terms": self.terms}
        if self.chance(0.4):
            settings["home"] = list(self.states)
        if self.chance(0.1):
            tables["unknown"] = [{"group": random.choice(list(self.groups))}]
        return Case(tables=tables, settings=settings)

    def power(self, holder: str, person: str, terms: str) -> None:
        """What brings a person, or opens or waives what there is so far."""
        match self.random.choice(("assume", "assume", "assume", "assume", "enroll", "amend")):
            case "enroll" if self.groups:
                self.grant(f"person:{holder}", "enroll", f"group:{self.random.choice(list(self.groups))}", terms)
            case "amend" if self.terms:
                self.grant(f"person:{holder}", "amend", f"terms:{self.random.choice(list(self.terms))}", terms)
            case _:
                self.grant(f"person:{holder}", "assume", f"person:{person}", terms)

    def people(self) -> list[Row]:
        random = self.random
        # Some are alike in all, and in the same groups.
        for person in self.some(self.crowd, 2) if self.chance(0.5) else ():
            self.crowd.append(f"{person}x")
            for some in self.groups.values():
                if person in some and self.chance(0.9):
                    some.append(f"{person}x")
        self.crowd += [f"q{n}" for n in range(random.choice((0, 0, 1, 4)))]
        rows: list[Row] = []
        for person in [*self.crowd, *self.brought, *self.inside, "asks"]:
            unit = f"u{random.randrange(self.units)}" if self.chance(0.9) else ""
            rows.append({"id": person, "unit": unit, "role": random.choice(("o", person))})
            if person in self.crowd and self.chance(0.15):
                rows[-1]["workplace"] = random.choice((*STATES, "RU"))
        if self.chance(0.5):
            random.shuffle(rows)
        return rows

    def declared(self) -> list[Row]:
        """Who is compelled by which state: nearly all of those inside by each."""
        found = [{"person": "asks", "state": state} for state in self.states]
        for person in self.inside:
            found += [{"person": person, "state": state} for state in self.states if self.chance(0.7)]
        return found
