"""What opens a record's commitment: every exchange of an opening, label or value is found."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.ledger import (
    ErasedField,
    Field,
    Json,
    OpenField,
    check_fields,
    fold,
    format_openings,
    parse_openings,
    seal,
)
from armslength.tlog import Malformed, Unverified
from tests.ledger.values import counted, fields, hashes, labels

VALUES: dict[str, Json] = {"action": "read", "asker": "person:ana", "reason": "ticket 7"}
SEALED = seal(VALUES, bytes(32), counted())
OTHER = seal({**VALUES, "reason": "ticket 8"}, bytes(32), counted(99))


def _checked(given_fields: tuple[Field, ...], values: dict[str, Json], commitment: bytes = SEALED.commitment) -> None:
    check_fields(commitment=commitment, fields=given_fields, values=values)


def _opened(index: int) -> OpenField:
    field = SEALED.fields[index]
    assert isinstance(field, OpenField)
    return field


def test_the_fields_as_sealed_hold() -> None:
    """The tests below would otherwise prove nothing."""
    _checked(SEALED.fields, VALUES)


def test_an_opening_of_another_record_is_found() -> None:
    """A harmless value from one record could be shown as that of another."""
    other = OTHER.openings["reason"]
    with pytest.raises(Unverified, match='"reason" is not what was committed to'):
        _checked((*SEALED.fields[:2], replace(_opened(2), opening=other)), VALUES)
    with pytest.raises(Unverified, match="do not fold"):
        _checked((*SEALED.fields[:2], OTHER.fields[2]), {**VALUES, "reason": "ticket 8"})


def test_openings_of_two_fields_exchanged_are_found() -> None:
    """As above, within one record."""
    first, second = _opened(0), _opened(1)
    swapped = (replace(first, opening=second.opening), replace(second, opening=first.opening), SEALED.fields[2])
    with pytest.raises(Unverified, match='"action" is not what was committed to'):
        _checked(swapped, VALUES)


def test_labels_exchanged_are_found() -> None:
    """The approver could be shown as the asker."""
    first, second = _opened(0), _opened(1)
    swapped = (replace(second, label="action"), replace(first, label="asker"), SEALED.fields[2])
    with pytest.raises(Unverified, match="do not fold"):
        _checked(swapped, {**VALUES, "action": "person:ana", "asker": "read"})
    with pytest.raises(Unverified, match="do not fold"):
        _checked((first, replace(second, label="author"), SEALED.fields[2]), _without("asker", author="person:ana"))


def test_another_value_is_found() -> None:
    """The firm could log one reason and show another."""
    with pytest.raises(Unverified, match='"reason" is not what was committed to'):
        _checked(SEALED.fields, {**VALUES, "reason": "ticket 8"})
    with pytest.raises(Unverified, match='"action" is not what was committed to'):
        _checked(SEALED.fields, {**VALUES, "action": "person:ana", "asker": "read"})


def test_fields_in_another_order_or_doubled_are_found() -> None:
    """One record could be shown in two forms."""
    first, second, third = SEALED.fields
    for wrong in ((second, first, third), (first, first, second, third), (third, second, first)):
        with pytest.raises(Unverified, match="ascending order"):
            _checked(wrong, VALUES)


def test_a_field_left_out_or_put_in_is_found() -> None:
    """What the firm would rather not show could be left out."""
    first, second, third = SEALED.fields
    with pytest.raises(Unverified, match="do not fold"):
        _checked((first, second), _without("reason"))
    with pytest.raises(Unverified, match="do not fold"):
        _checked((*SEALED.fields, ErasedField(label="zz", commitment=bytes(32))), VALUES)
    with pytest.raises(Unverified, match='"reason" has an opening but no value'):
        _checked(SEALED.fields, _without("reason"))
    with pytest.raises(Unverified, match='"zz" has a value but no opening'):
        _checked(SEALED.fields, {**VALUES, "zz": 1})


def test_another_commitment_in_the_leaf_is_found() -> None:
    """The fields of one record could be shown for another record of the log."""
    with pytest.raises(Unverified, match="do not fold"):
        _checked(SEALED.fields, VALUES, commitment=OTHER.commitment)


def test_an_erased_field_needs_no_value_and_the_others_still_open() -> None:
    """An erasure would take the proofs of everything else with it."""
    erased = ErasedField(label="asker", commitment=SEALED.commitments[1])
    _checked((SEALED.fields[0], erased, SEALED.fields[2]), _without("asker"))
    with pytest.raises(Unverified, match='"asker" has a value but no opening'):
        _checked((SEALED.fields[0], erased, SEALED.fields[2]), VALUES)


@given(fields, st.data())
def test_a_changed_byte_of_what_opens_a_record_is_found(values: dict[str, Json], data: st.DataObject) -> None:
    """Any of the above, wherever it is tried."""
    sealed = seal(values, bytes(32), counted())
    check_fields(commitment=sealed.commitment, fields=sealed.fields, values=values)
    stored = bytearray(format_openings(sealed.fields))
    at = data.draw(st.integers(0, len(stored) - 1))
    stored[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises((Malformed, Unverified)):
        check_fields(commitment=sealed.commitment, fields=parse_openings(bytes(stored)), values=values)


@given(st.dictionaries(labels, st.tuples(hashes, hashes | st.none()), max_size=6))
def test_stored_openings_read_back(drawn: dict[str, tuple[bytes, bytes | None]]) -> None:
    """A record could never be shown again."""
    made: list[Field] = []
    for label, (commitment, opening) in sorted(drawn.items()):
        if opening is None:
            made.append(ErasedField(label=label, commitment=commitment))
        else:
            made.append(OpenField(label=label, commitment=commitment, opening=opening))
    assert parse_openings(format_openings(made)) == tuple(made)


@given(st.binary(max_size=120) | st.binary(max_size=120).map(lambda rest: b"\1\0\1\1a" + rest))
def test_openings_that_parse_print_back(data: bytes) -> None:
    """A torn write in the key store could pass for another record's openings."""
    try:
        read = parse_openings(data)
    except Malformed:
        return
    assert format_openings(read) == data


