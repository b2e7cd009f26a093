"""`armslength diff`: what a change gives to whom."""

from __future__ import annotations

import argparse
import datetime as dt

from armslength import service
from armslength.cli.difference import compared, show
from armslength.cli.screen import Screen
from armslength.estate import EstateError, Parsed, Problem
from armslength.store import read


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Gives 1 if a floor that held breaks or a protected length falls."""
    at = options.at or dt.date.today()
    with screen.progress("reading the old estate") as progress:
        problems: list[Problem] = []
        old = _read(options.old, problems)
        progress.doing("reading the new estate")
        new = _read(options.new, problems)
        if old is None or new is None:
            screen.problems(problems)
            return 2
        screen.warn(f"{options.new}: {warning}" for warning in new.warnings if warning not in old.warnings)
        locations = (options.old, options.new)
        found = compared(options, screen, (old.estate, new.estate), locations, at, progress)
    estates = zip(("old", "new"), locations, (old.estate, new.estate), strict=True)
    return show(options, screen, found, lambda: {name: service.side(place, one) for name, place, one in estates})


def _read(location: str, problems: list[Problem]) -> Parsed | None:
    """The estate, or None after its problems were noted, each with the side that it is of."""
    try:
        return read(location)
    except EstateError as error:
        for problem in error.problems:
            if problem.file == location:
                problems.append(problem)
            else:
                problems.append(
                    Problem(
                        file=f"{location}/{problem.file}",
                        line=problem.line,
                        column=problem.column,
                        message=problem.message,
                    )
                )
        return None
