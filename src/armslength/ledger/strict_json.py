"""JSON as it comes from strangers (RFC 8259): what two readers could take for two things is refused.

Python's reader takes the last of two equal keys, `NaN`, and numbers that a double cannot hold; another verifier would
then see another document under the same bytes.
"""

from __future__ import annotations

import json
from collections import Counter
from json.encoder import encode_basestring
from typing import Any

from armslength.tlog import Malformed, canonical

SAFE = 2**53 - 1
"""The largest whole number that every reader of JSON takes for what it is."""
DEEPEST = 32
"""Objects and arrays within one another, the outermost counted."""
MOST_BYTES = 500_000_000
"""Bytes of a file: about the longest text that a browser can hold."""


def read_json(data: bytes, *, most: int = MOST_BYTES) -> Any:
    """The value that the text spells. An integer past 2^53 - 1 is the double that JSON means by it. Raises `Malformed`.

    How deep it is nested is for `spelled` to say of the parts whose form is free.
    """
    if len(data) > most:
        raise Malformed(f"{len(data):,} bytes, expected at most {most:,}")
    twice: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(found)
        if len(made) != len(found):
            twice.extend(key for key, times in Counter(key for key, _ in found).items() if times > 1)
        return made

    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=pairs, parse_int=_number, parse_constant=_refused)
    except RecursionError:
        raise Malformed(f"nested too deeply: expected at most {DEEPEST} objects and arrays in one another") from None
    except UnicodeDecodeError as error:
        raise Malformed(f"not UTF-8: {error.reason} at byte {error.start}") from None
    except ValueError as error:
        raise Malformed(f"not JSON: {error}") from None
    if twice:
        raise Malformed("\n".join(f'the key "{key[:80]}" comes twice in one object' for key in dict.fromkeys(twice)))
    return value


def spelled(value: Any, *, depth: int = 0) -> bytes:
    """The RFC 8785 bytes of a value that `read_json` gave and that stands within `depth` objects and arrays.

    Raises `Malformed`.
    """
    # Nearly all values are short texts; the writer of JSON spells those as RFC 8785 does.
    if type(value) is str:
        try:
            return encode_basestring(value).encode("utf-8")
        except UnicodeEncodeError:
            raise Malformed("a text with half a surrogate pair") from None
    if value is True or value is False or value is None:
        return b"null" if value is None else b"true" if value else b"false"
    if type(value) is int:
        return b"%d" % value
    if isinstance(value, dict | list):
        _check_depth(value, depth)
    return canonical(value, label="value")


def _check_depth(value: Any, depth: int) -> None:
    if depth >= DEEPEST:
        raise Malformed(f"nested too deeply: expected at most {DEEPEST} objects and arrays in one another")
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, dict | list):
            _check_depth(part, depth + 1)


def _number(digits: str) -> int | float:
    # Python refuses to read very long integers, so the length goes first.
    return number if len(digits) <= 17 and abs(number := int(digits)) <= SAFE else float(digits)


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")
