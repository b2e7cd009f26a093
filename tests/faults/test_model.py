"""A ledger beside a plain list that is told the same: batches, repeats, erasures, reloads and crashes in any order."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from armslength.ledger import Everything, Kind, Records, Scope, format_scope
from armslength.service import Act, create_ledger
from armslength.service.ledger_state import LedgerState
from armslength.store import LedgerSettings, read_ledger_folder
from armslength.tlog import Malformed, Receipt
from tests.faults.checker import check
from tests.faults.harness import ORIGIN, scratch
from tests.faults.history import History
from tests.faults.life import START

NAMES = ("ann", "bob", "cem")
LABELS = ("note", "person", "place")
STEPS = ("signed", "keys", "log", "lock", "erased")


class Crash(BaseException):
    """The process is no more."""


@dataclass
class Model:
    """What a ledger is, without any of how: the customer and act of each entry, None for a map head."""

    entries: list[tuple[str, Act] | None] = field(default_factory=list)
    places: dict[bytes, tuple[int, Act]] = field(default_factory=dict)
    since_erased: dict[str, list[Act]] = field(default_factory=dict)
    """The acts on a customer that is known by this name now."""
    unmapped: bool = False

    def outcomes(self, acts: list[Act]) -> list[int | None]:
        """The first index that each act of a batch gets, None where it is refused."""
        size, found = len(self.entries), []
        new: dict[bytes, tuple[int, Act]] = {}
        for act in acts:
            known = self.places.get(act.id) or new.get(act.id)
            if known is None:
                known = new[act.id] = size, act
                size += max(1, len(act.customers))
            found.append(known[0] if known[1] == act else None)
        return found

    def take(self, acts: list[Act], *, map_head: bool) -> None:
        before = len(self.entries)
        for act in acts:
            if act.id not in self.places:
                self.places[act.id] = len(self.entries), act
                for name in act.customers or ("",):
                    self.entries.append((name, act))
                    self.since_erased.setdefault(name, []).append(act)
                if act.kind is Kind.ERASURE and act.scope == Everything():
                    del self.since_erased[act.customers[0]]
        self.unmapped = self.unmapped or len(self.entries) > before
        if map_head and self.unmapped:
            self.entries.append(None)
            self.unmapped = False


@cache
def template() -> Path:
    """An empty ledger to copy: making its keys takes longer than most examples."""
    place = Path(tempfile.mkdtemp(prefix="armslength-model-", dir=scratch()))
    atexit.register(shutil.rmtree, place)
    settings = LedgerSettings(origin=ORIGIN)
    create_ledger(place / "ledger", settings=settings, witnesses="", clock=lambda: START, chance=os.urandom)
    return place / "ledger"


class LedgerMachine(RuleBasedStateMachine):
    """Commits to a real ledger on disk; only what would be the network is left out."""

    @initialize()
    def begin(self) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="armslength-model-", dir=scratch()))
        self.time = float(START)
        self.crash_in: str | None = None
        shutil.copytree(template(), self.place / "ledger")
        self.folder = read_ledger_folder(self.place / "ledger")
        self.model, self.history = Model(), History()
        self.state: LedgerState | None = None
        self._open()

    def teardown(self) -> None:
        if not hasattr(self, "folder"):
            return
        try:
            self._reopen()
        finally:
            if self.state is not None:
                self.state.close()
            shutil.rmtree(self.place)

    def _open(self) -> None:
        self.state = LedgerState(self.folder, clock=lambda: self.time, chance=os.urandom, step=self._step)
        self.state.load()

    def _reopen(self) -> None:
        assert self.state is not None
        self.state.close()
        self.state = None
        self._open()
        assert check(self.folder.path, self.history) == []

    def _step(self, name: str) -> None:
        if name == self.crash_in:
            raise Crash

    def _commit(self, acts: list[Act], *, map_head: bool, crash: str | None) -> None:
        assert self.state is not None
        self.crash_in = crash
        expected = self.model.outcomes(acts)
        self.history.asked.update({act.id: act for act, first in zip(acts, expected, strict=True) if first is not None})
        try:
            outcomes = self.state.commit(acts, map_head=map_head)
        except Crash:
            if crash not in ("signed", "keys"):
                self.model.take(acts, map_head=map_head)
            self.crash_in = None
            self._reopen()
            return
        self.crash_in = None
        self.model.take(acts, map_head=map_head)
        assert [each.first if isinstance(each, Receipt) else None for each in outcomes] == expected
        for act, outcome in zip(acts, outcomes, strict=True):
            match outcome:
                case Receipt():
                    assert len(outcome.leaves) == max(1, len(act.customers)) and outcome.act == act.id
                    assert outcome.first + len(outcome.leaves) <= outcome.size <= len(self.model.entries)
                    self.history.receipt(outcome.act, outcome.first, outcome.leaves)
                case _:
                    assert isinstance(outcome, Malformed)

    crashes = st.none() | st.sampled_from(STEPS)
    acts = st.builds(
        Act,
        id=st.integers(0, 12).map(lambda n: n.to_bytes(16, "big")),
        kind=st.sampled_from([Kind.USE, Kind.APPROVAL]),
        fields=st.dictionaries(st.sampled_from(LABELS), st.integers(0, 2), min_size=1),
        customers=st.lists(st.sampled_from(NAMES), unique=True, max_size=3).map(tuple),
    )

    @rule(acts=st.lists(acts, max_size=6), map_head=st.booleans(), crash=crashes)
    def commit(self, acts: list[Act], map_head: bool, crash: str | None) -> None:
        known = [self._known(act) for act in acts]
        self._commit(known, map_head=map_head, crash=crash)

    def _known(self, act: Act) -> Act:
        """Half of the ids that were used come again with the same act, as from a caller who did not hear the answer.
        The others may be those of another act, unless too little of that one is left to tell."""
        used = self.model.places.get(act.id)
        if used is None or (act.values != used[1].values and self._whole(used[1])):
            return act
        return used[1]

    def _whole(self, act: Act) -> bool:
        """Whether nothing of an act was erased."""
        return not any(
            other.kind is Kind.ERASURE and set(other.customers or ("",)) & set(act.customers or ("",))
            for _, other in self.model.places.values()
        )

    @rule(data=st.data(), number=st.integers(100, 130), map_head=st.booleans(), crash=crashes)
    def erase(self, data: st.DataObject, number: int, map_head: bool, crash: str | None) -> None:
        known = {name: acts for name, acts in self.model.since_erased.items() if name}
        id = number.to_bytes(16, "big")
        if not known or id in self.model.places:
            return
        name = data.draw(st.sampled_from(sorted(known)))
        wanted: dict[int, tuple[str, ...] | None] = {}
        for sequence, act in enumerate(known[name]):
            if act.kind is not Kind.ERASURE and data.draw(st.booleans()):
                labels = data.draw(st.sets(st.sampled_from(sorted(act.values))))
                wanted[sequence] = tuple(sorted(labels)) or None
        scope: Scope = Records(records=tuple(sorted(wanted.items()))) if wanted else Everything()
        act = Act(id=id, kind=Kind.ERASURE, fields={"scope": format_scope(scope)}, customers=(name,))
        self._commit([act], map_head=map_head, crash=crash)

    @rule(minutes=st.integers(-5, 5))
    def turn_the_clock(self, minutes: int) -> None:
        self.time += 60 * minutes

    @rule()
    def reload(self) -> None:
        assert self.state is not None
        self.state.load()

    @rule()
    def reopen(self) -> None:
        self._reopen()

    @invariant()
    def it_has_the_size_of_the_model(self) -> None:
        if self.state is not None:
            assert self.state.size == len(self.model.entries)
            assert self.state.unmapped == self.model.unmapped


LedgerMachine.TestCase.settings = settings(stateful_step_count=20)


class TestALedgerIsThePlainListThatItWasTold(LedgerMachine.TestCase):  # type: ignore[misc,valid-type]
    """Whatever the sequence of acts, repeats, erasures, reloads and crashes: who asks twice is recorded once, and
    nobody's record stands in the place of another's."""
