"""The publisher: takes the newest durable checkpoint, has it cosigned, and publishes it with the tiles it needs.

What is published is the newest checkpoint that met the policy's quorum. While too few witnesses answer, the old one
stays and the status says since when: the log goes on recording, and nobody is told that more is witnessed than is.
The same holds for a bucket that is away. A checkpoint that is newer than ours, or has another root, is never replaced,
also by a process that was stopped half-way and goes on when another one has long published more.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from armslength.service.witnesses import WitnessAnswer, Witnesses
from armslength.store import LedgerFolder, LogState, StorageFailed, StoreError, log_nodes, open_log, open_public
from armslength.tlog import Checkpoint, Note, TlogError, root_at

LONGEST_REST = 60.0
"""Seconds between tries while the quorum is missed."""
LOOK_AGAIN = 60.0
"""Seconds for which a bucket is believed to hold what we wrote: each look costs a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherHealth:
    """`published` is the size of the newest checkpoint that met the quorum, `at` the time it was published (POSIX
    seconds; 0: never), `behind` the size of the newest durable one when it was last looked at.
    `problem` says what keeps them apart."""

    published: int
    at: float
    behind: int
    problem: str | None
    witnesses: tuple[WitnessAnswer, ...]


class Publisher:
    """One round is `publish`; `start` does them from a thread of its own."""

    def __init__(
        self,
        folder: LedgerFolder,
        witnesses: Witnesses,
        *,
        clock: Callable[[], float],
        step: Callable[[str], None],
        newest: Callable[[], LogState],
        contradicted: Callable[[str], None],
    ) -> None:
        """`newest` gives the newest checkpoint that may be shown; `contradicted` is told what a witness proved against
        this log, and nothing is published then. Raises `StoreError`."""
        self._folder, self._witnesses, self._clock = folder, witnesses, clock
        self._step, self._newest, self._contradicted = step, newest, contradicted
        self._public = open_public(folder)
        self._log = open_log(folder)
        self._one = threading.Lock()
        self._wanted = threading.Event()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._exported = 0
        self._looked = False
        self._seen = 0.0
        self._health = PublisherHealth(published=0, at=0.0, behind=0, problem=None, witnesses=())
        try:
            self._look()
        except StorageFailed as error:
            if folder.bucket is None:
                raise
            self._health = self._problem(str(error))

    def _look(self) -> None:
        """What stands there from before. Raises `StoreError`."""
        published = self._endorsed() or 0
        self._exported = published if self._public.holds(published) else 0
        at = self._public.published_at() if published else 0.0
        self._health = PublisherHealth(published=published, at=at, behind=published, problem=None, witnesses=())
        self._looked = True

    def health(self) -> PublisherHealth:
        return self._health

    def start(self, every: float) -> None:
        """Publish every so many seconds where there is something new, more slowly while the quorum is missed."""
        self._thread = threading.Thread(target=self._run, args=(every,), name="ledger-publisher", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread after the round under way."""
        self._ended.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()
        self._log.close()

    def publish(self) -> PublisherHealth:
        """One round. Raises nothing for what stores and witnesses do: see the health it gives."""
        with self._one:
            try:
                self._health = self._publish()
            except (StoreError, TlogError, OSError) as error:
                self._health = self._problem(str(error))
            return self._health

    def _publish(self) -> PublisherHealth:
        state = self._newest()
        if not self._looked:
            self._look()
        done = self._health.problem is None and self._health.published == state.size
        if done and self._folder.bucket is not None and abs(self._clock() - self._seen) < LOOK_AGAIN:
            return self._health
        note = self._public.published()
        self._seen = self._clock()
        if (kept := self._kept(note, state)) is not None:
            return kept
        standing = self._endorsed(note)
        if standing == state.size and done:
            return self._health
        if standing is None and not self._public.holds(self._exported):  # somebody emptied the folder
            self._exported = 0
        self._public.export(self._log, old=self._exported, new=state.size)
        self._exported = state.size
        self._step("tiles")
        note = Note.parse(state.note)
        now = int(self._clock())
        policy = self._folder.policy
        given = self._witnesses.cosign(
            note,
            state.edge,
            log_nodes(self._log, state.size),
            enough=lambda signatures: policy.assess(note.with_signatures(signatures), now=now).quorum_met,
        )
        if given.contradiction is not None:
            self._contradicted(given.contradiction)
            return self._problem(given.contradiction, behind=state.size, witnesses=given.answers)
        cosigned = note.with_signatures(given.signatures)
        assessment = policy.assess(cosigned, now=now)
        self._step("cosigned")
        if not assessment.quorum_met:
            return self._problem(assessment.words, behind=state.size, witnesses=given.answers)
        with _alone(self._folder):
            # The witnesses took their time, and a process that was stopped any time. A bucket looks for itself.
            if self._folder.bucket is None and (kept := self._kept(self._public.published(), state)) is not None:
                return kept
            self._public.publish(cosigned)
        self._step("published")
        self._public.prune(old=self._health.published, new=state.size)
        return PublisherHealth(
            published=state.size, at=self._clock(), behind=state.size, problem=None, witnesses=given.answers
        )

    def _problem(
        self, problem: str, *, behind: int | None = None, witnesses: tuple[WitnessAnswer, ...] | None = None
    ) -> PublisherHealth:
        last = self._health
        return PublisherHealth(
            published=last.published,
            at=last.at,
            behind=last.behind if behind is None else behind,
            problem=problem,
            witnesses=last.witnesses if witnesses is None else witnesses,
        )

    def _kept(self, note: Note | None, state: LogState) -> PublisherHealth | None:
        """Why what stands published is not replaced; None: it may be."""
        if wrong := self._contradicts(note, state):
            self._contradicted(wrong)
            return self._problem(wrong, behind=state.size)
        standing = self._endorsed(note)
        if standing is not None and standing > state.size:
            return self._problem(f"a newer checkpoint, of size {standing}, is published already", behind=state.size)
        return None

    def _contradicts(self, note: Note | None, state: LogState) -> str | None:
        """What a published checkpoint that this log signed proves against it, if something."""
        try:
            there = Checkpoint.parse(note.text) if note is not None else None
            ours = note is not None and self._folder.policy.signed_by_log(note)
        except TlogError:
            return None
        if there is None or not ours or there.origin != self._folder.settings.origin:
            return None
        where = self._folder.public_name
        if there.size > state.size:
            # Another gate may have written on and published meanwhile: then the log has it.
            state = self._log.state()
        if there.size > state.size:
            return f"{there.size} entries are published in {where}, the log has {state.size}: it was rolled back"
        if root_at(there.size, log_nodes(self._log, state.size)) != there.root:
            return f"another root than the log's is published in {where} at size {there.size}: there are two histories"
        return None

    def _endorsed(self, note: Note | None = None) -> int | None:
        """The size of the checkpoint that stands published, if the policy as it is now accepts it."""
        note = self._public.published() if note is None else note
        try:
            checkpoint = self._folder.policy.endorse(note).checkpoint if note is not None else None
        except TlogError:
            return None
        if checkpoint is None or checkpoint.origin != self._folder.settings.origin:
            return None
        return checkpoint.size

    def _run(self, every: float) -> None:
        rest = every
        while not self._ended.is_set():
            self._wanted.wait(rest)
            self._wanted.clear()
            if self._ended.is_set():
                break
            health = self.publish()
            rest = every if health.problem is None else min(LONGEST_REST, max(rest, every) * 2)


@contextmanager
def _alone(folder: LedgerFolder) -> Iterator[None]:
    """Within it no other process of this machine publishes in the folder: one that is stopped in here keeps the others
    out, until it goes on or ends. Nothing is held in a bucket, nor where the file system has no such locks. Raises
    `StorageFailed`."""
    handle = None
    try:
        with suppress(OSError):
            if folder.bucket is None:
                handle = os.open(folder.public, os.O_RDONLY | os.O_CLOEXEC)
        if handle is not None:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StorageFailed(f"{folder.public}: another process is publishing there") from None
            except OSError:
                pass
        yield
    finally:
        if handle is not None:
            os.close(handle)
