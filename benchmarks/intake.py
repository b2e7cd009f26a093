"""How fast intake is, beside readers that only parse: `python benchmarks/intake.py [--quick]`.

For each source an export of a made-up firm is written; one process reads and maps it, one runs the whole command to the
written estate, another only parses the same files with Python's own reader, and for OpenGraph a third loads them with
bhopengraph, where it is installed. Every number is of this run on this machine: only the ratios travel.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from benchmarks.intake_exports import EXPORTS  # noqa: E402
from benchmarks.reach import table  # noqa: E402

SIZE, QUICK = 200_000, 2_000
"""Permissions of an export, about."""
Line = dict[str, Any]


def measured(source: str, size: int, other: str) -> list[Line]:
    """`other`: the Python that has bhopengraph."""
    print(f"measuring: {source}", file=sys.stderr)
    lines = []
    with tempfile.TemporaryDirectory() as place:
        subprocess.run([sys.executable, str(HERE / "intake_exports.py"), source, place, str(size)], check=True)
        for who in ("armslength", "whole", "parsed", *(["bhopengraph"] if source == "opengraph" else [])):
            python = other if who == "bhopengraph" else sys.executable
            command = [python, str(HERE / "intake_run.py"), source, who, place]
            lines.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout))
    return lines


def shown(lines: Sequence[Line]) -> str:
    rows = []
    for line in lines:
        if "missing" in line:
            rows.append((line["source"], line["who"], "not here", *[""] * 7))
            continue
        counts = {key: line.get(key) for key in ("people", "groups", "grants")}
        made = sum(line.get(key, 0) for key in ("people", "accounts", "groups", "assets", "grants"))
        rate = f"{made / line['seconds']:,.0f}" if made and line["seconds"] else ""
        told = [f"{count:,}" if count else "" for count in counts.values()]
        size, peak = f"{line['megabytes']:,.1f}", f"{line['peak_mib']:,}"
        took = (f"{line['seconds']:.2f}", f"{line['wall']:.2f}")
        rows.append((line["source"], line["who"], size, *told, *took, peak, rate))
    heads = ("source", "who", "MB", "people", "memberships", "grants", "CPU s", "wall s", "peak MiB", "rows/s")
    return table(heads, rows)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small exports")
    parser.add_argument("--size", type=int, help=f"permissions of an export; {SIZE:,} if not given")
    parser.add_argument("--sources", default=",".join(EXPORTS), help="which to measure")
    told = "a Python that has bhopengraph; the one that runs this if not given"
    parser.add_argument("--bhopengraph", metavar="PYTHON", default=sys.executable, help=told)
    parser.add_argument("--json", type=Path, help="write all numbers to this file too")
    asked = parser.parse_args(arguments)
    sources = asked.sources.split(",")
    if strange := set(sources) - set(EXPORTS):
        parser.error(f"--sources {', '.join(sorted(strange))}: expected of {', '.join(EXPORTS)}")
    print(
        f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores,"
        f" load {os.getloadavg()[0]:.1f} before the run\n"
    )
    size = asked.size or (QUICK if asked.quick else SIZE)
    lines = [line for source in sources for line in measured(source, size, asked.bhopengraph)]
    print(shown(lines))
    if asked.json:
        asked.json.write_text(json.dumps(lines, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
