"""Rounds in which gates, their database and their network are ended: the small form of `tests.gate_shared.killing`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("rounds", [8, pytest.param(1000, marks=pytest.mark.slow)])
def test_whatever_is_ended_no_lease_is_without_its_quorum_and_no_record_is_lost(rounds: int) -> None:
    """In a process of its own, which forks every life from one that has no threads."""
    command = [sys.executable, "-m", "tests.gate_shared.killing", "--rounds", str(rounds), "--seed", "1"]
    ended = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-3000:]
    assert f"{rounds} rounds" in ended.stdout and "\n0 problems" in ended.stdout
