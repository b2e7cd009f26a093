"""A harvest as files: one CSV table for each kind of row that it has, and `source.toml`, which says what it is."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from armslength.estate import Problem
from armslength.intake.harvest import FIELDS, Harvest
from armslength.intake.problem import IntakeError, Problems

SOURCE = "source.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A harvest that was read back, or is to be kept: `tables` by kind of row, all columns text and none null.

    `as_of`: the day on which the source said so. `inputs`: what it was made from, for people, without credentials."""

    name: str
    kind: str
    as_of: dt.date
    inputs: tuple[str, ...]
    tables: Mapping[str, pl.DataFrame]

    def table(self, name: str) -> pl.DataFrame:
        """The rows of a kind; none if there are none."""
        found = self.tables.get(name)
        return found if found is not None else pl.DataFrame(schema=dict.fromkeys(FIELDS[name], pl.String))


def kept(harvest: Harvest, *, as_of: dt.date, inputs: tuple[str, ...]) -> Kept:
    """The rows of the harvest, which is empty afterwards. Raises `IntakeError` for text that no file can hold."""
    tables = {}
    for table in FIELDS:
        if not harvest.count(table):
            continue
        try:
            tables[table] = pl.DataFrame(harvest.release(table), schema=dict.fromkeys(FIELDS[table], pl.String))
        except UnicodeEncodeError:
            message = f"half a surrogate pair stands in its {table}: such text means nothing: mend it in the source"
            raise IntakeError([Problem(file=harvest.name, message=message)]) from None
    return Kept(name=harvest.name, kind=harvest.kind, as_of=as_of, inputs=inputs, tables=tables)


def harvest_files(harvest: Kept) -> dict[str, bytes]:
    """File names and contents; the same harvest gives the same bytes."""
    files = {f"{name}.csv": csv_bytes(frame) for name, frame in sorted(harvest.tables.items())}
    about = (
        "# What this folder holds, and since when. `armslength intake` writes it anew.\n"
        f"name = {json.dumps(harvest.name)}\n"
        f"kind = {json.dumps(harvest.kind)}\n"
        f"as_of = {json.dumps(harvest.as_of.isoformat())}\n"
        f"inputs = {json.dumps(list(harvest.inputs))}\n"
        "\n[sha256]  # a table that was lost or cut short must not pass for a smaller source\n"
        + "".join(f"{json.dumps(name)} = {json.dumps(_hash(data))}\n" for name, data in files.items())
    )
    return {SOURCE: about.encode()} | files


def read_harvest(folder: str, files: Mapping[str, bytes], problems: Problems) -> Kept | None:
    """What `harvest_files` made; `folder` is its name, for messages. None after what is wrong was reported."""
    place = f"intake/{folder}/{SOURCE}"
    again = f"take the source in again, or armslength intake drop ESTATE {folder}"
    if SOURCE not in files:
        problems.add(place, f"is missing: {again}")
        return None
    try:
        about = tomllib.loads(files[SOURCE].decode())
        hashes = {str(name): str(found) for name, found in about["sha256"].items()}
        if wrong := [name for name, found in hashes.items() if name not in files or _hash(files[name]) != found]:
            problems.add(place, f"{', '.join(wrong)} beside it differ from what was written: {again}")
            return None
        made = Kept(
            name=str(about["name"]),
            kind=str(about["kind"]),
            as_of=dt.date.fromisoformat(str(about["as_of"])),
            inputs=tuple(str(part) for part in about["inputs"]),
            tables={name: _table(files[f"{name}.csv"]) for name in FIELDS if f"{name}.csv" in hashes},
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, pl.exceptions.PolarsError) as error:
        problems.add(place, f"is damaged ({error}): {again}")
        return None
    if made.name != folder:
        problems.add(place, f"names {made.name!r}: expected {folder!r}: {again}")
        return None
    return made


def csv_bytes(frame: pl.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.write_csv(out)
    return out.getvalue()


def _table(data: bytes) -> pl.DataFrame:
    return pl.read_csv(io.BytesIO(data), infer_schema=False).fill_null("")


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
