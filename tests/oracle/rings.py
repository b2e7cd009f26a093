"""Estates in which quorums bring people for each other in a circle, over boards that overlap.

Whoever keeps a rule because another one helps it, and that one because the first does, though neither could fire first,
loses time; whoever drops one of them too soon loses a length. Both are looked for here.
"""

from __future__ import annotations

from random import Random
from typing import Any

from .case import Case

STATES = ("CN", "DE", "US")


def ring_case(seed: int) -> Case:
    """The same case for the same seed."""
    return _Ring(Random(seed)).case()


class _Ring:
    """`brought`: each of them comes by the quorum of the one before. `crowd` are mostly outsiders, `inside` are
    compelled, as is `asks`, who may ask for most."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.states = STATES[: random.randint(1, 3)]
        self.crowd = [f"p{n}" for n in range(random.randint(4, 7))]
        self.brought = [f"b{n}" for n in range(random.randint(3, 6))]
        self.inside = [f"k{n}" for n in range(random.randint(0, 2))]
        self.groups: dict[str, list[str]] = {}
        self.terms: dict[str, dict[str, Any]] = {}
        self.grants: list[tuple[str, str, str, str]] = []
        self.distinct, self.everyone = self.chance(0.3), random.choice((0, 0, 0.15))
        self.apart = random.choice((0, 0.3))

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def some(self, people: list[str], least: int, most: int) -> list[str]:
        return self.random.sample(people, min(len(people), self.random.randint(least, most)))

    def quorum(self, approvals: int, board: list[str]) -> str:
        name = f"t{len(self.terms)}"
        board = list(dict.fromkeys(board))
        approvals = min(approvals, max(1, len(board)))
        self.groups[f"g{name}"] = board
        everyone = self.chance(self.everyone)
        asked: dict[str, Any] = {"approvals": approvals, "approvers": "everyone" if everyone else f"group:g{name}"}
        if self.distinct and self.chance(0.5):
            asked["distinct"] = self.random.choice((["unit"], ["unit", "role"]))
        if self.chance(self.apart):
            asked["apart"] = self.random.randint(1, approvals)
        if self.chance(0.1):
            asked["from"] = [{"of": f"group:g{name}", "count": 1}]
        self.terms[name] = asked
        return name

    def case(self) -> Case:
        waiving, opening = self.random.choice((0, 0.1, 0.4)), self.random.choice((0, 0.1, 0.4))
        for place, person in enumerate(self.brought):
            self.link(place, person, waiving, opening)
        for _ in range(self.random.randint(0, 2)):
            action = self.random.choice(("assume", "amend", "enroll"))
            holder = self.random.choice([*self.crowd, *self.brought, "asks"])
            self.grants.append((holder, action, self.target(action), self.random.choice(["", *self.terms])))
        if self.chance(0.3):
            controller, controlled = (self.random.choice(self.crowd) for _ in range(2))
            self.grants.append((controller, "assume", f"person:{controlled}", ""))
        for asset in ("t", "u")[: self.random.randint(1, 2)]:
            board = [*self.brought, *self.some(self.crowd, 0, 3), *(self.inside[:1] if self.chance(0.5) else [])]
            terms = self.quorum(self.random.randint(1, min(4, len(board) - 1)), board)
            self.grants.append((self.random.choice(("asks", "asks", "b0")), "read", f"asset:{asset}", terms))
        return Case(tables=self.tables(), settings=self.settings())

    def link(self, place: int, person: str, waiving: float, opening: float) -> None:
        """The quorum that brings `person`, or now and then opens a group or waives terms in its place."""
        board = [*self.some(self.crowd, 1, 3), self.brought[(place + 1) % len(self.brought)]]
        board += [self.random.choice(self.brought)] if self.chance(0.5) else []
        board += [self.brought[place - 1]] if self.chance(0.3) else []
        board += [self.random.choice(self.inside)] if self.inside and self.chance(0.3) else []
        terms = self.quorum(self.random.choice((1, 1, 2, 2, 3)), board)
        holder = self.random.choice(["asks", "asks", self.random.choice(self.brought), self.random.choice(self.crowd)])
        drawn = self.random.random()
        action = "amend" if drawn < waiving else "enroll" if drawn < waiving + opening else "assume"
        self.grants.append((holder, action, f"person:{person}" if action == "assume" else self.target(action), terms))

    def target(self, action: str) -> str:
        match action:
            case "assume":
                return f"person:{self.random.choice(self.brought)}"
            case "amend":
                return f"terms:{self.random.choice(list(self.terms))}"
            case _:
                return f"group:{self.random.choice(list(self.groups))}"

    def settings(self) -> dict[str, Any]:
        found: dict[str, Any] = {"name": "Ring", "bases": ["workplace", "declared"], "terms": self.terms}
        return found | ({"home": list(self.states)} if self.chance(0.3) else {})

    def tables(self) -> dict[str, list[dict[str, str]]]:
        units = self.random.choice((2, 4, 30))
        people = [
            {
                "id": person,
                "unit": f"u{self.random.randrange(units)}" if self.chance(0.9) else "",
                "role": self.random.choice(("o", person)),
                "workplace": self.random.choice((*self.states, "RU")) if outside and self.chance(0.15) else "",
            }
            for some, outside in ((self.crowd, True), ([*self.brought, *self.inside, "asks"], False))
            for person in some
        ]
        if self.chance(0.5):
            self.random.shuffle(people)
        declared = [("asks", s) for s in self.states]
        declared += [(person, s) for person in self.inside for s in self.states if self.chance(0.7)]
        found = {
            "people": people,
            "declared": [{"person": person, "state": s} for person, s in declared],
            "groups": [{"group": g, "member": f"person:{p}"} for g, members in self.groups.items() for p in members],
            "grants": [
                {"holder": f"person:{holder}", "action": action, "target": target, "terms": terms}
                for holder, action, target, terms in self.grants
            ],
            "assets": [{"id": "t"}, {"id": "u"}],
        }
        return found | ({"unknown": [{"group": self.random.choice(list(self.groups))}]} if self.chance(0.1) else {})
