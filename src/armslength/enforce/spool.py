"""The spool: uses of leases that were let happen while the gate was not asked, kept until the gate has them.

A folder with one file a process that writes, and files that wait to be sent. A line is the CRC-32 of a use's JSON and
that JSON. `add` returns once the line is on the disk, and only then may the act happen; so a crash leaves a use that
perhaps never happened, and never an act without its use. A use has an id that its point drew, so that sending a file
twice records it once.

What a crash tears is the end of a file whose `add` has not returned: it is cut off. Damage anywhere else is not ours:
the sound lines are sent, and the file is kept beside for the operator.
"""

from __future__ import annotations

import binascii
import fcntl
import json
import os
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from armslength.enforce.failure import SpoolFailed
from armslength.gate import LeaseId, PersonId, Target
from armslength.tlog import Json, Malformed, format_base64url, parse_base64url

MOST_BYTES = 16 * 1024 * 1024
"""Of all files that wait, some 50,000 uses; a spool that is full refuses, since nothing in it may be dropped."""
FILE_BYTES = 256 * 1024
"""After which the next use goes into a new file."""
LOOK_SECONDS = 1.0
"""For which the size of other processes' files is taken for known."""

_OPEN, _WAITING, _KEPT = ".open", ".waiting", ".kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpooledUse:
    """One act that was let happen. `id` is 16 bytes that the point drew, `at` POSIX seconds by the point's clock."""

    id: bytes
    lease: LeaseId
    executor: PersonId
    action: str
    resource: Target
    customers: tuple[str, ...]
    at: int

    def form(self) -> dict[str, Json]:
        return {
            "action": self.action,
            "at": self.at,
            "customers": list(self.customers),
            "executor": self.executor,
            "lease": self.lease,
            "resource": {"type": self.resource.type, "id": self.resource.id},
            "use": format_base64url(self.id),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The uses of one file that waits; nobody else sends it until it is `done` or `back`."""

    uses: tuple[SpooledUse, ...]
    path: Path
    handle: int


class Spool:
    """This process's hold on a spool; any number of threads may add, one sends."""

    def __init__(
        self,
        folder: Path,
        *,
        most_bytes: int = MOST_BYTES,
        file_bytes: int = FILE_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Makes the folder if it is not there; the files of processes that ended are sent with ours. Raises
        `SpoolFailed`."""
        self._folder, self._most, self._file_bytes, self._clock = folder, most_bytes, file_bytes, clock
        self._writing = threading.Lock()
        self._file: _File | None = None
        self._others, self._looked = 0, -1e9
        self.kept = 0
        """Files that were damaged and are kept beside, since this process started."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync_folder(folder)
            self._adopt()
        except OSError as error:
            raise SpoolFailed(f"{folder}: {error.strerror}") from error

    def close(self) -> None:
        """Let go; what was not sent waits in the folder."""
        with self._writing:
            self._seal()

    def add(self, use: SpooledUse) -> None:
        """Returns once the use is on the disk. Raises `SpoolFailed`: the act must not happen then."""
        line = _line(use)
        try:
            with self._writing:
                if self._file is not None and (self._file.failed or self._file.end >= self._file_bytes):
                    self._seal()
                # The size of what waits is looked up before the use is written, so that nothing has to be taken back.
                if self._size() + len(line) > self._most:
                    raise SpoolFailed(f"{self._folder}: holds {self._most} bytes of uses that the gate has not taken")
                if self._file is None:
                    self._file = self._new()
                file = self._file
                end = file.append(line)
            file.sync(end)
        except OSError as error:
            raise SpoolFailed(f"{self._folder}: {error.strerror}") from error

    def next(self) -> Batch | None:
        """Uses to send, the oldest file first; None if there are none that nobody else is sending."""
        try:
            with self._writing:
                if self._file is not None and self._file.end:
                    self._seal()
            self._adopt()
            for path in sorted(self._folder.glob(f"*{_WAITING}")):
                if (batch := self._claimed(path)) is not None:
                    return batch
        except OSError as error:
            raise SpoolFailed(f"{self._folder}: {error.strerror}") from error
        return None

    def done(self, batch: Batch, *, keep: bool = False) -> None:
        """The gate has them; or, to `keep`, it wants some of them never, and somebody should look at the file."""
        try:
            if keep:
                os.rename(batch.path, batch.path.with_suffix(_KEPT))
                self.kept += 1
            else:
                os.unlink(batch.path)
            _sync_folder(self._folder)
        except OSError as error:
            raise SpoolFailed(f"{self._folder}: {error.strerror}") from error
        finally:
            os.close(batch.handle)
            self._looked = -1e9

    def back(self, batch: Batch) -> None:
        """They were not sent."""
        os.close(batch.handle)

    def waiting(self) -> int:
        """Bytes that the gate does not have yet."""
        with self._writing:
            self._looked = -1e9
            return self._size()

    def _new(self) -> _File:
        with _folder_lock(self._folder):  # or somebody would take it for one whose process ended
            # Named by the time of its making, so that what waits longest is sent first.
            path = self._folder / f"uses-{time.time_ns():020d}-{secrets.token_hex(4)}{_OPEN}"
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                _sync_folder(self._folder)
            except BaseException:
                os.close(handle)
                raise
            return _File(path=path, handle=handle)

    def _seal(self) -> None:
        """The file that is being written waits from here on; a later use gets a new one."""
        if self._file is not None:
            file, self._file = self._file, None
            file.close()
            self._looked = -1e9

    def _size(self) -> int:
        now = self._clock()
        if now - self._looked > LOOK_SECONDS:
            own = None if self._file is None else self._file.path.name
            self._others = 0
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    if entry.name.endswith((_OPEN, _WAITING)) and entry.name != own:
                        with suppress(FileNotFoundError):
                            self._others += entry.stat().st_size
            self._looked = now
        return self._others + (0 if self._file is None else self._file.end)

    def _adopt(self) -> None:
        """Files that nobody writes any more wait from here on."""
        with _folder_lock(self._folder):
            moved = False
            for path in self._folder.glob(f"*{_OPEN}"):
                handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if os.fstat(handle).st_size:
                        os.rename(path, path.with_suffix(_WAITING))
                    else:
                        os.unlink(path)
                    moved = True
                except BlockingIOError:
                    continue  # its process is alive
                finally:
                    os.close(handle)
            if moved:
                _sync_folder(self._folder)

    def _claimed(self, path: Path) -> Batch | None:
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None  # was sent meanwhile
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.fstat(handle).st_nlink:
                raise BlockingIOError
            with os.fdopen(os.dup(handle), "rb") as file:
                uses, damaged = _read(file.read())
            if damaged:
                beside = path.with_suffix(_KEPT)
                with suppress(FileExistsError):
                    os.link(path, beside)
                    self.kept += 1
            return Batch(uses=uses, path=path, handle=handle)
        except BlockingIOError:
            os.close(handle)
            return None  # another process is sending it, or has sent it
        except BaseException:
            os.close(handle)
            raise


class _File:
    """The file that this process writes. `end` is where the next line goes; `failed`: nobody knows what is in it."""

    def __init__(self, *, path: Path, handle: int) -> None:
        self.path, self._handle = path, handle
        self.end = 0
        self.failed = False
        self._synced = 0
        self._syncing = threading.Lock()

    def append(self, line: bytes) -> int:
        try:
            left = memoryview(line)
            while left:
                left = left[os.write(self._handle, left) :]
        except OSError:
            try:
                os.ftruncate(self._handle, self.end)  # half a line
            except OSError:
                self.failed = True
            raise
        self.end += len(line)
        return self.end

    def sync(self, end: int) -> None:
        """One flush is for all that wait for one."""
        with self._syncing:
            if self._synced >= end:
                return
            if self.failed:
                raise OSError(5, "an earlier flush failed")
            reached = self.end
            try:
                os.fdatasync(self._handle)
            except OSError:
                # What was not written is forgotten by the system, and a second flush would say that all is well.
                self.failed = True
                raise
            self._synced = reached

    def close(self) -> None:
        with self._syncing:
            if not self.failed:
                try:
                    os.fdatasync(self._handle)
                    self._synced = self.end
                except OSError:
                    self.failed = True
            os.close(self._handle)


class _folder_lock:
    """Held while files of a spool are made or change their names."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"

    def __enter__(self) -> None:
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)


def _line(use: SpooledUse) -> bytes:
    text = json.dumps(use.form(), separators=(",", ":"), sort_keys=True).encode("ascii")
    return b"%08x %s\n" % (binascii.crc32(text), text)


def _read(data: bytes) -> tuple[tuple[SpooledUse, ...], bool]:
    """The sound lines, and whether something other than the end is damaged."""
    uses: list[SpooledUse] = []
    bad = damaged = False
    *lines, rest = data.split(b"\n")
    for line in lines:
        use = _parsed(line)
        if use is None:
            bad = True
        else:
            # A line that is sound behind one that is not: no crash leaves that, unless several were under way.
            damaged = damaged or bad
            uses.append(use)
    return tuple(uses), damaged


def _parsed(line: bytes) -> SpooledUse | None:
    sum, space, text = line.partition(b" ")
    if not space or sum != b"%08x" % binascii.crc32(text):
        return None
    try:
        form = json.loads(text)
        return SpooledUse(
            id=parse_base64url(form["use"], 16),
            lease=LeaseId(form["lease"]),
            executor=PersonId(form["executor"]),
            action=form["action"],
            resource=Target(type=form["resource"]["type"], id=form["resource"]["id"]),
            customers=tuple(form["customers"]),
            at=form["at"],
        )
    except (ValueError, KeyError, TypeError, Malformed):
        return None


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
