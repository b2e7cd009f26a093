"""Asking a witness: what the log learns from each answer, and that no answer and no silence can hurt it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from armslength.service import Witness, create_witness
from armslength.store import Conflict, Cosigned, Refused, Unreachable, WitnessClient
from armslength.tlog import AddCheckpoint, Note, Policy, verify_signature
from armslength.web import WitnessMetrics, running, witness_app
from tests.service.logs import NOW, SampleLog
from tests.store.liars import answering, http

LOG = SampleLog()
LONG = 60.0
"""Seconds; nothing here takes so long unless it waits for ever."""
SHORT = 0.3
"""Seconds, where the answer is not to come."""


@pytest.fixture
def client() -> Iterator[WitnessClient]:
    with WitnessClient() as found:
        yield found


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Witness]:
    create_witness(str(tmp_path / "w"), "example.com/witness", os.urandom)
    found = Witness(str(tmp_path / "w"), lambda: NOW)
    found.trust(LOG.vkeys)
    yield found
    found.close()


@pytest.fixture
def url(witness: Witness) -> Iterator[str]:
    with running(witness_app(witness, WitnessMetrics(CollectorRegistry()))) as found:
        yield found


# a witness that does its work


@pytest.mark.parametrize("end", ["", "/"])
def test_a_cosignature_arrives_and_fits_the_checkpoint(
    client: WitnessClient, witness: Witness, url: str, end: str
) -> None:
    """What the log got must be what its customers' policies accept."""
    request = LOG.request(0, 5)
    answer = client.submit(url + end, request, LONG)
    assert isinstance(answer, Cosigned)
    note = request.note.with_signatures(answer.signatures)
    for key in witness.keys:
        Policy.parse(f"log {LOG.vkeys[0]}\nwitness w {key.text}\nquorum w\n").endorse(note, now=NOW)


def test_a_stale_log_learns_the_size(client: WitnessClient, url: str) -> None:
    """A log that was restarted asks once more, with the proof from there."""
    assert isinstance(client.submit(url, LOG.request(0, 5), LONG), Cosigned)
    assert client.submit(url, LOG.request(3, 8), LONG) == Conflict(size=5)
    assert isinstance(client.submit(url, LOG.request(5, 8), LONG), Cosigned)


def test_a_refusal_says_why(client: WitnessClient, url: str) -> None:
    """The operator has to know whether to call the witness or the police."""
    answer = client.submit(url, SampleLog("example.net/other").request(0, 5), LONG)
    assert isinstance(answer, Refused) and answer.status == 404 and "example.net/other" in answer.reason
    client.submit(url, LOG.request(0, 5), LONG)
    answer = client.submit(url, SampleLog(history="other ").request(5, 5), LONG)
    assert isinstance(answer, Refused) and answer.status == 422


def test_the_latest_is_what_was_cosigned(client: WitnessClient, witness: Witness, url: str) -> None:
    """A log that starts again asks whether a witness knows more than it does, before it signs anything."""
    assert client.latest(url, LOG.origin, LONG) is None
    client.submit(url, LOG.request(0, 5), LONG)
    note = client.latest(url, LOG.origin, LONG)
    assert isinstance(note, Note) and note.text == LOG.checkpoint(5).text
    assert all(verify_signature(note, key) is not None for key in (*witness.keys, LOG.keys[0].verifier))


def test_connections_are_kept(client: WitnessClient) -> None:
    """A handshake for each checkpoint is most of a cosignature's time (tlog-witness asks for keep-alive)."""
    made = set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            made.add(self.client_address)
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(409)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"5\n")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = f"http://127.0.0.1:{server.server_port}"
        assert [client.submit(found, LOG.request(0, 1), LONG) for _ in range(3)] == [Conflict(size=5)] * 3
        server.shutdown()
    assert len(made) == 1


