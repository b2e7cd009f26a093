"""Ledgers whose making a crash cuts off."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.faults.harness import ROOT
from tests.faults.shim import built


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_a_ledger_is_made_whole_or_is_none(every: int) -> None:
    """One with its keys and without its lock would sign what nobody can hold against it; and once `init` has said that
    a ledger is made, its keys are handed out, and a power failure must not take it."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.making", str(every), "1"],
        cwd=ROOT,
        env={**os.environ, "LD_PRELOAD": str(built()), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) > 30 // every
    for case in found:
        assert case["used"] and case["opened"] >= case["made"], case
    assert [case["opened"] for case in found].count(False) > 20 // every
