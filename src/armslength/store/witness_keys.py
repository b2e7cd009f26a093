"""The keys of a witness: one file of mode 0600, a signing key a line, in a folder of mode 0700.

Refused: a file that others may read or write, since then it is not known who signs; a line that is no key."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from armslength.store.failure import Damaged, StorageFailed, StoreError
from armslength.tlog import SigningKey, TlogError

KEYS = "witness.key"
MOST_BYTES = 65_536


def make_folder(folder: Path) -> None:
    """A folder for one witness alone. Raises `StoreError` if there is something in it, or it cannot be made."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.listdir(folder):
            raise StoreError(f"{folder}: is not empty: a witness is made once, in a folder of its own")
        os.chmod(folder, 0o700)
    except OSError as error:
        raise StorageFailed(f"{folder}: {_reason(error)}") from error


def check_folder(folder: Path) -> None:
    """Raises `StoreError` where there is no finished witness."""
    try:
        names = set(os.listdir(folder))
    except (OSError, ValueError) as error:
        raise StorageFailed(f"{folder}: {_reason(error)}") from error
    if KEYS not in names:
        raise StoreError(f"{folder}: holds no witness: make one with armslength witness init")
    if "state.db" not in names:
        # An empty state would cosign any history again.
        raise Damaged(f"{folder}: state.db is gone, and with it what was cosigned: make a new witness with new keys")


def write_keys(folder: Path, keys: Sequence[SigningKey]) -> None:
    """Raises `StorageFailed` where they cannot be written, or some are there."""
    path = folder / KEYS
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(f"{key.text}\n" for key in keys)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StorageFailed(f"{path}: {_reason(error)}") from error


def read_keys(folder: Path) -> tuple[SigningKey, ...]:
    """Raises `StoreError`; no message holds anything of a key."""
    path = folder / KEYS
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise Damaged(f"{path}: is no plain file")
            if status.st_mode & 0o077:
                raise StoreError(f"{path}: may be read or changed by others: chmod 600 {path}")
            text = file.read(MOST_BYTES).decode()
    except OSError as error:
        raise StorageFailed(f"{path}: {_reason(error)}") from error
    except UnicodeDecodeError:
        raise Damaged(f"{path}: is no text") from None
    keys = []
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        try:
            keys.append(SigningKey.parse(line))
        except TlogError as error:
            raise Damaged(f"{path}: line {number}: {error}") from None
    if len({key.name for key in keys}) != 1 or len({key.algorithm for key in keys}) != len(keys):
        raise Damaged(f"{path}: expected keys of one name, each of another algorithm")
    if not all(key.algorithm.timestamped for key in keys):
        raise Damaged(f"{path}: expected keys that cosign")
    return tuple(keys)


def _reason(error: OSError | ValueError) -> str:
    said = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return said[:1].lower() + said[1:]
