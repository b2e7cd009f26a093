"""A row as it must be: what the state says of an object, with the columns that it can be found by."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from armslength.gate import KeyState, LeaseId, LeaseState, PersonId, RequestId, RequestState, State, posix
from armslength.store import GateRow, RowColumns

ObjectKind = Literal["gate", "key", "request", "lease", "leaver"]
Object = tuple[ObjectKind, str]
"""Kind and id, as `State.document` takes them."""

GATE: Object = ("gate", "")
KINDS: tuple[ObjectKind, ...] = ("gate", "key", "request", "lease", "leaver")

HELD = dt.timedelta(days=90)
"""For how long requests and leases that are over are held, in memory and as rows; the ledger has them always."""


def of_request(id: RequestId) -> Object:
    return "request", id


def of_lease(id: LeaseId) -> Object:
    return "lease", id


def of_key(credential: str) -> Object:
    """`credential` in base64url."""
    return "key", credential


def of_leaver(person: PersonId) -> Object:
    return "leaver", person


def row_of(state: State, which: Object) -> GateRow | None:
    """None where the state has no such object."""
    kind, id = which
    version = state.version_of(kind, id)
    if not version:
        return None
    return GateRow(kind=kind, id=id, version=version, doc=state.document(kind, id), columns=_columns(state, which))


def _columns(state: State, which: Object) -> RowColumns:
    match which:
        case ("key", id):
            return _of_key(state.keys[id])
        case ("request", id):
            return _of_request(state.requests[RequestId(id)])
        case ("lease", id):
            return _of_lease(state.leases[LeaseId(id)])
        case ("leaver", id):
            gone = state.leavers[PersonId(id)].gone
            return RowColumns(person=id, status="gone" if gone else "returned")
        case _:
            return RowColumns()


def _of_key(key: KeyState) -> RowColumns:
    return RowColumns(person=key.key.person, status="counts" if key.revoked is None else "revoked")


def _of_request(request: RequestState) -> RowColumns:
    due = posix(request.request.expires) if request.waiting else None
    return RowColumns(person=request.request.executor, status=type(request.status).__name__.lower(), due=due)


def _of_lease(lease: LeaseState) -> RowColumns:
    due = posix(lease.terms.end) if lease.live else None
    return RowColumns(person=lease.terms.executor, status=type(lease.status).__name__.lower(), due=due)
