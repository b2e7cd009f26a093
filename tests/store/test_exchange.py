"""What an HTTP answer may be: compressed unasked, as logs may send entries, and no larger than was allowed for."""

from __future__ import annotations

import gzip

import pytest

from armslength.store import Exchange, NoReply, Reply
from tests.store.liars import answering, http


def got(answer: bytes, *, limit: int = 10_000) -> Reply | NoReply:
    exchange = Exchange()
    try:
        with answering(answer) as url:
            return exchange.get(f"{url}/tile/entries/000", timeout=5, limit=limit)
    finally:
        exchange.close()


@pytest.mark.parametrize("size", [0, 1, 5_000, 10_000])
def test_an_answer_compressed_unasked_is_read(size: int) -> None:
    """A static server that holds bundles compressed would look like one that withholds them."""
    reply = got(http(200, gzip.compress(b"x" * size), Content_Encoding="gzip"))
    assert isinstance(reply, Reply) and reply.body == b"x" * size


@pytest.mark.parametrize("size", [10_001, 50_000_000])
def test_a_compressed_answer_is_measured_unpacked(size: int) -> None:
    """A few kilobytes that unpack to gigabytes would fill our memory."""
    reply = got(http(200, gzip.compress(b"x" * size), Content_Encoding="gzip"))
    assert reply == NoReply(reason="the answer has more than 10000 bytes")


@pytest.mark.parametrize(
    ("body", "encoding", "says"),
    [
        (gzip.compress(b"x" * 100)[:-4], "gzip", "cut short"),
        (b"plain", "gzip", "no gzip"),
        (b"x", "br", "compressed as 'br'"),
    ],
    ids=["cut short", "not compressed", "compressed otherwise"],
)
def test_a_compressed_answer_that_cannot_be_read_is_told(body: bytes, encoding: str, says: str) -> None:
    """A part would be taken for the whole."""
    reply = got(http(200, body, Content_Encoding=encoding))
    assert isinstance(reply, NoReply) and says in reply.reason
