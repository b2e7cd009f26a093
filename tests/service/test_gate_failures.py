"""A ledger or a database that fails: nothing is allowed meanwhile, everybody is told why, and afterwards it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from armslength.gate import (
    Conflict,
    Granted,
    LeaseId,
    Over,
    PersonId,
    Question,
    Refused,
    Rejected,
    Standing,
    Taken,
    Used,
    Why,
    moment,
    verify_revocations,
)
from armslength.service import Gate, Ledger, OfflineUse, Redeemed, Unavailable, check_gate
from armslength.store import StorageFailed, read_gate_folder, read_ledger_folder
from armslength.tlog import format_base64url
from tests.service.gates import (
    ACCOUNTS,
    MEETINGS,
    POINT,
    STATUS,
    TestGate,
    approve,
    ask,
    asked,
    key_of,
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


def listed(gate: Gate) -> frozenset[LeaseId]:
    """What enforcement points are told not to let pass."""
    return verify_revocations(gate.revocations(), gate._leasing.publics()).revoked


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
        assert isinstance(gate.lease(lease.terms.id).status, Taken), "somebody took it away, and it is recorded now"
        assert isinstance(use(gate, "after"), Refused)
        assert isinstance(use(gate, "of another", "view", STATUS, "acme"), Redeemed)
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


def test_a_lease_whose_end_a_failing_disk_kept_back_is_over(made: TestGate) -> None:
    """Whoever took it away saw an error, and the lease would be used for the rest of its hour."""
    with on_a_disk(made) as (gate, disk):
        lease = leased(gate)
        disk.fails_at, disk.times = "keys", 1
        with pytest.raises(Unavailable, match="opens nothing from here on"):
            gate.revoke(lease.terms.id, PersonId("di"), "a mistake")
        assert isinstance(use(gate, "one"), Refused)
        assert lease.terms.id in listed(gate)
        with pytest.raises(Conflict):
            gate.token(lease.terms.id)
        gate.tick()
        state = gate.lease(lease.terms.id)
        assert isinstance(state.status, Taken) and (state.status.by, state.status.reason) == ("di", "a mistake")
        assert lease.terms.id in listed(gate)
    assert check_gate(made.path).findings == ()


def test_a_database_that_fails_keeps_nothing_from_being_taken_away(made: TestGate) -> None:
    """Its administrator, with its lock held, would keep a lease and a stolen passkey alive."""
    with made.running() as gate:
        lease = leased(gate, "end", MEETINGS, "acme")
        by_di = leased(gate, "export", by="di")
        waiting = asked(gate, "delete", ACCOUNTS, "acme")
        with made.administrator() as db:
            db.execute("BEGIN IMMEDIATE")
            gate.revoke(lease.terms.id, PersonId("ed"), "enough")
            gate.revoke_key(key_of("di").credential, PersonId("di"), "stolen")
            gate.withdraw(waiting.request.id, PersonId("bo"))
            assert not gate.lease(lease.terms.id).live and not gate.lease(by_di.terms.id).live
            assert not gate.state.has_key(PersonId("di")) and not gate.request(waiting.request.id).waiting
            assert {lease.terms.id, by_di.terms.id} <= listed(gate)
            assert gate.ready() is not None and gate.health().behind == 4
            db.execute("ROLLBACK")
        gate.tick()
        assert gate.ready() is None and gate.health().behind == 0 and gate.health().tampered == ()
    with made.running() as gate:
        assert gate.health().mended.tampered == ()
    assert check_gate(made.path).findings == ()


def test_a_database_that_failed_once_is_tried_again_by_itself(made: TestGate) -> None:
    """A gate that calls itself unfit is asked by nobody, so nobody would see that it is fit again."""
    with made.running() as gate:
        leased(gate)
        with made.administrator() as db:
            db.execute("BEGIN IMMEDIATE")
            assert isinstance(use(gate, "one"), Refused)
            db.execute("ROLLBACK")
        assert gate.ready() is not None
        gate.tick()
        assert gate.ready() is None


def test_one_request_that_fails_starves_no_other(made: TestGate) -> None:
    """Whoever can spoil one row would keep everybody's quorum from becoming a lease."""
    with on_a_disk(made) as (gate, disk):
        ids = [asked(gate, "end", MEETINGS, name).request.id for name in ("acme", "bolt", "cove")]
        for id in ids:
            approve(gate, id, "di")
            disk.fails_at, disk.times, disk.after = "keys", 1, 1
            assert approve(gate, id, "ed").waiting
            disk.times = 0
            gate.ready()
        with made.administrator() as db:
            db.execute("UPDATE rows SET doc=CAST('x' AS BLOB) WHERE kind='request' AND id=?", (ids[0],))
        gate.tick()
        assert gate.request(ids[0]).waiting
        assert all(isinstance(gate.request(id).status, Granted) for id in ids[1:])
        assert ids[0] in gate.health().problems["quorums"]


