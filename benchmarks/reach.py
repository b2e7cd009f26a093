"""How fast reach is: `python benchmarks/reach.py [--sizes 1k,10k,100k,1M] [--peers]`.

For each size (in grants; people are a tenth) it draws an estate, then loads it from Parquet and computes all floors
against all states, exact up to the cap, in a fresh process. With --peers the engine then runs against a CP-SAT model
for each target and against a plain worklist fixpoint, on estates without Cedar policies, which the peers do not read.
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
# The naive search is a fixpoint for every set of outsiders: it ends on estates this small only.
TINY = (20, 25, 30, 40, 50, 60, 80)
# A rate from fewer solved targets than this is no rate.
ENOUGH = 5

Result = dict[str, Any]


def size(text: str) -> int:
    """`100k` or `1M` grants as a number of people."""
    factor = {"k": 1_000, "m": 1_000_000}.get(text[-1:].lower(), 1)
    number = int(text[:-1] if factor > 1 else text) * factor
    if number < 200 or number % 10:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: expected at least 200 grants in tens, as 10k or 1M")
    return number // 10


def child(script: str, *arguments: str) -> str:
    """What a script of this folder prints, run in a fresh process so that its peak of memory is its own."""
    command = [sys.executable, str(HERE / script), *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def draw(folder: Path, people: int, seed: int, *options: str) -> Path:
    """An estate of so many people in a folder of its own."""
    estate = folder / "-".join([str(people), str(seed), *(option.strip("-") for option in options)])
    if not (estate / "estate.toml").exists():
        child("generator.py", str(estate), "--people", str(people), "--seed", str(seed), *options)
    return estate


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns padded to their widest cell, numbers to the right."""
    widths = [max(len(row[place]) for row in [heads, *rows]) for place in range(len(heads))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in [heads, *rows]]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def seconds(value: float) -> str:
    """Seconds in a unit that a person can weigh."""
    for unit, length in (("y", 31_557_600), ("d", 86_400), ("h", 3_600)):
        if value >= 2 * length:
            return f"{value / length:,.1f} {unit}"
    return f"{value:.2f} s" if value >= 0.1 else f"{value * 1000:.1f} ms"


def times(ratio: float) -> str:
    return f"{ratio:,.0f}×" if ratio >= 10 else f"{ratio:.1f}×"


CLOCKS = ("processor", "wall")
"""What other programs do to a machine shows in wall time only."""


def whole(result: Result, clock: str) -> float:
    """Seconds from the folder to the lengths."""
    return float(result["seconds"]["load"][clock] + result["seconds"]["reach"][clock])


def speed(results: Sequence[Result]) -> str:
    """What each size took, by both clocks."""
    heads = ("grants", "people", "memberships", "pairs", "peak MiB", "clock", "start", "load", "reach", "load+reach")
    rows = [
        (
            f"{one['grants']:,}", f"{one['people']:,}", f"{one['memberships']:,}", f"{one['pairs']:,}",
            f"{one['rss']['reach']:.0f}", clock,
            *(f"{one['seconds'][part][clock]:.2f}" for part in ("imports", "load", "reach")),
            f"{whole(one, clock):.2f}", f"{whole(one, clock) / one['grants'] * 1e6:.1f}",
        )
        for one in results
        for clock in CLOCKS
    ]  # fmt: skip
    return table((*heads, "µs/grant"), rows)


def outcome(results: Sequence[Result]) -> str:
    """What was found."""
    lengths = list(results[0]["lengths"])
    names = [{"open": "not exact", "null": "null"}.get(length, f"length {length}") for length in lengths]
    rows = [
        (
            f"{one['grants']:,}", str(one["states"]), str(one["policies"]),
            *(f"{one['lengths'][length]:,}" for length in lengths), f"{one['broken']:,}",
        )
        for one in results
    ]  # fmt: skip
    return table(("grants", "states", "policies", *names, "broken"), rows)


def changes(results: Sequence[Result]) -> str:
    """What a change costs on the loaded estate, the dearest also as a part of the reach before it; and a derivation."""
    heads = ("grants", "clock", "travel s", "leaver s", "grant s", "of reach", "witness ms")
    rows = [
        (
            f"{one['grants']:,}", clock,
            *(f"{one['whatif'][name][clock]:.2f}" for name in ("travel", "leaver", "grant")),
            f"{max(some[clock] for some in one['whatif'].values()) / one['seconds']['reach'][clock]:.0%}",
            f"{one['witness'][clock] * 1000:.1f}",
        )
        for one in results
        for clock in CLOCKS
    ]  # fmt: skip
    return table(heads, rows)


def per_target(results: Sequence[Result]) -> str:
    """CP-SAT: a model for each (state, action, asset); the total is that of the sampled ones times all pairs."""
    heads = ("grants", "pairs", "engine", "solved", "each", "all, extrapolated", "ratio", "")
    rows = []
    for one in results:
        peer = one["cpsat"]
        bound = "≥ " if peer["started"] > peer["solved"] else ""
        total = peer["each"] * one["pairs"]
        rows.append((
            f"{one['grants']:,}", f"{one['pairs']:,}", seconds(one["engine"]), str(peer["solved"]),
            bound + seconds(peer["each"]), bound + seconds(total), bound + times(total / one["engine"]),
            "" if peer["solved"] >= ENOUGH else "too few solved to tell",
        ))  # fmt: skip
    return table(heads, rows)


