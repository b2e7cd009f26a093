"""Files that a command writes: whole or not at all, whoever else writes them at the same time."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterable
from contextlib import suppress

from armslength.service.question import Refusal


def write_file(path: str, pieces: Iterable[str]) -> None:
    """Write UTF-8 text to `path`. A reader finds the old file or the new one, never a part: the text goes to a file of
    its own beside it, which then takes its name. What is no plain file (a device, a pipe) is written to directly.

    Raises `Refusal` where it cannot be written.
    """
    try:
        _write(path, pieces)
    except (OSError, ValueError) as error:  # ValueError: NUL in the name
        said = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise Refusal([f"cannot write {path!r}: {said[:1].lower()}{said[1:]}"]) from None


def _write(path: str, pieces: Iterable[str]) -> None:
    target = os.path.realpath(path)
    try:
        direct = not stat.S_ISREG(os.stat(target).st_mode)
    except FileNotFoundError:
        direct = False
    if direct:
        with open(target, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(pieces)
        return
    beside = os.path.join(os.path.dirname(target), f".{os.path.basename(target)[:100]}.{secrets.token_hex(6)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except BaseException:  # an interrupt too must leave nothing behind
        with suppress(OSError):
            os.unlink(beside)
        raise


def write_bytes(path: str, data: bytes) -> None:
    """Write a table that no patch can hold. Raises `Refusal` where it cannot be written."""
    try:
        with open(path, "wb") as file:
            file.write(data)
    except (OSError, ValueError) as error:
        raise Refusal([f"cannot write {path!r}: {error}"]) from None
