"""CODEOWNERS: of whom one must approve, whatever a pull request changes."""

from __future__ import annotations

from collections.abc import Iterator

MOST = 3_000_000
"""Bytes; GitHub does not load a larger file, so nobody owns anything."""


def owners_of_all(data: bytes) -> tuple[str, ...] | None:
    """Everybody who owns something, `@login` or `@org/team`, where every file has an owner; None where one can be
    changed without. The last pattern that matches a file counts, so the first must be `*` and each have owners."""
    if len(data) > MOST:
        return None
    try:
        lines = list(_lines(data.decode("utf-8-sig")))
    except UnicodeDecodeError:
        return None
    everything = [place for place, (pattern, _) in enumerate(lines) if pattern == "*"]
    if not everything:
        return None
    found: dict[str, None] = {}
    for _, owners in lines[everything[0] :]:
        # An owner by mail address may be anybody's or nobody's.
        if not owners or not all(owner.startswith("@") and len(owner) > 1 for owner in owners):
            return None
        found |= dict.fromkeys(owner.lower() for owner in owners)
    return tuple(found)


def _lines(text: str) -> Iterator[tuple[str, list[str]]]:
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if words:
            yield words[0], words[1:]