def test_a_use_is_not_given_again_once_its_lease_was_taken(made: TestGate) -> None:
    """The same use, sent again, would open for two minutes what was taken away."""
    with made.running() as gate:
        lease = leased(gate)
        leased(gate, "export", MEETINGS, "acme", by="di")
        for name in ("one", "two"):
            assert isinstance(use(gate, name, "export", MEETINGS, "acme"), Redeemed)
        assert isinstance(use(gate, "two", "export", MEETINGS, "acme"), Redeemed), "the last one, whose answer was lost"
        assert isinstance(use(gate, "again"), Redeemed)
        assert isinstance(use(gate, "again"), Redeemed)
        gate.revoke(lease.terms.id, PersonId("di"), "enough")
        answer = use(gate, "again")
        assert isinstance(answer, Refused) and answer.why is Why.REVOKED


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


def test_a_counted_lease_that_was_used_without_asking_is_told_of(made: TestGate) -> None:
    """A point that lets pass what it cannot count lets pass any number."""
    with made.running() as gate:
        lease = leased(gate, "export", by="di")

        def offline(name: str) -> OfflineUse:
            return OfflineUse(
                use=seed(name)[:16],
                lease=lease.terms.id,
                executor=PersonId("bo"),
                action="export",
                resource=MEETINGS,
                customers=(),
                done=int(made.clock.now),
            )

        answers = gate.take_uses(POINT, [offline("one"), offline("two"), offline("three")])
        assert all(each.problem is not None for each in answers)
        assert "has to be redeemed" in str(answers[0].problem) and "2 uses" in str(answers[2].problem)
        gate.tick()
        assert gate.lease(lease.terms.id).status == Over(how="spent", at=moment(made.clock.now))
        with gate.database.reading() as tables:
            told = tables.outbox.newest(person=None, limit=100)
        assert sum(each.kind == "alarm" and lease.terms.id.encode() in each.body for each in told) == 3


@pytest.mark.parametrize(
    "changed", [{"done": -1}, {"at": -1}, {"use": "AAAA"}, {"use": "\ud800"}], ids=lambda changed: str(*changed)
)
def test_what_a_start_could_not_read_is_not_recorded(made: TestGate, changed: dict[str, object]) -> None:
    """Whatever a verb forgot to check, no gate would start again once it is in the ledger."""
    with made.running() as gate:
        members: dict[str, object] = {
            "at": int(made.clock.now),
            "use": format_base64url(bytes(16)),
            "lease": None,
            "rule": "r",
            "executor": "bo",
            "action": "end",
            "resource": "asset:meetings-us",
            "customers": ("acme",),
            "point": POINT,
            **changed,
        }
        position = gate.state.position
        with pytest.raises(Rejected):
            gate._office.record(Used(**members))  # type: ignore[arg-type]
        assert gate.state.position == position
    made.open().close()


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
        position = gate.state.position
        for done in (-1, 10**12, 2**70):
            with pytest.raises(Rejected, match="expected POSIX seconds"):
                gate.take_uses(POINT, [offline("six"), offline("seven", done=done)])
        assert gate.state.position == position, "a record that cannot be read would be there for ever"
    with made.running() as gate:
        assert gate.lease(lease.terms.id).uses == 3
    assert len(check_gate(made.path).findings) == 2, "they happened, so whoever checks the gate hears of them"
