"""Progress on standard error, for whatever takes longer than a second, and only on a terminal."""

from __future__ import annotations

import os
import sys
import threading
import time
from types import TracebackType
from typing import Self

AFTER = 1.0
"""Seconds of silence: most runs are over by then."""
LONG = 30.0
"""Seconds after which the way to stop early is told."""
REFRESH = 0.1


class Progress:
    """A line that says what is being done, how far it is and for how long, drawn by a thread of its own."""

    def __init__(self, what: str, *, quiet: bool) -> None:
        self._what, self._quiet = what, quiet
        self._done, self._total = 0, 0
        self._hint = ""
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def doing(self, what: str, total: int = 0, hint: str = "") -> None:
        """The next stage; `total` steps if they can be counted, `hint` for when it takes long."""
        self._what, self._total, self._done, self._hint = what, total, 0, hint

    def step(self) -> None:
        self._done += 1

    def reached(self, done: int) -> None:
        """So many steps are done."""
        self._done = done

    def silence(self) -> None:
        """Draws no more: somebody is asked something."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> Self:
        if not self._quiet:
            self._thread = threading.Thread(target=self._draw, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _draw(self) -> None:
        if self._ended.wait(AFTER):
            return
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        # Its own handle: while a damaged file is read, standard error is held back.
        with open(os.dup(sys.stderr.fileno()), "w", encoding="utf-8", errors="replace") as screen:
            console = Console(file=screen)
            start = time.monotonic() - AFTER
            with Live(console=console, transient=True, auto_refresh=False) as live:
                while not self._ended.wait(REFRESH):
                    line = self._line(time.monotonic() - start)
                    live.update(Text(line, overflow="ellipsis", no_wrap=True), refresh=True)

    def _line(self, seconds: float) -> str:
        far = f" {100 * self._done // self._total} %" if self._total else ""
        hint = f" ({self._hint})" if self._hint and seconds > LONG else ""
        return f"{self._what} …{far} {seconds:.0f} s{hint}"
