"""How much a reading of policies took of what is limited, so that nothing takes for ever."""

from __future__ import annotations

from dataclasses import dataclass

PAIRS = 1 << 24
QUESTIONS = 1 << 15
"""So many pairs of looks, and so many questions about one policy, and no more: what is left is not refused."""
SETS = 1024
"""Sets of groups that are tried for one permit. Where that is not enough, what is left counts as open: an
over-report."""


@dataclass(slots=True, kw_only=True)
class Spent:
    """The most `pairs` of looks and `questions` of one policy, and the most `sets` of groups of one permit."""

    pairs: int = 0
    questions: int = 0
    sets: int = 0

    def note(self, *, pairs: int = 0, questions: int = 0, sets: int = 0) -> None:
        self.pairs = max(self.pairs, pairs)
        self.questions = max(self.questions, questions)
        self.sets = max(self.sets, sets)

    def __add__(self, other: Spent) -> Spent:
        """What the people of both readings can take together, at the most."""
        return Spent(
            pairs=self.pairs + other.pairs,
            questions=self.questions + other.questions,
            sets=self.sets + other.sets,
        )

    @property
    def limited(self) -> bool:
        """Whether anything may have counted as open for want of asking."""
        return self.pairs > PAIRS or self.questions >= QUESTIONS or self.sets >= SETS
