"""The arguments of every command: what is given becomes typed values, or one line that says what was expected."""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import math
import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import NoReturn

from armslength import __version__
from armslength.cli.words import COMMANDS, TOP

MOST = 100
"""A higher cap or floor would mean nothing: lengths are small numbers."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Parser(argparse.ArgumentParser):
    """A parser that ends in one line where the arguments are wrong."""

    page: str | None = None

    def format_help(self) -> str:
        return self.page if self.page is not None else super().format_help()

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}: see {self.prog} --help\n")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of one command; `command` names it. Raises `SystemExit` after help, version or an error."""
    top = Parser(prog="armslength", allow_abbrev=False)
    top.page = TOP
    top.add_argument("--version", action="version", version=f"armslength {__version__}")
    commands = top.add_subparsers(dest="command", parser_class=Parser)
    made = {name: _command(commands.add_parser, name) for name in _FLAGS}
    first = next((word for word in arguments if not word.startswith("-")), None)
    if not arguments:
        top.error("expected a command")
    if first is not None and arguments[0] == first and first not in made:
        top.error(f"no command {first!r}{_near(first, made)}")
    options, unknown = top.parse_known_args(arguments)
    if options.command is None:
        top.error(f"unknown flag {unknown[0]!r}" if unknown else "expected a command")
    if unknown:
        parser = made[options.command]
        word = unknown[0].split("=")[0]
        flags = [flag for flag in parser._option_string_actions if flag.startswith("--")]
        parser.error(f"unknown flag {word!r}{_near(word, flags)}" if word[:1] == "-" else f"unexpected {word!r}")
    return options


def _command(add: Callable[..., Parser], name: str) -> Parser:
    words = COMMANDS[name]
    examples = "\n".join(f"  {line}" for line in words.examples.splitlines())
    parser = add(
        name,
        allow_abbrev=False,
        description=words.summary,
        epilog=f"examples:\n{examples}",
        formatter_class=_Formatter,
    )
    _FLAGS[name](parser)
    return parser


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=26, width=110)


def _near(word: str, known: Sequence[str] | dict[str, Parser]) -> str:
    found = get_close_matches(word, list(known), n=1)
    return f": did you mean {found[0]!r}?" if found else ""


# values


def day(text: str) -> dt.date:
    try:
        if _DATE.fullmatch(text) is None:
            raise ValueError
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date: expected one such as 2026-11-22") from None


def count(text: str) -> int:
    """A whole number from 0 to `MOST`, in plain digits."""
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and int(text) <= MOST):
        raise argparse.ArgumentTypeError(f"{text!r} is no such number: expected a whole one from 0 to {MOST}")
    return int(text)


def line(text: str) -> int:
    """The number of a line of a table's file; the header is line 1."""
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise argparse.ArgumentTypeError(f"{text!r} is no line: expected the number of a line of the file, such as 12")
    return int(text)


def seconds(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 <= found < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: expected seconds, such as 60")
    return found


def one_of(*words: str) -> Callable[[str], str]:
    def chosen(text: str) -> str:
        if text not in words:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not offered: expected one of {', '.join(words)}{_near(text, words)}"
            )
        return text

    return chosen


def file(text: str) -> str:
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a file")
    return text


def journey(text: str) -> tuple[str, str, dt.date | None, dt.date | None]:
    """`person:ana=CN@2026-12-01..2026-12-10`: person, state, first and last day (none: the day asked)."""
    person, equals, rest = text.rpartition("=")
    state, at, days = rest.partition("@")
    if not (equals and person and state):
        raise argparse.ArgumentTypeError(f"{text!r}: expected person:ID=STATE, or person:ID=STATE@FIRST..LAST")
    if not at:
        return person, state, None, None
    first, dots, last = days.partition("..")
    start, until = day(first), day(last if dots else first)
    if until < start:
        raise argparse.ArgumentTypeError(f"{text!r}: the journey ends before it begins")
    return person, state, start, until


def joining(text: str) -> tuple[str, str]:
    """`person:x=group:y`: member and group."""
    member, found, group = text.partition("=group:")
    if not (member and found and group):
        raise argparse.ArgumentTypeError(f"{text!r}: expected person:ID=group:ID or group:ID=group:ID")
    return member, f"group:{group}"


def grant(text: str) -> tuple[str, str, str, str]:
    """A row of grants.csv: holder, action, target and terms ("" for standing access)."""
    try:
        cells = next(csv.reader([text], strict=True), [])
    except csv.Error:
        cells = []
    if len(cells) not in (3, 4):
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected HOLDER,ACTION,TARGET or HOLDER,ACTION,TARGET,TERMS, as a row of grants.csv"
        )
    holder, action, target = cells[:3]
    return holder, action, target, cells[3] if len(cells) == 4 else ""


def new_terms(text: str) -> tuple[int, str]:
    """`12=two-apart`: the line of a grant and its new terms ("" for none)."""
    number, equals, terms = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r}: expected LINE=TERMS, such as 12=two-apart")
    return line(number), terms


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
    _estate(parser)
    told = "what armslength reach printed as JSON; - is standard input"
    parser.add_argument("file", metavar="FILE", type=file, help=told)


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


_FLAGS: dict[str, Callable[[Parser], None]] = {
    "reach": _reach,
    "explain": _explain,
    "diff": _diff,
    "whatif": _whatif,
    "repair": _repair,
    "check": _check,
    "verify": _verify,
}
