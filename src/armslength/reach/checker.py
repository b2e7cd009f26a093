"""The checker: whether a derivation follows from the estate, step by step.

It shares no code with the engine, and it looks nothing up but the rows, settings and policies of the estate: whoever
holds the estate and the printed steps can redo it by hand (docs/formats/derivation.md). It says that these accomplices
suffice; that no smaller set does is the engine's claim, not the derivation's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

from armslength.estate import AMEND, ASSUME, ENROLL, OPERATE, Estate
from armslength.reach.checker_ground import Fault, Ground, wrong
from armslength.reach.checker_policy import Policies
from armslength.reach.checker_quorum import satisfied
from armslength.reach.result import Fact, Step

USE = "use"

_FIELDS: Mapping[str, frozenset[str]] = {
    "compelled": frozenset({"rows", "tie"}),
    "accomplice": frozenset(),
    "member": frozenset({"rows"}),
    "enrolled": frozenset({"needs", "rows"}),
    "grant": frozenset({"needs", "rows", "by", "requester", "approvers"}),
    "permit": frozenset({"needs", "policy", "by", "requester", "approvers"}),
    "assumed": frozenset({"needs", "rows"}),
    "class": frozenset({"needs", "rows"}),
    "within": frozenset({"needs", "rows"}),
    "has": frozenset({"needs"}),
    "custody": frozenset({"needs", "rows"}),
    "gate": frozenset({"needs"}),
}
"""Besides `rule` and `fact`, the fields that a step of each rule may fill: nothing unchecked is shown to a reader."""

_PARTS = {"acts": 2, "in": 3, "enrolled": 2, "assumed": 2, "waived": 2, "over": 3, "can": 3, "gate": 1}


def check(
    estate: Estate,
    at: dt.date,
    state: int,
    action: int,
    asset: int,
    accomplices: tuple[int, ...],
    steps: tuple[Step, ...],
) -> tuple[str, ...]:
    """Every fault of a derivation that claims that `state`, on the day `at`, with exactly these `accomplices` (people
    indexes) has `action` on `asset` (semantics, "Derivation"); empty when it follows. Never raises for bad steps."""
    return Checker(estate, at).faults(state, action, asset, accomplices, steps)


class Checker:
    """Checks many derivations over one estate and day."""

    def __init__(self, estate: Estate, at: dt.date) -> None:
        self.estate, self.ground = estate, Ground(estate, at)
        self._terms = {terms.id: terms for terms in estate.settings.terms}
        self._policies: Policies | None = None

    def faults(
        self, state: int, action: int, asset: int, accomplices: tuple[int, ...], steps: tuple[Step, ...]
    ) -> tuple[str, ...]:
        """As `check`."""
        found = ["an accomplice is named twice"] if len(set(accomplices)) < len(accomplices) else []
        people = {f"person:{self.estate.people.ids[p]}" for p in accomplices}
        proved: set[Fact] = set()
        for number, step in enumerate(steps, start=1):
            try:
                self._step(step, state, people, proved)
            except Fault as fault:
                rule = step.rule if step.rule in _FIELDS else repr(step.rule)
                found.append(f"step {number} ({rule}): {fault}")
            # A faulty step's fact counts further on, so that one fault is told once.
            if step.fact and _PARTS.get(step.fact[0]) == len(step.fact):
                proved.add(step.fact)
        named = {step.fact[1] for step in steps if step.rule == "accomplice" and len(step.fact) == 2}
        found += [f"the accomplice {ref!r} takes no part in the steps" for ref in sorted(people - named)]
        claimed = ("can", self.estate.actions[action], f"asset:{self.estate.assets.ids[asset]}")
        if not steps or steps[-1].fact != claimed:
            found.append(f"the last step does not prove {_text(claimed)}")
        return tuple(found)

    def _step(self, step: Step, state: int, accomplices: set[str], proved: set[Fact]) -> None:
        ground, allowed = self.ground, _FIELDS.get(step.rule)
        if allowed is None:
            wrong("no such rule")
        for field in ("needs", "rows", "tie", "by", "policy", "requester", "approvers"):
            if getattr(step, field) not in (None, ()) and field not in allowed:
                wrong(f"{field!r} means nothing in this rule")
        for need in step.needs:
            if need not in proved:
                wrong(f"{_text(need)} is not proved by an earlier step")
        match step.rule, step.fact:
            case "compelled", ("acts", person):
                ground.tied(ground.person(person), state, step.tie, step.rows)
            case "accomplice", ("acts", person):
                if person not in accomplices:
                    wrong(f"{person!r} is not among the accomplices named")
                if state in ground.exposed(ground.person(person)):
                    wrong(f"{person!r} is within the state's reach, so no accomplice")
            case "member", ("in", person, group):
                ground.person(person)
                if ground.climb(step.rows, person) != group:
                    wrong(f"the memberships do not lead to {group!r}")
            case "enrolled", ("in", person, group):
                _need(step, ("acts", person))
                first = ground.cells(step.rows[0], "groups")["member"] if step.rows else group
                _need(step, ("enrolled", first))
                if ground.climb(step.rows, first) != group:
                    wrong(f"the memberships do not lead to {group!r}")
            case "assumed", ("acts", person):
                ground.person(person)
                _need(step, ("assumed", ground.climb(step.rows, person)))
            case "grant", fact:
                cells = ground.one(step.rows, "grants")
                if _effect(cells["action"], cells["target"]) != fact:
                    wrong(f"the row grants {cells['action']!r} on {cells['target']!r}, not {_text(fact)}")
                holder = cells["holder"]
                self._usable(step, cells.get("terms", ""), lambda q: _belongs(step, q, holder))
            case "permit", fact:
                self._permit(step, fact)
            case "class", ("over", action, asset):
                _need(step, ("over", action, f"class:{ground.asset_row(step.rows, asset).get('class', '')}"))
            case "within", ("over", action, asset):
                _need(step, ("over", action, f"asset:{ground.asset_row(step.rows, asset).get('within', '')}"))
            case "has", ("can", action, asset) if action not in (ENROLL, ASSUME, AMEND):
                _need(step, ("over", action, asset), ("over", OPERATE, asset), ("can", OPERATE, asset))
            case "custody", ("can", action, asset) if action not in (ENROLL, ASSUME, AMEND):
                self._custody(step, asset, state)
            case "gate", ("gate",):
                gate = self.estate.settings.gate
                if gate is None:
                    wrong("the estate names no gate")
                _need(step, ("can", OPERATE, f"asset:{self.estate.assets.ids[gate]}"))
            case _:
                wrong(f"this rule never makes {_text(step.fact)}")

    def _custody(self, step: Step, asset: str, state: int) -> None:
        """Rule 6."""
        self.ground.asset_row(step.rows, asset)
        assets, t = self.estate.assets, self.ground.assets[asset]
        if not any(state in self.estate.settings.upward[host] for host in assets.hosts[t]):
            wrong(f"{asset!r} is not hosted where the state reaches")
        if assets.lock[t] >= 0:
            key = f"asset:{assets.ids[assets.lock[t]]}"
            _need(step, ("can", USE, key), ("can", OPERATE, key))

    def _permit(self, step: Step, fact: Fact) -> None:
        match fact:
            case ("can", action, target) if action not in (ENROLL, ASSUME, AMEND) and target in self.ground.assets:
                pass
            case ("over", "operate" as action, target) if target in self.ground.assets:
                pass
            case ("enrolled", target) if target.startswith("group:"):
                action = ENROLL
            case ("assumed", target) if target.startswith(("group:", "person:")):
                action = ASSUME
            case ("waived", target) if target.startswith("terms:"):
                action = AMEND
            case _:
                wrong(f"no permit gives {_text(fact)}")
        if action not in self.estate.actions:
            wrong(f"{action!r} is no action of the estate")
        if self._policies is None:
            self._policies = Policies(self.estate, self.ground.exposed)
        policies, policy = self._policies, step.policy or ""
        if step.by == "gate" and not policies.held(policy, action, target):
            wrong(f"the permit {policy!r} gives nobody {action!r} on {target!r}")

        def opens(q: str) -> bool:
            entered = frozenset(need[2] for need in step.needs if need[:2] == ("in", q))
            return policies.open(policy, self.ground.person(q), entered, action, target)

        self._usable(step, policies.terms(policy), opens)

    def _usable(self, step: Step, terms: str, holds: Callable[[str], bool]) -> None:
        """Rule 3, and rule 7 where it is used `by` the gate; `holds` tells whether a person who acts is a holder."""
        if step.by != "quorum" and step.approvers:
            wrong("approvers are named where no quorum is claimed")
        if step.by == "gate":
            _need(step, ("gate",))
            if step.requester is not None:
                wrong("a requester is named where none is needed")
            if not terms and step.rule == "grant":
                wrong("standing access does not go through the gate")
            return
        acting = [need[1] for need in step.needs if need[0] == "acts"]
        requester = next((q for q in acting if step.requester in (None, q) and holds(q)), None)
        if requester is None:
            wrong("nobody among the needs who acts, and is the requester if one is named, holds it")
        match step.by:
            case "standing" if not terms:
                return
            case "waived" if terms:
                _need(step, ("waived", f"terms:{terms}"))
            case "quorum" if terms and step.requester is not None:
                for approver in step.approvers:
                    _need(step, ("acts", approver))
                rule = self._terms[terms]
                satisfied(self.ground, rule, requester, step.approvers, lambda a, of: _belongs(step, a, of))
            case _:
                asked = f"the terms are {terms or 'none'!r} and the requester is {step.requester!r}"
                wrong(f"'by' cannot be {step.by!r} where {asked}")


def _effect(action: str, target: str) -> Fact | None:
    """The fact that a usable grant makes (rules 4 and 5)."""
    match action, target.partition(":")[0]:
        case "enroll", "group":
            return ("enrolled", target)
        case "assume", "person" | "group":
            return ("assumed", target)
        case "amend", "terms":
            return ("waived", target)
        case _, "asset" | "class" if action not in (ENROLL, ASSUME, AMEND):
            return ("over", action, target)
        case _:
            return None


def _belongs(step: Step, person: str, ref: str) -> bool:
    return ref in (person, "everyone") or ("in", person, ref) in step.needs


def _need(step: Step, *either: Fact) -> None:
    if not any(fact in step.needs for fact in either):
        wrong(f"{' or '.join(map(_text, either))} is not among its needs")


def _text(fact: Fact) -> str:
    return repr(" ".join(fact))
