"""Files that a command writes: whole or not at all, whoever else writes them at the same time."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterable
from contextlib import suppress

from armslength.service.question import Refusal


def write_file(path: str, pieces: Iterable[str | bytes]) -> None:
    """Write text (as UTF-8) or bytes to `path`. A reader finds the old file or the new one, never a part: what is
    written goes to a file of its own beside it, which then takes its name. What is no plain file (a device, a pipe) is
    written to directly.

    Raises `Refusal` where it cannot be written.
    """
    try:
        _write(path, pieces)
    except (OSError, ValueError) as error:  # ValueError: NUL in the name
        said = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise Refusal([f"cannot write {path!r}: {said[:1].lower()}{said[1:]}"]) from None


def _write(path: str, pieces: Iterable[str | bytes]) -> None:
    target = os.path.realpath(path)
    try:
        direct = not stat.S_ISREG(os.stat(target).st_mode)
    except FileNotFoundError:
        direct = False
    if direct:
        with open(target, "wb") as file:
            file.writelines(map(_bytes, pieces))
        return
    beside = os.path.join(os.path.dirname(target), f".{os.path.basename(target)[:100]}.{secrets.token_hex(6)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(map(_bytes, pieces))
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except BaseException:  # an interrupt too must leave nothing behind
        with suppress(OSError):
            os.unlink(beside)
        raise


def _bytes(piece: str | bytes) -> bytes:
    return piece if isinstance(piece, bytes) else piece.encode("utf-8", "backslashreplace")
