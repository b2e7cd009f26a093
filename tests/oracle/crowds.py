"""Estates of few kinds of people, in numbers about what matters to a quorum, with chains of powers that quorums hold.

`estates.py` has every feature and few people; here are the crowds in which an engine leaves people and columns out.
"""

from __future__ import annotations

from random import Random
from typing import Any

from .case import Case, Row
from .kinds import Permit, permit

STATES = ("CN", "US", "IE", "SG", "RU", "DE")
MOST = 40
"""People, at the most."""
DUMMIES = 70
"""States to which nobody is exposed, where columns shall fill more than a word."""


def crowded_case(seed: int, people: int = MOST) -> Case:
    """The same case for the same seed; some `people` at the most."""
    return _Crowd(Random(seed), people).case()


class _Crowd:
    """Terms first: their sizes say how many people of a kind are many."""

    def __init__(self, random: Random, most: int) -> None:
        self.random, self.most = random, most
        self.states = STATES[: random.randint(2, 6)]
        self.groups = [f"g{n}" for n in range(random.randint(3, 6))]
        self.units, self.roles = random.choice((1, 2, 3, 4, 6, 30)), random.choice((1, 2, 3, 20))
        self.standing = random.choice((0.05, 0.15, 0.5))
        self.laddered = self.chance(0.5)
        self.terms = self.bodies()
        self.size = max(body["approvals"] for body in self.terms.values()) + 1
        self.people: list[Row] = []
        self.members: list[Row] = []
        self.grants: list[Row] = []

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def group(self) -> str:
        return f"group:{self.random.choice(self.groups)}"

    def bodies(self) -> dict[str, dict[str, Any]]:
        random = self.random
        largest, placed = random.choice((1, 2, 2, 3)), self.chance(0.3)
        distinct, everyone = random.choice((0.0, 0.0, 0.4, 0.9)), random.choice((0.1, 0.4, 0.8))
        found: dict[str, dict[str, Any]] = {}
        for n in range(random.randint(1, 4)):
            approvals = random.randint(1, largest)
            body: dict[str, Any] = {
                "approvals": approvals,
                "approvers": "everyone" if self.chance(everyone) else self.group(),
                "apart": random.choice((0, 0, approvals - 1, approvals, approvals, approvals + 1)),
            }
            if self.chance(distinct):
                body["distinct"] = random.choice((["unit"], ["unit"], ["role"], ["unit", "role"]))
            if placed and self.chance(0.6):
                body["from"] = [{"of": self.group(), "count": random.choice((1, 1, min(2, approvals)))}]
                if body["from"][0]["count"] < approvals and self.chance(0.4):
                    body["from"].append({"of": random.choice(("everyone", self.group())), "count": 1})
            found[f"r{n}"] = body
        return found

    def case(self) -> Case:
        self.add_members() if self.laddered else self.add_people()
        assets: list[Row] = [{"id": name} for name in ("x", "y")[: self.random.randint(1, 2)]]
        if self.laddered:
            self.add_ladder([row["id"] for row in assets])
        else:
            self.add_grants([row["id"] for row in assets])
        settings: dict[str, Any] = {"name": "A crowd", "terms": self.terms}
        tables = {"people": self.people, "groups": self.members, "assets": assets, "grants": self.grants}
        if self.chance(0.15):
            settings["home"] = [self.random.choice(self.states)]
        if self.chance(0.25):
            a, b = self.states[:2]
            settings["states"] = self.random.choice(({a: ["EU"], b: ["EU"]}, {a: [b]}, {a: [b], b: [a]}))
        if self.chance(0.12):
            unknown = self.random.sample(self.groups, self.random.randint(1, 2))
            tables["unknown"] = [{"group": g} for g in unknown]
        if self.chance(0.1):
            assets.append({"id": "gate"})
            settings["gate"] = "gate"
            self.grant(self.holder(), "operate", "asset:gate", self.any_terms())
        if self.chance(0.1):
            assets[0] |= {"hosted_in": self.random.choice(self.states), "key": "key"}
            assets.append({"id": "key"})
            self.grant(self.holder(), "use", "asset:key", self.any_terms())
        if self.chance(0.15):
            self.widen(assets, settings)
        for rows in tables.values():
            self.random.shuffle(rows)
        return Case(tables=tables, settings=settings, policy=self.policy() if self.chance(0.3) else "")

    def policy(self) -> str:
        """Permits for whoever is in several groups, each by the tables or since it was opened."""
        permits = []
        for _ in range(self.random.choice((1, 1, 2))):
            targets = [("read", ("asset", "x")), *(("enroll", ("group", g)) for g in self.groups)]
            targets += [("assume", ("group", g)) for g in self.groups]
            action, target = self.random.choice(targets if self.chance(0.5) else targets[:1])
            groups = frozenset(self.random.sample(self.groups, self.random.choice((2, 2, 3))))
            terms = "" if self.chance(0.2) else self.any_terms()
            permits.append(Permit(groups=groups, action=action, target=target, terms=terms))
        return "\n".join(permit(n, one) for n, one in enumerate(permits))

    def add_people(self) -> None:
        random, size = self.random, self.size
        goal = random.randint(10, self.most)
        if self.chance(0.4):
            # The same in each state, or nearly so: columns that an engine may take for alike.
            count, unit = random.choice((1, 2, size - 1, size, size + 1)), random.choice(("?", "own", "own", "u0"))
            for state in self.states:
                for _ in range(max(0, count + random.choice((0, 0, 0, -1, 1)))):
                    self.person([state], [], unit, random.choice(("o0", "o0", "?")))
        while len(self.people) < goal:
            groups = [] if self.chance(0.5) else random.sample(self.groups, random.choice((1, 1, 1, 2, 3)))
            about = (size - 1, size)
            more = (2, 3, size + 1, size + 2, size + 3, 2 * size)
            count = random.choice((1, 1, 1, 2, *about) if groups else (1, 1, *about, *more))
            places = random.choice((0, 0, 1, 1, 1, 2))
            exposed = random.sample(self.states, places)
            unit, role = random.choice(("?", "?", "own", "u0", "u1", "")), random.choice(("?", "?", "o0", ""))
            for _ in range(min(count, self.most - len(self.people))):
                self.person(exposed, groups, unit, role)
        for g in self.groups:
            if not any(row["group"] == g for row in self.members):
                self.members.append({"group": g, "member": self.anyone()})
        if self.chance(0.25):
            outer, inner = random.sample(self.groups, 2)
            self.members.append({"group": outer, "member": f"group:{inner}"})

    def add_members(self) -> None:
        """Fewer people, most of them in several groups: the same few may serve one quorum after another."""
        random = self.random
        for _ in range(random.randint(8, min(16, self.most))):
            places = random.choice((0, 0, 1, 1, 2))
            groups = random.sample(self.groups, random.choice((0, 1, 1, 2, 2, 3)))
            unit, role = random.choice(("?", "?", "own")), random.choice(("?", "o0"))
            self.person(random.sample(self.states, places), groups, unit, role)
        for g in self.groups:
            self.members.append({"group": g, "member": self.anyone()})
        self.members = list({(row["group"], row["member"]): row for row in self.members}.values())

    def person(self, exposed: list[str], groups: list[str], unit: str, role: str) -> None:
        n = len(self.people)
        row = {"id": f"p{n:02}", **dict(zip(("workplace", "residence"), exposed, strict=False))}
        row["unit"] = {"?": f"u{self.random.randrange(self.units)}", "own": f"own {n}"}.get(unit, unit)
        row["role"] = f"o{self.random.randrange(self.roles)}" if role == "?" else role
        self.people.append(row)
        self.members += [{"group": g, "member": f"person:{row['id']}"} for g in groups]

    def anyone(self) -> str:
        return f"person:{self.random.choice(self.people)['id']}"

    def any_terms(self) -> str:
        return self.random.choice(tuple(self.terms))

    def holder(self) -> str:
        return self.random.choices(("everyone", self.anyone(), self.group()), (12, 18, 70))[0]

    def grant(self, holder: str, action: str, target: str, terms: str) -> None:
        self.grants.append({"holder": holder, "action": action, "target": target, "terms": terms})

    def add_grants(self, assets: list[str]) -> None:
        random = self.random
        large = sorted(self.terms, key=lambda name: self.terms[name]["approvals"])[-2:]
        for asset in assets:
            for _ in range(random.randint(1, 2)):
                self.grant(self.holder(), "read", f"asset:{asset}", random.choice(large))
        # Groups that something leads to are worth a power.
        wanted = [body["approvers"] for body in self.terms.values()] + [row["holder"] for row in self.grants]
        for _ in range(random.randint(1, 5)):
            groups = [w for w in wanted if w.startswith("group:")] or [self.group()]
            action = random.choice(("enroll", "enroll", "assume", "assume", "amend"))
            if action == "enroll":
                target = random.choice(groups) if self.chance(0.8) else self.group()
            elif action == "assume":
                target = random.choice((self.anyone(), self.group(), random.choice(groups)))
            else:
                target = f"terms:{self.any_terms()}"
            holder = self.holder()
            alone = holder != "everyone" and self.chance(self.standing)
            self.grant(holder, action, target, "" if alone else self.any_terms())
            wanted.append(holder)

    def add_ladder(self, assets: list[str]) -> None:
        """Each quorum leads to the next, and the last to the assets; some of it twice."""
        random = self.random
        holder, terms = self.group(), self.any_terms()
        for _ in range(random.randint(2, 4)):
            following, needed = self.group(), self.any_terms()
            approvers = self.terms[needed]["approvers"]
            target = random.choice((following, following, approvers if approvers != "everyone" else following))
            for action in random.sample(("enroll", "assume", "amend"), random.choice((1, 1, 2))):
                self.grant(holder, action, f"terms:{needed}" if action == "amend" else target, terms)
            holder, terms = following, needed
        for asset in assets:
            self.grant(random.choice((holder, holder, self.holder())), "read", f"asset:{asset}", terms)
        if self.chance(0.4):
            self.grant(self.group(), "assume", self.anyone(), random.choice(("", *self.terms)))

    def widen(self, assets: list[Row], settings: dict[str, Any]) -> None:
        """More columns, sources and crowds than a word has bits."""
        dummies = [f"S{n:03}" for n in range(DUMMIES)]
        settings["states"] = {**settings.get("states", {}), **{state: [] for state in dummies}}
        settings["floor"] = [{"action": "read", "target": "asset:x", "length": 1, "against": dummies}]
        assets.append({"id": "z"})
        self.members.append({"group": "gz", "member": self.anyone()})
        for row in self.people:
            self.grant(f"person:{row['id']}", "enroll", "group:gz", "")
            self.grant(f"person:{row['id']}", "read", "asset:z", self.any_terms())
