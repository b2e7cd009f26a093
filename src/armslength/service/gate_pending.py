"""Passkeys that wait: from the link under which one is made until somebody vouches for it.

Whoever reads or writes the database alone can neither make a link nor swap the passkey that waits: both carry a MAC
under a key that it does not have.
"""

from __future__ import annotations

import datetime as dt
import hmac
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256

from webauthn import verify_registration_response
from webauthn.helpers.exceptions import WebAuthnException

from armslength.gate import (
    Conflict,
    Enrolment,
    Moment,
    PersonId,
    Rejected,
    Tampered,
    is_name,
    moment,
    parse_enrolment,
    posix,
)
from armslength.ledger import Json
from armslength.service.gate_office import Office
from armslength.store import Ceremony, GateRow, GateTables, RowColumns
from armslength.tlog import Malformed, canonical, format_base64url, parse_base64url, parse_canonical

LINK = 86_400
"""Seconds for which an invitation is good."""
PENDING = 7 * 86_400
"""Seconds for which a passkey waits for a voucher."""
PENDING_KIND = "pending-key"
LONGEST_TOKEN = 4096
MAC = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """What a browser is asked to make a passkey with: `challenge` for this link alone, `user` the handle under which
    authenticators keep the person's passkeys apart."""

    person: PersonId
    challenge: bytes
    user: bytes
    ends: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingKey:
    """A passkey that waits for a voucher."""

    id: str
    person: PersonId
    credential: bytes
    public_key: bytes = field(repr=False)
    made: Moment
    ends: Moment


class PendingKeys:
    def __init__(self, office: Office) -> None:
        self._office, self._book = office, office.book
        self._key = office.derived("enrolment")

    # A link

    def invite(self, person: PersonId) -> str:
        self.known(person)
        ends = posix(self._book.now()) + LINK
        nonce = format_base64url(self._office.draw())
        body = canonical({"ends": ends, "nonce": nonce, "person": person}, label="invitation")
        return f"{format_base64url(body)}.{format_base64url(self._mac('link', body))}"

    def begin(self, token: str) -> Invitation:
        person, ends, body = self._read(token)
        mark = sha256(self._mac("used", body)).digest()
        now = posix(self._book.now())
        if self._book.copies.read(lambda tables: tables.ceremonies.look(mark, "enrolled", now=now)) is not None:
            raise Rejected(["this link was used"])
        return Invitation(
            person=person,
            challenge=self._mac("challenge", body),
            user=self._mac("user", person.encode()),
            ends=moment(ends),
        )

    def finish(self, token: str, registration: Mapping[str, Json]) -> PendingKey:
        invitation = self.begin(token)
        _, ends, body = self._read(token)
        now = self._book.now()
        try:
            verified = verify_registration_response(
                credential=json.dumps(dict(registration)),
                expected_challenge=invitation.challenge,
                expected_rp_id=self._office.party.rp_id,
                expected_origin=list(self._office.party.origins),
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            raise Rejected([f"the passkey's registration does not hold: {error}"]) from None
        enrolment = Enrolment(
            gate=self._office.settings.origin,
            person=invitation.person,
            credential=verified.credential_id,
            public_key=verified.credential_public_key,
            made=now,
        )
        id = format_base64url(enrolment.credential)
        if id in self._book.state.keys or self._book.state.knows(enrolment.public_key):
            raise Conflict("this passkey was enrolled before")
        row = GateRow(
            kind=PENDING_KIND,
            id=id,
            version=1,
            doc=self._sealed(enrolment),
            columns=RowColumns(person=enrolment.person, status="pending", due=posix(_ends(enrolment))),
        )
        used = Ceremony(kind="enrolled", person=invitation.person, doc=b"", ends=ends)
        mark = sha256(self._mac("used", body)).digest()

        def keep(tables: GateTables) -> None:
            tables.ceremonies.begin(mark, used)
            tables.shared_rows.insert(row)

        self._book.copies.change(keep)
        return self._shown(row)

    def pending(self) -> tuple[PendingKey, ...]:
        now = self._book.now()
        rows = self._book.copies.read(lambda tables: tuple(tables.shared_rows.all(PENDING_KIND)))
        found = []
        for row in rows:
            with suppress(Tampered):  # told, and of no use to anybody
                found.append(self._shown(row))
        return tuple(sorted((each for each in found if now < each.ends), key=lambda each: (each.made, each.id)))

    def enrolment(self, id: str) -> Enrolment:
        row = self._book.copies.read(lambda tables: tables.shared_rows.read(PENDING_KIND, id))
        enrolment = None if row is None else self._opened(row)
        if enrolment is None or _ends(enrolment) <= self._book.now():
            raise Rejected(["no such passkey waits for a voucher, or no longer"])
        return enrolment

    def known(self, person: PersonId) -> None:
        if not self._office.decider.roster.knows(person):
            raise Rejected([f"{person[:40]!r} is not in the people table"])

    def done(self, id: str) -> None:
        self._book.copies.change(lambda tables: tables.shared_rows.delete(PENDING_KIND, [id]))

    def _sealed(self, enrolment: Enrolment) -> bytes:
        body = enrolment.canonical()
        return canonical(
            {"enrolment": enrolment.form(), "mac": format_base64url(self._mac("pending", body))}, label="pending key"
        )

    def _opened(self, row: GateRow) -> Enrolment:
        """Raises `Tampered`."""
        try:
            read = parse_canonical(row.doc, label="pending key")
            assert isinstance(read, dict)
            enrolment = parse_enrolment(read.get("enrolment"))
            mac = parse_base64url(str(read.get("mac")), MAC)
        except (Malformed, Rejected, AssertionError) as error:
            raise self._tampered(row.id) from error
        same = format_base64url(enrolment.credential) == row.id
        if not same or not hmac.compare_digest(mac, self._mac("pending", enrolment.canonical())):
            raise self._tampered(row.id)
        return enrolment

    def _tampered(self, id: str) -> Tampered:
        says = f"the row of the pending key {id} is not the one that the gate wrote"
        self._book.finding((PENDING_KIND, id), says)
        return Tampered(says)

    def _shown(self, row: GateRow) -> PendingKey:
        enrolment = self._opened(row)
        return PendingKey(
            id=row.id,
            person=enrolment.person,
            credential=enrolment.credential,
            public_key=enrolment.public_key,
            made=enrolment.made,
            ends=_ends(enrolment),
        )

    def _read(self, token: str) -> tuple[PersonId, int, bytes]:
        """Raises `Rejected`."""
        problem = Rejected(["this link is none of the gate's, or it is too old"])
        body, _, mac = token.partition(".")
        if len(token) > LONGEST_TOKEN:
            raise problem
        try:
            data = parse_base64url(body, len(body) * 3 // 4)
            given = parse_base64url(mac, MAC)
        except Malformed:
            raise problem from None
        if not hmac.compare_digest(given, self._mac("link", data)):
            raise problem
        read = parse_canonical(data, label="invitation")
        assert isinstance(read, dict) and isinstance(read["ends"], int)
        person = PersonId(str(read["person"]))
        if read["ends"] <= posix(self._book.now()) or not is_name(person):
            raise problem
        return person, read["ends"], data

    def _mac(self, what: str, data: bytes) -> bytes:
        return hmac.digest(self._key, what.encode() + b"\0" + data, sha256)


def _ends(enrolment: Enrolment) -> Moment:
    """By what is under the MAC: the row's own columns are anybody's who has the database."""
    return enrolment.made + dt.timedelta(seconds=PENDING)
