"""Who may act as a role: what its trust policy says, and what the other side has to say as well."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from armslength.intake.aws.account import Documents, Identity
from armslength.intake.aws.identities import Identities
from armslength.intake.aws.pattern import covers
from armslength.intake.aws.policy import Statement
from armslength.intake.aws.remark import Remarks
from armslength.intake.harvest import Harvest, Matter

_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:(iam|sts)::(\d{12}):(root|user/.+|role/.+|assumed-role/.+|federated-user/.+)")
FEDERATED = ("sts:assumerolewithsaml", "sts:assumerolewithwebidentity")


@dataclass(frozen=True, slots=True)
class Principal:
    """`arn` is empty for a whole account; `account` for anybody at all."""

    account: str
    arn: str


def principal(kind: str, value: str) -> Principal | None:
    """An identity or an account of AWS as policies name it; None for what is neither."""
    if kind == "*":
        return Principal("", "")
    if kind != "AWS":
        return None
    if re.fullmatch(r"\d{12}", value):
        return Principal(value, "")
    read = _PRINCIPAL.fullmatch(value)
    if read is None:
        return None
    if read[3] == "root":
        return Principal(read[2], "")
    what, _, name = read[3].partition("/")
    match what:
        case "assumed-role":
            return Principal(read[2], f"role/{name.partition('/')[0]}")
        case "federated-user":
            return Principal(read[2], "")
        case _:
            return Principal(read[2], f"{what}/{name.rpartition('/')[2]}")


@dataclass(slots=True)
class Trust:
    """`delegated`: roles that leave it to an account, by its id; `named`: those that name an identity, by account and
    `role/NAME` or `user/NAME`."""

    documents: Documents
    identities: Identities
    harvest: Harvest
    remarks: Remarks
    delegated: dict[str, list[Identity]] = field(default_factory=dict)
    named: dict[tuple[str, str], list[Identity]] = field(default_factory=dict)

    def read(self, role: Identity, told: bool) -> None:
        """`told`: whether who comes through Identity Center is known."""
        id = self.identities.id(role)
        for statement in role.trust:
            if not statement.allow:
                continue
            principals = statement.principals
            if statement.other_principals:
                principals = (("*", "*"),)
            for kind, value in principals:
                if kind == "Federated":
                    if _does(statement, *FEDERATED) and not told:
                        self.harvest.unknown(id, federated(value, statement), origin=statement.origin)
                elif kind != "Service" and _does(statement, "sts:assumerole"):
                    self._trusts(role, id, kind, value, statement)

    def _trusts(self, role: Identity, id: str, kind: str, value: str, statement: Statement) -> None:
        accounts = self.documents.accounts
        found = principal(kind, value)
        origin = statement.origin
        if found is None:
            self.remarks.say(Matter.UNMAPPED, value[:80], "is trusted by a role, and is no identity there is", origin)
        elif not found.account:
            self.harvest.member(id, f"group:{self.identities.all(accounts[role.account], origin)}", origin=origin)
            for account in accounts:
                if account != role.account:
                    self._delegate(account, role)
            limit = "under conditions" if statement.conditions else "without any condition"
            self.harvest.unknown(id, f"any AWS account may act as {role.name}, {limit}", origin=origin)
        elif found.account not in accounts:
            self.harvest.member(id, f"group:{self.identities.outside(found.account, origin)}", origin=origin)
        elif not found.arn:
            self._delegate(found.account, role)
        else:
            known = self.named.setdefault((found.account, found.arn), [])
            if role not in known:
                known.append(role)

    def _delegate(self, account: str, role: Identity) -> None:
        known = self.delegated.setdefault(account, [])
        if not known or known[-1] is not role:
            known.append(role)


def _does(statement: Statement, *actions: str) -> bool:
    told = [any(covers(pattern, action) for pattern in statement.actions) for action in actions]
    return not all(told) if statement.other_actions else any(told)


def federated(provider: str, statement: Statement) -> str:
    """A note that says who should be asked."""
    name = provider.partition(":saml-provider/")[2] or provider.partition(":oidc-provider/")[2] or provider
    if "AWSSSO_" in name:
        return "signs in through IAM Identity Center: give its assignments, or ask who administers it"
    subjects = sorted({value for _, key, values in statement.conditions if key.endswith(":sub") for value in values})
    told = f" for {', '.join(subjects[:5])}{' …' if len(subjects) > 5 else ''}" if subjects else ""
    if name.startswith("token.actions.githubusercontent.com"):
        return f"workflows on GitHub{told or ' of any repository'}: whoever can push there or change their workflows"
    return f"signs in through {name}{told}: ask who administers that identity provider"
