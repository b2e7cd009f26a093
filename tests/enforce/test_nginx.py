"""A real nginx in front of a service, with the real gate: what reaches the service is what the gate recorded."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

import pytest

from armslength.enforce import ClientCertificate, NginxSite, TrustedVariable, nginx_secrets, nginx_site
from armslength.enforce.nginx_headers import OVERWRITTEN
from tests.enforce.certificates import CN, Authority, Name, trusting
from tests.enforce.fronts import PERSON, Front, nginx_front, status, why
from tests.enforce.nginx import (
    NGINX,
    Service,
    free_port,
    needs_nginx,
    running_nginx,
    running_service,
    site_for,
)
from tests.enforce.real_gate import HOST, SECRET, RealGate, real_gate
from tests.enforce.requests import CALLERS, NAMES, SMUGGLED, TARGETS
from tests.web.raw import exchanged, rest, wire

pytestmark = needs_nginx


@dataclass(frozen=True, kw_only=True)
class Stand:
    gate: RealGate
    front: Front
    service: Service


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """For requests that leave nothing behind but their use."""
    folder = tmp_path_factory.mktemp("nginx")
    with (
        real_gate(folder / "gate") as gate,
        nginx_front(folder / "front", gate, ungated=("/health",), most_body="8k") as (front, service),
    ):
        yield Stand(gate=gate, front=front, service=service)


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with (
        real_gate(tmp_path / "gate") as gate,
        nginx_front(tmp_path / "front", gate) as (front, service),
    ):
        yield Stand(gate=gate, front=front, service=service)


@pytest.mark.parametrize("target", TARGETS, ids=range(len(TARGETS)))
@pytest.mark.parametrize("method", ["GET", "HEAD", "get", "POST"])
def test_what_reaches_the_service_is_what_was_recorded(shared: Stand, target: str, method: str) -> None:
    """The gate would be asked about one customer, and the service behind show another."""
    before, seen = len(shared.gate.uses()) if "acme" in target else -1, len(shared.service.seen)
    answer = shared.front.send(f"{method} {target}")
    lines = shared.service.lines()[seen:]
    assert len(lines) <= 1
    if not lines:
        assert status(answer) != 200
        return
    got, path, _ = lines[0].split(" ")
    assert got == method and method in ("GET", "HEAD")
    words = path.partition("?")[0].split("/")[1:]
    if words == ["health"]:
        return
    assert words[0] == "status" and len(words) == 2, path
    customer = unquote_to_bytes(words[1]).decode()
    assert shared.service.header("Host") == [HOST] and shared.service.header("X-Armslength-Subject") == ["bo"]
    uses = shared.gate.uses()
    assert uses[-1].customers == (customer,) and uses[-1].executor == "bo"
    assert before < 0 or len(uses) == before + 1


@pytest.mark.parametrize("headers", SMUGGLED, ids=range(len(SMUGGLED)))
def test_no_header_changes_who_asks_or_for_what(shared: Stand, headers: tuple[str, ...]) -> None:
    """Anybody could be the boss, by one line."""
    seen = len(shared.service.seen)
    answer = shared.front.send("GET /status/acme", *headers)
    if len(shared.service.seen) == seen:
        assert status(answer) in (400, 403, 0, 501)
        return
    use = shared.gate.uses()[-1]
    assert (use.executor, use.customers, use.action) == ("bo", ("acme",), "view")
    assert shared.service.lines()[-1] == "GET /status/acme HTTP/1.1"
    assert shared.service.header("X-Armslength-Subject") == ["bo"]
    assert shared.service.header("Host") == [HOST]
    for name in ("X-Armslength-Held", "X-Original-URI", "X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override"):
        assert shared.service.header(name) == []
    for name in ("X-Forwarded-Host", "Forwarded", "X-HTTP-Method", "X-Method-Override", "Upgrade"):
        assert shared.service.header(name) == []


@pytest.mark.parametrize("path", ["/status/acme", "/health"])
def test_another_proxys_word_is_not_taken_from_a_caller(shared: Stand, path: str) -> None:
    """A service that believes `Remote-User`, or an address that may do more, would be told it by whoever likes."""
    named = sorted(
        {*OVERWRITTEN, *CALLERS, "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Proto"} - {"X-Armslength-Lease"}
    )
    assert status(shared.front.send(f"GET {path}", *(f"{name}: 203.0.113.9" for name in named))) == 200
    assert b"203.0.113.9" not in shared.service.seen[-1]
    assert shared.service.header("X-Real-IP") == ["127.0.0.1"] == shared.service.header("X-Forwarded-For")
    assert shared.service.header("X-Forwarded-Proto") == ["http"]


def test_the_secret_goes_to_the_gate_only(shared: Stand) -> None:
    """A service behind could be the point, and so could whoever reads its log."""
    shared.front.send("GET /status/acme")
    assert SECRET.encode() not in shared.service.seen[-1] and b"held-" not in shared.service.seen[-1]
    assert SECRET.encode() not in shared.front.send("GET /nothing")


def test_nobody_is_told_to_sign_in(shared: Stand) -> None:
    """A person without a certificate would be refused and not know what to do."""
    seen = len(shared.service.seen)
    answer = shared.front.send("GET /status/acme", "X-Test-Person: -")
    assert status(answer) == 403 and why(answer) == "unknown_subject" and len(shared.service.seen) == seen


def test_a_body_that_is_too_large_reaches_nobody(shared: Stand) -> None:
    """A disk that is filled is a gate that is stopped."""
    seen = len(shared.service.seen)
    assert status(shared.front.send("POST /exports", body=bytes(9000))) == 413
    with wire(shared.front.url) as connection:
        head = f"POST /exports HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode())
        with contextlib.suppress(OSError):
            for _ in range(4):
                connection.sendall(b"1000\r\n" + bytes(4096) + b"\r\n")
                time.sleep(0.05)
        answer = rest(connection)
    assert status(answer) in (413, 0) and len(shared.service.seen) == seen


def test_a_refusal_is_kept_by_nobody(shared: Stand) -> None:
    """Somebody who is granted access a minute later would still see the refusal; or another person their page."""
    answer = shared.front.send("GET /nothing")
    assert (status(answer), why(answer)) == (403, "unmapped_route")
    assert b"Cache-Control: no-store" in answer and b"Content-Security-Policy: default-src 'none'" in answer


def test_a_lease_opens_its_act_and_no_other(stand: Stand) -> None:
    """One approved act on one meeting would end them all."""
    stand.gate.leased("end", "acme")
    for line, code in [
        ("DELETE /meetings/acme", 200),
        ("POST /meetings/acme/end", 200),
        ("DELETE /meetings/acme2", 403),
        ("DELETE /meetings/acme/", 403),
        ("DELETE /meetings/ACME", 403),
        ("DELETE /meetings/%61cme", 200),
    ]:
        seen = len(stand.service.seen)
        assert status(stand.front.send(line)) == code, line
        assert len(stand.service.seen) == seen + (code == 200)
    seen = len(stand.service.seen)
    for person in ("dee", "ana", "di", "nobody"):
        assert status(stand.front.send("DELETE /meetings/acme", f"X-Test-Person: {person}")) == 403
    assert len(stand.service.seen) == seen


def test_a_stolen_lease_opens_nothing(stand: Stand) -> None:
    """Whoever reads a lease over somebody's shoulder would have it."""
    lease = stand.gate.leased("end", "acme")
    token = stand.gate.gate.token(lease.terms.id)
    assert status(stand.front.send("DELETE /meetings/acme", f"X-Armslength-Lease: {token}")) == 200
    seen = len(stand.service.seen)
    for person in ("dee", "ana"):
        answer = stand.front.send("DELETE /meetings/acme", f"X-Armslength-Lease: {token}", f"X-Test-Person: {person}")
        assert (status(answer), why(answer)) == (403, "outside_the_lease")
    changed = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
    assert status(stand.front.send("DELETE /meetings/acme", f"X-Armslength-Lease: {changed}")) == 403
    twice = (f"X-Armslength-Lease: {changed}", f"X-Armslength-Lease: {token}")
    assert status(stand.front.send("DELETE /meetings/acme", *twice)) in (400, 403)
    assert len(stand.service.seen) == seen


