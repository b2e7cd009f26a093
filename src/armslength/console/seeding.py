"""Making a demonstration: passkeys that follow from public words for enough people to try everything with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from armslength.console.demonstration import demo_key
from armslength.estate import POWERS, Estate, Kind, Ref
from armslength.gate import PersonId, Refused, Target
from armslength.service import Asked, Gate

EACH = 3
"""People taken from each group that approves or asks: of different units and workplaces, as far as there are."""
WAITING = 3
"""Requests that wait when the demonstration begins."""
_PURPOSES = (
    "Report 118: somebody says that this breaks our terms.",
    "Report 119: the same sender again. They say that it is urgent.",
    "Case 120: the customer asked for help on the phone.",
)
_EVIDENCE = (
    ("report.txt", b"Made up. Through the public form:\n\nThis breaks your terms. Act at once.\n"),
    ("sender.txt", b"Made up. The sender's address is a day old; no other reports by it are known.\n"),
)


def found_demonstration(gate: Gate, step: Callable[[], None]) -> tuple[PersonId, ...]:
    """Found a gate that was just made with the demonstration's keys, have some of it asked for, and give whose the keys
    are. `step` is called after each key. Raises `Conflict` for a gate that has had a request."""
    people = cast(gate)
    for person in people:
        token = gate.invite(person)
        key = demo_key(gate.settings.origin, gate.settings.url, gate.party.rp_id, person)
        pending = gate.finish_enrolment(token, key.register(gate.begin_enrolment(token).challenge).document())
        gate.found(pending.id)
        step()
    _ask(gate, people)
    return people


def _ask(gate: Gate, people: Sequence[PersonId]) -> None:
    """Some requests that wait, of different terms, so that approvers find something. The second is asked for by
    somebody else than who would carry it out."""
    estate, roster = gate.decider.estate, gate.decider.roster
    grants, seen = estate.grants, set[int]()
    for row in range(len(grants)):
        terms = int(grants.terms[row])
        action = estate.actions[int(grants.action[row])]
        place = _asset(estate, int(grants.target_kind[row]), int(grants.target[row]))
        if terms < 0 or terms in seen or action in POWERS or place is None or len(seen) == WAITING:
            continue
        holder = Ref(kind=Kind(int(grants.holder_kind[row])), index=int(grants.holder[row]))
        executor = next((one for one in people if roster.belongs(roster.places[one], holder)), None)
        if executor is None:
            continue
        number = len(seen)
        asked = Asked(
            executor=executor,
            asker=next(one for one in (*reversed(people), executor) if number == 1 or one == executor),
            action=action,
            resource=Target(type="asset", id=estate.assets.ids[place]),
            customers=(f"customer-{number + 1}",),
            purpose=_PURPOSES[number],
            evidence=tuple(gate.put_evidence(name, "text/plain", data) for name, data in _EVIDENCE),
        )
        if not isinstance(gate.ask(asked, caller=f"demonstration:{row}"), Refused):
            seen.add(terms)


def _asset(estate: Estate, kind: int, index: int) -> int | None:
    """The asset that a grant is on, or the first of the class."""
    if kind == Kind.ASSET:
        return index
    if kind != Kind.CLASS:
        return None
    found = np.flatnonzero(estate.assets.of_class == index)
    return int(found[0]) if len(found) else None


def cast(gate: Gate) -> tuple[PersonId, ...]:
    """Some of everybody who approves or may ask for what needs approval, in the order of the people table."""
    estate = gate.decider.estate
    chosen = {place for crowd in _crowds(gate) for place in _various(estate, crowd)}
    return tuple(PersonId(estate.people.ids[place]) for place in sorted(chosen))


def _crowds(gate: Gate) -> Iterable[Sequence[int]]:
    estate, membership = gate.decider.estate, gate.decider.roster.membership
    refs = [terms.approvers for terms in estate.settings.terms]
    refs += [place.of for terms in estate.settings.terms for place in terms.places]
    grants = estate.grants
    refs += [
        Ref(kind=Kind(int(grants.holder_kind[row])), index=int(grants.holder[row]))
        for row in range(len(grants))
        if grants.terms[row] >= 0
    ]
    # Whom a policy lets ask is found by the groups that it names.
    text = estate.policy.text if estate.policy is not None else ""
    refs += [Ref(kind=Kind.GROUP, index=n) for n, name in enumerate(estate.groups.ids) if f'Group::"{name}"' in text]
    for ref in dict.fromkeys(refs):
        if ref.kind is Kind.GROUP:
            yield membership.members(ref.index).tolist()
        elif ref.kind is Kind.PERSON:
            yield [ref.index]


def _various(estate: Estate, crowd: Sequence[int]) -> list[int]:
    people = estate.people
    unit = people.columns.get("unit")
    seen: set[tuple[str, int]] = set()
    first: list[int] = []
    rest: list[int] = []
    for place in crowd:
        kind = ("" if unit is None else unit[place], int(people.workplace[place]))
        (rest if kind in seen else first).append(place)
        seen.add(kind)
    return [*first, *rest][:EACH]
