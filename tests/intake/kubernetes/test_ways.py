"""Each right that leads further, worked by hand: exactly the rows that it comes to."""

from __future__ import annotations

import datetime as dt

import pytest

from armslength.intake import Harvest
from armslength.reach import Exact, Question, reach
from tests.intake.firms import estate_of, hr, put_together
from tests.intake.kubernetes.clusters import (
    Object,
    binding,
    grants,
    harvested,
    members,
    pod,
    reviewed,
    role,
    rule,
    space,
    thing,
)

R = "rbac.authorization.k8s.io"
EVERYTHING = {"operate cluster", "enroll all-runners"}
PODS = {"operate workloads/a", "read secrets/a", "read objects/a", "enroll runners/a"}
WRITES = {"write workloads/a"}

# In the namespace a, which keeps pods from nodes unless the name of the case says otherwise.
LOCAL = [
    ("get", "configmaps", "", "", {"read objects/a"}),
    ("create", "configmaps", "", "", {"write objects/a"}),
    ("get", "pods/log", "", "", {"read workloads/a"}),
    ("delete", "pods", "", "", WRITES),
    ("create", "pods/eviction", "", "", WRITES),
    ("create", "pods", "", "", PODS | WRITES),
    ("patch", "pods", "", "", PODS | WRITES | {"read workloads/a"}),  # what is patched comes back whole
    ("patch", "pods/ephemeralcontainers", "", "", PODS | WRITES | {"read workloads/a"}),
    ("update", "deployments", "apps", "", PODS | WRITES),
    ("create", "daemonsets", "apps", "", PODS | WRITES),
    ("create", "statefulsets", "apps", "", PODS | WRITES),
    ("create", "replicasets", "apps", "", PODS | WRITES),
    ("create", "replicationcontrollers", "", "", PODS | WRITES),
    ("create", "jobs", "batch", "", PODS | WRITES),
    ("patch", "cronjobs", "batch", "one", PODS | WRITES | {"read workloads/a"}),
    ("update", "deployments/scale", "apps", "", WRITES),
    ("update", "*/scale", "apps", "", WRITES | {"write objects/a"}),
    ("create", "pods/exec", "", "", PODS | WRITES),
    ("get", "pods/exec", "", "", PODS | {"read workloads/a"}),
    ("create", "pods/attach", "", "", PODS | WRITES),
    ("create", "pods/portforward", "", "", {"operate workloads/a"} | WRITES),
    ("get", "services/proxy", "", "", {"operate workloads/a", "read objects/a"}),
    ("get", "secrets", "", "", {"read secrets/a", "enroll runners/a"}),
    ("patch", "secrets", "", "", {"read secrets/a", "write secrets/a", "enroll runners/a"}),
    ("delete", "secrets", "", "", {"write secrets/a"}),
    ("get", "secrets", "", "tls", {"read secrets/a/tls", "enroll runners/a"}),
    ("create", "secrets", "", "", {"write secrets/a", "enroll runners/a"}),
    ("create", "serviceaccounts/token", "", "", {"enroll runners/a"}),
    ("create", "serviceaccounts/token", "", "bot", {"enroll serviceaccount/a/bot"}),
    ("impersonate", "serviceaccounts", "", "", {"enroll runners/a"}),
    ("impersonate", "serviceaccounts", "", "bot", {"enroll serviceaccount/a/bot"}),
    # Users are not in a namespace, so a RoleBinding gives nothing.
    ("impersonate", "users groups", "", "", set()),
    ("bind", "clusterroles", R, "see", {"enroll namespace/a/clusterrole/see"}),
    ("bind", "clusterroles", R, "none", set()),
    ("bind", "clusterroles", R, "", {"operate objects/a", "operate secrets/a"} | PODS),
    ("escalate", "roles", R, "", {"operate objects/a", "operate secrets/a"} | PODS),
    # Bindings and roles can be made of one's own rights only: it gives nothing more.
    ("create update patch", "rolebindings roles", R, "", {"write objects/a", "read objects/a"}),
    ("update", "namespaces", "", "", {"write objects/a"} | EVERYTHING),
    ("update", "namespaces", "", "b", {"write objects/a"}),
    ("create", "workflows", "argoproj.io", "", {"write objects/a"}),
    ("create", "selfsubjectaccessreviews tokenreviews", "authorization.k8s.io,authentication.k8s.io", "", set()),
    # Not in the API group that has it.
    ("create", "pods", "apps", "", WRITES),
    ("get", "secrets", "example.com", "", {"read objects/a"}),
]


