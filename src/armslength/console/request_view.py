"""A request as its page shows it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from armslength.console.drilling import speaks_of_drill
from armslength.console.evidence_view import Shown, shown
from armslength.console.people import Face, Faces
from armslength.console.request_row import Status, headline, status_of
from armslength.console.terms_view import sentences, terms_of
from armslength.gate import (
    CalledOff,
    Decider,
    Expired,
    Granted,
    Hold,
    Judgement,
    LeaseId,
    Look,
    Moment,
    Open,
    Pending,
    PersonId,
    Refused,
    Request,
    RequestState,
    Standing,
    TurnedDown,
    Unreadable,
    Vetoed,
    Waiting,
    Window,
)

MOST_CONTEXT = 400
"""Characters of one value of the context that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warning:
    title: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    digest: str
    name: str
    media_type: str
    size: int
    path: str
    shown: Shown
    opened: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsLine:
    id: str
    sentences: tuple[str, ...]
    lacks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Yes:
    who: Face
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    at: Moment
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    id: str
    index: int
    headline: str
    status: Status
    asker: Face
    executor: Face
    author: Face | None
    action: str
    resource: str
    customers: tuple[str, ...]
    purpose: str
    context: tuple[tuple[str, str], ...]
    window: Window
    hold: Hold | None
    evidence: tuple[Document, ...]
    unopened: int
    unopened_says: str
    terms: tuple[TermsLine, ...]
    no_terms: str
    voices: tuple[str, ...]
    approvals: tuple[Yes, ...]
    warnings: tuple[Warning, ...]
    timeline: tuple[Step, ...]
    lease: LeaseId | None
    challenge: str
    may_withdraw: bool
    may_unapprove: bool


def request_view(
    state: RequestState,
    *,
    me: PersonId,
    now: Moment,
    faces: Faces,
    decider: Decider,
    look: Look,
    judgement: Judgement,
    unopened: Sequence[bytes],
    drawn: str | None,
    emergency: Mapping[str, int],
) -> RequestView:
    """`unopened` are the digests that `me` still has to open; `look` and `judgement` are policy's word as it is now,
    `drawn` the member of the context that the page shows in another way, and `emergency` the hours until a review, by
    break-glass terms."""
    request, waiting = state.request, isinstance(state.status, Waiting)
    left = len(unopened)
    return RequestView(
        id=request.id,
        index=state.index,
        headline=headline(request),
        status=status_of(state, now, faces),
        asker=faces.of(request.asker),
        executor=faces.of(request.executor),
        author=None if request.author is None else faces.of(request.author),
        action=request.action,
        resource=str(request.resource),
        customers=request.customers,
        purpose=request.purpose,
        context=tuple((name, _value(value)) for name, value in sorted(request.context.items()) if name != drawn),
        window=request.window,
        hold=request.hold,
        evidence=tuple(
            Document(
                digest=each.digest.hex(),
                name=each.name,
                media_type=each.media_type,
                size=each.size,
                path=f"/requests/{request.id}/evidence/{each.digest.hex()}",
                shown=shown(each.media_type),
                opened=each.digest not in unopened,
            )
            for each in request.evidence
        ),
        unopened=left,
        unopened_says=_unopened(left),
        terms=_terms(look, judgement, decider, emergency) if waiting else (),
        no_terms=_no_terms(look) if waiting else "It is over; what it took is in its records.",
        voices=judgement.customers if waiting and isinstance(judgement, Pending) else (),
        approvals=tuple(Yes(who=faces.of(each.approver), at=each.at) for each in state.approvals),
        warnings=_warnings(request, faces),
        timeline=_timeline(state, faces),
        lease=state.status.lease if isinstance(state.status, Granted) else None,
        challenge=request.challenge().hex(),
        may_withdraw=waiting and me in request.parties(),
        may_unapprove=waiting and me in state.approvers(),
    )


