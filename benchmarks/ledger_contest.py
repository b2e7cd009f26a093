"""The ledger and its peers record the same acts in one process, in turns; prints JSON.

    python benchmarks/ledger_contest.py FOLDER --customers 100000 --rounds 10 --seconds 30

Each round goes to everybody before the next begins, so that what else the machine does meanwhile hits all alike. The
ledger has a witness in another process and, while latencies are measured, publishes as often as its settings say.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from statistics import median
from threading import Thread
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from armslength.service import Ledger, prove_entry  # noqa: E402
from armslength.store import LedgerSettings  # noqa: E402
from armslength.tlog import Receipt, leaf_hash  # noqa: E402
from benchmarks.ledger_acts import Acts, Drawn  # noqa: E402
from benchmarks.ledger_load import Latencies, Recorder, Round, closed_loop, open_loop, saturate  # noqa: E402
from benchmarks.ledger_made import ORIGIN, ROUND, Ours, fill, make  # noqa: E402
from benchmarks.ledger_witness import running_witness  # noqa: E402
from benchmarks.peers.group_commit import GroupCommit  # noqa: E402
from benchmarks.peers.hash_chain import HashChain  # noqa: E402
from benchmarks.peers.merkle_tree import MerkleTree  # noqa: E402

BATCH = LedgerSettings(origin=ORIGIN).batch
OURS = "armslength"
GROUPED = (f"hash chain, {BATCH} a commit", f"pymerkle, {BATCH} a commit")
SINGLE = ("hash chain, 1 a commit", "pymerkle, 1 a commit")
FEWER = 16
"""Who commits each record alone gets a part of each round: all of it would take most of the run."""
SAMPLED = 200
"""Of so many acts one is followed to its cosigned proof."""
PATIENCE = 10
"""Seconds after which a proof that is still missing is given up."""


def peers(folder: Path) -> dict[str, GroupCommit]:
    """By their names in the tables."""
    return {
        GROUPED[0]: GroupCommit(HashChain(folder / "chain-grouped.db"), BATCH),
        GROUPED[1]: GroupCommit(MerkleTree(folder / "tree-grouped.db"), BATCH),
        SINGLE[0]: GroupCommit(HashChain(folder / "chain-single.db"), 1),
        SINGLE[1]: GroupCommit(MerkleTree(folder / "tree-single.db"), 1),
    }


def share(name: str, acts: list[Drawn]) -> list[Drawn]:
    return acts[: max(1, len(acts) // FEWER)] if name in SINGLE else acts


def rates(recorders: dict[str, Recorder], source: Acts, rounds: int, size: int) -> dict[str, dict[str, float]]:
    found: dict[str, list[Round]] = {name: [] for name in recorders}
    for _ in range(rounds):
        acts = source.draw(size)
        for name, recorder in recorders.items():
            found[name].append(saturate(recorder, share(name, acts)))
    return {
        name: {
            "rate": median(each.rate for each in given),
            "processor": sum(each.processor for each in given) / sum(each.records for each in given),
            "records": sum(each.records for each in given),
        }
        for name, given in found.items()
    }


class Follower:
    """Follows some acts until their proof, cosigned as the policy asks, is in hand and verified."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._given: SimpleQueue[tuple[float, Receipt] | None] = SimpleQueue()
        self.seconds: list[float] = []
        self.missed = 0
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def acknowledged(self, place: int, due: float, receipt: Receipt) -> None:
        if place % SAMPLED == 0:
            self._given.put((due, receipt))

    def end(self) -> None:
        self._given.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (given := self._given.get()) is not None:
            due, receipt = given
            while not self._ledger.witnessed(receipt):
                if time.perf_counter() - due > PATIENCE:
                    self.missed += 1
                    break
                time.sleep(0.005)
            else:
                leaf, proof = prove_entry(self._ledger.folder, receipt.first)
                proof.verify(leaf_hash(leaf), self._ledger.folder.policy)
                self.seconds.append(time.perf_counter() - due)


def told(found: Latencies) -> dict[str, float]:
    return {
        "rate": found.rate,
        "p50": found.at(0.50),
        "p99": found.at(0.99),
        "most": max(found.seconds),
        "refused": found.refused,
        "acts": len(found.seconds),
    }


def latencies(
    recorders: dict[str, Recorder], ledger: Ledger, source: Acts, asked: argparse.Namespace
) -> dict[str, Any]:
    follower = Follower(ledger)
    acts = source.draw(int(asked.rate * asked.seconds))
    opened: dict[str, Any] = {}
    for name, recorder in recorders.items():
        following = {"acknowledged": follower.acknowledged} if name == OURS else {}
        opened[name] = told(open_loop(recorder, acts, asked.rate, **following))
    follower.end()
    closed = {
        name: told(closed_loop(recorder, endless(source), asked.clients, asked.seconds))
        for name, recorder in recorders.items()
    }
    cosigned = Latencies(seconds=tuple(follower.seconds), refused=follower.missed, elapsed=1.0)
    return {"open": opened, "closed": closed, "cosigned": told(cosigned)}


def endless(source: Acts) -> Iterator[Drawn]:
    while True:
        yield from source.draw(ROUND)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--customers", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--size", type=int, default=ROUND, help="acts in a round")
    parser.add_argument("--seconds", type=float, required=True, help="of each latency measurement")
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--clients", type=int, default=256)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    source = Acts(asked.seed, asked.customers)
    with ExitStack() as stack:
        witness = stack.enter_context(running_witness(asked.folder / "witness"))
        folder = make(asked.folder / "ledger", witnesses=witness.policy)
        witness.watch([key.verifier.text for key in folder.signers])
        ours = Ours(folder.path)
        ledger = ours.ledger
        recorders: dict[str, Recorder] = {OURS: ours, **peers(asked.folder)}
        for recorder in recorders.values():
            stack.callback(recorder.close)
        for acts in source.each(ROUND):
            fill(ours, acts)
        recorded = rates(recorders, source, asked.rounds, asked.size)
        ledger.publish()
        ledger.start()
        waited = latencies(recorders, ledger, source, asked)
    print(json.dumps({"recorded": recorded, **waited}))


if __name__ == "__main__":
    main()
