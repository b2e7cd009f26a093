"""The machine that tries a gate: how each operation goes, with or without the end of the process in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from armslength.gate import (
    GateError,
)
from armslength.service import Gate
from tests.gate_model.compared import compare
from tests.gate_model.firm import THE_FIRM
from tests.gate_model.plain import Ask, Plain
from tests.gate_model.workshop import Crash, Workshop, passkey

T = TypeVar("T")

CUSTOMERS = ("acme", "birch", "zenith")
ACTS = (
    ("end", "asset:meetings"),
    ("end", "asset:rec-1"),
    ("read", "asset:rec-1"),
    ("read", "asset:records"),
    ("export", "asset:records"),
    ("delete", "asset:records"),
    ("list", "asset:meetings"),
    ("view", "asset:meetings"),
    ("assume", "person:ed"),
    ("end", "asset:nowhere"),
)
PEOPLE = (*THE_FIRM.everybody, "zed")

people = st.sampled_from(PEOPLE)
askers = st.sampled_from(("ana", "bo", "bo", "eli", "eli", "ola", "kim", "zed"))
customers = st.lists(st.sampled_from(CUSTOMERS), unique=True, max_size=2).map(frozenset)

Ending = tuple[str, int, int] | None
"""The step that the process ends in, how many of that name pass before, and seconds until it is started again."""
crashes = st.none() | st.tuples(
    st.sampled_from(("claimed", "recorded", "taken", "written")), st.integers(0, 3), st.sampled_from((0, 0, 4000))
)


def somebody_waits(machine: Machine) -> bool:
    return any(ask.waiting for ask in machine.plain.asks.values())


def something_was_lent(machine: Machine) -> bool:
    return bool(machine.plain.leases)


class Machine(RuleBasedStateMachine):
    """`plain` is told what `shop`'s gate is told; `numbers` are how many passkeys each person has had besides their
    first; `since` is when the last operation began."""

    shop: Workshop
    plain: Plain
    numbers: dict[str, int]
    since: float

    @property
    def gate(self) -> Gate:
        return self.shop.gate

    @property
    def now(self) -> float:
        return self.shop.clock.now

    # How an operation goes

    def _do(self, crash: Ending, act: Callable[[], T]) -> tuple[T | GateError | None, bool]:
        """What it gave or raised, and whether its first record is there. After a crash the gate is open again, not yet
        swept, and what it gave is None."""
        self.shop.crash = None if crash is None else crash[:2]
        self.shop.steps.clear()
        self.since = self.now
        try:
            return act(), "recorded" in self.shop.steps
        except GateError as error:
            return error, "recorded" in self.shop.steps
        except Crash:
            recorded = "recorded" in self.shop.steps
            assert crash is not None
            self.shop.clock.now += crash[2]
            self.shop.reopen(killed=True)
            return None, recorded
        finally:
            self.shop.crash = None

    def _compare(self, *, crashed: bool = False) -> None:
        compare(self.gate, self.plain, now=self.now, since=self.since, swept=False)
        if crashed:
            self._sweep()

    def _sweep(self) -> None:
        self.since = self.now
        for _ in range(2):  # what another estate brings, the next sweep ends
            self.gate.tick()
            compare(self.gate, self.plain, now=self.now, since=self.since, swept=False)
        self.shop.deliver()
        for ask in self.plain.asks.values():
            ask.told = self.now if ask.told is None else ask.told
        compare(self.gate, self.plain, now=self.now, since=self.since, swept=True)

    def _reopened(self, delay: float, *, killed: bool) -> None:
        self.shop.clock.now += delay
        before = self.shop.documents()
        self.shop.reopen(killed=killed)
        assert self.shop.documents() == before
        self._sweep()

    def _waiting(self, data: st.DataObject) -> Ask | None:
        waiting = [ask for ask in self.plain.asks.values() if ask.waiting]
        return data.draw(st.sampled_from(waiting)) if waiting else None

    def _lapsed(self, ask: Ask) -> bool:
        """Whether its time was over, or another estate holds than it would change, which whoever touches it finds
        out."""
        if ask.waiting and ask.expires <= self.now:
            ask.over = "expired"
        elif ask.waiting and ask.change is not None and ask.change[0] != self.plain.digest:
            ask.over = "overtaken"
        return not ask.waiting

    # People's keys

    def _numbers(self, person: str) -> list[int]:
        return list(range(self.numbers[person] + 1))

    def _counts(self, person: str, number: int) -> bool:
        return self.plain.keys.get(passkey(person, number).credential) == (person, True)