def test_two_at_once_on_the_last_use_are_one(stand: Stand) -> None:
    """Two uses that were approved would be as many as can be sent in a moment."""
    stand.gate.leased("export", by="di")
    answers: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: answers.append(stand.front.send("POST /exports", body=b"{}"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(status, answers)) == [200, 200, *[403] * 6]
    assert {why(answer) for answer in answers if status(answer) == 403} == {"spent"}
    assert len(stand.service.seen) == 2 == len(stand.gate.uses())


def test_the_gate_is_asked_when_the_body_is_there(stand: Stand) -> None:
    """Whoever holds back the last byte of a body would act whenever they like, hours after the lease."""
    stand.gate.leased("end", "acme")
    with wire(stand.front.url) as connection:
        connection.sendall(
            f"POST /meetings/acme/end HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 3\r\n\r\n{{}}".encode()
        )
        time.sleep(0.5)
        assert stand.service.seen == [] and stand.gate.uses() == []
        stand.gate.clock.by = 3601.0
        connection.sendall(b"\nGET /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = rest(connection)
    assert (status(answer), why(answer)) == (403, "expired")
    assert stand.service.seen == [] and stand.gate.uses() == []


def test_a_body_that_is_whole_passes_whole(stand: Stand) -> None:
    """A service would act on half of what was sent."""
    stand.gate.leased("end", "acme")
    body = b"x" * 100_000
    assert status(stand.front.send("POST /meetings/acme/end", body=body)) == 200
    assert stand.service.seen[-1].endswith(b"\r\n\r\n" + body)
    with wire(stand.front.url) as connection:
        head = f"POST /meetings/acme/end HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nTransfer-Encoding: chunked"
        connection.sendall(head.encode() + b"\r\n\r\n3\r\nabc\r\n0\r\nX-Armslength-Subject: ana\r\n\r\n")
        assert status(rest(connection)) == 200
    assert stand.service.seen[-1].endswith(b"\r\n\r\nabc")
    assert stand.service.header("X-Armslength-Subject") == ["bo"] and stand.service.header("Content-Length") == ["3"]


def test_each_request_of_a_connection_is_asked_about(stand: Stand) -> None:
    """One allowed request would open the connection for all that follow."""
    stand.gate.leased("end", "acme")
    requests = [f"DELETE /meetings/{name} HTTP/1.1\r\nHost: {HOST}\r\n" for name in ("acme", "other", "acme")]
    sent = "\r\n".join(requests) + "Connection: close\r\n\r\n"
    answer = exchanged(stand.front.url, sent.encode())
    assert answer.count(b"HTTP/1.1 200") == 2 and answer.count(b"HTTP/1.1 403") == 1
    assert stand.service.lines() == ["DELETE /meetings/acme HTTP/1.1"] * 2


def test_a_service_answer_opens_no_other_location(stand: Stand) -> None:
    """A service that was taken over would have nginx ask the gate for it, with the point's secret."""
    stand.service.answer = (
        b"HTTP/1.1 200 OK\r\nX-Accel-Redirect: /armslength-gate\r\nContent-Length: 4\r\nConnection: close\r\n\r\ndone"
    )
    assert stand.front.send("GET /status/acme").endswith(b"done")


def test_a_refusal_by_the_service_is_its_own(stand: Stand) -> None:
    """A person would be told by the gate what the gate never said."""
    for code in (b"403 Forbidden", b"401 Unauthorized", b"500 Internal Server Error"):
        stand.service.answer = b"HTTP/1.1 %s\r\nContent-Length: 3\r\nConnection: close\r\n\r\nown" % code
        answer = stand.front.send("GET /status/acme")
        assert answer.endswith(b"own") and why(answer) == ""


def test_the_second_server_lets_nobody_else_in(stand: Stand, tmp_path: Path) -> None:
    """Any program on the machine could name itself to the service."""
    path = str(tmp_path / "front" / "second.sock")
    word = "held-" + "h" * 20
    wrong = ("wrong", "", word.upper(), word.capitalize(), f"{word}h", f"h{word}")
    for held in ("", *(f"X-Armslength-Held: {each}\r\n" for each in wrong)):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(20)
            connection.connect(path)
            head = f"GET /status/acme HTTP/1.1\r\nHost: {HOST}\r\nX-Armslength-Subject: bo\r\nConnection: close\r\n"
            connection.sendall(f"{head}{held}\r\n".encode())
            assert status(rest(connection)) == 403
    assert stand.service.seen == [] and stand.gate.uses() == []


def test_a_wrong_secret_opens_nothing(tmp_path: Path) -> None:
    """Any nginx could ask in this one's name; or a mistake in the file would open the door."""
    with real_gate(tmp_path / "gate") as gate, running_service() as service:
        port = free_port()
        site = site_for(tmp_path, gate=gate.url, service=service.url, port=port)
        with running_nginx(tmp_path, {site: "pt_" + "D" * 42 + "A"}, http=PERSON):
            head = f"GET /status HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
            answer = exchanged(f"http://127.0.0.1:{port}", head.encode())
            assert (status(answer), why(answer)) == (403, "gate_unreachable")
            assert b"sign in" not in answer and b"WWW-Authenticate" not in answer
        assert service.seen == []


def test_a_lookup_says_whom_it_concerns(tmp_path: Path) -> None:
    """An act on a meeting would be recorded as one on nobody."""
    with running_service() as owners:
        said = b'{"customers": ["acme"]}'
        owners.answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(said), said)
        with (
            real_gate(tmp_path / "gate", lookup=f"{owners.url}/owners") as gate,
            nginx_front(tmp_path / "front", gate) as (front, service),
        ):
            gate.leased("restart", "acme", by="di")
            assert status(front.send("POST /restarts/m-1")) == 200
            assert owners.lines()[-1] == "GET /owners?meeting=m-1 HTTP/1.1"
            assert gate.uses()[-1].customers == ("acme",)
            for bad in (b"{}", b'{"customers": "acme"}', b'{"customers": [""]}', b"no"):
                owners.answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (
                    len(bad),
                    bad,
                )
                assert status(front.send("POST /restarts/m-1")) == 403
            assert len(service.seen) == 1


# Who people are, by their certificates


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stand, Authority, Authority]]:
    folder = tmp_path_factory.mktemp("certified")
    web, people = (Authority(folder=folder / "certificates", label=label).made() for label in ("web", "people"))
    server = web.certificate("server", [(CN, HOST)])
    port = free_port()
    with real_gate(folder / "gate") as gate, running_service() as service:
        gate.leased("end", "acme")
        site = site_for(
            folder,
            gate=gate.url,
            service=service.url,
            port=port,
            listen=(f"127.0.0.1:{port} ssl http2",),
            certificate=str(server),
            key=str(server.with_suffix(".key")),
            subject=ClientCertificate(authority=str(people.file)),
        )
        with running_nginx(folder, {site: SECRET}):
            url = f"https://127.0.0.1:{port}"
            yield (
                Stand(gate=gate, front=Front(name="tls", url=url, reached=lambda: len(service.seen)), service=service),
                web,
                people,
            )


