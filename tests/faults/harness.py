"""Kills writers: one life after another on the same ledger, each checked by the next.

    python -m tests.faults.harness --lives 10000

forks every life from a process that has imported everything already, and prints how many were killed, where, and what
was found. It starts itself again with the shim loaded.
"""

from __future__ import annotations

import gc
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from armslength.ledger import Kind, seal, unseal
from armslength.service import Act, Ledger, create_ledger
from armslength.store import LedgerSettings, read_ledger_folder
from armslength.tlog import EMPTY, Checkpoint, Note, sign_note, verify_signature
from tests.faults.campaign import HUNG, ROOT, command_line, forked, lived, scratch, shimmed_module
from tests.faults.history import History
from tests.faults.life import START, AtRandom, InOrder, Life, Plan
from tests.faults.plans import CAMPAIGNS
from tests.faults.shim import Shim

__all__ = ["ORIGIN", "ROOT", "Campaign", "Tally", "campaign", "scratch", "shimmed"]

ORIGIN = "log.example/faults"
LIVES = 25
"""Lives of one ledger, before it is closed and another is begun: the check reads all of it each time."""


@dataclass(slots=True)
class Tally:
    """`kills` by (how, where); `lives` that ended otherwise, by how; `problems` with the plan that brought them."""

    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    lives: Counter[str] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    receipts: int = 0
    checkpoints: int = 0
    seconds: float = 0.0

    @property
    def killed(self) -> int:
        return sum(self.kills.values())

    def document(self) -> dict[str, object]:
        return {
            "kills": [[how, where, count] for (how, where), count in sorted(self.kills.items())],
            "lives": dict(self.lives),
            "injected": dict(self.injected),
            "problems": self.problems,
            "receipts": self.receipts,
            "checkpoints": self.checkpoints,
            "seconds": self.seconds,
        }

    def words(self) -> str:
        lines = [f"{self.killed} kills in {self.seconds:.1f} s, {self.killed / max(self.seconds, 1e-9):.1f}/s"]
        lines += [f"  {count:6}  {how}: {where}" for (how, where), count in sorted(self.kills.items())]
        lines += [f"{sum(self.injected.values())} calls made to fail, in lives that went on"]
        lines += [f"  {count:6}  {how}" for how, count in sorted(self.injected.items())]
        lines += [f"{sum(self.lives.values())} lives that ended otherwise"]
        lines += [f"  {count:6}  {how}" for how, count in sorted(self.lives.items())]
        lines += [f"{self.receipts} receipts and {self.checkpoints} checkpoints held against every later state"]
        lines += [f"{len(self.problems)} problems", *(problem[-900:] for problem in self.problems[:6])]
        return "\n".join(lines)


