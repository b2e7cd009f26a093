"""What a rule lets its holders do, whatever the place it is bound in.

A rule is matched as the API server does it (`*` for any verb, group or resource, `*/exec` for a subresource of any
resource); `pods/*`, which the API server takes for nothing, is taken for what was meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from armslength.intake.kubernetes.cluster import Rule


class Can(StrEnum):
    """What it comes to."""

    READ = "read"
    WRITE = "write"
    RUN = "run pods"
    ENTER = "enter pods"
    TALK = "talk to pods"
    READ_TOKENS = "read tokens"
    ACT = "act as a service account"
    USER = "act as a user"
    GROUP = "act as a group"
    BIND = "bind a role"
    ALL = "everything there"
    CLUSTER = "everything"
    CUSTOM = "everything of custom resources"
    RELABEL = "take Pod Security from a namespace"


@dataclass(frozen=True, slots=True)
class Power:
    """`place`: what is read or written (secrets, workloads, objects, cluster-objects, urls), or the kind of role that
    is bound. `name`: of the one secret, account, role, …, empty for all. `wider`: why this may be too much."""

    can: Can
    place: str = ""
    name: str = ""
    wider: str = ""


READS = frozenset({"get", "list", "watch"})
WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
# What a request is answered with: a patch that changes nothing tells the object, deleting many (or trying to) the list.
TELLING = READS | {"patch", "deletecollection"}
CHANGES = frozenset({"create", "update", "patch"})
EDITS = frozenset({"update", "patch"})
ANY = READS | WRITES
# What a call to something behind a proxy asks for, by its method.
CALLS = frozenset({"get", "create", "update", "patch", "delete"})
WORKLOADS = frozenset(
    "pods replicationcontrollers deployments daemonsets statefulsets replicasets jobs cronjobs bindings "
    "podtemplates".split()
)
MAKERS = ("pods replicationcontrollers", "deployments daemonsets statefulsets replicasets", "jobs cronjobs")
KNOWN = frozenset({"", "apps", "batch", "extensions"})
CLUSTER_SCOPED = frozenset(
    "nodes persistentvolumes componentstatuses clusterroles clusterrolebindings customresourcedefinitions apiservices "
    "certificatesigningrequests mutatingwebhookconfigurations validatingwebhookconfigurations storageclasses "
    "priorityclasses runtimeclasses ingressclasses csidrivers csinodes volumeattachments flowschemas "
    "prioritylevelconfigurations clustertrustbundles mutatingadmissionpolicies mutatingadmissionpolicybindings "
    "validatingadmissionpolicies validatingadmissionpolicybindings podsecuritypolicies servicecidrs ipaddresses "
    "deviceclasses resourceslices signers users groups uids".split()
)
ASKING = frozenset(
    "selfsubjectaccessreviews selfsubjectrulesreviews selfsubjectreviews subjectaccessreviews "
    "localsubjectaccessreviews tokenreviews".split()
)
BUILT_IN = frozenset({"", "apps", "batch", "autoscaling", "policy", "extensions", "events.k8s.io"})
"""API groups without `.k8s.io` that a cluster has by itself."""
SAFE_PATHS = ("/healthz", "/livez", "/readyz", "/version", "/openapi", "/api", "/apis", "/swagger", "/.well-known")
VERBS = ANY | {"*", "bind", "escalate", "impersonate", "approve", "sign", "attest", "use", "proxy"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """`named`: a rule for certain names gives this for these names only; else their names make no difference."""

    groups: frozenset[str]
    resources: frozenset[str]
    verbs: frozenset[str]
    power: Power
    local: bool = True
    named: bool = False


def _way(groups: str, resources: str, verbs: frozenset[str] | str, power: Power, **more: bool) -> Way:
    return Way(
        groups=frozenset(groups.split(",")),
        resources=frozenset(resources.split()),
        verbs=frozenset(verbs.split()) if isinstance(verbs, str) else verbs,
        power=power,
        **more,
    )


def _everything(why: str) -> Power:
    return Power(Can.CLUSTER, wider=why)


RBAC = "rbac.authorization.k8s.io"
ADMISSION = "admissionregistration.k8s.io"
WAYS = (
    _way("", MAKERS[0], CHANGES, Power(Can.RUN)),
    _way("apps,extensions", MAKERS[1], CHANGES, Power(Can.RUN)),
    _way("batch,extensions", MAKERS[2], CHANGES, Power(Can.RUN)),
    _way("", "pods/ephemeralcontainers", EDITS, Power(Can.RUN)),
    # Asked for with get over a web socket, with create otherwise.
    _way("", "pods/exec pods/attach", "get create", Power(Can.ENTER)),
    _way("", "pods/portforward pods/proxy services/proxy", CALLS, Power(Can.TALK)),
    _way("", "secrets", TELLING, Power(Can.READ_TOKENS), named=True),
    _way(
        "",
        "secrets",
        "create",
        Power(Can.ACT, wider="a secret can be made to be a token of any service account; it must be read as well"),
    ),
    _way("", "serviceaccounts/token", "create", Power(Can.ACT), named=True),
    _way("", "serviceaccounts", "impersonate", Power(Can.ACT), named=True),
    _way("", "users", "impersonate", Power(Can.USER), named=True, local=False),
    _way("", "groups", "impersonate", Power(Can.GROUP), named=True, local=False),
    _way(RBAC, "clusterroles", "bind", Power(Can.BIND, "ClusterRole"), named=True),
    _way(RBAC, "roles", "bind", Power(Can.BIND, "Role"), named=True),
    _way(RBAC, "clusterroles", "escalate", Power(Can.CLUSTER), local=False),
    _way(RBAC, "roles", "escalate", Power(Can.ALL)),
    _way("", "namespaces namespaces/finalize namespaces/status", EDITS, Power(Can.RELABEL), named=True),
    _way("", "nodes/proxy", CALLS, _everything("the nodes' own interface runs commands in every pod"), local=False),
    _way(
        "",
        "nodes nodes/status",
        CHANGES,
        _everything("who changes a node can lead pods and the control plane's calls to another"),
        local=False,
    ),
    _way(
        "",
        "persistentvolumes",
        CHANGES,
        _everything("a volume can be a folder of a node; some pod must use it"),
        local=False,
    ),
    _way(ADMISSION, "mutatingwebhookconfigurations", CHANGES, Power(Can.CLUSTER), local=False),
    _way(
        ADMISSION,
        "validatingwebhookconfigurations",
        CHANGES,
        _everything("a webhook is shown every secret and token that is written, and changes nothing"),
        local=False,
    ),
    _way(
        ADMISSION,
        "mutatingadmissionpolicies mutatingadmissionpolicybindings",
        CHANGES,
        Power(Can.CLUSTER),
        local=False,
    ),
    _way(
        "apiregistration.k8s.io",
        "apiservices",
        CHANGES,
        _everything("requests, and whose they are, can be led to another server"),
        local=False,
    ),
    _way(
        "apiextensions.k8s.io",
        "customresourcedefinitions",
        CHANGES,
        Power(Can.CUSTOM, wider="a conversion webhook sees and changes custom resources, not others"),
        local=False,
    ),
)


def powers(rule: Rule, local: bool) -> Iterator[Power]:
    """What the rule allows; `local`: bound in one namespace only."""
    if not local:
        for path in rule.paths:
            if path == "*" or not path.startswith(SAFE_PATHS):
                yield from _plain(rule, "urls", "")
    for way in WAYS:
        if (way.local or not local) and _fits(rule, way):
            for name in rule.names if way.named and rule.names else ("",):
                yield Power(way.power.can, way.power.place, name, way.power.wider)
    if not local and _signs(rule):
        yield from _approvals(rule)
    yield from _aws_map(rule)
    for resource in rule.resources:
        yield from _resource(rule, resource, local)


def unknown_verbs(rule: Rule) -> frozenset[str]:
    return frozenset(verb for verb in rule.verbs - VERBS if not verb.startswith("impersonate"))


def custom(rule: Rule) -> Iterator[str]:
    """Custom resources that it lets be made: what their controllers do with them is not known."""
    if rule.verbs & (CHANGES | {"*"}):
        for group in rule.groups:
            if group not in BUILT_IN and not group.endswith(".k8s.io") and group != "*":
                for resource in rule.resources:
                    if "/" not in resource:
                        yield f"{resource}.{group}"


def _fits(rule: Rule, way: Way) -> bool:
    return _groups(rule, way.groups) and _verbs(rule, way.verbs) and any(_matches(rule, one) for one in way.resources)


def _groups(rule: Rule, groups: frozenset[str]) -> bool:
    return "*" in rule.groups or not rule.groups.isdisjoint(groups)


def _verbs(rule: Rule, verbs: frozenset[str]) -> bool:
    if "*" in rule.verbs or not rule.verbs.isdisjoint(verbs):
        return True
    # Since 1.35 some say how far: impersonate:user-info, ….
    return "impersonate" in verbs and any(verb.startswith("impersonate") for verb in rule.verbs)


def _matches(rule: Rule, resource: str) -> bool:
    base, slash, sub = resource.partition("/")
    return any(one in ("*", "*/*", resource) or (slash and one in (f"*/{sub}", f"{base}/*")) for one in rule.resources)


def _signs(rule: Rule) -> bool:
    return (
        _verbs(rule, frozenset({"approve"}))
        and _groups(rule, frozenset({"certificates.k8s.io"}))
        and _matches(rule, "signers")
    )


def _approvals(rule: Rule) -> Iterator[Power]:
    """Who approves what the cluster's own signers sign can let in whom they want."""
    if not rule.names or any(name == "*" or name.startswith("kubernetes.io/") for name in rule.names):
        yield _everything("approves certificates for logging in; some other right must let ask for one")


