"""An intake in a process of its own, to be killed, or to meet a full disk."""

from __future__ import annotations

import resource
import signal
import sys
from pathlib import Path

from armslength.intake import Harvest
from armslength.service import take_in
from armslength.store import StoreError
from tests.intake.firms import DAY, system

MOST = 50_000
"""Bytes of a file on the disk that is full."""


def grown(accounts: int) -> Harvest:
    """A system of so many accounts."""
    return system(**{f"u{n}": {"mail": f"u{n}@x.com"} for n in range(accounts)})


def main() -> int:
    what, estate, accounts = sys.argv[1:]
    harvest = grown(int(accounts))
    print("ready", flush=True)
    sys.stdin.readline()
    if what == "full":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (MOST, MOST))
    try:
        take_in(Path(estate), harvest, as_of=DAY, inputs=("a test",), keep={}, tell=lambda _: None)
    except StoreError as error:
        print(error)
        return 7
    return 0


if __name__ == "__main__":
    sys.exit(main())
