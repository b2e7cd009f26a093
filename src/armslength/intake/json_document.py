"""JSON as exports have it (RFC 8259), within bounds: UTF-8, no key twice, no number that is none."""

from __future__ import annotations

import json
from collections import Counter

from armslength.intake.node import Node
from armslength.intake.problem import Problems

LONGEST_NUMBER = 40
"""Digits; Python refuses very long ones in its own words."""


def json_node(file: str, data: bytes, problems: Problems) -> Node | None:
    """The document, or None after what is wrong was reported. A byte order mark is let pass."""
    twice: list[str] = []

    def pairs(found: list[tuple[str, object]]) -> dict[str, object]:
        made = dict(found)
        if len(made) != len(found):
            twice.extend(key for key, times in Counter(key for key, _ in found).items() if times > 1)
        return made

    def refused(constant: str) -> object:
        raise ValueError(f"{constant} is no number of JSON")

    def number(digits: str) -> int:
        if len(digits) > LONGEST_NUMBER:
            raise ValueError(f"a number of {len(digits):,} digits")
        return int(digits)

    try:
        value = json.loads(data.decode("utf-8-sig"), object_pairs_hook=pairs, parse_constant=refused, parse_int=number)
    except UnicodeDecodeError as error:
        problems.add(file, f"is not UTF-8: {error.reason} at byte {error.start:,}: save it again as UTF-8")
        return None
    except json.JSONDecodeError as error:
        problems.add(file, f"is no JSON: {error.msg} at column {error.colno}", line=error.lineno)
        return None
    except RecursionError:
        problems.add(file, "is nested too deeply: expected fewer objects and arrays in one another")
        return None
    except ValueError as error:
        problems.add(file, f"is no JSON: {error}")
        return None
    for key in dict.fromkeys(twice):
        problems.add(file, f"the key {json.dumps(key[:60])} comes twice in one object: expected it once")
    return None if twice else Node(value, file, "$", problems)
