"""A request as one line of a list: what it is, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from armslength.console.people import Face, Faces
from armslength.console.words import moment_text, span_text
from armslength.gate import (
    CalledOff,
    Expired,
    Granted,
    Moment,
    Request,
    RequestState,
    TurnedDown,
    Unreadable,
    Vetoed,
    Waiting,
)
from armslength.report import counted, listed

MOST_HEAD = 3
"""Customers in a headline."""
MOST_LINE = 160
"""Characters of a purpose in a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """`kind` is the colour's class, `word` stands in the mark, `says` beside it."""

    kind: Literal["wait", "yes", "no", "over"]
    word: str
    says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """One line of a list."""

    id: str
    headline: str
    purpose_line: str
    asker: Face
    executor: Face
    status: Status
    when: str


def headline(request: Request) -> str:
    """`suspend accounts-us of 2 customers`."""
    what = f"{request.action} {request.resource.id if request.resource.type == 'asset' else request.resource}"
    if not request.customers:
        return what
    few = len(request.customers) <= MOST_HEAD
    return f"{what} of {listed(list(request.customers)) if few else counted(len(request.customers), 'customer')}"


def status_of(state: RequestState, now: Moment, faces: Faces) -> Status:
    status = state.status
    match status:
        case Waiting():
            left = state.request.expires - now
            return Status(
                kind="wait", word="waiting", says=f"Ends by itself in {span_text(left)}, unless it is granted."
            )
        case Granted():
            return Status(kind="yes", word="granted", says=f"A quorum was there on {moment_text(status.at)}.")
        case TurnedDown():
            by = faces.of(status.by).name
            return Status(kind="no", word="declined", says=f"{by} said no: {status.reason}")
        case Vetoed():
            return Status(kind="no", word="refused by the customer", says=f"{status.customer} did not agree.")
        case Expired():
            return Status(kind="over", word="ended", says=f"Nobody answered in time, until {moment_text(status.at)}.")
        case CalledOff():
            return Status(kind="over", word="withdrawn", says=f"{faces.of(status.by).name} no longer wants it.")
        case Unreadable():
            return Status(kind="over", word="ended", says="A record of it was erased, so it counts as ended.")


def request_row(state: RequestState, now: Moment, faces: Faces) -> RequestRow:
    request = state.request
    return RequestRow(
        id=request.id,
        headline=headline(request),
        purpose_line=_line(request.purpose),
        asker=faces.of(request.asker),
        executor=faces.of(request.executor),
        status=status_of(state, now, faces),
        when=moment_text(request.made),
    )


def _line(text: str) -> str:
    one = " ".join(text.split())
    return one if len(one) <= MOST_LINE else f"{one[: MOST_LINE - 1]}…"
