"""`armslength intake hr`."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from armslength.cli.intake_taken import Taken
from armslength.cli.parser import Parser
from armslength.cli.progress import Progress
from armslength.cli.screen import Screen

if TYPE_CHECKING:
    from armslength.intake.hr import Columns, Sheet

SUMMARY = (
    "People from HR: a table saved as CSV, with the columns that your system has. Which of them means what is asked "
    "once and kept in the estate."
)
EXAMPLES = """\
armslength intake hr people.csv --into estate
armslength intake hr people.csv --map id=EmployeeID --map mail=Email --map workplace=Office --into estate
armslength intake hr people.csv --map login.github=GitHub --map status=Status --left Terminated --into estate"""


def flags(parser: Parser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="tables with the same columns")
    told = "the column of a field (id, mail, login.github, more.costcentre, …); repeatable; no COLUMN: not mapped"
    parser.add_argument("--map", dest="maps", action="append", default=[], metavar="FIELD=COLUMN", help=told)
    parser.add_argument("--map-file", metavar="FILE", help="a mapping.toml in place of the one in the estate")
    told = "what the column mapped to status says of somebody who left; repeatable"
    parser.add_argument("--left", action="append", default=[], metavar="WORD", help=told)


def harvest(options: argparse.Namespace, screen: Screen, progress: Progress) -> Taken:
    from armslength.intake import Harvest, Problems
    from armslength.intake.hr import FILE, columns_toml, csv_sheet, map_hr, not_read
    from armslength.store import read_documents

    documents = read_documents(options.files)
    problems = Problems()
    sheets = [sheet for name, data in documents.files.items() if (sheet := csv_sheet(name, data, problems)) is not None]
    problems.stop()
    for name in not_read(sheets):
        screen.note(f"column {name!r} is not read: exposure comes from places and employers, never from ancestry")
    columns = _columns(options, sheets, progress)
    made = Harvest(name=options.name, kind="hr")
    progress.doing("reading people")
    map_hr(sheets, columns, made, problems, today=options.as_of or documents.dated)
    return Taken(harvest=made, inputs=tuple(documents.files), dated=documents.dated, keep={FILE: columns_toml(columns)})


def _columns(options: argparse.Namespace, sheets: Sequence[Sheet], progress: Progress) -> Columns:
    """What was said before, with what the flags say now; asked for where nothing was said at all."""
    from armslength.cli.intake_hr_questions import ask_columns, on_terminal
    from armslength.estate import refused_column
    from armslength.intake import Problems
    from armslength.intake.hr import FILE, Columns, field_problem, read_columns, statuses
    from armslength.service import Refusal
    from armslength.store import read_documents

    problems = Problems()
    if options.map_file:
        (name, data), *_ = read_documents([options.map_file], most=1_000_000).files.items()
        said = read_columns(name, data, problems)
    elif FILE in options.kept:
        said = read_columns(f"intake/{options.name}/{FILE}", options.kept[FILE], problems)
    else:
        said = Columns(of={})
    problems.stop()
    of, wrong = dict(said.of), []
    for text in options.maps:
        field, equals, column = text.partition("=")
        problem = field_problem(field) if equals else "expected FIELD=COLUMN"
        if problem is not None:
            wrong.append(f"--map {text}: {problem}")
        of.pop(field, None)
        if column:
            of[field] = column
    if wrong:
        raise Refusal(wrong)
    left = said.left | set(options.left)
    there = tuple(name for name in _header(sheets) if not refused_column(name))
    seen = there if options.maps else said.seen
    if not of:
        if not on_terminal():
            raise Refusal(_what_to_say(options.files, sheets))
        progress.silence()
        of, left = ask_columns(sheets, _ask, _tell)
        seen = there
    if "status" in of and not left:
        words = ", ".join(repr(word) for word in statuses(sheets, of["status"])[:20])
        raise Refusal([f"which words in {of['status']!r} mean that somebody left? it has {words}: say --left WORD"])
    return Columns(of=of, left=frozenset(left), seen=seen)


def _what_to_say(files: Sequence[str], sheets: Sequence[Sheet]) -> list[str]:
    """Nobody can be asked: the columns, and a command line with those whose names say what they are."""
    from armslength.intake.hr import FIELDS, proposed

    header = _header(sheets)
    found = proposed(header)
    status = found.pop("status", "")
    found.setdefault("id", "COLUMN")
    maps = [f"--map {shlex.quote(f'{field}={column}')}" for field, column in found.items()]
    who = [f"who left? --map {shlex.quote(f'status={status}')} --left WORD, if {status!r} tells"] if status else []
    return [
        "which column means what was not said, and there is no terminal to ask on",
        f"columns: {', '.join(header)}",
        f"fields: {', '.join(FIELDS)}, login.SYSTEM, more.COLUMN",
        *who,
        f"if this is right, say: armslength intake hr {shlex.join(files)} {' '.join(maps)} --into ESTATE",
    ]


def _header(sheets: Sequence[Sheet]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for sheet in sheets for name in sheet.header))


def _ask(prompt: str) -> str:
    """Not `input`, which would write among the results."""
    sys.stderr.write(prompt)
    sys.stderr.flush()
    said = sys.stdin.readline()
    if not said:
        raise EOFError
    return said


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
