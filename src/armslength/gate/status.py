"""What has become of a request and of a lease: named cases, matched exhaustively.

Only `Waiting` and `Live` can still change. `at` is the time of the event that ended it.
"""

from __future__ import annotations

from dataclasses import dataclass

from armslength.gate.failure import Rejected
from armslength.gate.form import Form
from armslength.gate.lease import LeaseId
from armslength.gate.moment import Moment, format_moment
from armslength.gate.request import PersonId
from armslength.tlog import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """For approvals, or for a veto window to pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A quorum was met: what it allows, and for how long, is the lease's."""

    lease: LeaseId
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedDown:
    """An approver said no."""

    by: PersonId
    reason: str
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Vetoed:
    """A customer said no."""

    customer: str
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """Nobody answered in time."""

    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledOff:
    """Who asked no longer wants it."""

    by: PersonId
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Not ended by any event. Whether its time has begun, or is past, the times say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """A lease that ran its course. `how`: ran-out, returned or spent."""

    how: str
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A lease that was taken away."""

    by: PersonId
    reason: str
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Of a request or a lease: a record that may have ended or used it was erased, so it counts as ended."""

    at: Moment


RequestStatus = Waiting | Granted | TurnedDown | Vetoed | Expired | CalledOff | Unreadable
LeaseStatus = Live | Over | Taken | Unreadable
HOW = frozenset({"ran-out", "returned", "spent"})


def format_status(status: RequestStatus | LeaseStatus) -> dict[str, Json]:
    match status:
        case Waiting():
            return {"case": "waiting"}
        case Granted():
            return {"case": "granted", "lease": status.lease, "at": format_moment(status.at)}
        case TurnedDown():
            return {"case": "turned-down", "by": status.by, "reason": status.reason, "at": format_moment(status.at)}
        case Vetoed():
            return {"case": "vetoed", "customer": status.customer, "at": format_moment(status.at)}
        case Expired():
            return {"case": "expired", "at": format_moment(status.at)}
        case CalledOff():
            return {"case": "called-off", "by": status.by, "at": format_moment(status.at)}
        case Live():
            return {"case": "live"}
        case Over():
            return {"case": "over", "how": status.how, "at": format_moment(status.at)}
        case Taken():
            return {"case": "taken", "by": status.by, "reason": status.reason, "at": format_moment(status.at)}
        case Unreadable():
            return {"case": "unreadable", "at": format_moment(status.at)}


_CASES: dict[str, frozenset[str]] = {
    "waiting": frozenset({"case"}),
    "granted": frozenset({"case", "lease", "at"}),
    "turned-down": frozenset({"case", "by", "reason", "at"}),
    "vetoed": frozenset({"case", "customer", "at"}),
    "expired": frozenset({"case", "at"}),
    "called-off": frozenset({"case", "by", "at"}),
    "live": frozenset({"case"}),
    "over": frozenset({"case", "how", "at"}),
    "taken": frozenset({"case", "by", "reason", "at"}),
    "unreadable": frozenset({"case", "at"}),
}


def parse_request_status(form: Json) -> RequestStatus:
    """Raises `Rejected`."""
    status = _parse_status(form)
    if isinstance(status, Live | Over | Taken):
        raise Rejected(["the status of a lease, expected that of a request"])
    return status


def parse_lease_status(form: Json) -> LeaseStatus:
    """Raises `Rejected`."""
    status = _parse_status(form)
    if isinstance(status, Live | Over | Taken | Unreadable):
        return status
    raise Rejected(["the status of a request, expected that of a lease"])


def _parse_status(form: Json) -> RequestStatus | LeaseStatus:
    case = form.get("case") if isinstance(form, dict) else None
    if not isinstance(case, str) or case not in _CASES:
        raise Rejected([f"an unknown status {form!r:.60}"])
    read = Form(form, "status", _CASES[case])
    status: RequestStatus | LeaseStatus
    match case:
        case "waiting":
            status = Waiting()
        case "granted":
            status = Granted(lease=LeaseId(read.text("lease")), at=read.moment("at"))
        case "turned-down":
            status = TurnedDown(by=PersonId(read.text("by")), reason=read.text("reason"), at=read.moment("at"))
        case "vetoed":
            status = Vetoed(customer=read.text("customer"), at=read.moment("at"))
        case "expired":
            status = Expired(at=read.moment("at"))
        case "called-off":
            status = CalledOff(by=PersonId(read.text("by")), at=read.moment("at"))
        case "live":
            status = Live()
        case "over":
            status = Over(how=read.text("how"), at=read.moment("at"))
        case "taken":
            status = Taken(by=PersonId(read.text("by")), reason=read.text("reason"), at=read.moment("at"))
        case _:
            status = Unreadable(at=read.moment("at"))
    read.done()
    return status
