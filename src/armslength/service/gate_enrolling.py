"""Enrolling: a person's passkey comes to count, once a second person has vouched for it.

A link, good once and for a day, lets a person make a passkey. It waits, under a MAC, until somebody who holds the power
`assume` on that person signs that it is theirs: whoever reads or writes the database alone can neither put in a
passkey nor swap the one that waits. Only founding keys have no voucher; they are let count on the gate's own host,
before the first request.
"""

from __future__ import annotations

from contextlib import suppress

from armslength.estate import ASSUME, Kind
from armslength.gate import (
    Assertion,
    Conflict,
    KeyRevoked,
    KeyState,
    LeaseState,
    PersonId,
    Question,
    Refused,
    Rejected,
    Revoked,
    Standing,
    Target,
    check_voucher,
    posix,
)
from armslength.service.gate_leasing import Leasing
from armslength.service.gate_office import HOST, SELF, Office
from armslength.service.gate_pending import PendingKeys
from armslength.service.gate_row import GATE, Object, of_key, of_lease, of_request
from armslength.service.gate_using import GATE_POINT, Using
from armslength.tlog import format_base64url

LONGEST_REASON = 500


class Enrolling:
    def __init__(self, office: Office, leasing: Leasing, using: Using) -> None:
        self._office, self._book, self._leasing, self._using = office, office.book, leasing, using
        self.pending = PendingKeys(office)

    # It comes to count

    def found(self, id: str) -> None:
        now = self._office.fit()
        with self._book.holding(of_key(id), GATE):
            if self._book.state.founded:
                raise Conflict("there was a request already: from then on each passkey needs a voucher")
            enrolment = self.pending.enrolment(id)
            self.pending.known(enrolment.person)
            self._office.record(enrolment.founding(at=now), beside=[of_key(id), GATE])
        self.pending.done(id)

    def vouch(self, id: str, voucher: PersonId, assertion: Assertion) -> None:
        now = self._office.fit()
        signed = format_base64url(assertion.credential)
        enrolment = self.pending.enrolment(id)
        self.pending.known(enrolment.person)
        with self._book.holding(of_key(signed)):
            key = self._counting(signed, voucher)
            self._book.copies.check(of_key(signed))
            check_voucher(enrolment, assertion, key.key, self._office.party)
        if not self.standing(voucher, enrolment.person):
            self._use_lease(voucher, enrolment.person)
        with self._book.holding(of_key(id), of_key(signed)):
            self._counting(signed, voucher)
            if id in self._book.state.keys or self.pending.enrolment(id) != enrolment:
                raise Conflict("somebody vouched for it already")
            event = enrolment.vouched(at=now, voucher=voucher, assertion=assertion)
            self._office.record(event, beside=[of_key(signed)])
        self.pending.done(id)

    def may_vouch(self, voucher: PersonId, person: PersonId) -> bool:
        """Whether they hold `assume` on that person, standing or by a live lease."""
        if voucher == person:
            return False
        leases = self._book.state.leases_for(voucher, ASSUME, _person(person))
        now = self._book.now()
        return self.standing(voucher, person) or any(
            lease.terms.start <= now < lease.terms.end and self._office.holds(lease) is None for lease in leases
        )

    def vouchers(self, person: PersonId) -> tuple[PersonId, ...]:
        """Who could vouch for them now: people who have a passkey that counts."""
        with self._book.reading:
            keyed = {key.key.person for key in self._book.state.keys.values() if key.revoked is None}
        places = self._office.decider.roster.places
        known = sorted((each for each in keyed if each in places), key=lambda each: places[each])
        return tuple(each for each in known if self.may_vouch(each, person))

    def standing(self, voucher: PersonId, person: PersonId) -> bool:
        """Whether the estate lets them vouch without a lease: by a grant of `assume` without terms, or a permit."""
        decider = self._office.decider
        places = decider.roster.places
        if voucher == person or voucher not in places or person not in places:
            return False
        if decider.grants.standing(places[voucher], ASSUME, Kind.PERSON, places[person]):
            return True
        question = Question(
            executor=voucher, asker=voucher, author=None, action=ASSUME, resource=_person(person), context={}
        )
        return isinstance(decider.look(question), Standing)

    def revoke(self, credential: bytes, by: PersonId, reason: str) -> None:
        """`by` `HOST`: whoever looks after the gate's host."""
        now = self._office.fit()
        if not reason.strip() or len(reason) > LONGEST_REASON:
            raise Rejected([f"a reason of {len(reason)} characters: expected 1 to {LONGEST_REASON}"])
        id = format_base64url(credential)
        key = self._book.state.keys.get(id)
        if key is None:
            raise Rejected(["no such passkey is enrolled"])
        person = key.key.person
        if by not in (HOST, person) and not self.may_vouch(by, person):
            raise Rejected(["a passkey is revoked by its person, or by who could vouch for them"])
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
        try:
            self._end_leases(person, credential)
        finally:
            if self._approved(person, credential):
                self._leasing.judge_again()  # the next sweep ends them; until then each use is refused
        if not self._book.state.has_key(person):
            self._book.copies.change(lambda tables: tables.sessions.end_all(person))

    # Within

    def _signed(self, credential: bytes) -> tuple[Object, ...]:
        return tuple(of_request(each.request.id) for each in self._book.state.signed_with(credential))

    def _approved(self, person: PersonId, credential: bytes) -> list[LeaseState]:
        """The live leases that this passkey approved."""
        found = []
        for lease in self._book.state.leases_approved_by(person):
            request = self._book.state.requests.get(lease.terms.request)
            if request is None or any(each.assertion.credential == credential for each in request.approvals):
                found.append(lease)
        return found

    def _end_leases(self, person: PersonId, credential: bytes) -> None:
        """Nobody knows from when on the key was in other hands, so what it approved ends."""
        for lease in self._approved(person, credential):
            with self._book.holding(of_lease(lease.terms.id)), suppress(Conflict):
                now = posix(self._office.fit())
                reason = "a passkey that approved it was revoked"
                event = Revoked(at=now, lease=lease.terms.id, by=SELF, reason=reason)
                self._leasing.end(self._office.lease(lease.terms.id), event)

    def _use_lease(self, voucher: PersonId, person: PersonId) -> None:
        """Raises `Rejected`."""
        answer = self._using.redeem(
            point=GATE_POINT,
            executor=voucher,
            action=ASSUME,
            resource=_person(person),
            customers=(),
            use=self._office.draw(),
            token=None,
            context={},
        )
        if isinstance(answer, Refused):
            raise Rejected([f"{voucher} may not vouch for {person}: {answer.says}"])

    def _counting(self, credential: str, person: PersonId) -> KeyState:
        key = self._book.state.keys.get(credential)
        if key is None or key.key.person != person or key.revoked is not None:
            raise Rejected([f"this passkey is not enrolled for {person}, or was revoked"])
        return key


def _person(person: PersonId) -> Target:
    return Target(type="person", id=person)
