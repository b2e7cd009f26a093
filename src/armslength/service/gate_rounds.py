"""A round of the same for several things: what fails for one keeps none of the others from being done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from armslength.gate import Conflict, GateError
from armslength.service.gate_failure import Unfinished

T = TypeVar("T")


def one_by_one(things: Iterable[T], do: Callable[[T], object], name: Callable[[T], str], until: float = 0.0) -> None:
    """Do it for each, or as many as can be begun before `until` (of `time.monotonic`; 0: all). Something else that
    happened first to one of them is no failure. Raises `Unfinished`, which names the first that failed."""
    failed: list[str] = []
    for thing in things:
        if until and time.monotonic() >= until:
            break
        try:
            do(thing)
        except Conflict:
            pass
        except GateError as error:
            failed.append(f"{name(thing)}: {error}")
        except Exception as error:
            failed.append(f"{name(thing)}: {type(error).__name__}: {error}")
    if failed:
        more = f", and {len(failed) - 1} more" if len(failed) > 1 else ""
        raise Unfinished(f"{failed[0]}{more}")
