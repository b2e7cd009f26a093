"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from armslength.store import StorageFailed
from armslength.store.writing import replace_file, sync_folder


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_a_file_is_written_and_replaced_whole(tmp_path: Path) -> None:
    """Half a checkpoint would be refused by every reader."""
    path = tmp_path / "checkpoint"
    replace_file(path, b"one" * 100_000)
    replace_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert names(tmp_path) == ["checkpoint"]


def test_a_reader_that_began_keeps_the_old_file(tmp_path: Path) -> None:
    """Somebody who downloads a tile while it is replaced would get a mixture."""
    path = tmp_path / "tile"
    replace_file(path, b"old")
    with path.open("rb") as reading:
        replace_file(path, b"new, and longer")
        assert reading.read() == b"old"


@pytest.mark.parametrize(("mode", "shown"), [(0o600, 0o600), (0o644, 0o644)])
def test_the_mode_is_the_one_asked_for_whatever_was_there_or_the_umask_says(
    tmp_path: Path, mode: int, shown: int
) -> None:
    """A private key must not be readable because the file it replaces was; what is published has to be."""
    path = tmp_path / "key"
    path.write_bytes(b"")
    path.chmod(0o666)
    umask = os.umask(0o077 if mode == 0o644 else 0o000)
    try:
        replace_file(path, b"secret", mode=mode)
    finally:
        os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == shown


def test_what_a_crash_left_beside_it_does_not_matter(tmp_path: Path) -> None:
    """The next start would fail over the leavings of the last."""
    (tmp_path / ".checkpoint.new").write_bytes(b"half a check")
    replace_file(tmp_path / "checkpoint", b"whole")
    assert (tmp_path / "checkpoint").read_bytes() == b"whole"
    assert names(tmp_path) == ["checkpoint"]


def test_a_file_that_cannot_be_written_is_told_by_its_name_and_the_old_one_stays(tmp_path: Path) -> None:
    """An operator has to learn which disk is full."""
    path = tmp_path / "checkpoint"
    path.mkdir()
    (path / "in it").touch()
    with pytest.raises(StorageFailed) as failed:
        replace_file(path, b"new")
    assert str(failed.value) == f"{path}: {os.strerror(errno.EISDIR)}"
    assert names(path) == ["in it"]
    with pytest.raises(StorageFailed) as failed:
        replace_file(tmp_path / "nowhere" / "checkpoint", b"new")
    assert str(failed.value) == f"{tmp_path / 'nowhere' / 'checkpoint'}: {os.strerror(errno.ENOENT)}"


def test_a_folder_that_is_not_there_cannot_be_synced(tmp_path: Path) -> None:
    """Taken for synced, its names could be gone after a power failure."""
    sync_folder(tmp_path)
    (tmp_path / "file").touch()
    for wrong, code in (("nowhere", errno.ENOENT), ("file", errno.ENOTDIR)):
        with pytest.raises(StorageFailed, match=os.strerror(code)):
            sync_folder(tmp_path / wrong)
