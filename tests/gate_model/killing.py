"""Kills gates: one life after another on the same folder, each held against what the earlier ones promised.

    python -m tests.gate_model.killing --lives 5000

forks every life from a process that has imported everything already, and prints how many were killed, and where. It
starts itself again with the failing storage of tests/faults loaded, which also loses what was not synced.
"""

from __future__ import annotations

import gc
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.campaign import HUNG, command_line, forked, lived, scratch
from tests.faults.shim import Deed, Power, Shim
from tests.gate_model.lives import STEPS, AtCall, AtRandom, AtStep, End, InOrder, Life, Lying, Plan, Promised
from tests.gate_model.workshop import template

LIVES = 25
"""Lives of one gate, before it is closed in order and another is begun."""
POWERS = (Power.KEPT, Power.LOST, Power.PARTLY)


@dataclass(slots=True)
class Tally:
    """`kills` by where; `promises` by what; `problems` with the plan that brought them."""

    kills: Counter[str] = field(default_factory=Counter)
    ended: int = 0
    promises: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def document(self) -> dict[str, object]:
        return {
            "kills": dict(self.kills),
            "ended": self.ended,
            "promises": dict(self.promises),
            "problems": self.problems,
            "seconds": self.seconds,
        }

    def words(self) -> str:
        lines = [f"{self.kills.total()} kills in {self.seconds:.1f} s, and {self.ended} lives that ended in order"]
        lines += [f"  {count:6}  {where}" for where, count in sorted(self.kills.items())]
        lines += [f"{self.promises.total()} promises held against every later life"]
        lines += [f"  {count:6}  {what}" for what, count in sorted(self.promises.items())]
        lines += [f"{len(self.problems)} problems", *(problem[-1500:] for problem in self.problems[:6])]
        return "\n".join(lines)


def anywhere(rng: random.Random, lives: int) -> Iterator[Plan]:
    """Kills at each step of a record, at any call that changes a file, and at any moment."""
    for n in range(lives):
        end: End
        match n % 4:
            case 0:
                end = AtStep(step=STEPS[n // 4 % len(STEPS)], nth=rng.randrange(1, 8))
            case 1 | 2:
                end = AtCall(deed=rng.choice([Deed.BEFORE, Deed.TORN, Deed.AFTER]), at=rng.randrange(1, 250))
            case _:
                end = AtRandom(microseconds=rng.randrange(1, 250_000))
        power = Power.KEPT if isinstance(end, AtRandom) and rng.random() < 0.5 else rng.choice(POWERS)
        yield Plan(seed=rng.getrandbits(48), number=n % LIVES, end=end, power=power)


def lying(rng: random.Random, lives: int) -> Iterator[Plan]:
    """Power failures on a disk whose fsync does nothing."""
    for n in range(lives):
        yield Plan(seed=rng.getrandbits(48), number=n % LIVES, end=Lying(), power=Power.LOST)


CAMPAIGNS = {"anywhere": anywhere, "lying": lying}


class Campaign:
    """Lives on gates in a scratch folder."""

    def __init__(self, place: Path, shim: Shim) -> None:
        self._place, self._shim = place, shim
        self._attic = place / "attic"
        self._attic.mkdir()
        self.tally = Tally()
        self._made = 0
        self._template = place / "template"
        forked(lambda: shutil.copytree(template(), self._template), what="the gate")
        self._folder, self._promised = self._begin()
        gc.collect()
        gc.freeze()  # a fork copies what a collection touches

    def run(self, plans: Iterable[Plan]) -> None:
        begun = time.monotonic()
        for plan in plans:
            self.live(plan)
            if plan.number == LIVES - 1:
                self._end()
        self._end()
        self.tally.seconds += time.monotonic() - begun

    def live(self, plan: Plan) -> None:
        ended = lived(
            lambda out: Life(
                folder=self._folder,
                attic=self._attic,
                plan=plan,
                promised=self._promised,
                out=out,
                shim=self._shim,
            ).live()
        )
        if ended.hung:
            self._promised.problems.append(f"a life did not end in {HUNG} s")
        self._understand(ended.said, plan, killed=ended.signal is not None)

    def _understand(self, said: str, plan: Plan, *, killed: bool) -> None:
        where = "at random"
        for line in said.splitlines(keepends=True):
            if line.startswith("died\t"):
                where = " ".join(line.split("\t")[1].split())
            elif line.startswith("[") and line.endswith("\n"):  # one that the kill cut off was not said
                self._promised.hear(line, losing=killed and plan.power is not Power.KEPT)
        if killed:
            self.tally.kills[where] += 1
        else:
            self.tally.ended += 1
        if self._promised.problems:
            self.tally.problems += [f"{problem}\n    in {plan}" for problem in dict.fromkeys(self._promised.problems)]
            # One fault is told once: the next lives are those of another gate.
            self._folder, self._promised = self._begin()

    def _end(self) -> None:
        self.live(Plan(seed=self._made, number=LIVES, end=InOrder()))
        self.tally.promises.update(fact[0] for fact in self._promised.facts)
        shutil.rmtree(self._folder)
        self._folder, self._promised = self._begin()

    def _begin(self) -> tuple[Path, Promised]:
        folder = self._place / f"gate-{self._made}"
        self._made += 1
        shutil.copytree(self._template, folder)
        for left in self._attic.iterdir():
            left.unlink()
        return folder, Promised()


def campaign(name: str, lives: int, seed: int) -> Tally:
    """In this process."""
    with tempfile.TemporaryDirectory(prefix="armslength-gate-kills-", dir=scratch()) as place:
        made = Campaign(Path(place), Shim())
        made.run(CAMPAIGNS[name](random.Random(seed), lives))
        return made.tally


if __name__ == "__main__":
    sys.exit(command_line(__spec__.name, __doc__, CAMPAIGNS, campaign, lives=200))
