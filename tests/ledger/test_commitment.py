"""Commitments to fields, and their fold."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.ledger import commit, fold
from armslength.tlog import Malformed
from tests.ledger.values import hashes, labels

KEY = hashlib.sha256(b"armslength/commitment/v1").digest()


def _reference(opening: bytes, label: str, value: bytes) -> bytes:
    """docs/formats/commitment.md, by the standard library's HMAC."""
    message = b"".join(len(part).to_bytes(4, "big") + part for part in (opening, label.encode(), value))
    return hmac.new(KEY, message, "sha256").digest()


@given(hashes, labels, st.binary(max_size=300))
def test_a_commitment_is_the_hmac_that_the_format_says(opening: bytes, label: str, value: bytes) -> None:
    """Nobody else's verifier could open our records."""
    assert commit(opening, label, value) == _reference(opening, label, value)


@given(st.lists(st.tuples(labels, hashes), max_size=5))
def test_a_fold_is_the_hash_that_the_format_says(fields: list[tuple[str, bytes]]) -> None:
    """As above."""
    said = b"".join(bytes([len(label)]) + label.encode() + commitment for label, commitment in fields)
    assert fold(fields) == hashlib.sha256(b"armslength/fields/v1\0" + len(fields).to_bytes(4, "big") + said).digest()


def test_a_field_that_is_not_shown_has_the_label_it_was_recorded_with() -> None:
    """One that is withheld could be shown under a label that an erasure covers, and would count as erased."""
    assert fold([("asker", bytes(32)), ("reason", bytes(32))]) != fold([("asker", bytes(32)), ("resource", bytes(32))])
    assert fold([("a", bytes(32))]) != fold([("a", bytes(32)), ("b", bytes(32))])


def test_bytes_moved_from_label_to_value_change_the_commitment() -> None:
    """Without lengths, `ab` with the value `c` would open as `a` with the value `bc`."""
    assert commit(bytes(32), "ab", b"c") != commit(bytes(32), "a", b"bc")


@pytest.mark.parametrize("label", ["", "A", "1a", "_a", "a-b", "a b", "é", "a" * 65, "a\n", "name\0"])
def test_what_is_no_label_is_refused(label: str) -> None:
    """Labels sort and are written by their bytes; one that needs an escape would sort otherwise elsewhere."""
    with pytest.raises(Malformed, match="is no label of a field"):
        commit(bytes(32), label, b"1")


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_an_opening_of_another_size_is_refused(size: int) -> None:
    """A short one could be guessed, and with it the value."""
    with pytest.raises(Malformed, match=f"has {size} bytes, expected 32"):
        commit(bytes(size), "a", b"1")
    with pytest.raises(Malformed, match="32 bytes"):
        fold([("a", bytes(size))])
