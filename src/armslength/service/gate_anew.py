"""Doing something anew where another gate was first to something that it was decided on."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from armslength.service.gate_failure import Raced

P = ParamSpec("P")
T = TypeVar("T")

TRIES = 8
REST = 0.01
"""Seconds of rest before the second try, on average; each next one takes twice as long."""


def anew(verb: Callable[P, T]) -> Callable[P, T]:
    """A verb that decides anew when it was outrun by another gate: nothing has happened then. The last time `Raced` is
    the caller's."""

    @functools.wraps(verb)
    def trying(*args: P.args, **kwargs: P.kwargs) -> T:
        for number in range(TRIES - 1):
            try:
                return verb(*args, **kwargs)
            except Raced:
                time.sleep(random.uniform(0, 2 * REST * 2**number))
        return verb(*args, **kwargs)

    return trying
