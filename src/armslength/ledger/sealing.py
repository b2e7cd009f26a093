"""Sealing: a record's fields become a commitment for the leaf, a box for the store, and openings for the key store.

The box is encrypted under a key of its own, which is wrapped under the customer's. Destroying the wrapped key and the
openings leaves nothing that can be read or guessed at; the leaf and every proof stay as they are.
Box and wrapped key are bound to the commitment: neither can be moved to another record.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from armslength.ledger.commitment import OPENING_SIZE, Opening, commit, fold
from armslength.ledger.openings import (
    ErasedField,
    Field,
    OpenField,
    check_fields,
    field_bytes,
    format_openings,
    openings_bytes,
    parse_openings,
)
from armslength.tlog import Json, Malformed, Unverified, canonical, parse_canonical

KEY_SIZE = 32
NONCE_SIZE = 12
TAG_SIZE = 16

Chance = Callable[[int], bytes]
"""As many random bytes as asked for, fit for keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A record's fields, sealed. `commitment` goes into the leaf, `box` to the store; `wrapped` and `kept`, which are
    the openings as `format_openings` writes them, go to the key store."""

    commitment: bytes
    kept: bytes = field(repr=False)
    box: bytes
    wrapped: bytes

    @property
    def fields(self) -> tuple[Field, ...]:
        """Ascending by label."""
        return parse_openings(self.kept)

    @property
    def commitments(self) -> tuple[bytes, ...]:
        return tuple(field.commitment for field in self.fields)

    @property
    def openings(self) -> dict[str, Opening]:
        """Those that are not erased, by label."""
        return {field.label: field.opening for field in self.fields if isinstance(field, OpenField)}


def seal(fields: Mapping[str, Json], key: bytes, chance: Chance) -> Sealed:
    """Seal the fields of a new record under the customer's key. `chance` is asked once.

    Raises `Malformed` for a label or value that cannot be committed to.
    """
    return seal_values({label: canonical(value, label=label) for label, value in fields.items()}, key, chance)


def seal_values(fields: Mapping[str, bytes], key: bytes, chance: Chance) -> Sealed:
    """As `seal`, where the values are in their canonical form already. Raises `Malformed` for a label."""
    fresh = _drawn(chance, KEY_SIZE + 2 * NONCE_SIZE + OPENING_SIZE * len(fields))
    at = KEY_SIZE + 2 * NONCE_SIZE
    # Bytes and no `OpenField`s: a batch of those alone would keep the garbage collector busy.
    opened: list[bytes] = []
    committed: list[tuple[str, bytes]] = []
    members: list[bytes] = []
    for label in sorted(fields):
        value = fields[label]
        opening = fresh[at : at + OPENING_SIZE]
        at += OPENING_SIZE
        commitment = commit(opening, label, value)
        committed.append((label, commitment))
        named = label.encode("ascii")
        opened.append(field_bytes(named, commitment, opening))
        members.append(b'"%b":%b' % (named, value))
    # Labels are of ASCII only, so their order is that of RFC 8785 and they need no escape.
    payload = b"{%b}" % b",".join(members)
    return _boxed(payload, openings_bytes(opened), commitment=fold(committed), key=key, fresh=fresh)


def unseal(*, key: bytes, wrapped: bytes, box: bytes, commitment: bytes) -> dict[str, Json]:
    """The fields that were sealed, those erased since left out.

    Raises `Unverified` if key, wrapped key, box and commitment do not belong together. That the values are those
    committed to is for `check_fields` to say: who holds the keys could have sealed others.
    """
    record_key = _opened(wrapped, _cipher(key), commitment, what="wrapped key")
    if len(record_key) != KEY_SIZE:
        raise Unverified(f"the wrapped key holds {len(record_key)} bytes, expected {KEY_SIZE}")
    payload = _opened(box, AESGCM(record_key), commitment, what="box")
    try:
        values = parse_canonical(payload, label="payload")
    except Malformed as error:
        raise Unverified(f"the box holds no fields: {error}") from None
    if not isinstance(values, dict):
        raise Unverified("the box holds no fields, but another sort of JSON")
    return cast(dict[str, Json], values)


def reseal(
    *,
    without: Collection[str],
    key: bytes,
    wrapped: bytes,
    box: bytes,
    commitment: bytes,
    fields: tuple[Field, ...],
    chance: Chance,
) -> Sealed:
    """The same record without some of its fields: their values and openings are gone, their commitments stay.

    The key is new, so a copy of the old box is of no use once the old wrapped key is destroyed. A field erased before
    is no error: a restored backup has its erasures done again. Raises `Malformed` for a label that the record has not,
    `Unverified` if what is stored does not belong together.
    """
    labels = [field.label for field in fields]
    for label in sorted(without):
        if label not in labels:
            raise Malformed(f'the record has no field "{label}", only {", ".join(labels)}')
    values = unseal(key=key, wrapped=wrapped, box=box, commitment=commitment)
    check_fields(commitment=commitment, fields=fields, values=values)
    left = {label: value for label, value in values.items() if label not in without}
    kept = tuple(
        ErasedField(label=field.label, commitment=field.commitment) if field.label in without else field
        for field in fields
    )
    fresh = _drawn(chance, KEY_SIZE + 2 * NONCE_SIZE)
    return _boxed(canonical(left, label="payload"), format_openings(kept), commitment=commitment, key=key, fresh=fresh)


def _boxed(payload: bytes, kept: bytes, *, commitment: bytes, key: bytes, fresh: bytes) -> Sealed:
    record_key = fresh[:KEY_SIZE]
    nonce, wrapping = fresh[KEY_SIZE : KEY_SIZE + NONCE_SIZE], fresh[KEY_SIZE + NONCE_SIZE : KEY_SIZE + 2 * NONCE_SIZE]
    return Sealed(
        commitment=commitment,
        kept=kept,
        box=nonce + AESGCM(record_key).encrypt(nonce, payload, commitment),
        wrapped=wrapping + _cipher(key).encrypt(wrapping, record_key, commitment),
    )


def _opened(sealed: bytes, cipher: AESGCM, commitment: bytes, *, what: str) -> bytes:
    if len(sealed) < NONCE_SIZE + TAG_SIZE:
        raise Unverified(f"the {what} has only {len(sealed)} bytes")
    try:
        return cipher.decrypt(sealed[:NONCE_SIZE], sealed[NONCE_SIZE:], commitment)
    except InvalidTag:
        raise Unverified(
            f"the {what} does not open: altered, or with the key or commitment of another record"
        ) from None


def _cipher(key: bytes) -> AESGCM:
    # AESGCM would take a key of 16 bytes as well, and quietly be weaker.
    if len(key) != KEY_SIZE:
        raise Malformed(f"a customer's key has {KEY_SIZE} bytes, not {len(key)}")
    return AESGCM(key)


def _drawn(chance: Chance, size: int) -> bytes:
    fresh = chance(size)
    if len(fresh) != size:
        raise ValueError(f"asked for {size} random bytes, got {len(fresh)}")
    return fresh
