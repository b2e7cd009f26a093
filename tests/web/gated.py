"""A gate that is served, and a point that asks it: real gate, real ledger, real sockets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from armslength.gate import Erased, Event, Read, events_in
from armslength.service import Gate, create_gate, read_records
from armslength.store import GatePoint, read_ledger_folder
from armslength.tlog import format_base64url
from armslength.web import gate_app, running
from tests.service.gates import PEOPLE, TestGate, enrol, settings, small_gate
from tests.service.ledgers import Chance, Clock
from tests.web.raw import Answer, ask


def secret(name: str) -> str:
    """A point's secret that a test can foretell."""
    return "pt_" + format_base64url(hashlib.sha256(name.encode()).digest())


def point(name: str, *may: str, hosts: tuple[str, ...] = ("*",), **more: tuple[str, ...]) -> GatePoint:
    digest = hashlib.sha256(secret(name).encode()).hexdigest()
    return GatePoint(id=name, secret_sha256=digest, hosts=hosts, may=may, **more)  # type: ignore[arg-type]


ALL = point("all", "evaluate", "forward", "redeem")
LOOKING = point("looking", "evaluate")
PROXY = point("proxy", "forward", hosts=("app.example.com",))
POINTS = (ALL, LOOKING, PROXY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer. `json` is its body, None if it is text."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    json: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    url: str
    gate: Gate
    made: TestGate

    @property
    def clock(self) -> Clock:
        return self.made.clock

    def send(
        self,
        path: str,
        body: object = None,
        *,
        method: str = "POST",
        by: str | None = "all",
        headers: Mapping[str, str] | None = None,
    ) -> Said:
        """`body` as JSON, or as it is where it is bytes; `by` is the point that asks."""
        said: dict[str, str] = {} if by is None else {"Authorization": f"Bearer {secret(by)}"}
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if data is not None:
            said["Content-Type"] = "application/json"
        return told(ask(self.url, path, method=method, body=data, headers={**said, **(headers or {})}))

    def recorded(self) -> list[Event | Erased]:
        """What is on record, from the ledger's own bytes."""
        found = read_records(read_ledger_folder(self.made.path / "ledger"))
        read = [
            Read(index=each.index, act=each.record.act, kind=str(each.record.kind), fields=each.fields)
            for each in found
        ]
        return [each.event for each in events_in(read)]

    def evaluate(self, body: object, **more: Any) -> Any:
        """The decision; `more` as for `send`."""
        answer = self.send("/access/v1/evaluation", body, **more)
        assert answer.status == 200, answer.body
        return answer.json


def told(answer: Answer) -> Said:
    media = answer.headers.get("content-type", "")
    value = json.loads(answer.body) if answer.body and media.endswith("json") else None
    return Said(status=answer.status, headers=answer.headers, body=answer.body, json=value)


@contextmanager
def served(path: Path, **more: object) -> Iterator[Served]:
    """The small gate of tests/service/gates.py. `more` are its settings."""
    with _running(small_gate(path / "gate", **{"points": POINTS, **more})) as found:
        yield found


@contextmanager
def served_with(path: Path, estate: Mapping[str, bytes], *people: str, **more: object) -> Iterator[Served]:
    """A gate of another estate, in which `people` have passkeys."""
    clock = Clock()
    said = settings(**{"points": POINTS, "break_glass": (), **more})
    create_gate(path / "gate", settings=said, estate=estate, clock=clock, chance=Chance("making a gate"))
    made = TestGate(path / "gate", clock)
    with made.running() as gate:
        for person in people:
            gate.found(enrol(gate, person))
    with _running(made) as found:
        yield found


@contextmanager
def running_again(made: TestGate) -> Iterator[Served]:
    """A gate that ran before."""
    with _running(made) as found:
        yield found


@contextmanager
def _running(made: TestGate) -> Iterator[Served]:
    with made.running() as gate, running(gate_app(gate, clock=made.clock), quick=True) as url:
        yield Served(url=url, gate=gate, made=made)


EVERYBODY = tuple(PEOPLE)


def subject(id: str = "bo", **properties: object) -> dict[str, object]:
    return {"type": "user", "id": id, **({"properties": properties} if properties else {})}


def resource(id: str = "meetings-us", type: str = "asset", **properties: object) -> dict[str, object]:
    return {"type": type, "id": id, **({"properties": properties} if properties else {})}


def question(
    action: str = "end", on: str = "meetings-us", who: str = "bo", context: Mapping[str, object] | None = None
) -> dict[str, object]:
    """An evaluation in few words."""
    said: dict[str, object] = {"subject": subject(who), "action": {"name": action}, "resource": resource(on)}
    return said if context is None else {**said, "context": dict(context)}
