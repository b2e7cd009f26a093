"""What the gate adds to a request behind Envoy, beside nginx in the same run; prints JSON.

`python benchmarks/field_envoy.py`. The same service, one request after the other on one connection: alone; behind the
proxy; behind the proxy that asks a gate which costs nothing (nginx itself, saying yes); that asks the real gate about
standing access; and about a lease, whose use is recorded before the answer. Every number is of this run on this
machine: only the ratios travel.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import quantiles

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.enforce.envoy import envoy_site, running_envoy  # noqa: E402
from tests.enforce.fronts import PERSON, envoy_person  # noqa: E402
from tests.enforce.nginx import free_port, running_nginx, site_for  # noqa: E402
from tests.enforce.real_gate import HOST, SECRET, RealGate, real_gate  # noqa: E402

FREE = "free.example"


def timed(port: int, line: str, count: int, host: str, person: str) -> list[float]:
    """Microseconds each. Raises `SystemExit` for what was not let through."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    request = f"{line} HTTP/1.1\r\nHost: {host}\r\n{person}\r\n\r\n".encode()
    found = []
    for _ in range(count):
        start = time.perf_counter()
        sock.sendall(request)
        answer = b""
        while not answer.endswith(b"done"):
            piece = sock.recv(65536)
            answer += piece
            if not piece or b" 200 " not in answer[:20]:
                raise SystemExit(f"not let through: {answer[:300]!r}")
        found.append(1e6 * (time.perf_counter() - start))
    sock.close()
    return found[count // 10 :]


@contextmanager
def standing(folder: Path, gate: RealGate) -> Iterator[dict[str, tuple[int, str, str]]]:
    """Both proxies twice, before the same service: each kind's port, request line and host."""
    service, free = free_port(), free_port()
    behind, costless = f"http://127.0.0.1:{service}", f"http://127.0.0.1:{free}"
    plain = "keepalive_requests 1000000; location / { return 200"
    http = f"""{PERSON}
server {{ listen 127.0.0.1:{service}; {plain} done; }} }}
server {{ listen 127.0.0.1:{free}; {plain}; }} }}"""
    ports = {name: free_port() for name in ("nginx", "nginx-free", "envoy", "envoy-free")}
    for name in ports:
        (folder / name).mkdir(parents=True)
    more = {"ungated": ("/health",)}
    nginx = site_for(folder / "nginx", gate=gate.url, service=behind, port=ports["nginx"], **more)
    cheap = site_for(folder / "nginx-free", gate=costless, service=behind, port=ports["nginx-free"], host=FREE, **more)
    envoy = envoy_site(folder / "envoy", gate=gate.url, service=behind, port=ports["envoy"], **more)
    envoy_free = envoy_site(
        folder / "envoy-free", gate=costless, service=behind, port=ports["envoy-free"], host=FREE, **more
    )
    kinds: dict[str, tuple[int, str, str]] = {"the service alone": (service, "GET /x", HOST)}
    for name in ("nginx", "envoy"):
        kinds[f"{name}, asks nobody"] = (ports[name], "GET /health", HOST)
        kinds[f"{name}, a gate that costs nothing"] = (ports[f"{name}-free"], "GET /status", FREE)
        kinds[f"{name}, standing access"] = (ports[name], "GET /status", HOST)
        kinds[f"{name}, a lease, recorded"] = (ports[name], "DELETE /meetings/acme", HOST)
    with ExitStack() as stack:
        stack.enter_context(running_nginx(folder / "run", {nginx: SECRET, cheap: SECRET}, http=http))
        stack.enter_context(running_envoy(folder / "envoys", {envoy: SECRET, envoy_free: SECRET}))
        yield kinds


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=900, help="requests of each kind in a round, at most 900")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the run", file=sys.stderr)
    person = envoy_person("bo")
    with tempfile.TemporaryDirectory(prefix="armslength-bench-") as temporary:
        folder = Path(temporary)
        with real_gate(folder / "g") as gate:
            gate.leased("end", "acme")
            with standing(folder / "fronts", gate) as kinds:
                found: dict[str, list[float]] = {kind: [] for kind in kinds}
                for _ in range(asked.rounds):
                    for kind, (port, line, host) in kinds.items():
                        found[kind] += timed(port, line, asked.count, host, person)
    bases = {name: quantiles(found[f"{name}, asks nobody"], n=100)[49] for name in ("nginx", "envoy")}
    for kind, times in found.items():
        spread = quantiles(times, n=100)
        name = kind.partition(",")[0]
        added = round(spread[49] - bases[name]) if name in bases else None
        line = {"what": kind, "p50_us": round(spread[49]), "p99_us": round(spread[98]), "added_us": added}
        print(json.dumps(line))


if __name__ == "__main__":
    main()
