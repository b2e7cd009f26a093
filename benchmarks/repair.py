"""How fast repair is: `python benchmarks/repair.py [--quick] [--sizes 2k,10k,1M] [--limit 120]`.

For each size (in grants; people are a tenth) it draws an estate and, in a fresh process, repairs it: how long until the
plan is proven least, or else the cheapest plan, the proven bound and the gap as time goes on. Then OR-Tools CP-SAT, in
another process, solves the plan's certificate again: its optimum must be the engine's bound, or the run fails.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.reach import draw, say, size, table  # noqa: E402

if TYPE_CHECKING:
    from armslength.reach import Certificate, Progress

DAY = dt.date(2026, 11, 22)
"""As in `firm.py`, which a process that draws nothing need not load."""
MOMENTS = (10, 30, 60, 120, 180, 240, 300)
"""Seconds of processor time at which the plan and its bound are told."""
FINEST = 10**6
"""Costs are made whole for CP-SAT by this."""
Result = dict[str, Any]


@dataclass(slots=True)
class Watch:
    """What was known when, in seconds of processor time since the repair began."""

    begin: float = field(default_factory=time.process_time)
    seen: list[dict[str, float | int | None]] = field(default_factory=list)

    def spent(self) -> float:
        return time.process_time() - self.begin

    def told(self, now: Progress) -> None:
        one = {"at": self.spent(), "cost": now.cost, "bound": now.bound, "broken": now.broken, "round": now.round}
        one["aside"] = now.aside
        self.seen.append(one)


def mend(folder: Path, limit: float) -> Result:
    """One repair in this process. The limit is of processor time, so that a busy machine changes nothing."""
    from armslength.reach import Question, Reason, repair
    from armslength.store import read

    begin = time.process_time()
    estate = read(str(folder)).estate
    watch = Watch()
    load = watch.begin - begin
    # As the command does.
    gc.set_threshold(100_000, 20, 20)
    plan = repair(estate, Question(at=DAY), (), lambda: watch.spent() >= limit, watch.told)
    return {
        "people": len(estate.people.ids),
        "grants": len(estate.grants),
        "load": load,
        "spent": watch.spent(),
        "changes": len(plan.changes),
        "cost": plan.cost,
        "bound": plan.bound,
        "gap": plan.gap,
        "proven": plan.proven,
        "verified": plan.verified,
        "remaining": len(plan.remaining),
        "aside": sum(left.reason is Reason.ASIDE for left in plan.remaining),
        "rounds": plan.rounds,
        "cuts": len(plan.certificate.cuts),
        "history": watch.seen,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "certificate": certificate(plan.certificate),
    }


def certificate(made: Certificate) -> Result:
    """The covering problem as plain numbers: costs, the options of each row, and cuts as (any of, none of)."""
    rows: dict[str, list[int]] = {}
    for number, option in enumerate(made.options):
        rows.setdefault(f"{option.row.file}:{option.row.row}", []).append(number)
    return {
        "costs": [option.cost for option in made.options],
        "rows": list(rows.values()),
        "cuts": [[[literal.unless, list(literal.any_of)] for literal in cut.literals] for cut in made.cuts],
    }


def solve(problem: Result, limit: float) -> Result:
    """The least cost of a certificate by CP-SAT, which shares nothing with the solver of repair."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    take = [model.new_bool_var("") for _ in problem["costs"]]
    for options in problem["rows"]:
        model.add_at_most_one(take[o] for o in options)
    for cut in problem["cuts"]:
        ways = []
        for unless, options in cut:
            if not unless:
                ways += [take[o] for o in options]
                continue
            none = model.new_bool_var("")
            for o in options:
                model.add_implication(none, take[o].negated())
            ways.append(none)
        model.add_bool_or(ways)
    model.minimize(sum(round(cost * FINEST) * one for cost, one in zip(problem["costs"], take, strict=True)))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = limit
    begin = time.process_time()
    status = solver.solve(model)
    return {
        "spent": time.process_time() - begin,
        "solved": status == cp_model.OPTIMAL,
        "bound": solver.best_objective_bound / FINEST,
    }


def child(mode: str, path: Path, limit: float) -> Result:
    """OR-Tools and HiGHS do not bear each other in one process, so each has its own."""
    command = [sys.executable, __file__, mode, str(path), "--limit", str(limit)]
    found: Result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return found


def at(history: Sequence[Result], moment: float) -> Result | None:
    """What was known after so many seconds."""
    return next((one for one in reversed(history) if one["at"] <= moment), None)


def gap(cost: float | None, bound: float) -> str:
    if cost is None:
        return "no plan yet"
    return "least" if cost <= bound else f"{(cost - bound) / cost:.1%}"


