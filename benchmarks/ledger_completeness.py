"""A customer with many records checks, offline, that none is missing; prints JSON.

    python benchmarks/ledger_completeness.py FOLDER --own 100000 --others 10000

`armslength verify BUNDLE --policy FILE` runs in a fresh process, start and imports included: on a bundle that tells
nothing of the records, which is completeness alone, and on one that opens every field of every record.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.ledger_acts import Acts  # noqa: E402
from benchmarks.ledger_growth import visit  # noqa: E402
from benchmarks.ledger_made import ROUND, Ours, fill, make  # noqa: E402
from benchmarks.ledger_witness import running_witness  # noqa: E402

OWNER = "the customer"
TIMES = 5


def child(command: Sequence[str]) -> tuple[float, float, float, str]:
    """Wall seconds, processor seconds, peak of memory in MiB, and what it printed."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {printed}")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, printed


def verified(bundle: Path, policy: Path) -> tuple[dict[str, object], list[tuple[float, float, float, str]]]:
    """The verdict, and what each of some runs took."""
    command = [sys.executable, "-m", "armslength", "verify", str(bundle), "--policy", str(policy)]
    return json.loads(child([*command, "--format", "json"])[3]), [child(command) for _ in range(TIMES)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--own", type=int, required=True, help="the customer's records")
    parser.add_argument("--others", type=int, required=True, help="records of other customers, among them")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    source = Acts(asked.seed, max(1, asked.others))
    with running_witness(asked.folder / "witness") as witness:
        folder = make(asked.folder / "ledger", witnesses=witness.policy)
        witness.watch([key.verifier.text for key in folder.signers])
        with closing(Ours(folder.path)) as ours:
            done = 0
            while done < asked.own:
                some = min(ROUND, asked.own - done)
                done += some
                fill(ours, [*source.on(OWNER, some), *source.draw(some * asked.others // asked.own)])
    bundle, policy = asked.folder / "customer.bundle.json", asked.folder / "policy"
    made = visit("bundle", str(folder.path), OWNER, str(bundle))
    policy.write_bytes((folder.path / "policy").read_bytes())
    closed = asked.folder / "closed.bundle.json"
    closed.write_text(json.dumps({**json.loads(bundle.read_bytes()), "opened": []}))
    document, runs = verified(bundle, policy)
    alone, closed_runs = verified(closed, policy)
    assert alone["verdict"] == document["verdict"]
    print(
        json.dumps(
            {
                "records": made["records"],
                "bytes": made["bytes"],
                "make": made["seconds"],
                "verify": median(run[0] for run in runs),
                "processor": median(run[1] for run in runs),
                "alone": median(run[0] for run in closed_runs),
                "alone_processor": median(run[1] for run in closed_runs),
                "rss": max(run[2] for run in runs),
                "verdict": document,
            }
        )
    )


if __name__ == "__main__":
    main()
