"""What an enforcement point has to be told."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from armslength.enforce.spool import MOST_BYTES

_SECRET = re.compile(r"pt_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PointSettings:
    """`url` is the gate's, https unless it is on this machine; `gate` the origin of its ledger, which its leases name;
    `secret` the point's, from the gate's settings.

    `spool` is a folder on a disk that outlives the process, for uses of leases that are checked here; None: the gate is
    asked each time, and nothing goes on without it.
    """

    url: str
    gate: str
    secret: str = field(repr=False)
    spool: Path | None
    authority: Path | None = None
    """The file that the gate's certificate verifies with; None: the system's."""
    poll_seconds: float = 5.0
    """Between two looks at the gate's list, which may be a minute old, and its routes. Uses that wait are sent then."""
    timeout_seconds: float = 5.0
    """For one answer of the gate; a person waits for it."""
    most_spool_bytes: int = MOST_BYTES

    def __post_init__(self) -> None:
        """Raises `ValueError` with every problem."""
        problems = []
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or "@" in parts.netloc:
            problems.append(f"the gate's url {self.url[:80]!r}: expected https:// and a host, without a path")
        elif parts.scheme == "http" and parts.hostname not in _LOCAL:
            problems.append(f"the gate's url {self.url[:80]!r}: expected https, as the point's secret travels on it")
        if not self.gate or self.gate != self.gate.strip():
            problems.append(f"the gate {self.gate[:80]!r}: expected the origin of its ledger")
        if not _SECRET.fullmatch(self.secret):
            problems.append("the point's secret: expected pt_ and 43 characters of base64url")
        if not 0.05 <= self.poll_seconds <= 30:
            problems.append(f"polling every {self.poll_seconds:g} s: expected up to 30, as a list is good for a minute")
        if not 0.1 <= self.timeout_seconds <= 60:
            problems.append(f"a time-out of {self.timeout_seconds:g} s: expected 0.1 to 60")
        if self.most_spool_bytes < 4096:
            problems.append(f"a spool of {self.most_spool_bytes} bytes: expected 4096 or more")
        if problems:
            raise ValueError("; ".join(problems))
