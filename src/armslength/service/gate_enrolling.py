"""Enrolling: a person's passkey comes to count, once a second person has vouched for it.

A link, good once and for a day, lets a person make a passkey. It waits, under a MAC, until somebody who holds the power
`assume` on that person signs that it is theirs: whoever reads or writes the database alone can neither put in a
passkey nor swap the one that waits. Only founding keys have no voucher; they are let count on the gate's own host,
before the first request.
"""

from __future__ import annotations

from armslength.estate import ASSUME, Kind
from armslength.gate import (
    Assertion,
    Conflict,
    Enrolment,
    KeyState,
    PersonId,
    Question,
    Refused,
    Rejected,
    Standing,
    Target,
    check_voucher,
)
from armslength.service.gate_office import Office
from armslength.service.gate_pending import PendingKeys
from armslength.service.gate_row import GATE, of_key
from armslength.service.gate_using import GATE_POINT, Using
from armslength.tlog import format_base64url


class Enrolling:
    def __init__(self, office: Office, using: Using) -> None:
        self._office, self._book, self._using = office, office.book, using
        self.pending = PendingKeys(office)

    # It comes to count

    def found(self, id: str) -> None:
        now = self._office.fit()
        with self._book.holding(of_key(id), GATE):
            if self._book.state.founded:
                raise Conflict("there was a request already: from then on each passkey needs a voucher")
            enrolment = self.pending.enrolment(id)
            self.pending.known(enrolment.person)
            self._check_new(enrolment)
            self._office.record(enrolment.founding(at=now), beside=[of_key(id), GATE])
        self.pending.done(id)

    def vouch(self, id: str, voucher: PersonId, assertion: Assertion) -> None:
        now = self._office.fit()
        signed = format_base64url(assertion.credential)
        enrolment = self.pending.enrolment(id)
        self.pending.known(enrolment.person)
        if id not in self._book.state.keys:
            self._check_new(enrolment)
        with self._book.holding(of_key(signed)):
            key = self._counting(signed, voucher)
            self._book.copies.check(of_key(signed))
            check_voucher(enrolment, assertion, key.key, self._office.party)
        if not self.standing(voucher, enrolment.person):
            self._use_lease(voucher, enrolment.person)
            self.pending.known(enrolment.person)  # of the estate by which that was decided
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
        if not decider.roster.knows(voucher) or not decider.roster.knows(person):
            return False  # one of them left
        if decider.grants.standing(places[voucher], ASSUME, Kind.PERSON, places[person]):
            return True
        question = Question(
            executor=voucher, asker=voucher, author=None, action=ASSUME, resource=_person(person), context={}
        )
        return isinstance(decider.look(question), Standing)

    # Within

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

    def _check_new(self, enrolment: Enrolment) -> None:
        """Raises `Conflict`: one authenticator is not two people."""
        if self._book.state.knows(enrolment.public_key):
            raise Conflict("the same public key was enrolled before, under another id")

    def _counting(self, credential: str, person: PersonId) -> KeyState:
        key = self._book.state.keys.get(credential)
        if key is None or key.key.person != person or key.revoked is not None:
            raise Rejected([f"this passkey is not enrolled for {person}, or was revoked"])
        return key


def _person(person: PersonId) -> Target:
    return Target(type="person", id=person)
