"""Intake's benchmark: every export that it writes is one that its source takes whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.intake_exports import EXPORTS


def test_it_measures_every_source_from_the_command_line(root: Path, tmp_path: Path) -> None:
    """Who wants to see whether their change made intake slower would see a traceback."""
    out = tmp_path / "out.json"
    command = [sys.executable, str(root / "benchmarks/intake.py"), "--size", "400", "--json", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = [line for line in json.loads(out.read_text("utf-8")) if line["who"] == "armslength"]
    assert [line["source"] for line in found] == list(EXPORTS)
    assert all(line.get("people", 0) + line.get("grants", 0) >= 100 for line in found)
