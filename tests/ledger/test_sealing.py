"""Sealing: what is sealed opens under its own key and commitment, and under no other; what is erased is gone."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from armslength.ledger import (
    ErasedField,
    Json,
    OpenField,
    Sealed,
    check_fields,
    commit,
    fold,
    reseal,
    seal,
    unseal,
)
from armslength.tlog import Malformed, Unverified
from tests.ledger.values import counted, fields, streamed

KEY = b"k" * 32
CHANCE = streamed(b"sealing")
VALUES: dict[str, Json] = {"action": "read", "asker": "person:ana", "reason": {"ticket": 7, "text": "é"}}
ONE = seal(VALUES, KEY, CHANCE)
TWO = seal(VALUES, KEY, CHANCE)


def _unsealed(sealed: Sealed, key: bytes = KEY) -> dict[str, Json]:
    return unseal(key=key, wrapped=sealed.wrapped, box=sealed.box, commitment=sealed.commitment)


def _resealed(sealed: Sealed, *labels: str) -> Sealed:
    return reseal(
        without=labels,
        key=KEY,
        wrapped=sealed.wrapped,
        box=sealed.box,
        commitment=sealed.commitment,
        fields=sealed.fields,
        chance=CHANCE,
    )


@given(fields, st.binary(min_size=32, max_size=32), st.binary(max_size=8))
def test_what_is_sealed_is_unsealed_and_opens_its_commitment(values: dict[str, Json], key: bytes, seed: bytes) -> None:
    """A record would be lost the moment it is written."""
    sealed = seal(values, key, streamed(seed))
    again = _unsealed(sealed, key)
    assert again == values
    check_fields(commitment=sealed.commitment, fields=sealed.fields, values=again)
    assert sealed.commitment == fold([(field.label, field.commitment) for field in sealed.fields])
    assert list(sealed.openings) == sorted(values)


def test_chance_is_asked_once_for_each_record_and_used_for_one_thing_each() -> None:
    """A nonce or opening used twice gives away what it protects."""
    asked: list[int] = []

    def chance(size: int) -> bytes:
        asked.append(size)
        return counted()(size)

    sealed = seal(VALUES, KEY, chance)
    assert asked == [32 + 12 + 12 + 3 * 32]
    drawn = counted()(asked[0])
    record_key = AESGCM(KEY).decrypt(sealed.wrapped[:12], sealed.wrapped[12:], sealed.commitment)
    assert record_key + sealed.box[:12] + sealed.wrapped[:12] + b"".join(sealed.openings.values()) == drawn


def test_two_records_of_the_same_fields_share_nothing() -> None:
    """From equal commitments anybody could tell that two acts were alike."""
    assert ONE.commitment != TWO.commitment
    assert not set(ONE.commitments) & set(TWO.commitments)
    assert ONE.box != TWO.box


@pytest.mark.parametrize(
    ("what", "changed"),
    [
        ("another key", {"key": b"l" * 32}),
        ("the box of another record", {"box": TWO.box}),
        ("the wrapped key of another record", {"wrapped": TWO.wrapped}),
        ("box and wrapped key of another record", {"box": TWO.box, "wrapped": TWO.wrapped}),
        ("the commitment of another record", {"commitment": TWO.commitment}),
        ("no box", {"box": b""}),
        ("a box cut short", {"box": ONE.box[:-1]}),
        ("a box of a nonce alone", {"box": ONE.box[:12]}),
        ("a longer box", {"box": ONE.box + b"\0"}),
        ("no wrapped key", {"wrapped": b""}),
        ("a wrapped key cut short", {"wrapped": ONE.wrapped[:-1]}),
    ],
)
def test_what_does_not_belong_together_does_not_open(what: str, changed: dict[str, bytes]) -> None:
    """Whoever can write to the store could show one record's fields as another's."""
    with pytest.raises(Unverified):
        unseal(**{"key": KEY, "wrapped": ONE.wrapped, "box": ONE.box, "commitment": ONE.commitment, **changed})


@given(st.sampled_from(["wrapped", "box", "commitment"]), st.integers(0, 10**6), st.integers(1, 255))
def test_a_changed_byte_does_not_open(which: str, at: int, change: int) -> None:
    """As above, at every byte."""
    stored = {"wrapped": ONE.wrapped, "box": ONE.box, "commitment": ONE.commitment}
    altered = bytearray(stored[which])
    altered[at % len(altered)] ^= change
    with pytest.raises(Unverified):
        unseal(**{"key": KEY, **stored, which: bytes(altered)})


@pytest.mark.parametrize("payload", [b"", b"[]", b"1", b'{"a": 1}', b'{"a":1,"a":1}', b"\xff"])
def test_a_box_of_something_else_is_refused(payload: bytes) -> None:
    """Whoever holds the keys could box what no reader expects."""
    commitment, record_key, nonce = b"c" * 32, b"r" * 32, b"n" * 12
    box = nonce + AESGCM(record_key).encrypt(nonce, payload, commitment)
    wrapped = nonce + AESGCM(KEY).encrypt(nonce, record_key, commitment)
    with pytest.raises(Unverified, match="the box holds no fields"):
        unseal(key=KEY, wrapped=wrapped, box=box, commitment=commitment)
    short = nonce + AESGCM(KEY).encrypt(nonce, record_key[:16], commitment)
    with pytest.raises(Unverified, match="the wrapped key holds 16 bytes"):
        unseal(key=KEY, wrapped=short, box=box, commitment=commitment)


def test_a_box_of_other_values_opens_no_commitment() -> None:
    """The firm could box other values than those it committed to in the log."""
    record_key, nonce = b"r" * 32, b"n" * 12
    payload = b'{"action":"read","asker":"person:bea","reason":{"text":"\xc3\xa9","ticket":7}}'
    box = nonce + AESGCM(record_key).encrypt(nonce, payload, ONE.commitment)
    wrapped = nonce + AESGCM(KEY).encrypt(nonce, record_key, ONE.commitment)
    values = unseal(key=KEY, wrapped=wrapped, box=box, commitment=ONE.commitment)
    with pytest.raises(Unverified, match='"asker" is not what was committed to'):
        check_fields(commitment=ONE.commitment, fields=ONE.fields, values=values)


@pytest.mark.parametrize("size", [0, 16, 24, 31, 33])
def test_a_key_of_another_size_is_refused(size: int) -> None:
    """AES would take 16 or 24 bytes, and every record be sealed more weakly than said."""
    with pytest.raises(Malformed, match=f"32 bytes, not {size}"):
        seal(VALUES, bytes(size), CHANCE)
    with pytest.raises(Malformed, match=f"32 bytes, not {size}"):
        _unsealed(ONE, bytes(size))


def test_chance_that_gives_too_little_is_not_used() -> None:
    """Keys would be cut short, and the last openings empty."""
    with pytest.raises(ValueError, match="asked for 152 random bytes, got 151"):
        seal(VALUES, KEY, lambda size: bytes(size - 1))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"asker": float("nan")}, 'the field "asker" has no canonical form'),
        ({"asker": 2**53}, 'the field "asker" has no canonical form'),
        ({"asker": "\ud800"}, 'the field "asker" has no canonical form'),
        ({"Asker": 1}, '"Asker" is no label'),
        ({"asker ": 1}, "is no label"),
        ({"é": 1}, "is no label"),
    ],
)
def test_what_cannot_be_sealed_is_refused_by_its_label(values: dict[str, Json], message: str) -> None:
    """The caller would not learn which field to mend, or the log would take a record that nobody can open."""
    with pytest.raises(Malformed, match=message):
        seal(values, KEY, CHANCE)


@given(fields, st.data())
def test_resealing_takes_the_labels_and_nothing_else(values: dict[str, Json], data: st.DataObject) -> None:
    """An erasure that takes more destroys evidence; one that takes less leaves personal data."""
    sealed = seal(values, KEY, CHANCE)
    gone = data.draw(st.sets(st.sampled_from(sorted(values)))) if values else set()
    left = _resealed(sealed, *gone)
    assert left.commitment == sealed.commitment
    assert left.commitments == sealed.commitments
    assert left.openings == {label: opening for label, opening in sealed.openings.items() if label not in gone}
    again = _unsealed(left)
    assert again == {label: value for label, value in values.items() if label not in gone}
    check_fields(commitment=left.commitment, fields=left.fields, values=again)
    assert _resealed(left, *gone).fields == left.fields


def test_after_resealing_the_old_box_and_the_new_key_do_not_open() -> None:
    """A copy of the old box would still give the erased field to whoever has the customer's key."""
    left = _resealed(ONE, "asker")
    for box, wrapped in ((ONE.box, left.wrapped), (left.box, ONE.wrapped)):
        with pytest.raises(Unverified):
            unseal(key=KEY, wrapped=wrapped, box=box, commitment=ONE.commitment)


