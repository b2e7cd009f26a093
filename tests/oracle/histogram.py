"""`python -m tests.oracle.histogram N [FIRST]`: how often each feature occurs and matters, and each length.

A feature matters where some length changes without it: the same case is asked again with the feature taken out.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .case import Case, Row
from .estates import AT, random_case
from .length import Answer, Pair, lengths
from .world import POWERS

BEYOND = 99
CHANGING = ("enroll", "assume", "amend")


def features(case: Case) -> set[str]:
    """What the rows and settings of a case hold."""
    found = {f"table {name}" for name in case.tables} | {f"setting {name}" for name in case.settings}
    for grant in case.rows("grants"):
        action = grant["action"] if grant["action"] in POWERS else "action"
        found.add(f"{action} on {grant['target'].partition(':')[0]} {'by terms' if grant.get('terms') else 'standing'}")
        found.add(f"holder {grant['holder'].partition(':')[0]}")
    for terms in case.settings.get("terms", {}).values():
        found |= {f"terms {name}" for name in terms} | {f"apart {terms.get('apart', 0)}"}
        found.add(f"approvers {terms['approvers'].partition(':')[0]}")
    for floor in case.settings.get("floor", []):
        found |= {f"floor {name}" for name in floor if name in ("against", "except")}
    for asset in case.rows("assets"):
        found |= {f"asset {name}" for name in ("hosted_in", "key", "within", "shielded_from") if asset.get(name)}
    pairs = {(r["group"], *r["member"].partition(":")[::2]) for r in case.rows("groups")}
    nested = {(outer, inner) for outer, kind, inner in pairs if kind == "group"}
    found |= {"nested groups"} if nested else set()
    found |= {"cyclic groups"} if any((b, a) in nested for a, b in nested) else set()
    found |= {"policy"} if case.policy else set()
    return found


def _rows(table: str, keep: Callable[[Row], bool]) -> Callable[[Case], Case]:
    return lambda case: replace(case, tables={**case.tables, table: [r for r in case.rows(table) if keep(r)]})


def _cells(table: str, column: str) -> Callable[[Case], Case]:
    def emptied(case: Case) -> Case:
        rows = [{c: v for c, v in row.items() if c != column} for row in case.rows(table)]
        return replace(case, tables={**case.tables, table: rows})

    return emptied


def _setting(name: str) -> Callable[[Case], Case]:
    return lambda case: replace(case, settings={k: v for k, v in case.settings.items() if k != name})


def _terms(name: str) -> Callable[[Case], Case]:
    def eased(case: Case) -> Case:
        terms: dict[str, Any] = case.settings.get("terms", {})
        eased = {r: {k: v for k, v in body.items() if k != name} for r, body in terms.items()}
        return replace(case, settings={**case.settings, "terms": eased})

    return eased


def _policies(word: str) -> Callable[[Case], Case]:
    return lambda case: replace(case, policy="".join(p for p in case.policy.splitlines(True) if word not in p))


def _unconditional(case: Case) -> Case:
    return replace(case, policy=re.sub(r"\) (when|unless) .*;", ");", case.policy))


def _does_not(power: str) -> Callable[[Row], bool]:
    return lambda row: row["action"] != power


WITHOUT: dict[str, Callable[[Case], Case]] = {
    "groups in groups": _rows("groups", lambda r: r["member"].startswith("person:")),
    "travel": _rows("travel", lambda r: False),
    "declared": _rows("declared", lambda r: False),
    "owners": _cells("entities", "parent"),
    "residence": _cells("people", "residence"),
    "employers": _cells("people", "entity"),
    "custody": _cells("assets", "hosted_in"),
    "keys": _cells("assets", "key"),
    "within": _cells("assets", "within"),
    **{f"{power} grants": _rows("grants", _does_not(power)) for power in sorted(POWERS)},
    "powers by terms": _rows("grants", lambda r: not r.get("terms") or r["action"] not in CHANGING),
    "gate": _setting("gate"),
    "home": _setting("home"),
    "[states]": _setting("states"),
    "bases": _setting("bases"),
    "apart": _terms("apart"),
    "distinct": _terms("distinct"),
    "from": _terms("from"),
    "permits": _policies(" permit "),
    "forbids": _policies(" forbid "),
    "conditions": _unconditional,
}


def measured(answers: dict[Pair, Answer]) -> dict[Pair, int]:
    """Lengths alone, `BEYOND` for null."""
    return {pair: BEYOND if a.length is None else a.length for pair, a in answers.items()}


def changed(case: Case, plain: dict[Pair, int], without: Callable[[Case], Case]) -> set[Pair]:
    """The pairs whose length is another without a feature; pairs that are no longer asked do not count."""
    bare = without(case)
    if bare == case:
        return set()
    # No gaps: they are counted apart.
    now = measured(lengths(bare, AT, gaps=False))
    return {pair for pair, n in plain.items() if now.get(pair, n) != n}


def main(count: int, first: int) -> None:
    seen: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    in_cases: Counter[str] = Counter()
    spent = slowest = 0.0
    for seed in range(first, first + count):
        case = random_case(seed)
        seen.update(features(case))
        start = time.perf_counter()
        answers = lengths(case, AT)
        took = time.perf_counter() - start
        spent, slowest = spent + took, max(slowest, took)
        mine = [str(a.length) for a in answers.values()]
        pairs.update(mine)
        in_cases.update(set(mine))
        given = [(a, a.length if a.length is not None else BEYOND) for a in answers.values()]
        seen["answer: gap"] += any(a.gaps for a in answers.values())
        seen["answer: gap, one of several groups"] += any(
            len(g) < len(case.rows("unknown")) for a in answers.values() for g, _ in a.gaps
        )
        seen["answer: broken floor"] += any(a.floor is not None and n < a.floor for a, n in given)
        seen["answer: floor that holds"] += any(a.floor is not None and n >= a.floor for a, n in given)
        seen["answer: raised cap"] += any(a.cap > 3 for a in answers.values())
        plain = measured(answers)
        differences = {name: changed(case, plain, without) for name, without in WITHOUT.items()}
        seen.update(f"matters: {name}" for name, differs in differences.items() if differs)
        others = _rows("grants", lambda r: not r.get("terms") or r["action"] in CHANGING)
        seen["matters: chained quorums"] += bool(
            differences["powers by terms"] and differences["powers by terms"] & changed(case, plain, others)
        )
    print(f"{count} cases, {sum(pairs.values())} pairs, {1000 * spent / count:.1f} ms a case, slowest {slowest:.2f} s")
    for name in sorted(pairs):
        share, cases = pairs[name] / sum(pairs.values()), in_cases[name] / count
        print(f"length {name:>4}: {share:6.1%} of pairs, in {cases:6.1%} of cases")
    for name, times in sorted(seen.items()):
        print(f"{times / count:7.1%}  {name}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
