"""`armslength repair`: the least that has to change for every floor to hold."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import time

from armslength import service
from armslength.cli.screen import Screen
from armslength.estate import EstateError, parse
from armslength.reach import Progress, Question, refusal, repair
from armslength.store import find

_HINT = "Ctrl-C ends it; --limit tells how long it may take"


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Gives 1 if a floor stays broken after the plan."""
    with screen.progress("reading the estate") as progress:
        source = find(options.estate)
        parsed = parse(source.files)
        screen.warn(parsed.warnings)
        if source.lost:
            raise EstateError(source.lost)
        refused = []
        for text in options.refuse:
            try:
                refused.append(refusal(parsed.estate, text))
            except ValueError as error:
                raise service.Refusal([f"--refuse: {error}"]) from None
        question = Question(at=options.at or dt.date.today())
        end = time.monotonic() + options.limit

        def told(now: Progress) -> None:
            cost = "no plan yet" if now.cost is None else f"plan {now.cost:g}"
            progress.doing(f"repairing: {cost}, at least {now.bound:g}", hint=_HINT)

        progress.doing("repairing", hint=_HINT)
        plan = repair(parsed.estate, question, refused, lambda: time.monotonic() >= end, told)
        progress.doing("checking the patched estate")
        folder = os.path.relpath(options.estate) if os.path.isdir(options.estate) else ""
        made = service.mended(parsed.estate, question, plan, source.files, "" if folder.startswith("..") else folder)
    if options.patch is not None:
        service.write_file(options.patch, [made.patch.text.decode("utf-8")])
        screen.note(f"the patch is at {options.patch}: git apply {options.patch}")
        for name in made.patch.anew:
            service.write_bytes(f"{options.patch}.{name}", made.patch.files[name])
            screen.note(f"{name} is written anew at {options.patch}.{name}: no patch can hold it")
    if options.format == "json":
        screen.write([service.plan_document(parsed.estate, question, made)])
    else:
        screen.say(service.plan_lines(parsed.estate, made))
    return 1 if plan.remaining or not made.verified else 0
