"""Writers that are killed, or whose storage fails, at every step and call. See `life` for what is asked of each."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.harness import ROOT, shimmed
from tests.faults.life import STEPS

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(record_property: Callable[[str, object], None]) -> Run:
    """Runs a campaign in a process of its own and gives its tally."""

    def running(campaign: str, *, lives: int, seed: int) -> dict[str, Any]:
        arguments = ["--json", "--campaign", campaign, "--lives", str(lives), "--seed", str(seed)]
        done = subprocess.run(shimmed(arguments), cwd=ROOT, capture_output=True, text=True)
        assert done.stdout, done.stderr
        tally: dict[str, Any] = json.loads(done.stdout)
        record_property("kills", tally["kills"])
        return tally

    return running


def places(tally: dict[str, Any]) -> set[str]:
    return {where for _, where, _ in tally["kills"]}


def test_a_writer_killed_in_any_step_of_a_commit_loses_nothing_it_acknowledged(run: Run) -> None:
    """Whoever opened access on a receipt that is gone after a crash has opened it without a record."""
    tally = run("steps", lives=72, seed=1)
    assert tally["problems"] == []
    assert places(tally) >= {f"step {step}" for step in STEPS}


def test_a_writer_killed_in_any_call_that_changes_a_file_loses_nothing_it_acknowledged(run: Run) -> None:
    """A crash does not wait for the steps that a program has names for; a torn write must not become an entry."""
    tally = run("calls", lives=90, seed=2)
    assert tally["problems"] == []
    assert {where.rpartition(" ")[0] for where in places(tally)} >= {"write", "torn write", "sync"}


def test_a_writer_whose_storage_fails_at_any_call_goes_on_when_it_is_sound_again(run: Run) -> None:
    """A full disk or a bad cable, once, twice in a row or for long, must cost nobody a record, nor the log."""
    tally = run("failing", lives=60, seed=3)
    assert tally["problems"] == []
    assert sum(tally["injected"].values()) > 30


def test_a_batch_whose_fsync_failed_is_there_with_its_keys_or_not_at_all(run: Run) -> None:
    """After such a failure SQLite takes the batch back in memory, and its file may still hold it: a crash then brought
    it back with its keys dropped, and a record that nobody can read looks like one that is being hidden."""
    tally = run("unsettled", lives=40, seed=4)
    assert tally["problems"] == []


def test_a_writer_killed_at_any_moment_loses_nothing_it_acknowledged(run: Run) -> None:
    """All sorts of kills in one ledger's history, and each has to leave what the next one needs."""
    tally = run("anywhere", lives=70, seed=5)
    assert tally["problems"] == []


def test_the_harness_finds_what_is_lost_on_a_disk_whose_fsync_does_nothing(run: Run) -> None:
    """A harness that finds nothing here would find nothing anywhere."""
    tally = run("lying", lives=6, seed=6)
    assert any("acknowledged and is lost" in problem for problem in tally["problems"])


@pytest.mark.slow
def test_ten_thousand_kills_lose_nothing(run: Run) -> None:
    """Some orders of events come once in thousands of crashes, and a log lives for years."""
    tallies = [
        run("steps", lives=960, seed=11),
        run("calls", lives=960, seed=12),
        run("failing", lives=960, seed=13),
        run("unsettled", lives=960, seed=14),
        run("anywhere", lives=8000, seed=15),
    ]
    assert [tally["problems"] for tally in tallies] == [[]] * len(tallies)
    assert sum(count for tally in tallies for _, _, count in tally["kills"]) >= 10_000
