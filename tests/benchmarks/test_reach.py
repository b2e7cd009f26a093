"""The benchmark itself: what it prints is what it measured, and a peer that differs is not passed over."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.reach import per_target, seconds, size, table


def test_it_measures_and_compares_from_the_command_line(root: Path, tmp_path: Path) -> None:
    """Who wants to see whether their change made reach slower would see a traceback."""
    command = [
        sys.executable,
        str(root / "benchmarks/reach.py"),
        "--people",
        "20",
        "--json",
        str(tmp_path / "out.json"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (result,) = json.loads((tmp_path / "out.json").read_text("utf-8"))["engine"]
    assert result["people"] == 20
    assert result["pairs"] == sum(result["lengths"].values()) > 0
    assert result["lengths"]["open"] == 0
    assert set(result["whatif"]) == {"travel", "leaver", "grant"}
    assert f"{result['pairs']:,}" in done.stdout
    for told in (*result["seconds"].values(), *result["whatif"].values(), result["witness"]):
        assert set(told) == {"wall", "processor"}
    for clock in ("wall", "processor"):
        parts = [result["seconds"][part][clock] for part in ("imports", "load", "reach")]
        assert sum(parts) == pytest.approx(result["seconds"]["all"][clock])
        assert all(re.search(rf"\b{clock}  +{part:.2f}\b", done.stdout) for part in parts[:1])


def test_a_contest_needs_an_estate_without_policies(root: Path, tmp_path: Path) -> None:
    """A ratio against a peer that leaves half of the estate out would be no ratio."""
    for script, *arguments in (("generator.py", str(tmp_path), "--people", "20"), ("contest.py", str(tmp_path))):
        command = [sys.executable, str(root / "benchmarks" / script), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "--no-cedar" in done.stderr


def test_sizes_are_read_in_grants() -> None:
    """Ten times too many people is another benchmark."""
    assert [size(text) for text in ("1k", "10k", "1M", "500")] == [100, 1_000, 100_000, 50]
    with pytest.raises(argparse.ArgumentTypeError, match="at least 200"):
        size("100")


def test_a_long_time_is_told_in_a_unit_one_can_weigh() -> None:
    """Nobody can tell 31,557,600 s from ten times as much."""
    assert [seconds(value) for value in (0.0012, 1.5, 7_200, 200_000, 63_115_200)] == [
        "1.2 ms", "1.50 s", "2.0 h", "2.3 d", "2.0 y",
    ]  # fmt: skip


def test_a_rate_from_unfinished_targets_is_a_lower_bound() -> None:
    """A peer that was cut off would look faster than it is, or be mocked on too few targets."""
    peer = {"started": 3, "solved": 2, "each": 10.0}
    shown = per_target([{"grants": 1000, "pairs": 100, "engine": 1.0, "cpsat": peer}])
    assert "≥ 10.00 s" in shown
    assert "≥ 1,000×" in shown
    assert "too few" in shown


def test_columns_line_up() -> None:
    """A table that does not line up is misread."""
    lines = table(("a", "long head"), [("wide cell", "1"), ("2", "3")]).splitlines()
    assert len({len(line) for line in lines}) == 1
