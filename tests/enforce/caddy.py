"""A real Caddy with the configuration that docs/caddy-traefik.md has, on plain HTTP and for the tests' places."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.enforce.fronts import Front
from tests.enforce.nginx import HOST, SECONDS, Service, free_port, running_service
from tests.enforce.real_gate import SECRET, RealGate

CADDY = shutil.which("caddy") or "/usr/bin/caddy"
PAGE = Path(__file__).parents[2] / "docs" / "caddy-traefik.md"

# In CI it has to be there, and tests fail where it is not.
needs_caddy = pytest.mark.skipif(
    not Path(CADDY).exists() and not os.environ.get("CI"), reason="Caddy is not installed: apt-get install caddy"
)


def written(folder: Path, *, port: int, gate: str, service: str) -> str:
    """The page's Caddyfile, for these places. People are known by a header of the tests."""
    found = re.search(r"```caddyfile\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    text = found[1]
    for old, new in {
        "https://admin.example.com {": f"http://{HOST}:{port} {{\n    bind 127.0.0.1",
        "http://admin.example.com {": f"http://{HOST}:{port + 1} {{",
        "admin.example.com": HOST,
        "/run/armslength-caddy/caddy.sock": f"{folder}/caddy.sock",
        "forward_auth https://gate.example.com {": f"forward_auth {gate} {{",
        "http://127.0.0.1:8008": service,
    }.items():
        assert old in text, old
        text = text.replace(old, new)
    text = re.sub(r"    tls /etc.*?\n    }\n    map .*?\n    }\n", MAP, text, count=1, flags=re.DOTALL)
    assert MAP in text
    return text


MAP = """\
    map {http.request.header.X-Test-Person} {subject} {
        "" bo
        default {http.request.header.X-Test-Person}
    }
"""


@contextmanager
def caddy_front(folder: Path, gate: RealGate) -> Iterator[tuple[Front, Service]]:
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    with running_service() as service:
        path = folder / "Caddyfile"
        path.write_text(written(folder, port=port, gate=gate.url, service=service.url))
        env = {"PATH": os.environ["PATH"], "ARMSLENGTH_POINT": SECRET, "ARMSLENGTH_HELD": "held" * 6}
        env |= {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
        with open(folder / "caddy.log", "wb") as log:
            command = [CADDY, "run", "--config", str(path), "--adapter", "caddyfile"]
            process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
            try:
                end = time.monotonic() + SECONDS
                while not _listens(port):
                    assert process.poll() is None and time.monotonic() < end, (folder / "caddy.log").read_text()
                    time.sleep(0.02)
                yield Front(name="caddy", url=f"http://127.0.0.1:{port}", reached=lambda: len(service.seen)), service
            finally:
                process.terminate()
                process.wait(SECONDS)


def _listens(port: int) -> bool:
    import socket

    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
