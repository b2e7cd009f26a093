"""Answers for proxies: what a request means comes from one place, and anything unclear is no."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from armslength.gate import Used
from armslength.store import GateLookup
from tests.service.gates import MEETINGS, estate, leased
from tests.web.gated import EVERYBODY, POINTS, Said, Served, secret, served_with
from tests.web.raw import exchanged

ROUTES = b"""host,method,path,action,resource,customers
app.example.com,GET,/status,view,asset:status,
app.example.com,GET,/status/{account},view,asset:status,{account}
app.example.com,DELETE,/meetings/{meeting},end,asset:meetings-us,{meeting}
app.example.com,POST,/meetings/{meeting}/export,export,asset:meetings-us,*owners
app.example.com,POST,/nobody/{meeting},export,asset:meetings-us,*unknown
other.example.com,GET,/status,view,asset:status,
"""

ANSWERS: dict[str, tuple[int, bytes]] = {}
"""What the lookup answers, by the meeting; tests put theirs in."""


class Owners(BaseHTTPRequestHandler):
    """A service that knows whose a meeting is."""

    def do_GET(self) -> None:
        meeting = self.path.partition("meeting=")[2]
        if meeting == "slow":
            time.sleep(4)
        status, body = ANSWERS.get(meeting, (404, b"{}"))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/owners?meeting=good")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def owners() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Owners)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/owners"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def pdp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with owners() as url:
        files = {**estate(), "routes.csv": ROUTES}
        lookups = (GateLookup(name="owners", url=url),)
        path = tmp_path_factory.mktemp("forward")
        with served_with(path, files, *EVERYBODY, points=POINTS, lookups=lookups) as found:
            yield found


def original(
    pdp: Served,
    target: str = "/status",
    *,
    method: str = "GET",
    host: str = "app.example.com",
    who: str | None = "bo",
    by: str | None = "proxy",
    **more: str,
) -> Said:
    """As nginx asks."""
    said = {"X-Original-Method": method, "X-Original-Host": host, "X-Original-URI": target, **more}
    if who is not None:
        said["X-Armslength-Subject"] = who
    return pdp.send("/gate/v1/forward", method="GET", by=by, headers=said)


def why(answer: Said, status: int = 403) -> str:
    assert answer.status == status, (answer.status, answer.body)
    assert answer.json["reason"] == answer.headers["x-armslength-why"] and answer.json["says"]
    assert answer.json["ask"] == "https://gate.example.com/ask"
    return str(answer.json["reason"])


def test_a_request_that_means_what_is_permitted_passes(pdp: Served) -> None:
    for answer in (
        original(pdp),
        original(pdp, "/status?x=/../y"),
        original(pdp, host="APP.example.com:443"),
        original(pdp, method="HEAD"),
    ):
        assert answer.status == 200 and answer.body == b"{}", answer


def test_what_no_route_names_or_no_rule_gives_is_refused(pdp: Served) -> None:
    assert why(original(pdp, "/other")) == "unmapped_route"
    assert why(original(pdp, method="PUT")) == "unmapped_route"
    assert why(original(pdp, who="hal")) == "no_rule"
    assert why(original(pdp, who="nobody")) == "unknown_subject"
    assert why(original(pdp, "/meetings/m1", method="DELETE")) == "approval_required"


def test_nobody_signed_in_is_401(pdp: Served) -> None:
    """The proxy sends people to sign in by it; a 403 would leave them standing there."""
    assert why(original(pdp, who=None), 401) == "unknown_subject"
    assert why(original(pdp, who=""), 401) == "unknown_subject"
    assert why(original(pdp, who=" "), 401) == "unknown_subject"


@pytest.mark.parametrize(
    "target",
    [
        "/%2e%2e/status",
        "/x/../status",
        "//status",
        "/status/",
        "/status%2f",
        "/status%00",
        "/status;x",
        "\\status",
        "status",
        "",
        "http://app.example.com/status",
        "/status/%ff",
        "/status/%252e",
        "/st\xe4tus",
        "*",
    ],
)
def test_paths_that_two_programs_read_in_two_ways_are_refused(pdp: Served, target: str) -> None:
    assert why(original(pdp, target)) in ("ambiguous_path", "unmapped_route")


def test_what_the_proxy_leaves_out_is_no_permission(pdp: Served) -> None:
    for name in ("X-Original-Method", "X-Original-Host", "X-Original-URI"):
        assert original(pdp, **{name: ""}).status == 403
    answer = pdp.send("/gate/v1/forward", method="GET", by="proxy", headers={"X-Armslength-Subject": "bo"})
    assert answer.status == 403


def test_a_header_that_comes_twice_is_refused(pdp: Served) -> None:
    """One is the proxy's, the other the client's; nobody knows which."""
    said = {
        "X-Original-Method": "GET",
        "X-Original-Host": "app.example.com",
        "X-Original-URI": "/status",
        "X-Armslength-Subject": "bo",
    }
    head = (
        f"GET /gate/v1/forward HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {secret('proxy')}\r\n"
    )
    head += "".join(f"{name}: {value}\r\n" for name, value in said.items())
    assert exchanged(pdp.url, f"{head}\r\n".encode()).startswith(b"HTTP/1.1 200 ")
    for name, value in {**said, "X-Armslength-Lease": "x"}.items():
        twice = f"{name.lower()}: {value}\r\n" * (2 if name == "X-Armslength-Lease" else 1)
        found = exchanged(pdp.url, f"{head}{twice}\r\n".encode())
        assert found.startswith(b"HTTP/1.1 403 ") and b"x-armslength-why: ambiguous_path" in found


def test_a_point_answers_for_its_hosts_only(pdp: Served) -> None:
    """A proxy that is taken over would learn about, and use, what another one guards."""
    assert why(original(pdp, host="other.example.com")) == "unmapped_route"
    assert original(pdp, host="other.example.com", by="all").status == 200
    for host in ("", "app.example.com.", "app.example.com, other.example.com", "app.example.com@x", "a b"):
        assert original(pdp, host=host).status == 403


def test_who_may_not_forward_is_told_nothing(pdp: Served) -> None:
    assert original(pdp, by="looking").status == 403
    assert "x-armslength-why" not in original(pdp, by="looking").headers


@pytest.mark.parametrize("by", [None, "nobody"])
@pytest.mark.parametrize("path", ["/gate/v1/forward", "/gate/v1/forward-auth", "/gate/v1/ext-authz/status"])
def test_an_unknown_proxy_is_not_the_persons_fault(pdp: Served, path: str, by: str | None) -> None:
    """They would be sent to sign in, again and again, for a secret that somebody else has mistyped."""
    for who in ({}, {"X-Armslength-Subject": "bo"}):
        answer = pdp.send(path, method="GET", by=by, headers=who)
        assert why(answer) == "gate_unreachable" and "www-authenticate" not in answer.headers


def test_each_proxy_is_believed_in_one_place(pdp: Served) -> None:
    """Traefik hands a client's X-Original-* on, nginx a client's X-Forwarded-*: of the wrong ones a client could make
    a request that nobody sent."""
    good = {"method": "GET", "host": "app.example.com", "uri": "/status"}
    bad = {"method": "DELETE", "host": "app.example.com", "uri": "/meetings/m1"}

    def headers(first: dict[str, str], then: dict[str, str]) -> dict[str, str]:
        one = {f"X-Original-{name}": value for name, value in first.items()}
        return {**one, **{f"X-Forwarded-{name}": value for name, value in then.items()}, "X-Armslength-Subject": "bo"}

    for path, said, status in (
        ("/gate/v1/forward", headers(good, bad), 200),
        ("/gate/v1/forward", headers(bad, good), 403),
        ("/gate/v1/forward-auth", headers(bad, good), 200),
        ("/gate/v1/forward-auth", headers(good, bad), 403),
        ("/gate/v1/forward-auth", headers(good, {}), 403),
        ("/gate/v1/forward", headers({}, good), 403),
    ):
        assert pdp.send(path, method="GET", by="proxy", headers=said).status == status, (path, said)


def test_envoy_sends_the_request_itself(pdp: Served) -> None:
    prefix, said = "/gate/v1/ext-authz", {"X-Armslength-Subject": "bo", "Host": "app.example.com"}

    def sent(method: str, path: str, **more: str) -> bytes:
        lines = {**said, "Authorization": f"Bearer {secret('proxy')}", "Connection": "close", **more}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return exchanged(pdp.url, f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode())[:12]

    assert sent("GET", f"{prefix}/status?a=b") == b"HTTP/1.1 200"
    assert sent("DELETE", f"{prefix}/meetings/m1") == b"HTTP/1.1 403"
    assert sent("GET", f"{prefix}//status") == b"HTTP/1.1 403"
    assert sent("GET", f"{prefix}/x/../status") == b"HTTP/1.1 403"
    assert sent("GET", f"{prefix}/status", Host="other.example.com") == b"HTTP/1.1 403"
    more = {"X-Original-URI": "/status", "X-Original-Method": "GET", "X-Original-Host": "app.example.com"}
    assert sent("DELETE", f"{prefix}/meetings/m1", **more) == b"HTTP/1.1 403"
    assert sent("GET", prefix) == b"HTTP/1.1 404"
    # What stands behind a # is a fragment to one program and a part of the path to another.
    for path in ("/status#/../x", "/status#", "/#/../status", "/status#?a=b", "/status/acme#/../x"):
        assert sent("GET", f"{prefix}{path}") == b"HTTP/1.1 403", path


def used(pdp: Served) -> list[Used]:
    return [each for each in pdp.recorded() if isinstance(each, Used)]


def test_a_yes_is_on_record_with_its_customers(pdp: Served) -> None:
    """The customer's bundle has every access, a web page's as well."""
    before = len(used(pdp))
    assert original(pdp, "/status/acme").status == 200
    assert original(pdp, "/status/a%C3%A9").status == 200
    assert [each.customers for each in used(pdp)[before:]] == [("acme",), ("aé",)]
    assert {each.point for each in used(pdp)[before:]} == {"proxy"}
    lease = leased(pdp.gate, "end", MEETINGS, "m7")
    answer = original(pdp, "/meetings/m7", method="DELETE")
    assert answer.status == 200
    assert answer.headers["x-armslength-until"] == f"{lease.terms.end:%Y-%m-%dT%H:%M:%SZ}"
    assert why(original(pdp, "/meetings/m8", method="DELETE")) == "outside_the_lease"
    token = pdp.gate.token(lease.terms.id)
    assert original(pdp, "/meetings/m7", method="DELETE", **{"X-Armslength-Lease": token}).status == 200
    assert original(pdp, "/meetings/m7", method="DELETE", who="dee", **{"X-Armslength-Lease": token}).status == 403
    assert original(pdp, "/meetings/m7", method="DELETE", **{"X-Armslength-Lease": token + "x"}).status == 403


BAD = {
    "unknown": (404, b"{}"),
    "failing": (500, b'{"customers":["acme"]}'),
    "moved": (302, b'{"customers":["acme"]}'),
    "text": (200, b"acme"),
    "list": (200, b'["acme"]'),
    "nothing": (200, b"{}"),
    "number": (200, b'{"customers":[1]}'),
    "empty": (200, b'{"customers":[""]}'),
    "one": (200, b'{"customers":"acme"}'),
    "deep": (200, b'{"customers":' + b"[" * 100_000),
    "large": (200, b'{"customers":["' + b"a" * 1_100_000 + b'"]}'),
    "many": (200, json.dumps({"customers": [f"c{n}" for n in range(1001)]}).encode()),
}


@pytest.fixture
def answers() -> Iterator[dict[str, tuple[int, bytes]]]:
    ANSWERS.update(BAD, good=(200, b'{"customers":["zoe","acme","acme"]}'))
    yield ANSWERS
    ANSWERS.clear()


def test_a_lookup_says_whom_it_concerns(pdp: Served, answers: Any) -> None:
    lease = leased(pdp.gate, "export", MEETINGS, "acme", "zoe", by="di")
    before = len(used(pdp))
    assert original(pdp, "/meetings/good/export", method="POST").status == 200
    (found,) = used(pdp)[before:]
    assert (found.customers, found.lease) == (("acme", "zoe"), lease.terms.id)
    for name in BAD:
        assert why(original(pdp, f"/meetings/{name}/export", method="POST")) == "evaluation_error", name
    assert why(original(pdp, "/nobody/good", method="POST")) == "evaluation_error"
    began = time.monotonic()
    assert why(original(pdp, "/meetings/slow/export", method="POST")) == "evaluation_error"
    assert time.monotonic() - began < 3.5


def test_a_person_is_shown_a_page_and_a_program_json(pdp: Served) -> None:
    """Envoy, Caddy and Traefik show the gate's own answer: braces and quotes would tell a person nothing."""
    for path in ("/gate/v1/ext-authz/nowhere", "/gate/v1/forward-auth"):
        # The client's own Host is not the point's: there the refusal is another, and shown alike.
        said = {"X-Armslength-Subject": "bo", "X-Forwarded-Method": "GET", "X-Forwarded-Uri": "/nowhere"}
        said |= {"X-Forwarded-Host": "app.example.com"}
        page = pdp.send(path, method="GET", by="proxy", headers={**said, "Accept": "text/html,*/*;q=0.8"})
        assert (page.status, page.headers["x-armslength-why"]) == (403, "unmapped_route")
        assert page.headers["content-type"] == "text/html; charset=utf-8" and b"<h1>Not allowed</h1>" in page.body
        assert "default-src 'none'" in page.headers["content-security-policy"]
        for accept in ("*/*", "application/json"):
            answer = pdp.send(path, method="GET", by="proxy", headers={**said, "Accept": accept})
            assert answer.headers["content-type"] == "application/json"


def test_envoy_is_told_how_long_a_stream_may_go_on(pdp: Served) -> None:
    """A download would outlast its lease; and no other proxy may take the word for a caller's."""
    lease = leased(pdp.gate, "end", MEETINGS, "m9")
    said = {"X-Armslength-Subject": "bo", "Host": "app.example.com", "Authorization": f"Bearer {secret('proxy')}"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in {**said, "Connection": "close"}.items())

    def answer(method: str, path: str) -> str:
        sent = f"{method} /gate/v1/ext-authz{path} HTTP/1.1\r\n{lines}\r\n"
        return exchanged(pdp.url, sent.encode()).decode().lower()

    told = answer("DELETE", "/meetings/m9").partition("grpc-timeout: ")[2].partition("\r\n")[0]
    left = (lease.terms.end - pdp.gate.now()).total_seconds()
    assert told.endswith("s") and left - 4 <= int(told[:-1]) < left
    assert "grpc-timeout" not in answer("GET", "/status")
    assert "grpc-timeout" not in original(pdp, "/meetings/m9", method="DELETE").headers
