"""Small accounts of AWS as its own commands write them, and what becomes of them."""

from __future__ import annotations

import json
from typing import Any

from armslength.intake import Harvest, Problems
from armslength.intake.aws import map_aws

A, B = "111111111111", "222222222222"


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trusts(*principals: dict[str, Any] | str, **more: Any) -> dict[str, Any]:
    action = more.pop("action", "sts:AssumeRole")
    return policy(*({"Effect": "Allow", "Principal": p, "Action": action, **more} for p in principals))


def arn(kind: str, name: str, account: str = A) -> str:
    return f"arn:aws:iam::{account}:{kind}/{name}"


def user(name: str, *statements: Any, account: str = A, **more: Any) -> dict[str, Any]:
    return _one("User", name, statements, account) | more


def role(name: str, trust: dict[str, Any], *statements: Any, account: str = A, **more: Any) -> dict[str, Any]:
    return _one("Role", name, statements, account) | {"AssumeRolePolicyDocument": trust} | more


def group(name: str, *statements: Any, account: str = A, **more: Any) -> dict[str, Any]:
    return _one("Group", name, statements, account) | more


def _one(kind: str, name: str, statements: Any, account: str) -> dict[str, Any]:
    inline = [{"PolicyName": "own", "PolicyDocument": policy(*statements)}] if statements else []
    return {
        "Path": "/",
        f"{kind}Name": name,
        "Arn": arn(kind.lower(), name, account),
        f"{kind}PolicyList": inline,
        "AttachedManagedPolicies": [],
    }


def managed(name: str, *statements: Any, account: str = A) -> dict[str, Any]:
    version = {"VersionId": "v1", "IsDefaultVersion": True, "Document": policy(*statements)}
    return {"PolicyName": name, "Arn": arn("policy", name, account), "PolicyVersionList": [version]}


def attached(*names: str, account: str = A) -> dict[str, Any]:
    return {"AttachedManagedPolicies": [{"PolicyName": n, "PolicyArn": arn("policy", n, account)} for n in names]}


def bounded(name: str, account: str = A) -> dict[str, Any]:
    return {"PermissionsBoundary": {"PermissionsBoundaryArn": arn("policy", name, account)}}


def details(*things: dict[str, Any]) -> dict[str, Any]:
    return {
        "UserDetailList": [t for t in things if "UserName" in t],
        "GroupDetailList": [t for t in things if "GroupName" in t],
        "RoleDetailList": [t for t in things if "RoleName" in t],
        "Policies": [t for t in things if "PolicyVersionList" in t],
    }


def taken(*things: dict[str, Any], **documents: Any) -> Harvest:
    """`things`: of the first account; `documents`: others, by name without .json."""
    harvest = Harvest(name="aws", kind="aws")
    files = {"details.json": json.dumps(details(*things)).encode()} if things else {}
    files |= {f"{name.replace('__', '-')}.json": json.dumps(value).encode() for name, value in documents.items()}
    map_aws(files, harvest, Problems())
    return harvest


def _short(reference: str) -> str:
    return reference.replace(f"aws/{A}", "A").replace(f"aws/{B}", "B").replace("aws/identity", "I")


def grants(harvest: Harvest) -> set[tuple[str, str, str]]:
    """(holder, action, target) but for those of the root users."""
    found = {(_short(h)[6:] if h != "everyone" else h, a, _short(t)) for h, a, t, _, _ in harvest.rows("grants")}
    return {row for row in found if not row[0].endswith("/root")}


def members(harvest: Harvest) -> set[tuple[str, str]]:
    """(group, member)"""
    return {(_short(g), _short(m)[6:]) for g, m, _ in harvest.rows("groups")}


def unknown(harvest: Harvest) -> dict[str, str]:
    return {_short(g): note for g, note, _ in harvest.rows("unknown")}


def reviews(harvest: Harvest) -> list[tuple[str, str, str]]:
    return [row[:3] for row in harvest.rows("review")]
