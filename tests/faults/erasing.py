"""Erasures cut off at every call: afterwards either the record stands, or nothing that would open it is left anywhere.

    python -m tests.faults.erasing EVERY SEED

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
import traceback
from collections.abc import Callable
from pathlib import Path

from armslength.ledger import Json, OpenField, parse_openings
from tests.faults.checker import check, rows
from tests.faults.harness import scratch
from tests.faults.history import History
from tests.faults.plans import POWERS
from tests.faults.shim import Deed, Power, Shim
from tests.service.ledgers import act, copied, erasure, ledger_folder, opened, record

SCOPES: dict[str, Json] = {
    "everything": "everything",
    "records": [{"sequence": 0}, {"sequence": 1}],
    "fields": [{"labels": ["note"], "sequence": 0}, {"labels": ["note"], "sequence": 1}],
}


def forked(run: Callable[[], None]) -> int:
    """What a process of its own ended with."""
    child = os.fork()
    if child == 0:
        try:
            run()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return os.waitpid(child, 0)[1]


def secrets(folder: Path, scope: str) -> list[bytes]:
    """Bytes that must be nowhere once it is erased."""
    found: list[bytes] = []
    keys = folder / "keys.db"
    for index, wrapped, openings in rows(keys, "SELECT idx, wrapped, openings FROM openings WHERE idx IN (0, 1)"):
        fields = [field for field in parse_openings(openings) if isinstance(field, OpenField)]
        ((box,),) = rows(folder / "log.db", f"SELECT box FROM payloads WHERE idx={index}")
        found += [wrapped, box, *(field.opening for field in fields if scope != "fields" or field.label == "note")]
    if scope == "everything":
        found += [key for (key,) in rows(keys, "SELECT key FROM customers WHERE name='ann'")]
    return found


def cut(bare: Path, place: Path, scope: str, at: int, power: Power, seed: int) -> dict[str, object]:
    """One erasure, cut off before the `at`-th call."""
    folder = copied(bare, place / "ledger")
    attic = place / "attic"
    attic.mkdir(exist_ok=True)
    gone = secrets(folder, scope)

    def erase() -> None:
        with opened(folder) as ledger:
            shim = Shim()
            shim.watch(folder, power=power, attic=attic, seed=seed, report=-1)
            shim.plan(Deed.BEFORE, at=at)
            ledger.append(erasure("erases", "ann", SCOPES[scope])).result()
            shim.plan(Deed.COUNT)

    def start() -> None:
        with opened(folder):
            pass

    killed = os.WIFSIGNALED(status := forked(erase)) and os.WTERMSIG(status) == signal.SIGKILL
    started = forked(start) == 0
    recorded = bool(rows(folder / "log.db", "SELECT 1 FROM erasures"))
    data = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    problems = check(folder, History())
    shutil.rmtree(attic)
    return {
        "scope": scope,
        "at": at,
        "killed": killed,
        "failed": status != 0 and not killed,
        "started": started,
        "recorded": recorded,
        "left": sum(secret in data for secret in gone),
        "secrets": len(gone),
        "problems": problems,
    }


def cases(every: int, seed: int) -> list[dict[str, object]]:
    rng = random.Random(seed)
    found: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(prefix="armslength-faults-", dir=scratch()) as name:
        place = Path(name)

        def make() -> None:
            record(ledger_folder(place / "bare"), act("first", "ann"), act("second", "ann"), act("third", "bob"))

        assert forked(make) == 0
        for scope in SCOPES:
            at = 1 + rng.randrange(every)
            while not found or found[-1]["killed"] or found[-1]["scope"] != scope:
                found.append(cut(place / "bare", place, scope, at, rng.choice(POWERS), rng.getrandbits(32)))
                at += every
    return found


if __name__ == "__main__":
    print(json.dumps(cases(int(sys.argv[1]), int(sys.argv[2]))))
