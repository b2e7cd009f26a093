"""What one person who is signed in can take from the others: not their pages, and not the gate's memory."""

from __future__ import annotations

import http.client
import socket
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import pytest

from armslength.service import Gate
from tests.console.desk import Client, Desk, desk, signed_in


def upload(here: Desk, client: Client, first: str, said: int) -> tuple[socket.socket, str]:
    """Begin a form with files, of which `first` is all that comes."""
    head = (
        f"POST /ask HTTP/1.1\r\nHost: localhost:{here.port}\r\nOrigin: {here.url}\r\nSec-Fetch-Site: same-origin\r\n"
        f"Cookie: armslength={client.jar['armslength']}\r\n"
        f"Content-Type: multipart/form-data; boundary=x7\r\nContent-Length: {said}\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", here.port), timeout=10)
    connection.sendall((head + first).encode())
    return connection, head


def field(name: str, value: str) -> str:
    return f'--x7\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'


def test_documents_without_the_forms_token_are_not_waited_for(tmp_path: Path) -> None:
    """A page elsewhere, or a program with a cookie, would have thirty megabytes held for each request."""
    with desk(tmp_path / "gate") as here:
        ana = signed_in(here, "ana")
        for first in (field("csrf", "wrong"), field("purpose", "x"), field("csrf", signed_in(here, "bo").csrf("/ask"))):
            with upload(here, ana, first + field("purpose", "y" * 2000), 30_000_000)[0] as connection:
                answer = connection.recv(65_536).decode()
            assert answer.startswith("HTTP/1.1 403") and "too old" in answer


def test_a_form_with_documents_is_taken(tmp_path: Path) -> None:
    """The same with the right token, as a browser sends it."""
    with desk(tmp_path / "gate") as here:
        ana = signed_in(here, "ana")
        said = {
            "action": "end-meeting",
            "resource": "meetings-us",
            "customers": "acme",
            "purpose": "Case 1.",
            "by": "me",
        }
        body = field("csrf", ana.csrf("/ask")) + "".join(field(name, value) for name, value in said.items())
        body += '--x7\r\nContent-Disposition: form-data; name="evidence"; filename="case.txt"\r\n'
        body += "Content-Type: text/plain\r\n\r\nThe case.\r\n--x7--\r\n"
        status, _, text = ana.send(
            "POST",
            "/ask",
            body.encode(),
            Content_Type="multipart/form-data; boundary=x7",
            Origin=here.url,
            Sec_Fetch_Site="same-origin",
        )
        assert status == 200 and "case.txt" in text and "Before it is sent" in text


def test_who_loads_pages_without_end_is_asked_to_wait(tmp_path: Path) -> None:
    """A program with one cookie would keep the gate's host busy for everybody."""
    with desk(tmp_path / "gate") as here:
        ana, bo = signed_in(here, "ana"), signed_in(here, "bo")
        seen: list[tuple[int, http.client.HTTPMessage, str]] = []
        while len(seen) < 3000 and (not seen or seen[-1][0] == 200):
            seen.append(ana.get("/ledger"))
        status, headers, text = seen[-1]
        assert status == 429 and len(seen) > 300
        assert int(headers["retry-after"]) >= 1 and "Too fast" in text and "wait a moment" in text
        assert bo.get("/ledger")[0] == 200


def test_honest_clicking_meets_no_limit(tmp_path: Path) -> None:
    """Approvers who go through their list in a hurry are those who are needed."""
    with desk(tmp_path / "gate") as here:
        ana = signed_in(here, "ana")
        assert {ana.get(path)[0] for _ in range(40) for path in ("/waiting", "/requests", "/leases", "/keys")} == {200}


def test_one_persons_slow_pages_leave_threads_for_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen pages that take a minute each would hold up every approval for as long."""
    held, health = threading.Event(), Gate.health

    def slow(gate: Gate) -> Any:
        held.wait(60)
        return health(gate)

    with desk(tmp_path / "gate") as here, ThreadPoolExecutor(50) as many:
        ana, bo = signed_in(here, "ana"), signed_in(here, "bo")
        monkeypatch.setattr(Gate, "health", slow)
        try:
            slowly = [many.submit(ana.get, "/ledger") for _ in range(24)]
            assert many.submit(bo.get, "/requests").result(timeout=10)[0] == 200
            assert many.submit(Client(here.url).get, "/sign-in").result(timeout=10)[0] == 200
            more = [many.submit(ana.get, "/ledger") for _ in range(12)]
            crowded = next(as_completed(more, timeout=10)).result()
        finally:
            held.set()
        assert crowded[0] == 429 and crowded[1]["retry-after"] and "same time" in crowded[2]
        assert {each.result(timeout=30)[0] for each in slowly} == {200}
