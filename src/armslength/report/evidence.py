"""Which derivations a report shows: one for each distinct way, and the rows that most of them rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from armslength.reach import Reach, Step
from armslength.report.picture import Chain, ChokePoint
from armslength.report.roster import Roster
from armslength.report.rows import Hinge, hinges, place, row_in_words
from armslength.report.sentences import explain

Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

MOST_CHOKE_POINTS = 12

Way = tuple[object, ...]
"""What makes two derivations the same way: the grants, policies, powers and hosts that they use, not the people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """`chain_of` gives the chain that tells why, by result; only results that were looked at have one."""

    chains: tuple[Chain, ...]
    chain_of: Mapping[int, int]
    choke_points: tuple[ChokePoint, ...]
    looked_at: int
    reasons: int


@dataclass(slots=True)
class _Found:
    """The results that go one way, the first with its steps."""

    steps: tuple[Step, ...]
    results: list[int]
    states: dict[int, None]


def gather(
    reach: Reach,
    index: Integers,
    length: Integers,
    broken: Booleans,
    state: Integers,
    column: Integers,
    *,
    names: bool,
    most_derivations: int,
    most_chains: int,
) -> Evidence:
    """Look at pairs that are surely broken, given as columns of one length: the shortest of every (state, column)
    first, then an even spread of the others."""
    order = _order(index, length, broken, state, column, most_derivations)
    ways: dict[Way, _Found] = {}
    way_of: dict[int, Way] = {}
    resting: dict[Hinge, list[int]] = {}
    for k in order:
        i = int(index[k])
        steps = reach.steps(i)
        if not steps:
            continue  # broken only by a gap, with nobody who can up to the cap
        way = _way(steps)
        found = ways.setdefault(way, _Found(steps, [], {}))
        found.results.append(i)
        found.states.setdefault(int(state[k]))
        way_of[i] = way
        for hinge in hinges(reach.estate, steps):
            resting.setdefault(hinge, []).append(i)
    ranked = sorted(
        ways, key=lambda w: (int(reach.at_least[ways[w].results[0]]), -len(ways[w].results), ways[w].results[0])
    )
    number = {way: n for n, way in enumerate(ranked[:most_chains], start=1)}
    return Evidence(
        chains=tuple(_chain(reach, ways[way], n, names) for way, n in number.items()),
        chain_of={i: number[way] for i, way in way_of.items() if way in number},
        choke_points=_choke_points(reach, resting, names),
        looked_at=len(way_of),
        reasons=len(ways),
    )


def _order(
    index: Integers, length: Integers, broken: Booleans, state: Integers, column: Integers, most: int
) -> Integers:
    """Positions to look at, the shortest broken pair of each cell first."""
    positions = np.flatnonzero(broken)
    positions = positions[np.lexsort((index[positions], length[positions], column[positions], state[positions]))]
    if not len(positions):
        return positions
    first = (np.diff(state[positions], prepend=-1) != 0) | (np.diff(column[positions], prepend=-1) != 0)
    leading, rest = positions[first], positions[~first]
    leading = leading[np.lexsort((index[leading], length[leading]))][:most]
    room = most - len(leading)
    if len(rest) > room:
        rest = rest[np.linspace(0, len(rest) - 1, room).astype(np.int64)] if room else rest[:0]
    return np.concatenate([leading, rest])


def _way(steps: Sequence[Step]) -> Way:
    used: set[object] = set()
    outsiders = 0
    for step in steps:
        match step.rule:
            case "accomplice":
                outsiders += 1
            case "grant" | "permit":
                used.add((step.rule, step.rows, step.policy, step.by))
            case "custody":
                used.add(("custody", step.needs))
            case _:
                pass
    return (outsiders, frozenset(used))


def _chain(reach: Reach, found: _Found, number: int, names: bool) -> Chain:
    estate = reach.estate
    i = found.results[0]
    state, at = int(reach.state[i]), reach.question.at
    floor = int(reach.floor[i])
    roster = Roster(estate, at, found.steps, names=names)
    return Chain(
        number=number,
        state=estate.states[state],
        states=tuple(sorted(estate.states[s] for s in found.states)),
        action=estate.actions[int(reach.action[i])],
        asset=estate.assets.ids[int(reach.asset[i])],
        length=reach.length(i),
        floor=floor if floor >= 0 else None,
        broken=floor >= 0,
        pairs=len(found.results),
        sentences=tuple(explain(estate, at, state, found.steps, names=names)),
        steps=found.steps,
        people=roster.labels(),
    )


def _choke_points(reach: Reach, resting: Mapping[Hinge, list[int]], names: bool) -> tuple[ChokePoint, ...]:
    ranked = sorted(resting.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(
        ChokePoint(
            kind=kind,
            what=row_in_words(reach.estate, kind, name, row, names=names),
            place=place(reach.estate, name, row),
            pairs=len(results),
            states=len(np.unique(reach.state[results])),
            least=max(0, int(reach.at_least[results].min())),
        )
        for (kind, name, row), results in ranked[:MOST_CHOKE_POINTS]
    )
