"""What a ceremony does to keys: each act can be told to be done or not from the files alone, and done again after it
was broken off anywhere.

INVARIANT: an act changes a secret by putting one whole file in another's place, so that there is the old key or the
new one. What a kill leaves beside it (a half-written file, a public key that was announced and whose private one is
lost) is taken away before the act is done again, and when the ceremony is given up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from armslength.gate import PersonId, State, posix
from armslength.ledger import Json, Kind
from armslength.service.act import ACT_SIZE, Act
from armslength.service.gate_ceremony_script import ActName
from armslength.service.gate_drill import LastDrill
from armslength.service.gate_drill_desk import DrillDesk
from armslength.service.ledger import Ledger
from armslength.service.ledger_records import read_records
from armslength.service.ledger_rotation import add_keys, retire_keys
from armslength.service.question import Refusal
from armslength.store import (
    GateFolder,
    StorageFailed,
    read_gate_folder,
    read_ledger_folder,
    replace_file,
    sync_folder,
    write_lease_keys,
    write_policy,
)

KEY_SIZE = 32
LEASE_KEYS, ROW_KEY, SIGNING = "lease.keys", "row.key", "signing.keys"
"""As the folders of a gate and of a ledger call them."""
Chance = Callable[[int], bytes]
Read = dict[str, str]
"""What is read aloud, by the name of the key."""


def aloud(data: bytes) -> str:
    """80 bits of SHA-256, in groups of four digits of base 16: short enough to be read aloud."""
    text = hashlib.sha256(data).hexdigest()[:20]
    return " ".join(text[i : i + 4] for i in range(0, 20, 4))


def present(kind: ActName, folder: GateFolder, people: Sequence[str], state: Callable[[], State]) -> Read:
    """What there is now of the keys that a ceremony of this kind is about; the `state` is asked for where they are
    people's alone, for of a large ledger it takes long. Raises `StoreError`."""
    path = folder.path
    match kind:
        case "found" | "spare":
            held = state()
            return {
                f"{each.key.person}, enrolled as entry {each.index}": key_aloud(
                    each.key.credential, each.key.public_key
                )
                for person in people
                for each in held.keys_of(PersonId(person))
                if each.revoked is None
            }
        case "ledger-keys" | "retire-ledger-keys":
            signers = read_ledger_folder(folder.ledger).signers
            return {
                f"{key.verifier.id.hex()} {key.algorithm.name.lower()}": aloud(key.verifier.text.encode())
                for key in signers
            }
        case "lease-keys" | "retire-lease-keys":
            keys = read_gate_folder(path).lease_keys
            return {f"lease key {number}": aloud(_public(key)) for number, key in enumerate(keys, 1)}
        case "row-key":
            row_key = read_gate_folder(path).row_key
            assert row_key is not None
            return {"check value of row.key": aloud(_check_value(row_key))}


def key_aloud(credential: bytes, public_key: bytes) -> str:
    """As the console shows the fingerprint of a passkey."""
    return aloud(len(credential).to_bytes(2, "big") + credential + public_key)


def done(kind: ActName, before: Mapping[str, str], now: Mapping[str, str], people: Sequence[str]) -> bool:
    """Whether the act has been done whole, by what there was and what there is."""
    held, holds = frozenset(before.values()), frozenset(now.values())
    match kind:
        case "found":
            return all(any(name.startswith(f"{person}, ") for name in now) for person in people)
        case "spare" | "ledger-keys" | "lease-keys" | "row-key":
            return bool(holds - held)
        case "retire-ledger-keys":
            return not any(name.partition(" ")[0] in people for name in now)
        case "retire-lease-keys":
            return len(now) == 1


def perform(kind: ActName, folder: GateFolder, people: Sequence[str], *, chance: Chance) -> None:
    """Do it, after `mend`. Not for acts that people do themselves. Raises `Refusal`, `StoreError`, and may be done
    again then."""
    match kind:
        case "ledger-keys":
            add_keys(folder.ledger, chance=chance)
        case "retire-ledger-keys":
            retire_keys(folder.ledger, people, chance=chance)
        case "lease-keys" | "retire-lease-keys" | "row-key":
            # Held meanwhile, so that no gate starts with a key that is just going.
            with Ledger(read_ledger_folder(folder.ledger)):
                _in_the_folder(kind, folder.path, chance)
        case "found" | "spare":
            raise ValueError(f"people do {kind} themselves")


