"""A real OpenID Connect provider (npm's oidc-provider) on this machine, and people who sign in there."""

from __future__ import annotations

import fcntl
import html
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urljoin, urlsplit

import pytest

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent.parent / ".cache" / "oidc"
INSTALL = "Node.js and npm are needed for this test: apt-get install nodejs npm"
CLIENT = "armslength gate"
SECRET = "of-the-tests +%/=:"
"""With all that is written otherwise in a form."""
SECONDS = 20.0


def installed() -> Path:
    """The folder whose node_modules has the provider; made at the first use, by one test at a time."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.fail(INSTALL) if os.environ.get("CI") else pytest.skip(INSTALL)
    CACHE.mkdir(parents=True, exist_ok=True)
    lock = (HERE / "package-lock.json").read_bytes()
    with open(CACHE / "lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = CACHE / "package-lock.json.done"
        if not done.exists() or done.read_bytes() != lock:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, CACHE / name)
            command = ["npm", "ci", "--omit-lockfile-registry-resolved", "--ignore-scripts", "--no-audit", "--no-fund"]
            ended = subprocess.run(command, cwd=CACHE, capture_output=True, text=True, timeout=300, check=False)
            if ended.returncode != 0:
                pytest.fail(f"npm ci in tests/oidc: {ended.stderr[-2000:]}")
            done.write_bytes(lock)
    return CACHE


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as sock:
        return int(sock.getsockname()[1])


@dataclass(frozen=True, kw_only=True)
class Provider:
    """`issuer` stands at 127.0.0.1, for browsers another site than localhost, where the gate stands."""

    issuer: str
    process: subprocess.Popen[str]

    def rotate(self) -> None:
        """From here on it signs with a new key and knows none of the old ones."""
        assert Visitor().get(f"{self.issuer}/control/rotate")[2] == "rotated\n"


@contextmanager
def provider(gate: str, *, port: int = 0, **settings: object) -> Iterator[Provider]:
    """One that knows the gate at the address `gate`."""
    port = port or free_port()
    said = {
        "issuer": f"http://127.0.0.1:{port}",
        "port": port,
        "gate": gate,
        "client_id": CLIENT,
        "secret": SECRET,
        "algorithm": "RS256",
        "auth_method": "client_secret_basic",
        "by_session": True,
        "lean": True,
        **settings,
    }
    folder = installed()
    with tempfile.TemporaryDirectory() as made:
        file = Path(made) / "settings.json"
        file.write_text(json.dumps(said), encoding="utf-8")
        log = open(Path(made) / "log", "w+")
        process = subprocess.Popen(
            ["node", str(HERE / "server.mjs"), str(folder), str(file)], stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("listening"):
                    break
            else:
                log.seek(0)
                pytest.fail(f"the provider did not start: {log.read()[-2000:]}")
            yield Provider(issuer=str(said["issuer"]), process=process)
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
            log.close()


@dataclass
class Visitor:
    """A browser of few words: cookies by host and port, redirects on demand."""

    jar: dict[str, dict[str, str]] = field(default_factory=dict)

    def get(self, url: str, **headers: str) -> tuple[int, http.client.HTTPMessage, str]:
        return self.send("GET", url, None, **headers)

    def post(self, url: str, fields: dict[str, str], **headers: str) -> tuple[int, http.client.HTTPMessage, str]:
        return self.send(
            "POST", url, urlencode(fields).encode(), Content_Type="application/x-www-form-urlencoded", **headers
        )

    def send(
        self, method: str, url: str, body: bytes | None, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, str]:
        parts = urlsplit(url)
        jar = self.jar.setdefault(parts.netloc, {})
        connection = http.client.HTTPConnection("127.0.0.1", parts.port or 80, timeout=SECONDS)
        sent = {"Host": parts.netloc, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if jar:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        try:
            connection.request(method, f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}", body, sent)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        finally:
            connection.close()
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, rest = cookie.partition("=")
            value = rest.partition(";")[0]
            gone = not value or re.search(r"max-age=0|expires=thu, 01 jan 1970", rest, re.I)
            if gone:
                jar.pop(name, None)
            else:
                jar[name] = value
        return answer.status, answer.headers, text

    def sign_in_there(self, address: str, login: str, **fields: str) -> str:
        """Go to the provider's page, say who one is, and give the address that it sends the browser back to."""
        home = urlsplit(address).netloc
        url = address
        for _ in range(12):
            status, headers, text = self.get(url)
            if status == 200:
                assert "Who are you?" in text, text
                status, headers, text = self.post(url, {"login": login, "amr": "pwd", **fields})
            assert status in (302, 303), text
            url = urljoin(url, headers["Location"])
            if urlsplit(url).netloc != home:
                return url
        raise AssertionError("the provider did not send the browser back")


def link_of(text: str) -> str:
    """Where a page of the gate leads by itself."""
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', text)
    assert found is not None, text
    return html.unescape(found[1])