def over_tls(stand: Stand, web: Authority, person: Path | None, sent: bytes) -> bytes:
    place = urlsplit(stand.front.url)
    with (
        socket.create_connection((str(place.hostname), place.port or 443), timeout=20) as plain,
        trusting(web, person).wrap_socket(plain, server_hostname=HOST) as connection,
    ):
        connection.sendall(sent)
        return rest(connection)


ACT = f"DELETE /meetings/acme HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()


@pytest.mark.parametrize(("label", "name", "is_bo"), NAMES, ids=[label for label, _, _ in NAMES])
def test_a_certificate_names_one_person_or_nobody(
    certified: tuple[Stand, Authority, Authority], label: str, name: Name, is_bo: bool
) -> None:
    """Whoever can have a certificate made for an odd name would be who they like."""
    stand, web, people = certified
    seen = len(stand.service.seen)
    answer = over_tls(stand, web, people.certificate(label, name), ACT)
    assert (status(answer) == 200) is is_bo is (len(stand.service.seen) > seen)
    if is_bo:
        assert stand.service.header("X-Armslength-Subject") == ["bo"]
        assert stand.gate.uses()[-1].executor == "bo"
    else:
        assert status(answer) in (400, 401, 403)


def test_only_the_peoples_authority_counts(certified: tuple[Stand, Authority, Authority], tmp_path: Path) -> None:
    """Anybody can sign a certificate for bo; and one that has run out says nothing of today."""
    stand, web, people = certified
    seen = len(stand.service.seen)
    other = Authority(folder=tmp_path, label="other").made()
    for person in (None, other.certificate("bo", [(CN, "bo")]), web.certificate("bo-web", [(CN, "bo")])):
        assert status(over_tls(stand, web, person, ACT)) in (400, 401)
    old = people.certificate("bo-old", [(CN, "bo")], days=-1)
    assert status(over_tls(stand, web, old, ACT)) in (400, 401)
    subject = ACT.replace(b"Connection", b"X-Armslength-Subject: bo\r\nConnection")
    assert status(over_tls(stand, web, None, subject)) == 401
    assert len(stand.service.seen) == seen


