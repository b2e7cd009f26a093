"""`python -m tests.oracle.compare --from SEED --count N`: a long run with progress, each difference made small."""

from __future__ import annotations

import argparse
import sys
import time

from .comparison import problem


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.oracle.compare", description="engine against oracle")
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first seed (default 0)")
    parser.add_argument("--count", type=int, default=1000, help="how many seeds (default 1000)")
    parser.add_argument("--stop", type=int, default=5, help="stop after so many differences (default 5)")
    asked = parser.parse_args()
    start, bad = time.monotonic(), 0
    for n, seed in enumerate(range(asked.first, asked.first + asked.count), 1):
        if said := problem(seed):
            bad += 1
            print(f"\n{said}", flush=True)
            if bad >= asked.stop:
                break
        if n % 500 == 0 or n == asked.count:
            print(f"{n} of {asked.count} compared, {bad} differ, {time.monotonic() - start:.0f} s", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
