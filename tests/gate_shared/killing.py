"""Kills gates that share a ledger, and what they stand on: round after round on the same firm, each held against what
the earlier ones promised.

    python -m tests.gate_shared.killing --rounds 1000

In each round two gates, each in a network of its own, serve people at once, and something happens to them: one is
killed, or both; PostgreSQL is; the network is cut; the writer is stopped long enough to lose its seat, and goes on.
Then everything is there again, and both have to agree, and to keep what either promised.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.campaign import scratch
from tests.gate_model.lives import Promised
from tests.gate_shared.founding import found_at
from tests.gate_shared.network import Site, sites
from tests.gate_shared.pair import SITES, moved
from tests.gate_shared.server import WITHOUT_FSYNC, SharedServer, shared_server
from tests.gate_shared.sitelife import SiteLife

ROUNDS = 20
"""Rounds of one firm, before another is begun."""
HUNG = 120.0
SILENT = 0.6
SERVED = 0.8
"""Seconds that a gate serves people in a round."""


@dataclass(slots=True)
class Child:
    pid: int
    reader: int
    site: str
    said: bytes = b""
    killed: bool = False


@dataclass(slots=True)
class Tally:
    """`faults` by what was done; `promises` by what; `problems` with the round that brought them."""

    faults: Counter[str] = field(default_factory=Counter)
    promises: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def words(self) -> str:
        lines = [f"{self.faults.total()} rounds in {self.seconds:.0f} s"]
        lines += [f"  {count:6}  {what}" for what, count in sorted(self.faults.items())]
        lines += [f"{self.promises.total()} promises held against every later round"]
        lines += [f"  {count:6}  {what}" for what, count in sorted(self.promises.items())]
        lines += [f"{self.failed.total()} times nothing was allowed, and said so"]
        lines += [f"{len(self.problems)} problems", *(problem[:3000] for problem in self.problems[:6])]
        return "\n".join(lines)


class Campaign:
    def __init__(self, place: Path, server: SharedServer, around: dict[str, Site], seed: int) -> None:
        self._place, self._server, self._around = place, server, around
        self._rng = random.Random(seed)
        self._template = place / "founded"
        found_at(around[SITES[0]], server, self._template)
        self._made = 0
        self.tally = Tally()
        self._faults: tuple[Callable[[dict[str, Child]], str], ...] = (
            *(self._kill_one,) * 4,
            self._kill_both,
            *(self._kill_server,) * 2,
            *(self._cut_one,) * 4,
            self._cut_both,
            *(self._stop_one,) * 3,
            self._cut_and_kill,
            self._cut_and_kill_server,
            self._silent_server,
            self._nothing,
        )
        self._begin()
        gc.collect()
        gc.freeze()

    def run(self, rounds: int) -> None:
        begun = time.monotonic()
        for number in range(rounds):
            self._round(number % ROUNDS)
            if number % ROUNDS == ROUNDS - 1 or number == rounds - 1:
                self._look(ROUNDS, thoroughly=True)
                self._end()
                self._begin()
            self.tally.seconds = time.monotonic() - begun
            if number % 25 == 24:
                print(f"{number + 1} rounds, {len(self.tally.problems)} problems", file=sys.stderr, flush=True)
        self._server.drop(self._name)

    # A round

    def _round(self, number: int) -> None:
        children = {}
        for site in SITES:
            seconds = SERVED * self._rng.uniform(0.5, 1.5)
            children[site] = self._fork(site, number, lambda life, site=site, seconds=seconds: life.live(site, seconds))
        time.sleep(self._rng.uniform(0.05, 0.3 + SERVED))
        self._fault = self._rng.choice(self._faults)
        what = self._fault(children)
        self.tally.faults[what] += 1
        for child in children.values():
            self._hear(child, what)
        self._look(number, thoroughly=False, after=what)

    def _look(self, number: int, *, thoroughly: bool, after: str = "the last round") -> None:
        child = self._fork("both", number, lambda life: life.look(thoroughly=thoroughly))
        self._hear(child, f"a look after {after}")
        if self._promised.problems:
            found = [f"{each}\n    after {after}" for each in dict.fromkeys(self._promised.problems)]
            print(*found, sep="\n", file=sys.stderr, flush=True)
            self.tally.problems += found
            self._end()
            self._begin()

    def _fork(self, site: str, number: int, do: Callable[[SiteLife], None]) -> Child:
        reader, writer = os.pipe()
        seed = self._rng.getrandbits(48)
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            do(
                SiteLife(
                    folders={each: self._folder / each for each in SITES},
                    sites=self._around,
                    number=number,
                    seed=seed,
                    promised=self._promised,
                    out=writer,
                    silent=SILENT,
                )
            )
            os._exit(0)
        os.close(writer)
        return Child(pid=pid, reader=reader, site=site)

    def _hear(self, child: Child, what: str) -> None:
        end = time.monotonic() + HUNG
        while True:
            ready, _, _ = select.select([child.reader], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                self._promised.problems.append(f"{child.site} did not end in {HUNG} s after {what}")
                self._kill(child)
                end = time.monotonic() + HUNG
                continue
            more = os.read(child.reader, 1 << 16)
            if not more:
                break
            child.said += more
        os.close(child.reader)
        _, status = os.waitpid(child.pid, 0)
        if os.WIFSIGNALED(status) and not child.killed:
            self._promised.problems.append(f"{child.site} died of signal {os.WTERMSIG(status)} after {what}")
        for line in child.said.decode().splitlines(keepends=True):
            if not line.endswith("\n"):
                continue
            word, *rest = json.loads(line)
            if word == "failed":
                self.tally.failed[rest[0][:60]] += 1
            elif word == "problem":
                self._promised.problems.append(rest[0])
            elif word != "up":
                self._promised.facts.append([word, *rest])

    # What happens

    def _kill(self, child: Child) -> None:
        child.killed = True
        with suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)

    def _one(self) -> str:
        return self._rng.choice(SITES)

    def _kill_one(self, children: dict[str, Child]) -> str:
        self._kill(children[self._one()])
        return "one gate killed"

    def _kill_both(self, children: dict[str, Child]) -> str:
        for child in children.values():
            self._kill(child)
        return "both gates killed"

    def _kill_server(self, children: dict[str, Child]) -> str:
        self._server.stop("immediate")
        time.sleep(self._rng.uniform(0, 0.5))
        self._server.start()
        return "PostgreSQL killed"

    def _cut_one(self, children: dict[str, Child]) -> str:
        site = self._around[self._one()]
        site.cut()
        time.sleep(self._rng.choice((0.1, 0.5, 1.0, 2.0, 4.0)))
        site.mend()
        return "one site cut off"

    def _cut_both(self, children: dict[str, Child]) -> str:
        for site in self._around.values():
            site.cut()
        time.sleep(self._rng.uniform(0.1, 2.0))
        for site in self._around.values():
            site.mend()
        return "both sites cut off"

    def _cut_and_kill(self, children: dict[str, Child]) -> str:
        name = self._one()
        self._around[name].cut()
        time.sleep(self._rng.uniform(0.1, 1.0))
        self._kill(children[self._one()])
        time.sleep(self._rng.uniform(0.1, 1.0))
        self._around[name].mend()
        return "one site cut off, and a gate killed"

    def _cut_and_kill_server(self, children: dict[str, Child]) -> str:
        name = self._one()
        self._around[name].cut()
        time.sleep(self._rng.uniform(0.05, 0.3))
        self._kill_server(children)
        self._around[name].mend()
        return "one site cut off, and PostgreSQL killed"

    def _stop_one(self, children: dict[str, Child]) -> str:
        pid = children[self._one()].pid
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(self._rng.uniform(0.2, 3 * SILENT))
            os.kill(pid, signal.SIGCONT)
        return "one gate stopped for a while"

    def _silent_server(self, children: dict[str, Child]) -> str:
        with self._server.silent():
            time.sleep(self._rng.uniform(0.2, 2.0))
        return "PostgreSQL silent for a while"

    def _nothing(self, children: dict[str, Child]) -> str:
        return "nothing"

    # Firms

    def _begin(self) -> None:
        self._made += 1
        self._name = f"firm{self._made}"
        self._server.copy("founded", self._name)
        self._folder = self._place / self._name
        moved(self._template, self._folder, "founded", self._name)
        self._promised = Promised()

    def _end(self) -> None:
        self.tally.promises.update(fact[0] for fact in self._promised.facts)
        self._server.drop(self._name)
        shutil.rmtree(self._folder)


def campaign(rounds: int, seed: int) -> Tally:
    """In this process, which has to be root's."""
    os.environ[WITHOUT_FSYNC] = "1"
    with (
        tempfile.TemporaryDirectory(prefix="armslength-shared-kills-", dir=scratch()) as place,
        sites(*SITES) as (hub, around),
        shared_server(hub.address, namespace=hub.namespace) as server,
    ):
        made = Campaign(Path(place), server, around, seed)
        made.run(rounds)
        return made.tally


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=None)
    wanted = parser.parse_args()
    chosen = random.randrange(1 << 32) if wanted.seed is None else wanted.seed
    print(f"seed {chosen}", file=sys.stderr)
    tally = campaign(wanted.rounds, chosen)
    print(tally.words())
    sys.exit(bool(tally.problems))
