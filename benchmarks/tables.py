"""Which library should read the tables: `python benchmarks/tables.py` prints seconds and peak memory, each in a
process of its own.

The task is the loader's: a million grants, every cell resolved to a number by the table of its distinct values. The
last rows are the loader itself (`parse`) on the whole estate in both forms. docs/decisions/0001-tables.md draws the
conclusion.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

COLUMNS = ("holder", "action", "target", "terms")


def nothing(folder: Path) -> int:
    """The imports alone: what to subtract from the others' memory."""
    import duckdb  # noqa: F401
    import polars  # noqa: F401

    import armslength.estate  # noqa: F401

    return 0


def polars_parquet(folder: Path) -> int:
    """Read by polars; codes by casting to an Enum of the distinct values."""
    import polars as pl

    frame = pl.read_parquet(folder / "grants.parquet")
    total = 0
    for name in COLUMNS:
        cells = frame[name].fill_null("")
        values = cells.unique(maintain_order=True)
        total += len(values) + len(cells.cast(pl.Enum(values)).to_physical().to_numpy())
    return total


def duckdb_parquet(folder: Path) -> int:
    """Read by DuckDB; codes by joining each column with its distinct values."""
    return _duckdb("read_parquet(?)", folder / "grants.parquet")


def _duckdb(source: str, path: Path) -> int:
    import duckdb

    database = duckdb.connect()
    database.execute(f"create table grants as select * from {source}", [str(path)])
    total = 0
    for name in COLUMNS:
        database.execute(
            "create table v as select value, row_number() over () - 1 as code"
            f" from (select distinct coalesce({name}, '') as value from grants)"
        )
        values = database.execute("select value from v order by code").fetchnumpy()["value"]
        query = f"select code from grants join v on coalesce({name}, '') = value order by grants.rowid"
        total += len(values) + len(database.execute(query).fetchnumpy()["code"])
        database.execute("drop table v")
    return total


def python_csv(folder: Path) -> int:
    """Read by Python's csv, in pieces; codes by a dictionary."""
    import numpy as np

    places: list[dict[str, int]] = [{} for _ in COLUMNS]
    codes: list[list[int]] = [[] for _ in COLUMNS]
    with (folder / "grants.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file, strict=True)
        next(reader)
        for row in reader:
            for place, code, cell in zip(places, codes, row, strict=True):
                code.append(place.setdefault(cell, len(place)))
    return sum(len(place) + len(np.asarray(code)) for place, code in zip(places, codes, strict=True))


def polars_csv(folder: Path) -> int:
    """Read by polars; codes as above."""
    import polars as pl

    frame = pl.read_csv(folder / "grants.csv", infer_schema=False)
    total = 0
    for name in COLUMNS:
        cells = frame[name].fill_null("")
        values = cells.unique(maintain_order=True)
        total += len(values) + len(cells.cast(pl.Enum(values)).to_physical().to_numpy())
    return total


def duckdb_csv(folder: Path) -> int:
    """Read by DuckDB; codes as above."""
    return _duckdb("read_csv(?, all_varchar = true, header = true)", folder / "grants.csv")


def _parse(folder: Path, form: str) -> int:
    from armslength.estate import parse

    names = [path for path in folder.iterdir() if path.suffix in (form, ".toml", ".cedar")]
    return len(parse({path.name: path.read_bytes() for path in names}).estate.grants)


def parse_parquet(folder: Path) -> int:
    """The whole estate by `armslength.estate.parse`, from Parquet."""
    return _parse(folder, ".parquet")


def parse_csv(folder: Path) -> int:
    """The whole estate by `armslength.estate.parse`, from CSV."""
    return _parse(folder, ".csv")


CONTENDERS: dict[str, Callable[[Path], int]] = {
    task.__name__: task
    for task in (nothing, polars_parquet, duckdb_parquet, python_csv, polars_csv, duckdb_csv, parse_parquet, parse_csv)
}


def measure(name: str, folder: Path) -> dict[str, float]:
    """Run here, in this process; wall seconds without imports, processor seconds, peak MiB."""
    nothing(folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin, worked = time.perf_counter(), time.process_time()
    CONTENDERS[name](folder)
    seconds, work = time.perf_counter() - begin, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "work": work, "grown": (peak - before) / 1024, "peak": peak / 1024}


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the readers of tables against each other.")
    parser.add_argument("--people", type=int, default=100_000, help="size of the estate; ten grants a person")
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many runs counts")
    parser.add_argument("--one", nargs=2, metavar=("NAME", "FOLDER"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measure(asked.one[0], Path(asked.one[1]))))
        return
    with tempfile.TemporaryDirectory() as place:
        # A process hands its peak of memory on to its children, so the estate is made in another.
        generator = [sys.executable, str(Path(__file__).parent / "generator.py"), place, "--people", str(asked.people)]
        print(subprocess.run(generator, check=True, capture_output=True, text=True).stdout)
        subprocess.run([*generator, "--csv"], check=True, capture_output=True)
        print(f"{'reader':<16} {'seconds':>8} {'work':>8} {'grown MiB':>10} {'peak MiB':>9}   what")
        for name, task in CONTENDERS.items():
            runs = []
            for _ in range(asked.rounds):
                command = [sys.executable, __file__, "--one", name, place]
                runs.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
            best = min(runs, key=lambda run: run["work"])
            numbers = f"{best['seconds']:>8.2f} {best['work']:>8.2f} {best['grown']:>10.0f} {best['peak']:>9.0f}"
            print(f"{name:<16} {numbers}   {(task.__doc__ or '').strip()}")


if __name__ == "__main__":
    main()
