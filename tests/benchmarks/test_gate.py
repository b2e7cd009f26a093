"""The gate's benchmark: the gate and Cedar give the same answers to what is drawn, and everything is measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.gate_decisions import casbin_of, cedar_of, gate_of
from benchmarks.gate_estates import draw


def test_everybody_answers_what_they_can_know_alike() -> None:
    """A peer that is asked something else is no peer."""
    drawn = draw(policies=40, people=300, seed=3, asks=300)
    gate, decider = gate_of(drawn)
    cedar, peer = cedar_of(drawn, decider), casbin_of(drawn)
    answers = [(gate(one), cedar(one), peer(one)) for one in drawn.asks]
    assert all(ours == bare for ours, bare, _ in answers)
    # pycasbin knows no forbids: it may say yes where both refuse, and never the other way.
    assert all(other or not ours for ours, _, other in answers)
    assert {ours for ours, _, _ in answers} == {True, False}


def test_it_measures_everything_from_the_command_line(root: Path, tmp_path: Path) -> None:
    """Who wants to see whether their change made the gate slower would see a traceback."""
    command = [sys.executable, str(root / "benchmarks/gate.py"), "--quick", "--json", str(tmp_path / "out.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert set(found) == {"decisions", "http", "leases", "nginx"}
    assert {each["who"] for each in found["decisions"]} == {"gate", "cedarpy", "pycasbin"}
    assert {each["who"] for each in found["http"]} == {"gate", "constant"}
    assert "not measured" not in done.stdout
