"""A real nginx with the configuration that is written for a site, in a folder of its own, and a service behind it that
keeps what it saw on the wire."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from armslength.enforce import NginxSite, TrustedVariable, nginx_secrets, nginx_site

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
HOST = "admin.example"
SECONDS = 20.0

# In CI it has to be there, and tests fail where it is not.
needs_nginx = pytest.mark.skipif(
    not Path(NGINX).exists() and not os.environ.get("CI"), reason="nginx is not installed: apt-get install nginx"
)


@dataclass(kw_only=True)
class Service:
    """What stands behind: it answers everything, and keeps the bytes of each request."""

    url: str
    seen: list[bytes] = field(default_factory=list)
    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ndone"
    stream: Callable[[socket.socket], None] | None = None

    def lines(self) -> list[str]:
        """The request lines."""
        return [request.split(b"\r\n", 1)[0].decode("latin-1") for request in self.seen]

    def header(self, name: str) -> list[str]:
        """The values of a header in the last request, whatever its spelling."""
        head = self.seen[-1].split(b"\r\n\r\n", 1)[0].decode("latin-1").split("\r\n")[1:]
        wanted = name.lower().replace("_", "-")
        pairs = [line.partition(":")[::2] for line in head]
        return [value.strip() for key, value in pairs if key.lower().replace("_", "-") == wanted]


@contextmanager
def running_service() -> Iterator[Service]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            found = b""
            self.request.settimeout(SECONDS)
            with contextlib.suppress(OSError):
                while b"\r\n\r\n" not in found:
                    part = self.request.recv(65536)
                    if not part:
                        break
                    found += part
                head, _, body = found.partition(b"\r\n\r\n")
                lines = head.lower().split(b"\r\n")
                length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
                while len(body) < length and (part := self.request.recv(65536)):
                    body += part
                    found += part
            if found:
                service.seen.append(found)
                if service.stream is not None:
                    service.stream(self.request)
                else:
                    with contextlib.suppress(OSError):
                        self.request.sendall(service.answer)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        service = Service(url=f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


@contextmanager
def running_nginx(
    folder: Path, sites: Mapping[NginxSite, str], *, http: str = "", credential: str | None = None
) -> Iterator[None]:
    """nginx with these sites (each with its point's secret) until the block ends; `http`: more of its `http` block."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for site, secret in sites.items():
        Path(site.secrets).write_text(_secrets(site, secret, credential), "utf-8")
        name = f"{site.word}.conf"
        (folder / name).write_text(nginx_site(site), "utf-8")
        names.append(name)
    temp = "\n".join(
        f"    {kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    included = "\n".join(f"    include {folder}/{name};" for name in names)
    (folder / "nginx.conf").write_text(
        f"""\
user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 512; }}
http {{
    access_log off;
{temp}
{http}
{included}
}}
""",
        "utf-8",
    )
    command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, timeout=SECONDS)
    assert checked.returncode == 0, checked.stderr
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + SECONDS
        while not (folder / "nginx.pid").exists() or not (folder / "nginx.pid").read_text().strip():
            assert process.poll() is None and time.monotonic() < end, (folder / "error.log").read_text()
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(SECONDS)


def _secrets(site: NginxSite, secret: str, credential: str | None) -> str:
    return nginx_secrets(site, point=secret, held="held-" + "h" * 20, credential=credential)


def site_for(folder: Path, *, gate: str, service: str, port: int, **more: object) -> NginxSite:
    """A site on plain HTTP whose people are known by the variable `$test_person`."""
    settings: dict[str, object] = {
        "host": HOST,
        "listen": (f"127.0.0.1:{port}",),
        "gate": gate,
        "upstream": service,
        "socket": f"{folder}/second.sock",
        "secrets": f"{folder}/secrets.conf",
        "subject": TrustedVariable(name="$test_person"),
        "ask": "http://localhost/ask",
    }
    return NginxSite(**{**settings, **more})  # type: ignore[arg-type]
