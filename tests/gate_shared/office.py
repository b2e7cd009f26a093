"""An office with a gate, in a process and a network of its own, that does what it is told, a line at a time.

python -m tests.gate_shared.office FOLDER NAMESPACE
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

from armslength.gate import GateError, Granted, LeaseId, PersonId, RequestId, RequestState, events_in
from armslength.service import HOST, Asked, Gate, Redeemed, gate_shared_book
from armslength.service.gate_replay import records_of
from armslength.store import read_gate_folder, read_ledger_folder
from armslength.tlog import parse_base64url
from tests.gate_model.workshop import POINT, START, passkey, target
from tests.gate_shared.network import Site
from tests.gate_shared.pair import known, ledger_of, signed
from tests.service.ledgers import Clock

HERE = "here"
"""In the place of a namespace: that of whoever starts it."""
ROOT = Path(__file__).resolve().parents[2]


class Desk:
    """What may be asked of an office. Whatever is answered can be written as JSON."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, Clock(START)
        self.gate: Gate | None = None

    def open(self) -> str:
        self.gate = Gate(read_gate_folder(self.folder), clock=self.clock)
        self.gate.start()
        return "open"

    def alone(self, seconds: float) -> str:
        """For how long it goes on with what needs no record, once it is cut off: a minute, if nobody says."""
        gate_shared_book.ALONE = seconds
        return "so be it"

    def close(self) -> str:
        self._gate.close()
        self.gate = None
        return "closed"

    @property
    def _gate(self) -> Gate:
        assert self.gate is not None
        return self.gate

    def ask(self, who: str, action: str, on: str, *customers: str) -> str:
        person = PersonId(who)
        wanted = Asked(
            executor=person,
            asker=person,
            action=action,
            resource=target(on),
            customers=customers,
            purpose="a report",
        )
        outcome = self._gate.ask(wanted, caller="a session")
        return outcome.request.id if isinstance(outcome, RequestState) else f"refused: {outcome.why}"

    def approve(self, request: str, who: str) -> str:
        state = known(self._gate, RequestId(request))
        outcome = signed(self._gate, state.request, who, passkey(who))
        if isinstance(outcome, GateError):
            return f"error: {outcome}"
        return outcome.status.lease if isinstance(outcome.status, Granted) else "waiting"

    def use(self, who: str, action: str, on: str, *customers: str) -> str:
        outcome = self._gate.redeem(
            point=POINT,
            executor=PersonId(who),
            action=action,
            resource=target(on),
            customers=customers,
            use=os.urandom(16),
        )
        return "yes" if isinstance(outcome, Redeemed) else str(outcome.why)

    def timed(self, count: int, who: str, action: str, on: str, *customers: str) -> list[float]:
        """Milliseconds of so many uses."""
        times = []
        for _ in range(count):
            start = time.perf_counter()
            assert self.use(who, action, on, *customers) == "yes"
            times.append(1e3 * (time.perf_counter() - start))
        return times

    def revoke(self, lease: str) -> str:
        return type(self._gate.revoke(LeaseId(lease), HOST, "a doubt").status).__name__

    def revocations(self) -> list[str]:
        """Which leases the signed list names."""
        body = self._gate.revocations().split(".")[1]
        said: list[str] = json.loads(parse_base64url(body))["revoked"]
        return said

    def lease(self, lease: str) -> str:
        state = self._gate.lease(LeaseId(lease))
        return f"{type(state.status).__name__} {state.uses}"

    def tick(self) -> str:
        self._gate.tick()
        return "ticked"

    def wait(self, seconds: float) -> str:
        """By the gate's own clock."""
        self.clock.now += seconds
        return "waited"

    def ready(self) -> str | None:
        return self._gate.ready()

    def health(self) -> dict[str, Any]:
        health = self._gate.health()
        assert health.shared is not None
        return {
            "leads": health.shared.leads,
            "cut": health.shared.cut,
            "apart": health.shared.apart,
            "problem": health.shared.problem,
            "problems": dict(health.problems),
            "tampered": list(health.tampered),
            "size": ledger_of(self._gate).following.size,
        }

    def state(self) -> str:
        """A digest of everything that it knows."""
        with self._gate._office.book.still() as state:
            documents = [state.document(kind, id) for kind, id in sorted(state.objects())]
        return sha256(b"\n".join(documents)).hexdigest()

    def recorded(self) -> dict[str, int]:
        """How often each event is in the ledger."""
        folder = read_ledger_folder(self.folder / "ledger", signing=False)
        return dict(Counter(type(each.event).__name__ for each in events_in(records_of(folder, 0))))


class Office:
    """From the test's side."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.site = site
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.gate_shared.office", str(folder), site.namespace],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.do("open")

    def do(self, what: str, *words: Any) -> Any:
        """Raises `OfficeError` with the `GateError` that it met."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps([what, *words]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the office is gone"
        how, said = json.loads(line)
        if how == "error":
            raise OfficeError(said)
        assert how == "done", said
        return said

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait()


class OfficeError(Exception):
    """What the gate refused to do."""


def main(folder: str, namespace: str) -> None:
    if namespace != HERE:
        Site(namespace=namespace, address="").enter()
    desk = Desk(Path(folder))
    for line in sys.stdin:
        what, *words = json.loads(line)
        try:
            said = ["done", getattr(desk, what)(*words)]
        except GateError as error:
            said = ["error", f"{type(error).__name__}: {error}"]
        except BaseException:
            said = ["broken", traceback.format_exc()]
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
