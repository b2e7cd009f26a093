"""`armslength reach`: what each state could have, and whether the floors hold."""

from __future__ import annotations

import argparse
import datetime as dt
import time
from collections.abc import Callable, Iterable

from armslength import service
from armslength.cli.companion import companion
from armslength.cli.keeping import keeping
from armslength.cli.screen import Screen
from armslength.estate import Problem
from armslength.reach import Reach, reach
from armslength.store import read

_HINT = "Ctrl-C ends it; --limit 60 stops after a minute and says what is known"


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Gives 1 if a floor is broken among the pairs asked for."""
    with screen.progress("reading the estate") as progress:
        parsed = read(options.estate)
        screen.warn(parsed.warnings)
        wanted = service.Wanted(
            at=options.at or dt.date.today(),
            cap=options.cap,
            everything=options.all,
            states=tuple(options.only_state),
            actions=tuple(options.only_action),
            assets=tuple(options.only_asset),
            classes=tuple(options.only_class),
        )
        question = service.question(parsed.estate, wanted)
        progress.doing("computing lengths", hint=_HINT)
        until = None if options.limit is None else time.monotonic() + options.limit
        with keeping(), companion(options, screen, until) as beside:
            found = reach(parsed.estate, question, _clock(until), beside=beside)
        status = 1 if len(found.broken()) else 0
        picture = None
        if options.html is not None:
            progress.doing("writing the page")
            text, picture = service.page(found, parsed.warnings, names=options.names)
            service.write_file(options.html, [text])
        shown = None
        match options.format:
            case "table" if len(found):
                progress.doing("counting")
                shown = service.overview(found, picture)
            case "json" if not screen.reads_along():
                progress.doing("writing derivations", total=len(found))
                screen.write(service.json_pieces(found, progress.step))
    if not len(found):
        screen.note(_nothing(found))
    if shown is not None:
        screen.show(shown)
    elif options.format != "table" and (options.format != "json" or screen.reads_along()):
        screen.write(_pieces(options, found, parsed.warnings))
    if options.html is not None:
        screen.note(f"the report is at {options.html}")
    return status


def _pieces(options: argparse.Namespace, found: Reach, warnings: Iterable[Problem]) -> Iterable[str]:
    match options.format:
        case "json":
            return service.json_pieces(found)
        case "csv":
            return service.csv_pieces(found)
        case "md":
            return [service.markdown_text(found, warnings, names=options.names)]
        case _:
            return [service.sarif_text(found, options.estate, names=options.names)]


def _clock(until: float | None) -> Callable[[], bool]:
    """Whether the time allowed is over; never without a limit, so that the answer does not depend on the machine."""
    return lambda: until is not None and time.monotonic() >= until


def _nothing(found: Reach) -> str:
    question = found.question
    if not found.estate.settings.floors and not question.everything:
        return "note: estate.toml has no floor, so nothing is computed: add a [[floor]], or ask with --all"
    also = "" if question.everything else ", or it stands under no floor (--all computes every pair)"
    return f"note: nothing that was asked for appears on {question.at}{also}"
