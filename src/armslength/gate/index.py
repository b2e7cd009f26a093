"""Finding what the gate holds: by person, by question, by the time at which something is due.

Every reading is a tuple, made in one step, so that other threads may read while one writes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

from armslength.gate.held import LeaseState, RequestState
from armslength.gate.lease import LeaseId
from armslength.gate.moment import Moment, posix
from armslength.gate.request import PersonId, RequestId, Target

_Key = TypeVar("_Key", bound=Hashable)
_Id = TypeVar("_Id")

Asks = tuple[PersonId, str, Target]
"""Executor, action, resource."""

MINUTE = 60


class _Many(Generic[_Key, _Id]):
    """From each key to the ids under it, in the order they came."""

    def __init__(self) -> None:
        self._ids: dict[_Key, dict[_Id, None]] = {}

    def add(self, key: _Key, id: _Id) -> None:
        self._ids.setdefault(key, {})[id] = None

    def drop(self, key: _Key, id: _Id) -> None:
        if (ids := self._ids.get(key)) is not None:
            ids.pop(id, None)
            if not ids:
                del self._ids[key]

    def at(self, key: _Key) -> tuple[_Id, ...]:
        return tuple(self._ids.get(key, ()))

    def keys(self) -> tuple[_Key, ...]:
        return tuple(self._ids)


class RequestIndex:
    """Of all requests by who takes part, and of waiting ones by the minute in which they expire."""

    def __init__(self) -> None:
        self._people: _Many[PersonId, RequestId] = _Many()
        self._approvers: _Many[PersonId, RequestId] = _Many()
        self._credentials: _Many[bytes, RequestId] = _Many()
        self._waiting: dict[RequestId, None] = {}
        self._due: _Many[int, RequestId] = _Many()

    def put(self, before: RequestState | None, after: RequestState | None) -> None:
        if before is None and after is not None:
            for person in after.request.parties():
                self._people.add(person, after.request.id)
        if before is not None and after is None:
            for person in before.request.parties():
                self._people.drop(person, before.request.id)
        if before is not None and before.waiting:
            self._drop(before)
        if after is not None and after.waiting:
            self._add(after)

    def _add(self, state: RequestState) -> None:
        id = state.request.id
        self._waiting[id] = None
        self._due.add(_minute(state.request.expires), id)
        for approval in state.approvals:
            self._approvers.add(approval.approver, id)
            self._credentials.add(approval.assertion.credential, id)

    def _drop(self, state: RequestState) -> None:
        id = state.request.id
        self._waiting.pop(id, None)
        self._due.drop(_minute(state.request.expires), id)
        for approval in state.approvals:
            self._approvers.drop(approval.approver, id)
            self._credentials.drop(approval.assertion.credential, id)

    def of(self, person: PersonId) -> tuple[RequestId, ...]:
        return self._people.at(person)

    def waiting(self) -> tuple[RequestId, ...]:
        return tuple(self._waiting)

    def approved_by(self, person: PersonId) -> tuple[RequestId, ...]:
        return self._approvers.at(person)

    def signed_with(self, credential: bytes) -> tuple[RequestId, ...]:
        return self._credentials.at(credential)

    def due(self, seconds: int) -> Iterable[RequestId]:
        return _until(self._due, seconds)


class LeaseIndex:
    """Of live leases by executor, approver, question and the minute in which they end; and of those that ended early,
    which points must be told of."""

    def __init__(self) -> None:
        self._executors: _Many[PersonId, LeaseId] = _Many()
        self._approvers: _Many[PersonId, LeaseId] = _Many()
        self._asks: _Many[Asks, LeaseId] = _Many()
        self._live: dict[LeaseId, None] = {}
        self._due: _Many[int, LeaseId] = _Many()
        self._early: _Many[int, LeaseId] = _Many()

    def put(self, before: LeaseState | None, after: LeaseState | None) -> None:
        if before is not None:
            self._change(before, add=False)
        if after is not None:
            self._change(after, add=True)

    def _change(self, state: LeaseState, *, add: bool) -> None:
        terms = state.terms
        if not state.live:
            if state.ended is not None and state.ended < terms.end:
                self._move(self._early, _minute(terms.end), terms.id, add)
            return
        if add:
            self._live[terms.id] = None
        else:
            self._live.pop(terms.id, None)
        self._move(self._executors, terms.executor, terms.id, add)
        self._move(self._asks, (terms.executor, terms.action, terms.resource), terms.id, add)
        self._move(self._due, _minute(terms.end), terms.id, add)
        for approver in terms.approvers:
            self._move(self._approvers, approver, terms.id, add)

    @staticmethod
    def _move(many: _Many[_Key, LeaseId], key: _Key, id: LeaseId, add: bool) -> None:
        if add:
            many.add(key, id)
        else:
            many.drop(key, id)

    def live(self) -> tuple[LeaseId, ...]:
        return tuple(self._live)

    def of(self, person: PersonId) -> tuple[LeaseId, ...]:
        return self._executors.at(person)

    def approved_by(self, person: PersonId) -> tuple[LeaseId, ...]:
        return self._approvers.at(person)

    def asking(self, asks: Asks) -> tuple[LeaseId, ...]:
        return self._asks.at(asks)

    def due(self, seconds: int) -> Iterable[LeaseId]:
        return _until(self._due, seconds)

    def early(self, seconds: int) -> Iterable[LeaseId]:
        """Ended before their time, and their time is in this minute or later."""
        first = seconds // MINUTE
        return [id for minute in sorted(self._early.keys()) if minute >= first for id in self._early.at(minute)]


def _minute(at: Moment) -> int:
    return posix(at) // MINUTE


def _until(many: _Many[int, _Id], seconds: int) -> list[_Id]:
    """What falls due in this minute or before it."""
    last = seconds // MINUTE
    return [id for minute in sorted(many.keys()) if minute <= last for id in many.at(minute)]