def naive(results: Sequence[Result]) -> str:
    """The worklist: measured where it ends; otherwise the fixpoints done in the time, times the sets it has to try."""
    heads = ("grants", "people", "engine", "fixpoints", "done", "each", "all of them", "", "ratio")
    rows = []
    for one in results:
        peer = one["worklist"]
        whole = peer["finished"] == peer["states"]
        each = peer["spent"] / peer["done"]
        total = peer["spent"] if whole else each * peer["fixpoints"]
        rows.append((
            f"{one['grants']:,}", f"{one['people']:,}", seconds(one["engine"]), f"{peer['fixpoints']:.3g}",
            f"{peer['done']:,}", seconds(each), seconds(total), "measured" if whole else "extrapolated",
            times(total / one["engine"]),
        ))  # fmt: skip
    return table(heads, rows)


def measured(asked: argparse.Namespace, folder: Path) -> list[Result]:
    options = [*(["--no-cedar"] if asked.no_cedar else []), *(["--unknown"] if asked.unknown else [])]
    found = []
    for people in asked.sizes:
        print(f"measuring {people * 10:,} grants", file=sys.stderr)
        estate = draw(folder, people, asked.seed, *options)
        limits = ["--cap", str(asked.cap), "--processes", str(asked.processes)]
        runs = [json.loads(child("measure.py", str(estate), *limits)) for _ in range(asked.repeat)]
        found.append(min(runs, key=lambda run: whole(run, "processor")))
    return found


def contested(asked: argparse.Namespace, folder: Path) -> tuple[list[Result], list[Result]]:
    """The engine against both peers at every size, and against the worklist on estates so small that it ends."""
    limits = ["--cap", str(asked.cap), "--seconds", str(asked.peer_seconds), "--seed", str(asked.seed)]
    large, tiny = [], []
    for people in asked.peer_sizes:
        print(f"peers on {people * 10:,} grants", file=sys.stderr)
        large.append(json.loads(child("contest.py", str(draw(folder, people, asked.seed, "--no-cedar")), *limits)))
    for people in TINY:
        print(f"worklist on {people} people", file=sys.stderr)
        estate = draw(folder, people, asked.seed, "--no-cedar")
        tiny.append(json.loads(child("contest.py", str(estate), *limits, "--worklist-only")))
        if tiny[-1]["worklist"]["finished"] < tiny[-1]["worklist"]["states"]:
            break
    return large, tiny


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--people", type=int, help="one size, by its people")
    parser.add_argument("--sizes", default="1k,10k,100k,1M", help="grants, separated by commas")
    parser.add_argument("--peers", action="store_true", help="compare with CP-SAT for each target and with a worklist")
    parser.add_argument("--peer-seconds", type=float, default=120, help="for each peer and size")
    parser.add_argument(
        "--peer-sizes",
        default="1k,10k,100k",
        help="as --sizes; at 1M one CP-SAT model takes 10 GB and does not end in two minutes",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cap", type=int, default=3)
    parser.add_argument(
        "--repeat", type=int, default=1, help="runs of each size; the one of least processor time counts"
    )
    parser.add_argument("--processes", type=int, choices=(1, 2), default=2, help="as of armslength reach")
    parser.add_argument("--no-cedar", action="store_true", help="estates without Cedar policies")
    parser.add_argument("--unknown", action="store_true", help="with three groups whose members are not known")
    parser.add_argument("--keep", type=Path, help="keep the drawn estates in this folder, and use what it holds")
    parser.add_argument("--json", type=Path, help="write all numbers to this file too")
    asked = parser.parse_args()
    one = [asked.people] if asked.people else []
    asked.sizes = one or [size(text) for text in asked.sizes.split(",")]
    asked.peer_sizes = one or [size(text) for text in asked.peer_sizes.split(",")]
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.keep or Path(temporary)
        results = measured(asked, folder)
        say(
            f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores, "
            f"cap {asked.cap}, seed {asked.seed}",
            "Seconds of the processor, all threads together, and of wall time from Parquet to all floors against all\n"
            "states; each size in a fresh process",
            speed(results),
            "Pairs by length",
            outcome(results),
            "Seconds of a what-if on the loaded estate",
            changes(results),
        )
        large, tiny = contested(asked, folder) if asked.peers else ([], [])
    if asked.json:
        asked.json.write_text(json.dumps({"engine": results, "peers": large, "tiny": tiny}, indent=1), encoding="utf-8")
    contests = [one[peer] for one in [*large, *tiny] for peer in ("cpsat", "worklist") if peer in one]
    wrong = [text for contest in contests for text in contest["wrong"]]
    if asked.peers:
        say(
            f"Against one CP-SAT model per target, {asked.peer_seconds:.0f} s a size, targets drawn at random, "
            "no Cedar policies",
            per_target(large),
            "Against a plain worklist fixpoint for every set of outsiders, no Cedar policies",
            naive([*tiny, *large]),
            "DIFFERENT: " + "; ".join(wrong) if wrong else "all lengths of the peers equal the engine's",
        )
    return 1 if wrong else 0


def say(*parts: str) -> None:
    """Print the parts, an empty line after each, at once: the next may take minutes."""
    print("\n\n".join(parts), end="\n\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
