"""Revoking a passkey, with what it gave: nobody knows from when on it was in other hands.

Requests lose its approvals, leases that it approved end, and whoever is signed in as its person is signed out. Passkeys
that it vouched for in the last 30 days are revoked with it, and so on from each of them: whoever stole one could have
made themselves more. Those that it vouched for earlier count still, and an alarm names them.

A crash, or a failure, between a revocation and what it brings with it is made good by the next sweep.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from armslength.gate import (
    BY_LEAVING,
    THE_GATE,
    Conflict,
    Enrolled,
    GateError,
    KeyRevoked,
    KeyState,
    LeaseState,
    Moment,
    PersonId,
    Rejected,
    Revoked,
    Why,
    moment,
    posix,
)
from armslength.service.gate_change import change_of
from armslength.service.gate_failure import Raced, Unavailable
from armslength.service.gate_leasing import Leasing
from armslength.service.gate_notice import NoticeKind, told
from armslength.service.gate_office import HOST, SELF, Office
from armslength.service.gate_pending import PENDING
from armslength.service.gate_replay import event_at
from armslength.service.gate_rounds import one_by_one
from armslength.service.gate_row import Object, of_key, of_lease, of_request
from armslength.store import StoreError
from armslength.tlog import format_base64url

LONGEST_REASON = 500
DOUBTED = dt.timedelta(days=30)
"""For how long back what a revoked passkey vouched for ends with it."""
BY_THIEVES = "the passkey that vouched for it was revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysRevoked:
    """What a revoked passkey vouched for: `gone` was revoked with it, `doubtful` was vouched for before that and counts
    still."""

    gone: tuple[KeyState, ...]
    doubtful: tuple[KeyState, ...]


class Revoking:
    def __init__(self, office: Office, leasing: Leasing, may_vouch: Callable[[PersonId, PersonId], bool]) -> None:
        self._office, self._book, self._leasing, self._may_vouch = office, office.book, leasing, may_vouch
        self._unfinished = True
        """Whether a revocation may be there whose consequences are not."""
        self._signed_in: set[PersonId] = set()
        """Whose sessions are still to be ended."""

    def revoke(self, credential: bytes, by: PersonId, reason: str) -> KeysRevoked:
        """`by` `HOST`: whoever looks after the gate's host."""
        now = self._office.fit()
        if not reason.strip() or len(reason) > LONGEST_REASON:
            raise Rejected([f"a reason of {len(reason)} characters: expected 1 to {LONGEST_REASON}"])
        key = self._book.state.key(credential)
        if key is None:
            raise Rejected(["no such passkey is enrolled"])
        person = key.key.person
        if by not in (HOST, person) and not self._may_vouch(by, person):
            raise Rejected(["a passkey is revoked by its person, or by who could vouch for them"])
        self._unfinished = True
        self._one(key, by, reason, now)
        return self._with_it(key, now)

    def resume(self) -> None:
        """What a crash or a failure, here or at another gate, kept a revocation from bringing with it."""
        one_by_one(tuple(self._signed_in), self._sign_out, str)
        if self._book.revoked_elsewhere:
            self._book.revoked_elsewhere, self._unfinished = False, True
        if not self._unfinished:
            return
        self._unfinished = False
        with self._book.reading:
            keys = tuple(self._book.state.keys.values())
        try:
            now = self._office.fit()
            for key in keys:
                if key.revoked is not None and key.revoked.at > now - DOUBTED and not _by_leaving(key):
                    self._with_it(key, key.revoked.at)
        except BaseException:
            self._unfinished = True
            raise

    # One

    def _one(self, key: KeyState, by: PersonId, reason: str, now: Moment) -> None:
        credential, person = key.key.credential, key.key.person
        id = format_base64url(credential)
        for _ in range(8):  # a request may be signed with it meanwhile
            objects = self._signed(credential)
            with self._book.holding(of_key(id), *objects):
                if self._signed(credential) != objects:
                    continue
                if self._book.state.keys[id].revoked is not None:
                    raise Conflict("the passkey was revoked before")
                event = KeyRevoked(at=posix(now), credential=id, by=by, reason=reason)
                self._office.record(event, on=[of_key(id), *objects])
                break
        else:
            raise Conflict("requests are being signed with it: ask again")
        self._signed_in.add(person)  # which of their passkeys a session came by, nobody knows
        # Whatever fails of this, the next sweep does; until then each use is refused.
        with suppress(GateError):
            self._end_leases(person, credential)
        with suppress(GateError):
            self._sign_out(person)

    def _sign_out(self, person: PersonId) -> None:
        self._book.copies.change(lambda tables: tables.sessions.end_all(person))
        self._signed_in.discard(person)

    def _signed(self, credential: bytes) -> tuple[Object, ...]:
        """The requests that it signed and that wait; and changes that were granted by it and are being carried out."""
        state = self._book.state
        waiting = [each.request.id for each in state.signed_with(credential)]
        key = state.key(credential)
        granted = [
            request.request.id
            for lease in (() if key is None else state.leases_approved_by(key.key.person))
            if (request := state.requests.get(lease.terms.request)) is not None
            and not request.adopted
            and change_of(request.request) is not None
        ]
        return tuple(map(of_request, (*waiting, *granted)))

    def _approved(self, person: PersonId, credential: bytes) -> list[LeaseState]:
        """The live leases that this passkey approved."""
        found = []
        for lease in self._book.state.leases_approved_by(person):
            request = self._book.state.requests.get(lease.terms.request)
            if request is None or any(each.assertion.credential == credential for each in request.approvals):
                found.append(lease)
        return found

    def _end_leases(self, person: PersonId, credential: bytes) -> None:
        def end(lease: LeaseState) -> None:
            with self._book.holding(of_lease(lease.terms.id)):
                now = posix(self._office.fit())
                reason = "a passkey that approved it was revoked"
                event = Revoked(at=now, lease=lease.terms.id, by=SELF, reason=reason)
                self._leasing.end(self._office.lease(lease.terms.id), event)

        one_by_one(self._approved(person, credential), end, lambda lease: lease.terms.id)

    # With it

    def _with_it(self, first: KeyState, at: Moment) -> KeysRevoked:
        """Revoke what a key vouched for within 30 days before it was revoked, what those vouched for, and so on. It is
        told first: a crash meanwhile leaves keys to be revoked by the next sweep, and nothing untold."""
        gone: list[KeyState] = []
        doubtful: list[KeyState] = []
        todo = [first]
        while todo:
            for key, recent in self._vouched(todo.pop(), at):
                (gone if recent else doubtful).append(key)
                todo += [key] if recent else []
        if gone or doubtful:
            with suppress(Unavailable):  # told with the next thing that is told
                self._tell(first, gone, doubtful)
        for key in gone:
            try:
                self._one(key, SELF, BY_THIEVES, self._office.fit())
            except Raced:
                self._unfinished = True
            except Conflict:
                pass  # somebody else has
        for key in tuple(gone):  # nothing that one of them vouched for in the meantime is left
            gone += self._with_it(key, at).gone
        return KeysRevoked(gone=tuple(gone), doubtful=tuple(doubtful))

    def _vouched(self, by: KeyState, at: Moment) -> Iterator[tuple[KeyState, bool]]:
        """The passkeys that count and were vouched for with this one, and whether that was within 30 days before `at`.
        With which of the voucher's it was, their record in the ledger says. Raises `Unavailable`."""
        with self._book.reading:
            keys = [each for each in self._book.state.keys.values() if each.key.voucher == by.key.person]
        credential = format_base64url(by.key.credential)
        for key in keys:
            if key.revoked is not None or key.index < by.index:
                continue
            try:
                event = event_at(self._book.ledger.folder, key.index)
            except StoreError as error:
                raise Unavailable(Why.LEDGER, f"the ledger cannot be read: {error}") from error
            if isinstance(event, Enrolled) and event.assertion is not None:
                when, mine = moment(event.at), event.assertion["credential"] == credential
            else:  # its record does not say with which one: it is doubted as if it was this one
                when, mine = key.key.made + dt.timedelta(seconds=PENDING), True
            if mine:
                yield key, when > at - DOUBTED

    def _tell(self, first: KeyState, gone: Sequence[KeyState], doubtful: Sequence[KeyState]) -> None:
        says = f"a passkey of {first.key.person} was revoked"
        if gone:
            says += f"; passkeys that it led to in the {DOUBTED.days} days before were revoked with it: {_whose(gone)}"
        if doubtful:
            says += f"; it vouched earlier for passkeys that count still, look whether they should: {_whose(doubtful)}"
        at, more = posix(self._book.now()), {"event": "vouched"}
        alarm = told(NoticeKind.ALARM, format_base64url(first.key.credential), says, at=at, more=more)
        with suppress(GateError):  # it is kept until it can be written
            self._book.copies.write(told=[alarm])


def _by_leaving(key: KeyState) -> bool:
    """Whether it was revoked because its person left, which says nothing against what it vouched for."""
    revoked = key.revoked
    return revoked is not None and (revoked.by, revoked.reason) == (THE_GATE, BY_LEAVING)


def _whose(keys: Sequence[KeyState]) -> str:
    return ", ".join(sorted(key.key.person for key in keys))
