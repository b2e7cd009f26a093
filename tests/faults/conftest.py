"""Tests of failing storage stand on a disk in memory, and tell at the end how many writers were killed, and where."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.harness import scratch


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder of its own. What fails here is made to fail, and none of it needs the disk's own time."""
    with tempfile.TemporaryDirectory(prefix="armslength-faults-", dir=scratch()) as folder:
        yield Path(folder)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    kills: Counter[str] = Counter()
    for report in [each for reports in terminalreporter.stats.values() for each in reports]:
        for name, value in getattr(report, "user_properties", ()):
            if name == "kills" and getattr(report, "when", "") == "call":
                for _, where, count in value:
                    kills[where] += count
    if kills:
        terminalreporter.section(f"{kills.total()} writers were killed")
        terminalreporter.write_line(", ".join(f"{where} {count}" for where, count in sorted(kills.items())))