def _in_the_folder(kind: Literal["lease-keys", "retire-lease-keys", "row-key"], path: Path, chance: Chance) -> None:
    match kind:
        case "lease-keys":
            keys = read_gate_folder(path).lease_keys
            write_lease_keys(path, (Ed25519PrivateKey.from_private_bytes(chance(KEY_SIZE)), *keys))
        case "retire-lease-keys":
            write_lease_keys(path, read_gate_folder(path).lease_keys[:1])
        case "row-key":
            _another_row_key(path, chance)
    sync_folder(path)


def mend(kind: ActName, folder: GateFolder, *, known: Collection[str], since: int, chance: Chance) -> None:
    """Take away what a kill left beside the keys; `known` are the verifier keys that the log's policy had before,
    `since` an entry of the ledger before the ceremony. Raises `StoreError`."""
    path, ledger = folder.path, folder.ledger
    for place in (path / LEASE_KEYS, path / ROW_KEY, ledger / SIGNING):
        try:
            place.with_name(f".{place.name}.new").unlink(missing_ok=True)
        except OSError as error:
            raise StorageFailed(f"{place}: {error.strerror}") from error
    if kind == "ledger-keys":
        _withdraw(ledger, known, since, chance)


def policy_keys(folder: GateFolder) -> tuple[str, ...]:
    """The verifier keys that the log's policy has. Raises `StoreError`."""
    return tuple(log.key.text for log in read_ledger_folder(folder.ledger, signing=False).policy.logs)


def _withdraw(ledger: Path, known: Collection[str], since: int, chance: Chance) -> None:
    """Keys that were announced and never came to sign: nobody has their private part."""
    folder = read_ledger_folder(ledger)
    there = {*known, *(key.verifier.text for key in folder.signers)}
    announced: dict[str, None] = {}
    for each in read_records(folder, since):
        if each.record.kind is Kind.KEY_CHANGE and each.fields is not None:
            announced |= dict.fromkeys(_texts(each.fields.get("added")))
            for text in _texts(each.fields.get("retired")):
                announced.pop(text, None)
    announced |= dict.fromkeys(log.key.text for log in folder.policy.logs)
    lost = [text for text in announced if text not in there]
    if not lost:
        return
    kept = tuple(log for log in folder.policy.logs if log.key.text not in lost)
    with Ledger(folder) as log:
        fields = {"retired": list(lost)}
        log.append(Act(id=chance(ACT_SIZE), kind=Kind.KEY_CHANGE, fields={**fields})).result()
    write_policy(ledger, replace(folder.policy, logs=kept).format())


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _another_row_key(path: Path, chance: Chance) -> None:
    """What was sealed with the old one goes first: nobody could read it afterwards. What the gate has to remember of it
    is sealed anew."""
    desk = DrillDesk(read_gate_folder(path))
    try:
        _check_no_drill(desk)
        last: LastDrill | None = desk.last()
        desk.forget()
    finally:
        desk.close()
    replace_file(path / ROW_KEY, chance(KEY_SIZE), mode=0o600)
    sync_folder(path)
    if last is not None:
        desk = DrillDesk(read_gate_folder(path))
        try:
            desk.remember(last)
        finally:
            desk.close()


def _check_no_drill(desk: DrillDesk) -> None:
    standing = desk.standing()
    if (
        standing is not None
        and not standing.closed
        and not standing.refused
        and posix(standing.drill.expires) > desk.now()
    ):
        raise Refusal([f"the drill {standing.drill.id} is under way: end it first"])


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def _check_value(key: bytes) -> bytes:
    return HKDFExpand(algorithm=SHA256(), length=16, info=b"armslength gate check value").derive(key)