def test_many_threads_may_share_a_client(client: WitnessClient, url: str) -> None:
    """A log asks all its witnesses at the same time."""
    answers: list[object] = []
    threads = [
        threading.Thread(target=lambda: answers.append(client.submit(url, LOG.request(0, 0), LONG))) for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(answer) for answer in answers] == [Cosigned] * 12


# witnesses in the field


def test_409_for_another_root_is_a_refusal_and_no_conflict(client: WitnessClient) -> None:
    """Some witnesses say 409 where 422 is specified; a log that took it for a stale size would ask for ever."""
    with answering(http(409, b"5\n", Content_Type="text/x.tlog.size")) as found:
        answer = client.submit(found, LOG.request(5, 5), LONG)
    assert isinstance(answer, Refused) and answer.status == 409 and "another root" in answer.reason


def test_429_says_when_to_ask_again(client: WitnessClient) -> None:
    """Whoever asks on is locked out for longer."""
    with answering(http(429, b"slow down\nmore", Retry_After="30")) as found:
        answer = client.submit(found, LOG.request(5, 5), LONG)
    assert answer == Refused(status=429, reason="answered 429: slow down", after=30)


@pytest.mark.parametrize("after", ["Wed, 21 Oct 2026 07:28:00 GMT", "-1", "1e9", "٣", "99999999"])
def test_an_odd_time_to_ask_again_is_left_out(client: WitnessClient, after: str) -> None:
    """A witness that could set any time could silence a log."""
    with answering(http(503, Retry_After=after)) as found:
        answer = client.submit(found, LOG.request(5, 5), LONG)
    assert answer == Refused(status=503, reason="answered 503", after=None)


# witnesses that lie


@pytest.mark.parametrize(
    "body", [b"", b"\n", b"05\n", b"+5\n", b"-1\n", b"5 \n", b"5\n5\n", b"\xd9\xa5\n", b"9" * 30, b"0x5", b"5\n\n"]
)
def test_409_without_a_size_is_a_refusal(client: WitnessClient, body: bytes) -> None:
    """A size read leniently would send the log to a proof that nobody asked for."""
    with answering(http(409, body)) as found:
        assert isinstance(client.submit(found, LOG.request(0, 5), LONG), Refused)


@pytest.mark.parametrize("body", [b"", b"\n", b"ok\n", "— x\n".encode(), "— x AAAA\n".encode(), b"\xff\n"])
def test_200_without_signatures_is_a_refusal(client: WitnessClient, body: bytes) -> None:
    """Silence in the form of consent is no consent."""
    with answering(http(200, body)) as found:
        answer = client.submit(found, LOG.request(0, 5), LONG)
    assert isinstance(answer, Refused) and answer.status == 200


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(client: WitnessClient, url: str, status: int) -> None:
    """A witness that is taken over would send its logs to whom it likes, and into their own network."""
    with answering(http(status, Location=f"{url}/add-checkpoint")) as found:
        answer = client.submit(found, LOG.request(0, 5), LONG)
        assert isinstance(answer, Refused) and answer.status == status and url in answer.reason
        assert isinstance(client.latest(found, LOG.origin, LONG), Unreachable)
    assert client.latest(url, LOG.origin, LONG) is None


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 999999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Y: z\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
        http(200, b"\x1f\x8b", Content_Encoding="gzip"),
    ],
)
def test_broken_answers_are_no_answers(client: WitnessClient, answer: bytes) -> None:
    """A log must go on, whatever stands where its witness stood."""
    with answering(answer) as found:
        assert isinstance(client.submit(found, LOG.request(0, 5), LONG), Unreachable | Refused)
        assert isinstance(client.latest(found, LOG.origin, LONG), Unreachable)


@given(answer=st.binary(max_size=300))
def test_no_bytes_end_in_an_error(answer: bytes) -> None:
    """As above, for bytes that nobody thought of."""
    with WitnessClient() as client, answering(b"HTTP/1.1 200 OK\r\n" + answer) as found:
        assert isinstance(client.submit(found, LOG.request(0, 5), LONG), Unreachable | Refused)
        assert isinstance(client.latest(found, LOG.origin, LONG), Unreachable)


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65536)


