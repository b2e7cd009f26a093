"""Bundles changed at random, in their bytes and in their parts: what one verifier takes the other has to take."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

ODD: tuple[Any, ...] = (
    *(None, True, 0, -0.0, 1, 1.0, 1.5, -1, 2**53 - 1, 2**53, 1e300),
    *("", "x", "é\u2028\U0001f600", '\x7f\x1f"\\', "A" * 43, "_" * 43, "everything"),
    *([], {}, [[]], [None], {"a": 1, "A": [2.5e-7, 1e21]}, [{"sequence": 1}], {"sequence": 1, "fields": []}),
    *({"erased": "A" * 43}, {"withheld": "A" * 43}, ["a", "A" * 43, 1]),
)
TEXTS = (
    *(b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b" ", b"\n", b"\t", b"\\u0000", b"\\ud800", b"\\ud83d\\ude00"),
    *(b"1", b"0", b"-", b"e9", b".", b"null", b"true", b"NaN", b"Infinity", b"A"),
    *(b"\x00", b"\x0b", b"\xff", b"\xef\xbb\xbf", b"\xc2\x85"),
)


def places(part: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a document."""
    found = [path] if path else []
    steps: Iterator[Any] = iter(())
    if isinstance(part, dict):
        steps = iter(part)
    elif isinstance(part, list):
        steps = iter(range(len(part)))
    for step in steps:
        found += places(part[step], (*path, step))
    return found


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The bundle with one to three changes; many of them leave it readable."""
    if chance.random() < 0.4:
        for _ in range(chance.randint(1, 2)):
            at = chance.randrange(len(data))
            data = data[:at] + chance.choice(TEXTS) + data[at + chance.randint(0, 2) :]
        return data
    document = json.loads(data)
    for _ in range(chance.randint(1, 3)):
        path = chance.choice(places(document))
        parent = document
        for step in path[:-1]:
            parent = parent[step]
        match chance.choice(("drop", "odd", "odd", "copy", "text", "text", "double")):
            case "drop":
                del parent[path[-1]]
            case "odd":
                parent[path[-1]] = json.loads(json.dumps(chance.choice(ODD)))
            case "copy":
                other = chance.choice(places(document))
                value = document
                for step in other:
                    value = value[step]
                parent[path[-1]] = json.loads(json.dumps(value))
            case "double" if isinstance(parent, list):
                parent.insert(path[-1], json.loads(json.dumps(parent[path[-1]])))
            case _ if isinstance(text := parent[path[-1]], str) and text:
                at = chance.randrange(len(text))
                parent[path[-1]] = text[:at] + chance.choice("AZaz09-_+= \n.é") + text[at + chance.randint(0, 1) :]
            case _:
                pass
    return json.dumps(document, ensure_ascii=chance.random() < 0.5).encode()
