"""Sight: the memberships on which it depends what policies say of a person.

A permit is judged by itself and all forbids, so only groups that one of these can see matter to it. What the permit's
scope asks for can only help to pass it, what a forbid's scope names can only hinder; what a condition names may do
either. As long as somebody stays in the groups that help, and out of those that hinder, a permit that is open to them
stays open.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from armslength.estate import Estate
from armslength.reach.membership import Membership
from armslength.reach.permit_policy import Policy, policies
from armslength.reach.permit_sight import sight

Groups = frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Of one permit with all forbids: the groups that it may matter to be in (`helps`) or not to be in (`hinders`), and
    the people whom a policy names, whose groups may matter whoever asks."""

    helps: Groups
    hinders: Groups
    named: frozenset[int]


class Sights:
    """Answers for the estate as it was read: a plan changes no policy."""

    def __init__(self, estate: Estate, membership: Membership) -> None:
        self._membership = membership
        self._groups = {name: g for g, name in enumerate(estate.groups.ids)}
        self._people = {name: p for p, name in enumerate(estate.people.ids)}
        members = policies(estate)
        self._asking = self._find(members, "principal")
        self._aimed = self._find(members, "resource")
        both = [*self._asking.values(), *self._aimed.values()]
        self.groups = frozenset[int]().union(*(one.helps | one.hinders for one in both))
        """Those that some policy can see."""

    def asking(self, policy: str) -> Sight:
        """What decides whether the permit of this @id is open to a person who asks."""
        return self._asking[policy]

    def aimed(self, policy: str) -> Sight:
        """The same of a person whom it is aimed at."""
        return self._aimed[policy]

    def upward(self, group: int) -> Groups:
        """The group and those that it is nested in, by the tables as they were read."""
        return self._membership.upward(group)

    def _find(self, members: Iterable[Policy], part: str) -> dict[str, Sight]:
        found = [(policy, self._sight(policy, part)) for policy in members]
        forbids = [seen for policy, seen in found if not policy.permits]
        return {policy.id: _joined([seen, *forbids]) for policy, seen in found if policy.permits}

    def _sight(self, policy: Policy, part: str) -> Sight:
        seen = sight(policy)
        named = frozenset(
            self._people[name] for kind, name in seen.subjects if kind == "Person" if name in self._people
        )
        if seen.person_met or (part == "resource" and seen.target_met):
            # Compared with what the policy does not name: any group may matter, either way.
            every = frozenset(self._groups.values())
            return Sight(helps=every, hinders=every, named=named)
        scope, either = self._named(policy.scope[part]), self._named(list(policy.body))
        helps, hinders = (scope, either) if policy.permits else (either, scope)
        return Sight(helps=helps | either, hinders=hinders | either, named=named)

    def _named(self, form: object) -> Groups:
        """The groups named anywhere in a part of a policy. Conditions are as deep as they are long: no recursion."""
        found: set[int] = set()
        todo = [form]
        while todo:
            match todo.pop():
                case {"type": "Group", "id": str(name)}:
                    found.update([self._groups[name]] if name in self._groups else [])
                case dict() as parts:
                    todo.extend(parts.values())
                case list() as parts:
                    todo.extend(parts)
                case _:
                    pass
        return frozenset(found)


def _joined(seen: list[Sight]) -> Sight:
    return Sight(
        helps=frozenset[int]().union(*(one.helps for one in seen)),
        hinders=frozenset[int]().union(*(one.hinders for one in seen)),
        named=frozenset[int]().union(*(one.named for one in seen)),
    )
