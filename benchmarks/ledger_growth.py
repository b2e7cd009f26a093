"""One ledger, and both peers, grow from size to size on the same acts; prints JSON, one object for each size.

    python benchmarks/ledger_growth.py FOLDER --customers 100000 --sizes 10000,100000,1000000

At each size everything is closed; the ledger is then opened, verified and read in fresh processes.
"""

from __future__ import annotations

import argparse
import json
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from armslength.service import Whose, export_sublog  # noqa: E402
from armslength.store import KeyDatabase, LedgerFolder  # noqa: E402
from benchmarks.ledger_acts import Acts, customer_name  # noqa: E402
from benchmarks.ledger_load import Recorder, Round, saturate  # noqa: E402
from benchmarks.ledger_made import ROUND, Ours, make  # noqa: E402
from benchmarks.peers.group_commit import GroupCommit  # noqa: E402
from benchmarks.peers.hash_chain import HashChain  # noqa: E402
from benchmarks.peers.merkle_tree import MerkleTree  # noqa: E402

BATCH = 512
PROOFS = 200
HERE = Path(__file__).resolve().parent


def visit(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, str(HERE / "ledger_visit.py"), *arguments]
    told: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return told


def grown(recorders: dict[str, Recorder], source: Acts, count: int) -> dict[str, dict[str, float]]:
    """Everybody takes the same acts, in turns."""
    rounds: dict[str, list[Round]] = {name: [] for name in recorders}
    while count:
        acts = source.draw(min(ROUND, count))
        count -= len(acts)
        for name, recorder in recorders.items():
            rounds[name].append(saturate(recorder, acts))
    return {
        name: {
            "rate": sum(each.records for each in given) / sum(each.seconds for each in given),
            "median": median(each.rate for each in given),
            "slowest": max(each.seconds / each.records for each in given),
            "processor": sum(each.processor for each in given) / sum(each.records for each in given),
        }
        for name, given in rounds.items()
    }


def file_bytes(path: Path) -> int:
    """Of a file, or of all files in a folder; what a file system rounds up to is not counted."""
    if path.is_dir():
        return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
    return path.stat().st_size if path.exists() else 0


def tables(path: Path) -> dict[str, int]:
    """Bytes of each table of an SQLite file with its indexes; empty where this SQLite cannot say."""
    query = (
        "SELECT tbl_name, sum(pgsize) FROM dbstat JOIN sqlite_schema USING (name)"
        " WHERE aggregate = TRUE GROUP BY tbl_name"
    )
    with closing(sqlite3.connect(path)) as db:
        try:
            return dict(db.execute(query))
        except sqlite3.OperationalError:
            return {}


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def chain_visit(path: Path) -> dict[str, float]:
    """A hash chain proves one record only by all after it, so checking is walking."""
    with closing(HashChain(path)) as chain:
        return {"check": timed(chain.check)}


def tree_visit(path: Path, size: int) -> dict[str, float]:
    with closing(MerkleTree(path)) as tree:
        first = timed(lambda: tree.prove(0))
        root = tree.root()
        proving, verifying = [], []
        for place in range(PROOFS):
            index = place * size // PROOFS
            start = time.perf_counter()
            proof = tree.prove(index)
            between = time.perf_counter()
            tree.verify(index, proof, root)
            proving.append(between - start)
            verifying.append(time.perf_counter() - between)
        return {"first": first, "prove": median(proving), "verify": median(verifying)}


def own_log(folder: LedgerFolder, name: str, into: Path, records: int) -> float:
    """Bytes of one of a customer's records in their own log as a tree of tiles."""
    export_sublog(folder, Whose(name=name), into, now=int(time.time()))
    return file_bytes(into) / records


def stand(folder: LedgerFolder, scratch: Path, customers: int) -> dict[str, Any]:
    """What the ledger weighs, and what opening, verifying and reading it takes."""
    name = known(folder, customers)
    bundle = visit("bundle", str(folder.path), name, str(scratch / "bundle.json"))
    return {
        "open": visit("open", str(folder.path)),
        "fsck": visit("fsck", str(folder.path)),
        "prove": visit("prove", str(folder.path), str(PROOFS)),
        "bundle": bundle,
        "own log": own_log(folder, name, scratch / f"own-{time.time_ns()}", max(1, int(bundle["records"]))),
        "log.db": file_bytes(folder.log),
        "keys.db": file_bytes(folder.keys),
        "public": file_bytes(folder.public),
        "entries": file_bytes(folder.public / "tile" / "entries"),
        "tables": tables(folder.log),
    }


def known(folder: LedgerFolder, customers: int) -> str:
    """The first customer who has records."""
    with closing(KeyDatabase(folder.keys)) as keys:
        return next(name for name in map(customer_name, range(customers)) if keys.customer(name) is not None)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--customers", type=int, required=True)
    parser.add_argument("--sizes", required=True, help="numbers of records, separated by commas, ascending")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    source = Acts(asked.seed, asked.customers)
    folder = make(asked.folder / "ledger")
    chain, tree = asked.folder / "chain.db", asked.folder / "tree.db"
    before = 0
    for size in map(int, asked.sizes.split(",")):
        ours = Ours(folder.path)
        recorders: dict[str, Recorder] = {
            "armslength": ours,
            "hash chain": GroupCommit(HashChain(chain), BATCH),
            "pymerkle": GroupCommit(MerkleTree(tree), BATCH),
        }
        rates = grown(recorders, source, size - before)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        publishing = timed(ours.ledger.publish)
        for recorder in recorders.values():
            recorder.close()
        told = {
            "size": size,
            "rates": rates,
            "rss": peak,
            "publish": publishing,
            **stand(folder, asked.folder, asked.customers),
            "chain": {**chain_visit(chain), "bytes": file_bytes(chain)},
            "tree": {**tree_visit(tree, size), "bytes": file_bytes(tree)},
        }
        print(json.dumps(told), flush=True)
        before = size


if __name__ == "__main__":
    main()