def test_an_endless_answer_is_cut(client: WitnessClient) -> None:
    """It would fill the memory of the machine that keeps everybody's records."""
    with answering(endless) as found:
        answer = client.submit(found, LOG.request(0, 5), LONG)
        assert isinstance(answer, Unreachable) and "more than" in answer.reason
        assert isinstance(client.latest(found, LOG.origin, LONG), Unreachable)


def drip(text: bytes, connection: socket.socket) -> None:
    gone = threading.Event()
    while not gone.wait(0.02):
        connection.sendall(text)


@pytest.mark.parametrize("part", ["nothing", "status", "headers", "body"])
def test_a_slow_answer_is_given_up(client: WitnessClient, part: str) -> None:
    """A witness that keeps a log waiting holds back every acknowledgement that waits for it. A byte now and then makes
    each wait on the socket short, and all of them together endless."""

    def slow(connection: socket.socket) -> None:
        if part == "nothing":
            connection.recv(1 << 20)
            threading.Event().wait(LONG)
        elif part == "status":
            drip(b"H", connection)
        elif part == "headers":
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            drip(b"X", connection)
        else:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            drip(b"x", connection)

    with answering(slow) as found:
        assert client.submit(found, LOG.request(0, 5), SHORT) == Unreachable(reason=f"no answer within {SHORT:g} s")
        assert client.latest(found, LOG.origin, SHORT) == Unreachable(reason=f"no answer within {SHORT:g} s")


def test_nobody_there_is_unreachable(client: WitnessClient) -> None:
    """Witnesses go down; the log says so and goes on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    for url in (address, "http://nobody.invalid/"):
        assert isinstance(client.submit(url, LOG.request(0, 5), LONG), Unreachable)
        assert isinstance(client.latest(url, LOG.origin, LONG), Unreachable)


@pytest.mark.parametrize(
    "url", ["", "nonsense", "ftp://example.com", "file:///etc/passwd", "http://", "http://x:port", "http://[::1", "//x"]
)
def test_only_http_is_spoken(client: WitnessClient, url: str) -> None:
    """A slip in the settings must not read files."""
    assert isinstance(client.submit(url, LOG.request(0, 5), LONG), Unreachable)
    assert isinstance(client.latest(url, LOG.origin, LONG), Unreachable)


def test_proxies_of_the_environment_are_not_used(
    client: WitnessClient, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that somebody set for another program would show them what this one asks."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert isinstance(client.submit(url, LOG.request(0, 0), LONG), Cosigned)


def test_a_proxy_that_is_asked_for_is_used() -> None:
    """Some networks have no other way out."""
    seen = []

    def proxy(connection: socket.socket) -> None:
        seen.append(connection)
        connection.sendall(http(409, b"7\n"))

    with answering(proxy) as found, WitnessClient(proxy=found) as client:
        assert client.submit("http://witness.invalid", LOG.request(0, 1), LONG) == Conflict(size=7)
    assert seen


@pytest.mark.parametrize(
    "body", [b"", b"no note", SampleLog("example.net/other").checkpoint(5).format().encode(), b"\xff" * 100]
)
def test_a_latest_that_is_not_this_log_s_is_none(client: WitnessClient, body: bytes) -> None:
    """A log that believed it would refuse to go on, or be told that it was never rolled back."""
    with answering(http(200, body)) as found:
        assert isinstance(client.latest(found, LOG.origin, LONG), Unreachable)


def test_what_a_witness_says_is_shown_on_one_line(client: WitnessClient) -> None:
    """Its words end on an operator's terminal."""
    with answering(http(403, b"\x1b[2Jno\r\n" + b"x" * 5000)) as found:
        answer = client.submit(found, AddCheckpoint(old=0, proof=(), note=LOG.checkpoint(1)), LONG)
    assert isinstance(answer, Refused)
    assert answer.reason.isprintable() and len(answer.reason) < 300
