"""A witness over HTTP: every status of c2sp.org/tlog-witness, and callers who do not keep to it."""

from __future__ import annotations

import http.client
import logging
import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from armslength.service import Witness, create_witness
from armslength.tlog import AddCheckpoint, Checkpoint, Note, origin_hash, parse_signatures, verify_signature
from armslength.web import WitnessMetrics, operations_app, running, witness_app
from tests.service.logs import NOW, SampleLog
from tests.service.race import at_once
from tests.web.raw import Answer, ask, exchanged, rest, wire

LOG = SampleLog()
HASH = origin_hash(LOG.origin)
LATEST = f"/{HASH}/checkpoint"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Witness]:
    folder = str(tmp_path_factory.mktemp("witness") / "w")
    create_witness(folder, "example.com/witness", os.urandom)
    witness = Witness(folder, lambda: NOW)
    yield witness
    witness.close()


@pytest.fixture(scope="module")
def shown(kept: Witness) -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture(scope="module")
def url(kept: Witness, shown: CollectorRegistry) -> Iterator[str]:
    with running(witness_app(kept, WitnessMetrics(shown), body_seconds=0.5), head_seconds=0.5) as found:
        yield found


@pytest.fixture
def log(kept: Witness, request: pytest.FixtureRequest) -> SampleLog:
    """A log of this test's own, at size 5."""
    found = SampleLog(f"example.org/{request.node.name}")
    kept.trust(found.vkeys)
    kept.add_checkpoint(found.body(0, 5))
    return found


def post(url: str, body: bytes, **headers: str) -> Answer:
    return ask(url, "/add-checkpoint", method="POST", body=body, headers=headers)


# the protocol


def test_200_brings_the_signatures_of_the_witness(url: str, kept: Witness, log: SampleLog) -> None:
    """One or more signature lines and nothing else; any other witness's answer is read the same way."""
    answer = post(url, log.body(5, 8))
    assert answer.status == 200
    signatures = parse_signatures(answer.body)
    note = Note(text=log.checkpoint(8).text, signatures=signatures)
    for key in kept.keys:
        verified = verify_signature(note, key)
        assert verified is not None and verified.timestamp == NOW
    assert len(signatures) == len(kept.keys) == 2


def test_409_brings_the_size(url: str, log: SampleLog) -> None:
    """In this very form: a decimal and a newline, under a type of its own."""
    answer = post(url, log.body(0, 8))
    assert (answer.status, answer.headers["content-type"], answer.body) == (409, "text/x.tlog.size", b"5\n")


def test_the_other_refusals_have_their_statuses(url: str, log: SampleLog) -> None:
    """A log acts on the status alone."""
    other = SampleLog(log.origin, history="other ")
    unsigned = Note(text=log.checkpoint(8).text, signatures=log.checkpoint(9).signatures)
    cases = {
        400: [b"", b"old 5\n", AddCheckpoint(old=5, proof=(), note=log.checkpoint(4)).format().encode()],
        403: [AddCheckpoint(old=5, proof=log.proof(5, 8), note=unsigned).format().encode()],
        404: [SampleLog("example.net/unknown").body(0, 1)],
        422: [
            other.body(5, 8),
            other.body(5, 5),
            AddCheckpoint(old=5, proof=(), note=log.checkpoint(8)).format().encode(),
        ],
    }
    for status, bodies in cases.items():
        for body in bodies:
            answer = post(url, body)
            assert (answer.status, answer.headers["content-type"]) == (status, "text/plain; charset=utf-8")
            assert re.fullmatch(rb"[^\n]+\n", answer.body)
    assert post(url, log.body(5, 8)).status == 200


def test_63_proof_lines_are_read_and_64_are_not(url: str, log: SampleLog) -> None:
    """The specification's limit is neither more nor less."""
    for count, status in ((63, 422), (64, 400)):
        body = b"old 5\n" + (b"A" * 43 + b"=\n") * count + b"\n" + log.checkpoint(8).format().encode()
        assert post(url, body).status == status


def test_the_latest_is_served_with_all_signatures(url: str, kept: Witness, log: SampleLog) -> None:
    """A monitor compares it with what the log shows."""
    answer = ask(url, f"/{origin_hash(log.origin)}/checkpoint")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "max-age=3"
    note = Note.parse(answer.body)
    assert note.text == log.checkpoint(5).text
    for key in (*kept.keys, log.keys[0].verifier):
        assert verify_signature(note, key) is not None


def test_a_log_that_was_never_cosigned_is_404(url: str, kept: Witness) -> None:
    """Known or not: there is nothing to show."""
    kept.trust(SampleLog("example.org/new").vkeys)
    for path in (f"/{origin_hash('example.org/new')}/checkpoint", f"/{'0' * 64}/checkpoint", "/x/checkpoint"):
        assert ask(url, path).status == 404


