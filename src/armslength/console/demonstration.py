"""A demonstration: the visitor may act as anybody, and the server signs in their name.

INVARIANT: only a gate that was founded with the demonstration's own keys can be shown so. Those keys follow from public
words, so they are worth nothing; each sign-in and each approval is nevertheless a real signature of one of them,
checked like any other. A gate that people founded has none of them, and there this code can sign nothing.
"""

from __future__ import annotations

import hashlib

from armslength.gate import Assertion, PersonId, Rejected
from armslength.service import Gate, SoftKey


class NotADemonstration(Exception):
    """This gate was not made to be shown; nobody may be acted for here."""


def demo_key(origin: str, url: str, rp_id: str, person: PersonId) -> SoftKey:
    """The person's passkey in the demonstration of the gate with this origin, address and domain."""
    seed = hashlib.sha256(f"armslength demonstration\0{origin}\0{person}".encode()).digest()
    return SoftKey(seed=seed, rp_id=rp_id, origin=url)


class Demonstration:
    """Of one gate. Raises `NotADemonstration` unless every founding key is the demonstration's, and there is one."""

    def __init__(self, gate: Gate) -> None:
        founding = [state.key for state in gate.state.keys.values() if state.key.voucher is None]
        if not founding:
            raise NotADemonstration("this gate was not founded yet: a demonstration is made as one")
        for key in founding:
            if _key(gate, key.person).credential != key.credential:
                raise NotADemonstration("this gate was founded with passkeys of people; it cannot be a demonstration")

    def people(self, gate: Gate) -> tuple[PersonId, ...]:
        """Whom a visitor can act as, in the order of the estate."""
        ids = (PersonId(each) for each in gate.decider.estate.people.ids)
        return tuple(person for person in ids if self._holds(gate, person))

    def sign(self, gate: Gate, person: PersonId, challenge: bytes) -> Assertion:
        """Raises `Rejected` for somebody whose key is not the demonstration's."""
        if not self._holds(gate, person):
            raise Rejected([f"nobody can act as {person} here"])
        return _key(gate, person).sign(challenge)

    def _holds(self, gate: Gate, person: PersonId) -> bool:
        state = gate.state.key(_key(gate, person).credential)
        return state is not None and state.revoked is None and state.key.person == person


def demonstration_keys(gate: Gate) -> tuple[PersonId, ...]:
    """Whose passkeys that count are the demonstration's: whoever reads this could sign in as them."""
    keys = [state.key for state in gate.state.keys.values() if state.revoked is None]
    return tuple(sorted({key.person for key in keys if _key(gate, key.person).credential == key.credential}))


def _key(gate: Gate, person: PersonId) -> SoftKey:
    return demo_key(gate.settings.origin, gate.settings.url, gate.party.rp_id, person)
