"""The bytes of a small log, as Go's packages make them, kept in the folder `golden`.

`python -m tests.foreign.golden` writes it anew. It never has to be: a change there is a change of the format."""

from __future__ import annotations

import shutil
from pathlib import Path

from armslength.tlog import format_entries
from tests.foreign.checker import run_go_checker
from tests.foreign.published import KEYS, ORIGIN, TIME, vkeys, write

GOLDEN = Path(__file__).with_name("golden")
SIZE = 257
INDEX = 200
ENTRIES = [f"entry {index}\n".encode() for index in range(SIZE)]


def make(folder: Path) -> None:
    """The log, the tlog-proof of entry INDEX, and the keys: signing keys first, then their verifier keys."""
    stdin = b"".join(format_entries([entry]) for entry in ENTRIES)
    signing = [key.text for key in KEYS]
    built = run_go_checker("build", folder / "log", ORIGIN, str(TIME), *signing, stdin=stdin)
    proof = run_go_checker("prove-log", folder / "log", str(INDEX))
    verifier = run_go_checker("vkey", *signing)
    assert built.accepted and proof.accepted and verifier.accepted
    write(folder / "proof", proof.output.encode())
    write(folder / "keys", "".join(f"{key}\n" for key in signing + verifier.lines).encode())


if __name__ == "__main__":
    shutil.rmtree(GOLDEN, ignore_errors=True)
    make(GOLDEN)
    print("\n".join(vkeys(KEYS)))
