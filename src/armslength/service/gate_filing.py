"""Requests that an enforcement point filed in somebody's name: the gate saw the point's secret and nobody else, so the
request says so in its context, which approvers see and sign, and only that point follows it up."""

from __future__ import annotations

from collections.abc import Mapping

from armslength.gate import Request
from armslength.ledger import Json

FILED_BY = "filed_by"
"""The member of a request's context that the gate alone writes."""


def caller_of(point: str) -> str:
    """What a point is called where people are called by their id."""
    return f"point:{point}"


def filed(point: str) -> dict[str, Json]:
    """What a request that a point files has in its context."""
    return {FILED_BY: {"asker": "not verified", "point": point}}


def filer(context: Mapping[str, Json]) -> str | None:
    """The point that filed the request with this context; None where a person did."""
    said = context.get(FILED_BY)
    point = said.get("point") if isinstance(said, Mapping) else None
    return point if isinstance(point, str) else None


def is_filed_by(request: Request, point: str) -> bool:
    return filer(request.context) == point


def unfiled(context: Mapping[str, Json]) -> dict[str, Json]:
    """A context without who filed its request: the same act is the same, whoever asks."""
    return {name: value for name, value in context.items() if name != FILED_BY}


def misfiled(context: Mapping[str, Json], caller: str) -> bool:
    """Whether a context says of a request that somebody else filed it than the caller, or that nobody did."""
    if not caller.startswith("point:"):
        return FILED_BY in context
    return FILED_BY in context and context[FILED_BY] != filed(caller.removeprefix("point:"))[FILED_BY]
