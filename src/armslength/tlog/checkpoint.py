"""A checkpoint: which tree a log has, in three lines (c2sp.org/tlog-checkpoint).

The text is what gets signed; `parse` takes only what `format` writes. A checkpoint by itself says nothing about who
vouches for it: `Policy.endorse` does.
"""

from __future__ import annotations

from dataclasses import dataclass

from armslength.tlog.encoding import (
    HASH_SIZE,
    LARGEST,
    check_characters,
    format_base64,
    parse_base64,
    parse_decimal,
    quoted,
)
from armslength.tlog.failure import Malformed


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The log `origin` has `size` entries, whose RFC 6962 tree has the 32-byte `root`. `extensions` are opaque lines
    that no ML-DSA signature covers; we write none."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.origin or "\n" in self.origin:
            raise Malformed(f"origin {quoted(self.origin)} has to be one non-empty line")
        if not 0 <= self.size <= LARGEST:
            raise Malformed(f"tree size {self.size} is not within 0 to 2^63-1")
        if len(self.root) != HASH_SIZE:
            raise Malformed(f"root hash has {len(self.root)} bytes, not {HASH_SIZE}")
        for line in self.extensions:
            if not line or "\n" in line:
                raise Malformed(f"extension {quoted(line)} has to be one non-empty line")
            check_characters(line, "extension")
        check_characters(self.origin, "origin")

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """The checkpoint that a note's text spells (tlog-checkpoint, Note text)."""
        lines = text.split("\n")
        if lines.pop() != "":
            raise Malformed("a checkpoint ends in a newline")
        if len(lines) < 3:
            raise Malformed(f"a checkpoint has three lines, origin, size and root hash; this has {len(lines)}")
        for number, line in enumerate(lines, 1):
            if not line:
                raise Malformed(f"line {number}: a checkpoint has no empty lines")
        return cls(
            origin=lines[0],
            size=parse_decimal(lines[1], "line 2: tree size"),
            root=parse_base64(lines[2], "line 3: root hash", HASH_SIZE),
            extensions=tuple(lines[3:]),
        )

    def format(self) -> str:
        """The note text, final newline included."""
        text = f"{self.origin}\n{self.size}\n{format_base64(self.root)}\n"
        return text + "".join(f"{line}\n" for line in self.extensions) if self.extensions else text
