"""`armslength repair`: the least that has to change for every floor to hold."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import shlex
import time
from collections.abc import Sequence

from armslength import service
from armslength.cli.keeping import keeping
from armslength.cli.screen import Screen
from armslength.estate import Estate
from armslength.reach import Progress, Question, Refusal, refusal, repair
from armslength.report import repair_document, repair_table
from armslength.store import find, parsed

_SEARCH = 0.85
"""The part of the time allowed that goes to the search; the rest is for looking at the patched estate."""
_LEAST = 5.0
"""Seconds that this look may take in any case."""
_HINT = "Ctrl-C ends it; --limit tells how long it may take"


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Gives 1 if a floor stays broken after the plan."""
    with screen.progress("reading the estate") as progress:
        source = find(options.estate)
        read = parsed(source)
        screen.warn(read.warnings)
        estate, question = read.estate, Question(at=options.at or dt.date.today())
        refused = _refused(estate, options.refuse)
        begin = time.monotonic()
        end = begin + _SEARCH * options.limit

        def told(now: Progress) -> None:
            cost = "no plan yet" if now.cost is None else f"a plan of cost {now.cost:g}"
            cost += f" for all but {now.aside:,} pairs" if now.aside else ""
            progress.doing(f"repairing: {cost}, the least costs {now.bound:g} or more", hint=_HINT)

        progress.doing("repairing", hint=_HINT)
        with keeping():
            plan = repair(estate, question, refused, lambda: time.monotonic() >= end, told)
        progress.doing("checking the patched estate")
        folder, top = service.patched_folder(options.estate)
        end = max(begin + options.limit, time.monotonic() + _LEAST)
        made = service.mended(estate, plan, question, source, folder, lambda: time.monotonic() >= end)
    if made.unfinished:
        screen.note("the time was over before the patched estate was asked to the end: repair with a higher --limit")
    if options.patch is not None:
        for line in _write(made, options.patch, top):
            screen.note(line)
    if options.format == "json":
        screen.write([repair_document(estate, question.at, plan, verified=made.verified, names=options.names)])
    else:
        screen.show(repair_table(estate, plan, verified=made.verified, names=options.names))
    return 1 if plan.remaining or not made.verified else 0


def _refused(estate: Estate, texts: Sequence[str]) -> list[Refusal]:
    found, problems = [], []
    for text in texts:
        try:
            found.append(refusal(estate, text))
        except ValueError as error:
            problems.append(f"--refuse: {error}")
    if problems:
        raise service.Refusal(problems)
    return found


def _write(made: service.Mended, place: str, top: str) -> list[str]:
    """Write the patch, and what no patch can hold beside it; says what to do with them."""
    told = []
    if made.patch.text or not made.patch.anew:
        service.write_file(place, [made.patch.text])
        here = os.path.realpath(top) == os.path.realpath(os.curdir)
        apply = ["git", "apply", place] if here else ["git", "-C", top, "apply", os.path.abspath(place)]
        told.append(f"the patch is at {place}: {shlex.join(apply)}")
    for name in made.patch.anew:
        service.write_file(f"{place}.{name}", [made.patch.files[name]])
        told.append(f"the new {name} is at {place}.{name}: put it in the place of the old")
    return told
