"""The gate's server: httptools, with the limits that the other servers have, and nothing of HTTP read in two ways."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import select
import time
from collections.abc import Iterator

import pytest
from starlette.types import Receive, Scope, Send

from armslength.web import gate_app, running
from armslength.web.gate_dispatch import Endpoint, GateApp
from armslength.web.gate_exchange import Answer, Exchange
from tests.web.gated import Served, question, secret, served
from tests.web.raw import ask, exchanged, wire

HEAD = b"Host: x\r\n"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Says how the request was understood."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return
        body += message["body"]
        if not message["more_body"]:
            break
    names = b",".join(sorted(name for name, _ in scope["headers"]))
    said = b"%s %s [%s] %d" % (scope["method"].encode(), scope["raw_path"], names, len(body))
    headers = [(b"content-length", b"%d" % len(said))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": said})


@pytest.fixture
def url() -> Iterator[str]:
    with running(echo, head_seconds=0.5, quick=True) as found:
        yield found


def test_a_request_is_answered_and_the_connection_kept(url: str) -> None:
    """A proxy asks before each act: a new connection each time would cost it half a millisecond."""
    with wire(url) as connection:
        for _ in range(3):
            connection.sendall(b"POST /a HTTP/1.1\r\n" + HEAD + b"Content-Length: 2\r\n\r\nxx")
            assert b"POST /a [content-length,host] 2" in connection.recv(65536)


def test_a_head_that_does_not_come_closes_the_connection(url: str) -> None:
    """500 connections on which nobody says anything would keep every enforcement point out."""
    began = time.monotonic()
    for sent in (b"", b"GET / HTTP/1.1\r\nHost: x\r\n", b"GET /"):
        assert exchanged(url, sent) == b""
    assert time.monotonic() - began < 5


def test_a_head_that_comes_byte_by_byte_is_not_waited_for(url: str) -> None:
    """Each byte would otherwise buy another ten seconds."""
    with wire(url) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        began = time.monotonic()
        try:
            while time.monotonic() - began < 10:
                connection.sendall(b"a")
                time.sleep(0.1)
        except OSError:
            pass
        assert time.monotonic() - began < 5


def test_a_part_of_the_next_request_does_not_cut_the_answer_to_this_one() -> None:
    """A point that sends two questions at once would lose the answer to the first."""

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(1.0)
        await echo(scope, receive, send)

    with running(slow, head_seconds=0.3, quick=True) as url:
        found = exchanged(url, b"GET /one HTTP/1.1\r\n" + HEAD + b"\r\nGET /two HTTP/1.1\r\n")
    assert b"GET /one" in found and b"/two" not in found


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HEAD + b"A: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HEAD + b"A: b\r\n" * 5_000 + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HEAD + b"A: " + b"a" * 2_000_000,
    ],
    ids=["path", "one-header", "many-headers", "without-end"],
)
def test_a_head_of_any_length_is_refused(url: str, head: bytes) -> None:
    """Memory for 500 heads without an end is the gate's end."""
    assert exchanged(url, head).startswith(b"HTTP/1.1 400 ")


def test_a_long_body_is_no_long_head(url: str) -> None:
    """A point that sends a thousand customers is not an attacker."""
    body = b"x" * 900_000
    request = b"POST / HTTP/1.1\r\n" + HEAD + b"Content-Length: %d\r\n\r\n" % len(body)
    with wire(url) as connection:
        connection.sendall(request + body + b"GET /next HTTP/1.1\r\n" + HEAD)
        connection.sendall(b"\r\n")
        found = b""
        while b"GET /next" not in found:
            part = connection.recv(65536)
            assert part
            found += part
    assert b" 900000" in found


def test_trailers_are_no_headers(url: str) -> None:
    """A caller could say who they are behind the back of the proxy that checked the headers."""
    sent = b"POST / HTTP/1.1\r\n" + HEAD + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    found = exchanged(url, sent + b"1\r\nx\r\n0\r\nX-Armslength-Subject: admin\r\n\r\n")
    assert b"[connection,host,transfer-encoding] 1" in found


def test_trailers_without_end_are_cut(url: str) -> None:
    """As for heads."""
    sent = b"POST / HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n" + b"A: b\r\n" * 5_000
    assert b"200 OK" not in exchanged(url, sent)


