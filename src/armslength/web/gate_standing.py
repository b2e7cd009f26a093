"""Whether what leases opened may go on: for points that hold something open, such as a session, under a lease that the
gate counts."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from armslength.gate import LeaseId, Rejected, Why
from armslength.service import Gate
from armslength.store import GatePoint
from armslength.web.authzen_wire import Wire
from armslength.web.gate_body import parse_body
from armslength.web.gate_exchange import Answer, Exchange, answered, json_body, waited
from armslength.web.gate_points import Points, not_guarded

STANDING = "/gate/v1/standing"
MOST_LEASES = 500


class StandingAsked(Wire, frozen=True):
    """Ids of leases."""

    leases: Annotated[list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(max_length=MOST_LEASES)]


class LeaseStanding(Wire, frozen=True):
    """`stands` false: what it opened has to end, and `why`."""

    lease: str
    stands: bool
    why: str | UnsetType = UNSET
    says: str | UnsetType = UNSET


class StandingGiven(Wire, frozen=True):
    """In the order in which it was asked."""

    standing: tuple[LeaseStanding, ...]


class Standings:
    """The endpoint, over a gate."""

    def __init__(self, gate: Gate, points: Points) -> None:
        self._gate, self._points = gate, points

    async def ask(self, exchange: Exchange) -> Answer:
        point = self._points.caller(exchange, "redeem")
        asked = parse_body(await json_body(exchange), StandingAsked)
        return await waited(self._asked, asked, point)

    def _asked(self, asked: StandingAsked, point: GatePoint) -> Answer:
        return answered(StandingGiven(standing=tuple(self._standing(LeaseId(each), point) for each in asked.leases)))

    def _standing(self, lease: LeaseId, point: GatePoint) -> LeaseStanding:
        try:
            terms = self._gate.lease(lease).terms
            refused = self._gate.stands(lease) if point.guards(terms.action, terms.resource) else not_guarded()
        except Rejected as error:
            return LeaseStanding(lease=lease, stands=False, why=str(Why.NO_LEASE), says=str(error)[:300])
        if refused is None:
            return LeaseStanding(lease=lease, stands=True)
        return LeaseStanding(lease=lease, stands=False, why=str(refused.why), says=refused.says)
