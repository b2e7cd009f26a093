"""TOML as people write it for intake: linking.toml, and mappings that were asked for once."""

from __future__ import annotations

import tomllib

from armslength.estate import setting_lines
from armslength.intake.node import Node, below
from armslength.intake.problem import Problems

LONGEST = 16_000_000
"""Bytes; more is nobody's handwriting."""


def toml_node(file: str, data: bytes, problems: Problems) -> Node | None:
    """The document, or None after what is wrong was reported. Problems in it have lines."""
    if len(data) > LONGEST:
        problems.add(file, f"has {len(data):,} bytes: expected at most {LONGEST:,}")
        return None
    try:
        text = data.decode("utf-8-sig")
        values = tomllib.loads(text)
    except UnicodeDecodeError as error:
        problems.add(file, f"is not UTF-8: {error.reason} at byte {error.start:,}: save it again as UTF-8")
        return None
    except RecursionError:
        problems.add(file, "is nested too deeply: expected few levels")
        return None
    except ValueError as error:
        problems.add(file, f"is not TOML: {error}")
        return None
    lines = {}
    for parts, line in setting_lines(text).items():
        path = "$"
        for part in parts:
            path = f"{path}[{part}]" if isinstance(part, int) else below(path, part)
        lines[path] = line
    problems.know_lines(file, lines)
    return Node(values, file, "$", problems)
