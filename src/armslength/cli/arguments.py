"""The arguments of every command: what is given becomes typed values, or one line that says what was expected."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence

from armslength import __version__
from armslength.cli.gate_arguments import GATE_FLAGS
from armslength.cli.intake_arguments import intake
from armslength.cli.ledger_arguments import LEDGER_FLAGS
from armslength.cli.parser import Formatter, Parser, near
from armslength.cli.postgresql_arguments import POSTGRESQL_FLAGS
from armslength.cli.ssh_arguments import SSH_FLAGS
from armslength.cli.values import count, day, file, grant, joining, journey, line, new_terms, one_of, seconds
from armslength.cli.words import COMMANDS, TOP

_DASHED_HANDLE = re.compile(r"-[A-Za-z0-9_-]{42}")
_FLAG = re.compile(r"--[a-z-]+")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of one command; `command` names it. Raises `SystemExit` after help, version or an error."""
    top = Parser(prog="armslength", allow_abbrev=False)
    top.page = TOP
    top.add_argument("--version", action="version", version=f"armslength {__version__}")
    commands = top.add_subparsers(dest="command", parser_class=Parser)
    made = {name: _command(commands.add_parser, name) for name in _FLAGS}
    if not arguments:
        top.error("expected a command")
    first, second = [*arguments, ""][:2]
    if not first.startswith("-") and first not in made:
        top.error(f"no command {first!r}{near(first, made)}")
    verbs = made[first].verbs if first in made else None
    if verbs is not None and second not in verbs and not second.startswith("-"):
        made[first].error(f"no verb {second!r}{near(second, verbs)}" if second else "expected a verb")
    options, unknown = top.parse_known_args(_joined(arguments))
    if options.command is None:
        top.error(f"unknown flag {unknown[0]!r}" if unknown else "expected a command")
    if unknown:
        parser = made[options.command]
        parser = parser.verbs[options.verb] if parser.verbs is not None else parser
        word = unknown[0].split("=")[0]
        told = near(word, parser.flags())
        parser.error(f"unknown flag {word!r}{told}" if word[:1] == "-" else f"unexpected {word!r}")
    return options


def _joined(arguments: Sequence[str]) -> list[str]:
    """Each flag with the handle after it, where that begins with a dash, as one in 64 does: it is no flag itself."""
    found: list[str] = []
    for argument in arguments:
        if _DASHED_HANDLE.fullmatch(argument) and found and _FLAG.fullmatch(found[-1]):
            found[-1] += f"={argument}"
        else:
            found.append(argument)
    return found


def _command(add: Callable[..., Parser], name: str) -> Parser:
    words = COMMANDS[name]
    examples = "\n".join(f"  {line}" for line in words.examples.splitlines())
    parser = add(
        name,
        allow_abbrev=False,
        description=words.summary,
        epilog=f"examples:\n{examples}",
        formatter_class=Formatter,
    )
    _FLAGS[name](parser)
    return parser


# flags


def _estate(parser: Parser, name: str = "estate", metavar: str = "ESTATE", what: str = "") -> None:
    told = what or "a folder, or REV:PATH in the git repository around you"
    parser.add_argument(name, metavar=metavar, help=told)


def _day(parser: Parser) -> None:
    parser.add_argument("--at", type=day, metavar="DATE", help="the day asked about, as 2026-11-22; today if not given")


def _cap(parser: Parser) -> None:
    parser.add_argument("--cap", type=count, metavar="N", default=3, help="lengths are exact up to N; 3 if not given")


def _names(parser: Parser) -> None:
    parser.add_argument("--names", action="store_true", help="tell people by id and name; otherwise by role")


def _format(parser: Parser, *forms: str) -> None:
    told = f"{', '.join(forms[:-1])} or {forms[-1]}; {forms[0]} if not given"
    parser.add_argument("--format", type=one_of(*forms), metavar="FORMAT", default=forms[0], help=told)


def _processes(parser: Parser) -> None:
    parser.add_argument(
        "--processes",
        type=one_of("1", "2"),
        metavar="N",
        default="2",
        help="2: a large estate is worked on by two processes, which takes more memory; 1: by one. The answer is the"
        " same; 2 if not given",
    )


def _reach(parser: Parser) -> None:
    _estate(parser)
    _day(parser)
    _cap(parser)
    parser.add_argument(
        "--all", action="store_true", help="every action on every asset against every state, not only under floors"
    )
    for flag, metavar, what in (
        ("--state", "S", "only this state"),
        ("--action", "A", "only this action"),
        ("--asset", "T", "only this asset"),
        ("--class", "C", "only the assets of this class and all that lies within them"),
    ):
        parser.add_argument(
            flag, action="append", default=[], metavar=metavar, dest=f"only_{flag[2:]}", help=f"{what}; repeatable"
        )
    _format(parser, "table", "json", "csv", "md", "sarif")
    parser.add_argument("--html", type=file, metavar="FILE", help="also write the report: one page that opens offline")
    _names(parser)
    parser.add_argument(
        "--limit",
        type=seconds,
        metavar="SECONDS",
        help="stop the search after so long and say 'at least n, at most m' of what is open; no limit if not given",
    )
    _processes(parser)