def _aws_map(rule: Rule) -> Iterator[Power]:
    if _groups(rule, frozenset({""})) and _verbs(rule, CHANGES) and _matches(rule, "configmaps"):
        for name in rule.names or ("",):
            if name in ("", "aws-auth"):
                yield Power(Can.ALL, "aws-auth", wider="the map aws-auth in kube-system says, on EKS, who is who")


def _resource(rule: Rule, resource: str, local: bool) -> Iterator[Power]:
    """Reading and writing, as far as it goes."""
    base, slash, _ = resource.partition("/")
    if base in ASKING or resource == "serviceaccounts/token":
        return
    if base == "*":
        places = ["objects", "workloads"]
        if not slash and _groups(rule, frozenset({""})):
            places.append("secrets")
        if not local:
            places.append("cluster-objects")
    elif base == "secrets" and _groups(rule, frozenset({""})):
        places = ["secrets"] if not slash else []
    elif base in WORKLOADS and _groups(rule, KNOWN):
        places = ["workloads"]
    elif base in CLUSTER_SCOPED:
        places = [] if local else ["cluster-objects"]
    elif base == "namespaces":
        places = ["objects"] if local else ["objects", "cluster-objects"]
    elif local or _groups(rule, BUILT_IN):
        places = ["objects"]
    else:
        # Whether a custom resource lies in namespaces is not told.
        places = ["objects", "cluster-objects"]
    for place in places:
        names = rule.names if place == "secrets" and rule.names and not slash else ("",)
        for name in names:
            yield from _plain(rule, place, name)


def _plain(rule: Rule, place: str, name: str) -> Iterator[Power]:
    wider = "names of single objects are not told apart here" if rule.names and not name else ""
    reads, writes = TELLING, WRITES
    if place == "urls":
        writes = frozenset({"post", "put", "patch", "delete"})
    if _verbs(rule, reads):
        yield Power(Can.READ, place, name, wider)
    if _verbs(rule, writes):
        yield Power(Can.WRITE, place, name, wider)
