"""Roles become accounts and groups; memberships and attributes become who can act as whom.

Two things come with a role: being able to act as it (SET ROLE, and its attributes with it), and having its rights
(inherited). Before PostgreSQL 16 whoever has the second has the first, so one group stands for both; since then a
membership may give rights alone, and where one does, `…/rights` is a group of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from armslength.estate import ENROLL, OPERATE
from armslength.intake.harvest import Harvest, Matter
from armslength.intake.postgresql.cluster import PUBLIC, Cluster, Membership, Role
from armslength.intake.postgresql.names import part, shown
from armslength.intake.postgresql.predefined import APART, BEYOND, DATABASE_OWNER, HARMLESS, ROLES

_MAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
SELF_SERVICE = 16
"""Since this version CREATEROLE reaches only roles that it has ADMIN OPTION on."""


class Roles:
    """The groups of a cluster's roles. Rows are added by `map`; references are given by the rest."""

    def __init__(self, cluster: Cluster, harvest: Harvest) -> None:
        self._cluster, self._harvest = cluster, harvest
        self._apart = _apart(cluster.memberships)
        self._roles = {name: role for name, role in cluster.roles.items() if name != DATABASE_OWNER}
        self._acts = {name: harvest.id("role", part(name)) for name in self._roles}
        self.cluster = harvest.id("cluster")
        self.operators = harvest.id("operators")
        self.everyone = harvest.id("public")

    def acts(self, role: str) -> str:
        """The bare id of the group of those who can act as the role."""
        return self._acts[role]

    def holds(self, role: str) -> str:
        """A reference to those who have the role's rights."""
        return f"group:{self._acts[role]}/rights" if role in self._apart else f"group:{self._acts[role]}"

    def superuser(self, role: str) -> bool:
        return self._roles[role].superuser

    def __contains__(self, role: str) -> bool:
        return role in self._roles

    def names(self) -> Iterable[str]:
        return self._roles

    def map(self) -> None:
        harvest = self._harvest
        harvest.asset(self.cluster, kind="postgresql-cluster", origin=self._cluster.origin)
        harvest.group(self.operators, origin=self._cluster.origin)
        harvest.grant(f"group:{self.operators}", OPERATE, f"asset:{self.cluster}", origin=self._cluster.origin)
        harvest.group(self.everyone, origin=self._cluster.origin)
        for role in self._roles.values():
            self._role(role)
        for membership in self._cluster.memberships:
            self._membership(membership)
        for name in sorted(self._apart & self._roles.keys()):
            rights = self.holds(name).removeprefix("group:")
            harvest.group(rights, origin=self._roles[name].origin)
            harvest.member(rights, f"group:{self.acts(name)}", origin=self._roles[name].origin)
        self._create_role()
        for name in BEYOND:
            if name in self:
                harvest.member(self.operators, self.holds(name), origin=self._roles[name].origin)
        for name, role in self._roles.items():
            harvest.grant(f"group:{self.operators}", ENROLL, f"group:{self.acts(name)}", origin=role.origin)
        self._parameters()

    def _role(self, role: Role) -> None:
        harvest, id = self._harvest, self.acts(role.name)
        if role.login:
            harvest.account(id, note=shown(f"PostgreSQL login role {role.name}"), origin=role.origin)
            # What cannot be printed is nothing that a person is known by elsewhere.
            for kind in dict.fromkeys(("postgresql", harvest.name)) if role.name.isprintable() else ():
                harvest.identifier(f"group:{id}", "login", f"{kind}:{role.name}", origin=role.origin)
            if _MAIL.fullmatch(role.name):
                harvest.identifier(f"group:{id}", "mail", role.name, origin=role.origin)
        else:
            harvest.group(id, origin=role.origin)
        if role.name not in ROLES:
            harvest.member(self.everyone, f"group:{id}", origin=role.origin)
        if role.superuser:
            harvest.member(self.operators, f"group:{id}", origin=role.origin)
        if role.replication:
            harvest.grant(f"group:{id}", "read", f"asset:{self.cluster}", origin=role.origin)

    def _membership(self, membership: Membership) -> None:
        if membership.role not in self or membership.member not in self:
            return
        harvest, origin = self._harvest, membership.origin
        role, member = self.acts(membership.role), self.acts(membership.member)
        if membership.set_:
            harvest.member(role, f"group:{member}", origin=origin)
        if membership.inherit and membership.role in self._apart:
            holders = self.holds(membership.member)
            harvest.member(self.holds(membership.role).removeprefix("group:"), holders, origin=origin)
        if membership.admin:
            harvest.grant(self.holds(membership.member), ENROLL, f"group:{role}", origin=origin)
        if membership.role in APART and membership.origin != "predefined":
            reason = "statistics, settings, signals or checkpoints of the server are no row of an estate"
            harvest.review(Matter.UNMAPPED, f"role {membership.role}", reason, origin=origin)

    def _create_role(self) -> None:
        if self._cluster.version >= SELF_SERVICE:
            return
        makers = [role for role in self._roles.values() if role.createrole and not role.superuser]
        if not makers:
            return
        harvest, group = self._harvest, self._harvest.id("createrole")
        harvest.group(group, origin=self._cluster.origin)
        for role in makers:
            harvest.member(group, f"group:{self.acts(role.name)}", origin=role.origin)
        for name, role in self._roles.items():
            if not role.superuser:
                harvest.grant(f"group:{group}", ENROLL, f"group:{self.acts(name)}", origin=role.origin)
        if not self._cluster.version:
            reason = "the server's version is not told: CREATEROLE is taken to reach every role, as before version 16"
            harvest.review(Matter.WIDER, "roles with CREATEROLE", reason, origin=makers[0].origin)

    def _parameters(self) -> None:
        for (grantee, privilege, parameter), origin in self._cluster.parameters.items():
            if privilege == "SET" and parameter.startswith(HARMLESS):
                continue
            holder = f"group:{self.everyone}" if grantee == PUBLIC else self.holds(grantee)
            self._harvest.grant(holder, ENROLL, f"group:{self.operators}", origin=origin)
            reason = f"{privilege} on it is taken for control of the cluster, which some parameters give"
            self._harvest.review(Matter.WIDER, f"parameter {parameter}", reason, origin=origin)


def _apart(memberships: Iterable[Membership]) -> frozenset[str]:
    """Roles whose rights somebody has who cannot act as them."""
    above: dict[str, list[str]] = {}
    waiting = []
    for membership in memberships:
        if membership.inherit:
            above.setdefault(membership.member, []).append(membership.role)
            if not membership.set_:
                waiting.append(membership.role)
    found: set[str] = set()
    while waiting:
        role = waiting.pop()
        if role not in found:
            found.add(role)
            waiting += above.get(role, ())
    return frozenset(found)