@pytest.mark.parametrize(("verbs", "resources", "groups", "names", "expected"), LOCAL)
def test_a_right_in_a_namespace(verbs: str, resources: str, groups: str, names: str, expected: set[str]) -> None:
    harvest = harvested(
        space("a", "restricted"),
        pod("a"),
        role("can", rule(verbs, resources, groups, names)),
        role("see", rule("get", "configmaps")),
        thing("ServiceAccount", "bot", "a"),
        binding("can", "User:ana", namespace="a"),
    )
    assert grants(harvest, "group:k/namespace/a/clusterrole/can") == expected
    if expected:
        assert members(harvest, "k/namespace/a/clusterrole/can") == {"k/user/ana"}


WIDE = [
    ("get", "nodes", "", "", {"read cluster-objects"}),
    ("get", "nodes/proxy", "", "", EVERYTHING | {"read cluster-objects"}),
    ("patch", "nodes/status", "", "", EVERYTHING | {"write cluster-objects", "read cluster-objects"}),
    ("create", "persistentvolumes", "", "", EVERYTHING | {"write cluster-objects"}),
    ("approve", "signers", "certificates.k8s.io", "kubernetes.io/kube-apiserver-client", EVERYTHING),
    ("approve", "signers", "certificates.k8s.io", "", EVERYTHING),
    ("approve", "signers", "certificates.k8s.io", "example.com/own", set()),
    (
        "create",
        "mutatingwebhookconfigurations",
        "admissionregistration.k8s.io",
        "",
        EVERYTHING | {"write cluster-objects"},
    ),
    (
        "update",
        "validatingwebhookconfigurations",
        "admissionregistration.k8s.io",
        "",
        EVERYTHING | {"write cluster-objects"},
    ),
    (
        "patch",
        "apiservices",
        "apiregistration.k8s.io",
        "",
        EVERYTHING | {"write cluster-objects", "read cluster-objects"},
    ),
    (
        "update",
        "customresourcedefinitions",
        "apiextensions.k8s.io",
        "",
        {"operate objects", "operate cluster-objects", "write cluster-objects"},
    ),
    ("impersonate", "users", "", "", EVERYTHING),
    ("impersonate", "users", "", "bo", {"enroll user/bo"}),
    ("impersonate", "users", "", "system:serviceaccount:a:bot", {"enroll serviceaccount/a/bot"}),
    ("impersonate", "groups", "", "system:masters", EVERYTHING | {"enroll group/system:masters"}),
    ("impersonate", "groups", "", "ops", {"enroll group/ops"}),
    ("impersonate", "groups", "", "", EVERYTHING),
    ("impersonate", "serviceaccounts", "", "", {"enroll all-runners"}),
    ("impersonate", "serviceaccounts", "", "bot", {"enroll serviceaccount/a/bot"}),
    ("impersonate", "uids", "authentication.k8s.io", "", set()),
    ("bind", "clusterroles", R, "see", {"enroll clusterrole/see"}),
    ("bind", "clusterroles", R, "", EVERYTHING),
    ("bind", "roles", R, "local", {"enroll namespace/a/role/local"}),
    ("escalate", "clusterroles", R, "", EVERYTHING),
    ("create update", "clusterroles clusterrolebindings", R, "", {"write cluster-objects"}),
    ("get", "secrets", "", "", {"read secrets", "enroll all-runners"}),
    ("get", "secrets", "", "tls", {"read secrets", "enroll all-runners"}),
    (
        "create",
        "pods",
        "",
        "",
        {"operate workloads", "read secrets", "read objects", "write workloads"} | EVERYTHING,
    ),
    ("update", "configmaps", "", "aws-auth", {"write objects"} | EVERYTHING),
    ("update", "configmaps", "", "other", {"write objects"}),
    ("get", "widgets", "example.com", "", {"read objects", "read cluster-objects"}),
]


@pytest.mark.parametrize(("verbs", "resources", "groups", "names", "expected"), WIDE)
def test_a_right_in_the_whole_cluster(verbs: str, resources: str, groups: str, names: str, expected: set[str]) -> None:
    harvest = harvested(
        space("a", "restricted"),
        role("can", rule(verbs, resources, groups, names)),
        role("see", rule("get", "configmaps")),
        role("local", rule("get", "configmaps"), namespace="a"),
        thing("ServiceAccount", "bot", "a"),
        binding("can", "Group:ops"),
    )
    assert grants(harvest, "group:k/clusterrole/can") == expected


def test_whoever_runs_pods_where_nothing_keeps_them_reaches_the_nodes() -> None:
    """An editor of any namespace takes the cluster, unless Pod Security is on."""
    for level, reaches in (("", True), ("privileged", True), ("baseline", False), ("restricted", False)):
        harvest = harvested(
            space("a", level), role("can", rule("create", "pods")), binding("can", "User:ana", namespace="a")
        )
        found = grants(harvest, "group:k/namespace/a/clusterrole/can")
        assert found == PODS | WRITES | (EVERYTHING if reaches else set())


