"""A question of policy: who would do what on what, as whom, and what policies may look at besides."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from armslength.gate.request import PersonId, Request, Target
from armslength.tlog import Json

UNREADABLE = (
    "the context holds what policies cannot read: expected texts, true or false, whole numbers of 64 bits, "
    "and lists and records of these"
)


class Illegible(Exception):
    """A context that policies cannot read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May `executor` do `action` on `resource`, as `asker` wants, by the command that `author` wrote, if another did?

    `context` is what policies may look at, with the properties of AuthZEN's subject, resource and action under these
    names.
    """

    executor: PersonId
    asker: PersonId
    author: PersonId | None
    action: str
    resource: Target
    context: Mapping[str, Json] = field(default_factory=dict)

    @staticmethod
    def of(request: Request) -> Question:
        """What a request asks of policy."""
        return Question(
            executor=request.executor,
            asker=request.asker,
            author=request.author,
            action=request.action,
            resource=request.resource,
            context=request.context,
        )


def context_text(context: Mapping[str, Json]) -> str:
    """The context as JSON, empty for none. Raises `Illegible` for what is not JSON, and for members that Cedar would
    take for more than JSON: entities and calls hide behind names that begin with two underscores."""
    if not context:
        return ""
    try:
        text = json.dumps(dict(context), allow_nan=False)
        hides = '"__' in text and _hides(context)
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise Illegible(str(error)) from None
    if hides:
        raise Illegible("a member's name begins with two underscores")
    return text


def _hides(value: Json) -> bool:
    match value:
        case Mapping():
            return any(name.startswith("__") or _hides(each) for name, each in value.items())
        case list() | tuple():
            return any(_hides(each) for each in value)
        case _:
            return False
