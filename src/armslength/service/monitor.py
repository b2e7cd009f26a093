"""A monitor: follows a log for somebody who has no reason to believe its operator.

A round takes the log's checkpoint, verifies it, brings the mirror to it entry by entry, checks what the entries say,
and then asks the witnesses, and other mirrors, what they were shown. It needs no secret. Nothing that others send ends
a round: it becomes a finding, and the rest of the round goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from armslength.ledger import format_minute, stamps
from armslength.service.monitor_audit import MirrorAudit
from armslength.service.monitor_catchup import CatchUp, Progress
from armslength.service.monitor_evidence import told
from armslength.service.monitor_finding import FindingKind, MonitorFinding
from armslength.service.monitor_weighing import Relation, Scales
from armslength.service.question import Refusal
from armslength.store import LogSource, MonitorFolder, StoreError, Unreachable, Unserved, WitnessClient
from armslength.tlog import TOLERANCE, Assessment, Malformed, Note, Policy, Unverified, verify_signature

MINUTE = 60
THE_LOG = "the log"


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorSettings:
    """`silence`: seconds without a new checkpoint, or since the newest entry, after which that is a finding; 0 for
    never. `withheld`: seconds that a log may take to serve what it signed for others. `timeout`: seconds for one
    answer."""

    silence: float = 900.0
    withheld: float = 300.0
    timeout: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round came to: the log, how many entries are mirrored and checked, the newest entry's time, and when it
    ended (POSIX seconds). `served` is the size of the checkpoint that the log showed; None if it showed none that
    counts."""

    origin: str | None
    served: int | None
    size: int
    checked: int
    newest: int
    at: int
    findings: tuple[MonitorFinding, ...]


