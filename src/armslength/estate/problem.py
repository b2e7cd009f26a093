"""What is wrong with an estate, and where.

    EstateError          the files are no estate: carries every `Problem` found, not only the first

A warning is a `Problem` too; it changes nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

NEAR_LIMIT = 5_000
"""Above this many known words a slip is looked for by letter case only."""
TRIES = 50
"""Wrong words that are compared letter by letter with the known ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong: `line` counts from 1 (the header of a table is line 1), `column` is a column's name or a
    setting's dotted name; both None where they mean nothing."""

    file: str
    line: int | None = None
    column: str | None = None
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.message}" if self.column is None else f"{place}: {self.column}: {self.message}"


class EstateError(Exception):
    """The files cannot be read as an estate, or an edit does not fit it. `problems` holds all that was found, in
    order of file and line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = in_order(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


@dataclass(slots=True)
class Findings:
    """Collects problems and warnings while an estate is read; nothing outside the reading sees it."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def wrong(self, file: str, message: str, *, line: int | None = None, column: str | None = None) -> None:
        self.problems.append(Problem(file=file, line=line, column=column, message=message))

    def odd(self, file: str, message: str, *, line: int | None = None, column: str | None = None) -> None:
        self.warnings.append(Problem(file=file, line=line, column=column, message=message))


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """By file, line and column; those without a line first."""
    return tuple(sorted(problems, key=lambda p: (p.file, p.line or 0, p.column or "", p.message)))


class Speller:
    """Finds the known word that a wrong one is a slip for: letter case first, then a small difference.

    Looking for a small difference is slow. It is done among few words only and for the first `TRIES` wrong ones, so
    that a table of a million wrong references still fails at once.
    """

    __slots__ = ("_folded", "_known", "_tries")

    def __init__(self, known: Iterable[str]) -> None:
        self._known = known
        self._folded: dict[str, str] | None = None
        self._tries = TRIES

    def near(self, word: str) -> str | None:
        if self._folded is None:
            self._folded = {}
            for candidate in self._known:
                self._folded.setdefault(candidate.casefold(), candidate)
        if (found := self._folded.get(word.casefold())) is not None:
            return found
        if not self._tries or len(self._folded) > NEAR_LIMIT or len(word) > 100:
            return None
        self._tries -= 1
        close = difflib.get_close_matches(word, self._folded.values(), n=1, cutoff=0.75)
        return close[0] if close else None

    def hint(self, word: str) -> str:
        """`": did you mean 'x'?"`, or nothing."""
        found = self.near(word)
        return f": did you mean {found!r}?" if found is not None and found != word else ""


def near(word: str, known: Iterable[str]) -> str | None:
    """As `Speller.near`, for one word."""
    return Speller(known).near(word)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """As `Speller.hint`, for one word."""
    return Speller(known).hint(word)
