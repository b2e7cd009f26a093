"""A gate with its console, served on this machine, and everybody's passkeys."""

from __future__ import annotations

import hashlib
import html
import http.client
import json
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from armslength.console import console_app, demo_key
from armslength.gate import PersonId
from armslength.service import Gate, SoftKey, create_gate
from armslength.store import GateSettings, read_gate_folder
from armslength.tlog import parse_base64url
from armslength.web import running
from tests.console.staff import FILES, FOUNDED

ORIGIN = "gate.example.com/acts"


@dataclass(frozen=True)
class Desk:
    """`keys` are those of the people who were founded."""

    gate: Gate
    url: str
    port: int
    path: Path
    keys: Mapping[str, SoftKey] = field(repr=False)


@contextmanager
def desk(
    path: Path,
    *,
    files: Mapping[str, bytes] = FILES,
    people: tuple[str, ...] = FOUNDED,
    demo: bool = False,
    shown: bool | None = None,
    url: str = "",
    clock: Callable[[], float] = time.time,
    console_clock: Callable[[], float] = time.time,
    **settings: object,
) -> Iterator[Desk]:
    """A new gate at `path` whose `people` hold passkeys from its founding; `demo`: the demonstration's. `shown`:
    whether it is served as a demonstration, as `demo` says if not given; `url`: one that stands behind a proxy;
    `clock` is the gate's, `console_clock` that of sessions."""
    port = _free_port()
    url = url or f"http://localhost:{port}"
    said = GateSettings(origin=ORIGIN, url=url, name="Meridian", break_glass=("glass",), **settings)  # type: ignore[arg-type]
    create_gate(path, settings=said, estate=files)
    with Gate(read_gate_folder(path), clock=clock) as gate:
        keys = {person: founded(gate, person, demo=demo) for person in people}
        gate.start()
        app = console_app(gate, demo=demo if shown is None else shown, clock=console_clock)
        with running(app, port=port, quick=True):
            yield Desk(gate=gate, url=url, port=port, path=path, keys=keys)


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as sock:
        return int(sock.getsockname()[1])


def founded(gate: Gate, person: str, *, demo: bool = False) -> SoftKey:
    """A person's passkey that counts from the founding on."""
    if demo:
        key = demo_key(gate.settings.origin, gate.settings.url, gate.party.rp_id, PersonId(person))
    else:
        seed = hashlib.sha256(f"key of {person}".encode()).digest()
        key = SoftKey(seed=seed, rp_id=gate.party.rp_id, origin=gate.settings.url)
    token = gate.invite(PersonId(person))
    invitation = gate.begin_enrolment(token)
    pending = gate.finish_enrolment(token, key.register(invitation.challenge).document())
    gate.found(pending.id)
    return key


@dataclass
class Client:
    """A client that sends what it is told, as no browser would."""

    url: str
    jar: dict[str, str] = field(default_factory=dict)
    port: int = 0

    def send(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, str]:
        """Status, headers and text; cookies are kept. Header names are given with `_` for `-`."""
        host = self.url.partition("://")[2]
        connection = http.client.HTTPConnection("127.0.0.1", self.port or int(host.rpartition(":")[2]), timeout=30)
        sent = {"Host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.jar:
            sent.setdefault("Cookie", "; ".join(f"{name}={value}" for name, value in self.jar.items()))
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        finally:
            connection.close()
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, rest = cookie.partition("=")
            value = rest.partition(";")[0].strip('"')
            if value:
                self.jar[name] = value
            else:
                self.jar.pop(name, None)
        return answer.status, answer.headers, text

    def get(self, path: str, **headers: str) -> tuple[int, http.client.HTTPMessage, str]:
        return self.send("GET", path, **headers)

    def post(self, path: str, fields: Mapping[str, str], **headers: str) -> tuple[int, http.client.HTTPMessage, str]:
        """A form as the console's own pages send it, unless `headers` say otherwise."""
        said = {"Origin": self.url, "Sec_Fetch_Site": "same-origin", **headers}
        said = {name: value for name, value in said.items() if value}
        body = urlencode(fields).encode()
        return self.send("POST", path, body, Content_Type="application/x-www-form-urlencoded", **said)

    def sign_in_fields(self, key: SoftKey) -> dict[str, str]:
        """What the form of the sign-in sends once the passkey has signed."""
        text = html.unescape(self.get("/sign-in")[2])
        challenge = re.search(r'"challenge":"([^"]+)"', text)
        token = re.search(r'name="csrf" value="([^"]+)"', text)
        assert challenge is not None and token is not None, text
        assertion = key.sign(parse_base64url(challenge[1], 32))
        return {"csrf": token[1], "next": "/", "credential": json.dumps(assertion.form())}

    def csrf(self, path: str) -> str:
        """The token of the forms on a page."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.get(path)[2])
        assert found is not None, f"no form on {path}"
        return found[1]


def signed_in(here: Desk, person: str, client: Client | None = None) -> Client:
    """A client in which this person is signed in, by their passkey."""
    client = client or Client(here.url)
    status, _, text = client.post("/sign-in", client.sign_in_fields(here.keys[person]))
    assert status == 303, text
    return client
