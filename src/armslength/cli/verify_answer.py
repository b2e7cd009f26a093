"""`armslength verify ESTATE ANSWER`: whether the derivations of a printed answer hold."""

from __future__ import annotations

import argparse
import sys

from armslength import service
from armslength.cli.screen import Screen
from armslength.store import read

MOST = 50
"""Faults that are told; the others are counted."""


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Gives 1 if a derivation does not follow."""
    with screen.progress("reading the estate") as progress:
        parsed = read(options.estate)
        screen.warn(parsed.warnings)
        progress.doing("reading the answer")
        text = _read(options.file)
        progress.doing("checking derivations")
        found = service.verification(parsed.estate, text)
    lines = list(found.faults[:MOST])
    if len(found.faults) > MOST:
        lines.append(f"and {len(found.faults) - MOST:,} faults more")
    unclaimed = f"; {found.nobody:,} claim that nobody can, which no derivation shows" if found.nobody else ""
    faults = f"{len(found.faults):,} faults: refused" if found.faults else "every one follows from the estate"
    lines.append(f"{found.checked:,} derivations checked, {faults}{unclaimed}")
    screen.say(lines)
    return 1 if found.faults else 0


def _read(name: str) -> bytes:
    """The file's bytes; `-` is standard input."""
    try:
        if name == "-":
            return sys.stdin.buffer.read()
        with open(name, "rb") as file:
            return file.read()
    except OSError as error:
        raise service.Refusal([f"{name!r} cannot be read: {Screen.reason(error)}"]) from None
