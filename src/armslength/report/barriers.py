"""Binding a floor holds, in plain sentences: what stands between a state and an action on an asset."""

from __future__ import annotations

from collections.abc import Sequence

from armslength.estate import Estate, Place
from armslength.reach import Barrier, Binding, KeyElsewhere, NobodyHolds, NobodyIn, OutOfReach, ThroughTerms
from armslength.report.citation import Citation
from armslength.report.plain import counted, listed, short, spelled
from armslength.report.roster import capital


def holds(estate: Estate, state: int, barriers: Sequence[Barrier]) -> list[str]:
    """Binding `state` (an index) falls short: a sentence for each barrier, in the order given."""
    cite, code = Citation(estate), estate.states[state]
    several = sum(isinstance(barrier, OutOfReach | ThroughTerms) for barrier in barriers) > 1
    told: list[str] = []
    ways = 0
    for barrier in barriers:
        match barrier:
            case NobodyHolds(action=action, asset=asset):
                what = f"`{short(action)}` on `asset:{short(asset)}`"
                told.append(f"Nobody holds {what}: no grant, permit, power or custody gives it.")
            case NobodyIn():
                told.append(f"{_empty(cite, barrier)}.")
            case KeyElsewhere(asset=asset, key=key):
                hosted = f"`asset:{short(asset)}` is hosted where {code} reaches"
                told.append(f"{hosted}, but its key `asset:{short(key)}` can be neither used nor operated from there.")
            case OutOfReach() | ThroughTerms():
                ways += 1
                every = ("One way" if ways == 1 else "Another way") if several else "Every way"
                through = (
                    _standing(cite, code, barrier) if isinstance(barrier, OutOfReach) else _terms(cite, code, barrier)
                )
                told.append(f"{every} goes through {through}, so {_needed(barrier)}.")
    return told


def _standing(cite: Citation, code: str, barrier: OutOfReach) -> str:
    where, some = cite.places(barrier.rows), counted(barrier.people, "person", "people")
    if barrier.policy is not None:
        return f"{cite.policy(barrier.policy)}, open to {some} outside {code}'s reach"
    if barrier.holder.startswith("group:"):
        are = "is" if barrier.people == 1 else "are"
        return f"{cite.ref(barrier.holder)}{where}, whose {some} {are} outside {code}'s reach"
    return f"a grant to {_held_by(cite, barrier.holder)}{where} outside {code}'s reach"


def _empty(cite: Citation, barrier: NobodyIn) -> str:
    if barrier.policy is not None:
        return f"{capital(cite.policy(barrier.policy))} is open to nobody"
    return f"{cite.ref(barrier.holder)}{cite.places(barrier.rows)} has no members in the tables"


def _terms(cite: Citation, code: str, barrier: ThroughTerms) -> str:
    estate = cite.estate
    terms = next(terms for terms in estate.settings.terms if terms.id == barrier.terms)
    by = cite.places(barrier.rows) if barrier.policy is None else f" of {cite.policy(barrier.policy)}"
    quorum = f"the terms `{short(terms.id)}`{by}: a quorum of {spelled(terms.approvals + 1)}"
    fills = f"{code} can fill {_places(barrier.able)} of it with people it can compel"
    match barrier.why:
        case Binding.APART:
            return f"{quorum} with at least {_people(terms.apart)} not exposed to {code}"
        case Binding.APPROVALS:
            return f"{quorum} whose approvers come from {_held_by(cite, cite.written(terms.approvers))}; {fills}"
        case Binding.DISTINCT:
            columns = listed([f"`{short(column)}`" for column in terms.distinct])
            return f"{quorum} in which no two have the same {columns}; {fills}"
        case Binding.PLACES:
            seats = listed([_seat(cite, seat) for seat in terms.places])
            return f"{quorum} approved by {seats}; {fills}"
        case Binding.REQUESTER:
            return f"{quorum}, and nobody whom {code} can compel may request it"
        case Binding.TOGETHER:
            return f"{quorum}, whose conditions the people whom {code} can compel do not meet all at once"


def _seat(cite: Citation, seat: Place) -> str:
    ref = cite.written(seat.of)
    return "one person" if ref.startswith("person:") else f"{spelled(seat.count)} of {cite.ref(ref)}"


def _held_by(cite: Citation, ref: str) -> str:
    """A person is not told apart: the row says who it is."""
    return "one person" if ref.startswith("person:") else cite.ref(ref)


def _needed(barrier: OutOfReach | ThroughTerms) -> str:
    if isinstance(barrier, OutOfReach):
        return "one outsider is needed whoever is compelled"
    outsiders = barrier.outsiders
    needed = "outsider is needed" if outsiders == 1 else "outsiders are needed"
    return f"at least {spelled(outsiders)} {needed} whoever is compelled"


def _people(number: int) -> str:
    return "one person" if number == 1 else f"{spelled(number)} people"


def _places(number: int) -> str:
    return "one place" if number == 1 else f"{spelled(number)} places"
