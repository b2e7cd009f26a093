"""The answer to a question: every pair asked with its length, floor and gaps; witnesses are worked out when asked
for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from armslength.estate import Estate
from armslength.reach.ascent import Beside
from armslength.reach.derivation import Witnesses
from armslength.reach.exposure import Exposure, exposure
from armslength.reach.gaps import gaps
from armslength.reach.pairs import UNASKED, Pairs, pairs
from armslength.reach.result import (
    NOBODY,
    Between,
    Beyond,
    Exact,
    Gap,
    Ints,
    Length,
    Question,
    Result,
    Small,
    Step,
)
from armslength.reach.solution import Model, Solutions


class Reach:
    """Results in the order state, action, asset. Columns of length N: `state`, `action`, `asset` (indexes into the
    estate),
    `at_least`, `at_most` (equal where exact; both -1 when nobody can, up to the cap; `at_most` alone -1 when a limit
    stopped the search before a coalition was found), `floor` (-1 for none)."""

    def __init__(
        self, estate: Estate, question: Question, exposed: Exposure, asked: Pairs, solutions: Solutions | None,
        found: dict[tuple[int, int], Gap],
    ) -> None:  # fmt: skip
        self.estate, self.question, self.exposure = estate, question, exposed
        self.solutions = solutions
        solution = solutions.known if solutions is not None else None
        row, pair = np.nonzero(asked.floor != UNASKED)
        state = np.array(asked.states, dtype=np.int32)[row]
        action, asset = asked.action[pair], asked.asset[pair]
        order = np.lexsort(
            (_rank(estate.assets.ids)[asset], _rank(estate.actions)[action], _rank(estate.states)[state])
        )
        self._row, self._pair = row[order], pair[order]
        self.state: Ints = state[order].astype(np.int32)
        self.action: Ints = action[order]
        self.asset: Ints = asset[order]
        self.floor: Small = asked.floor[self._row, self._pair]
        cap = asked.caps()[self._row, self._pair]
        self._cap = cap
        self.at_least: Small = np.full(len(order), NOBODY, dtype=np.int8)
        self.at_most: Small = np.full(len(order), NOBODY, dtype=np.int8)
        if solution is not None:
            at_least, at_most = (a[self._row, self._pair] for a in (solution.at_least, solution.at_most))
            beyond = at_least > cap
            self.at_least = np.where(beyond, NOBODY, at_least).astype(np.int8)
            self.at_most = np.where(beyond, NOBODY, at_most).astype(np.int8)
        self._gaps = found
        self._witnesses = Witnesses(solution) if solution is not None else None

    def __len__(self) -> int:
        return len(self.state)

    def __iter__(self) -> Iterator[Result]:
        return (self.result(i) for i in range(len(self)))

    def length(self, i: int) -> Length:
        least, most = int(self.at_least[i]), int(self.at_most[i])
        if least == NOBODY:
            return Beyond(cap=int(self._cap[i]))
        if least == most:
            return Exact(length=least)
        return Between(at_least=least, at_most=None if most == NOBODY else most)

    def gaps(self, i: int) -> tuple[Gap, ...]:
        gap = self._gaps.get((int(self._row[i]), int(self._pair[i])))
        return (gap,) if gap is not None and gap.length <= self._cap[i] else ()

    def result(self, i: int) -> Result:
        """One row, with one smallest set of accomplices."""
        return Result(
            state=int(self.state[i]),
            action=int(self.action[i]),
            asset=int(self.asset[i]),
            length=self.length(i),
            accomplices=self.accomplices(i),
            floor=int(self.floor[i]) if self.floor[i] >= 0 else None,
            gaps=self.gaps(i),
        )

    def accomplices(self, i: int) -> tuple[int, ...]:
        """One smallest set: people indexes, ascending; empty when none is needed or nobody can."""
        if self.at_most[i] <= 0 or self._witnesses is None:
            return ()
        return self._witnesses.accomplices(int(self._row[i]), int(self._pair[i]))

    def steps(self, i: int) -> tuple[Step, ...]:
        """A derivation of the pair with its accomplices; the last fact is `("can", action, asset)`. Empty when null."""
        if self.at_most[i] == NOBODY or self._witnesses is None:
            return ()
        return self._witnesses.steps(int(self._row[i]), int(self._pair[i]))

    def unfinished(self) -> npt.NDArray[np.bool_]:
        """The results for which a time limit stopped the search, of the length or of a gap; shape [N]."""
        found: npt.NDArray[np.bool_] = (self.at_least != NOBODY) & (self.at_least != self.at_most)
        if self._gaps:
            found |= [any(gap.stopped for gap in self.gaps(i)) for i in range(len(self))]
        return found

    def broken(self) -> npt.NDArray[np.int64]:
        """The results whose floor does not hold, or holds only if gaps are ignored."""
        known = np.where(self.at_least == NOBODY, self._cap.astype(np.int16) + 1, self.at_least)
        gap = np.full(len(self), np.iinfo(np.int16).max, dtype=np.int16)
        if self._gaps:
            for i in range(len(self)):
                for one in self.gaps(i):
                    gap[i] = one.length
        return np.flatnonzero((self.floor >= 0) & (np.minimum(known, gap) < self.floor))


def reach(
    estate: Estate,
    question: Question,
    expired: Callable[[], bool] = lambda: False,
    before: Reach | None = None,
    beside: Beside | None = None,
) -> Reach:
    """Answer a question (semantics, "Length"). `expired` is asked now and then whether the time allowed is over; after
    that the answer says "at least" and "at most" where the search had not ended. `before`: the answer for an estate
    much like this one; what must be the same here is taken over, which changes how long it takes and nothing else.
    `beside`: another process, which takes its share of a large answer; it changes nothing else either."""
    exposed = exposure(estate, question.at)
    asked = pairs(estate, exposed, question)
    if not asked.states or not len(asked.action):
        return Reach(estate, question, exposed, asked, None, {})
    known = before.solutions if before is not None else None
    model = Model(estate, exposed, asked, question.at, expired, known.model if known is not None else None)
    solutions = Solutions(model, asked, known, beside)
    found = gaps(solutions, asked)
    solutions.forget()
    return Reach(estate, question, exposed, asked, solutions, found)


def _rank(names: tuple[str, ...]) -> Ints:
    rank = np.empty(len(names), dtype=np.int32)
    rank[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names), dtype=np.int32)
    return rank
