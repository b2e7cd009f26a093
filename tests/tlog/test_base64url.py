"""base64url as the ledger writes bytes."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.tlog import Malformed, format_base64url, parse_base64url


@given(st.binary(max_size=70))
def test_bytes_are_written_as_rfc_4648_says_and_read_back(data: bytes) -> None:
    """Other tools could not read our handles."""
    text = format_base64url(data)
    assert text == base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    assert parse_base64url(text, len(data)) == data


@given(st.text(alphabet="AQgwBC+/-_=\n é", max_size=8), st.integers(0, 6))
def test_what_parses_prints_back(text: str, length: int) -> None:
    """A handle with two spellings would be two customers to one reader and one to another."""
    try:
        data = parse_base64url(text, length)
    except Malformed:
        return
    assert format_base64url(data) == text
    assert len(data) == length


@pytest.mark.parametrize("text", ["AAA=", "AA+A", "AA/A", "AAB", "AA A", "AAA\n", "AAAA", "AA", "ÄAA", "\ud800AA"])
def test_other_spellings_and_lengths_are_refused(text: str) -> None:
    """As above, with the slips that decoders let pass."""
    with pytest.raises(Malformed, match="not 2 bytes in base64url"):
        parse_base64url(text, 2)
