"""Companion: a second process of this program, which takes its share of a large answer, so that two cores are used.

It gets a value and gives one back, over pipes. It needs no files, and ends with this process, however that ends.
Threads would take turns on one core, and a fork could stop in the middle of another thread's work.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Self

from armslength.reach import Half, Part
from armslength.store.companion_pipe import Ended, receive, send

MODULE = "armslength.store.companion_side"


class Companion:
    """Starts when there is something to do soon (`ready`). `until`: the end of the time allowed, on the clock of
    `time.monotonic`. Where anything fails, this process has to do all: `failure` then says why. Implements
    `armslength.reach.Beside`."""

    def __init__(self, until: float | None = None) -> None:
        self._until = until
        self._process: subprocess.Popen[bytes] | None = None
        self._owing = False
        self.failure: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @property
    def pid(self) -> int | None:
        """The number of the process while there is one."""
        return None if self._process is None else self._process.pid

    def ready(self) -> None:
        if self._process is not None or self.failure is not None or cores() < 2:
            return
        if not sys.executable:
            self.failure = "it is not known by which Python this program runs"
            return
        try:
            self._process = subprocess.Popen(
                # Not from the folder it is called in: an estate's folder is no place for programs.
                [sys.executable, "-P", "-m", MODULE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": _paths()},
                # Ctrl-C is for this process; the other ends with it.
                start_new_session=True,
            )
        except OSError as error:
            self.failure = f"it did not start: {error}"

    def climb(self, half: Half) -> Callable[[], Part | None] | None:
        if self._owing:
            # Whoever asked before did not wait: what is owed must not be taken for the answer to this.
            self._end()
            self.ready()
        process = self._process
        if process is None or process.stdin is None:
            return None
        try:
            send(process.stdin, (half, self._until))
        except Exception as error:
            self._fail(f"it could not be asked: {_told(error)}")
            return None
        self._owing = True
        return lambda: self._wait(process)

    def _wait(self, process: subprocess.Popen[bytes]) -> Part | None:
        assert process.stdout is not None
        try:
            found = receive(process.stdout)
        except Ended:
            self._fail(f"it ended with {_status(process)}")
            return None
        except Exception as error:
            self._fail(f"its answer could not be read: {_told(error)}")
            return None
        self._owing = False
        if isinstance(found, Part):
            return found
        self._fail(str(found))
        return None

    def _fail(self, why: str) -> None:
        self.failure = why
        self._end()

    def _end(self) -> None:
        process, self._process, self._owing = self._process, None, False
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    pass


def _paths() -> str:
    """Where modules are found, as PYTHONPATH can say it: of a path with the separator it would make others."""
    return os.pathsep.join(path for path in sys.path if path and os.pathsep not in path)


def _status(process: subprocess.Popen[bytes]) -> int:
    """With what a process ended that says nothing more; it has a moment for that."""
    try:
        return process.wait(1)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def cores() -> int:
    """How many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
