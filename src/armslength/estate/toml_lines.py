"""Lines in a TOML text, which the standard parser does not tell.

The text was parsed before, so this only has to find where statements begin: it walks over strings, comments and
brackets, and lets the standard parser read each header and key, so that keys have one meaning.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

Path = tuple[str | int, ...]

DEEPEST = 8
"""Keys further down than this have no line of their own; no setting lies so deep."""

# What may stand in a statement: strings first, so that brackets and # in them count for nothing.
_PART = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|[\[{]|[\]}]|\n|[^"\'#\[\]{}\n]+',
    re.DOTALL,
)


def lines(text: str) -> dict[Path, int]:
    """The line of every table header and key, by path: `("terms", "two-apart", "apart")`, `("floor", 0, "length")`;
    what several headers share has the line of the first.
    Keys inside an inline value have none of their own."""
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    here: Path = ()
    for line, statement in _statements(text.replace("\r\n", "\n")):
        if statement.startswith("["):
            here = _resolved(_keys(statement), counts, last_is_array=statement.startswith("[["))
            paths = _prefixes(here, 0)
        else:
            paths = _prefixes((*here, *_keys(_key_text(statement) + "=0")), len(here))
        for path in paths:
            found.setdefault(path, line)
    return found


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """`(line, text)` of each statement, comments left out."""
    line, start, depth = 1, 1, 0
    parts: list[str] = []
    for match in _PART.finditer(text):
        part = match.group()
        if part == "\n" and depth == 0:
            if statement := "".join(parts).strip():
                yield start, statement
            parts.clear()
        elif not part.startswith("#"):
            if not parts:
                start = line
            if part in ("[", "{"):
                depth += 1
            elif part in ("]", "}"):
                depth -= 1
            if parts or part.strip():
                parts.append(part)
        line += part.count("\n")
    if statement := "".join(parts).strip():
        yield start, statement


def _key_text(statement: str) -> str:
    """What stands left of the `=`, which a quoted key may hold too."""
    taken: list[str] = []
    for match in re.finditer(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|=|[^"\'=]+', statement):
        if match.group() == "=":
            break
        taken.append(match.group())
    return "".join(taken)


def _keys(statement: str) -> tuple[str, ...]:
    keys: list[str] = []
    value: object = tomllib.loads(statement)
    while isinstance(value, list | dict) and value:
        if isinstance(value, list):
            value = value[0]
        else:
            key, value = next(iter(value.items()))
            keys.append(key)
    return tuple(keys[:DEEPEST])


def _resolved(keys: tuple[str, ...], counts: dict[Path, int], *, last_is_array: bool) -> Path:
    """The header's path with the place in each array of tables that it goes through."""
    path: Path = ()
    for i, key in enumerate(keys):
        path = (*path, key)
        if last_is_array and i == len(keys) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _prefixes(path: Path, base: int) -> Iterator[Path]:
    for length in range(base + 1, len(path) + 1):
        yield path[:length]
