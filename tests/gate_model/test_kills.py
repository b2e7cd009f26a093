"""Gates that are killed while several people ask, approve, use and revoke. `lives` says what each is held against."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.campaign import ROOT, shimmed_module
from tests.gate_model.lives import STEPS

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(record_property: Callable[[str, object], None]) -> Run:
    """Runs a campaign in a process of its own and gives its tally."""

    def running(*, lives: int, seed: int, campaign: str = "anywhere") -> dict[str, Any]:
        arguments = ["--json", "--campaign", campaign, "--lives", str(lives), "--seed", str(seed)]
        command = shimmed_module("tests.gate_model.killing", arguments)
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.stdout, done.stderr
        tally: dict[str, Any] = json.loads(done.stdout)
        record_property("gate-kills", tally["kills"])
        return tally

    return running


def test_a_gate_that_is_killed_keeps_what_it_promised(run: Run) -> None:
    """A lease that lives again after a crash, a use that is forgotten, an approval that counts twice: whoever can make
    a process end could choose among them."""
    tally = run(lives=48, seed=1)
    assert tally["problems"] == []
    assert tally["kills"].keys() >= {f"step {step}" for step in STEPS}
    assert tally["promises"].keys() >= {"asked", "approved", "lent", "used", "ended", "lost"}


def test_what_a_disk_loses_that_says_it_does_not_is_found(run: Run) -> None:
    """A harness that finds nothing here would find nothing anywhere."""
    assert run(lives=4, seed=3, campaign="lying")["problems"]


@pytest.mark.slow
def test_thousands_of_kills_break_no_promise(run: Run) -> None:
    """Some orders of events come once in thousands of crashes."""
    tally = run(lives=5000, seed=2)
    assert tally["problems"] == []
    assert sum(tally["kills"].values()) >= 4500
