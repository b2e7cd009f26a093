"""A plain file, read whole and within bounds: a pipe or a device could hang or do anything."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class NotPlain(Exception):
    """Why a file was not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainFile:
    """`written`: seconds since the epoch when it was last changed."""

    data: bytes
    written: float


def read_plain(path: Path, most: int) -> PlainFile:
    """The content of a plain file; links are followed. The kind is asked before opening, since opening a device may
    act, and again after it, since the name may point elsewhere by then.

    Raises `NotPlain`, or `OSError`.
    """
    _check(os.stat(path), most)
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        _check(status, most)
        # As much as there is and one byte: a reader that is told of a gigabyte sets one aside.
        data = file.read(status.st_size + 1)
    if len(data) > status.st_size:
        raise NotPlain("grew while it was read: expected a file that nobody writes")
    return PlainFile(data=data, written=status.st_mtime)


def _check(status: os.stat_result, most: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = next((words for test, words in _KINDS if test(status.st_mode)), "no plain file")
        raise NotPlain(f"is {kind}: expected a file")
    if status.st_size > most:
        raise NotPlain(f"has {status.st_size} bytes: expected at most {most}")


def reason(error: OSError) -> str:
    """The system's words for what went wrong, as a part of a sentence."""
    words = error.strerror or str(error)
    return words[:1].lower() + words[1:]
