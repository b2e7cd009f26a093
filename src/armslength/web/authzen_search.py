"""AuthZEN's searches: who may, on what, and what. Found is what is permitted as it is, without an approval.

A page's token is where the next one begins and what was asked, so that a token that comes with another question is
refused. It holds no secret and grants nothing: who makes one up sees what the question would show anyway.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from msgspec import UNSET

from armslength.gate import PersonId, Rejected, Target
from armslength.service import Gate
from armslength.store import GatePoint
from armslength.tlog import format_base64url
from armslength.web.authzen_names import NamesOf
from armslength.web.authzen_question import situation_of
from armslength.web.authzen_wire import (
    MOST_RESULTS,
    ActionSearch,
    FoundAction,
    FoundActions,
    FoundResource,
    FoundResources,
    FoundSubject,
    FoundSubjects,
    PageAsked,
    PageGiven,
    ResourceSearch,
    SubjectSearch,
)

Search = SubjectSearch | ResourceSearch | ActionSearch


_TOKEN = re.compile(r"(0|[1-9][0-9]{0,14})\.(0|[1-9][0-9]{0,5})\.([A-Za-z0-9_-]{16})")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cursor:
    """Where the next page begins, how much it holds, and the digest of what was asked."""

    offset: int
    limit: int
    asked: str


class Searches:
    """The three of them, over the estate that holds. Raise `Rejected` for a context or a page that is none."""

    def __init__(self, gate: Gate, names: NamesOf) -> None:
        self._gate = gate
        self._names = names

    def subjects(self, asked: SubjectSearch, point: GatePoint) -> FoundSubjects:
        names, decider = self._names(), self._gate.decider
        situation = situation_of(
            asked.context, asked.subject.properties, asked.resource.properties, asked.action.properties
        )
        target = names.target(asked.resource.type, asked.resource.id)
        found: Sequence[PersonId] = ()
        if target is None or not point.guards(asked.action.name, target):
            pass
        elif names.person(asked.subject.type, "") is not None:
            found = decider.subjects(asked.action.name, target, situation.policy)
        start, stop, page = _page(asked, len(found))
        results = tuple(FoundSubject(type=asked.subject.type, id=each) for each in found[start:stop])
        return FoundSubjects(page=page, results=results)

    def resources(self, asked: ResourceSearch, point: GatePoint) -> FoundResources:
        names, decider = self._names(), self._gate.decider
        situation = situation_of(
            asked.context, asked.subject.properties, asked.resource.properties, asked.action.properties
        )
        executor = names.person(asked.subject.type, asked.subject.id)
        kind = names.searched(asked.resource.type)
        found: Sequence[Target] = ()
        if executor is not None and kind is not None and point.acts(asked.action.name):
            every = decider.resources(executor, asked.action.name, situation.policy, kind)
            found = [each for each in every if names.is_of(asked.resource.type, each) and point.reaches(each)]
        start, stop, page = _page(asked, len(found))
        results = tuple(FoundResource(type=asked.resource.type, id=each.id) for each in found[start:stop])
        return FoundResources(page=page, results=results)

    def actions(self, asked: ActionSearch, point: GatePoint) -> FoundActions:
        names, decider = self._names(), self._gate.decider
        situation = situation_of(asked.context, asked.subject.properties, asked.resource.properties)
        executor = names.person(asked.subject.type, asked.subject.id)
        target = names.target(asked.resource.type, asked.resource.id)
        found: Sequence[str] = ()
        if executor is not None and target is not None and point.reaches(target):
            every = decider.actions(executor, target, situation.policy)
            found = [each for each in every if point.acts(each)]
        start, stop, page = _page(asked, len(found))
        return FoundActions(page=page, results=tuple(FoundAction(name=each) for each in found[start:stop]))


def _page(asked: Search, total: int) -> tuple[int, int, PageGiven]:
    """From where to where the page goes, and what it says of itself. Raises `Rejected`."""
    page = PageAsked() if asked.page is UNSET else asked.page
    question = _digest(asked)
    offset, limit = 0, MOST_RESULTS if page.limit is UNSET else min(page.limit, MOST_RESULTS)
    if page.token is not UNSET and page.token:
        cursor = _cursor(page.token)
        if cursor is None or cursor.asked != question or cursor.limit != limit and page.limit is not UNSET:
            raise Rejected(["page.token: is of another question, or none that was given here"])
        offset, limit = cursor.offset, cursor.limit
    stop = min(total, offset + limit)
    next_token = "" if stop >= total else _token(_Cursor(offset=stop, limit=limit, asked=question))
    return offset, stop, PageGiven(next_token=next_token, count=max(0, stop - offset), total=total)


def _digest(asked: Search) -> str:
    """Of all that must stay the same from page to page."""
    question = msgspec.json.encode((type(asked).__name__, msgspec.structs.replace(asked, page=UNSET)), order="sorted")
    return format_base64url(hashlib.sha256(question).digest()[:12])


def _token(cursor: _Cursor) -> str:
    return f"{cursor.offset}.{cursor.limit}.{cursor.asked}"


def _cursor(token: str) -> _Cursor | None:
    match = _TOKEN.fullmatch(token)
    return None if match is None else _Cursor(offset=int(match[1]), limit=int(match[2]), asked=match[3])
