"""One source in a process of its own: `python benchmarks/intake_run.py SOURCE WHO FOLDER`; prints JSON.

WHO is armslength, which reads and maps; whole, the command from the export to the written estate; or a peer that only
reads the same files. Seconds are the processor's but for `wall`; the peak is that of this process.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.intake_exports import FLAGS  # noqa: E402


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def armslength(source: str, folder: Path) -> dict[str, int]:
    from armslength.cli.arguments import parse
    from armslength.cli.intake_arguments import SOURCES
    from armslength.cli.progress import Progress
    from armslength.cli.screen import Screen

    given = sorted(str(path) for path in folder.iterdir())
    options = parse(["intake", source, *given, "--into", str(folder / "estate"), *FLAGS.get(source, ())])
    options.name, options.kept = source, {}
    made = SOURCES[source].harvest(options, Screen(), Progress("", quiet=True)).harvest
    return {table: made.count(table) for table in ("people", "accounts", "groups", "assets", "grants")}


def whole(source: str, folder: Path) -> dict[str, int]:
    """The whole command: read, map, link, put together, read back as an estate, write."""
    from armslength.cli import main as command

    given = sorted(str(path) for path in folder.iterdir())
    with tempfile.TemporaryDirectory() as place:
        estate = Path(place) / "estate"
        with contextlib.redirect_stdout(io.StringIO()):
            status = command(["intake", source, *given, "--into", str(estate), *FLAGS.get(source, ())])
        if status != 0:
            raise SystemExit(f"armslength intake {source} ended with {status}")
        return {
            table: (estate / f"{table}.csv").read_bytes().count(b"\n") - 1
            for table in ("people", "groups", "assets", "grants")
            if (estate / f"{table}.csv").exists()
        }


def parsed(source: str, folder: Path) -> dict[str, int]:
    """What Python's own reader of the format takes: JSON, CSV, or lines of text."""
    for path in files(folder):
        text = path.read_text("utf-8")
        if path.suffix == ".json":
            json.loads(text)
        elif path.suffix == ".csv":
            list(csv.DictReader(text.splitlines()))
        else:
            text.splitlines()
    return {}


def bhopengraph(source: str, folder: Path) -> dict[str, int]:
    """The library for OpenGraph, where it is installed."""
    from bhopengraph.OpenGraph import OpenGraph

    graph = OpenGraph()
    graph.import_from_file(str(folder / "graph.json"))
    return {"nodes": graph.get_node_count(), "edges": graph.get_edge_count()}


WHO: dict[str, Callable[[str, Path], dict[str, int]]] = {
    "armslength": armslength,
    "whole": whole,
    "parsed": parsed,
    "bhopengraph": bhopengraph,
}


def main(source: str, who: str, folder: str) -> int:
    begin, start = time.process_time(), time.monotonic()
    try:
        counts = WHO[who](source, Path(folder))
    except (NotImplementedError, ModuleNotFoundError) as error:
        print(json.dumps({"source": source, "who": who, "missing": f"{type(error).__name__}: {error}"}))
        return 0
    found: dict[str, Any] = {"source": source, "who": who, **counts}
    found["seconds"] = round(time.process_time() - begin, 3)
    found["wall"] = round(time.monotonic() - start, 3)
    found["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    found["megabytes"] = round(sum(path.stat().st_size for path in files(Path(folder))) / 1e6, 1)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
