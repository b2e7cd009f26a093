"""Objects as kubectl writes them, and what a harvest of them says."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from armslength.intake import Harvest, Problems
from armslength.intake.kubernetes import map_kubernetes, read_kubernetes

Object = dict[str, Any]
RBAC = "rbac.authorization.k8s.io/v1"


def rule(verbs: str, resources: str = "", groups: str = "", names: str = "", paths: str = "") -> Object:
    """Words apart by spaces; groups by commas, since the core group is empty."""
    if paths:
        return {"verbs": verbs.split(), "nonResourceURLs": paths.split()}
    made: Object = {"verbs": verbs.split(), "resources": resources.split(), "apiGroups": groups.split(",")}
    return made | ({"resourceNames": names.split()} if names else {})


def role(name: str, *rules: Object, namespace: str = "", **more: Any) -> Object:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    metadata |= {"labels": more.pop("labels")} if "labels" in more else {}
    kind = "Role" if namespace else "ClusterRole"
    return {"apiVersion": RBAC, "kind": kind, "metadata": metadata, "rules": list(rules), **more}


def subject(word: str) -> Object:
    """`User:ana`, `Group:ops`, `ServiceAccount:NAMESPACE:NAME`."""
    kind, _, name = word.partition(":")
    if kind == "ServiceAccount":
        namespace, _, name = name.partition(":")
        return {"kind": kind, "name": name, "namespace": namespace}
    return {"kind": kind, "name": name, "apiGroup": "rbac.authorization.k8s.io"}


def binding(to: str, *subjects: str, namespace: str = "", name: str = "", kind: str = "ClusterRole") -> Object:
    return {
        "apiVersion": RBAC,
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": {"name": name or f"{to}-{namespace}"} | ({"namespace": namespace} if namespace else {}),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": to},
        "subjects": [subject(word) for word in subjects],
    }


def thing(kind: str, name: str, namespace: str = "", **more: Any) -> Object:
    """A Namespace, ServiceAccount, Pod or Secret; `labels` and `annotations` go where they belong."""
    metadata: Object = {"name": name} | ({"namespace": namespace} if namespace else {})
    metadata |= {key: more.pop(key) for key in ("labels", "annotations") if key in more}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **more}


def space(name: str, enforce: str = "") -> Object:
    labels = {"kubernetes.io/metadata.name": name}
    return thing(
        "Namespace", name, labels=labels | ({"pod-security.kubernetes.io/enforce": enforce} if enforce else {})
    )


def pod(namespace: str, **spec: Any) -> Object:
    return thing("Pod", "p", namespace, spec={"containers": [{"name": "c", "image": "i"}], **spec})


def listed(objects: Iterable[Object]) -> bytes:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}).encode()


def harvest_of(*files: bytes, name: str = "k", prefixes: Iterable[str] = ()) -> Harvest:
    harvest, problems = Harvest(name=name, kind="kubernetes"), Problems()
    named = {f"{place}.json": data for place, data in enumerate(files)}
    map_kubernetes(read_kubernetes(named, problems), harvest, problems, prefixes=tuple(prefixes))
    return harvest


def harvested(*objects: Object, **more: Any) -> Harvest:
    return harvest_of(listed(objects), **more)


def grants(harvest: Harvest, holder: str) -> set[str]:
    """`ACTION TARGET` of a holder, without the name of the source."""
    return {
        f"{action} {target.partition(':')[2].removeprefix('k/')}"
        for who, action, target, _, _ in harvest.rows("grants")
        if who == holder
    }


def members(harvest: Harvest, group: str) -> set[str]:
    return {member.removeprefix("group:") for of, member, _ in harvest.rows("groups") if of == group}


def reviewed(harvest: Harvest) -> set[tuple[str, str]]:
    return {(matter, item) for matter, item, _, _ in harvest.rows("review")}
