"""OpenID AuthZEN Authorization API 1.0 over HTTP: evaluation, evaluations, the searches, and the metadata.

A denial is an answer (200); what is not a question is 400 with a line for each problem.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import msgspec
from msgspec import UNSET

from armslength.service import Gate
from armslength.store import GatePoint
from armslength.web.access_requests_binding import Binder, Clock
from armslength.web.authzen_evaluation import Evaluator
from armslength.web.authzen_metadata import metadata
from armslength.web.authzen_names import NamesOf
from armslength.web.authzen_search import Searches
from armslength.web.authzen_wire import (
    ActionSearch,
    Evaluation,
    Evaluations,
    ResourceSearch,
    SubjectSearch,
)
from armslength.web.gate_body import parse_body
from armslength.web.gate_exchange import Answer, Exchange, answered, encode, json_body, waited
from armslength.web.gate_points import Points, permitted

AT_ONCE = 16
"""Evaluations that are decided where they came in: some 60 µs each. More of them go to a thread."""
SEARCHES = 2
"""At once: each looks at everybody, or at everything."""
METADATA_CACHING = b"max-age=300"

T = TypeVar("T", bound=msgspec.Struct)


class AuthZen:
    """The endpoints, over a gate."""

    def __init__(self, gate: Gate, points: Points, names: NamesOf, binder: Binder, clock: Clock) -> None:
        self._points = points
        self._evaluator = Evaluator(gate, names, binder, clock)
        self._searches = Searches(gate, names)
        self._searching = asyncio.Semaphore(SEARCHES)
        self._metadata = encode(metadata(gate.settings.url))

    async def evaluation(self, exchange: Exchange) -> Answer:
        point = self._points.caller(exchange, "evaluate")
        return await self._single(parse_body(await json_body(exchange), Evaluation), point)

    async def evaluations(self, exchange: Exchange) -> Answer:
        point = self._points.caller(exchange, "evaluate")
        asked = parse_body(await json_body(exchange), Evaluations)
        questions = self._evaluator.questions(asked)
        if isinstance(questions, Evaluation):
            return await self._single(questions, point)
        semantic = "execute_all" if asked.options is UNSET else asked.options.evaluations_semantic
        effective = any(each.effective for each in questions)
        if effective:
            permitted(point, "redeem")
        if effective or len(questions) > AT_ONCE:
            return answered(await waited(self._evaluator.decide_all, questions, semantic, point))
        return answered(self._evaluator.decide_all(questions, semantic, point))

    async def _single(self, evaluation: Evaluation, point: GatePoint) -> Answer:
        question = self._evaluator.question(evaluation)
        if question.effective:
            permitted(point, "redeem")
            return answered(await waited(self._evaluator.decide, question, point))
        return answered(self._evaluator.decide(question, point))

    async def subjects(self, exchange: Exchange) -> Answer:
        return await self._search(exchange, SubjectSearch, self._searches.subjects)

    async def resources(self, exchange: Exchange) -> Answer:
        return await self._search(exchange, ResourceSearch, self._searches.resources)

    async def actions(self, exchange: Exchange) -> Answer:
        return await self._search(exchange, ActionSearch, self._searches.actions)

    async def _search(
        self, exchange: Exchange, shape: type[T], search: Callable[[T, GatePoint], msgspec.Struct]
    ) -> Answer:
        point = self._points.caller(exchange, "evaluate")
        asked = parse_body(await json_body(exchange), shape)
        async with self._searching:
            return answered(await waited(search, asked, point))

    async def metadata(self, exchange: Exchange) -> Answer:
        return Answer(body=self._metadata, caching=METADATA_CACHING)
