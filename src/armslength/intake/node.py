"""A part of a document and where it stands: whatever has another shape than expected is reported with its path.

Readers give a value of the right kind always: an empty one after they reported what is wrong, so that one run reports
everything. `Problems.stop` ends the run before anything is made of such values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from armslength.intake.problem import Problems

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
SHOWN = 60
"""Characters of a wrong value that are repeated to the user."""


@dataclass(frozen=True, slots=True)
class Node:
    """`value` as the reader of the format gave it: dict, list, str, int, float, bool or None."""

    value: object
    file: str
    path: str
    problems: Problems

    @property
    def origin(self) -> str:
        """Where a row came from: `roles.json $.Roles[3]`."""
        return f"{self.file} {self.path}"

    def wrong(self, message: str) -> None:
        self.problems.add(self.file, message, path=self.path)

    def has(self, key: str) -> bool:
        """Whether the key is there and is not null."""
        return isinstance(self.value, dict) and self.value.get(key) is not None

    def at(self, key: str) -> Node:
        """The part under a key, null if there is none. What is no object is reported."""
        return Node(self.object().get(key), self.file, self._below(key), self.problems)

    def object(self) -> Mapping[str, object]:
        if isinstance(self.value, dict):
            return self.value
        self._expected("an object")
        return {}

    def members(self) -> Iterator[tuple[str, Node]]:
        """Every key with its part."""
        for key, value in self.object().items():
            yield key, Node(value, self.file, self._below(key), self.problems)

    def items(self) -> Iterator[Node]:
        """The elements of an array; null is an empty one."""
        if isinstance(self.value, list):
            for place, value in enumerate(self.value):
                yield Node(value, self.file, f"{self.path}[{place}]", self.problems)
        elif self.value is not None:
            self._expected("an array")

    def one_or_more(self) -> Iterator[Node]:
        """The elements of an array, or the one value that stands without it, as policies of AWS have it."""
        if isinstance(self.value, list):
            yield from self.items()
        elif self.value is not None:
            yield self

    def text(self) -> str:
        """A text that is not empty and holds nothing that a terminal or a table would obey."""
        if isinstance(self.value, str) and self.value.strip():
            if not self.value.isprintable():
                self.wrong(f"{spelled(self.value)}: expected text without control characters")
                return ""
            return self.value.strip()
        self._expected("a text that is not empty")
        return ""

    def text_or(self, default: str = "") -> str:
        """As `text`, and `default` where there is none or an empty one."""
        if self.value is None or self.value == "":
            return default
        return self.text()

    def texts(self) -> list[str]:
        """An array of texts, or one text alone."""
        return [found for part in self.one_or_more() if (found := part.text())]

    def flag(self, default: bool = False) -> bool:
        if self.value is None:
            return default
        if isinstance(self.value, bool):
            return self.value
        self._expected("true or false")
        return default

    def whole(self, default: int | None = None) -> int:
        """A whole number."""
        if isinstance(self.value, int) and not isinstance(self.value, bool):
            return self.value
        if self.value is None and default is not None:
            return default
        self._expected("a whole number")
        return default or 0

    def _expected(self, what: str) -> None:
        if self.value is None:
            self.wrong(f"is missing: expected {what}")
        else:
            self.wrong(f"{spelled(self.value)}: expected {what}")

    def _below(self, key: str) -> str:
        return below(self.path, key)


def below(path: str, key: str) -> str:
    """The path of what stands under a key."""
    return f"{path}.{key}" if _PLAIN.fullmatch(key) else f"{path}[{json.dumps(key[:SHOWN])}]"


def spelled(value: object) -> str:
    """A value as a message repeats it: short, and nothing of what lies within."""
    match value:
        case dict():
            return "an object"
        case list():
            return "an array"
        case _:
            text = json.dumps(value, ensure_ascii=True, default=str)
            return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
