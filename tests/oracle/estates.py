"""Random small estates with every feature of the definition in play, weighted so that interesting lengths are common.

One generator, two drivers: a seed (`random_case`) for long runs, and hypothesis (`cases`) where a failing estate should
shrink. All of them are valid: the estate's parser accepts them.
"""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import Any, TypeVar

from hypothesis import strategies as st

from .case import Case, Row, Tables
from .policies import Names, random_policy

AT = dt.date(2026, 11, 22)
"""The day on which random cases are asked about; journeys begin and end around it."""

COUNTRIES = ("CN", "HK", "US", "IE", "SG", "RU")
T = TypeVar("T")


def random_case(seed: int) -> Case:
    """The same case for the same seed, on every machine."""
    return _Maker(Random(seed)).case()


def cases() -> st.SearchStrategy[Case]:
    """The same estates under hypothesis, so that a failing one shrinks."""
    return st.randoms(use_true_random=False).map(lambda random: _Maker(random).case())


class _Maker:
    """One case in the making. Sizes first, then each table, then settings."""

    def __init__(self, random: Random) -> None:
        self.random = random
        # Ids may hold colons and slashes; the order of ids is not the order of rows.
        mark = self.pick({"": 8, "x:y/": 1, "é ": 1})
        self.people = [f"{mark}{n}" for n in "abcdefghi"[: self.pick({3: 1, 4: 2, 5: 4, 6: 5, 7: 4, 8: 3, 9: 1})]]
        self.groups = [f"g{n}" for n in range(1, 1 + self.pick({2: 2, 3: 4, 4: 4, 5: 2}))]
        self.assets = [f"{mark}t{n}" for n in range(1, 1 + self.pick({1: 2, 2: 5, 3: 4, 4: 2}))]
        self.terms = [f"r{n}" for n in range(1, 1 + self.pick({0: 1, 1: 4, 2: 6, 3: 3}))]
        self.entities = [f"e{n}" for n in range(1, 1 + self.pick({0: 4, 1: 2, 2: 2, 3: 1}))]
        self.cedar = self.chance(0.12)
        self.unknown = random.sample(self.groups, self.pick({1: 3, 2: 1})) if self.chance(0.16) else []
        self.chained = self.chance(0.5)
        self.strict = self.chance(0.66)
        """Terms with large quorums that enough people could form, and little that leads round them."""
        if self.strict and len(self.people) < 6:
            self.people = self.people[:1] + [f"{mark}{n}" for n in "mnopqr"[: self.pick({5: 2, 6: 2})]]
        self.countries = random.sample(COUNTRIES, self.pick({3: 1, 4: 4, 5: 4} if self.strict else {2: 3, 3: 5, 4: 3}))
        sets = {("read",): 7, ("read", "export"): 2, ("read", "use"): 3, ("export", "use", "read"): 1}
        self.actions = self.pick(sets)
        self.classes: list[str] = []
        self.gate = self.random.choice(self.assets) if self.chance(0.25) else ""
        self.bodies = {r: self.body() for r in self.terms}
        # Groups that a quorum needs: worth entering.
        self.wanted = [b["approvers"][6:] for b in self.bodies.values() if b["approvers"].startswith("group:")]

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def pick(self, weights: dict[T, int]) -> T:
        return self.random.choices(list(weights), list(weights.values()))[0]

    def some(self, items: list[str], most: int) -> list[str]:
        return self.random.sample(items, self.random.randint(0, min(most, len(items))))

    def place(self) -> str:
        """Some states can compel many, some hardly anybody."""
        if not self.strict:
            return self.random.choice(self.countries)
        return self.random.choices(self.countries, (8, 8, 8, 1, 1)[: len(self.countries)])[0]

    def case(self) -> Case:
        assets = self.asset_rows()
        self.classes = sorted({row["class"] for row in assets if row.get("class")})
        tables: Tables = {
            "people": [self.person(p) for p in self.people],
            "entities": self.entity_rows(),
            "travel": self.travel() if self.chance(0.3) else [],
            "declared": self.declared() if self.chance(0.2) else [],
            "groups": self.members(),
            "assets": assets,
            "unknown": [{"group": g} for g in self.unknown],
            "grants": self.grants(),
        }
        for rows in tables.values():
            self.random.shuffle(rows)
        settings = self.settings()
        policy = ""
        if self.cedar:
            names = Names(
                people=self.people,
                groups=self.groups,
                assets=self.assets,
                classes=self.classes,
                terms=self.terms,
                countries=self.countries,
                entities=self.entities,
            )
            policy = random_policy(self.random, names)
        return Case(tables={name: rows for name, rows in tables.items() if rows}, settings=settings, policy=policy)

    def person(self, name: str) -> Row:
        unit = self.pick({"u1": 3, "u2": 3, "u3": 3, "u4": 3, "": 1})
        row = {"id": name, "unit": unit, "shift": self.pick({"day": 4, "night": 4, "": 1})}
        if self.chance(0.65 if self.strict else 0.9):
            row["workplace"] = self.place()
        if self.chance(0.2):
            row["residence"] = self.place()
        if self.entities and self.chance(0.5):
            row["entity"] = self.random.choice(self.entities)
        return row

    def entity_rows(self) -> list[Row]:
        rows = []
        for n, name in enumerate(self.entities):
            row = {"id": name}
            if self.chance(0.85):
                row["state"] = self.place()
            if n and self.chance(0.7):
                row["parent"] = self.random.choice(self.entities[:n])
            rows.append(row)
        return rows

    def travel(self) -> list[Row]:
        days = [
            (AT + dt.timedelta(first), AT + dt.timedelta(last))
            for first, last in [(0, 0), (-3, 0), (0, 4), (-2, 2), (-9, -1), (1, 9)]
        ]
        chosen = [self.random.choice(days) for _ in range(self.random.randint(1, 2))]
        return [
            {"person": self.random.choice(self.people), "state": self.place(), "from": str(a), "until": str(b)}
            for a, b in chosen
        ]

    def declared(self) -> list[Row]:
        return [{"person": self.random.choice(self.people), "state": self.place()}]

    def members(self) -> list[Row]:
        """Every group has a row unless its members are unknown; nesting at will, now and then in a circle."""
        rows: list[Row] = []
        for g in self.groups:
            if g in self.unknown and self.chance(0.7):
                continue
            least, most = (3, 6) if self.strict else (1, 4)
            inside = self.random.sample(self.people, self.random.randint(least, min(most, len(self.people))))
            rows += [{"group": g, "member": f"person:{p}"} for p in inside]
        for _ in range(self.pick({0: 4, 1: 4, 2: 2, 3: 1})):
            outer, inner = self.random.choice(self.groups), self.random.choice(self.groups)
            rows.append({"group": outer, "member": f"group:{inner}"})
            if self.chance(0.25):
                rows.append({"group": inner, "member": f"group:{outer}"})
        return list({(r["group"], r["member"]): r for r in rows if r["member"] != f"group:{r['group']}"}.values())

    def asset_rows(self) -> list[Row]:
        rows = []
        for n, name in enumerate(self.assets):
            row: Row = {"id": name, "kind": "store", "subjects": str(10 * n)}
            if self.chance(0.6):
                row["class"] = self.pick({"c1": 3, "c2": 2})
            if n and self.chance(0.75 if self.strict else 0.4):
                row["within"] = self.random.choice(self.assets[:n])
            if self.chance(0.12 if self.strict else 0.25):
                row["hosted_in"] = " ".join(sorted(set(self.some(self.countries, 2))))
            if len(self.assets) > 1 and self.chance(0.2):
                # Never its own key, which is an error; keys that lock each other in are only odd.
                row["key"] = self.random.choice([t for t in self.assets if t != name])
            if self.cedar or self.chance(0.1):
                row["shielded_from"] = " ".join(self.some(self.countries, 2))
            rows.append(row)
        if len(rows) > 1 and "hosted_in" in rows[-1] and self.chance(0.3):
            # A key that lies within what it protects, so that it is handed its own key.
            rows[0].setdefault("hosted_in", rows[-1]["hosted_in"])
            rows[1]["within"], rows[1]["key"] = self.assets[0], ""
            rows[0]["key"] = self.assets[1]
        return rows

    def holder(self) -> str:
        return self.pick(
            {
                f"group:{self.random.choice(self.groups)}": 60,
                f"person:{self.random.choice(self.people)}": 34,
                "everyone": 6,
            }
        )

    def grants(self) -> list[Row]:
        rows = [self.grant(a) for a in self.actions for _ in range(self.random.randint(1, 1 if self.cedar else 2))]
        powers = self.pick({0: 4, 1: 4, 2: 2} if self.strict else {0: 1, 1: 3, 2: 3, 3: 2, 4: 1})
        kinds = ("operate", "enroll", "enroll", "assume", "assume", "amend")
        rows += [self.grant(self.random.choice(kinds)) for _ in range(powers)]
        if self.gate and self.chance(0.5):
            rows.append({**self.grant("operate"), "target": f"asset:{self.gate}"})
        if self.chained and self.terms:
            # A quorum that another quorum makes possible: small terms on a power, large ones on what it leads to.
            sizes = sorted(self.terms, key=lambda r: self.bodies[r]["approvals"])
            for row in rows:
                if row["action"] in self.actions and self.chance(0.8):
                    row["terms"] = sizes[-1]
            power = self.pick({"enroll": 4, "assume": 3, "amend": 2})
            rows.append({**self.grant(power, sizes[-1]), "terms": sizes[0]})
        return rows

    def grant(self, action: str, towards: str = "") -> Row:
        """`towards`: the terms that a power should help to meet."""
        if action == "amend" and not self.terms:
            action = "assume"
        row = {"holder": self.holder(), "action": action, "target": self.target(action, towards)}
        if action in ("enroll", "assume", "amend"):
            standing = 0.2 if self.strict else 0.4
        else:
            standing = 0.02 if self.strict else 0.15
        if self.terms and not self.chance(standing):
            row["terms"] = self.random.choice(self.terms)
        if "terms" not in row and row["holder"] == "everyone":
            row["holder"] = f"person:{self.random.choice(self.people)}"
        return row

    def target(self, action: str, towards: str) -> str:
        approvers = self.bodies[towards]["approvers"] if towards else ""
        match action:
            case "enroll" | "assume" if approvers.startswith("group:") and self.chance(0.7):
                return str(approvers)
            case "enroll":
                return f"group:{self.random.choice(self.wanted or self.groups)}"
            case "assume":
                return self.pick(
                    {f"person:{self.random.choice(self.people)}": 3, f"group:{self.random.choice(self.groups)}": 1}
                )
            case "amend":
                return f"terms:{towards or self.random.choice(self.terms)}"
            case _:
                if self.classes and self.chance(0.2 if self.strict else 0.35):
                    return f"class:{self.random.choice(self.classes)}"
                first = 1 if self.strict and action != "use" else 2
                return f"asset:{self.random.choice(self.assets[:first])}"

    def body(self) -> dict[str, Any]:
        """Terms that this firm could meet more often than not."""
        approvals = self.pick({1: 1, 2: 6, 3: 3} if self.strict else {1: 6, 2: 4, 3: 1})
        approvers = self.pick(
            {
                f"group:{self.random.choice(self.groups)}": 6,
                "everyone": 4,
                f"person:{self.random.choice(self.people)}": 2 if approvals == 1 else 0,
            }
        )
        body: dict[str, Any] = {"approvals": approvals, "approvers": approvers}
        if self.strict:
            body["apart"] = self.pick({approvals - 1: 3, approvals: 5, approvals + 1: 1})
        elif self.chance(0.6):
            body["apart"] = self.random.randint(0, min(3, approvals + 1))
        if self.chance(0.25):
            body["distinct"] = self.pick({("unit",): 4, ("shift",): 1, ("unit", "shift"): 1})
            body["distinct"] = list(body["distinct"])
        if self.chance(0.25):
            of = [f"group:{self.random.choice(self.groups)}", f"person:{self.random.choice(self.people)}", "everyone"]
            counts = self.pick({(1,): 6, (1, 1): 4, (2,): 1})
            if sum(counts) <= approvals:
                body["from"] = [{"of": self.random.choices(of, (6, 2, 1))[0], "count": n} for n in counts]
        return body

    def settings(self) -> dict[str, Any]:
        found: dict[str, Any] = {"name": "A firm"}
        if self.chance(0.12):
            found["bases"] = self.random.sample(
                ("workplace", "residence", "employer", "owner", "travel", "declared"), self.random.randint(2, 5)
            )
            if "workplace" not in found["bases"]:
                found["bases"].append("workplace")
        if self.gate:
            found["gate"] = self.gate
        if self.chance(0.25):
            found["home"] = self.countries[:1] if self.chance(0.7) else self.some(self.countries, 2)
        if self.chance(0.4):
            found["states"] = self.ties()
        if self.terms:
            found["terms"] = self.bodies
        floors = [self.floor() for _ in range(self.pick({0: 4, 1: 3, 2: 2}))]
        if floors:
            found["floor"] = floors
        return found

    def ties(self) -> dict[str, list[str]]:
        """Who reaches whom: plainly, by a bloc, by a bloc in a bloc, or all round."""
        a, b, *_ = self.random.sample(self.countries, 2)
        return self.random.choice(
            (
                {a: [b]},
                {a: ["EU"], b: ["EU"]},
                {a: ["EU"], "EU": ["WEST"], b: ["WEST"]},
                {a: ["BLOC"], b: ["BLOC"], "BLOC": [a]},
            )
        )

    def floor(self) -> dict[str, Any]:
        targets = [f"asset:{t}" for t in self.assets] + 2 * [f"class:{c}" for c in self.classes]
        floor: dict[str, Any] = {
            "action": self.random.choice(("read", "read", "export", "*")),
            "target": self.random.choice(targets),
            "length": self.pick({1: 3, 2: 5, 3: 3, 4: 1, 5: 1}),
        }
        side = self.random.random()
        if side < 0.2:
            floor["against"] = self.random.sample((*self.countries, "FR"), self.random.randint(1, 2))
        elif side < 0.4:
            floor["except"] = self.random.sample(self.countries, 1)
        return floor
