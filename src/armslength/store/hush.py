"""Keeps a reader's own complaints off the user's screen.

A damaged Parquet page makes polars panic: we get an exception, and turn it into a problem with the file's name; but
by then its run-time has written a stack trace to standard error, below Python, where only the file descriptor can be
turned aside.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from polars.exceptions import PanicException

_ERRORS = 2
_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def hushed() -> Iterator[None]:
    """What is written to standard error inside comes out afterwards, and not at all if a panic comes out."""
    with _ONE_AT_A_TIME, tempfile.TemporaryFile() as held:
        try:
            screen = os.dup(_ERRORS)
        except OSError:  # standard error is closed: nothing to keep clean
            yield
            return
        _flush()
        os.dup2(held.fileno(), _ERRORS)
        panicked = False
        try:
            yield
        except PanicException:
            panicked = True
            raise
        finally:
            _flush()
            os.dup2(screen, _ERRORS)
            os.close(screen)
            if not panicked:
                held.seek(0)
                _pass_on(held.read())


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()


def _pass_on(text: bytes) -> None:
    while text:
        text = text[os.write(_ERRORS, text) :]
