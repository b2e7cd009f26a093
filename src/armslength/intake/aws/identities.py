"""Identities as groups of the estate, and the groups that stand for many of them at once."""

from __future__ import annotations

from collections.abc import Iterable

from armslength.intake.aws.account import Account, Documents, Identity
from armslength.intake.aws.things import Names
from armslength.intake.harvest import Harvest


class Identities:
    """Ids of all identities, by ARN. A group such as `every-role` has no member of its own and is a member of every
    role: whoever is enrolled in it is in all of them, which takes one row in place of one for each."""

    def __init__(self, documents: Documents, harvest: Harvest) -> None:
        self._harvest = harvest
        self._documents = documents
        self._made: set[str] = set()
        self.names: dict[tuple[str, str], Names] = {}
        self.services: dict[tuple[str, str], list[Identity]] = {}
        """Roles that a service may act as, by account and service; `federated` for those of identity providers."""
        for account in documents.accounts.values():
            for kind, known in (("user", account.users), ("group", account.groups), ("role", account.roles)):
                arns = [one.arn for one in known.values() if not one.linked]
                whole = f"arn:{account.partition}:iam::{account.id}:{kind}/*"
                self.names[account.id, kind] = Names(arns, whole)
            for role in account.roles.values():
                for service in services(role):
                    self.services.setdefault((account.id, service), []).append(role)

    def id(self, one: Identity) -> str:
        return self._harvest.id(one.account, one.kind, one.name)

    def by_arn(self, arn: str) -> str:
        """The id of an identity by its ARN, of the forms that are known here."""
        parts = arn.split(":", 5)
        kind, _, name = parts[5].partition("/")
        return self._harvest.id(parts[4], kind, name.rpartition("/")[2])

    def give(self) -> None:
        """Users as accounts with what they are known by; groups and roles as groups."""
        for account in self._documents.accounts.values():
            root = self._harvest.id(account.id, "root")
            self._harvest.account(root, note=f"the root user of AWS account {account.id}", origin=account.origin)
            for user in account.users.values():
                self._user(user)
            for one in (*account.groups.values(), *account.roles.values()):
                self._harvest.group(self.id(one), origin=one.origin)

    def _user(self, user: Identity) -> None:
        id = self.id(user)
        self._harvest.account(id, note=f"IAM user {user.name} of {user.account}", origin=user.origin)
        subject = f"group:{id}"
        self._harvest.identifier(subject, "login", f"aws:{user.name}", origin=user.origin)
        mails = [user.name] if _address(user.name) else []
        mails += [v for key, v in user.tags if key.casefold() in ("email", "mail", "e-mail") and _address(v)]
        for mail in dict.fromkeys(mails):
            self._harvest.identifier(subject, "mail", mail, origin=user.origin)

    def every(self, account: str, what: str, of: Iterable[Identity], origin: str) -> str:
        """The group that is in all of these, once it and its memberships were given."""
        id = self._harvest.id(account, what)
        if id not in self._made:
            self._made.add(id)
            self._harvest.group(id, origin=origin)
            for one in of:
                self._harvest.member(self.id(one), f"group:{id}", origin=one.origin)
        return id

    def every_kind(self, account: str, kind: str, origin: str) -> str:
        found = self._documents.accounts[account]
        known = {"user": found.users, "group": found.groups, "role": found.roles}[kind]
        return self.every(account, f"every-{kind}", (one for one in known.values() if not one.linked), origin)

    def every_of(self, account: str, service: str, origin: str) -> str:
        return self.every(account, f"service/{service}", self.services.get((account, service), ()), origin)

    def all(self, account: Account, origin: str) -> str:
        """The group whose members are all identities of an account."""
        id = self._harvest.id(account.id, "identities")
        if id not in self._made:
            self._made.add(id)
            self._harvest.group(id, origin=origin)
            for one in (*account.users.values(), *account.roles.values()):
                self._harvest.member(id, f"group:{self.id(one)}", origin=one.origin)
            self._harvest.member(id, f"group:{self._harvest.id(account.id, 'root')}", origin=account.origin)
        return id

    def outside(self, account: str, origin: str) -> str:
        """The group of those in an account of which no document was given."""
        id = self._harvest.id(account, "identities")
        if id not in self._made:
            self._made.add(id)
            note = f"AWS account {account} was not given: who in it may act is known to whoever administers it"
            self._harvest.unknown(id, note, origin=origin)
        return id


def services(role: Identity) -> frozenset[str]:
    found = set()
    for statement in role.trust:
        if not statement.allow:
            continue
        for kind, value in statement.principals:
            if kind == "Service":
                found.add(value.partition(".")[0].casefold())
            elif kind == "Federated":
                found.add("federated")
    return frozenset(found)


def _address(text: str) -> bool:
    name, at, domain = text.partition("@")
    return bool(name and at and "." in domain and "@" not in domain and " " not in text)
