"""Leases in process, with many of them live: found, a use taken in, checked offline; prints JSON.

`python benchmarks/gate_leases.py --live 1000 --live 100000`. The events are those that a ledger would give, taken in by
the gate's own state. What is checked offline is a real token against a real list; `first` checks its signature too.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import quantiles

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from armslength.enforce import Checker  # noqa: E402
from armslength.gate import LeaseTerms, PersonId, Target  # noqa: E402
from tests.enforce.leases import GATE, KEYS, START, listed, signed, terms  # noqa: E402
from tests.gate.stories import CY, DEE, Story, a_request, approved, founded, lease_terms, leased, requested, used  # noqa: E402

ASKED = 5000


def many(live: int) -> tuple[Story, list[LeaseTerms]]:
    """So many live leases, of 1,000 people on 500 assets."""
    story, found = founded(), []
    for n in range(live):
        name = f"r{n}"
        parts = {
            "executor": PersonId(f"p{n % 1000}"),
            "resource": Target(type="asset", id=f"asset-{n % 500}"),
            "customers": (f"customer-{n}",),
        }
        one = lease_terms(f"l{n}", name, **parts)
        story.fits(requested(a_request(name, **parts)), approved(CY, name), approved(DEE, name), leased(one))
        found.append(one)
    return story, found


def times(work: Iterator[Callable[[], object]]) -> list[float]:
    """Microseconds each."""
    found = []
    for one in work:
        start = time.perf_counter()
        one()
        found.append(1e6 * (time.perf_counter() - start))
    return found


def line(live: int, what: str, took: list[float]) -> None:
    spread = quantiles(took, n=100)
    print(json.dumps({"live": live, "what": what, "p50_us": round(spread[49], 1), "p99_us": round(spread[98], 1)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--live", type=int, action="append", metavar="N")
    asked = parser.parse_args()
    for live in asked.live or [1000, 100_000]:
        story, leases = many(live)
        some = [leases[(7919 * n) % live] for n in range(ASKED)]
        asking = story.state.leases_for
        line(live, "find", times((lambda t=t, a=asking: a(t.executor, t.action, t.resource)) for t in some))
        uses = [
            used(
                f"u{n}",
                f"l{(7919 * n) % live}",
                executor=t.executor,
                resource=str(t.resource),
                customers=t.customers,
            )
            for n, t in enumerate(some)
        ]
        line(live, "take in a use", times((lambda u=u, take=story.fits: take(u)) for u in uses))
    for count in asked.live or [1000, 100_000]:
        checker = Checker(GATE, clock=lambda: START + 10, steady=lambda: 10.0)
        checker.keys(KEYS)
        checker.learn(listed(*(terms(n).id for n in range(2, min(count, 10_000) + 2)), made=START + 5))
        tokens = [signed(terms(1_000_000 + n)) for n in range(1000)]

        def check(token: str, checker: Checker = checker) -> object:
            found = checker.check(
                token,
                executor=PersonId("ana"),
                action="read",
                resource=Target(type="asset", id="rooms"),
                customers=frozenset({"c-1"}),
            )
            if not isinstance(found, LeaseTerms):
                raise SystemExit(f"refused: {found}")
            return found

        line(count, "check offline, first", times((lambda t=t: check(t)) for t in tokens))
        line(count, "check offline, again", times((lambda t=t: check(t)) for t in tokens * 5))


if __name__ == "__main__":
    main()
