"""What events change of people who left, and of those who come back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from armslength.gate.change import Changed, Ignored, ObjectKind
from armslength.gate.event import Left
from armslength.gate.failure import Rejected
from armslength.gate.held import KeyRevocation
from armslength.gate.key_fold import person_of
from armslength.gate.leaver import LeaverState
from armslength.gate.moment import Moment, moment
from armslength.gate.objects import Objects
from armslength.gate.request import PersonId, Request, is_name

THE_GATE = "the gate"
BY_LEAVING = "its person left"
"""With `THE_GATE`, the reason of a key's revocation that a `left` event brought: it says nothing against the key, so
what the key vouched for stays."""


def fold_left(held: Objects, event: Left, index: int) -> Changed | Ignored:
    """Their keys never count again, and with the keys go their approvals of what waits. What they ask for and hold is
    ended by events of its own, which customers are told; until then nothing is given on it."""
    person = person_of(event.person)
    if not is_name(event.source):
        raise Rejected([f"the source {event.source[:40]!r}"])
    before = held.leavers.get(person)
    if before is not None and before.gone:
        return Ignored(reason="they left before")
    at = moment(event.at)
    version = 1 if before is None else before.version + 1
    held.put_leaver(LeaverState(person=person, source=event.source, at=at, index=index, version=version))
    objects: list[tuple[ObjectKind, str]] = [("leaver", person)]
    for key in held.keys_of(person):
        if key.revoked is None:
            revoked = KeyRevocation(by=THE_GATE, reason=BY_LEAVING, at=at)
            objects += held.drop_key(replace(key, revoked=revoked, version=key.version + 1))
    return Changed(objects=tuple(dict.fromkeys(objects)))


def fold_returning(held: Objects, people: Iterable[PersonId], at: Moment) -> list[tuple[ObjectKind, str]]:
    """An adopted change names them as returning: they may do again what the estate lets them, with new keys."""
    changed: list[tuple[ObjectKind, str]] = []
    for person in people:
        state = held.leavers.get(person)
        if state is not None and state.gone:
            held.put_leaver(replace(state, returned=at, version=state.version + 1))
            changed.append(("leaver", person))
    return changed


def returning(request: Request) -> tuple[PersonId, ...]:
    """Whom a request for another estate names as returning, as those saw who signed it."""
    change = request.context.get("change")
    said = change.get("returning") if isinstance(change, Mapping) else None
    if not isinstance(said, list | tuple):
        return ()
    return tuple(PersonId(each) for each in said if isinstance(each, str) and is_name(each))


def left_among(held: Objects, people: Iterable[str | None]) -> str | None:
    """Why what these people are part of is given to nobody; None: they are all there."""
    for person in people:
        if person is not None and held.gone(PersonId(person)):
            return f"{person} left"
    return None
