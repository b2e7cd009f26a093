"""Reads an estate from disk or from a git revision. Everything that can go wrong out there becomes an `EstateError`.

read(location) -> Parsed       a folder, or `REV:PATH` in the repository around the current folder
find(location) -> Source       the bytes alone, and words for where they came from
parsed(source) -> Parsed       the estate of such bytes
describe(location) -> str      the words alone
"""

from armslength.store.location import describe, find, parsed, read
from armslength.store.source import Source

__all__ = ["Source", "describe", "find", "parsed", "read"]
