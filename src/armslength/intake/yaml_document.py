"""YAML as exports have it: the part of it that JSON has, in documents one after another.

Anchors and aliases are refused (a few lines of them can stand for a billion), as are tags, merge keys and a key that
comes twice. Plain words mean what YAML 1.2 says: `NO` is a text, and so is a date.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

from armslength.intake.node import Node
from armslength.intake.problem import IntakeError, Problems

DEEPEST = 100
"""Mappings and sequences in one another."""
TOLD = 20
"""Keys that come twice, told in one file."""

_INT = re.compile(r"[-+]?[0-9]{1,40}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, object] = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    word: word.casefold() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}


def yaml_nodes(file: str, data: bytes, problems: Problems) -> list[Node]:
    """Each document of the stream (empty ones left out), or what could be had before something wrong was reported.

    Raises `IntakeError` where PyYAML is not installed.
    """
    try:
        import yaml
    except ImportError:
        from armslength.estate import Problem

        missing = "is YAML, and PyYAML is not installed: pip install 'armslength[intake]', or export it as JSON"
        raise IntakeError([Problem(file=file, message=missing)]) from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.add(file, f"is not UTF-8: {error.reason} at byte {error.start:,}: save it again as UTF-8")
        return []
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    reading = _Reading(file, problems)
    try:
        return reading.documents(yaml.parse(io.StringIO(text), Loader=loader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or " ".join(str(error).split())
        problems.add(file, f"is no YAML: {said}", line=mark.line + 1 if mark is not None else None)
    except _Stopped:
        pass
    return []


class _Stopped(Exception):
    """What is wrong was reported, and nothing of the file can be used."""


class _Reading:
    """Builds values from the parser's events without recursion, so that nesting is counted, not suffered."""

    def __init__(self, file: str, problems: Problems) -> None:
        self._file, self._problems = file, problems
        self._twice = 0

    def documents(self, events: Iterator[Any]) -> list[Node]:
        found: list[Node] = []
        for event in events:
            if type(event).__name__ == "DocumentStartEvent":
                value = self._value(next(events), events)
                if value is not None:
                    path = "$" if not found else f"$[document {len(found) + 1}]"
                    found.append(Node(value, self._file, path, self._problems))
        return found

    def _value(self, first: Any, events: Iterator[Any]) -> object:
        root: list[object] = []
        open_: list[tuple[dict[str, object] | list[object], list[str]]] = [(root, [])]
        event = first
        while True:
            kind = type(event).__name__
            if kind == "AliasEvent" or getattr(event, "anchor", None) is not None:
                self._stop(event, "has an anchor or an alias: expected plain YAML, written out")
            match kind:
                case "ScalarEvent":
                    self._put(open_, self._scalar(event), event)
                case "MappingStartEvent" | "SequenceStartEvent":
                    if event.tag is not None:
                        self._stop(event, f"has the tag {event.tag!r}: expected plain YAML")
                    made: dict[str, object] | list[object] = {} if kind == "MappingStartEvent" else []
                    self._put(open_, made, event)
                    open_.append((made, []))
                    if len(open_) > DEEPEST:
                        self._stop(event, f"is nested deeper than {DEEPEST}: expected less")
                case "MappingEndEvent" | "SequenceEndEvent":
                    open_.pop()
                case _:
                    pass
            if len(open_) == 1:
                return root[0]
            event = next(events)

    def _put(self, open_: list[tuple[dict[str, object] | list[object], list[str]]], value: object, at: Any) -> None:
        into, key = open_[-1]
        if isinstance(into, list):
            into.append(value)
        elif not key:
            if isinstance(value, dict | list):
                self._stop(at, "has a key that is no text: expected one")
            key.append(self._key(at, into))
        else:
            into[key.pop()] = value

    def _key(self, event: Any, into: dict[str, object]) -> str:
        name: str = getattr(event, "value", "")
        if name == "<<" and not event.style:
            self._stop(event, "has a merge key: expected plain YAML, written out")
        if name in into:
            self._twice += 1
            if self._twice <= TOLD:
                self._problems.add(
                    self._file, f"the key {name[:60]!r} comes twice in one mapping: expected it once", line=_line(event)
                )
        return name

    def _scalar(self, event: Any) -> object:
        text: str = event.value
        if event.tag not in (None, "!"):
            self._stop(event, f"has the tag {event.tag!r}: expected plain YAML")
        if event.style:
            return text  # quoted or a block
        if text in _WORDS:
            return _WORDS[text]
        if _INT.fullmatch(text):
            return int(text)
        return float(text) if _FLOAT.fullmatch(text) else text

    def _stop(self, event: Any, message: str) -> None:
        self._problems.add(self._file, message, line=_line(event))
        raise _Stopped


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1