def test_http_2_is_asked_about_as_any(certified: tuple[Stand, Authority, Authority]) -> None:
    """The newer protocol would be a way around."""
    stand, web, people = certified
    bo = people.certificate("bo-2", [(CN, "bo")])
    seen = len(stand.service.seen)
    port = urlsplit(stand.front.url).port
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_version} %{http_code}", "--http2", "--path-as-is"]
    command += ["--cacert", str(web.file), "--cert", str(bo), "--key", str(bo.with_suffix(".key"))]
    command += ["--resolve", f"{HOST}:{port}:127.0.0.1", "-X", "DELETE"]
    for path, code in (("/meetings/acme", "200"), ("/meetings/x/../acme", "403"), ("/meetings/other", "403")):
        done = subprocess.run([*command, f"https://{HOST}:{port}{path}"], capture_output=True, text=True, timeout=30)
        assert done.stdout == f"2 {code}", done.stderr
    assert stand.service.lines()[seen:] == ["DELETE /meetings/acme HTTP/1.1"]


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Two sites at one address: the first one's people are contractors."""

    port: int
    web: Authority
    people: Authority
    contractors: Authority
    service: Service

    def act(self, person: Path | None, name: str | None, *, host: str = HOST) -> int:
        """The status of the act for `host`, after a handshake for `name`."""
        return self.act_with(self.client(person), name, host=host)[0]

    def client(self, person: Path | None, *, tls: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        found = trusting(self.web, person)
        found.check_hostname = False
        if tls is not None:
            found.minimum_version = found.maximum_version = tls
        return found

    def act_with(
        self, client: ssl.SSLContext, name: str | None, *, host: str = HOST, session: ssl.SSLSession | None = None
    ) -> tuple[int, ssl.SSLSession | None]:
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=20) as plain,
            client.wrap_socket(plain, server_hostname=name, session=session) as connection,
        ):
            connection.sendall(ACT.replace(HOST.encode(), host.encode()))
            return status(rest(connection)), connection.session


