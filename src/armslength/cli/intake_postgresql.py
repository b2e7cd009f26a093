"""`armslength intake postgresql`: a live cluster, or what pg_dumpall and pg_dump wrote of it."""

from __future__ import annotations

import argparse

from armslength.cli.intake_taken import Taken
from armslength.cli.parser import Parser
from armslength.cli.progress import Progress
from armslength.cli.screen import Screen

SUMMARY = (
    "A PostgreSQL cluster: roles, memberships, ownership and grants; live, through a role without any rights, or from "
    "what pg_dumpall --globals-only and pg_dump --schema-only --create wrote."
)
EXAMPLES = """\
armslength intake postgresql globals.sql app.sql --into estate
armslength intake postgresql --dsn "host=db.example user=auditor dbname=app" --into estate
armslength intake postgresql --dsn service=prod --database app --database billing --name prod-db --into estate"""
REVIEWED = "reviewed-functions.txt"
"""Kept in the source's folder, so that it need not be said again."""


def flags(parser: Parser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="*", help="dumps: one of the roles, and one of each database")
    told = (
        "ask a live server instead: KEY=VALUE … or a URI, as psql takes it, but for the password, which belongs into "
        "PGPASSWORD, PGPASSFILE or ~/.pgpass; may be empty where PGHOST or PGSERVICE say it all"
    )
    parser.add_argument("--dsn", metavar="DSN", help=told)
    told = "a database to look into, repeatable; all that the role may connect to, if not given; live only"
    parser.add_argument("--database", metavar="NAME", action="append", default=[], help=told)
    told = (
        "a function that runs as its owner, and that somebody read and found to give no more than what it is for: "
        "DATABASE.SCHEMA.NAME, with * and ?; repeatable, and kept for the next run"
    )
    parser.add_argument("--reviewed", metavar="FUNCTION", action="append", default=[], help=told)


def harvest(options: argparse.Namespace, screen: Screen, progress: Progress) -> Taken:
    from armslength.estate import Problem
    from armslength.intake import Harvest, IntakeError, Problems
    from armslength.intake.postgresql import map_postgresql, read_catalog, read_dumps
    from armslength.store import postgresql_address, read_documents, read_postgresql

    if bool(options.files) == (options.dsn is not None):
        message = "expected either FILEs, which pg_dumpall and pg_dump wrote, or --dsn for a live server"
        raise IntakeError([Problem(file="postgresql", message=message)])
    if options.files and options.database:
        raise IntakeError(
            [Problem(file="--database", message="is for a live server: give the dumps of some databases")]
        )
    problems = Problems()
    made = Harvest(name=options.name, kind="postgresql")
    kept = options.kept.get(REVIEWED, b"").decode("utf-8", "replace").splitlines()
    reviewed = list(dict.fromkeys([*kept, *options.reviewed]))
    if options.files:
        documents = read_documents(options.files)
        cluster = read_dumps(documents.files, problems, progress.doing)
        inputs, dated = tuple(documents.files), documents.dated
    else:
        address = postgresql_address(options.dsn)
        found = read_postgresql(address, options.database, progress.doing)
        cluster = read_catalog(found.version, found.cluster, found.databases, found.left)
        place = "a local server" if address.socket else str(address)
        inputs, dated = (place, *found.databases), None
    problems.stop()
    map_postgresql(cluster, made, problems, reviewed=reviewed, tell=progress.doing)
    keep = {REVIEWED: "".join(f"{pattern}\n" for pattern in reviewed).encode()} if reviewed else {}
    return Taken(harvest=made, inputs=inputs, dated=dated, keep=keep)
