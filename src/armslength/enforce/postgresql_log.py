"""Reads on in a server's JSON log (`log_destination = jsonlog`), file by file, whole lines only.

A line holds one message, however often its text has newlines, so nobody can write a line in another's name. What may
be read again after a crash is given again; what cannot be read any more is a `LogLost`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from armslength.enforce.failure import EnforceError

LONGEST = 8 * 1024 * 1024
"""Bytes of a line of which everything is looked at; of a longer one the beginning is, and its digest is of all."""
_HEAD = 65_536
_PART = 1024 * 1024
MOST_AT_ONCE = 64 * 1024 * 1024
"""Bytes that one look reads."""


class LogLost(EnforceError):
    """Something between what was read and what is there is missing, or the log cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far a log was read: in the file of this name and inode, up to here."""

    name: str
    inode: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """`fields` are the server's ("Using JSON-Format Log Output"); of a line that is too long, those that its beginning
    holds. `digest` is SHA-256's state over the line with its newline, `data` the line where it is not too long."""

    fields: dict[str, Any]
    data: bytes | None
    whole: bytes

    @property
    def session(self) -> str:
        return str(self.fields.get("session_id", ""))

    @property
    def number(self) -> int:
        found = self.fields.get("line_num", 0)
        return found if isinstance(found, int) else 0

    @property
    def user(self) -> str | None:
        found = self.fields.get("user")
        return found if isinstance(found, str) else None


class JsonLog:
    """The files `*.json` of a folder. One reader at a time."""

    def __init__(self, folder: Path, place: Place | None) -> None:
        """`place` None: from the end of what is there. Raises `LogLost`."""
        self._folder = folder
        self.place = self._end() if place is None else place

    def read(self) -> Iterator[LogLine]:
        """What was added since, as whole lines; `place` is behind the last line that was taken. Raises `LogLost`."""
        taken = 0
        while True:
            following = self._following()  # before reading: what has a successor is written to no more
            for line, end in self._lines():
                self.place = Place(name=self.place.name, inode=self.place.inode, offset=end)
                taken += len(line.whole) if line.data is None else len(line.data)
                yield line
            if following is None or taken > MOST_AT_ONCE:
                return
            self.place = following

    def _files(self) -> list[tuple[int, str, int]]:
        try:
            with os.scandir(self._folder) as entries:
                found = []
                for entry in entries:
                    if entry.name.endswith(".json") and entry.is_file(follow_symlinks=False):
                        stat = entry.stat(follow_symlinks=False)
                        found.append((stat.st_mtime_ns, entry.name, stat.st_ino))
                return sorted(found)
        except OSError as error:
            raise LogLost(f"the log's folder {self._folder}: {error.strerror}") from None

    def _end(self) -> Place:
        files = self._files()
        if not files:
            raise LogLost(f"{self._folder} has no *.json: the server writes no log there (log_destination = 'jsonlog')")
        _, name, inode = files[-1]
        try:
            with open(self._folder / name, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                # Behind the last whole line: the server may be in the middle of one.
                back = min(size, _PART)
                file.seek(size - back)
                tail = file.read(back)
        except OSError as error:
            raise LogLost(f"{self._folder / name}: {error.strerror}") from None
        return Place(name=name, inode=inode, offset=size - back + tail.rfind(b"\n") + 1)

    def _following(self) -> Place | None:
        """The file after ours, from its beginning."""
        files = self._files()
        own = next((each for each in files if each[2] == self.place.inode), None)
        if own is None:
            raise LogLost(f"{self._folder / self.place.name} was taken away before it was read to its end")
        later = [each for each in files if each[0] >= own[0] and each[2] != own[2]]
        return Place(name=later[0][1], inode=later[0][2], offset=0) if later else None

    def _lines(self) -> Iterator[tuple[LogLine, int]]:
        path = self._folder / self.place.name
        try:
            handle = self._opened()
            with os.fdopen(handle, "rb", buffering=_PART) as file:
                if os.fstat(file.fileno()).st_size < self.place.offset:
                    raise LogLost(f"{path} is shorter than what was read of it")
                file.seek(self.place.offset)
                end = self.place.offset
                while (line := _line(file)) is not None:
                    end += line[1]
                    yield line[0], end
        except OSError as error:
            raise LogLost(f"{path}: {error.strerror}") from None

    def _opened(self) -> int:
        """Our file, by whatever name it has now."""
        for name in (self.place.name, *(each[1] for each in self._files() if each[2] == self.place.inode)):
            try:
                handle = os.open(self._folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            if os.fstat(handle).st_ino == self.place.inode:
                return handle
            os.close(handle)
        raise LogLost(f"{self._folder / self.place.name} was taken away before it was read to its end")


def _line(file: Any) -> tuple[LogLine, int] | None:
    """The next line and its length; None where it is not whole yet."""
    data = file.readline(LONGEST)
    if data.endswith(b"\n"):
        return LogLine(fields=_fields(data), data=data, whole=hashlib.sha256(data).digest()), len(data)
    if len(data) < LONGEST:
        return None
    digest, size, head = hashlib.sha256(data), len(data), data[:_HEAD]
    while True:
        part = file.readline(_PART)
        if not part:
            return None
        digest.update(part)
        size += len(part)
        if part.endswith(b"\n"):
            return LogLine(fields=_head_fields(head), data=None, whole=digest.digest()), size


def _fields(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise LogLost("a line of the log is no JSON") from None
    if not isinstance(found, dict):
        raise LogLost("a line of the log is no JSON object")
    return found


def _head_fields(head: bytes) -> dict[str, Any]:
    """The members that begin a line, up to its message, of which a part is there; they come in one order."""
    text = head.decode("utf-8", "replace")
    cut = text.find(',"message":"')
    if cut < 0:
        raise LogLost("a line of the log is too long to be told whose it is")
    found = _fields((text[:cut] + "}").encode())
    found["message"] = text[cut + len(',"message":"') :]
    found["cut"] = True
    return found
