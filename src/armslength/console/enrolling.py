"""People's passkeys: making one by a link, vouching for somebody's, and revoking one."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace

import msgspec
from starlette.responses import Response

from armslength.console.door import page
from armslength.console.key_print import fingerprint
from armslength.console.key_view import key_id, key_line, revoked_list, revoked_of_others
from armslength.console.passkeys import ask_for_new, ask_for_signature, read_registration
from armslength.console.people import Face, Faces
from armslength.console.signature import signature
from armslength.console.visit import Visit
from armslength.gate import Moment, PersonId, Rejected, moment
from armslength.service import KeysRevoked, PendingKey


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingLine:
    """One that nobody vouched for yet. `mine`: it is said to be of who looks."""

    id: str
    person: Face
    fingerprint: str
    made: Moment
    mine: bool


# Making one


def show_enrol(visit: Visit) -> Response:
    console = visit.console
    try:
        invitation = visit.gate.begin_enrolment(visit.name("token"))
    except Rejected:
        if not console.strangers.take("", time.monotonic()):
            return visit.wrong(429, "Too many people at once", "wait a moment, then try again")
        return visit.wrong(404, "This link is not good", "it was used, is mistyped, or is more than a day old")
    person = console.faces().of(invitation.person)
    options = ask_for_new(
        visit.gate.party,
        gate=visit.gate.settings.name,
        person=person.id,
        name=person.name,
        user=invitation.user,
        challenge=invitation.challenge,
        held=console.keys_of(person.id),
    )
    secret = visit.secret or secrets.token_bytes(32)
    response = visit.page("enrol.html", secret=secret, person=person, options=msgspec.json.encode(options).decode())
    if visit.secret is None:
        console.sessions.set_visit(response, secret)
    return response


def take_enrol(visit: Visit) -> Response:
    pending = visit.gate.finish_enrolment(visit.name("token"), read_registration(visit.form.text("credential")))
    faces = visit.console.faces()
    return visit.page(
        "enrolled.html",
        pending=_line(pending, faces, visit),
        vouchers=_vouchers(visit, pending.person),
        founding=not visit.gate.state.founded,
    )


def invite(visit: Visit) -> Response:
    """A link with which somebody makes a passkey: for oneself, and for people whom one could vouch for anyway."""
    person = PersonId(visit.form.text("person"))
    if not visit.gate.decider.roster.knows(person):
        raise Rejected([f"nobody here has the id {person[:40]!r}"])
    if person != visit.me and not visit.gate.may_vouch(visit.me, person):
        raise Rejected([f"you could not vouch for {person}: whoever has the power to assume them gives them a link"])
    link = f"{visit.gate.settings.url}/enrol/{visit.gate.invite(person)}"
    return visit.page("invited.html", person=visit.console.faces().of(person), link=link)


# Vouching


def show_keys(visit: Visit) -> Response:
    faces, mine = visit.console.faces(), visit.gate.state.keys_of(visit.me)
    keeper = visit.keeper()
    others = revoked_of_others(
        tuple(visit.gate.state.keys.values()),
        visit.me,
        visit.console.now(),
        lambda person: keeper or visit.gate.may_vouch(visit.me, person),
    )
    return visit.page(
        "keys.html",
        keys=[key_line(state, faces) for state in mine if state.revoked is None],
        revoked=revoked_list(mine, faces),
        others_revoked=revoked_list(others, faces),
        pending=[
            _line(each, faces, visit)
            for each in visit.gate.pending_keys()
            if each.person == visit.me or not unable_to_vouch(visit, each.person)
        ],
        absence=next((each for each in visit.gate.away() if each.person == visit.me), None),
        until=lambda absence: None if absence.ends is None else moment(absence.ends),
    )


def show_vouch(visit: Visit) -> Response:
    pending = _pending(visit)
    if pending is None:
        return visit.missing()
    unable = unable_to_vouch(visit, pending.person)
    challenge = visit.gate.enrolment(pending.id, visit.me).challenge()
    ask = ask_for_signature(visit.gate.party, challenge=challenge, held=visit.console.keys_of(visit.me))
    return visit.page(
        "vouch.html",
        pending=_line(pending, visit.console.faces(), visit),
        options="" if unable else msgspec.json.encode(ask).decode(),
        unable=unable,
    )


def vouch(visit: Visit) -> Response:
    pending = _pending(visit)
    if pending is None:
        return visit.missing()
    challenge = visit.gate.enrolment(pending.id, visit.me).challenge()
    visit.gate.vouch(pending.id, visit.me, signature(visit, challenge))
    return visit.go("/keys")


def unable_to_vouch(visit: Visit, person: PersonId) -> str:
    """Why not, in a sentence; empty where they may. The gate asks again when it comes to it."""
    if person == visit.me:
        return "It is said to be yours: somebody else has to vouch for it."
    if visit.gate.may_vouch(visit.me, person):
        return ""
    return "You need the power to assume this person, standing or by a lease; ask for it, or tell somebody who has it."


def _vouchers(visit: Visit, person: PersonId) -> tuple[Face, ...]:
    faces = visit.console.faces()
    return tuple(faces.of(each) for each in visit.gate.vouchers(person))


# Revoking


def revoke(visit: Visit) -> Response:
    """One of one's own. What went with it is told: those people can no longer sign in, and hear it from nobody else."""
    credential = next((each for each in visit.console.keys_of(visit.me) if key_id(each) == visit.name("id")), None)
    if credential is None:
        return visit.missing()
    came = visit.gate.revoke_key(credential, visit.me, visit.form.text("reason"))
    visit.console.sessions.end_all(visit.me)
    response = _revoked_page(replace(visit, visitor=None), came) or visit.go("/sign-in")
    visit.console.sessions.forget(response)
    return response


