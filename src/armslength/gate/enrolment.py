"""An enrolment: that a passkey is somebody's, vouched for by a second person.

The voucher's passkey signs SHA-256 of its RFC 8785 form, as an approver's does that of a request; `kind` keeps the two
apart. That the new key is its person's is seen at registration (Web Authentication, section 7.1), before this.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from armslength.gate.approval import Assertion, Party, PersonKey, check_assertion
from armslength.gate.event import Enrolled
from armslength.gate.failure import Rejected
from armslength.gate.form import Form, read_bytes
from armslength.gate.moment import Moment, format_moment, moment, posix
from armslength.gate.request import PersonId, is_name
from armslength.tlog import Json, canonical, format_base64url

LONGEST_CREDENTIAL = 1023
"""Bytes of a credential id (Web Authentication, section 4)."""
LONGEST_KEY = 4096
"""Bytes of a COSE_Key."""
_MEMBERS = frozenset({"credential", "gate", "kind", "made", "person", "public_key", "version"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """`gate` is the origin of its ledger, `public_key` a COSE_Key, `made` when the key was registered."""

    gate: str
    person: PersonId
    credential: bytes
    public_key: bytes
    made: Moment

    def __post_init__(self) -> None:
        """Raises `Rejected` with every problem."""
        problems = [f"the enrolment names {name[:40]!r}" for name in (self.gate, self.person) if not is_name(name)]
        if not 1 <= len(self.credential) <= LONGEST_CREDENTIAL:
            problems.append(f"a credential of {len(self.credential)} bytes: expected 1 to {LONGEST_CREDENTIAL}")
        if not 1 <= len(self.public_key) <= LONGEST_KEY:
            problems.append(f"a public key of {len(self.public_key)} bytes: expected 1 to {LONGEST_KEY}")
        if problems:
            raise Rejected(problems)
        format_moment(self.made)

    def form(self) -> dict[str, Json]:
        """What is signed. Every member is always there."""
        return {
            "credential": format_base64url(self.credential),
            "gate": self.gate,
            "kind": "enrolment",
            "made": format_moment(self.made),
            "person": self.person,
            "public_key": format_base64url(self.public_key),
            "version": 1,
        }

    def canonical(self) -> bytes:
        """RFC 8785."""
        return canonical(self.form(), label="enrolment")

    def challenge(self) -> bytes:
        """SHA-256 of the canonical form: what the voucher's passkey signs."""
        return hashlib.sha256(self.canonical()).digest()

    def founding(self, *, at: Moment) -> Enrolled:
        """As it is recorded without a voucher, before there is a request."""
        return self._event(at, None, None)

    def vouched(self, *, at: Moment, voucher: PersonId, assertion: Assertion) -> Enrolled:
        """As it is recorded with the voucher's signature, which the caller checked."""
        return self._event(at, voucher, assertion)

    def _event(self, at: Moment, voucher: PersonId | None, assertion: Assertion | None) -> Enrolled:
        return Enrolled(
            at=posix(at),
            person=self.person,
            credential=format_base64url(self.credential),
            public_key=format_base64url(self.public_key),
            made=posix(self.made),
            voucher=voucher,
            assertion=None if assertion is None else assertion.form(),
        )


def parse_enrolment(form: Json) -> Enrolment:
    """The enrolment whose `form` this is. Raises `Rejected` with every problem."""
    read = Form(form, "enrolment", _MEMBERS)
    read.exactly("kind", "enrolment")
    read.exactly("version", 1)
    members = read.text("gate"), read.text("person"), read.base64url("credential"), read.base64url("public_key")
    made = read.moment("made")
    read.done()
    gate, person, credential, public_key = members
    return Enrolment(gate=gate, person=PersonId(person), credential=credential, public_key=public_key, made=made)


def enrolment_of(event: Enrolled, *, gate: str) -> Enrolment:
    """What was enrolled, for whoever checks the voucher's signature again. Raises `Rejected`."""
    return Enrolment(
        gate=gate,
        person=PersonId(event.person),
        credential=read_bytes(event.credential),
        public_key=read_bytes(event.public_key),
        made=moment(event.made),
    )


def check_voucher(enrolment: Enrolment, assertion: Assertion, key: PersonKey, party: Party) -> None:
    """That the person of `key`, who is somebody else, vouches for exactly this. Raises `Rejected` with every problem.
    Whether they may is for policy (the power `assume`)."""
    problems = []
    if key.person == enrolment.person:
        problems.append(f"{key.person} vouches for their own key")
    try:
        check_assertion(assertion, key, enrolment.challenge(), party)
    except Rejected as error:
        problems.extend(error.problems)
    if problems:
        raise Rejected(problems)
