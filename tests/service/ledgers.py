"""Ledgers for tests: made in a folder, with a clock that stands still and chance that can be foretold."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path

from armslength.ledger import Json, Kind
from armslength.service import Act, Ledger, create_ledger
from armslength.store import LedgerFolder, LedgerSettings, read_ledger_folder
from armslength.tlog import Receipt
from tests.service.logs import NOW, seed

ORIGIN = "log.example.com/acts"
MARK = "Marker4711"
"""Stands in every value that is to be erased, so that its bytes can be searched for."""


class Clock:
    """A clock that is set by hand, in POSIX seconds."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Chance:
    """Bytes that differ with every call and are the same in every run; `given` are all that were."""

    def __init__(self, name: str) -> None:
        self._name, self._calls = name, count()
        self.given: list[bytes] = []

    def __call__(self, size: int) -> bytes:
        found = hashlib.shake_256(f"{self._name} {next(self._calls)}".encode()).digest(size)
        self.given.append(found)
        return found


def ledger_folder(
    path: Path,
    *,
    origin: str = ORIGIN,
    witnesses: str = "",
    heartbeat: float = 0.0,
    epoch: float = 1e6,
    **settings: int | float | str,
) -> LedgerFolder:
    """A new ledger. Heartbeats and map heads come only when a test asks for them, or at the end."""
    said = LedgerSettings(origin=origin, heartbeat=heartbeat, epoch=epoch, **settings)  # type: ignore[arg-type]
    create_ledger(path, settings=said, witnesses=witnesses, clock=Clock(), chance=Chance(f"making {path.name}"))
    return read_ledger_folder(path)


def opened(
    folder: LedgerFolder | Path,
    *,
    clock: Callable[[], float] | None = None,
    monotonic: Callable[[], float] | None = None,
    chance: Callable[[int], bytes] | None = None,
    step: Callable[[str], None] | None = None,
) -> Ledger:
    """The ledger, open for writing, read afresh where a path is given."""
    given = {"monotonic": monotonic, "chance": chance, "step": step}
    return Ledger(
        folder if isinstance(folder, LedgerFolder) else read_ledger_folder(folder),
        clock=clock or Clock(),
        **{name: value for name, value in given.items() if value is not None},  # type: ignore[arg-type]
    )


def act(
    name: str,
    *customers: str,
    kind: Kind = Kind.USE,
    fields: Mapping[str, Json] | None = None,
) -> Act:
    """The act of this name: the same id each time it is asked for."""
    said = {"action": "read", "note": f"{name} {MARK}"} if fields is None else fields
    return Act(id=seed(name)[:16], kind=kind, fields=said, customers=customers)


def erasure(name: str, customer: str, scope: Json = "everything") -> Act:
    return act(name, customer, kind=Kind.ERASURE, fields={"scope": scope, "reason": "gdpr-17"})


def recorded(ledger: Ledger, *acts: Act) -> list[Receipt]:
    """The receipts of acts, each a batch of its own."""
    return [ledger.append(each).result() for each in acts]


def record(folder: LedgerFolder | Path, *acts: Act) -> list[Receipt]:
    """Open the ledger, record the acts, publish, and let go."""
    with opened(folder) as ledger:
        return recorded(ledger, *acts)


def copied(source: Path, into: Path) -> Path:
    """The files of a ledger nobody has open, elsewhere: a backup, or its restoring over what is there."""
    shutil.rmtree(into, ignore_errors=True)
    shutil.copytree(source, into)
    return into
