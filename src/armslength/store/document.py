"""Documents that a user names on the command line: exports of other systems, read whole and within bounds."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from armslength.estate import Problem
from armslength.store.failure import StoreError
from armslength.store.plain_file import NotPlain, read_plain, reason

MOST_BYTES = 1_000_000_000
"""Bytes of one document. A million permissions take some 200 MB as JSON."""


class Unread(StoreError):
    """Documents that could not be read; `problems` holds one for each."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """`files`: content by name, which is the file's own, or the path as given where two share it.
    `dated`: the day on which the oldest was last written, by UTC."""

    files: dict[str, bytes]
    dated: dt.date


def read_documents(paths: Iterable[str], *, most: int = MOST_BYTES) -> Documents:
    """The files at these paths; a folder stands for the files in it, hidden ones left out.

    Raises `Unread` with every problem.
    """
    problems: list[Problem] = []
    found: list[Path] = []
    for path in dict.fromkeys(map(Path, paths)):
        try:
            found += sorted(p for p in path.iterdir() if not p.name.startswith(".")) if path.is_dir() else [path]
        except OSError as error:
            problems.append(Problem(file=str(path), message=f"cannot be listed: {reason(error)}"))
    names = Counter(path.name for path in found)
    files: dict[str, bytes] = {}
    times: list[float] = []
    for path in found:
        try:
            plain = read_plain(path, most)
        except OSError as error:
            problems.append(Problem(file=str(path), message=f"cannot be read: {reason(error)}"))
        except NotPlain as refusal:
            problems.append(Problem(file=str(path), message=str(refusal)))
        else:
            files[path.name if names[path.name] == 1 else str(path)] = plain.data
            times.append(plain.written)
    if problems:
        raise Unread(problems)
    if not files:
        raise Unread([Problem(file="documents", message="none were given: expected the files of an export")])
    return Documents(files=files, dated=dt.datetime.fromtimestamp(min(times), tz=dt.UTC).date())
