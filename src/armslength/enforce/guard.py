"""A decorator: the function is entered if the gate allows it.

    @guarded(action="export", resource="asset:recordings-{region}", customers="{customer}")
    def export(region: str, customer: str) -> bytes: ...

    with acting(point, "ana"):
        export("eu", "c-17")

Functions, coroutines, and generators of both kinds. A coroutine and a generator end with the lease (`NotAllowed` is
raised in them or from them); a plain function, which nobody can stop from outside, may call `still_allowed()` between
its steps. Where nobody is known to act, nothing is allowed.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from armslength.enforce.act import Act, Allowed
from armslength.enforce.acting import Acting, who_acts
from armslength.enforce.failure import NotAllowed
from armslength.enforce.lasting import aside, ended, while_running
from armslength.enforce.point import Point
from armslength.gate import TARGETS, Refused, Target, Why, is_name

P = ParamSpec("P")
R = TypeVar("R")

_SLOT = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_RUNNING: ContextVar[tuple[Point, Allowed] | None] = ContextVar("armslength_running", default=None)


def guarded(
    *,
    action: str,
    resource: str | Callable[..., str],
    customers: str | Sequence[str] | Callable[..., Sequence[str]] = (),
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """`resource` is `asset:…` (or `person:…`, `group:…`, `terms:…`), `customers` one name or several; both may hold
    `{argument}`s of the function, or be functions of its arguments. The guarded function raises `NotAllowed`.

    Raises `ValueError` where they name an argument that the function has not."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        meaning = _Meaning(function, action, resource, customers)

        if inspect.isasyncgenfunction(function):

            @wraps(function)
            async def stream(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
                act, acts = meaning.act(args, kwargs)
                allowed = await aside(lambda: _allowed(act, acts))
                items = cast("AsyncIterator[Any]", function(*args, **kwargs))
                try:
                    while True:
                        try:
                            item = await while_running(acts.point, allowed, _next(items))
                        except StopAsyncIteration:
                            return
                        yield item
                finally:
                    await cast(Any, items).aclose()

            return cast("Callable[P, R]", stream)

        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def later(*args: Any, **kwargs: Any) -> Any:
                act, acts = meaning.act(args, kwargs)
                allowed = await aside(lambda: _allowed(act, acts))
                with _running(acts.point, allowed):
                    return await while_running(acts.point, allowed, cast(Any, function(*args, **kwargs)))

            return cast("Callable[P, R]", later)

        if inspect.isgeneratorfunction(function):

            @wraps(function)
            def items(*args: Any, **kwargs: Any) -> Iterator[Any]:
                act, acts = meaning.act(args, kwargs)
                allowed = _allowed(act, acts)
                source = cast("Iterator[Any]", function(*args, **kwargs))
                try:
                    for item in source:
                        ended(acts.point, allowed)
                        yield item
                finally:
                    cast(Any, source).close()

            return cast("Callable[P, R]", items)

        @wraps(function)
        def now(*args: P.args, **kwargs: P.kwargs) -> R:
            act, acts = meaning.act(args, kwargs)
            allowed = _allowed(act, acts)
            with _running(acts.point, allowed):
                return function(*args, **kwargs)

        return now

    return decorate


def still_allowed() -> None:
    """Raises `NotAllowed` if what the guarded function around was allowed has to end now."""
    found = _RUNNING.get()
    if found is None:
        raise NotAllowed(Refused(why=Why.ERROR, says="nothing guarded is running here"))
    ended(*found)


@contextmanager
def _running(point: Point, allowed: Allowed) -> Iterator[None]:
    token = _RUNNING.set((point, allowed))
    try:
        yield
    finally:
        _RUNNING.reset(token)


def _allowed(act: Act, acts: Acting) -> Allowed:
    answer = acts.point.allow(act, token=acts.lease)
    if isinstance(answer, Refused):
        raise NotAllowed(answer)
    return answer


async def _next(items: AsyncIterator[Any]) -> Any:
    return await anext(items)


class _Meaning:
    """Which act a call of the function is."""

    def __init__(
        self,
        function: Callable[..., Any],
        action: str,
        resource: str | Callable[..., str],
        customers: str | Sequence[str] | Callable[..., Sequence[str]],
    ) -> None:
        self._signature = inspect.signature(function)
        self._action, self._resource, self._customers = action, resource, customers
        texts = [resource] if isinstance(resource, str) else []
        texts += [customers] if isinstance(customers, str) else [] if callable(customers) else list(customers)
        if unknown := sorted(
            {name for text in texts for name in _SLOT.findall(text)} - set(self._signature.parameters)
        ):
            raise ValueError(f"{function.__qualname__} has no argument {', '.join(unknown)}")
        if isinstance(resource, str):
            _target(resource)

    def act(self, args: Sequence[Any], kwargs: Any) -> tuple[Act, Acting]:
        """Raises `NotAllowed` where nobody acts, or the arguments name nothing."""
        acts = who_acts()
        if acts is None:
            raise NotAllowed(Refused(why=Why.UNKNOWN_SUBJECT, says="nobody is known to act here"))
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        try:
            resource = self._resource(*args, **kwargs) if callable(self._resource) else _filled(self._resource, bound)
            if callable(self._customers):
                customers = tuple(self._customers(*args, **kwargs))
            else:
                written = (self._customers,) if isinstance(self._customers, str) else self._customers
                customers = tuple(_filled(each, bound) for each in written)
            target = _target(resource)
        except (TypeError, ValueError) as error:
            raise NotAllowed(Refused(why=Why.ERROR, says=f"the call does not say what it is about: {error}")) from None
        if not is_name(target.id) or not all(map(is_name, customers)):
            raise NotAllowed(Refused(why=Why.ERROR, says="the call names something that is no name"))
        act = Act(person=acts.person, action=self._action, resource=target, customers=tuple(sorted(set(customers))))
        return act, acts


def _filled(text: str, bound: inspect.BoundArguments) -> str:
    def value(found: re.Match[str]) -> str:
        given = bound.arguments[found[1]]
        # Of another type nobody could say how it would be written: a list, an object that prints as its address.
        if isinstance(given, bool) or not isinstance(given, str | int):
            raise TypeError(f"{found[1]} is a {type(given).__name__}, expected text or a whole number")
        return str(given)

    return _SLOT.sub(value, text)


def _target(text: str) -> Target:
    word, colon, name = text.partition(":")
    if not colon or word not in TARGETS or not name:
        raise ValueError(f"the resource {text[:80]!r}: expected asset:…, person:…, group:… or terms:…")
    return Target(type=word, id=name)
