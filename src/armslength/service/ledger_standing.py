"""How a ledger stands, read from its stores by whoever may read them, whether or not somebody writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from armslength.store import LedgerFolder, open_log, open_public, read_lock
from armslength.tlog import Assessment, Checkpoint, Note, TlogError, VerifierKey, verify_signature


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerStatus:
    """`size` entries are durable, `held` is what the lock says, `published` what the newest published checkpoint
    covers and `assessment` who vouches for it (None: nothing is published, or `unreadable` says why it cannot be
    believed). `signing` are the keys that signed the newest checkpoint, `time` the newest entry's in POSIX seconds
    (0: none)."""

    origin: str
    size: int
    held: int
    mapped: int
    time: int
    published: int
    assessment: Assessment | None
    unreadable: str | None
    signing: tuple[VerifierKey, ...]
    rows: Mapping[str, int]

    @property
    def problems(self) -> tuple[str, ...]:
        """What an operator has to look at."""
        found = []
        if self.held > self.size or self.published > self.size:
            newest = max(self.held, self.published)
            found.append(f"the log has {self.size} entries, but {newest} were signed: it was rolled back")
        if self.unreadable is not None:
            found.append(f"the published checkpoint: {self.unreadable}")
        elif self.assessment is None and self.size:
            found.append("nothing is published yet")
        elif self.assessment is not None and not self.assessment.quorum_met:
            found.append(self.assessment.words)
        if self.assessment is not None and self.published < self.size:
            found.append(f"{self.size - self.published} entries are durable and not published yet")
        return tuple(found)


def ledger_status(folder: LedgerFolder) -> LedgerStatus:
    """Raises `StoreError` where a store cannot be read."""
    # The lock first: a writer that goes on meanwhile can only make the log look newer, never rolled back.
    held = read_lock(folder)
    note = open_public(folder).published()
    with open_log(folder) as log, log.snapshot():
        state = log.state()
        rows = log.sizes()
    assessment, unreadable, published = None, None, 0
    if note is not None:
        try:
            assessment = folder.policy.assess(note)
            published = Checkpoint.parse(note.text).size
        except TlogError as error:
            unreadable = str(error)
    newest = Note.parse(state.note)
    return LedgerStatus(
        origin=state.origin,
        size=state.size,
        held=held.size,
        mapped=state.mapped,
        time=state.time,
        published=published,
        assessment=assessment,
        unreadable=unreadable,
        signing=tuple(log.key for log in folder.policy.logs if verify_signature(newest, log.key) is not None),
        rows=rows,
    )
