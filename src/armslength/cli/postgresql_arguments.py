"""The flags of `armslength postgresql`, verb by verb."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from armslength.cli.parser import Parser
from armslength.cli.values import file
from armslength.cli.verbs import Verb, add_verbs


def _settings(parser: Parser) -> None:
    parser.add_argument("settings", metavar="SETTINGS", type=file, help="the point's settings, a file of TOML")


def _open(parser: Parser) -> None:
    parser.add_argument("--point", required=True, metavar="URL", help="where the database's point listens")
    told = "a file with the lease, as its page in the console shows it; standard input if not given"
    parser.add_argument("--lease", type=file, metavar="FILE", help=told)
    told = "a customer whom this is about, where the lease counts them; repeatable"
    parser.add_argument("--customer", action="append", default=[], metavar="HANDLE", help=told)
    told = "what the point's certificate verifies with; the system's authorities if not given"
    parser.add_argument("--authority", type=file, metavar="FILE", help=told)
    told = "a program to run, with the connection in PGHOST, PGUSER … and PGPASSWORD: such as psql"
    parser.add_argument("--run", metavar="PROGRAM", help=told)


def _postgresql(parser: Parser) -> None:
    parser.after = "VERB"
    verbs = {
        "open": Verb(
            summary="get a role of your own for a live lease: prints how to connect, and the password, once",
            flags=_open,
        ),
        "setup": Verb(
            summary="print what the server's administrator runs once, to read first: the point's role and what it may"
            " pass on",
            flags=_settings,
        ),
        "check": Verb(
            summary="what keeps the server from being guarded, all at once; exit status 1 if something does",
            flags=_settings,
        ),
        "point": Verb(
            summary="run the point beside the server: makes roles for leases, ends them, records what they ran; until"
            " stopped",
            flags=_settings,
        ),
        "watch": Verb(
            summary="wait for the point's end, and close its sessions if it went without a word; the point starts it",
            flags=_settings,
        ),
    }
    add_verbs(parser, verbs)


POSTGRESQL_FLAGS: Mapping[str, Callable[[Parser], None]] = {"postgresql": _postgresql}
