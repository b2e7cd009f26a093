"""One life of a writer: it opens a ledger, is checked, records what several clients ask for, and ends as planned.

It runs in a process forked for it, which tells the parent what was asked, answered and shown before it counts as that.
"""

from __future__ import annotations

import errno
import os
import random
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path

from armslength.ledger import Everything, Kind, Records, format_scope
from armslength.service import Act, AppendError, Ledger, Stopped
from armslength.store import LedgerFolder, StoreError, read_ledger_folder
from armslength.tlog import Receipt, TlogError
from tests.faults.checker import check
from tests.faults.history import History, ask_line, checkpoint_line, problem_line, receipt_line
from tests.faults.shim import Call, Deed, Power, Shim

START = 1_800_000_000
PATIENCE = 60.0
"""Seconds after which an answer that does not come is a fault of the writer."""

STEPS = ("signed", "keys", "log", "lock", "erased", "tiles", "cosigned", "published")


@dataclass(frozen=True, slots=True, kw_only=True)
class AtStep:
    """The process ends in the n-th step of this name."""

    step: str
    nth: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AtCall:
    """The process ends before, after or within the n-th call that changes a file."""

    deed: Deed
    at: int
    calls: tuple[Call, ...] = tuple(Call)
    ending: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRandom:
    """The process ends after so many microseconds, by a thread of its own; or, `outside`, by the parent's signal."""

    microseconds: int
    outside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """A window of calls fails; then the storage is sound again, the ledger is asked to go on, and the life ends in
    order."""

    error: int
    at: int
    many: int = 1
    calls: tuple[Call, ...] = tuple(Call)
    ending: str = ""
    then: int = 0
    """If not 0, the process ends before that many-th call after the failures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lying:
    """No fsync does anything, and the process ends in the end: a disk on which nothing can be promised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InOrder:
    """The ledger is closed as it should be."""


