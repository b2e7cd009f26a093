"""`armslength ssh`: certificates for people with a lease, and the enforcement point of a server that they log in to."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from armslength.cli.log_lines import log_lines
from armslength.cli.screen import Screen
from armslength.enforce import (
    EnforceError,
    SshPoint,
    Watcher,
    ask_certificate,
    ask_status,
    put_certificate,
    put_helper,
    read_ssh_settings,
    sshd_config,
    watch,
)
from armslength.service import Refusal

LOOK = 1.0
"""Seconds between looks at whether what watches the point is there."""


def run(options: argparse.Namespace, screen: Screen) -> int:
    """0; 1 where `status` tells of a problem; whatever cannot be done ends elsewhere, with status 2."""
    verbs: dict[str, Callable[[argparse.Namespace, Screen], int]] = {
        "certificate": _certificate,
        "point": _point,
        "sshd": _sshd,
        "status": _status,
        "watch": _watch,
    }
    try:
        return verbs[options.verb](options, screen)
    except EnforceError as error:
        raise Refusal(str(error).splitlines()) from None


def _certificate(options: argparse.Namespace, screen: Screen) -> int:
    key = Path(options.key)
    lease = (_text(Path(options.lease)) if options.lease else sys.stdin.read()).strip()
    authority = None if options.authority is None else Path(options.authority)
    given = ask_certificate(options.gate, lease, _text(key).strip(), authority=authority)
    try:
        place = put_certificate(key, given.text)
    except OSError as error:
        raise Refusal([f"cannot write beside {options.key!r}: {screen.reason(error)}"]) from None
    screen.say([f"{place}: {given.action} on {given.resource}"])
    screen.say([f"log in until {given.until}; what you open ends at {given.ends}, or when the lease is taken away"])
    if given.command is not None:
        screen.say([f"all that runs is: {given.command}"])
    return 0


def _point(options: argparse.Namespace, screen: Screen) -> int:
    log_lines(sys.stderr)
    path = Path(options.settings)
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    point, watcher = SshPoint(read_ssh_settings(path)), Watcher(path)
    try:
        watcher.keep()
        point.start()
        screen.note("the point answers; sessions end with their leases, and within seconds when it stops for good")
        while not stopped.wait(LOOK):
            watcher.keep()
            if point.stuck:
                os._exit(1)  # its threads hang, and what watches it ends the sessions
    finally:
        point.close()
    return 0


def _watch(options: argparse.Namespace, screen: Screen) -> int:
    log_lines(sys.stderr)
    settings = read_ssh_settings(Path(options.settings))
    watch(settings.state, over_seconds=settings.restart_seconds)
    return 0


def _sshd(options: argparse.Namespace, screen: Screen) -> int:
    settings = read_ssh_settings(Path(options.settings))
    into = Path(os.path.abspath(options.into))
    helper = put_helper(into)
    config = sshd_config(settings, helper=helper, authority=os.path.abspath(options.ca), user=options.user)
    screen.note(f"wrote {helper}; for a file in /etc/ssh/sshd_config.d, then: sshd -t, and reload")
    screen.write([config])
    return 0


def _status(options: argparse.Namespace, screen: Screen) -> int:
    said = ask_status(read_ssh_settings(Path(options.settings)).socket)
    problems, sessions = said.get("problems"), said.get("sessions")
    for each in sessions if isinstance(sessions, list) else ():
        with contextlib.suppress(KeyError, TypeError, ValueError, OverflowError):
            ends = dt.datetime.fromtimestamp(each["end"], dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            screen.say(
                [f"{each['account']}  {each['lease']}  serial {each['serial']}  pid {each['pid']}  until {ends}"]
            )
    screen.say([] if sessions else ["nobody is in by a lease"])
    found = [str(each) for each in problems] if isinstance(problems, list) else []
    screen.say(f"PROBLEM: {each}" for each in found)
    return 1 if found else 0


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        said = Screen.reason(error) if isinstance(error, OSError) else "is not text"
        raise Refusal([f"cannot read {str(path)!r}: {said}"]) from None
