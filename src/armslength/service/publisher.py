"""The publisher: takes the newest durable checkpoint, has it cosigned, and publishes it with the tiles it needs.

What is published is the newest checkpoint that met the policy's quorum. While too few witnesses answer, the old one
stays and the status says since when: the log goes on recording, and nobody is told that more is witnessed than is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from armslength.service.witnesses import WitnessAnswer, Witnesses
from armslength.store import LedgerFolder, LogDatabase, PublicFolder, StoreError, log_nodes
from armslength.tlog import Checkpoint, Note, TlogError, verify_signature

LONGEST_REST = 60.0
"""Seconds between tries while the quorum is missed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherHealth:
    """`published` is the size of the newest checkpoint that met the quorum, `at` the time it was published (POSIX
    seconds; 0: not by this process), `behind` the size of the newest durable one when it was last looked at.
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
        contradicted: Callable[[str], None],
    ) -> None:
        """`contradicted` is told what a witness proved against this log; nothing is published then. Raises
        `StoreError`."""
        self._folder, self._witnesses, self._clock = folder, witnesses, clock
        self._step, self._contradicted = step, contradicted
        self._public = PublicFolder(folder.public)
        self._log = LogDatabase(folder.log)
        self._one = threading.Lock()
        self._wanted = threading.Event()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        published = self._ours()
        self._exported = published
        self._health = PublisherHealth(published=published, at=0.0, behind=published, problem=None, witnesses=())

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
        state = self._log.state()
        if state.size == self._health.published and self._public.published() is not None:
            return self._health
        self._public.export(self._log, old=self._exported, new=state.size)
        self._exported = state.size
        self._step("tiles")
        note = Note.parse(state.note)
        given = self._witnesses.cosign(note, state.edge, log_nodes(self._log, state.size))
        if given.contradiction is not None:
            self._contradicted(given.contradiction)
            return self._problem(given.contradiction, behind=state.size, witnesses=given.answers)
        cosigned = note.with_signatures(given.signatures)
        assessment = self._folder.policy.assess(cosigned, now=int(self._clock()))
        self._step("cosigned")
        if not assessment.quorum_met:
            return self._problem(assessment.words, behind=state.size, witnesses=given.answers)
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

    def _ours(self) -> int:
        """The size of the checkpoint that stands published, 0 if none that this log signed does: then all is exported
        afresh."""
        note = self._public.published()
        if note is None:
            return 0
        try:
            checkpoint = Checkpoint.parse(note.text)
            signed = any(verify_signature(note, log.key) is not None for log in self._folder.policy.logs)
        except TlogError:
            return 0
        return checkpoint.size if signed and checkpoint.origin == self._folder.settings.origin else 0

    def _run(self, every: float) -> None:
        rest = every
        while not self._ended.is_set():
            self._wanted.wait(rest)
            self._wanted.clear()
            if self._ended.is_set():
                break
            health = self.publish()
            rest = every if health.problem is None else min(LONGEST_REST, max(rest, every) * 2)
