"""Two gates that share a ledger in PostgreSQL, against one of them alone; prints JSON.

`python benchmarks/field_several.py [--seconds 5]`. Each gate is a process of its own, and so is PostgreSQL (Debian's,
on this machine, with fsync). Evaluations a second over HTTP; what a use takes that is recorded, at the gate that writes
and at the one that hands its acts over; and how long after the writer is killed the other one records.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from armslength.service import create_gate  # noqa: E402
from armslength.store import GatePoint, GateSettings, join_gate_folder  # noqa: E402
from benchmarks.gate_estates import draw  # noqa: E402
from benchmarks.gate_http import answered, bodies, connected, free, processor  # noqa: E402
from benchmarks.gate_server import SECRET  # noqa: E402
from tests.gate_shared.network import Site  # noqa: E402
from tests.gate_shared.office import HERE as BESIDE  # noqa: E402
from tests.gate_shared.office import Office  # noqa: E402
from tests.gate_shared.pair import founded  # noqa: E402
from tests.gate_shared.server import SharedServer, shared_server, until  # noqa: E402

TOGETHER = 8
"""Connections, of all gates together."""
USES = 200
ACT = ("bo", "view", "asset:meetings", "acme")


@contextmanager
def running(folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(HERE / "field_gate.py"), str(folder), str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise SystemExit("the gate did not start")
        yield process
    finally:
        process.kill()
        process.wait(30)


def evaluations(
    gates: dict[int, subprocess.Popen[str]], requests: Sequence[bytes], seconds: float
) -> dict[str, object]:
    """Answers a second with connections that each wait for theirs, at these gates by turns; and what of a processor an
    answer took."""
    socks = [sock for port in gates for sock in connected(port, TOGETHER // len(gates))]
    before = sum(map(processor, gates.values()))
    start, n = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        for sock in socks:
            sock.sendall(requests[n % len(requests)])
            n += 1
        for sock in socks:
            answered(sock)
    took, used = time.perf_counter() - start, sum(map(processor, gates.values())) - before
    for sock in socks:
        sock.close()
    return {"what": f"evaluations at {len(gates)}", "a_second": round(n / took), "cpu_us": round(1e6 * used / n)}


def several(server: SharedServer, place: Path, seconds: float) -> Iterator[dict[str, object]]:
    drawn = draw(policies=20, people=2000, seed=1)
    point = GatePoint(
        id="load", secret_sha256=hashlib.sha256(SECRET.encode()).hexdigest(), hosts=("*",), may=("evaluate",)
    )
    server.make("drawn")
    settings = GateSettings(
        origin="bench.example/gate",
        url="http://localhost:8443",
        points=(point,),
        site="dublin",
        database=server.place("drawn", "gate"),
    )
    stores = {name: server.place("drawn", name) for name in ("log", "keys", "lock")}
    create_gate(place / "dublin", settings=settings, estate=drawn.files, **stores)
    join_gate_folder(place / "singapore", beside=place / "dublin", site="singapore")
    requests = bodies(drawn)
    with ExitStack() as stack:
        gates: dict[int, subprocess.Popen[str]] = {}
        for site in ("dublin", "singapore"):
            port = free()
            gates[port] = stack.enter_context(running(place / site, port))
            evaluations(gates, requests, 1.0)
            yield evaluations(gates, requests, seconds)


def uses(server: SharedServer, place: Path) -> Iterator[dict[str, object]]:
    founded(server, "founded", place)
    beside = Site(namespace=BESIDE, address="")
    offices = [Office(place / name, beside) for name in ("a", "b")]
    try:
        until(lambda: any(office.do("health")["leads"] for office in offices))
        offices.sort(key=lambda office: not office.do("health")["leads"])
        for name, office in zip(("writes", "hands over"), offices, strict=True):
            office.do("timed", 20, *ACT)
            times = office.do("timed", USES, *ACT)
            percent = quantiles(times, n=100)
            yield {
                "what": f"a recorded use at the gate that {name}",
                "p50_ms": round(median(times), 2),
                "p99_ms": round(percent[98], 2),
            }
        writer, other = offices
        start = time.perf_counter()
        writer.kill()
        until(lambda: other.do("use", *ACT) == "yes", seconds=60)
        yield {"what": "the writer is killed, and the other records", "s": round(time.perf_counter() - start, 2)}
    finally:
        for office in offices:
            office.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    os.environ.pop("ARMSLENGTH_TESTS_WITHOUT_FSYNC", None)
    with tempfile.TemporaryDirectory() as place, shared_server(fsync=True) as server:
        for line in (*several(server, Path(place) / "drawn", options.seconds), *uses(server, Path(place) / "firm")):
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