class Campaign:
    """Lives on ledgers in a scratch folder."""

    def __init__(self, place: Path, shim: Shim | None) -> None:
        self._place, self._shim = place, shim
        self._attic = place / "attic"
        self._attic.mkdir()
        self.tally = Tally()
        self._made = 0
        self._bare = self._template("bare", acts=0)
        self._grown = self._template("grown", acts=122)
        _warm(self._bare)
        self._folder, self._history, self._lived = self._begin()
        gc.collect()
        gc.freeze()  # a fork copies what a collection touches

    def run(self, plans: Iterable[Plan]) -> None:
        begun = time.monotonic()
        for plan in plans:
            if self._lived >= LIVES:
                self._end()
            self.live(plan)
        self._end()
        self.tally.seconds += time.monotonic() - begun

    def live(self, plan: Plan) -> None:
        """One life. What it is killed by, and what the next one finds, goes into the tally."""
        outside = plan.end.microseconds / 1e6 if isinstance(plan.end, AtRandom) and plan.end.outside else None
        ended = lived(
            lambda out: Life(
                folder=self._folder,
                attic=self._attic,
                plan=plan,
                history=self._history,
                out=out,
                shim=self._shim,
            ).live(),
            killed_after=outside,
        )
        if ended.hung:
            self._history.problems.append(f"a life did not end in {HUNG} s")
        self._understand(ended.said, plan, killed=ended.signal == signal.SIGKILL)
        self._lived += 1

    def _understand(self, said: str, plan: Plan, *, killed: bool) -> None:
        where = "by a signal from outside"
        for line in said.splitlines(keepends=True):
            if not line.endswith("\n"):
                continue  # a line that the kill cut off was not said
            word, _, rest = line.rstrip("\n").partition("\t")
            match word:
                case "died":
                    how, _, path = rest.partition("\t")
                    where = f"{how} {_part(path)}".strip()
                case "failed":
                    self.tally.injected[plan.label()] += int(rest)
                case "opened" | "done":
                    pass
                case _:
                    self._history.hear(line.rstrip("\n"))
        self._read_published()
        if killed:
            self.tally.kills[plan.label(), where] += 1
        else:
            self.tally.lives[plan.label()] += 1
        for problem in dict.fromkeys(self._history.problems):
            self.tally.problems.append(f"{problem}\n    in {plan}")
        if self._history.problems:
            # One fault is told once: the next lives are those of a new ledger.
            self._folder, self._history, self._lived = self._begin()

    def _read_published(self) -> None:
        try:
            note = (self._folder / "public" / "checkpoint").read_text()
        except FileNotFoundError:
            return
        self._history.checkpoint(note)

    def _end(self) -> None:
        """Close the ledger in order, check it once more, and begin another."""
        self.live(Plan(seed=self._made, end=InOrder()))
        self.tally.receipts += len(self._history.given)
        self.tally.checkpoints += len(self._history.signed)
        shutil.rmtree(self._folder)
        self._folder, self._history, self._lived = self._begin()

    def _begin(self) -> tuple[Path, History, int]:
        folder = self._place / f"ledger-{self._made}"
        self._made += 1
        # Every fourth is about to fill its first tile.
        shutil.copytree(self._grown if self._made % 4 == 0 else self._bare, folder)
        for left in self._attic.iterdir():
            left.unlink()
        history = History()
        history.checkpoint((folder / "public" / "checkpoint").read_text())
        return folder, history, 0

    def _template(self, name: str, *, acts: int) -> Path:
        """A ledger to copy, with so many acts on two customers."""
        folder = self._place / name

        def make() -> None:
            settings = LedgerSettings(origin=ORIGIN)
            made = create_ledger(folder, settings=settings, witnesses="", clock=lambda: START, chance=os.urandom)
            with Ledger(made, clock=lambda: START) as ledger:
                asked = [
                    Act(id=os.urandom(16), kind=Kind.USE, fields={"number": n}, customers=("ann", "bob"))
                    for n in range(acts)
                ]
                for future in [ledger.append(act) for act in asked]:
                    future.result()

        forked(make, what="the ledger")
        return folder


def _warm(folder: Path) -> None:
    """Have everything loaded that a life would otherwise load each time."""
    text = Checkpoint(origin=ORIGIN, size=0, root=EMPTY).format()
    for key in read_ledger_folder(folder).signers:
        signature = sign_note(text, key, timestamp=START if key.algorithm.timestamped else None)
        verify_signature(Note(text=text, signatures=(signature,)), key.verifier)
    sealed = seal({"warm": 1}, bytes(32), os.urandom)
    unseal(key=bytes(32), wrapped=sealed.wrapped, box=sealed.box, commitment=sealed.commitment)


def _part(path: str) -> str:
    """Which part of a ledger a file belongs to."""
    if not path:
        return ""
    if "/public" in path:
        name = "checkpoint" if "checkpoint" in path else "tiles"
        return f"public {name}"
    return path.rpartition("/")[2]


def campaign(name: str, lives: int, seed: int) -> Tally:
    """Run one, in this process."""
    with tempfile.TemporaryDirectory(prefix="armslength-faults-", dir=scratch()) as place:
        made = Campaign(Path(place), Shim())
        made.run(CAMPAIGNS[name](random.Random(seed), lives))
        return made.tally


def shimmed(arguments: list[str]) -> list[str]:
    """A command that runs this module with the shim loaded."""
    return shimmed_module(__spec__.name, arguments)


if __name__ == "__main__":
    sys.exit(command_line(__spec__.name, __doc__, CAMPAIGNS, campaign, lives=500))