def revoke_others(visit: Visit) -> Response:
    """Every passkey of somebody whom one could vouch for: they lost their device, or left."""
    person = PersonId(visit.form.text("person"))
    held = visit.console.keys_of(person)
    if not held:
        raise Rejected([f"{person[:40]!r} has no passkey here that counts"])
    came: list[KeysRevoked] = []
    for credential in held:
        if credential in visit.console.keys_of(person):  # one may have taken another with it
            came.append(visit.gate.revoke_key(credential, visit.me, visit.form.text("reason")))
    visit.console.sessions.end_all(person)
    return _revoked_page(visit, *came) or visit.go("/keys")


def _revoked_page(visit: Visit, *came: KeysRevoked) -> Response | None:
    """Which passkeys were revoked along with those, and which they vouched for that count still; None: there are
    none."""
    state, faces = visit.gate.state, visit.console.faces()
    gone = {key.key.credential for each in came for key in each.gone}
    now = [state.key(credential) for credential in gone]
    doubtful = {key.key.credential: key for each in came for key in each.doubtful if key.key.credential not in gone}
    if not gone and not doubtful:
        return None
    return visit.page(
        "revoked.html",
        gone=revoked_list([each for each in now if each is not None], faces),
        doubtful=[(faces.of(key.key.person), key_line(key, faces)) for key in doubtful.values()],
    )


def _pending(visit: Visit) -> PendingKey | None:
    return next((each for each in visit.gate.pending_keys() if each.id == visit.name("id")), None)


def _line(pending: PendingKey, faces: Faces, visit: Visit) -> PendingLine:
    return PendingLine(
        id=pending.id,
        person=faces.of(pending.person),
        fingerprint=fingerprint(pending.credential, pending.public_key),
        made=pending.made,
        mine=visit.visitor is not None and pending.person == visit.visitor.id,
    )


ROUTES = (
    page("/enrol/{token}", show_enrol, take_enrol, open=True),
    page("/keys", show_keys),
    page("/keys/invite", None, invite),
    page("/keys/revoke-others", None, revoke_others),
    page("/keys/{id}/revoke", None, revoke),
    page("/vouch/{id}", show_vouch, vouch),
)
