"""A record's leaf: one record, one spelling."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import json

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from armslength.ledger import FIRM, NO_RECORD, Kind, Record, parse_entry
from armslength.tlog import Malformed
from tests.ledger.values import SAFE, hashes

minutes = st.integers(0, 253_402_300_740 // 60).map(lambda minute: minute * 60)
records = st.builds(
    Record,
    kind=st.sampled_from(Kind),
    customer=hashes,
    sequence=st.integers(0, SAFE),
    previous=hashes,
    time=minutes,
    commitment=hashes,
    act=st.binary(min_size=16, max_size=16),
)
FIRST = Record(
    kind=Kind.USE, customer=FIRM, sequence=0, previous=NO_RECORD, time=0, commitment=bytes(32), act=bytes(16)
)
KINDS = """
request approval refusal lease use lease-end revocation policy-change estate-change people-change demand
demand-decision finding disposition erasure key-change heartbeat
"""


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _object(record: Record) -> dict[str, str | int]:
    """The leaf's members, by a second reading of docs/formats/record.md."""
    return {
        "version": 1,
        "kind": str(record.kind),
        "customer": _text(record.customer),
        "sequence": record.sequence,
        "previous": _text(record.previous),
        "time": dt.datetime.fromtimestamp(record.time, dt.UTC).isoformat()[:16] + "Z",
        "commitment": _text(record.commitment),
        "act": _text(record.act),
    }


@given(records)
@example(FIRST)
@example(dataclasses.replace(FIRST, customer=b"\xff" * 32, previous=b"\xfb\xef\xbe" * 10 + b"\xfb\xef", sequence=SAFE))
def test_a_leaf_is_the_canonical_json_of_its_record_and_reads_back(record: Record) -> None:
    """Other implementations would compute other leaf hashes, and every proof would fail for their users."""
    leaf = record.leaf()
    assert leaf == rfc8785.dumps(_object(record))
    assert json.loads(leaf) == _object(record)
    assert parse_entry(leaf) == record
    assert len(leaf) <= 350


@given(records, st.data())
def test_a_leaf_with_another_byte_is_another_record_or_none(record: Record, data: st.DataObject) -> None:
    """A record with two leaves could be proven to be in the log and not to be in it."""
    leaf = bytearray(record.leaf())
    leaf[data.draw(st.integers(0, len(leaf) - 1))] = data.draw(st.integers(0, 255))
    try:
        entry = parse_entry(bytes(leaf))
    except Malformed:
        return
    assert entry.leaf() == leaf


@given(st.binary(max_size=400) | st.text(alphabet='{}":,actkindversion019T-Z \\', max_size=300).map(str.encode))
def test_arbitrary_bytes_are_refused_in_words(data: bytes) -> None:
    """A monitor that stops with a trace at a hostile entry watches nothing."""
    with pytest.raises(Malformed, match="not the leaf of a"):
        parse_entry(data)


def test_the_kinds_are_those_that_the_format_names() -> None:
    """A kind more or less would be refused by every reader of this version."""
    assert [str(kind) for kind in Kind] == KINDS.split()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"customer": bytes(31)}, "32 bytes"),
        ({"previous": bytes(33)}, "32 bytes"),
        ({"commitment": b""}, "32 bytes"),
        ({"act": bytes(32)}, "16 bytes"),
        ({"sequence": -1}, "sequence number -1"),
        ({"sequence": SAFE + 1}, "sequence number 9007199254740992"),
        ({"time": 61}, "whole minute"),
        ({"time": -60}, "whole minute"),
        ({"time": 253_402_300_800}, "whole minute"),
    ],
)
def test_a_record_that_no_leaf_can_hold_is_not_made(change: dict[str, object], message: str) -> None:
    """It would be logged as an entry that nobody can read."""
    with pytest.raises(Malformed, match=message):
        dataclasses.replace(FIRST, **change)  # type: ignore[arg-type]


def test_an_unknown_kind_is_named_in_the_error() -> None:
    """An operator with an old version would not learn why a newer log is refused."""
    with pytest.raises(Malformed, match='unknown kind "rumour", expected one of request, approval'):
        parse_entry(FIRST.leaf().replace(b'"use"', b'"rumour"'))
