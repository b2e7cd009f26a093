"""How fast the gate is in the field: `python benchmarks/field.py [--parts envoy ssh postgresql several]`.

Each part is a program of its own, and prints what it measured: what is added at Envoy, beside nginx; the time from the
last approval to the first use over SSH and PostgreSQL; evaluations of two gates against one. Every number is of this
run on this machine: only the ratios travel.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PARTS = ("envoy", "ssh", "postgresql", "several")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    status = 0
    for part in parser.parse_args().parts:
        print(f"measuring: {part}", file=sys.stderr, flush=True)
        status |= subprocess.run([sys.executable, str(HERE / f"field_{part}.py")], check=False).returncode
    return status


if __name__ == "__main__":
    sys.exit(main())
