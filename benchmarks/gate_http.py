"""Evaluations over HTTP by one worker: how many a second, how long each takes; prints JSON.

`python benchmarks/gate_http.py --policies 20 --policies 1000`. The gate runs in a process of its own, on one processor
where there are two; the client is plain sockets. In the same run: the same server with an app that says a constant.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from benchmarks.gate_estates import Drawn, draw  # noqa: E402
from benchmarks.gate_server import HOST, SECRET  # noqa: E402

TOGETHER = 8
"""Connections of the run that counts how many a second."""


def free() -> int:
    """A port whose next one is free as well."""
    while True:
        with socket.create_server((HOST, 0)) as first:
            port = int(first.getsockname()[1])
            try:
                socket.create_server((HOST, port + 1)).close()
            except OSError:
                continue
            return port


@contextmanager
def served(policies: int) -> Iterator[tuple[subprocess.Popen[str], int]]:
    with tempfile.TemporaryDirectory() as folder:
        port = free()
        command = [sys.executable, str(HERE / "gate_server.py"), folder, str(port), str(policies)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise SystemExit("the gate did not start")
            if len(os.sched_getaffinity(0)) > 1:
                first, *rest = sorted(os.sched_getaffinity(0))
                os.sched_setaffinity(process.pid, {first})
                os.sched_setaffinity(0, set(rest))
            yield process, port
        finally:
            process.terminate()
            process.wait(30)


def bodies(drawn: Drawn) -> list[bytes]:
    """The questions as requests; all of one length, so that answers are read by their own."""
    found = []
    for one in drawn.asks:
        body = json.dumps(
            {
                "subject": {"type": "person", "id": one.person},
                "action": {"name": one.action},
                "resource": {"type": "asset", "id": one.asset},
                "context": {"ticket": "T-1"},
            }
        ).encode()
        head = (
            f"POST /access/v1/evaluation HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {SECRET}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        found.append(head.encode() + body)
    return found


def connected(port: int, count: int) -> list[socket.socket]:
    found = []
    for _ in range(count):
        sock = socket.create_connection((HOST, port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        found.append(sock)
    return found


def answered(sock: socket.socket) -> bytes:
    """One answer, whole. Raises `SystemExit` for one that is no yes or no."""
    data = sock.recv(65536)
    while b"\r\n\r\n" not in data:
        data += sock.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += sock.recv(65536)
    if not head.startswith(b"HTTP/1.1 200") or b'"decision"' not in body:
        raise SystemExit(f"unexpected: {data[:500]!r}")
    return body


def alone(port: int, requests: Sequence[bytes], seconds: float) -> list[float]:
    """Microseconds of one request after the other on one connection."""
    (sock,) = connected(port, 1)
    times: list[float] = []
    end, n = time.perf_counter() + seconds, 0
    while (start := time.perf_counter()) < end:
        sock.sendall(requests[n % len(requests)])
        answered(sock)
        times.append(1e6 * (time.perf_counter() - start))
        n += 1
    sock.close()
    return times[len(times) // 10 :]


def together(port: int, requests: Sequence[bytes], seconds: float) -> float:
    """Answers a second with several connections that each wait for theirs."""
    socks = connected(port, TOGETHER)
    start, n = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        for sock in socks:
            sock.sendall(requests[n % len(requests)])
            n += 1
        for sock in socks:
            answered(sock)
    took = time.perf_counter() - start
    for sock in socks:
        sock.close()
    return n / took


def processor(process: subprocess.Popen[str]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--policies", type=int, action="append", metavar="N")
    parser.add_argument("--seconds", type=float, default=5.0)
    asked = parser.parse_args()
    for policies in asked.policies or [20, 1000]:
        requests = bodies(draw(policies=policies, people=2000, seed=1))
        with served(policies) as (process, port):
            for who, at in (("gate", port), ("constant", port + 1)):
                alone(at, requests, min(2.0, asked.seconds))  # warm: every slice and scope was met once
                times = alone(at, requests, asked.seconds)
                before, start = processor(process), time.perf_counter()
                rate = together(at, requests, asked.seconds)
                used = (processor(process) - before) / ((time.perf_counter() - start) * rate)
                print(
                    json.dumps(
                        {
                            "policies": policies,
                            "who": who,
                            "p50_us": round(quantiles(times, n=100)[49]),
                            "p99_us": round(quantiles(times, n=100)[98]),
                            "per_second": round(rate),
                            "cpu_us": round(1e6 * used),
                        }
                    ),
                    flush=True,
                )


if __name__ == "__main__":
    main()