class Monitor:
    """Follows the log that `source` reads, for one thread at a time."""

    def __init__(
        self,
        source: LogSource,
        policy: Policy,
        folder: Path,
        *,
        also: Sequence[LogSource] = (),
        settings: MonitorSettings | None = None,
        clock: Callable[[], float],
        progress: Progress = lambda what, done, total: None,
        step: Callable[[str], None] = lambda name: None,
    ) -> None:
        """`also` are other places that serve the same log; `close` closes them and `source`. `clock` in POSIX seconds;
        `step` is told the name of each step of the folder's writing when it is done. What `step` and `progress` raise
        ends a round, which the next goes on with. Raises `Refusal` where the policy knows no log, `StoreError` where
        the folder cannot be used."""
        if not policy.logs:
            raise Refusal(["the policy knows no log: expected a line `log <vkey>` with the key of the one to follow"])
        self._source, self._policy, self._also = source, policy, tuple(also)
        self._settings = settings or MonitorSettings()
        self._clock = clock
        self._folder = MonitorFolder(folder)
        try:
            self._scales = Scales(self._folder, policy)
            self._catch_up = CatchUp(self._folder, source, policy, step=step, progress=progress)
            self._audit = MirrorAudit(self._folder, policy, step=step, progress=progress)
            self._witnesses = WitnessClient()
        except BaseException:
            self._folder.close()
            raise

    def close(self) -> None:
        for source in (self._source, *self._also):
            source.close()
        self._witnesses.close()
        self._folder.close()

    def round(self) -> Round:
        """Look once. Raises `StoreError` where the monitor's own files fail; the next round goes on from there."""
        now = int(self._clock())
        findings: list[MonitorFinding] = []
        self._catch_up.publish()
        self._audit.run(now=now)
        served = self._log(findings, now)
        place = self._folder.place()
        if place is not None:
            self._audit.run(now=now)
            findings += self._scales.settle(now=now)
            findings += self._catch_up.disputed(about=THE_LOG)
            self._ask_witnesses(findings, now)
            self._ask_mirrors(findings, now)
            findings += self._scales.settle(now=now)
            findings += self._withheld(now)
            findings += self._silent(now)
        findings += self._standing(findings)
        place = self._folder.place()
        return Round(
            origin=None if place is None else place.origin,
            served=served,
            size=0 if place is None else place.size,
            checked=self._audit.size,
            newest=self._audit.time,
            at=int(self._clock()),
            findings=tuple(dict.fromkeys(findings)),
        )

    # The log

    def _log(self, findings: list[MonitorFinding], now: int) -> int | None:
        """Take the log's checkpoint and follow it. Gives its size, None where it shows none that counts."""
        try:
            data = self._source.checkpoint()
        except Unserved as problem:
            words = f"no checkpoint can be had from {self._source.place}: {problem}"
            findings.append(MonitorFinding(kind=FindingKind.UNREACHABLE, about=THE_LOG, words=words))
            return None
        assessment = self._assessed(data, THE_LOG, findings, now)
        if assessment is None:
            return None
        if self._folder.place() is None:
            self._folder.begin(assessment.checkpoint.origin, now=now)
        if not assessment.quorum_met:
            findings.append(MonitorFinding(kind=FindingKind.QUORUM, about=THE_LOG, words=assessment.words))
        self._dated(assessment, findings, now)
        relation, weighed = self._scales.weigh(assessment.note, about=THE_LOG, now=now)
        findings += weighed
        place = self._folder.place()
        assert place is not None
        size = assessment.checkpoint.size
        match relation:
            case Relation.AHEAD:
                findings += self._catch_up.to(assessment.note, about=THE_LOG, now=now)
            case Relation.BEHIND if not weighed:
                words = f"shows {size:,} entries, after {place.size:,}: a stale copy, or it was rolled back"
                findings.append(MonitorFinding(kind=FindingKind.STALE, about=THE_LOG, words=words))
            case Relation.SAME | Relation.BEHIND | Relation.AGAINST:
                pass
        return size

    def _assessed(self, data: bytes | Note, about: str, findings: list[MonitorFinding], now: int) -> Assessment | None:
        """A checkpoint that the policy's log signed; None with a finding otherwise."""
        kind = FindingKind.WITNESS
        try:
            note = data if isinstance(data, Note) else Note.parse(data)
            assessment = self._policy.assess(note, now=now)
            place = self._folder.place()
            if place is None or assessment.checkpoint.origin == place.origin:
                return assessment
            if about == THE_LOG:
                kind = FindingKind.OTHER_LOG
            words = f'shows the log "{assessment.checkpoint.origin}", expected "{place.origin}"'
        except Unverified as error:
            if about == THE_LOG:
                kind = FindingKind.UNSIGNED
            words = f"shows a checkpoint that does not count: {error}"
        except Malformed as error:
            if about == THE_LOG:
                kind = FindingKind.UNREADABLE
            words = f"shows what is no checkpoint: {error}"
        findings.append(MonitorFinding(kind=kind, about=about, words=words))
        return None

    def _dated(self, assessment: Assessment, findings: list[MonitorFinding], now: int) -> None:
        """Signatures from the future: whoever makes them can hide a rollback behind them."""
        for who, time in stamps(assessment.note, assessment.checkpoint.origin, self._policy).values():
            if time > now + TOLERANCE:
                words = f"the signature of {who} is dated {time - now:,} s ahead of this clock, and does not count"
                findings.append(MonitorFinding(kind=FindingKind.FUTURE, about=THE_LOG, words=words))

    # Others

    def _ask_witnesses(self, findings: list[MonitorFinding], now: int) -> None:
        """What each witness of the policy cosigned last."""
        place = self._folder.place()
        assert place is not None
        asked: set[str] = set()
        for witness in self._policy.witnesses:
            if witness.url is None or witness.url in asked:
                continue
            asked.add(witness.url)
            about = f'the witness "{witness.name}"'
            found = self._witnesses.latest(witness.url, place.origin, self._settings.timeout)
            if isinstance(found, Unreachable):
                words = f"does not tell what it cosigned: {found.reason}"
                findings.append(MonitorFinding(kind=FindingKind.WITNESS, about=about, words=words))
            elif found is None:
                if place.note and verify_signature(Note.parse(place.note), witness.key) is not None:
                    words = "says that it cosigned nothing of this log, whose checkpoint has its cosignature"
                    findings.append(MonitorFinding(kind=FindingKind.WITNESS, about=about, words=words))
            else:
                keys = [each.key for each in self._policy.witnesses if each.url == witness.url]
                shown = self._show(found, about, findings, now)
                if shown and not any(signature.by(key) for signature in found.signatures for key in keys):
                    words = "shows a checkpoint without its own cosignature"
                    findings.append(MonitorFinding(kind=FindingKind.WITNESS, about=about, words=words))

    def _ask_mirrors(self, findings: list[MonitorFinding], now: int) -> None:
        """What the other places show of the log."""
        for mirror in self._also:
            about = f"the mirror {mirror.place}"
            try:
                data = mirror.checkpoint()
            except Unserved as problem:
                words = f"no checkpoint can be had: {problem}"
                findings.append(MonitorFinding(kind=FindingKind.WITNESS, about=about, words=words))
                continue
            self._show(data, about, findings, now, tree=mirror)

    def _show(
        self, data: bytes | Note, about: str, findings: list[MonitorFinding], now: int, tree: LogSource | None = None
    ) -> bool:
        """Weigh what somebody shows. Whether it counts: the log signed it."""
        assessment = self._assessed(data, about, findings, now)
        if assessment is not None:
            findings += self._scales.weigh(assessment.note, about=about, now=now, tree=tree)[1]
        return assessment is not None

    # Time

    def _withheld(self, now: int) -> list[MonitorFinding]:
        """What the log signed for others and does not serve."""
        place = self._folder.place()
        assert place is not None
        return [
            MonitorFinding(
                kind=FindingKind.WITHHELD,
                about=claim.source,
                words=f"{claim.source} shows {claim.size:,} entries that the log signed; the log has served no more "
                f"than {place.size:,} of them for {now - claim.since:,} s",
                since=claim.since,
            )
            for claim in self._folder.claims()
            if claim.size > place.size and now - claim.since > self._settings.withheld
        ]

    def _silent(self, now: int) -> list[MonitorFinding]:
        """A log that goes on writes a heartbeat where nothing else happens."""
        place = self._folder.place()
        assert place is not None
        newest = self._audit.time
        found = []
        if newest > now + TOLERANCE + MINUTE:
            words = f"its newest entry is dated {format_minute(newest)}, {newest - now:,} s ahead of this clock"
            found.append(MonitorFinding(kind=FindingKind.FUTURE, about=THE_LOG, words=words))
        limit = self._settings.silence
        if not limit:
            return found
        if now - place.since > limit:
            words = f"no new checkpoint for {now - place.since:,} s"
            found.append(MonitorFinding(kind=FindingKind.SILENCE, about=THE_LOG, words=words, since=place.since))
        elif newest and now - newest - MINUTE > limit:
            words = f"no entry since {format_minute(newest)}, {now - newest:,} s ago, and no heartbeat"
            found.append(MonitorFinding(kind=FindingKind.SILENCE, about=THE_LOG, words=words, since=newest))
        return found

    # Evidence

    def _standing(self, findings: Sequence[MonitorFinding]) -> list[MonitorFinding]:
        """What was found before: it stays found as long as its file is in the folder."""
        now_told = {finding.evidence for finding in findings}
        standing = [told(self._folder, kept, about=THE_LOG) for kept in self._folder.kept()]
        found = [finding for finding in standing if finding.evidence not in now_told]
        entries = sum(kept.kind == FindingKind.CONTENT for kept in self._folder.kept())
        if (problems := self._folder.problems()) > entries and entries:
            words = f"{problems:,} problems in its entries in all, {entries:,} of them with evidence here"
            found.append(MonitorFinding(kind=FindingKind.CONTENT, about=THE_LOG, words=words))
        return found


def open_monitor(
    log: str,
    policy: Policy,
    folder: str,
    *,
    also: Sequence[str],
    settings: MonitorSettings,
    clock: Callable[[], float],
    progress: Progress,
) -> Monitor:
    """A monitor of the log at `log`, a URL or a folder. Raises `Refusal`."""
    source = LogSource(log, timeout=settings.timeout)
    others = tuple(LogSource(place, timeout=settings.timeout) for place in also)
    try:
        return Monitor(
            source, policy, Path(folder), also=others, settings=settings, clock=clock, progress=progress
        )
    except StoreError as error:
        raise Refusal([str(error)]) from None
