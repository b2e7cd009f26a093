"""Acting as somebody, in a demonstration alone."""

from __future__ import annotations

import secrets

from starlette.responses import Response

from armslength.console.door import page
from armslength.console.signing_in import signed_in
from armslength.console.visit import Visit
from armslength.gate import PersonId, Rejected, check_assertion


def act_as(visit: Visit) -> Response:
    demonstration = visit.console.demonstration
    if demonstration is None:
        return visit.missing()
    person, challenge = PersonId(visit.form.text("person")), secrets.token_bytes(32)
    assertion = demonstration.sign(visit.gate, person, challenge)
    state = visit.gate.state.key(assertion.credential)
    if state is None or not visit.gate.decider.roster.knows(person):
        raise Rejected([f"nobody can act as {person} here"])
    check_assertion(assertion, state.key, challenge, visit.gate.party)
    return signed_in(visit, person, "/")


ROUTES = (page("/demo/act-as", None, act_as, open=True),)
