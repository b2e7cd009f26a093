"""A map head's entry: one head, one spelling, and never taken for a record."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from armslength.ledger import Json, MapHead, parse_entry
from armslength.tlog import Malformed
from tests.ledger.values import SAFE, hashes

minutes = st.integers(0, 253_402_300_740 // 60).map(lambda minute: minute * 60)
sizes = st.integers(0, SAFE)
heads = st.tuples(sizes, sizes, hashes, minutes).map(
    lambda drawn: MapHead(size=max(drawn[:2]), customers=min(drawn[:2]), root=drawn[2], time=drawn[3])
)
HEAD = MapHead(size=8, customers=3, root=bytes(32), time=60)


@given(heads)
def test_a_head_is_written_in_canonical_json_and_reads_back(head: MapHead) -> None:
    """Other implementations would compute another leaf hash, and customers could not tie the map to the log."""
    members: dict[str, Json] = {
        "version": 1,
        "kind": "map",
        "size": head.size,
        "customers": head.customers,
        "map": base64.urlsafe_b64encode(head.root).decode().rstrip("="),
        "time": dt.datetime.fromtimestamp(head.time, dt.UTC).isoformat()[:16] + "Z",
    }
    assert head.leaf() == rfc8785.dumps(members)
    assert json.loads(head.leaf()) == members
    assert parse_entry(head.leaf()) == head


@given(heads, st.data())
def test_a_head_with_another_byte_is_another_head_or_none(head: MapHead, data: st.DataObject) -> None:
    """A head with two leaves could stand in the log and be denied."""
    leaf = bytearray(head.leaf())
    leaf[data.draw(st.integers(0, len(leaf) - 1))] = data.draw(st.integers(0, 255))
    try:
        entry = parse_entry(bytes(leaf))
    except Malformed:
        return
    assert entry.leaf() == leaf


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"root": bytes(31)}, "32 bytes, not 31"),
        ({"size": -1}, "the size of a map head, -1"),
        ({"size": SAFE + 1}, "the size of a map head"),
        ({"customers": -1}, "the customers of a map head, -1"),
        ({"customers": 9}, "9 customers cannot cover only 8 entries"),
        ({"time": 59}, "whole minute"),
    ],
)
def test_a_head_that_no_leaf_can_hold_is_not_made(change: dict[str, object], message: str) -> None:
    """It would be logged as an entry that nobody can read."""
    with pytest.raises(Malformed, match=message):
        dataclasses.replace(HEAD, **change)  # type: ignore[arg-type]
