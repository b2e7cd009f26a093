"""Who is there: what is known of people besides the estate, asked anew each time, for it changes from one to the next.

Somebody who left does nothing more, whatever the estate still says of them. Somebody of whom a directory was to speak
and has not for too long is as one whose row is too old.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from armslength.gate.request import PersonId


def _never(person: PersonId) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """`gone`: whether they left and no adopted change named them as returning. `unheard`: whether the last word of a
    directory that has to speak of them is too old; `anybody`: whether either may be so of anybody. Any number of
    threads may ask."""

    gone: Callable[[PersonId], bool] = _never
    unheard: Callable[[PersonId], bool] = _never
    anybody: Callable[[], bool] = lambda: True


EVERYBODY = Presence(anybody=lambda: False)
"""Nobody left, and of nobody a directory has to speak."""