@pytest.mark.parametrize(
    "path", ["/", "/add-checkpoint/", f"{LATEST}/", "/checkpoint", "/add%2Dcheckpoin", "//", "/../x"]
)
def test_other_paths_are_404(url: str, path: str) -> None:
    """No redirect, which would take its host from the caller, and no page."""
    for method in ("GET", "POST"):
        assert ask(url, path, method=method, body=b"").status == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "NONSENSE"])
def test_only_post_adds_a_checkpoint(url: str, method: str) -> None:
    """A link or a picture on a page must not be able to do it."""
    answer = ask(url, "/add-checkpoint", method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_the_latest_is_only_read(url: str, method: str, log: SampleLog) -> None:
    """As above."""
    answer = ask(url, f"/{origin_hash(log.origin)}/checkpoint", method=method)
    assert answer.status == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_head_is_get_without_the_body(url: str, log: SampleLog) -> None:
    """Monitors that ask for the size first must not read another one."""
    path = f"/{origin_hash(log.origin)}/checkpoint"
    got, head = ask(url, path), ask(url, path, method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["content-length"]) == len(got.body)


def test_a_prefix_stands_before_both(kept: Witness, log: SampleLog) -> None:
    """One name may serve several witnesses."""
    with running(witness_app(kept, WitnessMetrics(CollectorRegistry()), prefix="/w1")) as found:
        assert ask(found, "/w1/add-checkpoint", method="POST", body=log.body(5, 5)).status == 200
        assert ask(found, f"/w1/{origin_hash(log.origin)}/checkpoint").status == 200
        assert ask(found, "/add-checkpoint", method="POST", body=log.body(5, 5)).status == 404


def test_connections_are_kept_open(url: str, log: SampleLog) -> None:
    """Most of a cosignature's time would be the handshake."""
    body = log.body(5, 5)
    one = b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    with wire(url) as connection:
        for _ in range(3):
            connection.sendall(one)
            got = http.client.HTTPResponse(connection)
            got.begin()
            assert got.status == 200 and len(parse_signatures(got.read())) == 2


def test_two_at_once_have_one_winner(url: str, log: SampleLog) -> None:
    """Over the network as within: the other is told the size that won."""
    answers = at_once([partial(post, url, log.body(5, size)) for size in (6, 7, 8, 9)])
    (won,) = [a for a in answers if isinstance(a, Answer) and a.status == 200]
    lost = {(a.status, a.body) for a in answers if isinstance(a, Answer) and a is not won}
    size = Checkpoint.parse(Note.parse(ask(url, f"/{origin_hash(log.origin)}/checkpoint").body).text).size
    assert lost == {(409, f"{size}\n".encode())}


# callers who do not keep to it


@given(body=st.binary(max_size=500))
def test_no_bytes_are_more_than_a_bad_request(url: str, body: bytes) -> None:
    """A caller who finds a 500 has found something to try on."""
    assert post(url, body).status == 400


@pytest.mark.parametrize("size", [128 * 1024 + 1, 512 * 1024])
def test_a_body_that_is_too_large_is_413(url: str, size: int, log: SampleLog) -> None:
    """Nobody fills our memory, and who sent too much is told so. (Of far more the rest is not read: the next test.)"""
    assert post(url, b"x" * size).status == 413
    assert post(url, log.body(5, 5) + b"\n" * size).status == 413


def test_a_huge_claim_is_refused_before_it_is_read(url: str) -> None:
    """Reading it would be the attack."""
    for length in ("99999999999", "9" * 50):
        sent = f"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()
        assert exchanged(url, sent).startswith(b"HTTP/1.1 4")


def test_an_endless_body_is_413(url: str) -> None:
    """Without a length, what comes is counted."""
    with wire(url) as connection:
        connection.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        found = b""
        try:
            for _ in range(200):
                connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        except OSError:
            pass
        found = rest(connection)
    # The answer may be lost with a connection that is reset in our face; it is never anything else.
    assert found == b"" or found.startswith(b"HTTP/1.1 413")


def test_a_slow_body_is_408_and_the_connection_is_closed(url: str) -> None:
    """Who sends a byte now and then keeps a place for ever, and a thousand of them keep all places."""
    with wire(url) as connection:
        connection.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nold")
        found = rest(connection)
    assert found.startswith(b"HTTP/1.1 408") and b"connection: close" in found.lower()


@pytest.mark.parametrize(
    "sent", [b"", b"POST", b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET"]
)
def test_a_request_that_never_ends_is_cut_off(url: str, sent: bytes) -> None:
    """As above, before there is a body."""
    with wire(url) as connection:
        connection.sendall(sent)
        found = rest(connection)
    assert found == b"" or found.startswith(b"HTTP/1.1 404")


def test_a_body_that_nobody_reads_does_not_hold_the_connection(url: str) -> None:
    """A path without an app behind it would otherwise read for as long as something comes."""
    sent = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx"
    found = exchanged(url, sent)
    assert found.startswith(b"HTTP/1.1 404") and b"connection: close" in found.lower()


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n\r\n\x00\xff\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n123456",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 400_000 + b"\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_what_is_no_http_is_400(url: str, sent: bytes) -> None:
    """And the server is there for the next one."""
    assert exchanged(url, sent).startswith(b"HTTP/1.1 400")
    assert ask(url, LATEST).status in (200, 404)


def test_headers_keep_browsers_from_doing_anything_with_it(url: str, log: SampleLog) -> None:
    """An error page that is taken for a script is one."""
    for answer in (post(url, b""), ask(url, "/"), ask(url, f"/{origin_hash(log.origin)}/checkpoint")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "server" not in answer.headers
        assert not [name for name in answer.headers if name.startswith("access-control")]


# the witness itself in trouble


def test_a_state_that_cannot_be_read_is_503_and_the_reason_stays_here(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The log tries later; what is wrong with our disk is the operator's business."""
    folder = tmp_path / "w"
    create_witness(str(folder), "example.com/witness", os.urandom)
    witness = Witness(str(folder), lambda: NOW)
    witness.trust(LOG.vkeys)
    registry = CollectorRegistry()
    with (
        running(witness_app(witness, WitnessMetrics(registry))) as url,
        running(operations_app(registry, witness.ready)) as operations,
    ):
        assert ask(operations, "/readyz").status == 200
        os.truncate(folder / "state.db", 100)
        with caplog.at_level(logging.ERROR):
            answers = [post(url, LOG.body(0, 1)), ask(url, LATEST)]
        for answer in answers:
            assert (answer.status, answer.headers["retry-after"]) == (503, "60")
            assert answer.body == b"the witness cannot answer now\n"
        assert "state.db" in caplog.text
        assert ask(operations, "/readyz").status == 503
        assert ask(operations, "/healthz").status == 200
    witness.close()


def test_the_log_names_nobody(kept: Witness, log: SampleLog, caplog: pytest.LogCaptureFixture) -> None:
    """An access log with addresses is a list of who watches whom."""
    app = witness_app(kept, WitnessMetrics(CollectorRegistry()))
    with caplog.at_level(logging.INFO), running(app) as url:
        post(url, log.body(5, 5), **{"User-Agent": "somebody", "X-Forwarded-For": "192.0.2.77"})
        ask(url, "/secret-path?and=query")
    lines = [record.getMessage() for record in caplog.records if record.name.startswith(("armslength", "uvicorn"))]
    assert len([line for line in lines if re.fullmatch(r"POST add-checkpoint 200 \d+ ms", line)]) == 1
    assert len([line for line in lines if re.fullmatch(r"GET other 404 \d+ ms", line)]) == 1
    assert not [line for line in lines if re.search(r"127\.0\.0\.1|192\.0\.2|somebody|secret|query", line)]


# figures


def test_figures_say_what_was_cosigned_and_refused(kept: Witness, log: SampleLog) -> None:
    """Who runs a witness has to see that a log stopped, or is trying something."""
    registry = CollectorRegistry()
    with running(witness_app(kept, WitnessMetrics(registry))) as url:
        post(url, log.body(5, 8))
        post(url, log.body(8, 8))
        post(url, log.body(0, 9))
        post(url, b"")
        ask(url, "/add-checkpoint")
    label = {"origin": origin_hash(log.origin)}
    assert registry.get_sample_value("armslength_witness_cosigned_total", label) == 2
    assert registry.get_sample_value("armslength_witness_size", label) == 8
    assert registry.get_sample_value("armslength_witness_time_seconds", label) == NOW
    for status in ("409", "400"):
        assert registry.get_sample_value("armslength_witness_refused_total", {"status": status}) == 1


def test_strangers_cannot_make_figures_without_end(kept: Witness) -> None:
    """A label for each unknown origin would fill the memory of whoever collects them."""
    registry = CollectorRegistry()
    with running(witness_app(kept, WitnessMetrics(registry))) as url:
        for number in range(20):
            assert post(url, SampleLog(f"example.net/{number}").body(0, 1)).status == 404
    samples = [sample for family in registry.collect() for sample in family.samples]
    assert len(samples) < 10


def test_figures_are_served_in_prometheus_form(shown: CollectorRegistry) -> None:
    """It is what monitoring systems read."""
    with running(operations_app(shown, lambda: None)) as found:
        answer = ask(found, "/metrics")
        assert answer.status == 200 and answer.headers["content-type"].startswith("text/plain; version=")
        assert b"# TYPE armslength_witness_cosigned_total counter" in answer.body
        assert ask(found, "/healthz").body == b"ok\n"
        assert ask(found, "/metrics", method="POST", body=b"x").status == 405
        assert ask(found, "/nothing").status == 404