@pytest.mark.parametrize(
    ("spec", "reaches"),
    [
        ({}, False),
        ({"hostPID": True}, True),
        ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, True),
        ({"volumes": [{"name": "v", "emptyDir": {}}]}, False),
        ({"initContainers": [{"name": "i", "securityContext": {"privileged": True}}]}, True),
        ({"containers": [{"name": "i", "securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}]}, True),
        ({"containers": [{"name": "i", "securityContext": {"capabilities": {"add": ["CHOWN"]}}}]}, False),
    ],
)
def test_a_pod_older_than_its_label_still_leads_to_its_node(spec: Object, reaches: bool) -> None:
    harvest = harvested(
        space("a", "baseline"),
        pod("a", **spec),
        role("can", rule("create", "pods/exec")),
        binding("can", "User:ana", namespace="a"),
    )
    assert (EVERYTHING <= grants(harvest, "group:k/namespace/a/clusterrole/can")) is reaches


def test_without_pods_in_the_export_a_label_does_not_tell_what_runs() -> None:
    harvest = harvested(
        space("a", "baseline"), role("can", rule("create", "pods/exec")), binding("can", "User:ana", namespace="a")
    )
    assert EVERYTHING <= grants(harvest, "group:k/namespace/a/clusterrole/can")


def test_cluster_admin_in_the_cluster_and_in_a_namespace() -> None:
    all_ = role("cluster-admin", rule("*", "*", "*"), rule("*", paths="*"))
    harvest = harvested(space("a"), all_, binding("cluster-admin", "User:ana"))
    found = grants(harvest, "group:k/clusterrole/cluster-admin")
    assert EVERYTHING <= found
    assert {f"{verb} {place}" for verb in ("read", "write") for place in ("secrets", "objects", "urls")} <= found
    harvest = harvested(space("a", "restricted"), all_, binding("cluster-admin", "User:ana", namespace="a"))
    local = grants(harvest, "group:k/namespace/a/clusterrole/cluster-admin")
    # It takes the label off its namespace.
    assert EVERYTHING | PODS | {"operate secrets/a", "operate objects/a"} <= local


def test_secrets_in_the_export_tell_which_are_tokens_and_are_not_read() -> None:
    notes = {"kubernetes.io/service-account.name": "bot"}
    token = thing("Secret", "bot-key", "a", type="kubernetes.io/service-account-token", annotations=notes)
    plain = thing("Secret", "tls", "a", type="Opaque", data={"key": "aHVzaC1odXNo"}, stringData={"x": "hush-hush"})
    can = role("can", rule("get", "secrets"))
    one = role("one", rule("get", "secrets", names="tls"))
    both = (binding("can", "User:ana", namespace="a"), binding("one", "User:bo", namespace="a"))
    harvest = harvested(token, plain, can, one, *both)
    assert grants(harvest, "group:k/namespace/a/clusterrole/can") == {
        "read secrets/a",
        "enroll serviceaccount/a/bot",
    }
    assert grants(harvest, "group:k/namespace/a/clusterrole/one") == {"read secrets/a/tls"}
    assert {"k/secrets/a/tls", "k/secrets/a/bot-key"} <= {row[0] for row in harvest.rows("assets")}
    # Somebody holds the token.
    assert {row[0] for row in harvest.rows("accounts")} == {"k/serviceaccount/a/bot", "k/user/ana", "k/user/bo"}
    everything = repr([list(harvest.rows(table)) for table in ("assets", "grants", "review", "groups", "unknown")])
    assert "hush" not in everything and "aHVz" not in everything
    assert ("unmapped", "0.json") in reviewed(harvest)


def test_an_aggregated_role_has_what_it_takes_over_even_where_it_was_not_filled_in() -> None:
    harvest = harvested(
        role(
            "sum",
            aggregationRule={
                "clusterRoleSelectors": [
                    {"matchLabels": {"to": "sum"}},
                    {"matchExpressions": [{"key": "also", "operator": "In", "values": ["x", "y"]}]},
                ]
            },
        ),
        role("one", rule("get", "configmaps"), labels={"to": "sum"}),
        role("two", rule("get", "nodes"), labels={"also": "y"}),
        role("three", rule("delete", "nodes"), labels={"also": "z"}),
        binding("sum", "User:ana"),
    )
    assert grants(harvest, "group:k/clusterrole/sum") == {"read objects", "read cluster-objects"}


def test_whom_bindings_name() -> None:
    harvest = harvested(
        role("see", rule("get", "configmaps")),
        binding(
            "see",
            "User:ana",
            "User:oidc:bo@example.com",
            "Group:oidc:ops",
            "Group:system:authenticated",
            "Group:system:unauthenticated",
            "Group:system:serviceaccounts:a",
            "Group:system:nodes",
            "User:system:node:n1",
            "ServiceAccount:a:bot",
            "User:system:serviceaccount:a:other",
        ),
        thing("ServiceAccount", "bot", "a", annotations={"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/r"}),
        prefixes=["oidc:"],
    )
    holders = members(harvest, "k/clusterrole/see")
    assert holders == {
        "k/user/ana",
        "k/user/oidc:bo@example.com",
        "k/group/oidc:ops",
        "k/group/system:authenticated",
        "k/group/system:serviceaccounts:a",
        "k/group/system:nodes",
        "k/user/system:node:n1",
        "k/serviceaccount/a/bot",
        "k/serviceaccount/a/other",
    }
    assert grants(harvest, "everyone") == {"read objects"}
    assert {row[0] for row in harvest.rows("accounts")} == {"k/user/ana", "k/user/oidc:bo@example.com"}
    assert {row[:3] for row in harvest.rows("identifiers")} == {
        ("group:k/user/ana", "login", "kubernetes:ana"),
        ("group:k/user/oidc:bo@example.com", "login", "kubernetes:oidc:bo@example.com"),
        ("group:k/user/oidc:bo@example.com", "login", "kubernetes:bo@example.com"),
        ("group:k/user/oidc:bo@example.com", "mail", "bo@example.com"),
    }
    assert {row[0] for row in harvest.rows("unknown")} == {
        "k/group/system:masters",
        "k/group/system:authenticated",
        "k/group/oidc:ops",
        "k/machines",
    }
    assert members(harvest, "k/group/system:nodes") == members(harvest, "k/user/system:node:n1") == {"k/machines"}
    accounts = {"k/serviceaccount/a/bot", "k/serviceaccount/a/other"}
    assert members(harvest, "k/group/system:serviceaccounts:a") == accounts | {"k/runners/a"}
    assert members(harvest, "k/serviceaccount/a/bot") == {"k/runners/a"}
    assert members(harvest, "k/runners/a") == {"k/all-runners"}
    assert members(harvest, "k/group/system:authenticated") == {
        "k/user/ana",
        "k/user/oidc:bo@example.com",
        "k/user/system:node:n1",
        *accounts,
    }
    assert grants(harvest, "group:k/group/system:masters") == grants(harvest, "group:k/machines") == EVERYTHING
    assert ("unmapped", "group:k/serviceaccount/a/bot") in reviewed(harvest)


def test_what_is_not_mapped_is_said() -> None:
    harvest = harvested(
        role("can", rule("create", "workflows", "argoproj.io"), rule("dance", "pods")),
        binding("can", "User:ana"),
        binding("gone", "User:ana"),
        thing("Deployment", "d", "a"),
    )
    said = {item for matter, item in reviewed(harvest) if matter == "unmapped"}
    assert said == {"workflows.argoproj.io", "verb dance", "gone-", "Deployment (v1)"}


def test_a_service_account_without_a_namespace_is_the_one_beside_the_binding() -> None:
    objects = [role("see", rule("get", "configmaps")), binding("see", namespace="a"), binding("see")]
    for one in objects[1:]:
        one["subjects"] = [{"kind": "ServiceAccount", "name": "bot"}]
    harvest = harvested(*objects)
    assert members(harvest, "k/namespace/a/clusterrole/see") == {"k/serviceaccount/a/bot"}
    assert members(harvest, "k/clusterrole/see") == set()


def test_from_a_pod_to_a_strong_service_account_and_on() -> None:
    """Ana may run pods in a, where a robot reads the secrets of b: a state that has Ana has these secrets."""
    harvest = harvested(
        space("a", "restricted"),
        space("b", "restricted"),
        role("run", rule("create", "jobs", "batch")),
        role("read", rule("get", "secrets", names="keys"), namespace="b"),
        thing("ServiceAccount", "robot", "a"),
        thing("Secret", "keys", "b", type="Opaque"),
        binding("run", "User:ana@x.com", namespace="a"),
        binding("read", "ServiceAccount:a:robot", namespace="b", kind="Role"),
    )
    people = hr({"id": "ana", "workplace": "CN", "mail": "ana@x.com"}, {"id": "bo", "workplace": "US"})
    assert lengths(people, harvest, "read", "k/secrets/b/keys") == {"CN": 0, "US": 1}
    assert lengths(people, harvest, "read", "k/secrets/b") == {"CN": None, "US": None}


def lengths(people: Harvest, harvest: Harvest, action: str, asset: str) -> dict[str, int | None]:
    estate = estate_of(put_together(people, harvest))
    question = Question(at=dt.date(2026, 11, 1), everything=True)
    return {
        estate.states[r.state]: r.length.length if isinstance(r.length, Exact) else None
        for r in reach(estate, question)
        if (estate.actions[r.action], estate.assets.ids[r.asset]) == (action, asset)
    }
