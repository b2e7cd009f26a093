"""What a Parquet file says of itself, checked against its bytes before anything is unpacked.

A few bytes can claim billions of rows, or unpack to more than any memory. So the footer and every page's header are
read here first: offsets must lie in the file, counts must agree, and the whole must stay within limits.
"""

from __future__ import annotations

from dataclasses import dataclass

from armslength.estate.thrift import Malformed, Thrift, Value

MOST_CELLS = 100_000_000
"""Cells of one table (a cell takes some 16 bytes when read)."""
MOST_BYTES = 2**31
"""Bytes of one table when unpacked."""
LONGEST_FOOTER = 4_000_000
"""Bytes of a footer: room for some thousand row groups."""
LARGEST_NUMBER = 2**62

_MAGIC = b"PAR1"
_PREFIXES_SHARED = 7  # DELTA_BYTE_ARRAY: a value may repeat all of the one before it, so a page has no bound
_ENCODINGS = frozenset({0, 2, 3, 4, 5, 6, _PREFIXES_SHARED, 8, 9})
_DATA, _INDEX, _DICTIONARY, _DATA_2 = range(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """`flat`: names of the columns that hold one value a row, in order; `nested`: those that hold more."""

    rows: int
    flat: tuple[str, ...]
    nested: tuple[str, ...]


def shape(data: bytes) -> Shape:
    """The shape of a whole Parquet file. Raises `Malformed`."""
    if len(data) < 12 or not data.startswith(_MAGIC) or not data.endswith(_MAGIC):
        raise Malformed("does not begin and end as one, or is encrypted")
    length = int.from_bytes(data[-8:-4], "little")
    start = len(data) - 8 - length
    if start < 4 or length > LONGEST_FOOTER:
        raise Malformed(f"its footer claims {length} bytes")
    footer = Thrift(data[start:-8]).struct()
    flat, nested, leaves = _columns(_structs(footer, 2))
    rows = _number(footer, 3)
    groups = _structs(footer, 4)
    cells = unpacked = total = 0
    for group in groups:
        group_rows = _number(group, 3)
        total += group_rows
        chunks = _structs(group, 1)
        if len(chunks) != len(leaves):
            raise Malformed(f"a row group has {len(chunks)} columns and the file {len(leaves)}")
        for chunk, leaf_is_flat in zip(chunks, leaves, strict=True):
            values, size = _chunk(data, start, _struct(chunk, 3))
            if leaf_is_flat and values != group_rows:
                raise Malformed(f"a column has {values} values for {group_rows} rows")
            cells += values
            unpacked += size
            if cells > MOST_CELLS:
                raise Malformed(f"claims more than {MOST_CELLS} cells")
            if unpacked > MOST_BYTES:
                raise Malformed(f"would take more than {MOST_BYTES} bytes when unpacked")
    if total != rows:
        raise Malformed(f"claims {rows} rows and has {total}")
    if rows > MOST_CELLS:
        raise Malformed(f"claims more than {MOST_CELLS} rows")
    return Shape(rows=rows, flat=flat, nested=nested)


def _columns(schema: list[dict[int, Value]]) -> tuple[tuple[str, ...], tuple[str, ...], list[bool]]:
    """Names of the flat and the nested columns, and whether each leaf is flat, from the schema's tree in its flat
    form."""
    if not schema:
        raise Malformed("has no schema")
    flat: list[str] = []
    nested: list[str] = []
    leaves: list[bool] = []
    at = 1
    for _ in range(_number(schema[0], 5, absent=0)):
        if at >= len(schema):
            raise Malformed("its schema ends too early")
        element = schema[at]
        single = not _number(element, 5, absent=0) and _number(element, 3, absent=0) != 2  # 2: repeated
        (flat if single else nested).append(_text(element, 4))
        waiting = 1
        while waiting:
            if at >= len(schema):
                raise Malformed("its schema ends too early")
            children = _number(schema[at], 5, absent=0)
            if not children:
                leaves.append(single)
            waiting += children - 1
            at += 1
    if at != len(schema):
        raise Malformed("its schema goes on after its last column")
    return tuple(flat), tuple(nested), leaves


def _chunk(data: bytes, end: int, facts: dict[int, Value]) -> tuple[int, int]:
    """Values and unpacked bytes of one column in one row group, from the headers of its pages."""
    values, packed = _number(facts, 5), _number(facts, 7)
    at = _number(facts, 9)
    if 11 in facts:  # the dictionary stands before the first page
        dictionary = _number(facts, 11)
        if not 4 <= dictionary < at:
            raise Malformed("a dictionary lies outside its column")
        at = dictionary
    stop = at + packed
    is_packed = _number(facts, 4) != 0
    if at < 4 or stop > end:
        raise Malformed("a column lies outside the file")
    seen = size = 0
    while at < stop and seen < values:
        reader = Thrift(data, at)
        header = reader.struct()
        kind, plain, kept = _number(header, 1), _number(header, 2), _number(header, 3)
        at = reader.at + kept
        size += plain
        if at > stop:
            raise Malformed("a page lies outside its column")
        if not is_packed and plain != kept:
            raise Malformed("a page that is not packed has two sizes")
        if kind in (_DATA, _DATA_2):
            page = _struct(header, 5 if kind == _DATA else 8)
            seen += _number(page, 1)
            encoding = _number(page, 2 if kind == _DATA else 4)
            if encoding not in _ENCODINGS:
                raise Malformed(f"has a page in the unknown encoding {encoding}")
            if encoding == _PREFIXES_SHARED:
                raise Malformed(
                    "is written with shared prefixes (DELTA_BYTE_ARRAY): write it plain or with a dictionary"
                )
        elif kind == _DICTIONARY:
            _number(_struct(header, 7), 1)
        elif kind != _INDEX:
            raise Malformed(f"has a page of the unknown kind {kind}")
    if seen != values:
        raise Malformed(f"a column claims {values} values and its pages {seen}")
    return values, size


def _number(fields: dict[int, Value], place: int, absent: int | None = None) -> int:
    value = fields.get(place, absent)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < LARGEST_NUMBER:
        raise Malformed("a count or an offset is missing or wrong")
    return value


def _text(fields: dict[int, Value], place: int) -> str:
    value = fields.get(place)
    try:
        if isinstance(value, bytes):
            return value.decode()
    except UnicodeDecodeError:
        pass
    raise Malformed("a column's name is missing or no text")


def _struct(fields: dict[int, Value], place: int) -> dict[int, Value]:
    value = fields.get(place)
    if not isinstance(value, dict):
        raise Malformed("a part of its description is missing")
    return value


def _structs(fields: dict[int, Value], place: int) -> list[dict[int, Value]]:
    value = fields.get(place)
    if not isinstance(value, list):
        raise Malformed("a part of its description is missing")
    found = [item for item in value if isinstance(item, dict)]
    if len(found) != len(value):
        raise Malformed("a part of its description is of the wrong kind")
    return found
