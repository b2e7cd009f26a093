"""What a policy finds in a checkpoint: who vouches for it, and whether that is enough.

`Assessment` tells, for whoever watches or waits. `Endorsed` is evidence that the log signed and the quorum is met: only
`Policy.endorse` makes it, and code that relies on a checkpoint takes it.
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from datetime import UTC, datetime

from armslength.tlog.checkpoint import Checkpoint
from armslength.tlog.encoding import quoted
from armslength.tlog.key import VerifierKey
from armslength.tlog.note import Note

Cosigned = tuple[str, int]
"""A witness's name in the policy, and the POSIX time that it signed (0: it states none)."""

_ENDORSE = object()
_LAST_SECOND = 253402300799
"""9999-12-31T23:59:59Z, the last that a calendar date of four digits can name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """A checkpoint that a listed log did sign, with the witnesses' part: who cosigned, who did not (`absent`), whose
    cosignature lies in the future and does not count (`ahead`), and what the quorum still lacks, in words."""

    checkpoint: Checkpoint
    note: Note
    logs: tuple[VerifierKey, ...]
    witnesses: tuple[Cosigned, ...]
    absent: tuple[str, ...]
    ahead: tuple[Cosigned, ...]
    quorum: str
    quorum_met: bool
    lacks: tuple[str, ...]

    @property
    def words(self) -> str:
        """One line for an operator."""
        met = "is met" if self.quorum_met else "is not met"
        tree = f"size {self.checkpoint.size} of {quoted(self.checkpoint.origin)}"
        parts = [f"the quorum {quoted(self.quorum)} {met} for {tree}"]
        parts.extend(self.lacks)
        if self.witnesses:
            parts.append("cosigned by " + ", ".join(f"{quoted(name)} ({when(time)})" for name, time in self.witnesses))
        if self.absent:
            parts.append("not by " + ", ".join(map(quoted, self.absent)))
        if self.ahead:
            future = ", ".join(f"{quoted(name)} ({when(time)})" for name, time in self.ahead)
            parts.append(f"not counted, being from the future: {future}")
        return "; ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endorsed:
    """A checkpoint that a policy accepts: signed by the keys `logs`, cosigned by `witnesses` (name in the policy, POSIX
    time), the quorum met. `note` is what was presented, signatures of strangers included.

    `checkpoint.extensions` are those of the note only if a log's Ed25519 signature covers them, else empty: the
    ML-DSA-44 form leaves extension lines unsigned (tlog-checkpoint, Signatures), so anyone could have written them."""

    checkpoint: Checkpoint
    note: Note
    logs: tuple[VerifierKey, ...]
    witnesses: tuple[Cosigned, ...]
    _by: InitVar[object] = None

    def __post_init__(self, _by: object) -> None:
        if _by is not _ENDORSE:
            raise TypeError("only Policy.endorse makes an Endorsed")


def endorsed(assessment: Assessment) -> Endorsed:
    """The evidence for an assessment whose quorum is met. For `Policy.endorse` alone."""
    assert assessment.quorum_met
    return Endorsed(
        checkpoint=assessment.checkpoint,
        note=assessment.note,
        logs=assessment.logs,
        witnesses=assessment.witnesses,
        _by=_ENDORSE,
    )


def when(time: int) -> str:
    """A POSIX time as people write it."""
    if not time:
        return "no time stated"
    if time > _LAST_SECOND:
        return f"second {time}"
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
