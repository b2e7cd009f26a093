"""Why one state can, or cannot, have one action on one asset, in plain sentences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from armslength.estate import POWERS, Estate
from armslength.reach import Exact, Reach, barriers, reach
from armslength.report import explain, headline, holds
from armslength.service.question import Refusal, Wanted, question

MOST = 12
"""Ways that are told to be stopped; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """`verdict` in one sentence; `chain` how it is done, a step each; `stops` what keeps the state from doing it with
    fewer; `remarks` what limits the answer. Ids stand in backticks. `broken`: the floor over the pair does not hold."""

    verdict: str
    chain: tuple[str, ...]
    stops: tuple[str, ...]
    remarks: tuple[str, ...]
    broken: bool


def explanation(
    estate: Estate, wanted: Wanted, *, names: bool, doing: Callable[[str], None] = lambda what: None
) -> Explanation:
    """Explain the one pair that `wanted` names. `doing` is told each stage.

    Raises `Refusal` where a name is unknown, or where the pair is none that reach judges.
    """
    asked = question(estate, replace(wanted, everything=True))
    doing("computing the length")
    found = reach(estate, asked)
    if not len(found):
        raise Refusal([_unasked(estate, wanted)])
    result, steps = found.result(0), found.steps(0)
    broken = result.broken
    stops: list[str] = []
    if found.at_least[0] != 0 and not (broken and isinstance(result.length, Exact)):
        doing("looking for what stops it")
        stops = holds(estate, result.state, barriers(found, 0))
        if len(stops) > MOST:
            stops[MOST - 1 :] = [f"So it is with {len(stops) - MOST + 1} more ways."]
    return Explanation(
        verdict=headline(estate, result),
        chain=tuple(explain(estate, wanted.at, result.state, steps, names=names)),
        stops=tuple(stops),
        remarks=tuple(_remarks(found)),
        broken=broken,
    )


def _unasked(estate: Estate, wanted: Wanted) -> str:
    state, action = wanted.states[0], wanted.actions[0]
    if action in POWERS:
        return f"{action!r} is a power: ask for what it leads to, such as 'read', or put a floor on it"
    return (
        f"state {state!r} does not appear on {wanted.at}: nobody is exposed to it, it hosts nothing, and no floor is "
        "against it"
    )


def _remarks(found: Reach) -> list[str]:
    """Home states and gaps."""
    estate, told = found.estate, []
    code = estate.states[int(found.state[0])]
    if int(found.state[0]) in estate.settings.home:
        told.append(
            f"{code} is a home state: the whole firm answers to it, and floors leave it out unless they name it."
        )
    for gap in found.gaps(0):
        groups = " and ".join(f"`group:{estate.groups.ids[group]}`" for group in gap.groups)
        told.append(f"Nobody told who is in {groups}: find out.")
    return told