@contextlib.contextmanager
def two_at_one_address(folder: Path, *, http: str = "", port: int | None = None) -> Iterator[Shared]:
    labels = ("web", "people", "contractors")
    web, people, contractors = (Authority(folder=folder / "certificates", label=label).made() for label in labels)
    server, port = web.certificate("server", [(CN, HOST)]), port or free_port()
    with real_gate(folder / "gate") as gate, running_service() as service:
        gate.leased("end", "acme")
        sites = {}
        for host, authority in (("contractors.example", contractors), (HOST, people)):
            (folder / host).mkdir()
            site = site_for(
                folder / host,
                gate=gate.url,
                service=service.url,
                port=port,
                host=host,
                listen=(f"127.0.0.1:{port} ssl",),
                certificate=str(server),
                key=str(server.with_suffix(".key")),
                subject=ClientCertificate(authority=str(authority.file)),
            )
            sites[site] = SECRET
        with running_nginx(folder / "nginx", sites, http=http):
            yield Shared(port=port, web=web, people=people, contractors=contractors, service=service)


def test_another_sites_authority_says_nothing_of_people_here(tmp_path: Path) -> None:
    """Whoever has a contractor's certificate that says bo would be bo: without a name in the handshake, nginx looks at
    certificates by the rules of the site that is first at the address."""
    with two_at_one_address(tmp_path) as both:
        there = both.contractors.certificate("bo-there", [(CN, "bo")])
        here = both.people.certificate("bo-here", [(CN, "bo")])
        for person in (there, here, None):
            for name in (None, "contractors.example", "unknown.example"):
                assert both.act(person, name) in (400, 421), (person, name)
        assert both.act(there, HOST) == 400
        assert both.service.seen == []
        for name in (HOST, "Admin.Example"):
            assert both.act(here, name, host=name) == 200


