"""Lives, one after another, each in a process of its own that is killed in the middle, and what they said on a pipe.

A harness says what a life is and what to make of its words; the fork, the waiting, the end of lives that hang, and the
command line are here.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.faults.shim import built

ROOT = Path(__file__).resolve().parents[2]
HUNG = 90.0
"""Seconds after which a life that does not end is a problem."""


def scratch() -> str | None:
    """A disk in memory where there is one: what a killed process wrote is there either way, and what a power failure
    takes the shim says."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a life said until it ended, and by which signal, if by one. `hung`: it had to be ended."""

    said: str
    signal: int | None
    hung: bool


def lived(life: Callable[[int], object], *, killed_after: float | None = None) -> Ended:
    """Have a life in a fork; it is given the pipe to speak on, and ends its process itself. `killed_after`: seconds
    until it is killed from here."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        life(writer)
        os._exit(0)
    os.close(writer)
    data, begun, signalled, hung = b"", time.monotonic(), False, False
    while True:
        limit = HUNG if killed_after is None or signalled else killed_after
        ready, _, _ = select.select([reader], [], [], max(0.0, begun + limit - time.monotonic()))
        if ready:
            more = os.read(reader, 1 << 16)
            if not more:
                break
            data += more
        else:
            hung |= signalled or killed_after is None
            os.kill(child, signal.SIGKILL)
            signalled = True
    os.close(reader)
    _, status = os.waitpid(child, 0)
    return Ended(said=data.decode(), signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else None, hung=hung)


def forked(make: Callable[[], object], *, what: str) -> None:
    """Make something in a fork: SQLite's connections and a ledger's threads are not carried over one."""
    child = os.fork()
    if child == 0:
        try:
            make()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    if os.waitpid(child, 0)[1]:
        raise RuntimeError(f"{what} to begin with could not be made")


class Tallied(Protocol):
    """What a campaign found."""

    problems: list[str]

    def document(self) -> dict[str, Any]: ...

    def words(self) -> str: ...


def shimmed_module(module: str, arguments: list[str]) -> list[str]:
    """A command that runs a harness with the failing storage loaded."""
    return ["env", f"LD_PRELOAD={built()}", "OPENBLAS_NUM_THREADS=1", sys.executable, "-m", module, *arguments]


def command_line(
    module: str,
    description: str | None,
    campaigns: Collection[str],
    run: Callable[[str, int, int], Tallied],
    *,
    lives: int,
) -> int:
    """A harness as a command: it starts itself again with the failing storage, and `run` is given the campaign, its
    lives (`lives`, where nobody says) and its seed."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--campaign", choices=campaigns, default="anywhere")
    parser.add_argument("--lives", type=int, default=lives, help="most of them end in a kill")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    if not os.environ.get("LD_PRELOAD"):
        command = shimmed_module(module, sys.argv[1:])
        os.chdir(ROOT)
        os.execvp(command[0], command)
    seed = random.randrange(2**32) if wanted.seed is None else wanted.seed
    tally = run(wanted.campaign, wanted.lives, seed)
    print(json.dumps(tally.document()) if wanted.json else f"seed {seed}\n{tally.words()}")
    return 1 if tally.problems else 0
