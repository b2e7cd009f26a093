"""Patterns of IAM: `*` any text, `?` one character. Two questions that limits need: does one cover another, and can
both fit one text. Where an answer would take long, it is the one that reports more."""

from __future__ import annotations

from functools import lru_cache

MOST_STEPS = 250_000
"""Steps to compare two patterns; more is taken for an overlap."""


def wild(pattern: str) -> bool:
    return "*" in pattern or "?" in pattern


def head(pattern: str) -> str:
    """What every text of the pattern begins with."""
    for place, letter in enumerate(pattern):
        if letter in "*?":
            return pattern[:place]
    return pattern


@lru_cache(maxsize=1 << 17)
def covers(wide: str, narrow: str) -> bool:
    """Whether every text that fits `narrow`, a pattern too, fits `wide`. May say no where it is so, never the reverse:
    a star of `narrow` is let pass only under a star of `wide`."""
    if wide == "*" or wide == narrow:
        return True
    if not wild(wide):
        return False
    if wide[-1] == "*" and not wild(wide[:-1]):
        return narrow.startswith(wide[:-1])
    at = place = 0
    star, held = -1, 0
    while at < len(narrow):
        if place < len(wide) and wide[place] == "*":
            star, held = place, at
            place += 1
        elif place < len(wide) and (
            (wide[place] == "?" and narrow[at] != "*") or (wide[place] == narrow[at] and narrow[at] not in "*?")
        ):
            place, at = place + 1, at + 1
        elif star >= 0:
            held += 1
            place, at = star + 1, held
        else:
            return False
    return all(letter == "*" for letter in wide[place:])


@lru_cache(maxsize=1 << 17)
def overlap(one: str, other: str) -> bool:
    """Whether some text fits both. May say yes where it is not so, never the reverse."""
    if one == "*" or other == "*":
        return True
    if not wild(one):
        return covers(other, one)
    if not wild(other):
        return covers(one, other)
    first, second = head(one), head(other)
    if not (first.startswith(second) or second.startswith(first)):
        return False
    last, end = head(one[::-1]), head(other[::-1])
    if not (last.startswith(end) or end.startswith(last)):
        return False
    if len(one) * len(other) > MOST_STEPS:
        return True
    # row[j]: some text fits what was seen of `one` and the first j characters of `other`
    row = [True] + [False] * len(other)
    for j, letter in enumerate(other):
        row[j + 1] = row[j] and letter == "*"
    for a in one:
        new = [row[0] and a == "*"] + [False] * len(other)
        for j, b in enumerate(other):
            if a == "*" or b == "*":
                new[j + 1] = (a == "*" and (row[j + 1] or new[j] or row[j])) or (
                    b == "*" and (new[j] or row[j + 1] or row[j])
                )
            else:
                new[j + 1] = row[j] and (a == b or "?" in (a, b))
        row = new
    return row[-1]


@lru_cache(maxsize=1 << 17)
def covers_arn(wide: str, narrow: str) -> bool:
    """As `covers`, part by part of an ARN: no star of a limit is taken to reach over a colon before the last part."""
    if wide == "*":
        return True
    parts, others = wide.split(":", 5), narrow.split(":", 5)
    return len(parts) == len(others) == 6 and all(covers(a, b) for a, b in zip(parts, others, strict=True))
