"""A ledger or a database that fails: nothing is allowed meanwhile, everybody is told why, and afterwards it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from armslength.gate import Granted, PersonId, Question, Refused, Standing, Why
from armslength.service import Gate, Ledger, OfflineUse, Redeemed, Unavailable, check_gate
from armslength.store import StorageFailed, read_gate_folder, read_ledger_folder
from tests.service.gates import (
    MEETINGS,
    POINT,
    STATUS,
    TestGate,
    approve,
    ask,
    asked,
    leased,
    sign,
    small_gate,
    use,
)
from tests.service.ledgers import Chance
from tests.service.logs import seed


@pytest.fixture
def made(tmp_path: Path) -> TestGate:
    return small_gate(tmp_path / "gate")


class Disk:
    """The disk under a ledger: `full` at this step of each commit, for so many commits."""

    def __init__(self) -> None:
        self.fails_at, self.times, self.after = "", 0, 0
        """At which step, how often, and after how many that went well."""

    def __call__(self, step: str) -> None:
        if step == self.fails_at and self.times:
            if self.after:
                self.after -= 1
                return
            self.times -= 1
            raise StorageFailed("log.db: no space left on device")


@contextmanager
def on_a_disk(made: TestGate) -> Iterator[tuple[Gate, Disk]]:
    """A gate whose ledger stands on a disk that can be made to fail."""
    disk = Disk()
    folder = read_gate_folder(made.path)
    ledger = Ledger(read_ledger_folder(folder.ledger), clock=made.clock, chance=Chance("disk ledger"), step=disk)
    try:
        gate = Gate(folder, ledger=ledger, clock=made.clock, chance=Chance("disk gate"))
        try:
            yield gate, disk
        finally:
            gate.close()
    finally:
        disk.times = 0
        ledger.close()


@pytest.mark.parametrize("step", ["signed", "keys", "log", "lock"])
def test_a_failed_commit_is_looked_up_and_not_guessed(made: TestGate, step: str) -> None:
    """Before the log nothing was recorded, after it everything was: to guess either way loses or makes up a use."""
    with on_a_disk(made) as (gate, disk):
        leased(gate, "export", MEETINGS, "acme", by="di")
        disk.fails_at, disk.times = step, 1
        answer = use(gate, "one", "export", MEETINGS, "acme")
        if step in ("log", "lock"):
            assert isinstance(answer, Redeemed)
        else:
            assert isinstance(answer, Refused) and answer.why is Why.LEDGER
            assert gate.leases()[0].uses == 0
        assert isinstance(use(gate, "one", "export", MEETINGS, "acme"), Redeemed)
        assert gate.leases()[0].uses == 1
        assert gate.health().unready is None
    assert check_gate(made.path).findings == ()


@pytest.mark.parametrize("step", ["keys", "log"])
def test_an_approval_on_a_failing_disk_stands_or_does_not(made: TestGate, step: str) -> None:
    """An approver who is told no, and counted all the same, was made to approve."""
    with on_a_disk(made) as (gate, disk):
        id = asked(gate).request.id
        approve(gate, id, "di")
        disk.fails_at, disk.times = step, 1
        if step == "keys":
            with pytest.raises(Unavailable):
                approve(gate, id, "ed")
            assert gate.request(id).approvers() == ("di",)
            approve(gate, id, "ed")
        else:
            approve(gate, id, "ed")
        gate.tick()
        assert isinstance(gate.request(id).status, Granted)
        assert len(gate.leases()) == 1
    assert check_gate(made.path).findings == ()


@pytest.mark.parametrize("step", ["keys", "log"])
def test_a_lease_that_a_failing_disk_kept_back_is_opened_later(made: TestGate, step: str) -> None:
    """The quorum is there; nobody has to approve again because a disk was full between two records."""
    with on_a_disk(made) as (gate, disk):
        id = asked(gate).request.id
        approve(gate, id, "di")
        disk.fails_at, disk.times, disk.after = step, 1, 1
        assert approve(gate, id, "ed").waiting == (step == "keys")
        gate.tick()
        assert isinstance(gate.request(id).status, Granted) and len(gate.leases()) == 1
    assert check_gate(made.path).findings == ()


def test_a_ledger_that_stopped_allows_nothing_that_is_recorded(made: TestGate) -> None:
    """Evidence first, access after it."""
    with on_a_disk(made) as (gate, disk):
        lease = leased(gate)
        id = asked(gate, "export").request.id
        disk.fails_at, disk.times = "keys", 10
        for number in range(3):
            answer = use(gate, f"use {number}")
            assert isinstance(answer, Refused) and answer.why is Why.LEDGER
        assert "ledger" in (gate.ready() or "")
        outcome = gate.ask(ask("end", MEETINGS, "acme"), caller="person:bo")
        assert isinstance(outcome, Refused) and outcome.why is Why.LEDGER
        with pytest.raises(Unavailable):
            gate.approve(id, PersonId("di"), sign(gate, id, "di"))
        with pytest.raises(Unavailable):
            gate.revoke(lease.terms.id, PersonId("di"), "a mistake")
        assert gate.request(id).approvers() == () and gate.lease(lease.terms.id).uses == 0
        disk.times = 0
        gate.tick()
        assert gate.ready() is None
        assert isinstance(use(gate, "after"), Redeemed)
    assert check_gate(made.path).findings == ()


def test_a_database_that_fails_allows_nothing_and_loses_nothing(made: TestGate) -> None:
    """Its lock held by somebody else for longer than anybody waits."""
    with made.running() as gate:
        leased(gate, "export", MEETINGS, "acme", by="di")
        with made.administrator() as db:
            db.execute("BEGIN IMMEDIATE")
            answer = use(gate, "one", "export", MEETINGS, "acme")
            assert isinstance(answer, Refused) and answer.why is Why.STORE
            assert gate.ready() is not None
            db.execute("ROLLBACK")
        assert isinstance(use(gate, "one", "export", MEETINGS, "acme"), Redeemed)
        assert gate.leases()[0].uses == 1
    assert check_gate(made.path).findings == ()


def test_a_database_that_fails_after_the_record_is_written_later(made: TestGate) -> None:
    """The use is on record, so it counts, whatever became of its row."""
    held = []

    def step(name: str) -> None:
        if name == "taken" and held:
            held[0].execute("BEGIN IMMEDIATE")

    with made.running(step=step) as gate, made.administrator() as db:
        leased(gate, "export", MEETINGS, "acme", by="di")
        held.append(db)
        answer = use(gate, "one", "export", MEETINGS, "acme")
        held.clear()
        assert isinstance(answer, Refused) and answer.why is Why.STORE
        assert gate.leases()[0].uses == 1 and gate.health().behind == 1
        db.execute("ROLLBACK")
        assert isinstance(use(gate, "one", "export", MEETINGS, "acme"), Redeemed)
        assert isinstance(use(gate, "two", "export", MEETINGS, "acme"), Redeemed)
        gate.tick()
        assert gate.health().behind == 0 and gate.health().tampered == ()
        assert isinstance(use(gate, "three", "export", MEETINGS, "acme"), Refused)
    assert check_gate(made.path).findings == ()


def test_a_ledger_that_was_rolled_back_is_not_gone_on_with(made: TestGate, tmp_path: Path) -> None:
    """Its newest records, a revocation perhaps, would be gone."""
    with made.running() as gate:
        leased(gate)
    old = made.copied(tmp_path / "old")
    with made.running() as gate:
        gate.revoke(gate.leases()[0].terms.id, PersonId("di"), "a mistake")
    (made.path / "gate.db").replace(old.path / "gate.db")
    for name in ("gate.db-wal", "gate.db-shm"):
        (old.path / name).unlink(missing_ok=True)
    with pytest.raises(Exception, match="rolled back"):
        old.open()


def test_a_gate_has_one_process(made: TestGate) -> None:
    """Two that count uses apart count to twice as many."""
    with made.running():
        with pytest.raises(Exception, match=r"lock|another|in use"):
            made.open()


def test_decisions_without_effect_need_no_disk(made: TestGate) -> None:
    """Whoever only asks whether something is allowed must not wait for a disk; and is never allowed by an error."""
    with on_a_disk(made) as (gate, disk):
        disk.fails_at, disk.times = "keys", 99
        for number in range(3):
            use(gate, f"fails {number}", "view", STATUS, "acme")
        answer = use(gate, "view", "view", STATUS)
        assert isinstance(answer, Redeemed), "of which no record is kept"
        assert isinstance(use(gate, "theirs", "view", STATUS, "acme"), Refused)
        look = gate.look(
            Question(
                executor=PersonId("bo"), asker=PersonId("bo"), author=None, action="view", resource=STATUS, context={}
            )
        )
        assert isinstance(look, Standing)


def test_uses_that_were_let_pass_elsewhere_are_taken_once(made: TestGate) -> None:
    """A point that was cut off ships its spool, again and again until it hears back."""
    with made.running() as gate:
        lease = leased(gate, "end", MEETINGS, "acme")
        now = int(made.clock.now)

        def offline(name: str, **more: object) -> OfflineUse:
            said: dict[str, object] = {
                "use": seed(name)[:16],
                "lease": lease.terms.id,
                "executor": PersonId("bo"),
                "action": "end",
                "resource": MEETINGS,
                "customers": ("acme",),
                "done": now + 10,
                **more,
            }
            return OfflineUse(**said)  # type: ignore[arg-type]

        made.clock.now += 600
        uses = [offline("one"), offline("two")]
        for _ in range(2):
            assert [each.problem for each in gate.take_uses(POINT, uses)] == [None, None]
        assert gate.lease(lease.terms.id).uses == 2
        gate.revoke(lease.terms.id, PersonId("di"), "a mistake")
        assert [each.problem for each in gate.take_uses(POINT, [offline("three")])] == [None], "done before the end"
        wrong = gate.take_uses(POINT, [offline("four", done=int(made.clock.now) + 200), offline("five", action="x")])
        assert all(each.problem for each in wrong)
        assert gate.lease(lease.terms.id).uses == 3
    assert len(check_gate(made.path).findings) == 2, "they happened, so whoever checks the gate hears of them"
