"""The benchmark of repair: a proof that another solver does not share is not passed over."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.repair import at, differs, gap, least, progress


def test_it_repairs_and_solves_the_certificate_again(root: Path, tmp_path: Path) -> None:
    """Who doubts the solver would have to take its word."""
    command = [sys.executable, str(root / "benchmarks/repair.py"), "--sizes", "200", "--no-cedar", "--limit", "20"]
    done = subprocess.run([*command, "--json", str(tmp_path / "out.json")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (result,) = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert result["people"] == 20 and result["verified"] and result["changes"] > 0
    assert result["proven"] and result["peer"]["solved"]
    assert result["peer"]["bound"] == result["bound"] == result["cost"]
    assert "CP-SAT" in done.stdout


def test_a_repair_cut_short_is_told(root: Path, tmp_path: Path) -> None:
    """Whoever sets a limit that is too short would see a traceback."""
    command = [sys.executable, str(root / "benchmarks/repair.py"), "--sizes", "1k", "--limit", "0.05"]
    done = subprocess.run([*command, "--json", str(tmp_path / "out.json")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (result,) = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert not result["proven"] and result["remaining"] > 0
    assert "no plan yet" in done.stdout


def test_another_least_cost_makes_the_run_fail() -> None:
    """A wrong bound would be printed as proof."""
    one = {"proven": True, "bound": 3.0, "peer": {"solved": True, "bound": 2.0}}
    assert differs(one)
    assert not differs(one | {"peer": {"solved": True, "bound": 3.0}})
    assert not differs(one | {"proven": False})


def test_what_was_known_at_a_moment() -> None:
    """A plan found after two minutes would be shown as found after ten seconds."""
    history = [{"at": 1.0, "cost": None}, {"at": 12.0, "cost": 9.0}]
    assert at(history, 0.5) is None
    assert at(history, 10) == history[0]
    assert at(history, 30) == history[1]


def test_how_it_ended_is_told() -> None:
    """A plan found after the last moment that is named would not be shown at all."""
    history = [
        {"at": 20.0, "cost": None, "bound": 3.0, "broken": 9, "aside": 0, "round": 2},
        {"at": 133.0, "cost": 8.0, "bound": 5.0, "broken": 0, "aside": 2, "round": 7},
    ]
    told = progress([{"grants": 10, "spent": 140.0, "history": history}], 130).splitlines()
    moments = [line.split()[1:4] for line in told if line.lstrip().startswith("10 ")]
    assert moments == [["30", "-", "3"], ["60", "-", "3"], ["120", "-", "3"], ["140", "8", "5"]]


def test_a_bound_of_the_other_solver_is_not_told_as_its_least() -> None:
    """Cut short, it would seem to have found a cheaper repair."""
    assert [least({"bound": 23.0, "solved": False}), least({"bound": 18.0, "solved": True})] == ["≥ 23", "18"]


def test_a_gap_is_told_only_of_a_plan() -> None:
    """No plan at all would read as a perfect one."""
    assert [gap(None, 4.0), gap(4.0, 4.0), gap(8.0, 4.0)] == ["no plan yet", "least", "50.0%"]
