"""The rules for single steps (docs/formats/derivation.md) read once more, over the oracle's sets, for tests of the
checker. It shares nothing with the checker but the form of a step."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator

import cedarpy

from armslength.reach import Fact, Row, Step
from tests.oracle import Case
from tests.oracle.permits import Permits
from tests.oracle.quorum import apart, differ, placed
from tests.oracle.world import BASES, Ref, closed, ref, world

POWERS = {"enroll": "enrolled", "assume": "assumed", "amend": "waived"}
FIELDS = {
    "compelled": {"rows", "tie"},
    "accomplice": set(),
    "member": {"rows"},
    "enrolled": {"needs", "rows"},
    "assumed": {"needs", "rows"},
    "grant": {"needs", "rows", "by", "requester", "approvers"},
    "permit": {"needs", "policy", "by", "requester", "approvers"},
    "class": {"needs", "rows"},
    "within": {"needs", "rows"},
    "has": {"needs"},
    "custody": {"needs", "rows"},
    "gate": {"needs"},
}


class Reading:
    """One case on one day."""

    def __init__(self, case: Case, at: dt.date, actions: tuple[str, ...]) -> None:
        self.case, self.at, self.actions = case, at, actions
        self.world = world(case, at)
        self.permits = Permits(case.policy)
        self.permits.prepare(self.world, actions)
        every = json.loads(cedarpy.policies_to_json_str(case.policy))["staticPolicies"] if case.policy else {}
        self.numbers = {every[number]["annotations"]["id"]: number for number in self.permits.ids}

    def follows(self, claim: tuple[str, str, str], accomplices: tuple[str, ...], steps: tuple[Step, ...]) -> bool:
        """Whether each step is one, made from what stands before it, and the last is the claim's."""
        state, action, asset = claim
        proved: set[Fact] = set()
        for step in steps:
            filled = {name for name in FIELDS["grant"] | {"tie", "policy"} if getattr(step, name) not in (None, ())}
            if not filled <= FIELDS.get(step.rule, set()) or not set(step.needs) <= proved:
                return False
            if not self.step(step, state, accomplices):
                return False
            proved.add(step.fact)
        named = {step.fact[1] for step in steps if step.rule == "accomplice"}
        whole = len(set(accomplices)) == len(accomplices) and {f"person:{p}" for p in accomplices} == named
        return whole and bool(steps) and steps[-1].fact == ("can", action, f"asset:{asset}")

    def step(self, step: Step, state: str, accomplices: tuple[str, ...]) -> bool:
        match step.rule, step.fact:
            case "compelled", ("acts", p):
                return any(
                    step.tie == tie and step.rows == rows and state in closed([tied], self.world.ties)
                    for tie, tied, rows in self.ties(ref(p)[1])
                    if p.startswith("person:")
                )
            case "accomplice", ("acts", p):
                name = p.removeprefix("person:")
                return p != name and name in accomplices and state not in self.world.exposure[name]
            case "member", ("in", p, g):
                return self.is_person(p) and self.leads(step.rows, p, g)
            case "enrolled", ("in", p, g):
                first = [f[1] for f in step.needs if f[0] == "enrolled"]
                return ("acts", p) in step.needs and any(self.leads(step.rows, h, g) for h in first)
            case "assumed", ("acts", p):
                whom = [f[1] for f in step.needs if f[0] == "assumed"]
                return self.is_person(p) and any(self.leads(step.rows, p, g) for g in whom)
            case "grant", fact:
                return self.grant(step, fact)
            case "permit", fact:
                return self.permit(step, fact)
            case "class", ("over", action, asset):
                cells = self.cells("assets", step.rows)
                about = cells.get("class") and f"asset:{cells.get('id')}" == asset
                return bool(about) and ("over", action, f"class:{cells['class']}") in step.needs
            case "within", ("over", action, asset):
                cells = self.cells("assets", step.rows)
                about = cells.get("within") and f"asset:{cells.get('id')}" == asset
                return bool(about) and ("over", action, f"asset:{cells['within']}") in step.needs
            case "has", ("can", action, asset) if action not in POWERS:
                either = {("over", action, asset), ("over", "operate", asset), ("can", "operate", asset)}
                return bool(either & set(step.needs))
            case "custody", ("can", action, asset) if action not in POWERS:
                return self.custody(step, ref(asset), state)
            case "gate", ("gate",):
                return ("can", "operate", f"asset:{self.world.gate}") in step.needs
        return False

    def ties(self, person: str) -> Iterator[tuple[str, str, tuple[Row, ...]]]:
        bases = self.case.settings.get("bases", BASES)
        entities = {row["id"]: (i, row) for i, row in enumerate(self.case.rows("entities"))}
        for i, row in enumerate(self.case.rows("people")):
            if row["id"] != person:
                continue
            for basis in ("workplace", "residence"):
                if basis in bases and row.get(basis):
                    yield basis, row[basis], (Row(file="people.csv", row=i),)
            entity, basis = row.get("entity", ""), "employer"
            while entity:
                at, cells = entities[entity]
                if basis in bases and cells.get("state"):
                    yield basis, cells["state"], (Row(file="entities.csv", row=at),)
                entity, basis = cells.get("parent", ""), "owner"
        for i, row in enumerate(self.case.rows("travel")):
            if row["person"] == person and row["from"] <= str(self.at) <= row["until"] and "travel" in bases:
                yield "travel", row["state"], (Row(file="travel.csv", row=i),)
        for row in self.case.rows("declared"):
            if row["person"] == person and "declared" in bases:
                yield "sealed", row["state"], ()

    def is_person(self, text: str) -> bool:
        kind, name = ref(text)
        return kind == "person" and name in self.world.exposure

    def leads(self, rows: tuple[Row, ...], first: str, last: str) -> bool:
        for row in rows:
            cells = self.cells("groups", (row,))
            if cells.get("member") != first:
                return False
            first = f"group:{cells['group']}"
        return first == last

    def cells(self, table: str, rows: tuple[Row, ...]) -> dict[str, str]:
        """Of the one row that is named; empty if it is none."""
        held = self.case.rows(table)
        if len(rows) != 1 or rows[0].file != f"{table}.csv" or not 0 <= rows[0].row < len(held):
            return {}
        return held[rows[0].row]

    def custody(self, step: Step, asset: Ref, state: str) -> bool:
        kind, name = asset
        if kind != "asset" or self.cells("assets", step.rows).get("id") != name:
            return False
        key = f"asset:{self.world.lock[name]}"
        opened = {("can", "use", key), ("can", "operate", key)} & set(step.needs)
        return state in self.world.hosts[name] and (not self.world.lock[name] or bool(opened))

    def grant(self, step: Step, fact: Fact) -> bool:
        cells = self.cells("grants", step.rows)
        if not cells:
            return False
        action, target, terms = cells["action"], cells["target"], cells.get("terms", "")
        made = (POWERS[action], target) if action in POWERS else ("over", action, target)
        if step.by == "gate" and not terms:
            return False
        return fact == made and self.usable(step, terms, lambda q: self.belongs(step, q, ref(cells["holder"])))

    def permit(self, step: Step, fact: Fact) -> bool:
        number = self.numbers.get(step.policy or "")
        actions = {effect: power for power, effect in POWERS.items()}
        match fact:
            case ("can", action, target) if action not in POWERS and ref(target)[0] == "asset":
                pass
            case ("over", "operate" as action, target) if ref(target)[0] == "asset":
                pass
            case (effect, target) if effect in actions:
                action = actions[effect]
            case _:
                return False
        if number is None or action not in self.actions or not self.is_target(action, ref(target)):
            return False
        if step.by == "gate" and not self.permits.held(number, action, ref(target)):
            return False

        def opens(person: str) -> bool:
            entered = frozenset(ref(f[2])[1] for f in step.needs if f[:2] == ("in", f"person:{person}"))
            return self.permits.open(number, self.world, person, entered, action, ref(target))

        return self.usable(step, self.permits.terms[number], opens)

    def is_target(self, action: str, target: Ref) -> bool:
        kind, name = target
        known = {
            "asset": self.world.beneath,
            "group": self.world.above,
            "person": self.world.exposure,
            "terms": self.world.terms,
        }
        kinds = {"enroll": ("group",), "assume": ("person", "group"), "amend": ("terms",)}
        return kind in kinds.get(action, ("asset",)) and name in known[kind]

    def belongs(self, step: Step, person: str, to: Ref) -> bool:
        kind, name = to
        return (
            kind == "everyone"
            or (kind == "person" and name == person)
            or (("in", f"person:{person}", f"{kind}:{name}") in step.needs)
        )

    def usable(self, step: Step, terms: str, holds: Callable[[str], bool]) -> bool:
        if step.approvers and step.by != "quorum":
            return False
        if step.by == "gate":
            return ("gate",) in step.needs and step.requester is None
        acting = [ref(f[1])[1] for f in step.needs if f[0] == "acts"]
        askers = [q for q in acting if step.requester in (None, f"person:{q}") and holds(q)]
        if not askers:
            return False
        match step.by:
            case "standing":
                return not terms
            case "waived":
                return bool(terms) and ("waived", f"terms:{terms}") in step.needs
            case "quorum" if terms and step.requester is not None:
                asked, approvers = self.world.terms[terms], tuple(ref(a)[1] for a in step.approvers)
                quorum = (askers[0], *approvers)
                if not set(approvers) <= set(acting) or any(not self.is_person(a) for a in step.approvers):
                    return False
                return (
                    len(set(quorum)) == len(quorum) == asked.approvals + 1
                    and all(self.belongs(step, a, asked.approvers) for a in approvers)
                    and differ(self.world, asked, quorum)
                    and apart(self.world, asked, quorum)
                    and placed(asked.places, approvers, lambda a, to: self.belongs(step, a, to))
                )
        return False