@pytest.mark.parametrize(
    "request_",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\nx",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n",
        b"GET / HTTP/1.1\nHost: x\n\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_two_servers_could_read_in_two_ways_is_refused(url: str, request_: bytes) -> None:
    """A request hidden in the body of another is asked about by nobody."""
    found = exchanged(url, request_)
    assert found.startswith(b"HTTP/1.1 400 ") and found.count(b"HTTP/1.1 ") == 1


def test_what_follows_an_upgrade_is_read_by_nobody(url: str) -> None:
    """Neither as another protocol nor as another request."""
    sent = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    found = exchanged(url, sent + b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"/hidden" not in found and found.count(b"HTTP/1.1 ") == 1


def test_the_other_servers_are_as_before() -> None:
    """Strangers read a log through the stricter one."""
    with running(echo) as url:
        assert ask(url, "/x").body.startswith(b"GET /x [")


def test_connections_on_which_nothing_comes_keep_nobody_out() -> None:
    """Five hundred of them would close every door that the gate guards."""
    with running(echo, quick=True) as url, contextlib.ExitStack() as stack:
        for _ in range(520):
            stack.enter_context(wire(url))
        assert ask(url, "/a").status == 200


def test_of_silent_connections_of_one_address_the_oldest_go() -> None:
    """Who opens connections and says nothing would use up the files that the gate may open."""
    with running(echo, quick=True) as url, contextlib.ExitStack() as stack:
        held = [stack.enter_context(wire(url)) for _ in range(64)]
        time.sleep(1.2)
        held += [stack.enter_context(wire(url)) for _ in range(8)]
        time.sleep(0.5)
        gone, _, _ = select.select(held, [], [], 0)
        assert gone == held[:8]


# The gate's app on it


@pytest.fixture(scope="module")
def pdp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("app")) as found:
        yield found


def test_the_log_names_nobody(pdp: Served, caplog: pytest.LogCaptureFixture) -> None:
    """A log of who asked about whom is read by people who may not know it."""
    with caplog.at_level(logging.DEBUG):
        pdp.send("/access/v1/evaluation", question(context={"customers": ["acme"]}), headers={"X-Request-ID": "r-4711"})
        pdp.send("/access/v1/requests/req_marker", method="GET")
        pdp.send("/marker?marker=1", {"marker": 1}, method="PATCH")
        pdp.send("/gate/v1/forward", method="GET", headers={"X-Armslength-Subject": "marker"})
        pdp.send("/access/v1/evaluation", b"{marker", by="nobody")
        lines: list[str] = []
        until = time.monotonic() + 10  # a line comes after its answer
        while len(lines) < 5 and time.monotonic() < until:
            time.sleep(0.01)
            lines = [each.getMessage() for each in caplog.records if each.name == "armslength.web"]
    assert len(lines) == 5 and lines[0].startswith("POST evaluation 200 ")
    text = caplog.text
    for told in ("bo", "acme", "4711", "marker", "meetings", "127.0.0.1", "pt_", secret("all")):
        assert told not in text.replace("/web/", "").replace("uvicorn", ""), told


def test_an_error_of_ours_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """What stands in an exception may be somebody's record; and it is no permission."""

    async def broken(exchange: Exchange) -> Answer:
        raise LookupError("customer 4711")

    app = GateApp([Endpoint(method="GET", path="/x", kind="x", handler=broken, summary="x")])
    with running(app, quick=True) as url:
        answer = ask(url, "/x")
    assert (answer.status, answer.body) == (500, b"internal error\n")
    assert "LookupError" in caplog.text and "4711" not in caplog.text


def test_what_is_not_the_gates_goes_to_the_other_app(pdp: Served) -> None:
    """The console's pages stand beside the gate's endpoints, and hide none of them."""
    app = gate_app(pdp.gate, otherwise=echo, clock=pdp.clock)
    with running(app, quick=True) as url:
        assert ask(url, "/ask").body.startswith(b"GET /ask")
        assert ask(url, "/access/v1/evaluations/x").body.startswith(b"GET /access")
        assert ask(url, "/access/v1/evaluation").status == 405
        assert ask(url, "/openapi.json").status == 200


def test_answers_are_safe_to_open(pdp: Served) -> None:
    """A browser that is led to an answer runs nothing of it and shows it in no frame."""
    for path, method in (("/access/v1/evaluation", "POST"), ("/openapi.json", "GET"), ("/nowhere", "GET")):
        headers = pdp.send(path, {} if method == "POST" else None, method=method).headers
        assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"
        assert headers["content-security-policy"].startswith("default-src 'none'")
    assert pdp.send("/access/v1/evaluation", question()).headers["cache-control"] == "no-store"
    assert pdp.send("/access/v1/jwks", method="HEAD", by=None).body == b""
