"""The real gate behind real HTTP, with people, a quorum and an enforcement point; and ways to break it."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from armslength.enforce import Point, PointSettings
from armslength.gate import LeaseState, Used, event_of
from armslength.service import Gate, Ledger, create_gate, read_records
from armslength.store import GateLookup, GatePoint, read_gate_folder, read_ledger_folder
from armslength.store.gate_settings import format_gate_settings
from armslength.web import gate_app, running
from tests.enforce.nginx import free_port
from tests.service.gates import MEETINGS, ORIGIN, PEOPLE, POLICY, approve, asked, enrol, estate, settings
from tests.service.ledgers import Chance

HOST = "admin.example"
POINT = "web-1"
SECRET = "pt_" + "B" * 42 + "A"
ROUTES = f"""\
host,method,path,action,resource,customers
{HOST},DELETE,/meetings/{{meeting}},end,meetings-us,{{meeting}}
{HOST},POST,/meetings/{{meeting}}/end,end,meetings-us,{{meeting}}
{HOST},POST,/exports,export,meetings-us,
{HOST},POST,/restarts/{{meeting}},restart,meetings-us,*owner-of-meeting
{HOST},GET,/status,view,status,
{HOST},GET,/status/{{customer}},view,status,{{customer}}
"""


class Time:
    """The machine's clock, set forward or back."""

    def __init__(self) -> None:
        self.by = 0.0

    def __call__(self) -> float:
        return time.time() + self.by


def files(policy: str = POLICY) -> dict[str, bytes]:
    return {**estate(policy=policy), "routes.csv": ROUTES.encode()}


def gate_settings(**more: object) -> Any:
    digest = hashlib.sha256(SECRET.encode()).hexdigest()
    point = GatePoint(id=POINT, secret_sha256=digest, hosts=(HOST,), may=("forward", "redeem"))
    return settings(points=(point,), **more)


@cache
def _prepared(witnesses: str = "", policy: str = POLICY) -> Path:
    """A gate in which everyone has a founding key, made once; it is copied for each test."""
    path = Path(tempfile.mkdtemp(prefix="armslength-enforce-")) / "gate"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    create_gate(
        path, settings=gate_settings(), estate=files(policy), witnesses=witnesses, chance=Chance("making a gate")
    )
    gate = Gate(read_gate_folder(path))
    try:
        for person in PEOPLE:
            gate.found(enrol(gate, person))
    finally:
        gate.close()
    return path


class RealGate:
    """A gate that listens at `url`, whether it is up or not."""

    gate: Gate
    ledger: Ledger

    def __init__(self, path: Path, clock: Time) -> None:
        self.path, self.clock = path, clock
        self.steady: Callable[[], float] | None = None
        """A clock that nobody sets, with which the gate's is to keep pace; None: its clock is believed."""
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._server: ExitStack | None = None
        self._open = False

    def open(self) -> None:
        folder = read_gate_folder(self.path)
        self.ledger = Ledger(read_ledger_folder(folder.ledger), clock=self.clock)
        self.gate = Gate(folder, ledger=self.ledger, clock=self.clock, steady=self.steady)
        self._open = True
        self.serve()

    def serve(self) -> None:
        self._server = ExitStack()
        self._server.enter_context(running(gate_app(self.gate), port=self._port, quick=True))

    def away(self) -> None:
        """Nobody listens any more."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def close(self) -> None:
        self.away()
        if self._open:
            self._open = False
            self.gate.close()
            self.ledger.close()

    def leased(self, action: str = "end", *customers: str, who: str = "bo", by: str = "di ed") -> LeaseState:
        """A live lease, which a quorum has approved."""
        waiting = asked(self.gate, action, MEETINGS, *customers, who=who)
        state = approve(self.gate, waiting.request.id, *by.split())
        return self.gate.lease(state.status.lease)  # type: ignore[union-attr]

    def uses(self) -> list[Used]:
        """What the ledger has of acts, read from its records."""
        found: dict[str, Used] = {}  # an act on several customers is a record for each
        for entry in read_records(read_ledger_folder(read_gate_folder(self.path).ledger)):
            event = None if entry.fields is None else event_of(str(entry.record.kind), entry.fields)
            if isinstance(event, Used):
                found[event.use] = event
        return list(found.values())

    def settings(self, spool: Path | None, **more: Any) -> PointSettings:
        """For a point that asks it."""
        return PointSettings(url=self.url, gate=ORIGIN, secret=SECRET, spool=spool, **{"poll_seconds": 0.1, **more})

    def point(self, spool: Path | None, **more: Any) -> Point:
        return Point(self.settings(spool, **more), clock=self.clock)

    @contextmanager
    def administrator(self) -> Iterator[sqlite3.Connection]:
        """Somebody with the database, and nothing else of the gate."""
        db = sqlite3.connect(self.path / "gate.db", isolation_level=None, timeout=20)
        try:
            yield db
        finally:
            db.close()


@contextmanager
def real_gate(
    path: Path,
    *,
    witnesses: str = "",
    policy: str = POLICY,
    lookup: str | None = None,
    opened: bool = True,
    **more: object,
) -> Iterator[RealGate]:
    """`opened` False: it is there, and the test opens it. `more` are settings."""
    shutil.copytree(_prepared(witnesses, policy), path)
    lookups = () if lookup is None else (GateLookup(name="owner-of-meeting", url=lookup),)
    said = format_gate_settings(gate_settings(lookups=lookups, **more))
    (path / "gate.toml").write_bytes(said)
    found = RealGate(path, Time())
    try:
        if opened:
            found.open()
        yield found
    finally:
        found.close()
