"""Who is named in a binding: an account, a group, or something that pods and machines act as."""

from __future__ import annotations

import re
from collections.abc import Sequence

from armslength.intake import Harvest, Matter
from armslength.intake.kubernetes.cluster import Cluster, Subject

MAIL = re.compile(r"[^@\s:#/]+@[^@\s:#/]+\.[^@\s:#/.]+")
ACCOUNTS = "system:serviceaccounts"
ACCOUNT = "system:serviceaccount:"
MACHINES = ("system:node:", "system:kube-", "system:cloud-controller-manager", "system:apiserver", "system:volume-")


class Subjects:
    """The groups of who is named, each made when it is first asked for."""

    def __init__(self, cluster: Cluster, harvest: Harvest, prefixes: Sequence[str]) -> None:
        self._cluster, self._harvest, self._prefixes = cluster, harvest, prefixes
        self._users: dict[str, str] = {}
        self._groups: dict[str, str] = {}
        self._named_at: dict[str, str] = {}
        self._accounts: dict[tuple[str, str], str] = {}
        self._in_namespace: dict[str, list[str]] = {}
        self._runners: dict[str, str] = {}
        self._names: dict[str, list[tuple[str, str]]] = {}
        self._keys = {(secret.namespace, secret.token_of) for secret in cluster.secrets.values() if secret.token_of}

    def of(self, subject: Subject) -> str | None:
        """The id of its group; None for everyone; empty for nobody."""
        match subject.kind:
            case "ServiceAccount":
                return self.account(subject.namespace, subject.name, subject.origin) if subject.namespace else ""
            case "User":
                return self.user(subject.name, subject.origin)
            case _:
                return self.group(subject.name, subject.origin)

    def user(self, name: str, origin: str) -> str | None:
        if name == "system:anonymous":
            return None
        if name.startswith(ACCOUNT):
            namespace, _, account = name.removeprefix(ACCOUNT).partition(":")
            return self.account(namespace, account, origin) if namespace and account and "/" not in name else ""
        if (known := self._users.get(name)) is not None:
            return known
        id = self._users[name] = self._harvest.id("user", name)
        if name.startswith(MACHINES):
            self._harvest.group(id, origin=origin)
            self._harvest.member(id, f"group:{self.machines(origin)}", origin=origin)
        else:
            self._harvest.account(id, note="a user of Kubernetes", origin=origin)
            bare = next((name.removeprefix(p) for p in self._prefixes if name.startswith(p) and name != p), name)
            for value in dict.fromkeys((name, bare)):
                self._harvest.identifier(f"group:{id}", "login", f"kubernetes:{value}", origin=origin)
            if MAIL.fullmatch(bare):
                self._harvest.identifier(f"group:{id}", "mail", bare, origin=origin)
        return id

    def group(self, name: str, origin: str) -> str | None:
        if name == "system:unauthenticated":
            return None
        if (known := self._groups.get(name)) is not None:
            return known
        id = self._groups[name] = self._harvest.id("group", name)
        self._named_at[name] = origin
        say = self._harvest.unknown
        if name == "system:nodes" or name.startswith("system:kube-"):
            self._harvest.group(id, origin=origin)
            self._harvest.member(id, f"group:{self.machines(origin)}", origin=origin)
        elif name == ACCOUNTS or (name.startswith(f"{ACCOUNTS}:") and "/" not in name):
            self._harvest.group(id, origin=origin)
            self._harvest.member(id, f"group:{self.runners(name.removeprefix(ACCOUNTS)[1:], origin)}", origin=origin)
        elif name == "system:authenticated":
            say(id, "whoever can log in to the cluster: ask who runs its login", origin=origin)
        elif name == "system:masters":
            say(id, "whoever holds an admin.conf, or who made the cluster: ask who keeps these files", origin=origin)
        elif name.startswith("system:bootstrappers"):
            say(id, "whoever holds a token for joining nodes", origin=origin)
        else:
            say(
                id,
                "its members are told by the cluster's identity provider, or by client certificates: ask there",
                origin=origin,
            )
        return id

    def account(self, namespace: str, name: str, origin: str) -> str:
        if (known := self._accounts.get((namespace, name))) is not None:
            return known
        harvest = self._harvest
        id = self._accounts[namespace, name] = harvest.id("serviceaccount", namespace, name)
        self._in_namespace.setdefault(namespace, []).append(id)
        self._names.setdefault(name, []).append((namespace, name))
        told = self._cluster.accounts.get((namespace, name))
        if (namespace, name) in self._keys or (told is not None and told.key):
            harvest.account(id, note="a service account with a token that does not expire", origin=origin)
        else:
            harvest.group(id, origin=origin)
        harvest.member(id, f"group:{self.runners(namespace, origin)}", origin=origin)
        for elsewhere in told.elsewhere if told is not None else ():
            reason = f"it stands for {elsewhere}: say so under [[holders]] in linking.toml"
            harvest.review(Matter.UNMAPPED, f"group:{id}", reason, origin=told.origin if told is not None else origin)
        return id

    def named(self, name: str) -> list[str]:
        """The service accounts of a name, in every namespace."""
        return [self._accounts[key] for key in self._names.get(name, ())]

    def runners(self, namespace: str, origin: str) -> str:
        """Who can come to act as each service account of a namespace, or of all (""), by running pods there."""
        if (known := self._runners.get(namespace)) is not None:
            return known
        harvest = self._harvest
        id = self._runners[namespace] = harvest.id("runners", namespace) if namespace else harvest.id("all-runners")
        harvest.group(id, origin=origin)
        if namespace:
            harvest.member(id, f"group:{self.runners('', origin)}", origin=origin)
        return id

    def machines(self, origin: str) -> str:
        """Who is root on nodes and control plane, and so holds the keys of the cluster's own parts."""
        id = self._harvest.id("machines")
        self._harvest.unknown(id, "whoever is root on the machines of the cluster: ask who runs them", origin=origin)
        return id

    def close(self) -> None:
        """Groups that hold others: whoever has logged in, and each service account in its namespace's group."""
        everyone = self._groups.get("system:authenticated")
        for id in self._users.values() if everyone else ():
            self._harvest.member(str(everyone), f"group:{id}", origin=self._named_at["system:authenticated"])
        for namespace, accounts in self._in_namespace.items():
            for name in (ACCOUNTS, f"{ACCOUNTS}:{namespace}", "system:authenticated"):
                if (group := self._groups.get(name)) is not None:
                    for id in accounts:
                        self._harvest.member(group, f"group:{id}", origin=self._named_at[name])
