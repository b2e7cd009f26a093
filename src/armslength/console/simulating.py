"""For those who look after the gate: with these people away and these passkeys lost, what is left?

It is asked of the estate without the ties that people declared, so that nobody is found out by trying.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from armslength.console.door import page
from armslength.console.key_print import fingerprint
from armslength.console.simulation_view import simulation_view
from armslength.console.visit import Visit
from armslength.gate import GateError, PersonId, posix
from armslength.service import Loss, LossAnswer

MOST_PICKED = 300
"""People whom the form lists to pick from; of a larger estate ids are written."""
MOST_NAMED = 20
"""People who are away now, by name; the rest is counted."""
PATIENCE = 2.0
"""Seconds to wait for somebody else's: those who wait hold up other pages."""


def show_simulation(visit: Visit) -> Response:
    return _page(visit, None, Loss(), ()) if visit.keeper() else visit.missing()


def simulate(visit: Visit) -> Response:
    if not visit.keeper():
        return visit.missing()
    form, seen = visit.form, visit.console.simulations.seen
    named = frozenset(PersonId(each) for each in (*form.lines("people"), *form.all("person")))
    places = frozenset(form.all("place"))
    knows = visit.gate.decider.roster.knows
    problems = [f"nobody here has the id {each[:40]!r}" for each in sorted(named) if not knows(each)]
    problems += [f"nobody works in {each[:40]!r}" for each in sorted(places - set(seen.places()))]
    lost, wrong = _lost(visit, (*form.lines("keys"), *form.all("key")))
    away = named | (_away_now(visit) if form.text("now") else frozenset())
    loss = Loss(away=away, places=places, lost=lost)
    problems += wrong
    if not (problems or away or places or lost):
        problems.append("nobody is said to be away, and no passkey to be lost")
    if problems:
        return _page(visit, None, loss, problems)
    simulations = visit.console.simulations
    if not simulations.alone.acquire(timeout=PATIENCE):
        return visit.wrong(503, "Somebody else’s is being computed", "send it again in a minute")
    try:
        return _page(visit, seen.simulate(loss), loss, ())
    finally:
        simulations.alone.release()


def _page(visit: Visit, found: LossAnswer | None, loss: Loss, problems: Sequence[str]) -> Response:
    console, form = visit.console, visit.form
    faces = console.faces()
    everyone = faces.all()
    few = len(everyone) <= MOST_PICKED
    now = sorted(_away_now(visit))
    return visit.page(
        "simulation.html",
        status=400 if problems else 200,
        problems=problems,
        people_text=form.text("people"),
        keys_text=form.text("keys"),
        everyone=everyone if few else (),
        picked=frozenset(form.all("person")),
        workplaces=console.simulations.seen.places(),
        chosen=loss.places,
        now_away=[faces.of(each) for each in now[:MOST_NAMED]],
        now_more=max(0, len(now) - MOST_NAMED),
        count_now=bool(form.text("now")) or not form.fields,
        s=None if found is None else simulation_view(found, faces),
    )


def _lost(visit: Visit, said: Sequence[str]) -> tuple[frozenset[str], list[str]]:
    """Passkeys by their fingerprint, or all of a person's by their id."""
    held = [(id, state) for id, state in list(visit.gate.state.keys.items()) if state.revoked is None]
    prints = {fingerprint(state.key.credential, state.key.public_key).replace(" ", ""): id for id, state in held}
    found: set[str] = set()
    problems = []
    for each in said:
        digits = "".join(each.split()).lower()
        of_person = {id for id, state in held if state.key.person == each}
        if digits in prints:
            found.add(prints[digits])
        elif of_person:
            found |= of_person
        else:
            problems.append(f"{each[:40]!r} is no fingerprint of a passkey here, and nobody’s id who has one")
    return frozenset(found), problems


def _away_now(visit: Visit) -> frozenset[PersonId]:
    """Who said that they cannot be asked now."""
    try:
        now = posix(visit.gate.now())
        absences = visit.gate.away()
    except GateError:
        return frozenset()
    knows = visit.gate.decider.roster.knows
    return frozenset(
        PersonId(each.person)
        for each in absences
        if each.start <= now and (each.ends is None or now < each.ends) and knows(PersonId(each.person))
    )


ROUTES = (
    page("/simulation", show_simulation, simulate),
    page("/away", show_simulation, simulate),
)
"""`/away` is where it stood before."""
