"""The estate digest (semantics, "The estate"): SHA-256 over the RFC 8785 form of everything that was said.

    {"policy": text, "settings": estate.toml with defaults filled in, "tables": {name: rows}}

All nine tables are there, an absent one as `[]`; a row has every known column of its table but `source` and `as_of`,
"" where a cell or column is empty; rows are sorted by the bytes of their own RFC 8785 form, repeated ones once. In the
people table a column that `distinct` of some terms names is known as well: quorums are judged by it. The policy is the
text without its byte order mark, "" where there is none. Settings that have no default and are not set are left out.

The digest says what an estate means. `content` says which files made it, whatever the gate would make of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

import polars as pl
import rfc8785

from armslength.estate.columns import COLUMNS, ORIGIN, POLICY, SETTINGS
from armslength.estate.model import Estate, Table
from armslength.estate.sheet import coded, is_little

CHUNK = 50_000
"""Rows turned to bytes at one time."""


def digest(estate: Estate) -> str:
    """The digest in lower-case hexadecimal: the same for CSV and Parquet, for any order of rows."""
    whole = hashlib.sha256()
    policy = estate.policy.text if estate.policy is not None else ""
    settings: dict[str, object] = dict(estate.settings.parsed)
    whole.update(b'{"policy":' + rfc8785.dumps(policy))
    whole.update(b',"settings":' + rfc8785.dumps(settings))  # type: ignore[arg-type]
    whole.update(b',"tables":{')
    for place, name in enumerate(sorted(COLUMNS)):
        whole.update(b"," if place else b"")
        whole.update(rfc8785.dumps(name) + b":[")
        for part in _rows(estate.tables[name], _known(name, estate)):
            whole.update(part)
        whole.update(b"]")
    whole.update(b"}}")
    return whole.hexdigest()


def content(estate: Estate, files: Mapping[str, bytes]) -> str:
    """SHA-256, in hex, of the files that made the estate, but for `source` and `as_of`: over the RFC 8785 form of
    `{file: SHA-256 in hex}`. Of a table that is the hash of the RFC 8785 form of `{column: [cells in the file's
    order]}`, cells without spaces around them, for every column of the file but those two; of other files, that of
    their bytes."""
    tables = {table.file: table for table in estate.tables.values() if table.columns}
    hashes: dict[str, str] = {}
    for name, table in tables.items():
        hashes[name] = _cells(table)
    for name in (SETTINGS, POLICY):
        if name in files:
            hashes[name] = hashlib.sha256(files[name]).hexdigest()
    return hashlib.sha256(rfc8785.dumps(hashes)).hexdigest()


def _known(table: str, estate: Estate) -> list[str]:
    """The columns that a row of this table has here, in the order of RFC 8785."""
    known = set(COLUMNS[table])
    if table == "people":
        known.update(column for terms in estate.settings.terms for column in terms.distinct)
    return _in_order(known)


def _in_order(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: name.encode("utf-16-be"))


def _cells(table: Table) -> str:
    whole = hashlib.sha256(b"{")
    for place, name in enumerate(_in_order(name for name in table.columns if name not in ORIGIN)):
        whole.update(b"," if place else b"")
        whole.update(rfc8785.dumps(name) + b":[")
        cells = _canonical(table.columns[name])
        for start in range(0, len(cells), CHUNK):
            whole.update(f"{',' if start else ''}{','.join(cells.slice(start, CHUNK).to_list())}".encode())
        whole.update(b"]")
    whole.update(b"}")
    return whole.hexdigest()


def _rows(table: Table, known: list[str]) -> Iterator[bytes]:
    """The canonical rows, joined by commas, in pieces."""
    if not len(table):
        return
    size = sum(int(table.columns[name].estimated_size()) for name in known if name in table.columns)
    yield from _by_python(table, known) if is_little(len(table), size) else _by_polars(table, known)


def _by_python(table: Table, known: list[str]) -> Iterator[bytes]:
    pieces: list[list[str]] = []
    for place, name in enumerate(known):
        start = f"{',' if place else '{'}{rfc8785.dumps(name).decode()}:"
        if name in table.columns:
            cells = coded(table.columns[name])
            said = [start + rfc8785.dumps(value).decode() for value in cells.values]
            pieces.append([said[code] for code in cells.codes.tolist()])
        else:
            pieces.append([f'{start}""'] * len(table))
    # Texts in the order of their code points are in that of their bytes.
    yield ",".join(sorted({f"{''.join(row)}}}" for row in zip(*pieces, strict=True)})).encode()


def _by_polars(table: Table, known: list[str]) -> Iterator[bytes]:
    pieces: list[pl.Series | pl.Expr] = []
    for place, name in enumerate(known):
        start = f"{',' if place else '{'}{rfc8785.dumps(name).decode()}:"
        if name in table.columns:
            pieces += [pl.lit(start), _canonical(table.columns[name]).alias(f"column{place}")]
        else:
            pieces.append(pl.lit(f'{start}""'))
    pieces.append(pl.lit("}"))
    columns = [piece for piece in pieces if isinstance(piece, pl.Series)]
    parts = [pl.col(piece.name) if isinstance(piece, pl.Series) else piece for piece in pieces]
    rows = pl.DataFrame(columns).select(row=pl.concat_str(parts))["row"]
    del pieces, columns, parts  # the text of the cells is not needed beside that of the rows
    rows = rows.unique().sort()
    for start_row in range(0, len(rows), CHUNK):
        part = ",".join(rows.slice(start_row, CHUNK).to_list())
        yield f"{',' if start_row else ''}{part}".encode()


def _canonical(column: pl.Series) -> pl.Series:
    """Every cell as a canonical JSON string; each distinct text is escaped once."""
    cells = coded(column)
    escaped = pl.Series([rfc8785.dumps(value).decode() for value in cells.values], dtype=pl.String)
    return escaped.gather(pl.Series(cells.codes))
