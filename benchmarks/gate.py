"""How fast the gate is, beside its peers: `python benchmarks/gate.py [--quick]`.

Four parts, each in a process of its own: decisions in process against a bare call to Cedar and pycasbin; evaluations
over HTTP by one worker against the same server saying a constant; leases, with many of them live; and what is added at
nginx. Every number is of this run on this machine: only the ratios travel.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from benchmarks.reach import table  # noqa: E402

PARTS = ("decisions", "http", "leases", "nginx")
Line = dict[str, Any]


def part(name: str, *arguments: str) -> list[Line]:
    print(f"measuring: {name}", file=sys.stderr)
    command = [sys.executable, str(HERE / f"gate_{name}.py"), *arguments]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [json.loads(line) for line in printed.splitlines()]


def shown(lines: Sequence[Line], heads: dict[str, str]) -> str:
    """A table with these columns."""
    rows = [
        tuple(f"{line[key]:,}" if isinstance(line[key], int) else str(line[key]) for key in heads) for line in lines
    ]
    return table(tuple(heads.values()), rows)


def aims(found: dict[str, list[Line]]) -> str:
    """What the design asks for, and what this run gave."""
    rows: list[tuple[str, str, str]] = []

    def aim(what: str, asked: str, got: float | None, unit: str) -> None:
        rows.append((what, asked, "not measured" if got is None else f"{got:,g} {unit}"))

    def pick(name: str, key: str, **wanted: object) -> float | None:
        lines = [each for each in found.get(name, ()) if all(each[k] == v for k, v in wanted.items())]
        return lines[0][key] if lines else None

    for policies in (20, 1000):
        asked = "≤ 60 µs" if policies == 20 else "≤ 120 µs"
        aim(
            f"a decision in process, {policies} policies, p50",
            asked,
            pick("decisions", "p50_us", policies=policies, who="gate"),
            "µs",
        )
    aim("over HTTP, 20 policies, p50", "≤ 150 µs", pick("http", "p50_us", policies=20, who="gate"), "µs")
    aim("over HTTP, 20 policies, a worker", "≥ 8,000/s", pick("http", "per_second", policies=20, who="gate"), "/s")
    aim(
        "a live lease checked offline, again, p50",
        "≤ 100 µs",
        pick("leases", "p50_us", live=1000, what="check offline, again"),
        "µs",
    )
    aim(
        "a live lease checked offline, first, p50",
        "≤ 100 µs",
        pick("leases", "p50_us", live=1000, what="check offline, first"),
        "µs",
    )
    aim(
        "added at nginx by asking, p50",
        "≤ 250 µs",
        pick("nginx", "added_us", what="asks the gate, standing access"),
        "µs",
    )
    return table(("", "aim", "this run"), rows)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="smaller in everything")
    parser.add_argument("--parts", default=",".join(PARTS), help="which to run")
    parser.add_argument("--json", type=Path, help="write all numbers to this file too")
    asked = parser.parse_args(arguments)
    parts = asked.parts.split(",")
    if strange := set(parts) - set(PARTS):
        parser.error(f"--parts {', '.join(sorted(strange))}: expected of {', '.join(PARTS)}")
    print(
        f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores,"
        f" load {os.getloadavg()[0]:.1f} before the run\n"
    )
    quick = {
        "decisions": ("--rounds", "1", "--slow", "1"),
        "http": ("--seconds", "1"),
        "leases": ("--live", "1000"),
        "nginx": ("--count", "100", "--rounds", "1"),
    }
    spread = {"p50_us": "p50 µs", "p99_us": "p99 µs"}
    rates = {"policies": "policies", "who": "", "per_second": "a second", **spread}
    heads = {
        "decisions": {**rates, "of_the_gate": "× the gate's"},
        "http": {**rates, "cpu_us": "CPU µs"},
        "leases": {"live": "live", "what": "", **spread},
        "nginx": {"what": "", **spread, "added_us": "added µs"},
    }
    found: dict[str, list[Line]] = {}
    for name in parts:
        found[name] = part(name, *(quick[name] if asked.quick else ()))
        print(f"{name}\n\n{shown(found[name], heads[name])}\n", flush=True)
    print(f"Aims\n\n{aims(found)}")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
