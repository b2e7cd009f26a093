"""Climb: level after level, and the lengths that come of it."""

from __future__ import annotations

from dataclasses import dataclass

from armslength.reach.clock import Expired
from armslength.reach.columns import Words
from armslength.reach.lengths import Lengths
from armslength.reach.levels import Levels
from armslength.reach.result import Small


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """What was reached, whether or not the time was enough (`complete`). `words`, `made`, `refuted` and `level` are
    those of `Levels`, `at_least` and `at_most` those of `Lengths`."""

    words: Words
    made: dict[tuple[int, int], tuple[int, tuple[int, ...]]]
    refuted: Small
    level: int
    at_least: Small
    at_most: Small
    complete: bool


class Climb:
    """Levels and lengths of the same columns."""

    def __init__(self, levels: Levels, lengths: Lengths) -> None:
        self.levels, self._lengths = levels, lengths
        self._late: int | None = None
        lengths.note(levels.board.words, 0)

    def up(self) -> None:
        """One level higher, unless all is known or the time is over."""
        levels, lengths = self.levels, self._lengths
        if self._late is None and lengths.open:
            try:
                levels.rise()
            except Expired:
                self._late = levels.level
            lengths.note(levels.board.words, levels.level)

    def part(self, cap: int) -> Part:
        """What was reached; where the time was over, with what is plainly enough up to `cap`."""
        levels, lengths, words = self.levels, self._lengths, self.levels.board.words
        if self._late is not None:
            lengths.stop(self._late)
            for bound in range(self._late, cap + 1):
                levels.bound(bound)
                lengths.note(words, bound)
        return Part(
            words=words,
            made=levels.made,
            refuted=levels.refuted,
            level=levels.level,
            at_least=lengths.at_least,
            at_most=lengths.at_most,
            complete=self._late is None,
        )
