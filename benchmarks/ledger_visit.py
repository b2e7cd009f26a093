"""One visit to a ledger in a process of its own, so that its seconds and its peak of memory are its own; prints JSON.

python benchmarks/ledger_visit.py open FOLDER              ready to record
python benchmarks/ledger_visit.py fsck FOLDER              everything verified again
python benchmarks/ledger_visit.py prove FOLDER COUNT       proofs of entries spread over the log, then verified
python benchmarks/ledger_visit.py bundle FOLDER NAME FILE  a customer's bundle, written
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from armslength.ledger import format_bundle  # noqa: E402
from armslength.service import Whose, check_ledger, customer_bundle, open_ledger, prove_entry  # noqa: E402
from armslength.store import PublicFolder, read_ledger_folder  # noqa: E402
from armslength.tlog import Checkpoint, leaf_hash  # noqa: E402


def visit_open(path: Path) -> dict[str, object]:
    start = time.perf_counter()
    ledger = open_ledger(path)
    seconds = time.perf_counter() - start
    ledger.close()
    return {"seconds": seconds}


def visit_fsck(path: Path) -> dict[str, object]:
    start = time.perf_counter()
    found = check_ledger(read_ledger_folder(path, signing=False))
    return {
        "seconds": time.perf_counter() - start,
        "records": found.records,
        "opened": found.opened,
        "findings": [f"{finding.where}: {finding.problem}" for finding in found.findings],
    }


def visit_prove(path: Path, count: int) -> dict[str, object]:
    folder = read_ledger_folder(path, signing=False)
    note = PublicFolder(folder.public).published()
    assert note is not None
    size = Checkpoint.parse(note.text).size
    proving, verifying, length = [], [], 0
    for place in range(count):
        start = time.perf_counter()
        leaf, proof = prove_entry(folder, place * size // count)
        proving.append(time.perf_counter() - start)
        start = time.perf_counter()
        proof.verify(leaf_hash(leaf), folder.policy)
        verifying.append(time.perf_counter() - start)
        length = len(proof.format())
    return {"prove": median(proving), "verify": median(verifying), "bytes": length}


def visit_bundle(path: Path, name: str, file: Path) -> dict[str, object]:
    start = time.perf_counter()
    bundle = customer_bundle(read_ledger_folder(path, signing=False), Whose(name=name))
    with file.open("w", encoding="utf-8") as into:
        into.writelines(format_bundle(bundle))
    return {
        "seconds": time.perf_counter() - start,
        "records": len(bundle.leaves),
        "tail": len(bundle.tail),
        "bytes": file.stat().st_size,
    }


def main() -> None:
    what, path, *rest = sys.argv[1:]
    if what == "open":
        told = visit_open(Path(path))
    elif what == "fsck":
        told = visit_fsck(Path(path))
    elif what == "prove":
        told = visit_prove(Path(path), int(rest[0]))
    elif what == "bundle":
        told = visit_bundle(Path(path), rest[0], Path(rest[1]))
    else:
        raise SystemExit(f"{what!r}: expected open, fsck, prove or bundle")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**told, "rss": peak}))


if __name__ == "__main__":
    main()
