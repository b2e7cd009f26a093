"""Thrift's compact protocol, reading only: the form of Parquet's own description of itself."""

from __future__ import annotations

from dataclasses import dataclass

DEEPEST = 16
"""Structs within structs; Parquet's footer has six."""

_STOP, _TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(13)
_CONTAINERS = (_LIST, _SET)

Value = bool | int | bytes | list["Value"] | dict[int, "Value"] | None


class Malformed(Exception):
    """The bytes are not what they should be."""


@dataclass(slots=True)
class Thrift:
    """Reads values from `data` beginning at `at`; every step is checked against the end."""

    data: bytes
    at: int = 0

    def struct(self, depth: int = 0) -> dict[int, Value]:
        """Fields by number."""
        if depth > DEEPEST:
            raise Malformed("is nested too deeply")
        fields: dict[int, Value] = {}
        number = 0
        while (head := self._byte()) != _STOP:
            number = number + (head >> 4) if head >> 4 else self._signed()
            kind = head & 15
            fields[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth + 1)
        return fields

    def _byte(self) -> int:
        if not 0 <= self.at < len(self.data):
            raise Malformed("ends too early")
        self.at += 1
        return self.data[self.at - 1]

    def _unsigned(self) -> int:
        number = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            number |= (byte & 127) << shift
            if byte < 128:
                return number
        raise Malformed("holds a number that is too long")

    def _signed(self) -> int:
        number = self._unsigned()
        return (number >> 1) ^ -(number & 1)

    def _bytes(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            raise Malformed("ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def _value(self, kind: int, depth: int) -> Value:
        if kind in (_TRUE, _FALSE):  # in a list each has a byte of its own
            return self._byte() == _TRUE
        if kind == _BYTE:
            return self._byte()
        if kind in (_I16, _I32, _I64):
            return self._signed()
        if kind == _DOUBLE:
            return self._bytes(8)
        if kind == _BINARY:
            return self._bytes(self._unsigned())
        if kind in _CONTAINERS:
            return self._list(depth)
        if kind == _STRUCT:
            return self.struct(depth)
        raise Malformed("holds a value of no known kind")

    def _list(self, depth: int) -> list[Value]:
        if depth > DEEPEST:
            raise Malformed("is nested too deeply")
        head = self._byte()
        count = head >> 4 if head >> 4 < 15 else self._unsigned()
        if count > len(self.data) - self.at:  # every item takes a byte at least
            raise Malformed("ends too early")
        return [self._value(head & 15, depth + 1) for _ in range(count)]
