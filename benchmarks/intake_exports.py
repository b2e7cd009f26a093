"""Exports of made-up firms for benchmarks/intake.py: `python benchmarks/intake_exports.py SOURCE FOLDER SIZE`.

SIZE is about the number of permissions. A process of its own, since a child's peak counts its parent's memory too.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

SEED = 20261122


def hr(folder: Path, size: int) -> None:
    rows = ["Employee ID,Work Email,Job,Unit,Office,Company,Manager"]
    for n in range(size):
        rows.append(f"E{n},p{n}@x.com,engineer,U{n % 90},{'US DE CN IE'.split()[n % 4]},Firm {n % 7},E{n // 10}")
    (folder / "staff.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def opengraph(folder: Path, size: int) -> None:
    rng, domain = Random(SEED), "S-1-5-21-1004336348-1177238915-682003330"
    sids = [f"{domain}-{n + 1000}" for n in range(size // 5 + 6)]
    cut, end = len(sids) // 2, len(sids) * 9 // 10
    users, computers, groups = sids[:cut], sids[cut:end], sids[end:]
    nodes = [{"id": domain, "kinds": ["Domain", "Base"], "properties": {"name": "CORP.LOCAL"}}]
    for kind, ids in (("User", users), ("Computer", computers), ("Group", groups)):
        nodes += [
            {"id": id, "kinds": [kind, "Base"], "properties": {"name": f"{kind.upper()}{n}@CORP.LOCAL", "objectid": id}}
            for n, id in enumerate(ids)
        ]

    def edges() -> Iterator[dict[str, Any]]:
        contained = [(domain, "Contains", id) for id in sids]
        ways = [("MemberOf", users, groups), ("AdminTo", groups, computers), ("HasSession", computers, users)]
        ways += [("GenericAll", groups, users), ("CanRDP", groups, computers)]
        rest = (
            (rng.choice(ways[which][1]), ways[which][0], rng.choice(ways[which][2]))
            for which in rng.choices(range(5), (40, 15, 15, 20, 10), k=max(size - len(contained), 0))
        )
        for start, kind, stop in (*contained, *rest):
            told = {"isacl": False, "lastseen": "2026-11-01T10:00:00Z"}
            ends = {"start": {"match_by": "id", "value": start}, "end": {"match_by": "id", "value": stop}}
            yield {**ends, "kind": kind, "properties": told}

    whole = {"metadata": {"source_kind": "Base"}, "graph": {"nodes": nodes, "edges": list(edges())}}
    (folder / "graph.json").write_text(json.dumps(whole), encoding="utf-8")


def aws(folder: Path, size: int) -> None:
    rng, account = Random(SEED), "123456789012"
    users, groups = max(size // 10, 4), max(size // 40, 2)

    def policy(n: int) -> dict[str, Any]:
        actions = rng.sample(["s3:GetObject", "s3:PutObject", "dynamodb:GetItem", "kms:Decrypt", "s3:ListBucket"], 2)
        on = [f"arn:aws:s3:::bucket-{rng.randrange(max(size // 20, 1))}/*" for _ in range(4)]
        return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": on}]}

    def identity(kind: str, n: int) -> dict[str, Any]:
        name = f"{kind.lower()}-{n}"
        arn = f"arn:aws:iam::{account}:{kind.lower()}/{name}"
        return {f"{kind}Name": name, f"{kind}Id": f"AIDA{n}", "Arn": arn, "Path": "/"}

    whole = {
        "UserDetailList": [
            identity("User", n) | {"GroupList": [f"group-{rng.randrange(groups)}"], "AttachedManagedPolicies": []}
            for n in range(users)
        ],
        "GroupDetailList": [
            identity("Group", n)
            | {
                "AttachedManagedPolicies": [],
                "GroupPolicyList": [{"PolicyName": f"p{k}", "PolicyDocument": policy(k)} for k in range(5)],
            }
            for n in range(groups)
        ],
        "RoleDetailList": [],
        "Policies": [],
    }
    (folder / "account.json").write_text(json.dumps(whole), encoding="utf-8")


def github(folder: Path, size: int) -> None:
    rng, members, teams, repos = Random(SEED), max(size // 20, 5), max(size // 100, 2), max(size // 30, 3)
    logins = [{"login": f"user{n}"} for n in range(members)]
    files: dict[str, Any] = {
        "org.json": {"login": "acme", "default_repository_permission": "none", "plan": {"name": "team"}},
        "owners.json": logins[:2],
        "members.json": logins,
        "teams.json": [{"id": n, "slug": f"team{n}", "privacy": "closed"} for n in range(teams)],
        "installations.json": {"installations": []},
        "workflow.json": {"can_approve_pull_request_reviews": False},
        "repos.json": [{"name": f"repo{n}", "visibility": "private", "default_branch": "main"} for n in range(repos)],
    }
    for n in range(teams):
        files[f"teams/team{n}/members.json"] = rng.sample(logins, min(members, 20))
        files[f"teams/team{n}/maintainers.json"] = []
        of = rng.sample(range(repos), min(repos, 40))
        files[f"teams/team{n}/repos.json"] = [{"name": f"repo{r}", "role_name": "write"} for r in of]
    for n in range(repos):
        files[f"repos/repo{n}/collaborators.json"] = [
            {"login": one["login"], "role_name": "admin"} for one in rng.sample(logins, min(members, 5))
        ]
        files[f"repos/repo{n}/keys.json"] = []
    for name, value in files.items():
        path = folder / "acme" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value), encoding="utf-8")


def kubernetes(folder: Path, size: int) -> None:
    rng, spaces, api = Random(SEED), max(size // 100, 1), "rbac.authorization.k8s.io"
    items: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"n{n}"}} for n in range(spaces)
    ]
    view = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    items.append({"apiVersion": f"{api}/v1", "kind": "ClusterRole", "metadata": {"name": "view"}, "rules": view})
    for n in range(spaces):
        about = {"name": "default", "namespace": f"n{n}"}
        items.append({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": about})
    for n in range(size // 4):
        space = f"n{n % spaces}"
        verbs = rng.sample(["get", "list", "watch", "create", "delete", "patch"], 3)
        rules = [{"apiGroups": [""], "resources": [rng.choice(["secrets", "pods", "configmaps"])], "verbs": verbs}]
        head = {"apiVersion": f"{api}/v1"}
        items.append({**head, "kind": "Role", "metadata": {"name": f"r{n}", "namespace": space}, "rules": rules})
        who = [{"kind": "User", "name": f"user{rng.randrange(max(size // 20, 1))}", "apiGroup": api} for _ in range(4)]
        to = {"apiGroup": api, "kind": "Role", "name": f"r{n}"}
        about = {"name": f"b{n}", "namespace": space}
        items.append({**head, "kind": "RoleBinding", "metadata": about, "roleRef": to, "subjects": who})
    whole = {"apiVersion": "v1", "kind": "List", "items": items}
    (folder / "cluster.json").write_text(json.dumps(whole), encoding="utf-8")


def postgresql(folder: Path, size: int) -> None:
    rng, roles, tables = Random(SEED), max(size // 50, 2), max(size // 10, 2)
    head = "SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n\n"
    words = "NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB"
    lines = ["--\n-- PostgreSQL database cluster dump\n--\n", head]
    lines += [
        "CREATE ROLE root;\nALTER ROLE root WITH SUPERUSER INHERIT CREATEROLE CREATEDB LOGIN REPLICATION BYPASSRLS;"
    ]
    for n in range(roles):
        lines.append(f"CREATE ROLE r{n};\nALTER ROLE r{n} WITH {words} LOGIN NOREPLICATION NOBYPASSRLS;")
    lines.append("--\n-- PostgreSQL database cluster dump complete\n--\n")
    (folder / "globals.sql").write_text("\n".join(lines), encoding="utf-8")
    lines = [
        "--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 15.3\n"
        "-- Dumped by pg_dump version 15.3\n"
    ]
    lines += [
        head,
        "CREATE DATABASE app WITH TEMPLATE = template0;\n\n\nALTER DATABASE app OWNER TO root;\n\n\\connect app\n",
    ]
    for n in range(tables):
        lines.append(
            f"CREATE TABLE public.t{n} (\n    id integer NOT NULL\n);\n\n\nALTER TABLE public.t{n} OWNER TO root;\n"
        )
    for n in range(size):
        verb = rng.choice(["SELECT", "SELECT,INSERT,UPDATE"])
        lines.append(f"GRANT {verb} ON TABLE public.t{n % tables} TO r{rng.randrange(roles)};")
    lines.append("\n--\n-- PostgreSQL database dump complete\n--\n")
    (folder / "app.sql").write_text("\n".join(lines), encoding="utf-8")


EXPORTS: Mapping[str, Callable[[Path, int], None]] = {
    "hr": hr,
    "opengraph": opengraph,
    "aws": aws,
    "github": github,
    "kubernetes": kubernetes,
    "postgresql": postgresql,
}
FLAGS: Mapping[str, tuple[str, ...]] = {
    "hr": (
        *("--map", "id=Employee ID", "--map", "mail=Work Email", "--map", "role=Job", "--map", "unit=Unit"),
        *("--map", "workplace=Office", "--map", "entity=Company", "--map", "manager=Manager"),
    ),
}
"""What a command line of the source needs besides the files."""


if __name__ == "__main__":
    EXPORTS[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
