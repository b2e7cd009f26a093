"""What diff and whatif share: two estates compared on one day, and the difference shown."""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Callable, Mapping

from armslength import service
from armslength.cli.companion import companion
from armslength.cli.keeping import keeping
from armslength.cli.progress import Progress
from armslength.cli.screen import Screen
from armslength.estate import Estate
from armslength.reach import Compared, difference


def compared(
    options: argparse.Namespace,
    screen: Screen,
    estates: tuple[Estate, Estate],
    locations: tuple[str, str],
    at: dt.date,
    progress: Progress,
) -> service.Comparison:
    """The difference with its causes."""
    asked = Compared(at=at, cap=options.cap, everything=options.all)
    with keeping(), companion(options, screen) as beside:
        found = difference(*estates, asked, progress.doing, beside)
    progress.doing("looking for causes", total=len(found.changes))
    return service.Comparison(found, locations, names=options.names, below=options.fail_below, step=progress.step)


def show(
    options: argparse.Namespace, screen: Screen, found: service.Comparison, head: Callable[[], Mapping[str, object]]
) -> int:
    """Print it in the form asked for; `head` begins the JSON form. Gives 1 if it is a reason to stop."""
    match options.format:
        case "table":
            screen.show(found.table())
        case "json":
            screen.write(found.json(head()))
        case "md":
            screen.write([found.markdown()])
        case _:
            screen.write([found.sarif()])
    if found.untold:
        screen.note(f"note: {found.untold} changes are told without the rows that cause them: ask for less")
    if not found.found.pairs:
        screen.note(
            "note: nothing was compared: neither side has a floor that covers anything (--all compares every pair)"
        )
    return 1 if found.fails else 0
