"""Files that are there whole or not at all, also after a crash."""

from __future__ import annotations

import os
from pathlib import Path

from armslength.store.failure import StorageFailed


def replace_file(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file under another name, to the disk, and give it its name: a reader sees the old or the new one.

    Raises `StorageFailed`; the old file is then still there.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        try:
            os.fchmod(handle, mode)
            left = memoryview(data)
            while left:
                left = left[os.write(handle, left) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(beside, path)
    except OSError as error:
        raise StorageFailed(f"{path}: {error.strerror}") from error


def sync_folder(path: Path) -> None:
    """See to it that the names in a folder are on the disk. Raises `StorageFailed`."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise StorageFailed(f"{path}: {error.strerror}") from error
