"""An estate in a folder. Only known names are opened, and only plain files: a pipe or a device could hang or do
anything."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from armslength.estate import FILES, Problem
from armslength.store.source import MOST_BYTES, Source, pointers, slips

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class _Refused(Exception):
    """Why a file was not read."""


def folder(path: Path) -> Source:
    """The files of the folder at `path`, which must be one."""
    files: dict[str, bytes] = {}
    lost: list[Problem] = []
    try:
        names = os.listdir(path)
    except OSError as error:
        lost.append(Problem(file=str(path), message=f"cannot be listed: {reason(error)}"))
        names = []
    for name in sorted(FILES.intersection(names)):
        try:
            files[name] = _bytes(path / name)
        except _Refused as refusal:
            lost.append(Problem(file=name, message=str(refusal)))
        except OSError as error:
            lost.append(Problem(file=name, message=f"cannot be read: {reason(error)}"))
    lost += pointers(files)
    return Source(description=str(path), files=files, lost=tuple(lost), odd=tuple(slips(names)))


def _bytes(path: Path) -> bytes:
    """The content of a plain file; links are followed. The kind is asked before opening, since opening a device may
    act, and again after it, since the name may point elsewhere by then."""
    _plain(os.stat(path))
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as file:
        _plain(os.fstat(file.fileno()))
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise _Refused(f"grew beyond {MOST_BYTES} bytes while it was read")
    return data


def _plain(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = next((words for test, words in _KINDS if test(status.st_mode)), "no plain file")
        raise _Refused(f"is {kind}: expected a file")
    if status.st_size > MOST_BYTES:
        raise _Refused(f"has {status.st_size} bytes: expected at most {MOST_BYTES}")


def reason(error: OSError) -> str:
    """The system's words for what went wrong, as a part of a sentence."""
    words = error.strerror or str(error)
    return words[:1].lower() + words[1:]
