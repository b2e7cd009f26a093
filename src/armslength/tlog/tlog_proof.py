"""A proof that stands alone (c2sp.org/tlog-proof, read at its commit of 2026-07-22): an entry's index, its path in the
tree, and the checkpoint with its signatures. Whoever has the entry and a policy can check it offline.
"""

from __future__ import annotations

from dataclasses import dataclass

from armslength.tlog.checkpoint import Checkpoint
from armslength.tlog.encoding import HASH_SIZE, LARGEST, decoded, format_base64, parse_base64, parse_decimal, quoted
from armslength.tlog.endorsement import Endorsed
from armslength.tlog.failure import Malformed
from armslength.tlog.note import Note
from armslength.tlog.policy import Policy
from armslength.tlog.proof import verify_inclusion

HEADER = "c2sp.org/tlog-proof@v1"
MOST_HASHES = 63
"""The length of a path in the largest tree there can be."""
LARGEST_PROOF = 2 << 20
"""Bytes of a whole proof."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlogProof:
    """The entry at `index` is in the tree of `checkpoint`; `hashes` is its path, leaf's sibling first. `extra` is
    opaque and not authenticated by anything; None if absent, never empty."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: Note
    extra: bytes | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.index <= LARGEST:
            raise Malformed(f"index {self.index} is not within 0 to 2^63-1")
        if len(self.hashes) > MOST_HASHES:
            raise Malformed(f"the proof has {len(self.hashes)} hashes; a path has at most {MOST_HASHES}")
        if any(len(each) != HASH_SIZE for each in self.hashes):
            raise Malformed(f"each hash of the proof has {HASH_SIZE} bytes")
        if self.extra == b"":
            raise Malformed("without extra data the line is left out")
        Checkpoint.parse(self.checkpoint.text)

    @classmethod
    def parse(cls, data: str | bytes) -> TlogProof:
        """The proof that `data` spells (tlog-proof, Format)."""
        whole = decoded(data, "proof", LARGEST_PROOF)
        head, blank, note = whole.partition("\n\n")
        if not blank:
            raise Malformed("a proof has an empty line before its checkpoint; this has none")
        lines = head.split("\n")
        number = 1
        if lines[0] != HEADER:
            raise Malformed(f"line 1: {quoted(lines[0])} is not {HEADER}")
        extra = None
        if lines[number : number + 1] and lines[number].startswith("extra "):
            extra = parse_base64(lines[number].removeprefix("extra "), "line 2: extra data")
            if not extra:
                raise Malformed("line 2: without extra data the line is left out")
            number += 1
        if len(lines) <= number or not lines[number].startswith("index "):
            raise Malformed(f'line {number + 1}: expected "index" and a number')
        index = parse_decimal(lines[number].removeprefix("index "), f"line {number + 1}: index")
        if len(lines) - number - 1 > MOST_HASHES:
            raise Malformed(f"the proof has {len(lines) - number - 1} hashes; a path has at most {MOST_HASHES}")
        hashes = tuple(
            parse_base64(line, f"line {place}: hash", HASH_SIZE)
            for place, line in enumerate(lines[number + 1 :], number + 2)
        )
        try:
            return cls(index=index, hashes=hashes, checkpoint=Note.parse(note), extra=extra)
        except Malformed as error:
            raise Malformed(f"in the part after line {len(lines) + 1}: {error}") from None

    def format(self) -> str:
        """The whole proof, to be kept as `.tlog-proof`."""
        lines = [HEADER]
        if self.extra is not None:
            lines.append(f"extra {format_base64(self.extra)}")
        lines.append(f"index {self.index}")
        lines.extend(map(format_base64, self.hashes))
        return "\n".join(lines) + "\n\n" + self.checkpoint.format()

    def verify(self, leaf: bytes, policy: Policy, *, now: int | None = None) -> Endorsed:
        """That the entry with leaf hash `leaf` is in a tree that `policy` accepts (tlog-proof, Verifying, steps 2 to
        4); Unverified if not. `extra` is not looked at."""
        accepted = policy.endorse(self.checkpoint, now=now)
        tree = accepted.checkpoint
        verify_inclusion(index=self.index, size=tree.size, leaf=leaf, proof=self.hashes, root=tree.root)
        return accepted