@pytest.mark.parametrize("tls", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_people_come_back(tmp_path: Path, tls: ssl.TLSVersion) -> None:
    """A browser that takes its session up again would be turned away, now and then, and nobody would know why."""
    with two_at_one_address(tmp_path) as both:
        client, session = both.client(both.people.certificate("bo", [(CN, "bo")]), tls=tls), None
        for _ in range(3):
            found, session = both.act_with(client, HOST, session=session)
            assert found == 200


@pytest.mark.parametrize("tls", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_a_session_of_another_site_is_not_taken_up_here(tmp_path: Path, tls: ssl.TLSVersion) -> None:
    """Nobody looks at a certificate in a session that goes on: the one that was shown elsewhere would count."""
    port = free_port()
    first = f"""\
    server {{
        listen 127.0.0.1:{port} ssl default_server;
        server_name first.example;
        ssl_certificate {tmp_path}/certificates/server.pem;
        ssl_certificate_key {tmp_path}/certificates/server.key;
        ssl_client_certificate {tmp_path}/certificates/contractors.pem;
        ssl_verify_client on;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_cache shared:first:1m;
        return 204;
    }}"""
    with two_at_one_address(tmp_path, http=first, port=port) as both:
        bo = both.contractors.certificate("bo-there", [(CN, "bo")])
        for seed in ("first.example", None, "contractors.example"):
            client = both.client(bo, tls=tls)
            begun, session = both.act_with(client, seed, host="first.example" if seed is None else seed)
            assert begun == (403 if seed == "contractors.example" else 204)
            with contextlib.suppress(ssl.SSLError):  # a newer nginx ends the handshake
                assert both.act_with(client, HOST, session=session)[0] in (400, 421), seed
        assert both.service.seen == []


# What is written


GOOD = {
    "host": "admin.example",
    "listen": ("443 ssl",),
    "gate": "https://gate.example",
    "upstream": "http://127.0.0.1:8008",
    "socket": "/run/armslength/second.sock",
    "secrets": "/etc/nginx/armslength.secrets",
    "subject": ClientCertificate(authority="/etc/nginx/people.pem"),
    "ask": "https://gate.example/ask",
    "certificate": "/etc/nginx/server.pem",
    "key": "/etc/nginx/server.key",
    "authority": "/etc/ssl/certs/ca-certificates.crt",
}


@pytest.mark.parametrize(
    "more",
    [
        {"host": "Admin.example"},
        {"host": "a b; return 200"},
        {"host": ""},
        {"gate": "https://gate.example/x"},
        {"gate": "gate.example"},
        {"gate": "https://gate.example;"},
        {"authority": None},
        {"upstream": "http://x{}"},
        {"socket": "run/x.sock"},
        {"socket": "/run/x y.sock"},
        {"secrets": "/etc/$host"},
        {"certificate": None},
        {"key": None},
        {"listen": ()},
        {"listen": ("443; return 200",)},
        {"most_body": "1m; x"},
        {"ask": "javascript:alert(1)"},
        {"ask": "https://gate.example/'onclick='x"},
        {"ungated": ("health",)},
        {"ungated": ("/a/../b",)},
        {"ungated": ('/a"',)},
        {"subject": TrustedVariable(name="$http_x_user")},
        {"subject": TrustedVariable(name="$arg_user")},
        {"subject": TrustedVariable(name="$cookie_user")},
        {"subject": TrustedVariable(name="$remote_user")},
        {"subject": TrustedVariable(name="user")},
        {"subject": TrustedVariable(name="$user; x")},
        {"subject": ClientCertificate(authority="people.pem")},
    ],
)
def test_a_setting_that_would_write_something_else_is_refused(more: dict[str, object]) -> None:
    """A space or a semicolon in a path would be another directive; a variable that a caller sets, another person."""
    NginxSite(**GOOD)  # type: ignore[arg-type]
    with pytest.raises(ValueError):
        NginxSite(**{**GOOD, **more})  # type: ignore[arg-type]


def test_the_service_is_shown_nginxs_own_credential_once_the_gate_said_yes(tmp_path: Path) -> None:
    """People would hold an administrator's token of their own, and use it past the gate."""
    with real_gate(tmp_path / "gate") as gate, running_service() as service:
        port = free_port()
        site = site_for(tmp_path, gate=gate.url, service=service.url, port=port, credential=True)
        with running_nginx(tmp_path, {site: SECRET}, http=PERSON, credential="Bearer admin-of-the-service"):
            for path, code in (("/status", 200), ("/nothing", 403)):
                head = f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer mine\r\nConnection: close\r\n\r\n"
                answer = exchanged(f"http://127.0.0.1:{port}", head.encode())
                assert status(answer) == code and b"admin-of-the-service" not in answer
        assert len(service.seen) == 1 and service.header("Authorization") == ["Bearer admin-of-the-service"]
    with pytest.raises(ValueError):
        nginx_secrets(site, point=SECRET, held="h" * 32)
    for bad in ('Bearer x"; }', "Bearer $host-name", "Bearer", ""):
        with pytest.raises(ValueError):
            nginx_secrets(site, point=SECRET, held="h" * 32, credential=bad)


def test_two_sites_stand_in_one_nginx(tmp_path: Path) -> None:
    """The second service would have the first one's secret, or nginx would not start."""
    with real_gate(tmp_path / "gate") as gate, running_service() as service:
        port, other = free_port(), free_port()
        (tmp_path / "one").mkdir()
        (tmp_path / "two").mkdir()
        one = site_for(tmp_path / "one", gate=gate.url, service=service.url, port=port)
        two = site_for(tmp_path / "two", gate=gate.url, service=service.url, port=other, host="other.example")
        with running_nginx(tmp_path, {one: SECRET, two: "pt_" + "E" * 42 + "A"}, http=PERSON):
            head = f"GET /status HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
            assert status(exchanged(f"http://127.0.0.1:{port}", head)) == 200
            assert why(exchanged(f"http://127.0.0.1:{other}", head)) == "gate_unreachable"
        assert len(service.seen) == 1


def test_the_secrets_stand_in_their_own_file() -> None:
    """A configuration that is shown to a colleague would carry the secret along."""
    site = NginxSite(**GOOD)  # type: ignore[arg-type]
    assert SECRET in nginx_secrets(site, point=SECRET, held="h" * 32)
    assert SECRET not in nginx_site(site) and "h" * 32 not in nginx_site(site)
    for bad in ("", 'x"; }', "short"):
        with pytest.raises(ValueError):
            nginx_secrets(site, point=SECRET, held=bad)
        with pytest.raises(ValueError):
            nginx_secrets(site, point=bad, held="h" * 32)


def test_every_reason_has_a_sentence() -> None:
    """A person would be told a code, or nothing."""
    from armslength.enforce import SENTENCES
    from armslength.gate import Why

    assert set(SENTENCES) == set(Why)
    for text in SENTENCES.values():
        assert text[0].isupper() and text.endswith(".") and not set(text) & set('$\\{}"<>')


def test_no_rule_is_not_said_to_be_for_good() -> None:
    """At a proxy no case and no order is known: whoever may ask with one would go away for a "never"."""
    from armslength.enforce import SENTENCES
    from armslength.gate import Why

    text = SENTENCES[Why.NO_RULE]
    assert "with or without approval" not in text and "ask for it" in text


def test_nginx_is_of_the_version_that_was_tried() -> None:
    """What is claimed of nginx was tried with this one; another may read requests differently."""
    said = subprocess.run([NGINX, "-v"], capture_output=True, text=True, check=True).stderr
    assert said.startswith("nginx version: nginx/1.")
