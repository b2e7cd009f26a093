"""Canonical JSON, written and read."""

from __future__ import annotations

import json

import pytest
import rfc8785
from hypothesis import example, given

from armslength.tlog import Json, Malformed, canonical, parse_canonical
from tests.ledger.values import jsons


@given(jsons)
@example(1e20)
@example([-1e20, 1e21, 5e-324, -0.0, 2**53 - 1, 1.7976931348623157e308])
@example({"\U0001f600": 1, "\ufb33": 2, "\x7f\u2028": "\x00\x1f"})
def test_a_value_is_read_back_and_written_again_the_same(value: Json) -> None:
    """A commitment that was made over a value could not be opened with what was stored of it."""
    data = canonical(value, label="x")
    assert data == rfc8785.dumps(value)
    read = parse_canonical(data, label="x")
    assert read == value
    assert canonical(read, label="x") == data
    assert json.loads(data, parse_int=float) == value


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 2**53, -(2**53), "\ud800", {"\ud800": 1}, {1: 2}, Ellipsis, b"x", {1, 2}],
    ids=repr,
)
def test_what_has_no_canonical_form_is_refused_by_its_label(value: Json) -> None:
    """Two readers would take it for two values, or the writer would stop without saying at which field."""
    with pytest.raises(Malformed, match='the field "reason"'):
        canonical(value, label="reason")


def test_what_is_nested_without_end_is_refused() -> None:
    """One request could stop the writer for everybody."""
    value: Json = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(Malformed, match="nested too deep"):
        canonical(value, label="reason")
    with pytest.raises(Malformed, match='the field "reason"'):
        parse_canonical(b"[" * 100_000 + b"]" * 100_000, label="reason")


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": 1}',
        b"1.0",
        b"1e0",
        b"01",
        b"+1",
        b"-0",
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'"\\u0061"',
        b'"\\/"',
        b"1 ",
    ]
    + [b"\xef\xbb\xbf1", b"NaN", b"Infinity", b"9007199254740993", b"1E400", b"", b"\xff", b'"\\ud800"', b"1" * 5000],
)
def test_a_second_spelling_is_refused(text: bytes) -> None:
    """What was committed to and what is shown could differ and both be accepted."""
    with pytest.raises(Malformed, match='the field "reason"'):
        parse_canonical(text, label="reason")
