"""What events change of people's keys."""

from __future__ import annotations

from dataclasses import replace

from armslength.gate.approval import PersonKey, parse_assertion
from armslength.gate.change import Changed, Ignored
from armslength.gate.enrolment import LONGEST_CREDENTIAL, LONGEST_KEY
from armslength.gate.event import Enrolled, KeyRevoked
from armslength.gate.failure import Rejected
from armslength.gate.form import read_bytes
from armslength.gate.held import KeyRevocation, KeyState
from armslength.gate.moment import moment, read_seconds
from armslength.gate.objects import Objects
from armslength.gate.request import PersonId, is_name


def fold_key(held: Objects, event: Enrolled, index: int) -> Changed | Ignored:
    credential = read_bytes(event.credential)
    assertion = None if event.assertion is None else parse_assertion(event.assertion)
    voucher = None if event.voucher is None else person_of(event.voucher)
    key = PersonKey(
        credential=credential,
        public_key=read_bytes(event.public_key),
        person=person_of(event.person),
        voucher=voucher,
        made=read_seconds(event.made),
    )
    if not 1 <= len(credential) <= LONGEST_CREDENTIAL or not 1 <= len(key.public_key) <= LONGEST_KEY:
        raise Rejected([f"a credential of {len(credential)} bytes with a key of {len(key.public_key)}"])
    if held.gone(key.person):
        return Ignored(reason="its person left")
    if event.credential in held.keys:
        return Ignored(reason="the key was enrolled before")
    if held.knows(key.public_key):
        return Ignored(reason="the same public key was enrolled before, under another id")
    if voucher is None:
        if held.founded:
            return Ignored(reason="after the first request each key needs a voucher")
    elif assertion is None or voucher == key.person:
        return Ignored(reason="a second person has to vouch, with their own key")
    elif reason := unusable(held, assertion.credential, voucher):
        return Ignored(reason=reason)
    held.put_key(KeyState(key=key, revoked=None, index=index, version=1))
    return Changed(objects=(("key", event.credential),))


def fold_key_revocation(held: Objects, event: KeyRevoked) -> Changed | Ignored:
    read_bytes(event.credential)
    revoked = KeyRevocation(by=person_of(event.by), reason=event.reason, at=moment(event.at))
    state = held.keys.get(event.credential)
    if state is None or state.revoked is not None:
        return Ignored(reason="no such key" if state is None else "the key was revoked before")
    return Changed(objects=tuple(held.drop_key(replace(state, revoked=revoked, version=state.version + 1))))


def unusable(held: Objects, credential: bytes, person: PersonId) -> str | None:
    """Why this key does not speak for this person."""
    state = held.key(credential)
    if state is None or state.key.person != person:
        return f"the key is not one of {person}"
    if held.gone(person):
        return f"{person} left"
    return None if state.revoked is None else "the key was revoked"


def person_of(text: str) -> PersonId:
    if not is_name(text):
        raise Rejected([f"the person {text[:40]!r}"])
    return PersonId(text)
