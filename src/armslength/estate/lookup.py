"""What the parts of an estate need to know of each other while they are made, and how an array is sealed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from armslength.estate.model import Bytes, Ints
from armslength.estate.names import Names


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """What the parts need to know of each other."""

    names: Names
    states: Mapping[str, int]
    actions: Mapping[str, int]

    def state(self, code: str) -> int | str:
        return message if (message := self.names.state(code)) is not None else self.states.get(code, 0)


def freeze(array: Ints) -> Ints:
    """The array itself, read-only from here on."""
    array.setflags(write=False)
    return array


def freeze_bytes(array: Bytes) -> Bytes:
    """As `freeze`."""
    array.setflags(write=False)
    return array
