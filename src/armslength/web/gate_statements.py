"""What enforcement points beside a database bring: what their sessions did, batch by batch, as its log tells it."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from armslength.gate import LeaseId, RanStatement
from armslength.service import Gate, StatementBatch
from armslength.store import GatePoint
from armslength.tlog import parse_base64url
from armslength.web.authzen_wire import Wire
from armslength.web.gate_body import parse_body
from armslength.web.gate_exchange import Answer, Exchange, answered, json_body, waited
from armslength.web.gate_points import Points
from armslength.web.gate_uses import Customers, Id, Use

STATEMENTS = "/gate/v1/statements"
MOST_BATCHES = 100
"""In one delivery."""

Number = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Line = Annotated[int, Meta(ge=1, le=2**53 - 1)]


class StatementRun(Wire, frozen=True):
    """A statement without its literals, how often it was run, and how often that failed."""

    text: Annotated[str, Meta(max_length=1_000)]
    times: Number
    failed: Number


class BatchMade(Wire, frozen=True):
    """Lines `first` to `last` of one session in the system's own log; `sha256`, in hex, is over these lines, each with
    its newline. `done` is the last one's time, in POSIX seconds."""

    batch: Use
    lease: Id
    customers: Customers
    source: Id
    session: Id
    first: Line
    last: Line
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    statements: Annotated[list[StatementRun], Meta(max_length=200)]
    done: Annotated[int, Meta(ge=0, le=253_402_300_799)]


class BatchesMade(Wire, frozen=True):
    """A delivery."""

    batches: Annotated[list[BatchMade], Meta(max_length=MOST_BATCHES)]


class BatchTaken(Wire, frozen=True):
    """It is on record; or `problem`: it never will be, and somebody has to look."""

    batch: str
    problem: str | UnsetType = UNSET


class BatchesTaken(Wire, frozen=True):
    """All of them, in the order they came."""

    taken: tuple[BatchTaken, ...]


class StatementsRun:
    """The endpoint, over a gate."""

    def __init__(self, gate: Gate, points: Points) -> None:
        self._gate, self._points = gate, points

    async def take(self, exchange: Exchange) -> Answer:
        point = self._points.caller(exchange, "redeem")
        delivered = parse_body(await json_body(exchange), BatchesMade)
        return await waited(self._take, delivered, point)

    def _take(self, delivered: BatchesMade, point: GatePoint) -> Answer:
        batches = [
            StatementBatch(
                batch=parse_base64url(each.batch, 16),
                lease=LeaseId(each.lease),
                customers=each.customers,
                source=each.source,
                session=each.session,
                first=each.first,
                last=each.last,
                sha256=bytes.fromhex(each.sha256),
                statements=tuple(
                    RanStatement(text=said.text, times=said.times, failed=said.failed) for said in each.statements
                ),
                done=each.done,
            )
            for each in delivered.batches
        ]
        taken = tuple(
            BatchTaken(batch=each.batch, problem=UNSET if answer.problem is None else answer.problem)
            for each, answer in zip(delivered.batches, self._gate.take_statements(point.id, batches), strict=True)
        )
        return answered(BatchesTaken(taken=taken))
