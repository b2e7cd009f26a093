"""Documents as kubectl writes them become a cluster: lists, or objects one after another, in YAML or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from armslength.intake import Node, Problems, json_node, yaml_nodes
from armslength.intake.kubernetes.cluster import (
    Account,
    Binding,
    Cluster,
    Namespace,
    Requirement,
    Role,
    Rule,
    Secret,
    Selector,
    Subject,
)

COMMAND = "kubectl get roles,rolebindings,clusterroles,clusterrolebindings,serviceaccounts,namespaces,pods -A -o json"
RBAC = "rbac.authorization.k8s.io/"
ELSEWHERE = {
    "eks.amazonaws.com/role-arn": "the AWS role",
    "iam.gke.io/gcp-service-account": "the Google service account",
    "azure.workload.identity/client-id": "the Azure application",
}
TOKEN = "kubernetes.io/service-account-token"
# https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
BASELINE_CAPABILITIES = frozenset(
    "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID "
    "SYS_CHROOT".split()
)


def read_kubernetes(files: Mapping[str, bytes], problems: Problems) -> Cluster:
    """The cluster; raises `IntakeError` with all that is wrong."""
    cluster = Cluster()
    for file, data in files.items():
        for node in _documents(file, data, problems):
            _read(node, cluster)
    if not problems:
        told = "; ".join(files) or "documents"
        if not cluster.bindings:
            problems.add(told, f"no RoleBinding and no ClusterRoleBinding: expected what {COMMAND} writes")
        elif not cluster.kinds["ClusterRole"]:
            problems.add(told, f"bindings, but no ClusterRole: expected all that {COMMAND} writes")
    problems.stop()
    return cluster


def _documents(file: str, data: bytes, problems: Problems) -> Iterator[Node]:
    # Most of what begins like JSON is JSON, which is read ten times as fast; YAML that does is still YAML.
    if data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        node = json_node(file, data, problems)
        if node is not None:
            yield node
    else:
        yield from yaml_nodes(file, data, problems)


def _read(document: Node, cluster: Cluster) -> None:
    kind = document.at("kind").text()
    if kind == "List" or (kind.endswith("List") and document.has("items")):
        version = document.at("apiVersion").text_or()
        for item in document.at("items").items():
            own = item.at("kind").text_or(kind.removesuffix("List"))
            if own:
                _object(own, item.at("apiVersion").text_or(version), item, cluster)
            else:
                item.at("kind").text()
    elif kind:
        _object(kind, document.at("apiVersion").text_or(), document, cluster)


def _object(kind: str, version: str, node: Node, cluster: Cluster) -> None:
    cluster.kinds[kind] += 1
    match kind:
        case "Role" | "ClusterRole" if version.startswith(RBAC):
            role = _role(node, kind == "ClusterRole")
            _once(cluster.roles, (role.namespace, role.name), role, node)
        case "RoleBinding" | "ClusterRoleBinding" if version.startswith(RBAC):
            cluster.bindings.append(_binding(node, kind == "ClusterRoleBinding"))
        case "ServiceAccount":
            account = _account(node)
            _once(cluster.accounts, (account.namespace, account.name), account, node)
            _namespace(cluster, account.namespace, node)
        case "Namespace":
            found = _namespace(cluster, _name(node.at("metadata").at("name")), node)
            found.origin = node.origin
            found.labels.update(_labels(node.at("metadata").at("labels")))
        case "Pod":
            found = _namespace(cluster, _namespace_of(node), node)
            found.exposed = _reaches_node(node.at("spec")) or found.exposed
        case "Secret":
            secret = _secret(node)
            _once(cluster.secrets, (secret.namespace, secret.name), secret, node)
            _namespace(cluster, secret.namespace, node)
            if node.has("data") or node.has("stringData"):
                cluster.values[node.file] = cluster.values.get(node.file, 0) + 1
        case _:
            cluster.unread.setdefault(f"{kind} ({version})" if version else kind, node.origin)


def _once(known: dict[tuple[str, str], Any], key: tuple[str, str], value: object, node: Node) -> None:
    if key in known:
        name = "/".join(part for part in key if part)
        node.wrong(f"{name[:60]!r} comes twice: expected the documents of one cluster, each once")
    known[key] = value


def _name(node: Node) -> str:
    """A name that the API server takes: it stands in a path, so it has no slash."""
    text = node.text()
    if "/" in text or text in (".", ".."):
        node.wrong(f"{text[:60]!r}: expected a name without '/'")
        return ""
    return text


def _namespace_of(node: Node) -> str:
    return _name(node.at("metadata").at("namespace"))


def _namespace(cluster: Cluster, name: str, node: Node) -> Namespace:
    return cluster.namespaces.setdefault(name, Namespace(node.origin))


def _labels(node: Node) -> dict[str, str]:
    return {key: value.text_or() for key, value in node.members()} if node.value is not None else {}


def _texts(node: Node, empty: bool = False) -> tuple[str, ...]:
    """`empty`: an empty text is a value of its own, as the core API group is."""
    return tuple(part.text_or() if empty else part.text() for part in node.items())


def _role(node: Node, wide: bool) -> Role:
    selectors: list[Selector] = []
    if wide and node.has("aggregationRule"):
        selectors = [_selector(part) for part in node.at("aggregationRule").at("clusterRoleSelectors").items()]
    return Role(
        namespace="" if wide else _namespace_of(node),
        name=_name(node.at("metadata").at("name")),
        rules=tuple(_rule(part) for part in node.at("rules").items()),
        labels=_labels(node.at("metadata").at("labels")),
        selectors=tuple(selectors),
        origin=node.origin,
    )


def _rule(node: Node) -> Rule:
    return Rule(
        verbs=frozenset(_texts(node.at("verbs"))),
        groups=frozenset(_texts(node.at("apiGroups"), empty=True)),
        resources=_texts(node.at("resources")),
        names=_texts(node.at("resourceNames")),
        paths=_texts(node.at("nonResourceURLs")),
        origin=node.origin,
    )


def _selector(node: Node) -> Selector:
    wanted = {
        Requirement(key=key, operator="In", values=frozenset([value]))
        for key, value in _labels(node.at("matchLabels")).items()
    }
    for part in node.at("matchExpressions").items():
        operator = part.at("operator").text()
        if operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
            part.at("operator").wrong(f"{operator[:60]!r}: expected In, NotIn, Exists or DoesNotExist")
        values = frozenset(_texts(part.at("values"), empty=True))
        wanted.add(Requirement(key=part.at("key").text(), operator=operator, values=values))
    return frozenset(wanted)


def _binding(node: Node, wide: bool) -> Binding:
    namespace = "" if wide else _namespace_of(node)
    kind = node.at("roleRef").at("kind").text()
    if kind not in (("ClusterRole",) if wide else ("Role", "ClusterRole")):
        node.at("roleRef").at("kind").wrong(f"{kind[:60]!r}: expected ClusterRole{'' if wide else ' or Role'}")
    return Binding(
        namespace=namespace,
        name=_name(node.at("metadata").at("name")),
        cluster_role=kind == "ClusterRole",
        role=_name(node.at("roleRef").at("name")),
        subjects=tuple(_subject(part, namespace) for part in node.at("subjects").items()),
        origin=node.origin,
    )


def _subject(node: Node, namespace: str) -> Subject:
    kind = node.at("kind").text()
    if kind == "ServiceAccount":
        own = node.at("namespace")
        # Without one it is the binding's; in a ClusterRoleBinding it is then nobody.
        namespace = _name(own) if own.text_or() else namespace
        return Subject(kind=kind, name=_name(node.at("name")), namespace=namespace, origin=node.origin)
    if kind not in ("User", "Group"):
        node.at("kind").wrong(f"{kind[:60]!r}: expected User, Group or ServiceAccount")
    return Subject(kind=kind, name=node.at("name").text(), namespace="", origin=node.origin)


def _account(node: Node) -> Account:
    name = _name(node.at("metadata").at("name"))
    notes = node.at("metadata").at("annotations")
    marks = [f"{what} {notes.at(key).text()}" for key, what in ELSEWHERE.items() if notes.value and notes.has(key)]
    # Clusters before 1.24 made a token that does not expire for each, and named it here.
    kept = [part.at("name").text_or() for part in node.at("secrets").items()]
    return Account(
        namespace=_namespace_of(node),
        name=name,
        elsewhere=tuple(marks),
        key=any(secret.startswith(f"{name}-token-") for secret in kept),
        origin=node.origin,
    )


def _secret(node: Node) -> Secret:
    notes, token_of = node.at("metadata").at("annotations"), ""
    if node.at("type").text_or() == TOKEN and notes.value is not None:
        token_of = notes.at("kubernetes.io/service-account.name").text_or()
    name = _name(node.at("metadata").at("name"))
    return Secret(namespace=_namespace_of(node), name=name, token_of=token_of, origin=node.origin)


def _reaches_node(spec: Node) -> bool:
    """Whether the pod has more than the level baseline of Pod Security lets it have, as far as nodes go."""
    if any(spec.at(key).flag() for key in ("hostPID", "hostIPC", "hostNetwork")):
        return True
    if any(volume.has("hostPath") for volume in spec.at("volumes").items()):
        return True
    for key in ("containers", "initContainers", "ephemeralContainers"):
        for container in spec.at(key).items():
            if not container.has("securityContext"):
                continue
            context = container.at("securityContext")
            if context.at("privileged").flag():
                return True
            if context.has("capabilities"):
                added = {name.removeprefix("CAP_") for name in _texts(context.at("capabilities").at("add"))}
                if not added <= BASELINE_CAPABILITIES:
                    return True
    return False
