"""Which terms are for emergencies, and what they have to be: never one person, never one state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from armslength.estate import Estate


def glass_problems(break_glass: Iterable[str], estate: Estate) -> Iterator[str]:
    """What is wrong with the terms that `break_glass` of gate.toml names, under an estate."""
    terms = {each.id: each for each in estate.settings.terms}
    for id in break_glass:
        if id not in terms:
            yield f"break_glass of gate.toml names the terms {id[:80]!r}, and the estate has none of that id"
        elif terms[id].apart < 1:
            yield (
                f"the terms {id[:80]!r} are break-glass and have apart = {terms[id].apart}; expected at least 1: one"
                " state alone must not open them"
            )
