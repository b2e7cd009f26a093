"""The transcript of a ceremony: a file to which lines are added, each on the disk before the next thing happens.

A line is one JSON object (RFC 8785) and names the SHA-256 of the line before it, so that a line changed, left out or
put in is found by whoever reads on. That the whole was not written anew shows the last line's digest, which the people
in the room wrote on paper, and in the end the ledger.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from armslength.gate import Tampered, format_moment, moment
from armslength.ledger import Json
from armslength.store import StorageFailed, StoreError, sync_folder
from armslength.tlog import Malformed, canonical, parse_canonical

FIRST = "0" * 64
"""What the first line names as the one before it."""
SHOWN = 20
"""Hex digits of a line's digest that people write down: 80 bits."""

Line = Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """Its lines, the oldest first, and the digest of the last."""

    path: Path
    lines: tuple[Line, ...]
    last: str

    def added(self, line: Line) -> Transcript:
        """With one line more, which is on the disk when this returns. Raises `StorageFailed`."""
        whole = {**line, "previous": self.last}
        data = canonical(whole, label="line") + b"\n"
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                if os.write(handle, data) != len(data):
                    raise StorageFailed(f"{self.path}: a line was written in part: the disk is full")
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise StorageFailed(f"{self.path}: {error.strerror}") from error
        if not self.lines:
            sync_folder(self.path.parent)
        return Transcript(path=self.path, lines=(*self.lines, whole), last=_digest(data))

    @property
    def shown(self) -> str:
        """The last line's digest as people write it down: groups of four."""
        return " ".join(self.last[i : i + 4] for i in range(0, SHOWN, 4))


def new_transcript(path: Path) -> Transcript:
    """Without a line yet."""
    return Transcript(path=path, lines=(), last=FIRST)


def read_transcript(path: Path) -> Transcript:
    """The transcript in a file. A last line that was written in part, as by a power failure, is dropped from the file.
    Raises `Tampered` for one whose lines do not follow from each other, `StoreError`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    whole, newline, rest = data.rpartition(b"\n")
    if rest:
        try:
            with path.open("r+b") as file:
                file.truncate(len(whole) + len(newline))
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}") from error
    lines, last = _parsed(path, whole + newline)
    return Transcript(path=path, lines=lines, last=last)


def _parsed(path: Path, data: bytes) -> tuple[tuple[Line, ...], str]:
    lines: list[Line] = []
    last = FIRST
    for number, raw in enumerate(data.splitlines(keepends=True), 1):
        try:
            line = parse_canonical(raw.removesuffix(b"\n"), label="line")
        except Malformed as error:
            raise Tampered(f"{path}: line {number} is none that was written here: {error}") from None
        if not isinstance(line, dict) or line.get("previous") != last:
            raise Tampered(f"{path}: line {number} does not follow from the line before it")
        lines.append(line)
        last = _digest(raw)
    return tuple(lines), last


def transcript_digest(path: Path) -> str:
    """SHA-256 of the file, in hex: what the ledger holds. Raises `StoreError`."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error


def transcript_text(lines: Sequence[Line], *, digest: str) -> str:
    """To be printed and kept: Markdown, made of the lines alone."""
    return "".join(f"{line}\n" for line in _text(lines, digest))


def _text(lines: Sequence[Line], digest: str) -> Iterator[str]:
    first = lines[0] if lines else {}
    yield f"# Transcript of the ceremony {first.get('ceremony', '')}"
    yield ""
    yield f"Gate {first.get('gate', '')}, {first.get('kind', '')}. SHA-256 of the transcript: `{digest}`"
    yield ""
    for line in lines:
        at = line.get("at")
        when = format_moment(moment(at)) if type(at) is int else ""
        what = " ".join(str(line[name]) for name in ("line", "step") if name in line)
        who = line.get("by") or line.get("present")
        says = f"- {when} {what}"
        if isinstance(who, list):
            says += f": {', '.join(map(str, who))}"
        yield says
        read = line.get("read")
        if isinstance(read, dict):
            yield from (f"    - {name}: `{value}`" for name, value in read.items())
        if "why" in line:
            yield f"    - {line['why']}"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
