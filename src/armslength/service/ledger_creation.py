"""Making a ledger: its keys, its stores, and the signed checkpoint of the empty log."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from armslength.store import (
    Held,
    LedgerFolder,
    LedgerSettings,
    LogState,
    create_ledger_folder,
    finish_ledger_folder,
    open_keys,
    open_lock,
    open_log,
)
from armslength.tlog import EMPTY, Algorithm, Checkpoint, Edge, Note, SigningKey, sign_note

SEED = 32
LOG_KEYS = (Algorithm.ED25519, Algorithm.COSIGNATURE_ML_DSA_44)
"""A log signs with both: Ed25519 is what public witnesses and today's tools read, ML-DSA-44 outlasts quantum
computers."""


def log_keys(origin: str, chance: Callable[[int], bytes]) -> tuple[SigningKey, ...]:
    """New signing keys of a log. `chance` gives random bytes fit for keys."""
    return tuple(SigningKey(name=origin, algorithm=algorithm, seed=chance(SEED)) for algorithm in LOG_KEYS)


def policy_text(keys: tuple[SigningKey, ...], witnesses: str = "") -> str:
    """A tlog-policy with the log's keys and, if lines for witnesses, groups and the quorum are given, those."""
    logs = "".join(f"log {key.verifier.text}\n" for key in keys)
    return logs + (witnesses or "quorum none\n")


def create_ledger(
    path: Path, *, settings: LedgerSettings, witnesses: str, clock: Callable[[], float], chance: Callable[[int], bytes]
) -> LedgerFolder:
    """Make a ledger in the folder at `path`. `witnesses` are the policy's lines besides the log's keys.

    Raises `StoreError` where there is one already or it cannot be written, `Malformed` for an origin or a policy that
    is none.
    """
    keys = log_keys(settings.origin, chance)
    folder = create_ledger_folder(path, settings=settings, signers=keys, policy=policy_text(keys, witnesses))
    text = Checkpoint(origin=settings.origin, size=0, root=EMPTY).format()
    now = int(clock())
    signatures = tuple(sign_note(text, key, timestamp=now if key.algorithm.timestamped else None) for key in keys)
    note = Note(text=text, signatures=signatures).format()
    # All three are reached before anything is put into one of them.
    with (
        closing(open_lock(folder, create=True)) as lock,
        open_log(folder, writing=True, create=True) as log,
        closing(open_keys(folder, writing=True, create=True)) as secrets,
    ):
        log.create(LogState(origin=settings.origin, edge=Edge.empty(), note=note, mapped=0, time=0))
        secrets.create(settings.origin, chance(SEED))
        lock.create(settings.origin, Held(size=0, root=EMPTY))
    finish_ledger_folder(folder)
    return folder