def outcome(results: Sequence[Result]) -> str:
    """What each repair came to."""
    heads = ("grants", "people", "load s", "repair s", "rounds", "changes", "cost", "bound", "gap", "verified",
             "remaining", "aside", "cuts", "peak MiB")  # fmt: skip
    rows = [
        (
            f"{one['grants']:,}", f"{one['people']:,}", f"{one['load']:.1f}", f"{one['spent']:.1f}", str(one["rounds"]),
            f"{one['changes']:,}", f"{one['cost']:g}", f"{one['bound']:g}",
            gap(one["cost"] if one["verified"] else None, one["bound"]), "yes" if one["verified"] else "no",
            f"{one['remaining']:,}", f"{one['aside']:,}", f"{one['cuts']:,}", f"{one['peak']:.0f}",
        )
        for one in results
    ]  # fmt: skip
    return table(heads, rows)


def progress(results: Sequence[Result], limit: float) -> str:
    """The best plan, the bound proven for what it mends, the pairs that it sets aside, and what the plan looked at last
    leaves broken."""
    heads = ("grants", "after s", "plan", "bound", "gap", "aside", "broken", "rounds")
    rows = []
    for one in results:
        for moment in [m for m in MOMENTS if m <= limit and m < one["spent"]] + [one["spent"]]:
            known = at(one["history"], moment)
            if known is not None:
                cost = known["cost"]
                rows.append((
                    f"{one['grants']:,}", f"{moment:.0f}", "-" if cost is None else f"{cost:g}", f"{known['bound']:g}",
                    gap(cost, known["bound"]), "-" if cost is None else f"{known['aside']:,}", f"{known['broken']:,}",
                    str(known["round"]),
                ))  # fmt: skip
    return table(heads, rows)


def again(results: Sequence[Result]) -> str:
    """The certificates solved by CP-SAT."""
    heads = ("grants", "cuts", "options", "CP-SAT s", "its least", "bound")
    rows = [
        (
            f"{one['grants']:,}", f"{one['cuts']:,}", f"{len(one['certificate']['costs']):,}",
            f"{one['peer']['spent']:.1f}", least(one["peer"]), f"{one['bound']:g}",
        )
        for one in results
    ]  # fmt: skip
    return table(heads, rows)


def least(peer: Result) -> str:
    """What CP-SAT proved: the least cost, or a bound where it was cut short."""
    return f"{peer['bound']:g}" if peer["solved"] else f"≥ {peer['bound']:g}"


def differs(one: Result) -> bool:
    """Whether CP-SAT finds another least cost than a plan that was proven least."""
    peer = one["peer"]
    return bool(one["proven"] and peer["solved"] and abs(peer["bound"] - one["bound"]) > 1e-6)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="only 1k and 2k grants")
    parser.add_argument("--sizes", default="", help="grants, separated by commas; 2k,10k,1M if not given")
    parser.add_argument("--limit", type=float, default=120, help="seconds of processor time for each repair")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-cedar", action="store_true", help="estates without Cedar policies")
    parser.add_argument("--json", type=Path, help="write all numbers to this file too")
    parser.add_argument("--mend", type=Path, metavar="ESTATE", help="repair one estate and print JSON")
    parser.add_argument("--solve", type=Path, metavar="FILE", help="solve one certificate and print JSON")
    asked = parser.parse_args()
    if asked.mend or asked.solve:
        problem = json.loads(asked.solve.read_text("utf-8")) if asked.solve else {}
        print(json.dumps(solve(problem, asked.limit) if asked.solve else mend(asked.mend, asked.limit)))
        return 0
    options = ["--no-cedar"] if asked.no_cedar else []
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as temporary:
        for people in map(size, (asked.sizes or ("1k,2k" if asked.quick else "2k,10k,1M")).split(",")):
            print(f"repairing {people * 10:,} grants", file=sys.stderr)
            one = child("--mend", draw(Path(temporary), people, asked.seed, *options), asked.limit)
            problem = Path(temporary) / "certificate.json"
            problem.write_text(json.dumps(one["certificate"]), encoding="utf-8")
            results.append(one | {"peer": child("--solve", problem, asked.limit)})
    say(
        f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores, seed {asked.seed}, "
        f"limit {asked.limit:g} s of processor time",
        "Repair of each estate in a fresh process; a plan that is not verified counts as none",
        outcome(results),
        "As time goes on",
        progress(results, asked.limit),
        "The certificate solved again by OR-Tools CP-SAT",
        again(results),
    )
    if asked.json:
        asked.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    wrong = [one for one in results if differs(one)]
    for one in wrong:
        print(f"DIFFERENT: {one['grants']:,} grants: least {one['bound']:g}, by CP-SAT {one['peer']['bound']:g}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
