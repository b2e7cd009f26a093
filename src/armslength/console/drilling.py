"""Drills: somebody concerned says that they were told, and signs with their passkey what opens nothing.

Nothing here leads to a request, and no page of a request leads here: a drill is known by where it stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec
from starlette.responses import Response

from armslength.console.door import page
from armslength.console.passkeys import ask_for_signature
from armslength.console.people import Face
from armslength.console.signature import signature
from armslength.console.visit import Visit
from armslength.gate import Moment, PersonId, moment
from armslength.service import DrillStanding

_SPEAKS = re.compile(r"\b(drill|exercise|rehears\w*|fire[- ]?test|simulat\w*|practice)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillView:
    """What one person sees. `unable` says why they could not sign; None: they could."""

    id: str
    terms: str
    action: str
    resource: str
    executor: Face
    organiser: str
    purpose: str
    ends: Moment
    challenge: str
    told: Moment | None
    signed: Moment | None
    unable: str | None
    words: int
    signatures: int
    people: int
    quorum: Moment | None


def speaks_of_drill(text: str) -> bool:
    """Whether a real request says of itself that it is a drill: so would whoever wants it signed unread."""
    return _SPEAKS.search(text) is not None


def show_drill(visit: Visit) -> Response:
    found = _found(visit)
    if found is None:
        return visit.missing()
    view = _view(visit, found)
    ask = ""
    if view.unable is None and view.signed is None:
        held = visit.console.keys_of(visit.me)
        options = ask_for_signature(visit.gate.party, challenge=found.drill.challenge(), held=held)
        ask = msgspec.json.encode(options).decode()
    return visit.page("drill.html", d=view, sign=ask)


def acknowledge(visit: Visit) -> Response:
    found = _found(visit)
    if found is None:
        return visit.missing()
    visit.gate.drills.acknowledge(found.drill.id, visit.me)
    return visit.go(f"/drills/{found.drill.id}")


def sign(visit: Visit) -> Response:
    found = _found(visit)
    if found is None:
        return visit.missing()
    visit.gate.drills.sign(found.drill.id, visit.me, signature(visit, found.drill.challenge()))
    return visit.go(f"/drills/{found.drill.id}")


def _found(visit: Visit) -> DrillStanding | None:
    """The drill of this page, if it asks this person."""
    found = visit.gate.drills.under_way()
    if found is None or found.drill.id != visit.name("id") or visit.me not in found.concerned:
        return None
    return found


def _view(visit: Visit, found: DrillStanding) -> DrillView:
    drill, me = found.drill, visit.me
    return DrillView(
        id=drill.id,
        terms=drill.terms,
        action=drill.action,
        resource=str(drill.resource),
        executor=visit.console.faces().of(drill.executor),
        organiser=visit.console.faces().of(PersonId(drill.organiser)).name,
        purpose=drill.purpose,
        ends=drill.expires,
        challenge=drill.challenge().hex(),
        told=_time(found.acknowledged.get(me)),
        signed=_time(found.signed.get(me)),
        unable=visit.gate.drills.unable(me),
        words=len(found.acknowledged),
        signatures=len(found.signed),
        people=len(found.concerned),
        quorum=_time(found.quorum_at),
    )


def _time(at: int | None) -> Moment | None:
    return None if at is None else moment(at)


ROUTES = (
    page("/drills/{id}", show_drill),
    page("/drills/{id}/acknowledge", None, acknowledge),
    page("/drills/{id}/sign", None, sign),
)
