"""Erasures that a crash cuts off."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.faults.harness import ROOT
from tests.faults.shim import built


def cases(every: int, seed: int) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.erasing", str(every), str(seed)],
        cwd=ROOT,
        env={**os.environ, "LD_PRELOAD": str(built()), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.slow)])
def test_an_erasure_is_recorded_and_done_or_neither(every: int) -> None:
    """Somebody was told that nothing about them is left. Bytes that a crash left behind in a file or its write-ahead
    log would make that a lie; and keys destroyed without a record of it look like a record that is being hidden."""
    found = cases(every, seed=every)
    for case in found:
        assert case["started"] and not case["failed"] and case["problems"] == [], case
        assert case["left"] == (0 if case["recorded"] else case["secrets"]), case
    for scope in ("everything", "records", "fields"):
        ends = [case["recorded"] for case in found if case["scope"] == scope]
        assert ends == sorted(ends) and set(ends) == {False, True}
