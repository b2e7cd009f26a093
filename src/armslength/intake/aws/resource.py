"""Policies of resources: who may use a thing because the thing itself says so."""

from __future__ import annotations

from collections.abc import Iterator

from armslength.intake.aws.account import Documents, ResourcePolicy
from armslength.intake.aws.action import parts
from armslength.intake.aws.identities import Identities
from armslength.intake.aws.policy import Statement
from armslength.intake.aws.remark import Remarks
from armslength.intake.aws.share import Owners
from armslength.intake.aws.things import Place
from armslength.intake.aws.trust import principal
from armslength.intake.harvest import Harvest, Matter

CALLER = frozenset(["kms:calleraccount", "aws:principalaccount"])
EXACT = frozenset(["stringequals", "stringequalsignorecase"])


class Resources:
    def __init__(
        self, documents: Documents, identities: Identities, harvest: Harvest, remarks: Remarks, owners: Owners
    ) -> None:
        self._documents, self._identities, self._harvest = documents, identities, harvest
        self._remarks, self._owners = remarks, owners

    def tell_owners(self) -> None:
        for policy in self._documents.resources:
            account = policy.account
            if not account and len(self._documents.accounts) == 1:
                account = next(iter(self._documents.accounts))
            if account and not policy.arn.split(":", 5)[4]:
                self._owners.tell(policy.arn, account)

    def place(self, policy: ResourcePolicy) -> Place:
        return self._owners.place(policy.arn, policy.account or min(self._documents.accounts))

    def places(self) -> list[Place]:
        """All of them; and what other accounts' own policies may now give there is told to the owners."""
        found = []
        for policy in self._documents.resources:
            one = self.place(policy)
            found.append(one)
            for statement in policy.statements:
                for kind, value in statement.principals if statement.allow else ():
                    who = principal(kind, value)
                    if who and who.account and not who.arn and who.account != one.account:
                        self._owners.reachable(policy.arn, one, who.account)
        return found

    def grants(self) -> Iterator[tuple[str, str, Place, str]]:
        """(holder, verb, place, origin)"""
        for policy in self._documents.resources:
            one = self.place(policy)
            for statement in policy.statements:
                if not statement.allow:
                    item = f"policy of {policy.arn}"
                    self._remarks.say(Matter.WIDER, item, "a Deny of a resource is not counted", statement.origin)
                    continue
                holders = dict.fromkeys(self._holders(statement, one, policy))
                for verb in _verbs(statement):
                    for holder in holders:
                        yield holder, verb, one, statement.origin

    def _holders(self, statement: Statement, one: Place, policy: ResourcePolicy) -> Iterator[str]:
        accounts, origin = self._documents.accounts, statement.origin
        if statement.other_principals:
            yield "everyone"
            return
        for kind, value in statement.principals:
            who = principal(kind, value)
            if who is None:
                if kind == "Federated":
                    id = self._harvest.id(one.account, "federated", value.rpartition("/")[2])
                    self._harvest.unknown(id, f"signs in through {value}: ask who administers it", origin=origin)
                    yield f"group:{id}"
                elif kind != "Service":
                    reason = "is named by a resource's policy, and is no identity there is"
                    self._remarks.say(Matter.UNMAPPED, value[:80], reason, origin)
            elif not who.account:
                yield from self._anybody(statement, policy)
            elif who.account not in accounts:
                yield f"group:{self._identities.outside(who.account, origin)}"
            elif who.arn:
                kind, _, name = who.arn.partition("/")
                known = accounts[who.account].users if kind == "user" else accounts[who.account].roles
                if name in known:
                    yield f"group:{self._identities.id(known[name])}"

    def _anybody(self, statement: Statement, policy: ResourcePolicy) -> Iterator[str]:
        """Principal "*": of one account where an exact condition says so, else everyone."""
        for operator, key, values in statement.conditions:
            if key in CALLER and operator.casefold() in EXACT and all(v.isdigit() and len(v) == 12 for v in values):
                for account in values:
                    if account in self._documents.accounts:
                        known = self._documents.accounts[account]
                        yield f"group:{self._identities.all(known, statement.origin)}"
                    else:
                        yield f"group:{self._identities.outside(account, statement.origin)}"
                return
        if statement.conditions:
            reason = "lets anybody in under conditions, which are not counted: taken as everyone"
            self._remarks.say(Matter.WIDER, f"policy of {policy.arn}", reason, statement.origin)
        yield "everyone"


def _verbs(statement: Statement) -> tuple[str, ...]:
    if statement.other_actions:
        return ("operate",)
    found = dict.fromkeys(verb for action in statement.actions for _, verb in parts(action))
    return ("operate",) if "operate" in found else tuple(found)
