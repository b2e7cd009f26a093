"""Making a gate: its folder, its keys, its ledger, and its first estate."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from armslength.service.gate_glass import glass_problems
from armslength.service.ledger_creation import create_ledger
from armslength.store import (
    GateFolder,
    GateSettings,
    LedgerSettings,
    Source,
    StoreError,
    create_gate_folder,
    parsed,
)

LEDGER = "ledger"


def create_gate(
    path: Path,
    *,
    settings: GateSettings,
    estate: Mapping[str, bytes],
    witnesses: str = "",
    lock: str | None = None,
    log: str | None = None,
    keys: str | None = None,
    clock: Callable[[], float] = time.time,
    chance: Callable[[int], bytes] = secrets.token_bytes,
) -> GateFolder:
    """Make a gate in the folder at `path`. Its ledger is made with it, unless the settings name one that is elsewhere;
    `witnesses` are the lines of its policy besides its own keys, `lock`, `log` and `keys` where its stores are to
    be, if not in its folder: paths, or PostgreSQL connection strings. The estate holds from the gate's first start on.

    Raises `StoreError`, `EstateError`, `Malformed` for an origin or a policy that is none; then nothing is left behind.
    """
    if settings.break_glass:
        read = parsed(Source(description="the estate", files=dict(estate))).estate
        if problems := list(glass_problems(settings.break_glass, read)):
            raise StoreError("\n".join(problems))

    def fill(made: Path) -> None:
        if settings.ledger == LEDGER:
            create_ledger(
                made / LEDGER,
                settings=LedgerSettings(
                    origin=settings.origin, lock=lock or "lock.db", log=log or "log.db", keys=keys or "keys.db"
                ),
                witnesses=witnesses,
                clock=clock,
                chance=chance,
            )

    return create_gate_folder(path, settings=settings, estate=estate, chance=chance, fill=fill)