def _explain(parser: Parser) -> None:
    _estate(parser)
    parser.add_argument("--state", required=True, metavar="S", help="the state, such as CN")
    parser.add_argument("--action", required=True, metavar="A", help="the action, such as read")
    parser.add_argument("--asset", required=True, metavar="T", help="the id of the asset")
    _day(parser)
    _cap(parser)
    _names(parser)


def _compared(parser: Parser) -> None:
    _day(parser)
    _cap(parser)
    parser.add_argument("--all", action="store_true", help="every pair whose length changed, under a floor or not")
    parser.add_argument(
        "--fail-below", type=count, metavar="N", help="exit 1 only if a protected length falls to less than N"
    )
    _names(parser)
    _format(parser, "table", "json", "md", "sarif")
    _processes(parser)


def _diff(parser: Parser) -> None:
    _estate(parser, "old", "OLD", "the estate before: a folder, or REV:PATH in the git repository around you")
    _estate(parser, "new", "NEW", "the estate after, likewise")
    _compared(parser)


def _whatif(parser: Parser) -> None:
    _estate(parser)
    for flag, type_, metavar, what in (
        ("--travel", journey, "person:ID=STATE[@FIRST..LAST]", "the person is in the state, on the day asked or these"),
        ("--leaver", str, "person:ID", "the person is gone"),
        ("--join", joining, "MEMBER=group:ID", "the person: or group: becomes a member"),
        ("--drop-membership", line, "LINE", "the membership at this line of the groups table is gone"),
        ("--grant", grant, "HOLDER,ACTION,TARGET[,TERMS]", "one grant more"),
        ("--drop-grant", line, "LINE", "the grant at this line of the grants table is gone"),
        ("--terms", new_terms, "LINE=TERMS", "the grant at this line carries these terms (none after = is standing)"),
    ):
        parser.add_argument(flag, action="append", default=[], type=type_, metavar=metavar, help=what)
    _compared(parser)


def _check(parser: Parser) -> None:
    _estate(parser)


def _verify(parser: Parser) -> None:
    parser.usage = (
        "armslength verify BUNDLE --policy FILE [flags]\n"
        "       armslength verify EVIDENCE --policy FILE\n"
        "       armslength verify ESTATE ANSWER\n"
        "       armslength verify --page FILE"
    )
    told = "a customer's bundle, or the estate that an answer is about; a bundle from - is standard input"
    parser.add_argument("given", metavar="BUNDLE or ESTATE", nargs="?", help=told)
    told = "what armslength reach printed as JSON; - is standard input"
    parser.add_argument("file", metavar="ANSWER", type=file, nargs="?", help=told)
    told = "the log, witnesses and quorum that you trust (c2sp.org/tlog-policy): not from whoever gave the bundle"
    parser.add_argument("--policy", type=file, metavar="FILE", help=told)
    parser.add_argument("--customer", metavar="HANDLE", help="your handle, as you were given it")
    parser.add_argument("--saved", type=file, metavar="FILE", help="what --save wrote last time")
    told = "write what the next bundle is to be held to, if everything holds; may be the file of --saved"
    parser.add_argument("--save", type=file, metavar="FILE", help=told)
    parser.add_argument("--page", type=file, metavar="FILE", help="write the page that verifies bundles in a browser")
    _format(parser, "table", "json")


def _repair(parser: Parser) -> None:
    _estate(parser)
    _day(parser)
    told = "a change you will not make: terms, drop_grant, drop_membership, or a row as grants.csv:12; repeatable"
    parser.add_argument("--refuse", action="append", default=[], metavar="CHANGE", help=told)
    parser.add_argument("--patch", type=file, metavar="FILE", help="write the changes as a patch that git apply takes")
    told = "stop after so long, with the best plan found and how far it can be from the least; 60 if not given"
    parser.add_argument("--limit", type=seconds, metavar="SECONDS", default=60.0, help=told)
    _names(parser)
    _format(parser, "table", "json")


def _graph(parser: Parser) -> None:
    _estate(parser)
    parser.add_argument(
        "--out", type=file, required=True, metavar="FILE", help="where the graph goes, as OpenGraph JSON"
    )
    told = "what armslength reach --format json printed: an edge from each state to what it could have"
    parser.add_argument("--answer", type=file, metavar="FILE", help=told)
    told = "also write the icons of its kinds of nodes, for BloodHound's API"
    parser.add_argument("--types", type=file, metavar="FILE", help=told)
    _day(parser)
    _names(parser)


_FLAGS: dict[str, Callable[[Parser], None]] = {
    "reach": _reach,
    "explain": _explain,
    "diff": _diff,
    "whatif": _whatif,
    "repair": _repair,
    "check": _check,
    "intake": intake,
    "graph": _graph,
    "verify": _verify,
    **GATE_FLAGS,
    **LEDGER_FLAGS,
    **SSH_FLAGS,
    **POSTGRESQL_FLAGS,
}
