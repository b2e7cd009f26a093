"""What a user asks, in words, made into a question about one estate."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from armslength.estate import Estate, Kind, Ref
from armslength.reach import Question, covered

NEAR_LIMIT = 20_000
"""Above this many names no near match is looked for: it would take longer than the answer."""


class Refusal(Exception):
    """What was asked does not fit the estate; `problems` says why, a line each, for whoever asked."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A question by names. Empty filters mean all; assets and classes together mean the assets of either. Lengths are
    exact up to `cap`."""

    at: dt.date
    cap: int = 3
    everything: bool = False
    states: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


def question(estate: Estate, wanted: Wanted) -> Question:
    """The question by indexes; a class stands for its assets and what lies within (semantics, "What comes out").

    Raises `Refusal` with every name that the estate does not have.
    """
    problems: list[str] = []
    states = _indexes("state", wanted.states, estate.states, problems)
    actions = _indexes("action", wanted.actions, estate.actions, problems)
    assets = set(_indexes("asset", wanted.assets, estate.assets.ids, problems))
    for place in _indexes("class", wanted.classes, estate.classes, problems):
        assets |= set(covered(estate, Ref(kind=Kind.CLASS, index=place)).nonzero()[0].tolist())
    if problems:
        raise Refusal(problems)
    return Question(
        at=wanted.at,
        cap=wanted.cap,
        everything=wanted.everything,
        states=frozenset(states),
        actions=frozenset(actions),
        assets=frozenset(assets),
    )


def _indexes(kind: str, wanted: Sequence[str], known: Sequence[str], problems: list[str]) -> list[int]:
    if not wanted:
        return []
    places = {name: i for i, name in enumerate(known)}
    problems += [unknown(kind, name, known) for name in dict.fromkeys(wanted) if name not in places]
    return [places[name] for name in wanted if name in places]


def unknown(kind: str, name: str, known: Sequence[str]) -> str:
    """`no asset 'recording-us' in the estate: did you mean 'recordings-us'?`"""
    bare = name.partition(":")[2] if name.startswith(f"{kind}:") else name
    if bare in known and bare != name:
        return f"no {kind} {name!r} in the estate: did you mean {bare!r}?"
    near = [n for n in known if n.casefold() == bare.casefold()] if len(known) <= NEAR_LIMIT else []
    if not near and len(known) <= NEAR_LIMIT and len(bare) <= 200:
        near = get_close_matches(bare, known, n=3, cutoff=0.7)
    if near:
        return f"no {kind} {name!r} in the estate: did you mean {' or '.join(map(repr, near))}?"
    few = f": it has {', '.join(map(repr, known))}" if 0 < len(known) <= 12 else ""
    return f"no {kind} {name!r} in the estate{few}"
