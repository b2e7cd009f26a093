"""Random small clusters, judged twice: whatever a plain reading of RBAC allows, the rows give at least.

The reading shares nothing with the mapping: it takes a request, and looks for a rule that covers it, as the API server
does.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any

import pytest

from armslength.intake import Harvest
from tests.intake.kubernetes.clusters import Object, binding, harvested, role, rule, space, thing

SPACES = ("a", "b")
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
# Group, resource, subresource, in a namespace, and what the request is about in the estate.
RESOURCES = (
    ("", "secrets", "", True, "secrets"),
    ("", "configmaps", "", True, "objects"),
    ("", "pods", "", True, "workloads"),
    ("", "pods", "exec", True, "workloads"),
    ("", "pods", "log", True, "workloads"),
    ("apps", "deployments", "", True, "workloads"),
    ("apps", "deployments", "scale", True, "workloads"),
    ("batch", "jobs", "", True, "workloads"),
    ("", "nodes", "", False, "cluster-objects"),
    ("rbac.authorization.k8s.io", "clusterroles", "", False, "cluster-objects"),
    ("example.com", "widgets", "", True, "objects"),
)
NAMES = ("", "s1", "s2")
USERS = (("ana", ("ops",)), ("bo", ()), ("system:serviceaccount:a:bot", ("system:serviceaccounts",)))
Request = tuple[str, tuple[str, ...], str, str, str, str, str, str]


def world(chance: random.Random) -> list[Object]:
    def some(words: list[str], most: int = 3) -> str:
        return " ".join(chance.sample(words, chance.randint(1, most)))

    def made() -> Object:
        resources = [r + (f"/{s}" if s else "") for _, r, s, _, _ in RESOURCES] + ["*", "*/scale", "*/exec", "pods/*"]
        groups = ",".join(chance.sample(["", "apps", "batch", "rbac.authorization.k8s.io", "example.com", "*"], 2))
        verbs = some([*VERBS, "*", "bind", "escalate", "impersonate"])
        return rule(verbs, some(resources), groups, some(["s1", "s2"], 2) if chance.random() < 0.3 else "")

    roles = [role(f"c{n}", *(made() for _ in range(chance.randint(0, 2)))) for n in range(3)]
    roles += [role(f"r{n}", made(), namespace=chance.choice(SPACES)) for n in range(3)]
    roles[0]["metadata"]["labels"] = {"to": "c1"}
    roles[1]["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {"to": "c1"}}]}
    # As the controller fills them in.
    roles[1]["rules"] = roles[0]["rules"]
    who = ["User:ana", "User:bo", "Group:ops", "ServiceAccount:a:bot", "Group:system:serviceaccounts"]
    who += ["Group:system:unauthenticated", "Group:system:authenticated", "User:system:serviceaccount:a:bot"]
    bindings = []
    for n in range(chance.randint(1, 4)):
        subjects = chance.sample(who, chance.randint(1, 2))
        kind = chance.choice(["ClusterRole", "ClusterRole", "Role"])
        where = chance.choice(SPACES) if kind == "Role" else chance.choice(["", *SPACES])
        to = chance.choice(["r0", "r1", "r2"] if kind == "Role" else ["c0", "c1", "c2"])
        bindings.append(binding(to, *subjects, namespace=where, name=f"b{n}", kind=kind))
    spaces = [space(name, chance.choice(["", "restricted"])) for name in SPACES]
    return [*spaces, thing("ServiceAccount", "bot", "a"), *roles, *bindings]


def requests() -> Iterator[tuple[Request, str]]:
    for (user, groups), verb, (group, resource, sub, spaced, place), name in itertools.product(
        USERS, VERBS, RESOURCES, NAMES
    ):
        for where in ("", *SPACES) if spaced else ("",):
            yield (user, (*groups, "system:authenticated"), verb, group, resource, sub, where, name), place


def allowed(objects: list[Object], request: Request) -> bool:
    user, groups, verb, group, resource, sub, where, name = request
    roles = {(o["kind"], o["metadata"].get("namespace", ""), o["metadata"]["name"]): o for o in objects}
    whole = f"{resource}/{sub}" if sub else resource
    for one in objects:
        space_ = one["metadata"].get("namespace", "")
        if not one["kind"].endswith("Binding") or space_ not in ("", where):
            continue
        if not any(_is(s, user, groups) for s in one["subjects"]):
            continue
        kind = one["roleRef"]["kind"]
        found = roles.get((kind, space_ if kind == "Role" else "", one["roleRef"]["name"]), {"rules": []})
        for r in found["rules"]:
            if (
                {"*", verb} & set(r["verbs"])
                and {"*", group} & set(r["apiGroups"])
                and {"*", whole, *([f"*/{sub}"] if sub else [])} & set(r["resources"])
                and (not r.get("resourceNames") or name in r["resourceNames"])
            ):
                return True
    return False


def _is(subject: dict[str, Any], user: str, groups: tuple[str, ...]) -> bool:
    match subject["kind"]:
        case "User":
            return bool(subject["name"] == user)
        case "Group":
            # Whoever asks can also ask without logging in.
            return subject["name"] in (*groups, "system:unauthenticated")
        case _:
            return user == f"system:serviceaccount:{subject['namespace']}:{subject['name']}"


class Given:
    """What the rows give to a user, with nobody else's help."""

    def __init__(self, harvest: Harvest) -> None:
        self._of: dict[str, set[str]] = {}
        for group, member, _ in harvest.rows("groups"):
            self._of.setdefault(member, set()).add(f"group:{group}")
        self._grants: dict[str, set[tuple[str, str]]] = {}
        for holder, action, target, _, _ in harvest.rows("grants"):
            self._grants.setdefault(holder, set()).add((action, target.removeprefix("asset:")))
        self._within = {row[0]: row[3] for row in harvest.rows("assets")}
        self._known: dict[tuple[str, ...], set[tuple[str, str]]] = {}

    def to(self, user: str, groups: tuple[str, ...]) -> set[tuple[str, str]]:
        if user not in self._known:
            parts = user.split(":")
            own = f"group:k/serviceaccount/{parts[2]}/{parts[3]}" if len(parts) == 4 else f"group:k/user/{user}"
            waiting, seen = [own, *(f"group:k/group/{group}" for group in groups)], {"everyone"}
            while waiting:
                one = waiting.pop()
                if one not in seen:
                    seen.add(one)
                    waiting += self._of.get(one, ())
            self._known[user,] = set().union(*(self._grants.get(one, set()) for one in seen))
        return self._known[user,]

    def covers(self, request: Request, place: str) -> bool:
        user, groups, verb, _, _, _, where, name = request
        action = "read" if verb in ("get", "list", "watch") else "write"
        held = self.to(user, groups)
        asset = f"k/{place}/{where}" if where else f"k/{place}"
        if place == "secrets" and where and name and f"{asset}/{name}" in self._within:
            asset = f"{asset}/{name}"
        while asset:
            if (action, asset) in held or ("operate", asset) in held:
                return True
            asset = self._within.get(asset, "")
        return False


@pytest.mark.parametrize("seed", range(60))
def test_nothing_that_rbac_allows_is_left_out(seed: int) -> None:
    objects = world(random.Random(seed))
    given = Given(harvested(*objects))
    for request, place in requests():
        if allowed(objects, request):
            assert given.covers(request, place), request


@pytest.mark.parametrize("seed", range(60))
def test_one_more_rule_or_binding_takes_no_row_away(seed: int) -> None:
    """Of what makes reach possible: memberships, grants, and what lies within what."""
    chance = random.Random(seed)
    objects = world(chance)
    more = [
        one | {"rules": [*one["rules"], rule("get list", "secrets pods/exec", names=chance.choice(["", "s1"]))]}
        if one["kind"] in ("Role", "ClusterRole") and chance.random() < 0.5
        else one
        for one in objects
    ]
    more += [role("more", rule("get create patch bind", "*", "*")), binding("more", "User:cy")]
    before, after = harvested(*objects), harvested(*more)
    for table, width in (("groups", 2), ("grants", 3), ("assets", 4)):
        kept = {row[:width] for row in after.rows(table)}
        assert {row[:width] for row in before.rows(table)} <= kept
