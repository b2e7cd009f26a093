"""What is wrong with a document that a source gave.

    IntakeError          the documents cannot be taken in: carries every `Problem` found; nothing was written

`column` of a problem is the path inside the document, such as `$.Policies[3].Arn`, or a table's column.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from armslength.estate import Problem

MOST = 200
"""Problems that are told; a document of another kind has one for each of its parts."""


class IntakeError(Exception):
    """The documents of a source cannot be taken in. `problems` holds what was found, in order, at most `MOST`."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class Problems:
    """Collects what is wrong while a source is read."""

    def __init__(self) -> None:
        self._found: list[Problem] = []
        self._left = 0
        self._lines: dict[str, Mapping[str, int]] = {}

    def know_lines(self, file: str, lines: Mapping[str, int]) -> None:
        """The line of every path in a file, so that problems name it."""
        self._lines[file] = lines

    def add(self, file: str, message: str, *, path: str | None = None, line: int | None = None) -> None:
        """`path`: inside the document, or a column's name; `line` counts from 1."""
        if line is None and path is not None and (lines := self._lines.get(file)) is not None:
            line = _line(path, lines)
        if len(self._found) < MOST:
            self._found.append(Problem(file=file, line=line, column=path, message=message))
        else:
            self._left += 1

    def __bool__(self) -> bool:
        return bool(self._found)

    def stop(self) -> None:
        """Raises `IntakeError` if anything is wrong."""
        if self._found:
            more = [Problem(file=self._found[-1].file, message=f"… and {self._left:,} more")] if self._left else []
            raise IntakeError([*self._found, *more])


def _line(path: str, lines: Mapping[str, int]) -> int | None:
    """The line of the path, or of the nearest thing around it that has one."""
    while path:
        if path in lines:
            return lines[path]
        path = path[: max(path.rfind("."), path.rfind("["))] if path != "$" else ""
    return None
