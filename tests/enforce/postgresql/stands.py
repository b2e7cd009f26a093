"""A server, a gate and the point between them, with people who bring leases."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from armslength.enforce import DatabaseGrant, PointSettings, PostgresqlPoint, PostgresqlPointSettings
from armslength.enforce.postgresql_names import role_name
from armslength.enforce.postgresql_opening import Opened
from armslength.enforce.postgresql_password import scram_verifier
from armslength.enforce.postgresql_privilege import parse_privilege
from armslength.gate import LeaseId, LeaseState, Ran, Refused, Target, event_of
from armslength.service import read_records
from armslength.store import read_gate_folder, read_ledger_folder
from tests.enforce.postgresql.cluster import Cluster
from tests.enforce.real_gate import ORIGIN, SECRET, RealGate, real_gate
from tests.service.gates import MEETINGS, RECORDINGS, approve, asked

ACCOUNTS = "SELECT (id, customer, name), UPDATE (state) ON app.accounts"


def grant(
    action: str = "end", on: Target = MEETINGS, *privileges: str, rows: Any = "customers", **more: Any
) -> DatabaseGrant:
    found = tuple(map(parse_privilege, privileges or (ACCOUNTS, "EXECUTE ON FUNCTION app.total()")))
    return DatabaseGrant(action=action, resource=on, database="firm", rows=rows, privileges=found, **more)


GRANTS = (
    grant(),
    grant("read", RECORDINGS, "SELECT (id, name) ON app.accounts"),
    grant("export", MEETINGS, "SELECT ON app.notes", rows="any"),
)


def point_settings(cluster: Cluster, gate_url: str, state: Path, **more: Any) -> PostgresqlPointSettings:
    said: dict[str, Any] = {
        "gate": PointSettings(
            url=gate_url, gate=ORIGIN, secret=SECRET, spool=None, poll_seconds=0.1, timeout_seconds=2.0
        ),
        "dsn": cluster.dsn(),
        "people": f"host=127.0.0.1 port={cluster.port}",
        "log": cluster.log,
        "state": state,
        "listen": ("127.0.0.1", 0),
        "grants": GRANTS,
        **more,
    }
    return PostgresqlPointSettings(**said)


class Away:
    """Seconds that the point's clocks are ahead of the machine's: of the day, and the one that nobody sets."""

    wall = 0.0
    steady = 0.0

    def clock(self) -> float:
        return time.time() + self.wall

    def count(self) -> float:
        return time.monotonic() + self.steady


@dataclass(kw_only=True)
class Stand:
    cluster: Cluster
    gate: RealGate
    point: PostgresqlPoint
    settings: PostgresqlPointSettings
    time: Away = field(default_factory=Away)

    def leased(
        self, action: str = "end", *customers: str, by: str = "di ed", who: str = "bo", on: Target = MEETINGS
    ) -> LeaseState:
        waiting = asked(self.gate.gate, action, on, *customers, who=who)
        state = approve(self.gate.gate, waiting.request.id, *by.split())
        return self.gate.gate.lease(state.status.lease)  # type: ignore[union-attr]

    def token(self, lease: LeaseState) -> str:
        return self.gate.gate.token(lease.terms.id)

    def open(self, lease: LeaseState | str, password: str | None = None, **more: Any) -> tuple[Opened | Refused, str]:
        password = password or secrets.token_urlsafe(32)
        token = lease if isinstance(lease, str) else self.token(lease)
        return self.point.open(token, scram_verifier(password, bytes(16)), **more), password

    def opened(self, *customers: str, action: str = "end", **more: Any) -> Session:
        """A live lease, and a role for it."""
        lease = self.leased(action, *(customers or ("acme",)), **more)
        answer, password = self.open(lease)
        assert isinstance(answer, Opened), answer
        return Session(stand=self, lease=lease, token=self.token(lease), role=answer.role, password=password)

    def ran(self) -> list[Ran]:
        """What the ledger has of statements."""
        found: dict[str, Ran] = {}
        for entry in read_records(read_ledger_folder(read_gate_folder(self.gate.path).ledger)):
            event = None if entry.fields is None else event_of(str(entry.record.kind), entry.fields)
            if isinstance(event, Ran):
                found[event.batch] = event
        return list(found.values())

    def recorded(self, role: str) -> list[tuple[str, int, int]]:
        """All statements of the sessions that are over or quiet, once the gate has them."""
        until(lambda: self._settled(role), 15)
        found: dict[str, list[int]] = {}
        for ran in self.ran():
            for each in ran.statements:
                counts = found.setdefault(each.text, [0, 0])
                counts[0] += each.times
                counts[1] += each.failed
        return [(text, times, failed) for text, (times, failed) in found.items()]

    def _settled(self, role: str) -> bool:
        """Whether each line of the role's sessions in the log is in a batch of the ledger."""
        there = 0
        for line in self.cluster.logged().splitlines():
            if f'"user":"{role}"' in line:
                there += json.loads(line)["user"] == role
        recorded = sum(ran.last - ran.first + 1 for ran in self.ran() if role_name(LeaseId(ran.lease)) == role)
        return there == recorded and self.point.health().waiting == 0

    def ended(self, role: str, seconds: float = 15) -> None:
        until(lambda: role not in self.cluster.roles(), seconds)
        assert self.cluster.sessions() == 0


@dataclass(kw_only=True)
class Session:
    stand: Stand
    lease: LeaseState
    token: str
    role: str
    password: str

    def psql(self, text: str, *more: str, **options: Any) -> tuple[str, str]:
        ended = self.stand.cluster.psql(self.role, self.password, text, *more, **options)
        return ended.stdout, ended.stderr

    def driver(self) -> Any:
        return self.stand.cluster.driver(self.role, self.password)

    def works(self) -> bool:
        return self.psql("SELECT name FROM app.accounts WHERE id = 1")[0] == "Anna\n"


def until(true: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.03)


@contextmanager
def standing(
    cluster: Cluster, folder: Path, *, started: bool = True, gate: dict[str, Any] | None = None, **more: Any
) -> Iterator[Stand]:
    """`more` are settings of the point, `gate` of the gate."""
    with real_gate(folder / "gate", **(gate or {})) as real:
        settings = point_settings(cluster, real.url, folder / "state", **more)
        away = Away()
        point = PostgresqlPoint(settings, cluster.connect, clock=away.clock, steady=away.count, look_seconds=0.1)
        stand = Stand(cluster=cluster, gate=real, point=point, settings=settings, time=away)
        try:
            if started:
                point.start()
            yield stand
        finally:
            stand.point.close()


def at_once(count: int, work: Callable[[int], object]) -> list[object]:
    answers: list[object] = [None] * count

    def one(number: int) -> None:
        answers[number] = work(number)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
