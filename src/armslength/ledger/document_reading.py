"""Reading a JSON document whose every key is known, with every problem told and none repaired."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from armslength.ledger.hash_list import parse_hashes
from armslength.ledger.strict_json import SAFE
from armslength.tlog import Checkpoint, Malformed, Note, parse_base64url

MOST_PROBLEMS = 50
"""Problems that are told; the others are counted."""

_T = TypeVar("_T")


class NotReadable(Exception):
    """The bytes are not of the format; `problems` says why, a line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


class Reading:
    """What is wrong so far. Each method gives the value at `where`, or None and one problem more."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def told(self) -> list[str]:
        more = len(self.problems) - MOST_PROBLEMS
        return self.problems[:MOST_PROBLEMS] + ([f"and {more:,} problems more"] if more > 0 else [])

    def problem(self, where: str, message: str) -> None:
        self.problems.append(f"{where}: {message}")

    def tried(self, where: str, make: Callable[[], _T]) -> _T | None:
        try:
            return make()
        except Malformed as error:
            self.problem(where, str(error))
            return None

    def members(
        self, value: Any, where: str, keys: set[str], optional: set[str] | None = None
    ) -> dict[str, Any] | None:
        """An object with these keys."""
        if type(value) is not dict:
            self.problem(where, f"expected an object with {_listed(keys)}")
            return None
        missing, unknown = keys - value.keys(), value.keys() - keys - (optional or set())
        if missing:
            self.problem(where, f"has no {_listed(missing)}")
        if unknown:
            self.problem(where, f"has the unknown key {_listed(unknown)}")
        return None if missing or unknown else value

    def items(self, value: Any, where: str) -> list[Any]:
        if type(value) is list:
            return value
        self.problem(where, "expected an array")
        return []

    def text(self, value: Any, where: str) -> str | None:
        if type(value) is str:
            return value
        self.problem(where, "expected a text")
        return None

    def whole(self, value: Any, where: str, least: int = 0, most: int = SAFE) -> int | None:
        """`1.0` is the number 1, as in every reader of JSON that has one sort of number."""
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is int and least <= value <= most:
            return value
        self.problem(where, f"expected a whole number from {least} to {most}")
        return None

    def bytes32(self, value: Any, where: str) -> bytes | None:
        text = self.text(value, where)
        return None if text is None else self.tried(where, lambda: parse_base64url(text, 32))

    def hashes(self, value: Any, where: str) -> tuple[bytes, ...]:
        texts = self.items(value, where)
        try:
            return tuple(parse_hashes(texts))
        except (Malformed, TypeError):  # TypeError: not all are texts
            for i, text in enumerate(texts):
                self.bytes32(text, f"{where}[{i}]")
            return ()

    def entries(self, value: Any, where: str) -> tuple[bytes, ...]:
        """Texts as their bytes. Half a surrogate pair is in no entry, and no bytes stand for it."""
        texts = self.items(value, where)
        try:
            return tuple([text.encode("utf-8") for text in texts])
        except (AttributeError, UnicodeEncodeError):
            for i, text in enumerate(texts):
                if type(text) is not str or not text.isascii():
                    self.problem(f"{where}[{i}]", "expected the text of an entry")
            return ()

    def note(self, value: Any, where: str) -> tuple[Note, Checkpoint] | None:
        """A signed checkpoint, and what it says."""
        text = self.text(value, where)
        if text is None:
            return None
        signed = self.tried(where, lambda: Note.parse(text))
        said = None if signed is None else self.tried(where, lambda: Checkpoint.parse(signed.text))
        return None if signed is None or said is None else (signed, said)

    def form(self, value: Any, expected: str) -> None:
        if value != expected:
            self.problem("format", f'expected "{expected}"')


def _listed(keys: set[str]) -> str:
    return ", ".join(f'"{key[:40]}"' for key in sorted(keys)[:10])
