"""Reading a form: a JSON object with exactly the members that it must have, and every problem of it at once.

What is signed or recorded has one spelling, so a form with a member too many, too few or of another type is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from armslength.gate.failure import Rejected
from armslength.gate.moment import EARLIEST, Moment, parse_moment, read_seconds
from armslength.tlog import Json, Malformed, parse_base64url

LARGEST_NUMBER = 2**53 - 1
LONGEST_BYTES = 65_535

_Made = TypeVar("_Made")
_Instead = TypeVar("_Instead")


class Form:
    """The members of `value`, which are exactly `names`; `what` is its name in messages.

    A member that is not what it must be is noted and a stand-in of the right type returned, so that reading goes on to
    the next one; `done` raises what was noted. Nothing of a form is to be used before that.
    """

    def __init__(self, value: Json, what: str, names: frozenset[str]) -> None:
        self._what = what
        self._problems: list[str] = []
        self._members: Mapping[str, Json] = {}
        if not isinstance(value, Mapping):
            self._problems.append(f"the {what} is {_shown(value)}, expected an object")
            return
        self._members = value
        if missing := sorted(names - value.keys()):
            self._problems.append(f"the {what} lacks {', '.join(missing)}")
        if unknown := sorted(str(name)[:40] for name in value.keys() - names):
            self._problems.append(f"the {what} has unknown members: {', '.join(unknown)}")

    def done(self) -> None:
        """Raises `Rejected` with every problem."""
        if self._problems:
            raise Rejected(self._problems)

    def has(self, name: str) -> bool:
        """Whether the member is there and not null."""
        return self._members.get(name) is not None

    def exactly(self, name: str, expected: int | str) -> None:
        value = self._members.get(name)
        if name in self._members and (type(value) is not type(expected) or value != expected):
            self._wrong(name, value, repr(expected))

    def text(self, name: str) -> str:
        value = self._members.get(name)
        if isinstance(value, str):
            return value
        self._wrong(name, value, "text")
        return ""

    def number(self, name: str) -> int:
        """From 0 to 2^53 - 1."""
        value = self._members.get(name)
        if type(value) is int and 0 <= value <= LARGEST_NUMBER:
            return value
        self._wrong(name, value, "a whole number")
        return 0

    def seconds(self, name: str) -> Moment:
        """POSIX seconds, up to the end of the year 9999."""
        return self.made(name, self.number(name), read_seconds, EARLIEST)

    def flag(self, name: str) -> bool:
        value = self._members.get(name)
        if isinstance(value, bool):
            return value
        self._wrong(name, value, "true or false")
        return False

    def moment(self, name: str) -> Moment:
        return self.made(name, self.text(name), parse_moment, EARLIEST)

    def base64url(self, name: str) -> bytes:
        """Bytes in base64url."""
        return self.made(name, self.text(name), read_bytes, b"")

    def digest(self, name: str) -> bytes:
        """32 bytes in lower-case hex."""
        return self.made(name, self.text(name), read_digest, bytes(32))

    def mapping(self, name: str) -> Mapping[str, Json]:
        value = self._members.get(name)
        if isinstance(value, Mapping):
            return value
        self._wrong(name, value, "an object")
        return {}

    def items(self, name: str) -> Sequence[Json]:
        value = self._members.get(name)
        if isinstance(value, list | tuple):
            return value
        self._wrong(name, value, "a list")
        return ()

    def texts(self, name: str) -> tuple[str, ...]:
        values = self.items(name)
        if all(isinstance(value, str) for value in values):
            return tuple(str(value) for value in values)
        self._wrong(name, values, "a list of texts")
        return ()

    def inner(self, name: str, read: Callable[[Json], _Made], instead: _Instead) -> _Made | _Instead:
        """The member as `read` reads it, which raises `Rejected`."""
        return self.made(name, self._members.get(name), read, instead)

    def made(self, name: str, value: Json, read: Callable[..., _Made], instead: _Instead) -> _Made | _Instead:
        if name not in self._members:
            return instead  # that it is missing is told already
        try:
            return read(value)
        except Rejected as error:
            self._problems.extend(f"{name}: {problem}" for problem in error.problems)
            return instead

    def _wrong(self, name: str, value: Json, expected: str) -> None:
        if name in self._members:
            self._problems.append(f"the {self._what}'s {name} is {_shown(value)}, expected {expected}")


def read_bytes(text: str) -> bytes:
    """The bytes that this base64url spells. Raises `Rejected`."""
    size = len(text) * 3 // 4
    if size > LONGEST_BYTES:
        raise Rejected([f"{size} bytes, expected at most {LONGEST_BYTES}"])
    try:
        return parse_base64url(text, size)
    except Malformed:
        raise Rejected([f"{text[:40]!r} is not base64url, unpadded"]) from None


def read_digest(text: str) -> bytes:
    """32 bytes in lower-case hex. Raises `Rejected`."""
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) != 32 or digest.hex() != text:
        raise Rejected([f"{text[:70]!r} is not a SHA-256 in lower-case hex"])
    return digest


def _shown(value: Json) -> str:
    return f"{value!r:.60}"
