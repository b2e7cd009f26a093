"""Ledgers whose making is cut off at every call: afterwards there is a whole one, or none that anything would open.

    python -m tests.faults.making EVERY SEED

with the shim loaded tries every EVERY-th call, and prints the cases as JSON.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from armslength.service import create_ledger
from armslength.store import LedgerSettings, StoreError, read_ledger_folder
from tests.faults.checker import check
from tests.faults.erasing import forked
from tests.faults.harness import scratch
from tests.faults.history import History
from tests.faults.plans import POWERS
from tests.faults.shim import Deed, Power, Shim
from tests.service.ledgers import ORIGIN, Chance, Clock, act, opened


def cut(place: Path, at: int, power: Power, seed: int) -> dict[str, object]:
    """One that is cut off before the `at`-th call, or in the end if there are fewer."""
    folder, attic = place / "ledger", place / "attic"
    attic.mkdir()
    folder.mkdir()

    def make() -> None:
        shim = Shim()
        shim.watch(folder, power=power, attic=attic, seed=seed, report=-1)
        shim.plan(Deed.BEFORE, at=at)
        create_ledger(
            folder, settings=LedgerSettings(origin=ORIGIN), witnesses="", clock=Clock(), chance=Chance("making")
        )
        (place / "made").touch()
        shim.die("made")

    def use() -> None:
        try:
            ledger = opened(read_ledger_folder(folder))
        except StoreError:
            return
        (place / "opened").touch()
        with ledger:
            ledger.append(act("first", "ann")).result()
        assert check(folder, History()) == []

    status = forked(make)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    case = {
        "at": at,
        "power": power.name,
        "used": forked(use) == 0,
        "made": (place / "made").exists(),
        "opened": (place / "opened").exists(),
    }
    for each in (folder, attic):
        shutil.rmtree(each)
    for name in ("made", "opened"):
        (place / name).unlink(missing_ok=True)
    return case


def cases(every: int, seed: int) -> list[dict[str, object]]:
    rng = random.Random(seed)
    found: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(prefix="armslength-faults-", dir=scratch()) as place:
        while sum(case["made"] is True for case in found) < len(POWERS):
            found.append(
                cut(Path(place), 1 + every * len(found), POWERS[len(found) % len(POWERS)], rng.getrandbits(32))
            )
    return found


if __name__ == "__main__":
    print(json.dumps(cases(int(sys.argv[1]), int(sys.argv[2]))))