End = AtStep | AtCall | AtRandom | Failing | Lying | InOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a life goes. `seed` decides what is asked for; `erasing` has it ask for erasures above all."""

    seed: int
    end: End
    power: Power = Power.KEPT
    erasing: bool = False

    def label(self) -> str:
        """Words for the plan, for counting."""
        match self.end:
            case Failing(error=error, many=many, then=then):
                return f"{errno.errorcode[error]} ×{many}" + (f", then {self._fate()}" if then else "")
            case InOrder():
                return "closed in order"
            case _:
                return self._fate()

    def _fate(self) -> str:
        return {Power.KEPT: "killed", Power.LOST: "power lost", Power.PARTLY: "power lost in part"}[self.power]


@dataclass(slots=True)
class Life:
    """Runs in the child; `live` does not return."""

    folder: Path
    attic: Path
    plan: Plan
    history: History
    out: int
    shim: Shim | None = None
    rng: random.Random = field(init=False)
    base: int = START
    checked: bool = False
    asked_time: int = 0
    left: list[Act] = field(default_factory=list)
    steps: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.plan.seed)

    def live(self) -> None:
        try:
            self._live()
            self._say("done\t\n")
        except BaseException:
            self._say(problem_line(traceback.format_exc()[-2500:]))
        finally:
            os._exit(0)

    # What the parent hears

    def _say(self, line: str) -> None:
        data = line.encode()
        assert len(data) <= 4096, "longer than what a pipe takes whole"
        os.write(self.out, data)

    def _ask(self, act: Act) -> None:
        self.history.asked[act.id] = act
        self._say(ask_line(act))

    def _given(self, receipt: Receipt) -> None:
        self._say(receipt_line(receipt))
        self.history.receipt(receipt.act, receipt.first, receipt.leaves)

    def _problem(self, problem: str) -> None:
        self._say(problem_line(problem))

    def _check(self, when: str) -> None:
        for problem in check(self.folder, self.history):
            self._problem(f"{when}: {problem}"[:2000])

    # The life

    def _live(self) -> None:
        self._arm()
        ledger = self._open()
        self._check("after a start")
        self.checked = True
        known = list(self.history.given)
        again = [self.history.asked[id] for id in self.rng.sample(known, min(3, len(known)))]
        scripts = [[*again, *self.history.unanswered()], *self._scripts()]
        clients = [threading.Thread(target=self._guarded_client, args=(ledger, acts)) for acts in scripts]
        for client in clients:
            client.start()
        while any(client.is_alive() for client in clients):
            self._publish(ledger)
            time.sleep(0.001)
        for client in clients:
            client.join()
        if isinstance(self.plan.end, Failing):
            self._recover(ledger)
        elif self.left:
            self._problem(f"{len(self.left)} acts were not recorded, though nothing failed")
        ledger.close()
        self._published()
        ends = isinstance(self.plan.end, AtCall | AtStep | AtRandom | Lying)
        if not ends or self.rng.random() < 0.3:
            self._check("after a close")
        if ends:
            self._die("in the end")

    def _arm(self) -> None:
        end = self.plan.end
        if self.shim is not None:
            self.shim.watch(self.folder, power=self.plan.power, attic=self.attic, seed=self.plan.seed, report=self.out)
            match end:
                case AtCall():
                    self.shim.plan(end.deed, at=end.at, calls=end.calls, ending=end.ending)
                case Failing():
                    self.shim.plan(
                        Deed.FAIL,
                        at=end.at,
                        many=end.many,
                        error=end.error,
                        calls=end.calls,
                        ending=end.ending,
                        then=end.then,
                    )
                case Lying():
                    self.shim.plan(Deed.LIE, many=1 << 30, calls=(Call.SYNC,))
                case AtRandom(outside=False):
                    self.shim.die_later(end.microseconds)
                case _:
                    pass

    def _open(self) -> Ledger:
        folder = read_ledger_folder(self.folder)
        settings = replace(
            folder.settings,
            epoch=self.rng.choice([0.0, 0.002, 10.0]),
            heartbeat=self.rng.choice([0.0, 0.005]),
            batch=self.rng.choice([1, 4, 512]),
        )
        self.base = START + self.rng.randrange(-100_000, 100_000)
        folder = replace(folder, settings=settings)
        self.asked_time = 0
        try:
            ledger = self._ledger(folder)
        except StoreError:
            if not isinstance(self.plan.end, Failing) or self.shim is None or not self.shim.hits():
                raise
            self._sound()
            self.asked_time = 0
            ledger = self._ledger(folder)
        self._say(f"opened\t{ledger.health().writer.size}\n")
        return ledger

    def _ledger(self, folder: LedgerFolder) -> Ledger:
        return Ledger(folder, clock=self._clock, monotonic=self._monotonic, step=self._step)

    def _monotonic(self) -> float:
        """Until the state after the start is checked nothing falls due, so that nothing moves meanwhile."""
        self.asked_time += 1
        return time.monotonic() + (1e6 if self.checked or self.asked_time == 1 else 0.0)

    def _clock(self) -> float:
        """A clock that jumps, backward too."""
        return self.base + time.monotonic() % 1000 * 97 + self.rng.randrange(-400, 400)

    def _step(self, step: str) -> None:
        self.steps[step] = self.steps.get(step, 0) + 1
        end = self.plan.end
        if isinstance(end, AtStep) and (end.step, end.nth) == (step, self.steps[step]):
            self._die(f"step {step}")

    def _die(self, how: str) -> None:
        if self.shim is None:
            self._say(f"died\t{how}\t\n")
            os.kill(os.getpid(), 9)
        else:
            self.shim.die(how)

    # What is asked for

    def _guarded_client(self, ledger: Ledger, acts: list[Act]) -> None:
        try:
            self._client(ledger, acts)
        except BaseException:
            self._problem(traceback.format_exc()[-2500:])

    def _client(self, ledger: Ledger, acts: list[Act]) -> None:
        """Asks for acts, up to a few at once."""
        rng = random.Random(f"{self.plan.seed} {acts[0].id.hex() if acts else ''}")
        waiting: list[tuple[Act, Future[Receipt]]] = []
        for act in acts:
            self._ask(act)
            try:
                waiting.append((act, ledger.append(act)))
            except AppendError as error:
                self._refused(act, error)
            if rng.random() < 0.5:
                self._settle(waiting)
        self._settle(waiting)

    def _settle(self, waiting: list[tuple[Act, Future[Receipt]]]) -> None:
        for act, future in waiting:
            try:
                self._given(future.result(timeout=PATIENCE))
            except (AppendError, TlogError) as error:
                self._refused(act, error)
            except TimeoutError:
                self._problem(f"an append got no answer in {PATIENCE} s")
        waiting.clear()

    def _refused(self, act: Act, error: Exception) -> None:
        if isinstance(error, AppendError):
            self.left.append(act)
        elif act.kind is not Kind.ERASURE or act.id in self.history.given:
            # An erasure may come second, after another one of the same.
            self._problem(f"an act ({act.kind} on {act.customers}) was refused: {error}")

    def _scripts(self) -> Iterator[list[Act]]:
        for _ in range(self.rng.choice([1, 2, 3])):
            yield [self._act() for _ in range(self.rng.randrange(1, 6))]

    def _act(self) -> Act:
        rng = self.rng
        id = rng.randbytes(16)
        if rng.random() < (0.7 if self.plan.erasing else 0.08) and (erasure := self._erasure(id)) is not None:
            return erasure
        names = rng.sample([f"customer {n}" for n in range(6)], rng.choice([0, 1, 1, 1, 2, 3]))
        fields = {
            label: rng.choice([rng.randbytes(rng.randrange(30)).hex(), rng.randrange(1000), None, True])
            for label in rng.sample(["resource", "reason", "person", "ticket", "place"], rng.randrange(1, 5))
        }
        kind = rng.choice([Kind.REQUEST, Kind.APPROVAL, Kind.LEASE, Kind.USE, Kind.FINDING])
        return Act(id=id, kind=kind, fields=fields, customers=tuple(names))

    def _erasure(self, id: bytes) -> Act | None:
        """An erasure of something that was acknowledged. One of single records may be refused, as the customer may
        have been erased since."""
        name = f"customer {self.rng.randrange(6)}"
        mine = [act for act in self.history.asked.values() if name in act.customers and act.id in self.history.given]
        if not mine:
            return None
        if self.rng.random() < 0.4:
            scope = format_scope(Everything())
        else:
            wanted = {}
            for n in range(self.rng.randrange(1, 3)):
                label = self.rng.choice(["resource", "reason", "person", "ticket", "place"])
                wanted[self.rng.randrange(max(1, len(mine) // 2)) + n] = self.rng.choice([None, (label,)])
            scope = format_scope(Records(records=tuple(sorted(wanted.items()))))
        return Act(id=id, kind=Kind.ERASURE, fields={"scope": scope}, customers=(name,))

    # What is shown

    def _publish(self, ledger: Ledger) -> None:
        health = ledger.publish()
        if health.problem is not None and not isinstance(self.plan.end, Failing):
            self._problem(f"not published: {health.problem}")
        self._published()

    def _published(self) -> None:
        try:
            note = (self.folder / "public" / "checkpoint").read_text()
        except FileNotFoundError:
            return
        self.history.checkpoint(note)
        self._say(checkpoint_line(note))

    # After a failure

    def _sound(self) -> None:
        """The storage is sound again."""
        end = self.plan.end
        assert self.shim is not None and isinstance(end, Failing)
        self._say(f"failed\t{self.shim.hits()}\n")
        if not end.then or self.shim.hits() < end.many:
            self.shim.plan(Deed.COUNT)

    def _recover(self, ledger: Ledger) -> None:
        """After the failures: the ledger goes on, at most after a reload, and what was not recorded can be."""
        self._sound()
        if ledger.health().writer.stopped is not None:
            try:
                left = ledger.append(self._act())
                self._problem(f"a writer that stopped took an act: {left}")
            except Stopped:
                pass
            ledger.reload()
        again, self.left = self.left, []
        self._client(ledger, again)
        if self.left:
            self._problem(f"{len(self.left)} acts were not recorded after the storage was sound again")
        health = ledger.publish()
        if health.problem is not None:
            self._problem(f"not published after the storage was sound again: {health.problem}")
        self._published()
