"""What a coalition can do: rules 1 to 7 applied until nothing changes (semantics, "Derivation")."""

from __future__ import annotations

from collections.abc import Iterable

from .permits import Permits
from .quorum import satisfied
from .world import Ref, World


class Derivation:
    """The least set of facts for a state and its accomplices.

    `acting` are people; `enrolled` groups, and `entered` those that all who act are in by it (rule 2); `waived` terms;
    `can` pairs of action and asset (`operate` on an asset puts every action on it here); `gate` whether the coalition
    holds the gate.
    """

    def __init__(self, world: World, permits: Permits, state: str, accomplices: Iterable[str], actions: Iterable[str]):
        self.world, self.permits, self.state = world, permits, state
        self.actions = frozenset(actions) | {"operate", "use"}
        self.acting = {p for p in world.people if state in world.exposure[p]} | set(accomplices)  # rule 1
        self.enrolled: set[str] = set()
        self.entered: frozenset[str] = frozenset()
        self.waived: set[str] = set()
        self.can: set[tuple[str, str]] = set()
        self.gate = False
        while self._grow():
            pass

    def _size(self) -> tuple[int, ...]:
        return len(self.acting), len(self.enrolled), len(self.waived), len(self.can), self.gate

    def _grow(self) -> bool:
        before = self._size()
        self._grants()
        self._permits()
        self._custody()
        self.gate = self.gate or ("operate", self.world.gate) in self.can  # rule 7
        return self._size() != before

    def _belongs(self, person: str, to: Ref) -> bool:
        """Of a person who acts."""
        match to:
            case ("everyone", _):
                return True
            case ("person", name):
                return person == name
            case ("group", name):
                return name in self.world.member[person] or name in self.entered
            case _:
                raise ValueError(f"nobody can be in {to}")

    def _terms_met(self, terms: str, requester: str) -> bool:
        if not terms or terms in self.waived:
            return True
        return satisfied(self.world, self.world.terms[terms], requester, self.acting, self._belongs)

    def _grants(self) -> None:
        """Rules 3 and 4, and 7 for grants that carry terms."""
        for grant in self.world.grants:
            if (self.gate and grant.terms) or any(
                self._belongs(q, grant.holder) and self._terms_met(grant.terms, q) for q in tuple(self.acting)
            ):
                self._give(grant.action, grant.target)

    def _permits(self) -> None:
        """Permits that are open to somebody who acts and whose terms that person meets, and rule 7 for all permits."""
        if not self.permits:
            return
        targets: list[tuple[str, Ref]] = [(a, ("asset", t)) for a in sorted(self.actions) for t in self.world.beneath]
        targets += [("enroll", ("group", g)) for g in self.world.above]
        targets += [("assume", ("group", g)) for g in self.world.above]
        targets += [("assume", ("person", p)) for p in self.world.people if p not in self.world.phantoms]
        targets += [("amend", ("terms", r)) for r in self.world.terms]
        for permit in self.permits.ids:
            for action, target in targets:
                if self._given(action, target):
                    continue
                if (self.gate and self.permits.held(permit, action, target)) or any(
                    self.permits.open(permit, self.world, q, self.entered, action, target)
                    and self._terms_met(self.permits.terms[permit], q)
                    for q in sorted(self.acting)
                ):
                    # A permit gives exactly the asset evaluated; operate reaches within by rule 5.
                    if target[0] == "asset" and action != "operate":
                        self.can.add((action, target[1]))
                    else:
                        self._give(action, target)

    def _given(self, action: str, target: Ref) -> bool:
        """Whether this permit could add nothing (it only saves time)."""
        match action, target:
            case "enroll", (_, g):
                return g in self.enrolled
            case "amend", (_, r):
                return r in self.waived
            case "assume", ("person", p):
                return p in self.acting
            case "assume", (_, g):
                return self._held_by(g) <= self.acting
            case "operate", _:
                return False
            case _, (_, t):
                return (action, t) in self.can

    def _held_by(self, group: str) -> set[str]:
        """Members through nesting, enrolment not counted."""
        return {p for p in self.world.people if group in self.world.member[p]}

    def _give(self, action: str, target: Ref) -> None:
        """Rules 4 and 5."""
        kind, name = target
        match action, kind:
            case "enroll", _:
                self.enrolled.add(name)
                self.entered |= self.world.above[name]
            case "amend", _:
                self.waived.add(name)
            case "assume", "person":
                self.acting.add(name)
            case "assume", _:
                self.acting |= self._held_by(name)
            case _, "asset":
                self._over(action, name)
            case _:
                for asset, its in self.world.of_class.items():
                    if its == name:
                        self._over(action, asset)

    def _over(self, action: str, asset: str) -> None:
        for t in self.world.beneath[asset]:
            self._on(action, t)

    def _on(self, action: str, asset: str) -> None:
        self.can |= {(a, asset) for a in (self.actions if action == "operate" else [action])}

    def _custody(self) -> None:
        """Rule 6: every action on the asset itself, operate among them, but nothing on what lies within."""
        for asset, hosts in self.world.hosts.items():
            key = self.world.lock[asset]
            if self.state in hosts and (not key or {("use", key), ("operate", key)} & self.can):
                self._on("operate", asset)
