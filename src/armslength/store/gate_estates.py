"""The estates that a gate adopted, each as the files that were handed in, in a folder named by its digest.

The ledger says which one holds, and of which files; a folder is believed only if what is in it gives its name. The
digest leaves out how old rows are (`as_of`), so an estate that was only looked at afresh takes the place of itself.
Nothing else does: files that somebody may have signed for are not replaced by others of one digest.

Where several gates are, each has its own folder, and what it lacks it takes from what they share.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Protocol

from armslength.estate import FILES, ORIGIN, Estate, EstateError, content, digest
from armslength.store.failure import Damaged, Occupied, StorageFailed
from armslength.store.folder import folder
from armslength.store.location import parsed
from armslength.store.source import Source
from armslength.store.writing import replace_file, sync_folder

_DIGEST = re.compile(r"[0-9a-f]{64}")


class SharedEstates(Protocol):
    """Where several gates put the estates that they adopt. All of it raises `StoreError`."""

    @property
    def sealed(self) -> bool:
        """Whether it is known that a gate put them there; if not, they are estates of their digests and no more."""

    def all(self) -> tuple[str, ...]: ...

    def get(self, digest: str) -> Mapping[str, bytes] | None: ...

    def put(self, digest: str, files: Mapping[str, bytes]) -> None: ...


class AdoptedEstates:
    """The folder at `path`, and what is `shared` besides. One process changes the folder at a time: the gate that it
    is of."""

    def __init__(self, path: Path, shared: SharedEstates | None = None) -> None:
        self._path, self._shared = path, shared

    def all(self) -> tuple[str, ...]:
        """The digests of those that are kept, ascending."""
        try:
            found = {name for name in os.listdir(self._path) if _DIGEST.fullmatch(name)}
        except OSError as error:
            raise StorageFailed(f"{self._path}: {error.strerror}") from error
        if self._shared is not None:
            found.update(name for name in self._shared.all() if _DIGEST.fullmatch(name))
        return tuple(sorted(found))

    def keep(self, files: Mapping[str, bytes]) -> str:
        """Keep an estate, durably; gives its digest. Files that belong to no estate are left out. Raises `EstateError`
        with every problem if it is none, `Occupied` if one of this digest is kept whose files differ in more than
        `source` and `as_of`, `StorageFailed`."""
        known = {name: data for name, data in files.items() if name in FILES}
        estate = parsed(Source(description="the estate", files=known)).estate
        name = digest(estate)
        place = self._path / name
        if place.is_dir() and dict(folder(place).files) == known:
            self._share(name, known)
            return name
        try:
            _, before = self.kept(name)
        except Damaged:
            before = None  # nothing of this name is there, or what is there is not the estate of its name
        if before not in (None, content(estate, known)):
            raise Occupied(f"{place}: an estate of this digest is kept, and other files make it")
        try:
            self._put(known, place)
        except OSError as error:
            raise StorageFailed(f"{place}: {error.strerror}") from error
        self._share(name, known)
        return name

    def files(self, name: str) -> Mapping[str, bytes]:
        """The files of the estate of this digest, as they were handed in. Raises `Damaged` if it is not there or not
        all of it can be read."""
        place = self._path / name
        aside = self._aside(name)
        if not _DIGEST.fullmatch(name):
            raise Damaged(f"{place}: no digest of an estate")
        if not place.is_dir() and not aside.is_dir() and (shared := self._of_others(name)) is not None:
            return shared
        # Of a replacement that a crash cut short, the old one is whole.
        found = folder(place if place.is_dir() else aside)
        if found.lost:
            said = "; ".join(f"{each.file}: {each.message}" for each in found.lost)
            raise Damaged(f"{place}: {said}")
        return found.files

    def read(self, name: str) -> Estate:
        """The estate of this digest. Raises `Damaged` if it is not there, or what is there is another one."""
        return self.kept(name)[0]

    def kept(self, name: str) -> tuple[Estate, str]:
        """As `read`, and which files make it (`armslength.estate.content`)."""
        files = self.files(name)
        return self._checked(name, files)

    def fresher(self, name: str) -> Mapping[str, bytes] | None:
        """Files of this estate whose rows another gate has looked at afresh since: each `as_of` as it is here, or
        later; None: there are none. Raises `StoreError`, as `kept` does."""
        files = None if self._shared is None else self._shared.get(name)
        if files is None or not (self._path / name).is_dir() or dict(self.files(name)) == files:
            return None
        (estate, same), (here, before) = self._checked(name, files), self.kept(name)
        if same != before or any(new < old for old, new in zip(_dates(here), _dates(estate), strict=True)):
            return None
        return files

    def take(self, name: str, files: Mapping[str, bytes]) -> None:
        """Keep what is `fresher`. Raises `StorageFailed`."""
        self._kept_here(name, files)

    def _checked(self, name: str, files: Mapping[str, bytes]) -> tuple[Estate, str]:
        try:
            estate = parsed(Source(description=name, files=files)).estate
        except EstateError as error:
            raise Damaged(f"{self._path / name}: {error}") from None
        if (found := digest(estate)) != name:
            raise Damaged(f"{self._path / name}: what is there is the estate {found}; expected the one of its name")
        return estate, content(estate, files)

    def _of_others(self, name: str) -> Mapping[str, bytes] | None:
        """What another gate adopted, kept here from now on, if it is known to come from one."""
        files = None if self._shared is None else self._shared.get(name)
        if self._shared is not None and files is not None:
            self._checked(name, files)
            if self._shared.sealed:
                self._kept_here(name, files)
        return files

    def _share(self, name: str, files: Mapping[str, bytes]) -> None:
        if self._shared is None:
            return
        try:
            there = self._shared.get(name)
        except Damaged:
            there = None
        if there != files:
            self._shared.put(name, files)

    def _kept_here(self, name: str, files: Mapping[str, bytes]) -> None:
        try:
            self._put(files, self._path / name)
        except OSError as error:
            raise StorageFailed(f"{self._path / name}: {error.strerror}") from error

    def _put(self, files: Mapping[str, bytes], place: Path) -> None:
        beside = Path(tempfile.mkdtemp(prefix=".new-", dir=self._path))
        try:
            for name, data in files.items():
                replace_file(beside / name, data)
            sync_folder(beside)
            aside = self._aside(place.name)
            if place.exists():
                shutil.rmtree(aside, ignore_errors=True)
                os.rename(place, aside)
            os.rename(beside, place)
            sync_folder(self._path)
            shutil.rmtree(aside, ignore_errors=True)
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def _aside(self, name: str) -> Path:
        return self._path / f".old-{name}"


def _dates(estate: Estate) -> tuple[str, ...]:
    """Of every row, in one order for estates of one content; "" where there is none."""
    tables = [estate.tables[name] for name in sorted(estate.tables)]
    return tuple(chain.from_iterable(table.columns.get(ORIGIN[1], [""] * len(table)) for table in tables))
