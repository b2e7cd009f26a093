"""What is wrong with an estate, and where.

    EstateError          the files are no estate: carries every `Problem` found, not only the first

A warning is a `Problem` too; it changes nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

NEAR_LIMIT = 5_000
"""Above this many candidates a near match is looked for by letter case only: it must not cost more than the reading."""


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


def near(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` is most likely a slip for, or None: letter case first, then a small difference."""
    candidates = list(known)
    folded = word.casefold()
    for candidate in candidates:
        if candidate.casefold() == folded:
            return candidate
    if len(candidates) > NEAR_LIMIT or len(word) > 200:
        return None
    found = difflib.get_close_matches(word, candidates, n=1, cutoff=0.75)
    return found[0] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`": did you mean 'x'?"`, or nothing."""
    found = near(word, known)
    return f": did you mean {found!r}?" if found is not None and found != word else ""
