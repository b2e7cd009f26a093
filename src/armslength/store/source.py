"""Where an estate was read from: its files as they stood, and words for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from armslength.estate import COLUMNS, FILES, Problem

MOST_BYTES = 2**31
"""Bytes of one file; more is no table that fits the memory."""

_LFS = b"version https://git-lfs"
_FORMS = (".csv", ".parquet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """`files` maps the known names to bytes; `lost` tells what is there and could not be had; `odd` what looks like a
    slip. `commit` is the full id where the source is a git revision."""

    description: str
    files: Mapping[str, bytes]
    lost: tuple[Problem, ...] = ()
    odd: tuple[Problem, ...] = ()
    commit: str | None = None


def pointers(files: Mapping[str, bytes]) -> list[Problem]:
    """Files that are a pointer of Git's large file store in place of their content."""
    return [
        Problem(file=name, message="is a Git LFS pointer: fetch the file itself with git lfs pull")
        for name, data in files.items()
        if data.startswith(_LFS)
    ]


def slips(names: Iterable[str]) -> list[Problem]:
    """Names that are no file of an estate but look like one: a table left out by a slip is silently empty."""
    known = {_plain(name): name for name in COLUMNS}
    found = []
    for name in sorted(names):
        stem, dot, form = name.rpartition(".")
        if name in FILES or f"{dot}{form}".lower() not in _FORMS:
            continue
        if (meant := known.get(_plain(stem))) is not None:
            message = f"is not a file of an estate and is ignored: did you mean {meant}{dot}{form.lower()}?"
            found.append(Problem(file=name, message=message))
    return found


def _plain(stem: str) -> str:
    """The stem without letter case, plural and surrounding marks."""
    plain = stem.strip().lower().rstrip("s")
    return {"person": "people", "entitie": "entity", "entity": "entity"}.get(plain, plain)
