"""`armslength intake`: what firms already have becomes an estate."""

from __future__ import annotations

import argparse
import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from armslength.cli.intake_arguments import SOURCES
from armslength.cli.screen import Screen
from armslength.service import Refusal, drop_source, intake_sources, kept_files, link_again, take_in

if TYPE_CHECKING:
    from armslength.intake import Remark
    from armslength.service import TakenIn

SHOWN = 12
"""Matters to look at that are printed; review.csv has them all."""
_FLOOR = re.compile(rb"^\s*\[\[\s*floor\s*\]\]", re.MULTILINE)
_PERSON = re.compile(r"\b(?:person|group):\S+| \([^)]*\)")
WORDS = {
    "unmapped": "not mapped",
    "wider": "taken for more than it may be",
    "unknown": "unknown: gaps",
    "ambiguous": "could be one of several",
    "conflict": "sources differ",
}


def run(options: argparse.Namespace, screen: Screen) -> int:
    """0 if the estate can be read now, 1 if something that people write keeps it from that, 2 if nothing was done."""
    from armslength.intake import IntakeError
    from armslength.store import StoreError, Unread

    try:
        match options.verb:
            case "status":
                return _status(options, screen)
            case "link" | "drop":
                return _again(options, screen)
            case _:
                return _take(options, screen)
    except (IntakeError, Unread) as error:
        screen.problems(error.problems)
        raise Refusal(["nothing was written"]) from None
    except StoreError as error:
        raise Refusal(str(error).splitlines()) from None


def _take(options: argparse.Namespace, screen: Screen) -> int:
    name = options.name or options.verb
    from armslength.store import SOURCE_NAME

    if SOURCE_NAME.fullmatch(name) is None:
        raise Refusal([f"--name {name!r}: expected letters a to z, digits, '.', '_' and '-', at most 40"])
    options.name, estate = name, Path(options.into)
    options.kept = kept_files(estate, name)
    with screen.progress(f"reading {name}") as progress:
        taken = SOURCES[options.verb].harvest(options, screen, progress)
        as_of = options.as_of or taken.dated or dt.date.today()
        rows = {table: taken.harvest.count(table) for table in ("people", "accounts", "groups", "assets", "grants")}
        made = take_in(estate, taken.harvest, as_of=as_of, inputs=taken.inputs, keep=taken.keep, tell=progress.doing)
    told = ", ".join(f"{count:,} {'memberships' if table == 'groups' else table}" for table, count in rows.items())
    screen.say([f"{name} as of {as_of}: {told}"])
    return _report(options.into, made, options.names, screen)


def _again(options: argparse.Namespace, screen: Screen) -> int:
    estate = Path(options.estate)
    with screen.progress("reading the sources") as progress:
        if options.verb == "drop":
            made = drop_source(estate, options.source, progress.doing)
        else:
            made = link_again(estate, progress.doing)
    return _report(options.estate, made, options.names, screen)


def _report(estate: str, made: TakenIn, names: bool, screen: Screen) -> int:
    """What stands now, what is to be looked at, and what to do next."""
    whole = made.assembled
    screen.say(
        [
            f"{estate}: {whole.people:,} people, {whole.grants:,} grants from {len(made.sources)} "
            f"source{'' if len(made.sources) == 1 else 's'}; {whole.linked:,} accounts with a holder, "
            f"{whole.unlinked:,} whose holder is unknown"
        ]
    )
    counts = Counter(remark.matter.value for remark in whole.remarks)
    if counts:
        told = ", ".join(f"{counts[matter]:,} {words}" for matter, words in WORDS.items() if counts[matter])
        screen.say([f"to look at, in {estate}/review.csv: {told}"])
        screen.say(_examples(whole.remarks, names))
    if made.open:
        screen.note("the estate cannot be read yet, for what people write in it:")
        screen.problems(made.open)
        return 1
    if _FLOOR.search(whole.files["estate.toml"]):
        after = [f"next: armslength reach {estate} --html report.html"]
    else:
        after = [
            f"next: say in {estate}/linking.toml what assets are, and in {estate}/estate.toml which floors must hold",
            f"every length without floors: armslength reach {estate} --all --format csv",
        ]
    screen.say([f"digest {made.digest}", *after])
    return 0


def _status(options: argparse.Namespace, screen: Screen) -> int:
    from rich.table import Table

    sources = intake_sources(Path(options.estate))
    today = dt.date.today()
    table = Table(box=None, pad_edge=False)
    for column in ("source", "kind", "as of", "days", "people", "accounts", "memberships", "grants", "made from"):
        table.add_column(column, justify="right" if column in ("days", "people", "accounts", "grants") else "left")
    for source in sources:
        counts = [f"{source.table(name).height:,}" for name in ("people", "accounts", "groups", "grants")]
        days = str((today - source.as_of).days)
        table.add_row(source.name, source.kind, str(source.as_of), days, *counts, ", ".join(source.inputs))
    screen.show(table)
    return 0


def _examples(remarks: Iterable[Remark], names: bool) -> list[str]:
    """How many there are of each kind of reason, with one of them; who it is about only if `names` were asked for."""
    kinds: dict[tuple[str, str, str], list[Remark]] = {}
    for remark in remarks:
        shape = re.sub(r"'[^']*'|\S*[:/]\S+|\d+|\([^)]*\)", "…", remark.reason.partition(": ")[0])
        kinds.setdefault((remark.source, remark.matter.value, shape), []).append(remark)
    lines = []
    for (source, _, _), some in sorted(kinds.items(), key=lambda kind: -len(kind[1])):
        first, count = some[0], f" ({len(some):,} of this kind)" if len(some) > 1 else ""
        item, reason = first.item, first.reason
        if not names:
            item = "" if _PERSON.search(item) else item
            reason = _PERSON.sub("…", reason)
        lines.append("  " + ": ".join(part for part in (source or "linking", item, f"{reason}{count}") if part))
    return [*lines[:SHOWN], *(["  …"] if len(lines) > SHOWN else [])]
