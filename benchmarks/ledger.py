"""How fast the ledger is, and what it costs beside plainer logs: `python benchmarks/ledger.py [--quick]`.

Four parts, each in processes of its own: records and latencies against an SQLite hash chain and pymerkle on the same
acts in turns; growth from size to size; a customer's bundle verified offline; and what of it the aims ask. Every number
is of this run on this machine: only the ratios travel.
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

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.ledger_tables import aims, bytes_each, completeness, contest, growth, proofs  # noqa: E402

HERE = Path(__file__).resolve().parent
PARTS = ("contest", "growth", "completeness")

Result = dict[str, Any]


def count(text: str) -> int:
    """`100k` or `1M` records."""
    factor = {"k": 1_000, "m": 1_000_000}.get(text[-1:].lower(), 1)
    try:
        number = int(text[:-1] if factor > 1 else text) * factor
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of records: expected one such as 500, 10k or 1M")
    return number


def counts(text: str) -> list[int]:
    found = [count(part) for part in text.split(",")]
    if found != sorted(set(found)):
        raise argparse.ArgumentTypeError(f"{text!r}: expected sizes that grow, such as 10k,100k,1M")
    return found


def part(script: str, folder: Path, *arguments: str) -> list[Result]:
    """The JSON lines of a script of this folder, run in a fresh process in a folder of its own."""
    print(f"measuring: {script.removesuffix('.py').replace('_', ' ')}", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=folder) as own:
        command = [sys.executable, str(HERE / script), own, *arguments]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [json.loads(line) for line in printed.splitlines()]


def asked_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="smaller in everything: under a minute")
    parser.add_argument("--customers", type=count, help="customers, each with a record before the clock starts")
    parser.add_argument("--rounds", type=count, help="rounds of 4,096 acts that all take in turns")
    parser.add_argument("--round-size", type=count, default=4096, help="acts in a round")
    parser.add_argument("--seconds", type=float, help="of each latency measurement")
    parser.add_argument("--rate", type=float, default=1000, help="acts a second in the open loop")
    parser.add_argument("--clients", type=count, default=256, help="clients of the closed loop")
    parser.add_argument("--sizes", type=counts, help="records at which growth is measured, as 10k,100k,1M")
    parser.add_argument("--own", type=count, help="records of the customer who verifies")
    parser.add_argument("--parts", default=",".join(PARTS), help="which to run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--folder", type=Path, help="where to write, on the disk to be measured; a temporary folder else"
    )
    parser.add_argument("--json", type=Path, help="write all numbers to this file too")
    asked = parser.parse_args(arguments)
    quick = asked.quick
    asked.customers = asked.customers or (10_000 if quick else 100_000)
    asked.rounds = asked.rounds or (3 if quick else 25)
    asked.seconds = asked.seconds or (2 if quick else 30)
    asked.sizes = asked.sizes or ([1_000, 10_000] if quick else [10_000, 100_000, 1_000_000])
    asked.own = asked.own or (10_000 if quick else 100_000)
    asked.parts = asked.parts.split(",")
    if strange := set(asked.parts) - set(PARTS):
        parser.error(f"--parts {', '.join(sorted(strange))}: expected of {', '.join(PARTS)}")
    return asked


def main(arguments: Sequence[str] | None = None) -> int:
    asked = asked_of(arguments)
    seed = ("--seed", str(asked.seed))
    customers = ("--customers", str(asked.customers))
    found: Result = {}
    say(
        f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores,"
        f" load {os.getloadavg()[0]:.1f} before the run, {asked.customers:,} customers, 6 fields, seed {asked.seed}"
    )
    with tempfile.TemporaryDirectory(dir=asked.folder) as temporary:
        folder = Path(temporary)
        if "contest" in asked.parts:
            loads = ("--seconds", str(asked.seconds), "--rate", str(asked.rate), "--clients", str(asked.clients))
            rounds = ("--rounds", str(asked.rounds), "--size", str(asked.round_size))
            (found["contest"],) = part("ledger_contest.py", folder, *customers, *rounds, *loads, *seed)
            say(
                f"Durable records: the median of {asked.rounds} rounds that all take in turns; open loop at"
                f" {asked.rate:,.0f}/s and closed loop with {asked.clients} clients, {asked.seconds:g} s each",
                contest(found["contest"]),
            )
        if "growth" in asked.parts:
            sizes = ("--sizes", ",".join(map(str, asked.sizes)))
            found["growth"] = part("ledger_growth.py", folder, *customers, *sizes, *seed)
            say(
                "Growth: what the records since the size before took, and each of the rest in a fresh process",
                growth(found["growth"]),
                "Proofs of single records: the median of 200 over the whole log",
                proofs(found["growth"]),
                "Bytes a record",
                bytes_each(found["growth"]),
            )
        if "completeness" in asked.parts:
            own = ("--own", str(asked.own), "--others", str(max(1, asked.own // 10)))
            (found["completeness"],) = part("ledger_completeness.py", folder, *own, *seed)
            say("armslength verify BUNDLE --policy FILE, start included", completeness(found["completeness"]))
    say("Aims", aims(found))
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    wrong = [text for each in found.get("growth", ()) for text in each["fsck"]["findings"]]
    if wrong:
        say("WRONG: " + "; ".join(wrong))
    return 1 if wrong else 0


def say(*parts: str) -> None:
    """Print the parts, an empty line after each, at once: the next may take minutes."""
    print("\n\n".join(parts), end="\n\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
