"""New signing keys for a log, and the end of old ones.

Between the two the log signs with both, so that witnesses and customers have time to take the new keys into their
policies. A key that no longer signs stays in the log's own policy: old checkpoints and proofs verify as before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from armslength.ledger import Kind
from armslength.service.act import ACT_SIZE, Act
from armslength.service.ledger import Ledger
from armslength.service.ledger_creation import log_keys
from armslength.service.question import Refusal
from armslength.store import LedgerFolder, read_ledger_folder, write_policy, write_signers
from armslength.tlog import Algorithm, LogKey, SigningKey, VerifierKey


def add_keys(path: Path, *, chance: Callable[[int], bytes]) -> tuple[VerifierKey, ...]:
    """Make the log in the folder at `path` sign with new keys as well. Gives them. Raises `StoreError`."""
    folder = read_ledger_folder(path)
    added = log_keys(folder.settings.origin, chance)
    policy = replace(
        folder.policy, logs=folder.policy.logs + tuple(LogKey(key=key.verifier, url=None) for key in added)
    )
    _record(folder, chance, {"added": [key.verifier.text for key in added]})
    # The policy comes first: a key that is trusted and does not sign yet does no harm, the other way round it would.
    write_policy(path, policy.format())
    write_signers(path, folder.signers + added)
    _sign_once(path, chance)
    return tuple(key.verifier for key in added)


def retire_keys(path: Path, ids: Collection[str], *, chance: Callable[[int], bytes]) -> tuple[VerifierKey, ...]:
    """Make the log stop signing with the keys of these ids (eight hexadecimal digits). Gives them.

    Raises `Refusal` if a key is not one that signs, or if no Ed25519 key would be left, and `StoreError`.
    """
    folder = read_ledger_folder(path)
    ids = tuple(dict.fromkeys(ids))
    known = {key.verifier.id.hex(): key for key in folder.signers}
    problems = [f"no signing key {each!r}: expected one of {', '.join(known)}" for each in ids if each not in known]
    left = tuple(key for name, key in known.items() if name not in ids)
    if not problems and not any(key.algorithm is Algorithm.ED25519 for key in left):
        problems.append("no Ed25519 key would be left to sign; add new keys first: armslength ledger rotate-key")
    if problems:
        raise Refusal(problems)
    retired: tuple[SigningKey, ...] = tuple(known[each] for each in ids)
    _record(folder, chance, {"retired": [key.verifier.text for key in retired]})
    write_signers(path, left)
    _sign_once(path, chance)
    return tuple(key.verifier for key in retired)


def _record(folder: LedgerFolder, chance: Callable[[int], bytes], fields: dict[str, list[str]]) -> None:
    with Ledger(folder) as ledger:
        ledger.append(Act(id=chance(ACT_SIZE), kind=Kind.KEY_CHANGE, fields={**fields})).result()


def _sign_once(path: Path, chance: Callable[[int], bytes]) -> None:
    """Open the log once with its new keys, and publish what they sign."""
    with Ledger(read_ledger_folder(path)) as ledger:
        entries = ledger.health().writer.size
        ledger.append(Act(id=chance(ACT_SIZE), kind=Kind.HEARTBEAT, fields={"entries": entries})).result()
