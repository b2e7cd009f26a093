"""Hostile input: whatever the bytes, a value that writes the same bytes again, or Malformed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.tlog import (
    AddCheckpoint,
    Checkpoint,
    Malformed,
    Note,
    Policy,
    SigningKey,
    TlogProof,
    VerifierKey,
    consistency_proof,
    format_signatures,
    inclusion_proof,
    parse_signatures,
)
from tests.tlog.signers import LOG, LOG_PQ, NODE, W1, W2, W3, checkpoint, signed
from tests.tlog.test_policy import policy

NOTE = signed(checkpoint(21, extensions=("é",)), [LOG, W1, W3])

Again = Callable[[bytes], bytes]
"""Reads bytes and writes what it read."""


def text(again: Callable[[str], str]) -> Again:
    """A parser of `str` alone, given whatever decodes."""
    return lambda data: again(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


PARSERS: dict[str, tuple[Again, bytes]] = {
    "checkpoint": (text(lambda data: Checkpoint.parse(data).format()), NOTE.text.encode()),
    "note": (lambda data: Note.parse(data).format().encode(), NOTE.format().encode()),
    "signatures": (
        lambda data: format_signatures(parse_signatures(data)).encode(),
        format_signatures(NOTE.signatures).encode(),
    ),
    "verifier key": (text(lambda data: VerifierKey.parse(data).text), LOG.verifier.text.encode()),
    "long verifier key": (text(lambda data: VerifierKey.parse(data).text), LOG_PQ.verifier.text.encode()),
    "signing key": (text(lambda data: SigningKey.parse(data).text), W2.text.encode()),
    "proof": (
        lambda data: TlogProof.parse(data).format().encode(),
        TlogProof(index=5, hashes=inclusion_proof(5, 21, NODE), checkpoint=NOTE, extra=b"extra").format().encode(),
    ),
    "request": (
        lambda data: AddCheckpoint.parse(data).format().encode(),
        AddCheckpoint(old=13, proof=consistency_proof(13, 21, NODE), note=NOTE).format().encode(),
    ),
}
PIECES = st.sampled_from(
    [b"\n", b"\n\n", b" ", b"\t", b"\r", b"\0", b"+", b"=", b"==", b"0", b"01", b"-1", b"1_0", b"A" * 43 + b"=",
     "— ".encode(), "\u2028".encode(), "\u0661".encode(), "\u00a0".encode(), b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf",
     b"old ", b"index ", b"extra ", b"9" * 19, b"9" * 5000, b"a" * 300]
) | st.binary(max_size=5)  # fmt: skip


def damaged(data: st.DataObject, whole: bytes) -> bytes:
    """`whole` after up to three cuts, replacements, insertions, repeats and swaps."""
    content = whole
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        end = min(len(content), start + data.draw(st.integers(0, 70)))
        match data.draw(st.sampled_from(["put", "cut", "end", "repeat", "case", "move"])):
            case "put":
                content = content[:start] + data.draw(PIECES) + content[start + data.draw(st.integers(0, 1)) :]
            case "cut":
                content = content[:start] + content[end:]
            case "end":
                content = content[:start]
            case "repeat":
                content = content[:end] + content[start:]
            case "case":
                content = content[:start] + content[start:end].swapcase() + content[end:]
            case _:
                content = content[end:] + content[:end]
    return content


@pytest.mark.parametrize("name", PARSERS)
@given(data=st.data())
def test_near_valid_bytes(name: str, data: st.DataObject) -> None:
    """A parser that stops with a traceback stops the verifier; one that reads two spellings tells two stories."""
    again, whole = PARSERS[name]
    assert again(whole) == whole
    changed = damaged(data, whole)
    try:
        written = again(changed)
    except Malformed as error:
        assert str(error) and len(str(error)) < 600
        return
    assert written == changed


@pytest.mark.parametrize("name", PARSERS)
@given(data=st.binary(max_size=200) | st.lists(PIECES, max_size=12).map(b"".join))
def test_any_bytes(name: str, data: bytes) -> None:
    """As above, for what is nothing like the format."""
    try:
        written = PARSERS[name][0](data)
    except Malformed as error:
        assert str(error)
        return
    assert written == data


WHOLE_POLICY = policy("group a any w1 w2\ngroup q all a w3\nquorum q\n").format().encode()


@given(data=st.data())
def test_near_valid_policies(data: st.DataObject) -> None:
    """A policy is written by people, so layout may differ; the meaning has to come back whole."""
    changed = damaged(data, WHOLE_POLICY)
    try:
        read = Policy.parse(changed)
    except Malformed as error:
        assert str(error)
        return
    assert Policy.parse(read.format()) == read


@given(st.binary(max_size=200) | st.lists(PIECES, max_size=12).map(b"".join))
def test_any_bytes_as_a_policy(data: bytes) -> None:
    """As above, for what is no policy."""
    try:
        read = Policy.parse(data)
    except Malformed as error:
        assert str(error)
        return
    assert Policy.parse(read.format()) == read


@given(st.text(max_size=80))
def test_any_text(data: str) -> None:
    """As above, for text that never was bytes: lone surrogates among it."""
    parsers = (
        Checkpoint.parse, Note.parse, parse_signatures, VerifierKey.parse, SigningKey.parse, TlogProof.parse,
        AddCheckpoint.parse, Policy.parse,
    )  # fmt: skip
    for parse in parsers:
        for each in (data, data + "\ud800", f"x+{data}+AAAA", f"PRIVATE+KEY+{data}+00000000+AAAA"):
            try:
                parse(each)
            except Malformed as error:
                assert str(error)