@pytest.mark.parametrize("cut", range(len(format_openings(SEALED.fields))))
def test_openings_cut_short_are_refused(cut: int) -> None:
    """As above, at every byte."""
    with pytest.raises(Malformed):
        parse_openings(format_openings(SEALED.fields)[:cut])


def test_openings_in_another_form_are_refused() -> None:
    """As above, for what no torn write makes."""
    stored = format_openings(SEALED.fields)
    erased = format_openings((ErasedField(label="a", commitment=bytes(32)),))
    for wrong in (stored + b"\0", b"\2" + stored[1:], erased[:-1] + b"\2"):
        with pytest.raises(Malformed, match="openings of a record"):
            parse_openings(wrong)
    with pytest.raises(Malformed, match='comes after "asker", expected ascending'):
        format_openings((SEALED.fields[1], SEALED.fields[0]))
    with pytest.raises(Malformed, match="has not 32 bytes"):
        format_openings((ErasedField(label="a", commitment=bytes(31)),))
    with pytest.raises(Malformed, match="no label"):
        format_openings((ErasedField(label="A", commitment=bytes(32)),))


def test_an_opening_is_not_shown_with_its_field() -> None:
    """A trace in some log file would keep what an erasure is to destroy."""
    for shown in (repr(_opened(1)), repr(SEALED)):
        assert repr(SEALED.openings["asker"])[2:-1] not in shown


def test_the_fold_of_the_stored_commitments_is_that_of_the_leaf() -> None:
    """Erasing would have to compute commitments anew, from values that are gone."""
    stored = parse_openings(format_openings(SEALED.fields))
    assert fold([(field.label, field.commitment) for field in stored]) == SEALED.commitment


def _without(label: str, **more: Json) -> dict[str, Json]:
    return {**{name: value for name, value in VALUES.items() if name != label}, **more}
