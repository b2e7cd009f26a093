"""The screen: what a command prints. Results go to standard output, everything else to standard error.

A reader who goes away (`| head`) is no error: the rest is not printed, and the status stays what it was.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TextIO

from armslength.cli.progress import Progress

if TYPE_CHECKING:
    from rich.console import RenderableType

WIDTH = 120
"""Columns of a table that goes to a file or a pipe; COLUMNS in the environment chooses another width."""


class Screen:
    """Standard output and error as they are when a command starts."""

    def __init__(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                # A narrow locale must not end a run: what it cannot write is spelled out.
                stream.reconfigure(errors="backslashreplace")
        self._gone = sys.stdout is None

    def show(self, what: RenderableType) -> None:
        """Print something for people: in colour on a terminal, unless NO_COLOR is set."""
        from rich.console import Console

        wide = None if self._terminal(sys.stdout) or "COLUMNS" in os.environ else WIDTH
        console = Console(width=wide, highlight=False, soft_wrap=False)
        with console.capture() as captured:
            console.print(what)
        lines = captured.get().splitlines()
        self.write(line.rstrip() + "\n" if "\x1b" not in line else line + "\n" for line in lines)

    def width(self) -> int:
        """Columns for lines that a command lays out itself."""
        if self._terminal(sys.stdout) or os.environ.get("COLUMNS", "").isdecimal():
            return min(max(shutil.get_terminal_size((WIDTH, 24)).columns, 60), WIDTH)
        return WIDTH

    def write(self, pieces: Iterable[str]) -> None:
        """Print text as it is, piece by piece; no more pieces are asked for once nobody reads."""
        if self._gone:
            return
        try:
            for piece in pieces:
                sys.stdout.write(piece)
            sys.stdout.flush()
        except BrokenPipeError:
            self._leave()

    def say(self, lines: Iterable[str]) -> None:
        """Print plain lines, with whatever a terminal would obey written out."""
        self.write(f"{_one_line(line)}\n" for line in lines)

    def warn(self, warnings: Iterable[object]) -> None:
        """One line each; a warning changes nothing else."""
        self._err(f"warning: {warning}" for warning in warnings)

    def note(self, text: str) -> None:
        """Something worth knowing beside the result."""
        self._err([text])

    def complain(self, text: str) -> None:
        """Why the command ends without a result."""
        self._err([f"armslength: {text}"])

    def problems(self, problems: Iterable[object]) -> None:
        """What is wrong with an estate, one line each."""
        self._err(str(problem) for problem in problems)

    def progress(self, what: str) -> AbstractContextManager[Progress]:
        """Shows on a terminal what takes more than a second."""
        quiet = not self._terminal(sys.stderr)
        return Progress(what, quiet=quiet)

    def reads_along(self) -> bool:
        """Whether a person reads standard output as it comes: then progress would stand between the lines."""
        return self._terminal(sys.stdout)

    @staticmethod
    def reason(error: OSError) -> str:
        said = error.strerror or str(error)
        return said[:1].lower() + said[1:]

    def close(self, status: int) -> int:
        """Flush what is left; gives the status, or 2 where the output could not be written."""
        if self._gone:
            return status
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            self._leave()
        except OSError as error:
            self._drop()
            self.complain(f"cannot write the output: {self.reason(error)}")
            return 2
        return status

    def _err(self, lines: Iterable[str]) -> None:
        if sys.stderr is None:
            return
        try:
            for line in lines:
                sys.stderr.write(_one_line(line) + "\n")
            sys.stderr.flush()
        except OSError:  # nobody listens
            pass

    def _leave(self) -> None:
        self._gone = True
        self._drop()

    def _drop(self) -> None:
        """Python flushes once more at its end, and must not fail there again."""
        try:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, sys.stdout.fileno())
            os.close(null)
        except (OSError, ValueError):
            pass

    @staticmethod
    def _terminal(stream: TextIO | None) -> bool:
        try:
            return stream is not None and stream.isatty()
        except ValueError:
            return False


def _one_line(text: str) -> str:
    """The text on one line, with what a terminal would obey written out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
