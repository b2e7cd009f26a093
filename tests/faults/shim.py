"""The failing storage of shim.c, built once and spoken to from a process that was started with it."""

from __future__ import annotations

import ctypes
import enum
import hashlib
import os
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")
CACHE = Path(__file__).resolve().parents[2] / ".cache" / "faults"


class Call(enum.IntEnum):
    """The kinds of calls, as shim.c counts them."""

    WRITE = 0
    SYNC = 1
    TRUNCATE = 2
    RENAME = 3
    UNLINK = 4
    CREATE = 5
    MKDIR = 6


class Deed(enum.IntEnum):
    """What is done to a call: nothing, the end of the process before it, after it or within it, an error, or, to an
    fsync, that it does nothing and says that it did."""

    COUNT = 0
    BEFORE = 1
    AFTER = 2
    TORN = 3
    FAIL = 4
    LIE = 5


class Power(enum.IntEnum):
    """What the end of the process takes along: nothing, all that was not synced, or a part of that."""

    KEPT = 0
    LOST = 1
    PARTLY = 2


def built() -> Path:
    """The shim's library. Fails where there is no compiler, and says what to install."""
    compiler = shutil.which("gcc")
    if compiler is None:
        raise RuntimeError("the tests of failing storage need a C compiler: apt-get install gcc libc6-dev")
    library = CACHE / f"shim-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]}.so"
    if not library.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        beside = library.with_suffix(f".{os.getpid()}")
        command = [compiler, "-O2", "-Wall", "-shared", "-fPIC", "-o", str(beside), str(SOURCE), "-ldl", "-lpthread"]
        subprocess.run(command, check=True)
        beside.replace(library)
    return library


class Shim:
    """The shim in this process."""

    def __init__(self) -> None:
        """Raises `RuntimeError` in a process that was started without it."""
        self._c = ctypes.CDLL(None)
        if not hasattr(self._c, "fault_watch"):
            raise RuntimeError("this process was started without the shim: LD_PRELOAD is not set to it")
        for name in ("fault_hits", "fault_matched", "fault_counted"):
            getattr(self._c, name).restype = ctypes.c_long

    def watch(self, folder: Path, *, power: Power, attic: Path, seed: int, report: int) -> None:
        """Count the calls below `folder` from now on. `attic`, on the same disk, takes files that lost their name;
        the death of the process is told to the file descriptor `report`."""
        self._c.fault_watch(
            bytes(folder.resolve()), bytes(attic.resolve()), int(power), ctypes.c_uint64(seed), ctypes.c_int(report)
        )

    def plan(
        self,
        deed: Deed,
        *,
        at: int = 1,
        many: int = 1,
        error: int = 0,
        calls: Collection[Call] = tuple(Call),
        ending: str = "",
        then: int = 0,
    ) -> None:
        """From the `at`-th of the calls from now on, counting those of these kinds on paths with this ending. With
        `then`, the process ends before that many-th call of any kind after them."""
        kinds = sum(1 << call for call in calls)
        numbers = (ctypes.c_long(at), ctypes.c_long(many), ctypes.c_long(then))
        self._c.fault_plan(int(deed), error, ctypes.c_uint(kinds), ending.encode(), *numbers)

    def hits(self) -> int:
        """How many calls something was done to since the plan."""
        return int(self._c.fault_hits())

    def matched(self) -> int:
        """How many calls the plan would have counted."""
        return int(self._c.fault_matched())

    def counted(self) -> dict[str, int]:
        """The calls of each kind since `watch`."""
        return {call.name.lower(): int(self._c.fault_counted(int(call))) for call in Call}

    def die(self, how: str) -> None:
        """End this process now, as the power of `watch` has it."""
        self._c.fault_die(how.encode())

    def die_later(self, microseconds: int) -> None:
        """End it from a thread of its own, whatever it is doing by then."""
        if self._c.fault_die_later(ctypes.c_long(microseconds)):
            raise RuntimeError("the thread that was to end this process could not be started")
