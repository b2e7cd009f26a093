"""The oracle: the estate's definition (semantics) read once more, by brute force, and small estates to ask it about.

It shares no code with `armslength.reach`: it starts from the rows of the tables, keeps plain sets, tries every set of
outsiders and every quorum, and is meant to be checked by eye against the text. READING.md lists what was chosen where
the text is silent.
"""

from .case import Case
from .estates import AT, cases, random_case
from .length import Answer, Pair, lengths, reached

__all__ = ["AT", "Answer", "Case", "Pair", "cases", "lengths", "random_case", "reached"]
