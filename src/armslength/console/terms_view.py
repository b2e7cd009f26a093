"""Terms in plain words: what it takes before somebody may."""

from __future__ import annotations

import datetime as dt

from armslength.console.words import span_text
from armslength.estate import Estate, Kind, Ref, Terms
from armslength.report import counted


def terms_of(estate: Estate, id: str) -> Terms | None:
    return next((terms for terms in estate.settings.terms if terms.id == id), None)


def sentences(estate: Estate, terms: Terms) -> tuple[str, ...]:
    """One sentence for each thing they ask for."""
    said = [f"{counted(terms.approvals, 'approval')} from {whom(estate, terms.approvers)}"]
    said += [f"at least {counted(place.count, 'approval')} from {whom(estate, place.of)}" for place in terms.places]
    if terms.apart:
        said.append(
            f"for every state, at least {terms.apart} of those who carry it out and approve must be out of its reach"
        )
    said += [f"no two may have the same {column}" for column in terms.distinct]
    if terms.line == "apart":
        said.append("no two may be in one reporting line")
    match terms.customer:
        case "approve":
            said.append("each customer has to agree")
        case "veto":
            said.append("each customer is told first and may say no")
        case _:
            pass
    said.append(f"the lease then runs for {span_text(dt.timedelta(minutes=terms.minutes))}")
    if terms.uses is not None:
        said.append(f"for {counted(terms.uses, 'use')}")
    if terms.customers is not None:
        said.append(f"for {counted(terms.customers, 'customer')} at most")
    return tuple(said)


def whom(estate: Estate, ref: Ref) -> str:
    """`the group trust`, `ana`, `anyone`."""
    match ref.kind:
        case Kind.EVERYONE:
            return "anyone"
        case Kind.GROUP:
            return f"the group {estate.groups.ids[ref.index]}"
        case Kind.PERSON:
            return estate.people.ids[ref.index]
        case Kind.ASSET | Kind.CLASS | Kind.TERMS:
            raise ValueError(f"nobody is a {ref.kind.name.lower()}")
