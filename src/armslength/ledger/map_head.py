"""A map head: the entry by which the main log vouches for the map from customers' handles to their own logs.

docs/formats/record.md fixes the bytes, docs/formats/map.md what the root is the root of.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from armslength.ledger.minute import format_minute, parse_minute
from armslength.ledger.record import LAST_SEQUENCE
from armslength.tlog import Malformed, format_base64url, parse_base64url

_LEAF = re.compile(
    rb'\{"customers":(0|[1-9][0-9]{0,15}),"kind":"map","map":"([A-Za-z0-9_-]{43})"'
    rb',"size":(0|[1-9][0-9]{0,15}),"time":"([0-9T:Z-]{17})","version":1\}'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MapHead:
    """`size` is the head's own index in the main log: the map covers exactly the entries before it. `customers` is how
    many handles it holds, the firm's included; `root` its root, 32 bytes; `time` POSIX seconds of a whole minute."""

    size: int
    customers: int
    root: bytes
    time: int

    def __post_init__(self) -> None:
        """Raises `Malformed` for a value that no leaf can hold."""
        if len(self.root) != 32:
            raise Malformed(f"the root of a map has 32 bytes, not {len(self.root)}")
        for name, number in (("size", self.size), ("customers", self.customers)):
            if not 0 <= number <= LAST_SEQUENCE:
                raise Malformed(f"the {name} of a map head, {number}, is not between 0 and 2^53 - 1")
        if self.customers > self.size:
            raise Malformed(f"a map of {self.customers} customers cannot cover only {self.size} entries")
        format_minute(self.time)

    def leaf(self) -> bytes:
        return (
            f'{{"customers":{self.customers},"kind":"map","map":"{format_base64url(self.root)}"'
            f',"size":{self.size},"time":"{format_minute(self.time)}","version":1}}'
        ).encode("ascii")


def parse_map_head(leaf: bytes) -> MapHead:
    """The map head whose leaf this is, to the byte. Raises `Malformed`."""
    found = _LEAF.fullmatch(leaf)
    if found is None:
        raise Malformed(f'not the leaf of a map head, version 1: "{leaf[:120].decode("utf-8", "backslashreplace")}"')
    customers, root, size, time = (group.decode("ascii") for group in found.groups())
    return MapHead(size=int(size), customers=int(customers), root=parse_base64url(root, 32), time=parse_minute(time))
