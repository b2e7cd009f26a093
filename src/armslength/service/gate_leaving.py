"""Leaving: somebody is gone, and what they have ends at once.

The record comes first. From it on they are refused everything, by the state alone; their passkeys and with them their
approvals of what waits are gone in the same moment. What customers are told of ends by records of its own: requests
that they ask for, write or carry out, leases of theirs and leases that they approved; and they are signed out. A crash,
or a failure, in between is made good by the next sweep.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from armslength.gate import (
    Conflict,
    GateError,
    LeaseId,
    LeaseState,
    Left,
    PersonId,
    Rejected,
    RequestId,
    RequestState,
    Revoked,
    Withdrawn,
    is_name,
    posix,
)
from armslength.service.gate_leasing import Leasing
from armslength.service.gate_office import SELF, Office
from armslength.service.gate_rounds import one_by_one
from armslength.service.gate_row import Object, of_key, of_lease, of_leaver, of_request
from armslength.tlog import format_base64url

TRIES = 8


class Leaving:
    def __init__(self, office: Office, leasing: Leasing) -> None:
        self._office, self._book, self._leasing = office, office.book, leasing
        self._lock = threading.Lock()
        self._unfinished: set[PersonId] | None = None
        """Whose leaving may not be all done; None: anybody's, as after a start."""
        self._signed_in: set[PersonId] = set()

    def left(self, person: PersonId, source: str) -> bool:
        """They are gone, says `source`; whether that is news. Raises `Unavailable`, and then nothing is recorded."""
        if not is_name(person) or not is_name(source):
            raise Rejected([f"{person[:40]!r} left, said {source[:40]!r}: expected names"])
        if self._book.state.gone(person):
            return False
        now = self._office.fit()
        for _ in range(TRIES):  # they may ask for something, or sign something, meanwhile
            objects, leases = self._changed(person), self._held(person)
            with self._book.holding(of_leaver(person), *objects, *leases):
                if (self._changed(person), self._held(person)) != (objects, leases):
                    continue
                if self._book.state.gone(person):
                    return False
                event = Left(at=posix(now), person=person, source=source)
                with self._lock:
                    self._signed_in.add(person)
                    if self._unfinished is not None:
                        self._unfinished.add(person)
                self._office.record(event, on=[of_leaver(person), *objects])
                break
        else:
            raise Conflict("things are under way that they take part in: ask again")
        with suppress(GateError):  # the next sweep goes on, and until then each use is refused
            self._follow(person)
        return True

    def resume(self) -> None:
        """What a crash or a failure, here or at another gate, kept from ending with them. Raises `Unfinished`."""
        elsewhere: set[PersonId] = set()
        while self._book.left_elsewhere:
            elsewhere.add(self._book.left_elsewhere.popleft())
        with self._lock:
            self._signed_in |= elsewhere
            todo, signed_in = self._unfinished, tuple(self._signed_in)
            self._unfinished = set()
        if todo is None:
            with self._book.reading:
                todo = {each.person for each in self._book.state.leavers.values() if each.gone}
        todo |= set(signed_in)
        try:
            one_by_one(sorted(todo), self._follow, str)
        except BaseException:
            with self._lock:
                self._unfinished = None if self._unfinished is None else self._unfinished | todo
            raise

    # What ends with them

    def _follow(self, person: PersonId) -> None:
        if not self._book.state.gone(person):
            return
        steps: list[Callable[[], None]] = [
            lambda: one_by_one(self._waiting(person), self._withdraw, lambda each: each.request.id),
            lambda: one_by_one(self._leases(person), lambda each: self._end(each, person), lambda each: each.terms.id),
            lambda: self._sign_out(person),
        ]
        one_by_one(steps, lambda step: step(), lambda step: f"{person} left")
        if self._waiting(person) or self._leases(person):  # another gate was first to something of it
            with self._lock:
                if self._unfinished is not None:
                    self._unfinished.add(person)

    def _waiting(self, person: PersonId) -> list[RequestState]:
        return [each for each in self._book.state.requests_of(person) if each.waiting]

    def _withdraw(self, each: RequestState) -> None:
        id: RequestId = each.request.id
        with self._book.holding(of_request(id)):
            if (state := self._office.request(id)).waiting:
                event = Withdrawn(at=posix(self._office.fit()), request=id, by=SELF)
                self._office.record(event, on=[of_request(id)], of=state.request)

    def _leases(self, person: PersonId) -> list[LeaseState]:
        """The live ones in which they have a part."""
        state = self._book.state
        found: dict[LeaseId, LeaseState] = {}
        for lease in (*state.live(person), *state.leases_approved_by(person)):
            found[lease.terms.id] = lease
        theirs = {each.request.id for each in state.requests_of(person)}
        if theirs:
            found |= {lease.terms.id: lease for lease in state.live() if lease.terms.request in theirs}
        return list(found.values())

    def _end(self, lease: LeaseState, person: PersonId) -> None:
        id = lease.terms.id
        reason = "somebody who approved it left" if person in lease.terms.approvers else "somebody whose it is left"
        with self._book.holding(of_lease(id)):
            if (state := self._office.lease(id)).live:
                self._leasing.end(state, Revoked(at=posix(self._office.fit()), lease=id, by=SELF, reason=reason))

    def _sign_out(self, person: PersonId) -> None:
        self._book.copies.change(lambda tables: tables.sessions.end_all(person))
        with self._lock:
            self._signed_in.discard(person)

    # What is held while it is recorded

    def _changed(self, person: PersonId) -> tuple[Object, ...]:
        """The keys that count, and the requests that they signed with these."""
        state = self._book.state
        keys = [each.key.credential for each in state.keys_of(person) if each.revoked is None]
        signed = [of_request(each.request.id) for key in keys for each in state.signed_with(key)]
        return tuple(dict.fromkeys((*(of_key(format_base64url(key)) for key in keys), *signed)))

    def _held(self, person: PersonId) -> tuple[Object, ...]:
        """Their leases: no use of one is under way while they leave."""
        return tuple(of_lease(each.terms.id) for each in self._book.state.live(person))
