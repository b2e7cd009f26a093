"""Finding what the gate holds: by person, by question, by the time at which something is due.

Every reading is a tuple, made in one step, so that other threads may read while one writes: whatever is there before a
change and after it, they find meanwhile.
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

    def change(self, id: _Id, before: Iterable[_Key], after: Iterable[_Key]) -> None:
        """What stays is not touched, and what comes is there before anything goes: whoever reads meanwhile finds it."""
        old, new = dict.fromkeys(before), dict.fromkeys(after)
        for key in new:
            if key not in old:
                self.add(key, id)
        for key in old:
            if key not in new:
                self.drop(key, id)

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
        """Readers find what is in both, all the time."""
        state = before if after is None else after
        if state is None:
            return
        id = state.request.id
        self._people.change(id, *(() if each is None else each.request.parties() for each in (before, after)))
        old, new = (each if each is not None and each.waiting else None for each in (before, after))
        if new is not None:
            self._waiting.setdefault(id)
        elif old is not None:
            self._waiting.pop(id, None)
        self._due.change(id, *(() if each is None else (_minute(each.request.expires),) for each in (old, new)))
        approvals = [() if each is None else each.approvals for each in (old, new)]
        self._approvers.change(id, *([one.approver for one in each] for each in approvals))
        self._credentials.change(id, *([one.assertion.credential for one in each] for each in approvals))

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
        """Readers find what is in both, all the time."""
        state = before if after is None else after
        if state is None:
            return
        id = state.terms.id
        early = [() if each is None or not _early(each) else (_minute(each.terms.end),) for each in (before, after)]
        self._early.change(id, *early)
        old, new = (each.terms if each is not None and each.live else None for each in (before, after))
        if new is not None:
            self._live.setdefault(id)
        elif old is not None:
            self._live.pop(id, None)
        both = (old, new)
        self._executors.change(id, *(() if each is None else (each.executor,) for each in both))
        self._asks.change(
            id, *(() if each is None else ((each.executor, each.action, each.resource),) for each in both)
        )
        self._due.change(id, *(() if each is None else (_minute(each.end),) for each in both))
        self._approvers.change(id, *(() if each is None else each.approvers for each in both))

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


def _early(state: LeaseState) -> bool:
    """Whether it ended before its time."""
    return state.ended is not None and state.ended < state.terms.end


def _minute(at: Moment) -> int:
    return posix(at) // MINUTE


def _until(many: _Many[int, _Id], seconds: int) -> list[_Id]:
    """What falls due in this minute or before it."""
    last = seconds // MINUTE
    return [id for minute in sorted(many.keys()) if minute <= last for id in many.at(minute)]
