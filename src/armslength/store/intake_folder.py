"""The folder `intake` of an estate: what each source gave, a folder a source; and the estate's own files beside it.

One run at a time changes an estate. Everything new is written beside what is there first, then takes its names, while
the file `intake/.unfinished` stands: an estate with that file is read by nobody, since its tables may be of two days.
Whatever a run that was killed left, the next run of any source, or `intake link`, makes whole.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from armslength.store.failure import Damaged, Overtaken, StorageFailed
from armslength.store.folder import UNFINISHED
from armslength.store.plain_file import NotPlain, read_plain, reason
from armslength.store.writing import replace_file, sync_folder

MOST_BYTES = 2**31
"""Bytes of one file of a harvest."""
SOURCE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
"""What a source may be called: a folder's name, and the beginning of its ids."""
PRIVATE = 0o600
"""New files name people, and tell where a firm is weak."""
WRITTEN = ".written"
"""What the files of the estate were when a run ended, so that rows which somebody put among ours do not go unseen."""
_NEW, _OLD, _TABLES = ".new", ".old", ".tables"


class IntakeFolder:
    """The estate at `path`, held by this process while it is entered; `writing` False: only looked at."""

    def __init__(self, path: Path, *, writing: bool = True) -> None:
        self._estate, self._path, self._writing = path, path / "intake", writing
        self._held = -1
        self._made: list[Path] = []
        self._staged: str | None = None

    def __enter__(self) -> Self:
        """Makes the folders that are not there. Raises `Overtaken` while another run holds it, `StoreError`."""
        try:
            self._made = [folder for folder in (self._path, self._estate) if not folder.is_dir()]
            if self._writing:
                self._path.mkdir(parents=True, exist_ok=True)
            if self._path.is_symlink():
                raise Damaged(f"{self._path}: is a link: expected a folder")
            self._held = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if self._writing:
                self._recover()
        except BlockingIOError:
            self._let_go()
            raise Overtaken(f"{self._path}: another intake is writing this estate: wait for it to end") from None
        except OSError as error:
            self._let_go()
            raise StorageFailed(f"{self._path}: {reason(error)}") from error
        except BaseException:
            self._let_go()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self._writing:  # a run that wrote nothing leaves nothing
            with contextlib.suppress(OSError):
                self._recover()
                for folder in self._made:
                    folder.rmdir()
        self._let_go()

    def names(self) -> tuple[str, ...]:
        """The sources, sorted. Raises `StorageFailed`, or `Damaged` for what is there and is none."""
        try:
            found = sorted(path for path in self._path.iterdir() if not path.name.startswith("."))
        except OSError as error:
            raise StorageFailed(f"{self._path}: {reason(error)}") from error
        for path in found:
            if path.is_symlink() or not path.is_dir() or SOURCE_NAME.fullmatch(path.name) is None:
                raise Damaged(f"{path}: is no source's folder: move it elsewhere")
        return tuple(path.name for path in found)

    def files(self, name: str, *, without: str = "") -> dict[str, bytes]:
        """The files of a source, but for those whose names end so; none where there is no such source. Raises
        `StorageFailed`."""
        folder = self._path / name
        try:
            if not folder.is_dir():
                return {}
            found = sorted(p for p in folder.iterdir() if not without or not p.name.endswith(without))
            return {path.name: read_plain(path, MOST_BYTES).data for path in found}
        except (OSError, NotPlain) as error:
            raise StorageFailed(f"{folder}: {reason(error) if isinstance(error, OSError) else error}") from error

    def extra(self, name: str) -> bytes | None:
        """A file of the estate's folder, such as linking.toml, or None. Raises `StorageFailed`."""
        try:
            return read_plain(self._estate / name, MOST_BYTES).data
        except FileNotFoundError:
            return None
        except (OSError, NotPlain) as error:
            message = reason(error) if isinstance(error, OSError) else str(error)
            raise StorageFailed(f"{self._estate / name}: {message}") from error

    def stage(self, name: str, files: Mapping[str, bytes]) -> None:
        """Writes the whole harvest of a source beside the one that it has; `commit` puts it in its place. Raises
        `StorageFailed`."""
        new = self._path / f".{name}{_NEW}"
        try:
            new.mkdir(mode=0o700)
            for file, data in files.items():
                replace_file(new / file, data, mode=PRIVATE)
            sync_folder(new)
        except OSError as error:
            raise StorageFailed(f"{new}: {reason(error)}") from error
        self._staged = name

    def commit(
        self,
        files: Mapping[str, bytes],
        *,
        gone: frozenset[str] = frozenset(),
        drop: str | None = None,
    ) -> None:
        """Files of the estate, with the harvest that was staged in place of the one that it had, or without a source.

        Raises `StorageFailed`: before the first of them took its name (a full disk is met there) everything is as it
        was; after it, the estate is refused to readers until a run ends well.
        """
        changed = {name: data for name, data in files.items() if self.extra(name) != data}
        tables = self._path / _TABLES
        try:
            tables.mkdir()
            for name, data in changed.items():
                replace_file(tables / name, data, mode=self._mode(name))
            replace_file(self._path / UNFINISHED, b"armslength intake link makes the tables whole again\n")
            sync_folder(self._path)
        except BaseException as error:
            self._clear()
            if isinstance(error, OSError):
                raise StorageFailed(f"{self._path}: {reason(error)}") from error
            raise
        try:
            if self._staged is not None:
                self._exchange(self._staged)
            if drop is not None:
                os.rename(self._path / drop, self._path / f".{drop}{_OLD}")
            for name in changed:
                os.replace(tables / name, self._estate / name)
            for name in gone:
                (self._estate / name).unlink(missing_ok=True)
            replace_file(self._path / WRITTEN, self._hashes(files), mode=PRIVATE)
            sync_folder(self._estate)
            sync_folder(self._path)
            (self._path / UNFINISHED).unlink()
        except OSError as error:
            raise StorageFailed(f"{self._path}: {reason(error)}: run armslength intake link") from error
        self._clear()

    def edited(self) -> frozenset[str]:
        """Files of the estate that are not as the last commit left them. Raises `StorageFailed`."""
        try:
            known = json.loads(read_plain(self._path / WRITTEN, MOST_BYTES).data)
            then = {str(name): str(found) for name, found in known.items()}
        except (OSError, NotPlain, ValueError, AttributeError):  # the first run, or somebody's own file
            return frozenset()
        return frozenset(name for name, found in then.items() if self._hash(self.extra(name)) != found)

    def _hashes(self, files: Mapping[str, bytes]) -> bytes:
        return json.dumps({name: self._hash(data) for name, data in sorted(files.items())}, indent=1).encode() + b"\n"

    @staticmethod
    def _hash(data: bytes | None) -> str:
        return hashlib.sha256(data).hexdigest() if data is not None else ""

    def _exchange(self, name: str) -> None:
        """Two renames, since a folder with files cannot be replaced by one; `_recover` undoes the first alone."""
        place = self._path / name
        if place.exists():
            os.rename(place, self._path / f".{name}{_OLD}")
        os.rename(self._path / f".{name}{_NEW}", place)

    def _recover(self) -> None:
        """A source whose old harvest was moved aside and whose new one did not take its place gets the old one back."""
        for path in list(self._path.glob(f".*{_OLD}")):
            name = path.name[1 : -len(_OLD)]
            if SOURCE_NAME.fullmatch(name) and (self._path / f".{name}{_NEW}").is_dir():
                if not (self._path / name).exists():
                    os.rename(path, self._path / name)
        self._clear()

    def _clear(self) -> None:
        """What a run left beside; nothing else in the folder is ours."""
        for path in list(self._path.iterdir()):
            for ending in (_NEW, _OLD):
                name = path.name[1 : -len(ending)]
                if path.name == f".{name}{ending}" and SOURCE_NAME.fullmatch(name) and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
        shutil.rmtree(self._path / _TABLES, ignore_errors=True)

    def _mode(self, name: str) -> int:
        """A file keeps its rights."""
        try:
            return stat.S_IMODE(os.stat(self._estate / name).st_mode)
        except OSError:
            return PRIVATE

    def _let_go(self) -> None:
        held, self._held = self._held, -1
        if held >= 0:
            os.close(held)