def test_nothing_that_is_kept_opens_the_erased_field() -> None:
    """Erasure would be a word only: a guess at the value could still be tested."""
    left = _resealed(ONE, "asker")
    assert left.fields[1] == ErasedField(label="asker", commitment=ONE.commitments[1])
    secret = ONE.openings["asker"]
    kept = left.box + left.wrapped + b"".join(left.openings.values()) + b"".join(left.commitments)
    assert secret not in kept
    for opening in (*left.openings.values(), left.commitment, *left.commitments):
        assert commit(opening, "asker", b'"person:ana"') != ONE.commitments[1]


def test_resealing_without_a_label_that_is_not_there_is_refused() -> None:
    """A slip in a label would be taken for a done erasure."""
    with pytest.raises(Malformed, match='no field "askr", only action, asker, reason'):
        _resealed(ONE, "askr")


def test_resealing_checks_what_it_seals_again() -> None:
    """A damaged record would be sealed anew, as if it were whole, and the evidence of it be gone."""
    for altered in (TWO.fields, (*ONE.fields[:2], TWO.fields[2])):
        with pytest.raises(Unverified):
            reseal(
                without=("asker",),
                key=KEY,
                wrapped=ONE.wrapped,
                box=ONE.box,
                commitment=ONE.commitment,
                fields=altered,
                chance=CHANCE,
            )
    assert all(isinstance(field, OpenField) for field in ONE.fields)
