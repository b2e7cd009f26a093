"""The engine against its peers on one estate without Cedar policies, in a process of its own; prints JSON.

`python benchmarks/contest.py FOLDER --seconds 120`. Every length that a peer finds is compared with the engine's; one
that differs makes the run fail.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from math import comb
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from armslength.reach import NOBODY, Question, Reach, reach  # noqa: E402
from armslength.store import read  # noqa: E402
from benchmarks.firm import DAY  # noqa: E402
from benchmarks.peers.cpsat import Model, Powers  # noqa: E402
from benchmarks.peers.reading import Pair, Reading  # noqa: E402
from benchmarks.peers.worklist import Worklist, search  # noqa: E402

Lengths = dict[tuple[int, int, int], int | None]


def answers(found: Reach) -> Lengths:
    """The engine's exact lengths by state, action and asset, None for nobody."""
    columns = (found.state, found.action, found.asset, found.at_least, found.at_most)
    return {
        (state, action, asset): None if least == NOBODY else least
        for state, action, asset, least, most in zip(*(column.tolist() for column in columns), strict=True)
        if least == most
    }


def by_cpsat(reading: Reading, pairs: list[Pair], engine: Lengths, cap: int, seconds: float) -> dict[str, object]:
    """A model for each of some random pairs until the time is up. The last may be unfinished: it counts as started, so
    `each` is then at least what is shown."""
    start = time.perf_counter()
    powers = Powers(reading)
    prepared = time.perf_counter() - start
    names = reading.estate.actions
    solved, started, spent = 0, 0, 0.0
    wrong: list[str] = []
    for pair in pairs:
        left = seconds - spent
        if left <= 1:
            break
        begin = time.perf_counter()
        answer = Model(powers, pair.state, cap).solve(names[pair.action], pair.asset, left)
        spent += time.perf_counter() - begin
        started += 1
        if answer.proved:
            solved += 1
            wrong += _differs(reading, pair, answer.length, engine)
    each = spent / max(1, started)
    return {"prepared": prepared, "solved": solved, "started": started, "spent": spent, "each": each, "wrong": wrong}


def by_worklist(reading: Reading, pairs: list[Pair], engine: Lengths, cap: int, seconds: float) -> dict[str, object]:
    """The naive search for each state in turn until the time is up. `fixpoints`: how many it needs for all states, at
    most one for every set of up to `cap` outsiders; `done` of them took `spent`. The states take turns at random, so
    that those that were reached stand for the rest."""
    start = time.perf_counter()
    index = Worklist(reading)
    prepared = time.perf_counter() - start
    by_state: dict[int, list[Pair]] = {}
    for pair in pairs:
        by_state.setdefault(pair.state, []).append(pair)
    exposed = Counter(state for states in reading.exposed for state in states)
    outsiders = [reading.size - exposed[state] for state in by_state]
    wrong: list[str] = []
    finished, done, spent = 0, 0, 0.0
    for state, own in by_state.items():
        begin = time.perf_counter()
        found = search(index, state, own, cap, seconds=seconds - spent)
        spent += time.perf_counter() - begin
        done += found.fixpoints
        finished += found.finished
        for pair, length in found.lengths.items():
            wrong += _differs(reading, pair, length, engine)
        if not found.finished:
            break
    return {
        "prepared": prepared, "states": len(by_state), "finished": finished, "done": done, "spent": spent,
        "fixpoints": sum(comb(count, size) for count in outsiders for size in range(cap + 1)), "wrong": wrong,
    }  # fmt: skip


def _differs(reading: Reading, pair: Pair, length: int | None, engine: Lengths) -> list[str]:
    key = (pair.state, pair.action, pair.asset)
    if key not in engine or engine[key] == length:
        return []
    estate = reading.estate
    where = f"{estate.states[pair.state]} {estate.actions[pair.action]} {estate.assets.ids[pair.asset]}"
    return [f"{where}: engine {engine[key]}, peer {length}"]


def contest(folder: Path, cap: int, seconds: float, seed: int, worklist_only: bool) -> dict[str, object]:
    """Both peers on one estate. The engine is timed on the estate already loaded, as the peers are."""
    estate = read(str(folder)).estate
    if estate.policy is not None:
        raise SystemExit("the peers read no policies: generate the estate with --no-cedar")
    begin = time.perf_counter()
    found = reach(estate, Question(at=DAY, cap=cap))
    taken = time.perf_counter() - begin
    engine = answers(found)
    begin = time.perf_counter()
    reading = Reading(estate, DAY)
    pairs = reading.pairs()
    prepared = time.perf_counter() - begin
    if {(pair.state, pair.action, pair.asset) for pair in pairs} != set(
        zip(found.state.tolist(), found.action.tolist(), found.asset.tolist(), strict=True)
    ):
        raise SystemExit("the engine and its peers were not asked about the same pairs")
    random.Random(seed).shuffle(pairs)
    result: dict[str, object] = {
        "people": reading.size, "grants": len(estate.grants), "pairs": len(pairs), "engine": taken,
        "reading": prepared, "worklist": by_worklist(reading, pairs, engine, cap, seconds),
    }  # fmt: skip
    if not worklist_only:
        result["cpsat"] = by_cpsat(reading, pairs, engine, cap, seconds)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cap", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=120, help="for each peer")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worklist-only", action="store_true")
    asked = parser.parse_args()
    print(json.dumps(contest(asked.folder, asked.cap, asked.seconds, asked.seed, asked.worklist_only)))


if __name__ == "__main__":
    main()
