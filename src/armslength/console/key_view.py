"""People's passkeys as pages show them: those that count, and those that were revoked, with when, by whom and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from armslength.console.key_print import fingerprint
from armslength.console.people import Face, Faces
from armslength.gate import KeyState, Moment, PersonId
from armslength.service import HOST
from armslength.tlog import format_base64url

SHOWN_FOR = dt.timedelta(days=30)
"""For how long a revocation of somebody else's is listed; for as long it takes with it what was vouched for."""
MOST_SHOWN = 50
GATE = "the gate"
"""Stands in records for the gate itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLine:
    """A passkey that counts."""

    id: str
    fingerprint: str
    made: Moment
    voucher: Face | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokedLine:
    """One that counts no more. `by` is the gate itself where the passkey that vouched for it was revoked."""

    person: Face
    fingerprint: str
    at: Moment
    by: Face
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokedList:
    """The newest first; `more` are not listed."""

    lines: tuple[RevokedLine, ...]
    more: int


def key_line(state: KeyState, faces: Faces) -> KeyLine:
    key = state.key
    return KeyLine(
        id=key_id(key.credential),
        fingerprint=fingerprint(key.credential, key.public_key),
        made=key.made,
        voucher=None if key.voucher is None else faces.of(key.voucher),
    )


def revoked_list(states: Iterable[KeyState], faces: Faces) -> RevokedList:
    """Those of `states` that were revoked."""
    lines = [line for state in states if (line := _revoked_line(state, faces)) is not None]
    lines.sort(key=lambda line: line.at, reverse=True)
    return RevokedList(lines=tuple(lines[:MOST_SHOWN]), more=len(lines[MOST_SHOWN:]))


def revoked_of_others(
    states: Iterable[KeyState], me: PersonId, now: Moment, sees: Callable[[PersonId], bool]
) -> list[KeyState]:
    """Those of other people that were revoked lately, of whom this one `sees` such things. Each person is looked at
    once."""
    lately = [s for s in states if s.revoked is not None and s.revoked.at > now - SHOWN_FOR and s.key.person != me]
    seen = {person: sees(person) for person in {state.key.person for state in lately}}
    return [state for state in lately if seen[state.key.person]]


def key_id(credential: bytes) -> str:
    return format_base64url(credential)


def _revoked_line(state: KeyState, faces: Faces) -> RevokedLine | None:
    revoked = state.revoked
    if revoked is None:
        return None
    return RevokedLine(
        person=faces.of(state.key.person),
        fingerprint=fingerprint(state.key.credential, state.key.public_key),
        at=revoked.at,
        by=_by(revoked.by, faces),
        reason=revoked.reason,
    )


def _by(by: str, faces: Faces) -> Face:
    """A person, or one of the two whom records name without there being one."""
    face = faces.of(PersonId(by))
    return replace(face, known=True) if by in (HOST, GATE) else face
