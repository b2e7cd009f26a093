"""A customer's chain: the next record is the only one that fits."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.ledger import NO_RECORD, Chain, Kind, Record, check_next
from armslength.tlog import Unverified, leaf_hash, tree_root


def chained(length: int, customer: bytes = b"c" * 32) -> list[Record]:
    made: list[Record] = []
    previous = NO_RECORD
    for sequence in range(length):
        made.append(
            Record(
                kind=Kind.USE,
                customer=customer,
                sequence=sequence,
                previous=previous,
                time=60 * sequence,
                commitment=bytes(32),
                act=sequence.to_bytes(16, "big"),
            )
        )
        previous = leaf_hash(made[-1].leaf())
    return made


def walked(records: list[Record]) -> Chain:
    chain = Chain.empty()
    for record in records:
        chain = check_next(chain, record, leaf_hash(record.leaf()))
    return chain


@given(st.integers(0, 40))
def test_a_chain_in_order_holds_and_its_root_is_that_of_the_records(length: int) -> None:
    """The customer's own log would disagree with the main log that it is taken from."""
    records = chained(length)
    chain = walked(records)
    assert chain.size == length
    assert chain.root() == tree_root([leaf_hash(record.leaf()) for record in records])
    assert chain.last == (leaf_hash(records[-1].leaf()) if records else NO_RECORD)


def test_no_other_order_holds() -> None:
    """Acts could be told in the order that looks best."""
    records = chained(4)
    for order in permutations(records):
        if list(order) != records:
            with pytest.raises(Unverified):
                walked(list(order))


@given(st.integers(1, 12), st.data())
def test_a_record_dropped_doubled_altered_or_of_another_chain_is_found(length: int, data: st.DataObject) -> None:
    """An access could be taken out of the middle, or another customer's put in."""
    records = chained(length + 1)
    at = data.draw(st.integers(0, length - 1))
    altered = replace(records[at], kind=Kind.HEARTBEAT)
    other = chained(length + 1, customer=b"d" * 32)[at]
    for wrong in (
        records[:at] + records[at + 1 :],
        records[: at + 1] + records[at:],
        records[:at] + [altered] + records[at + 1 :],
        records[:at] + [other] + records[at + 1 :],
    ):
        with pytest.raises(Unverified):
            walked(wrong)


@pytest.mark.parametrize("length", range(20))
def test_a_packed_chain_is_the_same_chain(length: int) -> None:
    """The journal holds chains packed: the customer's next record would not fit their last."""
    chain = walked(chained(length))
    assert Chain.unpacked(chain.packed()) == chain


def test_what_does_not_fit_is_said() -> None:
    """The customer must be able to say what is wrong, and with which record."""
    first, second, third = chained(3)
    with pytest.raises(Unverified, match="sequence number 2, expected 1"):
        walked([first, third])
    with pytest.raises(Unverified, match="record 1 does not follow"):
        walked([first, replace(second, previous=bytes(32))])


def test_a_leaf_in_place_of_its_hash_is_refused() -> None:
    """A caller's slip would make a chain that no other reader has."""
    (first,) = chained(1)
    with pytest.raises(ValueError, match="it is the hash that is wanted"):
        check_next(Chain.empty(), first, first.leaf())
