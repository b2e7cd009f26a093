"""What the gate adds to a request behind nginx; prints JSON.

`python benchmarks/gate_nginx.py`. The same service, one request after the other on one connection: alone; behind nginx;
behind nginx that asks a gate which costs nothing (nginx itself, saying yes); that asks the real gate about standing
access; and about a lease, whose use is recorded before the answer.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import tempfile
import time
from pathlib import Path
from statistics import quantiles

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.enforce.fronts import PERSON  # noqa: E402
from tests.enforce.nginx import free_port, running_nginx, site_for  # noqa: E402
from tests.enforce.real_gate import HOST, SECRET, real_gate  # noqa: E402


def timed(port: int, line: str, count: int) -> list[float]:
    """Microseconds each. Raises `SystemExit` for what was not let through."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    request = f"{line} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
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


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=900, help="requests of each kind in a round, at most 900")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="armslength-bench-") as temporary, real_gate(Path(temporary) / "g") as gate:
        gate.leased("end", "acme")
        service, free, port, other = (free_port() for _ in range(4))
        behind = f"http://127.0.0.1:{service}"
        plain = "keepalive_requests 1000000; location / { return 200"
        http = (
            f"{PERSON}\nserver {{ listen 127.0.0.1:{service}; {plain} done; }} }}"
            f"\nserver {{ listen 127.0.0.1:{free}; {plain}; }} }}"
        )
        ungated = {"ungated": ("/health",)}
        (Path(temporary) / "a").mkdir()
        real = site_for(Path(temporary), gate=gate.url, service=behind, port=port, **ungated)
        cheap = site_for(
            Path(temporary) / "a",
            gate=f"http://127.0.0.1:{free}",
            service=behind,
            port=other,
            host="free.example",
            **ungated,
        )
        kinds = {
            "service alone": (service, "GET /x"),
            "behind nginx": (port, "GET /health"),
            "asks a gate that costs nothing": (other, "GET /status"),
            "asks the gate, standing access": (port, "GET /status"),
            "asks the gate, a lease, recorded": (port, "DELETE /meetings/acme"),
        }
        found: dict[str, list[float]] = {kind: [] for kind in kinds}
        with running_nginx(Path(temporary), {real: SECRET, cheap: SECRET}, http=http):
            for _ in range(asked.rounds):
                for kind, (at, line) in kinds.items():
                    found[kind] += timed(at, line, asked.count)
        base = quantiles(found["behind nginx"], n=100)[49]
        for kind, times in found.items():
            spread = quantiles(times, n=100)
            added = round(spread[49] - base)
            print(
                json.dumps({"what": kind, "p50_us": round(spread[49]), "p99_us": round(spread[98]), "added_us": added})
            )


if __name__ == "__main__":
    main()
