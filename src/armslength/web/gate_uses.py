"""What enforcement points ask of the gate: a use of a lease, uses that they let pass meanwhile, the list of leases that
were taken away, and the routes.

A use is 16 bytes that the point drew for one act. Asking again with the same bytes is the same use, so a point that got
no answer asks again until it has one, and an act is counted once.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from armslength.gate import (
    LONGEST_ID,
    MOST_CUSTOMERS,
    GateError,
    LeaseId,
    PersonId,
    Refused,
    Routes,
    Target,
    format_moment,
)
from armslength.service import Gate, OfflineUse
from armslength.store import GatePoint
from armslength.tlog import parse_base64url
from armslength.web.authzen_wire import Count, Open, Wire
from armslength.web.gate_body import parse_body
from armslength.web.gate_exchange import Answer, Exchange, answered, encode, json_body, waited
from armslength.web.gate_points import Points, not_guarded

REDEEM, USES, REVOCATIONS, ROUTES = (
    "/gate/v1/redeem",
    "/gate/v1/uses",
    "/gate/v1/revocations",
    "/gate/v1/routes",
)
MOST_USES = 1_000
"""In one delivery."""
JWS = b"application/jose"

Id = Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)]
Use = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{21}[AQgw]$")]
Customers = Annotated[tuple[Id, ...], Meta(max_length=MOST_CUSTOMERS)]


class UseTarget(Wire, frozen=True):
    """`type` is the estate's own: asset, group, person or terms."""

    type: Id
    id: Id


class UseAsked(Wire, frozen=True):
    """An act that is about to happen. `lease` is the lease as the gate signed it, where the point was given one;
    `context` is what a permit for standing access may look at."""

    executor: Id
    action: Id
    resource: UseTarget
    use: Use
    customers: Customers = ()
    lease: str | UnsetType = UNSET
    context: Open | UnsetType = UNSET


class UseAnswer(Wire, frozen=True):
    """`decision` true: go on; `until` is when a stream that was opened has to end; `token` is a lease that counts
    nothing, by which the point can check the next act itself. False: `why`, and a sentence."""

    decision: bool
    rule: str | UnsetType = UNSET
    lease: str | UnsetType = UNSET
    until: str | UnsetType = UNSET
    token: str | UnsetType = UNSET
    uses_left: Count | UnsetType = UNSET
    why: str | UnsetType = UNSET
    says: str | UnsetType = UNSET
    rules: tuple[str, ...] = ()


class UseMade(Wire, frozen=True):
    """An act that a point let happen by a lease that it checked itself. `at` is POSIX seconds by its clock."""

    use: Use
    lease: Id
    executor: Id
    action: Id
    resource: UseTarget
    customers: Customers
    at: Annotated[int, Meta(ge=0, le=253_402_300_799)]


class UsesMade(Wire, frozen=True):
    """A delivery."""

    uses: Annotated[list[UseMade], Meta(max_length=MOST_USES)]


class UseTaken(Wire, frozen=True):
    """It is on record. `problem`: what somebody has to look at."""

    use: str
    problem: str | UnsetType = UNSET


class UsesTaken(Wire, frozen=True):
    """All of them, in the order they came: the point may forget them."""

    taken: tuple[UseTaken, ...]


class RoutesGiven(Wire, frozen=True):
    """The rows of the routes table that holds, each with its line, and the digest of its estate."""

    estate: str
    routes: list[Any]


class Uses:
    """The endpoints, over a gate."""

    def __init__(self, gate: Gate, points: Points) -> None:
        self._gate, self._points = gate, points
        self._routes: tuple[str, bytes] | None = None

    async def redeem(self, exchange: Exchange) -> Answer:
        point = self._points.caller(exchange, "redeem")
        asked = parse_body(await json_body(exchange), UseAsked)
        return await waited(self._redeem, asked, point)

    def _redeem(self, asked: UseAsked, point: GatePoint) -> Answer:
        if not point.guards(asked.action, f"{asked.resource.type}:{asked.resource.id}"):
            refused = not_guarded()
            return answered(UseAnswer(decision=False, why=str(refused.why), says=refused.says))
        answer = self._gate.redeem(
            point=point.id,
            executor=PersonId(asked.executor),
            action=asked.action,
            resource=Target(type=asked.resource.type, id=asked.resource.id),
            customers=asked.customers,
            use=parse_base64url(asked.use, 16),
            token=None if asked.lease is UNSET else asked.lease,
            context={} if asked.context is UNSET else asked.context,
        )
        if isinstance(answer, Refused):
            return answered(UseAnswer(decision=False, why=str(answer.why), says=answer.says, rules=answer.rules))
        lease = None if answer.lease is None else answer.lease.terms
        return answered(
            UseAnswer(
                decision=True,
                rule=answer.rule,
                lease=UNSET if lease is None else lease.id,
                until=UNSET if answer.until is None else format_moment(answer.until),
                token=UNSET if lease is None or lease.online else self._token(lease.id),
                uses_left=UNSET if answer.uses_left is None else max(0, answer.uses_left),
            )
        )

    def _token(self, lease: LeaseId) -> str | UnsetType:
        """None for a lease that has ended meanwhile: the yes before stands."""
        try:
            return self._gate.token(lease)
        except GateError:
            return UNSET

    async def take(self, exchange: Exchange) -> Answer:
        point = self._points.caller(exchange, "redeem")
        delivered = parse_body(await json_body(exchange), UsesMade)
        return await waited(self._take, delivered, point)

    def _take(self, delivered: UsesMade, point: GatePoint) -> Answer:
        uses = [
            OfflineUse(
                use=parse_base64url(each.use, 16),
                lease=LeaseId(each.lease),
                executor=PersonId(each.executor),
                action=each.action,
                resource=Target(type=each.resource.type, id=each.resource.id),
                customers=each.customers,
                done=each.at,
            )
            for each in delivered.uses
        ]
        taken = tuple(
            UseTaken(use=each.use, problem=UNSET if answer.problem is None else answer.problem)
            for each, answer in zip(delivered.uses, self._gate.take_uses(point.id, uses), strict=True)
        )
        return answered(UsesTaken(taken=taken))

    async def revocations(self, exchange: Exchange) -> Answer:
        self._points.caller(exchange, "redeem")
        signed = await waited(self._gate.revocations)
        return Answer(body=signed.encode("ascii"), media=JWS)

    async def routes(self, exchange: Exchange) -> Answer:
        self._points.caller(exchange, "redeem")
        return Answer(body=await waited(self._given))

    def _given(self) -> bytes:
        """Read once for each estate."""
        decider = self._gate.decider
        if self._routes is None or self._routes[0] != decider.digest:
            given = RoutesGiven(estate=decider.digest, routes=Routes(decider.estate).form())
            self._routes = (decider.digest, encode(given))
        return self._routes[1]
