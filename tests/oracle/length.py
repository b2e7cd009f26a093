"""Lengths, gaps and floors of every pair asked (semantics, "Length", "Gaps", "What comes out")."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from .case import Case
from .derivation import Derivation
from .permits import Permits
from .world import POWERS, World, ref, world

Pair = tuple[str, str, str]
"""(state, action, asset)."""
Gap = tuple[frozenset[str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`length` None: nobody up to `cap`, which a floor may have raised here. `gaps` and `floor` as in the JSON."""

    length: int | None
    gaps: tuple[Gap, ...] = ()
    floor: int | None = None
    cap: int

    @property
    def broken(self) -> bool:
        """The floor does not hold, or only if gaps are ignored."""
        least = [n for _, n in self.gaps] + ([] if self.length is None else [self.length])
        return self.floor is not None and any(n < self.floor for n in least)


class Asked:
    """A case on one day, with its permits: what every question about it shares."""

    def __init__(self, case: Case, at: dt.date) -> None:
        self.world = world(case, at)
        self.permits = Permits(case.policy)
        self.floors: list[Mapping[str, Any]] = case.settings.get("floor", [])
        named = {g.action for g in self.world.grants if g.target[0] in ("asset", "class")} | self.permits.actions
        # A power is listed only where a floor names it.
        self.actions = (named - POWERS) | {f["action"] for f in self.floors} - {"*"}
        self.permits.prepare(self.world, self.actions)
        hosts = [s for states in self.world.hosts.values() for s in states]
        against = [s for f in self.floors for s in f.get("against", ())]
        self.states = {s for x in self.world.exposure.values() for s in x} | {*hosts, *against}

    def pairs(self) -> list[Pair]:
        assets = sorted(self.world.beneath)
        return [(s, a, t) for s in sorted(self.states) for a in sorted(self.actions) for t in assets]

    def floor(self, pair: Pair) -> int | None:
        """The highest that covers the pair."""
        return max((f["length"] for f in self.floors if self._covers(f, pair)), default=None)

    def _covers(self, floor: Mapping[str, Any], pair: Pair) -> bool:
        state, action, asset = pair
        kind, name = ref(floor["target"])
        tops = [name] if kind == "asset" else [t for t, c in self.world.of_class.items() if c == name]
        if "against" in floor:
            meant = state in floor["against"]
        else:
            meant = state not in self.world.home and state not in floor.get("except", ())
        acts = action not in POWERS if floor["action"] == "*" else action == floor["action"]
        return meant and acts and any(asset in self.world.beneath[t] for t in tops)

    def derive(self, world: World, state: str, accomplices: Iterable[str]) -> set[tuple[str, str]]:
        return Derivation(world, self.permits, state, accomplices, self.actions).can

    def search(self, world: World, state: str, caps: Mapping[Pair, int]) -> dict[Pair, int]:
        """The length of each pair of this state up to its cap; pairs without one are absent. Every set of outsiders is
        tried, smaller ones first, as long as a pair is open that all outsiders together could reach."""
        outsiders = [p for p in world.people if state not in world.exposure[p]]
        every = self.derive(world, state, outsiders)
        left = {pair: cap for pair, cap in caps.items() if pair[1:] in every}
        found: dict[Pair, int] = {}
        for size in range(len(outsiders) + 1):
            for accomplices in combinations(outsiders, size):
                left = {pair: cap for pair, cap in left.items() if size <= cap and pair not in found}
                if not left:
                    return found
                can = self.derive(world, state, accomplices)
                found |= {pair: size for pair in left if pair[1:] in can}
        return found


def lengths(case: Case, at: dt.date, cap: int = 3, everything: bool = True, gaps: bool = True) -> dict[Pair, Answer]:
    """The answer for each pair: all of them, or those that floors cover; without gaps where nobody wants them."""
    return answers(Asked(case, at), cap, everything, gaps)


def answers(asked: Asked, cap: int = 3, everything: bool = True, gaps: bool = True) -> dict[Pair, Answer]:
    """As `lengths`, of a case that is already set out."""
    floors = {pair: asked.floor(pair) for pair in asked.pairs()}
    found: dict[Pair, Answer] = {}
    for state in sorted(asked.states):
        caps = {
            pair: max(cap, (floor or 0) - 1)
            for pair, floor in floors.items()
            if pair[0] == state and (everything or floor is not None)
        }
        plain = asked.search(asked.world, state, caps)
        shorter = _gaps(asked, state, caps, plain) if gaps else {}
        for pair, most in caps.items():
            gap = (shorter[pair],) if pair in shorter else ()
            found[pair] = Answer(length=plain.get(pair), gaps=gap, floor=floors[pair], cap=most)
    return found


def reached(case: Case, at: dt.date, state: str, accomplices: Iterable[str]) -> set[tuple[str, str]]:
    """Every (action, asset) that the people of `state` can do with exactly these accomplices."""
    asked = Asked(case, at)
    return asked.derive(asked.world, state, accomplices)


def _gaps(asked: Asked, state: str, caps: Mapping[Pair, int], plain: Mapping[Pair, int]) -> dict[Pair, Gap]:
    unknown = asked.world.unknown
    if not unknown:
        return {}
    filled = asked.search(asked.world.filled(state, unknown), state, caps)
    shorter = {pair: n for pair, n in filled.items() if n < plain.get(pair, n + 1)}
    blamed: dict[Pair, set[str]] = {pair: set() for pair in shorter}
    for group in sorted(unknown):
        rest = unknown - {group}
        # Past n it no longer matters how much larger it is, so n is the cap.
        less = asked.search(asked.world.filled(state, rest), state, shorter) if rest else plain
        for pair, n in shorter.items():
            if less.get(pair, n + 1) > n:
                blamed[pair].add(group)
    return {pair: (frozenset(blamed[pair] or unknown), n) for pair, n in shorter.items()}
