"""What a monitor may find. Each kind has its section in docs/monitor.md."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """`proven`: a file of evidence shows it to anyone. `alarm`: somebody has to look, now. `warning`: it may pass."""

    PROVEN = "proven"
    ALARM = "alarm"
    WARNING = "warning"


class FindingKind(StrEnum):
    """By what is wrong."""

    UNREACHABLE = "unreachable"
    UNREADABLE = "unreadable"
    UNSIGNED = "unsigned"
    OTHER_LOG = "other-log"
    QUORUM = "quorum"
    FUTURE = "future"
    STALE = "stale"
    ROLLBACK = "rollback"
    SPLIT = "split"
    UNSERVED = "unserved"
    ALTERED = "altered"
    TILE = "tile"
    CONTENT = "content"
    WITHHELD = "withheld"
    SILENCE = "silence"
    WITNESS = "witness"


_WARNINGS = {
    FindingKind.UNREACHABLE,
    FindingKind.UNREADABLE,
    FindingKind.FUTURE,
    FindingKind.STALE,
    FindingKind.UNSERVED,
    FindingKind.WITNESS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorFinding:
    """`about` is who showed it: the log, a witness or a mirror. `evidence` is the path of a file, `stands` whether it
    proves by itself what `words` say; `since` (POSIX seconds) when it was found first, where that is known."""

    kind: FindingKind
    about: str
    words: str
    evidence: str | None = None
    stands: bool = False
    since: int | None = None

    @property
    def severity(self) -> Severity:
        if self.stands:
            return Severity.PROVEN
        return Severity.WARNING if self.kind in _WARNINGS else Severity.ALARM
