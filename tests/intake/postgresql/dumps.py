"""Dumps written by hand, and what one login role can do by the rows that come of them."""

from __future__ import annotations

from collections import defaultdict

from armslength.intake import Harvest, Problems
from armslength.intake.postgresql import map_postgresql, read_dumps

SETTINGS = "SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n"
NAME = "postgresql"


def role(name: str, *attributes: str) -> str:
    """As pg_dumpall writes a role: `attributes` are those that it has, INHERIT unless NOINHERIT is given."""
    words = ["SUPERUSER", "INHERIT", "CREATEROLE", "CREATEDB", "LOGIN", "REPLICATION", "BYPASSRLS"]
    has = {*attributes} | ({"INHERIT"} if "NOINHERIT" not in attributes else set())
    told = " ".join(word if word in has else f"NO{word}" for word in words)
    return f"CREATE ROLE {name};\nALTER ROLE {name} WITH {told};\n"


def globals_(body: str) -> bytes:
    head = "--\n-- PostgreSQL database cluster dump\n--\n\n"
    tail = "--\n-- PostgreSQL database cluster dump complete\n--\n"
    return f"{head}{SETTINGS}\n{body}\n{tail}".encode()


def app(body: str, *, version: int = 15, by: int | None = None, name: str = "app", owner: str = "root") -> bytes:
    return (
        f"--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version {version}.3\n"
        f"-- Dumped by pg_dump version {by or version}.3\n\n{SETTINGS}"
        f"CREATE DATABASE {name} WITH TEMPLATE = template0;\n\n\nALTER DATABASE {name} OWNER TO {owner};\n\n"
        f"\\connect {name}\n\n{body}\n--\n-- PostgreSQL database dump complete\n--\n"
    ).encode()


def table(name: str, owner: str = "root") -> str:
    columns = "    id integer NOT NULL,\n    mail text\n"
    return f"CREATE TABLE {name} (\n{columns});\n\n\nALTER TABLE {name} OWNER TO {owner};\n"


def schema(name: str, owner: str = "root", use: str = "PUBLIC") -> str:
    return f"CREATE SCHEMA {name};\nALTER SCHEMA {name} OWNER TO {owner};\nGRANT USAGE ON SCHEMA {name} TO {use};\n"


def harvest_of(*files: bytes, reviewed: tuple[str, ...] = ()) -> Harvest:
    """Files are called 0.sql, 1.sql, …"""
    problems = Problems()
    cluster = read_dumps({f"{place}.sql": data for place, data in enumerate(files)}, problems)
    problems.stop()
    made = Harvest(name=NAME, kind="postgresql")
    map_postgresql(cluster, made, problems, reviewed=reviewed)
    problems.stop()
    return made


def rows(harvest: Harvest, table: str) -> set[tuple[str, ...]]:
    """Without where they stood."""
    return {row[:-1] for row in harvest.rows(table)}


def grants(harvest: Harvest) -> set[tuple[str, str, str]]:
    """Holder, action and target, kinds left out, but for what the operators of the cluster can do."""
    return {
        (holder.removeprefix(f"group:{NAME}/"), action, target.removeprefix(f"asset:{NAME}/"))
        for holder, action, target, _ in rows(harvest, "grants")
        if holder != f"group:{NAME}/operators" and "/role/pg_" not in holder + target
    }


class Walk:
    """Who can do what: rules 2 to 5 of the definition, for one person alone."""

    def __init__(self, harvest: Harvest) -> None:
        self._around: dict[str, set[str]] = defaultdict(set)
        for group, member, _ in harvest.rows("groups"):
            self._around[member].add(f"group:{group}")
        self._grants: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for holder, action, target, _, _ in harvest.rows("grants"):
            self._grants[holder].add((action, target))
        self._inside: dict[str, set[str]] = defaultdict(set)
        for id, _, _, within, *_ in harvest.rows("assets"):
            self._inside[within].add(id)
        self._name = harvest.name

    def groups(self, role: str, *, powers: bool = True) -> set[str]:
        """Of the holder of an account."""
        found: set[str] = set()
        waiting = [f"group:{self._name}/role/{role}"]
        while waiting:
            group = waiting.pop()
            if group not in found:
                found.add(group)
                waiting += self._around[group]
                if powers:
                    waiting += [target for action, target in self._grants[group] if action == "enroll"]
        return found

    def can(self, role: str, *, powers: bool = True) -> set[tuple[str, str]]:
        """Actions on assets, `operate` among them; without `powers`, by grants of other actions alone."""
        found = set()
        for group in self.groups(role, powers=powers):
            for action, target in self._grants[group]:
                if target.startswith("asset:") and (powers or action != "operate"):
                    waiting = [target.removeprefix("asset:")]
                    while waiting:
                        asset = waiting.pop()
                        found.add((action, asset.removeprefix(f"{self._name}/")))
                        waiting += self._inside[asset]
        return found

    def may(self, role: str, action: str, asset: str, *, powers: bool = True) -> bool:
        found = self.can(role, powers=powers)
        return (action, asset) in found or (powers and ("operate", asset) in found)
