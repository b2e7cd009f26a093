"""What a witness is asked, and what it answers (c2sp.org/tlog-witness, add-checkpoint).

`judge` decides from values alone. It makes no signature: the caller first stores `Cosign.seen` in place of the `Seen`
it passed in, on condition that it is still there, and signs only then. Two requests at once are so decided one after
the other, and a witness never signs what it could forget.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from armslength.tlog.checkpoint import Checkpoint
from armslength.tlog.encoding import HASH_SIZE, LARGEST, decoded, format_base64, parse_base64, parse_decimal, quoted
from armslength.tlog.failure import Malformed, Unverified
from armslength.tlog.key import VerifierKey
from armslength.tlog.merkle import EMPTY
from armslength.tlog.note import LARGEST_NOTE, Note, verify_signature
from armslength.tlog.proof import verify_consistency

MOST_HASHES = 63
LARGEST_REQUEST = LARGEST_NOTE + 4096
"""Bytes of a request: the largest note, 63 hashes and the old size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """A request to cosign `note`: the client believes that the witness last cosigned size `old`, and `proof` shows that
    tree to be the beginning of this one. `checkpoint` is what the note says."""

    old: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint = field(init=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 <= self.old <= LARGEST:
            raise Malformed(f"old size {self.old} is not within 0 to 2^63-1")
        if len(self.proof) > MOST_HASHES:
            raise Malformed(f"the proof has {len(self.proof)} lines; at most {MOST_HASHES} are read")
        if any(len(each) != HASH_SIZE for each in self.proof):
            raise Malformed(f"each hash of the proof has {HASH_SIZE} bytes")
        object.__setattr__(self, "checkpoint", Checkpoint.parse(self.note.text))

    @classmethod
    def parse(cls, data: str | bytes) -> AddCheckpoint:
        """The request that a body spells; Malformed is answered with 400."""
        whole = decoded(data, "request", LARGEST_REQUEST)
        head, blank, note = whole.partition("\n\n")
        if not blank:
            raise Malformed("a request has an empty line before its checkpoint; this has none")
        first, *lines = head.split("\n")
        if not first.startswith("old "):
            raise Malformed(f'line 1: {quoted(first)} is not "old" and a size')
        if len(lines) > MOST_HASHES:
            raise Malformed(f"the proof has {len(lines)} lines; at most {MOST_HASHES} are read")
        old = parse_decimal(first.removeprefix("old "), "line 1: old size")
        proof = tuple(parse_base64(line, f"line {place}: hash", HASH_SIZE) for place, line in enumerate(lines, 2))
        try:
            return cls(old=old, proof=proof, note=Note.parse(note))
        except Malformed as error:
            raise Malformed(f"in the part after line {len(lines) + 2}: {error}") from None

    def format(self) -> str:
        """The body to send."""
        hashes = "".join(f"{format_base64(each)}\n" for each in self.proof)
        return f"old {self.old}\n{hashes}\n{self.note.format()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The latest checkpoint of a log that a witness cosigned. `note_text` is the whole note with those signatures of
    the log that were verified; the witness's own are added when it is served."""

    size: int
    root: bytes
    note_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosign:
    """Every check passed: store `seen` in place of what was passed in, then sign the text of `note`, which carries the
    log's verified signatures and no others."""

    checkpoint: Checkpoint
    seen: Seen
    note: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """Not cosigned: the HTTP `status`, why, and with 409 the `size` that the witness last cosigned, which is the body
    of the answer (type `text/x.tlog.size`, a newline after it)."""

    status: int
    reason: str
    size: int | None = None


def judge(request: AddCheckpoint, log_keys: Sequence[VerifierKey] | None, seen: Seen | None) -> Cosign | Declined:
    """What to answer. `log_keys` are the keys trusted for the request's origin, None if the origin is unknown; `seen`
    is what was last cosigned for it, None if nothing. The order of the checks is that of tlog-witness."""
    checkpoint = request.checkpoint
    if log_keys is None:
        return Declined(status=404, reason=f"the log {quoted(checkpoint.origin)} is not known here")
    try:
        signed = [key for key in log_keys if verify_signature(request.note, key) is not None]
    except Unverified as error:
        return Declined(status=403, reason=str(error))
    if not signed:
        return Declined(status=403, reason="no signature by a key that is trusted for this log")
    if request.old > checkpoint.size:
        return Declined(status=400, reason=f"old size {request.old} is larger than the checkpoint's {checkpoint.size}")
    latest = 0 if seen is None else seen.size
    if request.old != latest:
        return Declined(status=409, reason=f"the size last cosigned is {latest}, not {request.old}", size=latest)
    if problem := _inconsistent(request, seen):
        return Declined(status=422, reason=problem)
    by_log = [next(signature for signature in request.note.signatures if signature.by(key)) for key in signed]
    note = Note(text=request.note.text, signatures=tuple(dict.fromkeys(by_log)))
    return Cosign(
        checkpoint=checkpoint,
        seen=Seen(size=checkpoint.size, root=checkpoint.root, note_text=note.format()),
        note=note,
    )


def _inconsistent(request: AddCheckpoint, seen: Seen | None) -> str | None:
    """Why the checkpoint cannot follow the one seen, whose size is the request's old size; None if it does."""
    checkpoint = request.checkpoint
    if checkpoint.size == 0 and checkpoint.root != EMPTY:
        return "a checkpoint of size 0 has the root hash of the empty tree, SHA-256 of nothing"
    if seen is None or seen.size == 0:
        # The empty tree is the beginning of every tree, so there is nothing to prove.
        return "the proof has to be empty when the old size is 0" if request.proof else None
    if checkpoint.size == seen.size and checkpoint.root != seen.root:
        return f"another root hash was cosigned for size {seen.size}: the log shows two trees"
    try:
        verify_consistency(
            old=seen.size,
            new=checkpoint.size,
            old_root=seen.root,
            new_root=checkpoint.root,
            proof=request.proof,
        )
    except Unverified as error:
        return str(error)
    return None


def origin_hash(origin: str) -> str:
    """How a log is named in a witness's monitoring paths: SHA-256 of its origin, in lower-case hex."""
    return hashlib.sha256(origin.encode()).hexdigest()
