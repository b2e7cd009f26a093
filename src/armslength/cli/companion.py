"""The second process of the verbs that compute all lengths, and what to say of it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from armslength.cli.screen import Screen
from armslength.reach import Beside
from armslength.store import Companion


@contextmanager
def companion(options: argparse.Namespace, screen: Screen, until: float | None = None) -> Iterator[Beside | None]:
    """One for as long as it may be wanted, unless the user wants none. `until`: as in `Companion`."""
    if options.processes == "1":
        yield None
        return
    with Companion(until) as beside:
        yield beside
    if beside.failure is not None:
        screen.note(f"note: the second process failed, so this one did all of the work: {beside.failure}")
