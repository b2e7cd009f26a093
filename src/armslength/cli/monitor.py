"""`armslength monitor`: follows a log, and says what is wrong with it."""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from armslength.cli.progress import Progress
from armslength.cli.screen import Screen
from armslength.ledger import format_minute
from armslength.service import (
    Monitor,
    MonitorFinding,
    MonitorSettings,
    Refusal,
    Round,
    open_monitor,
    round_figures,
)
from armslength.store import StoreError, replace_file
from armslength.tlog import Malformed, Policy

INTERRUPTED = 130
EVERY = 60.0
"""Seconds between rounds, if nothing else is asked for."""


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Gives 1 if any round found something; 2 where it cannot run."""
    stop = threading.Event()
    meter = _Meter(stop)
    status = INTERRUPTED
    monitor = open_monitor(
        options.log,
        _policy(options.policy),
        options.folder,
        also=options.also,
        settings=MonitorSettings(silence=options.silence),
        clock=time.time,
        progress=meter.at,
    )
    with closing(monitor), _told_to_end(stop), suppress(_Ended):
        told = None
        while not stop.is_set():
            with screen.progress("following the log") as meter.progress:
                found = _round(monitor, options.metrics)
            status = 1 if found.findings or status == 1 else 0
            # In a table, what stays the same is told once.
            if options.format == "json":
                screen.write([json.dumps(_document(found), ensure_ascii=False) + "\n"])
            elif options.once or _said(found) != told:
                screen.say(_lines(found))
                told = _said(found)
            if options.once:
                break
            stop.wait(EVERY if options.every is None else options.every)
    if status == INTERRUPTED:
        screen.complain("told to end before a round was over: the next goes on from there")
    return status


class _Ended(Exception):
    """The process was told to end. What a round had done so far is kept."""


class _Meter:
    """Shows how far a round is, and ends it early where the process is told to end."""

    def __init__(self, stop: threading.Event) -> None:
        self.progress: Progress | None = None
        self._stop = stop

    def at(self, what: str, done: int, total: int) -> None:
        if self._stop.is_set():
            raise _Ended
        if self.progress is not None:
            self.progress.doing(what, total)
            self.progress.reached(done)


def _round(monitor: Monitor, metrics: str | None) -> Round:
    try:
        found = monitor.round()
        if metrics is not None:
            replace_file(Path(metrics), round_figures(found))
    except StoreError as error:
        raise Refusal([str(error)]) from None
    return found


def _policy(name: str) -> Policy:
    try:
        with open(name, "rb") as file:
            return Policy.parse(file.read(1 << 21))
    except OSError as error:
        raise Refusal([f"{name!r} cannot be read: {Screen.reason(error)}"]) from None
    except Malformed as error:
        raise Refusal([f"{name}: {line}" for line in str(error).splitlines()]) from None


@contextmanager
def _told_to_end(stop: threading.Event) -> Iterator[None]:
    """Sets `stop` when the process is told to end; asked twice, it ends at once, which loses nothing either."""
    before: dict[signal.Signals, Any] = {}

    def ask(number: int, frame: object) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    for number in (signal.SIGTERM, signal.SIGINT):
        before[number] = signal.signal(number, ask)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _said(found: Round) -> tuple[object, ...]:
    """What has to be told again when it changes: figures that only grow with the clock are left out."""
    return tuple((finding.kind, finding.about, finding.evidence) for finding in found.findings)


def _lines(found: Round) -> Iterator[str]:
    what = "no log yet" if found.origin is None else f"{found.origin}: {found.size:,} entries mirrored and checked"
    newest = f", the newest of {format_minute(found.newest)}" if found.newest else ""
    number = len(found.findings)
    yield f"{what}{newest}; " + ("nothing found" if not number else f"{number} finding{'s' * (number > 1)}")
    for finding in found.findings:
        yield f"{finding.severity}: {finding.kind}: {finding.about}: {finding.words}{_since(finding)}"
        if finding.evidence is not None:
            yield f"  evidence: {finding.evidence}"


def _since(finding: MonitorFinding) -> str:
    return "" if finding.since is None else f" (since {_time(finding.since)})"


def _time(seconds: int) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _document(found: Round) -> dict[str, object]:
    """One round as a line of JSON (docs/monitor.md)."""
    findings = [{"severity": finding.severity, **dataclasses.asdict(finding)} for finding in found.findings]
    return {**dataclasses.asdict(found), "findings": findings}