def _terms(look: Look, judgement: Judgement, decider: Decider, emergency: Mapping[str, int]) -> tuple[TermsLine, ...]:
    if not isinstance(look, Open):
        return ()
    lacks = (
        {passage: tuple(short.says for short in shorts) for passage, shorts in judgement.lacks}
        if isinstance(judgement, Pending)
        else {}
    )
    found: dict[str, TermsLine] = {}
    for passage in look.passages:
        terms = None if passage.terms is None else terms_of(decider.estate, passage.terms)
        if terms is None:
            continue
        said = sentences(decider.estate, terms)
        if terms.id in emergency:
            hours = emergency[terms.id]
            said += (f"it is for emergencies: it is told around, and reviewed by somebody else within {hours} hours",)
        found.setdefault(terms.id, TermsLine(id=terms.id, sentences=said, lacks=lacks.get(passage, ())))
    return tuple(found.values())


def _no_terms(look: Look) -> str:
    match look:
        case Refused():
            return f"Policy refuses it as things stand now: {look.says}"
        case Standing():
            return "Policy lets it pass without anybody's approval as things stand now."
        case Open():
            return "Its terms are not in the estate any more."


def _warnings(request: Request, faces: Faces) -> tuple[Warning, ...]:
    found = []
    if speaks_of_drill(request.purpose):
        found.append(
            Warning(
                title="This is no drill.",
                says="Its purpose speaks of one, and your signature here opens real access. A drill stands under"
                " /drills and opens nothing. Whoever calls this a drill deceives you, or is deceived.",
            )
        )
    asker, executor = faces.of(request.asker), faces.of(request.executor)
    if request.asker != request.executor:
        found.append(
            Warning(
                title=f"{asker.name} asks, and {executor.name} would do it.",
                says="Somebody who cannot do a thing themselves may ask a colleague who can. Ask "
                f"{executor.name}, in another way than this page, whether they know what it is for and would do it of "
                f"their own accord. {asker.name}’s limits count here too.",
            )
        )
    if request.author is not None and request.author not in (request.asker, request.executor):
        author = faces.of(request.author)
        found.append(
            Warning(
                title=f"{author.name} wrote what {executor.name} would run.",
                says=f"Read it as if {author.name} carried it out: their limits count here too.",
            )
        )
    if request.hold is not None:
        found.append(
            Warning(
                title="The customer is not to be told at once.",
                says=f"The reason given is {request.hold.reason}. Approve only if the evidence bears that out.",
            )
        )
    if not request.evidence:
        found.append(
            Warning(
                title="There is no evidence.",
                says="You would decide on the word of whoever asks alone.",
            )
        )
    return tuple(found)


def _timeline(state: RequestState, faces: Faces) -> tuple[Step, ...]:
    request, status = state.request, state.status
    steps = [Step(at=request.made, says=f"{faces.of(request.asker).name} asked.")]
    steps += [Step(at=each.at, says=f"{faces.of(each.approver).name} approved.") for each in state.approvals]
    match status:
        case Waiting():
            pass
        case Granted():
            steps.append(Step(at=status.at, says="A quorum was there, and the lease began to exist."))
        case TurnedDown():
            steps.append(Step(at=status.at, says=f"{faces.of(status.by).name} declined: {status.reason}"))
        case Vetoed():
            steps.append(Step(at=status.at, says=f"{status.customer} did not agree."))
        case Expired():
            steps.append(Step(at=status.at, says="It ended, unanswered."))
        case CalledOff():
            steps.append(Step(at=status.at, says=f"{faces.of(status.by).name} withdrew it."))
        case Unreadable():
            steps.append(Step(at=status.at, says="A record of it was erased."))
    return tuple(sorted(steps, key=lambda step: step.at))


def _unopened(left: int) -> str:
    if left == 0:
        return "You have opened every document."
    if left == 1:
        return "One document is still to be opened before you can approve."
    return f"{left} documents are still to be opened before you can approve."


def _value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= MOST_CONTEXT else f"{text[:MOST_CONTEXT]}…"
