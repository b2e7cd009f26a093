"""An administrator of the database, who has gate.db and nothing else of the gate, and changes whatever stands in it:
while the gate runs, and while it does not. Nothing is ever decided on what they wrote, and it is found."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from armslength.gate import Granted, PersonId, Refused, Rejected, Tampered, Waiting, Why
from armslength.ledger import Kind
from armslength.service import Redeemed, check_gate, read_records
from armslength.store import GateDatabase, read_gate_folder, read_ledger_folder
from armslength.tlog import format_base64url
from tests.service.gates import (
    ACCOUNTS,
    MEETINGS,
    PEOPLE,
    TestGate,
    approve,
    ask,
    asked,
    deliver,
    enrol,
    estate,
    key_of,
    leased,
    sign,
    small_gate,
    use,
)

Edit = Callable[[sqlite3.Connection], None]


@pytest.fixture
def made(tmp_path: Path) -> TestGate:
    return small_gate(tmp_path / "gate")


def edited(kind: str, change: Callable[[dict[str, object]], None], *, version: int = 0) -> Edit:
    """Change the document of each row of a kind; `version` is added to its number."""

    def edit(db: sqlite3.Connection) -> None:
        for id, doc in db.execute("SELECT id, doc FROM rows WHERE kind=?", (kind,)).fetchall():
            form = json.loads(doc)
            change(form)
            form["version"] += version
            text = json.dumps(form, sort_keys=True, separators=(",", ":")).encode()
            db.execute("UPDATE rows SET doc=?, version=version+? WHERE kind=? AND id=?", (text, version, kind, id))

    return edit


def statement(text: str, *values: object) -> Edit:
    def edit(db: sqlite3.Connection) -> None:
        assert db.execute(text, values).rowcount > 0

    return edit


def findings(made: TestGate) -> list[str]:
    """What the ledger has of findings."""
    folder = read_ledger_folder(made.path / "ledger")
    return [
        str((each.fields or {}).get("detection")) for each in read_records(folder) if each.record.kind is Kind.FINDING
    ]


def live_again(form: dict[str, object]) -> None:
    form["status"] = {"case": "live"}


def unused(form: dict[str, object]) -> None:
    form["uses"] = 0


def longer(form: dict[str, object]) -> None:
    form["terms"]["end"] = "2099-01-01T00:00:00Z"  # type: ignore[index]


def mine(form: dict[str, object]) -> None:
    form["terms"]["executor"] = "ana"  # type: ignore[index]


LEASE_EDITS = {
    "more uses": edited("lease", unused),
    "a longer time": edited("lease", longer),
    "another executor": edited("lease", mine),
    "a later version": edited("lease", unused, version=1),
    "no row": statement("DELETE FROM rows WHERE kind='lease'"),
    "another number": statement("UPDATE rows SET version=version+5 WHERE kind='lease'"),
}


@pytest.mark.parametrize("edit", LEASE_EDITS.values(), ids=LEASE_EDITS.keys())
def test_a_changed_lease_opens_nothing(made: TestGate, edit: Edit) -> None:
    """Access that no quorum gave, or more of it than it gave."""
    with made.running() as gate:
        lease = leased(gate, "export", MEETINGS, "acme", by="di")
        assert isinstance(use(gate, "one", "export", MEETINGS, "acme"), Redeemed)
        with made.administrator() as db:
            edit(db)
        answer = use(gate, "two", "export", MEETINGS, "acme")
        assert isinstance(answer, Refused) and answer.why is Why.TAMPERED
        with pytest.raises(Tampered):
            gate.token(lease.terms.id)
        assert gate.health().tampered
        assert gate.lease(lease.terms.id).uses == 1
    assert "gate-lease" in findings(made)
    with made.running() as gate:  # a start writes the rows again, and says so
        assert gate.health().mended.tampered
        assert isinstance(use(gate, "two", "export", MEETINGS, "acme"), Redeemed)
        assert isinstance(use(gate, "three", "export", MEETINGS, "acme"), Refused)
    assert check_gate(made.path).findings == ()


@pytest.mark.parametrize("edit", LEASE_EDITS.values(), ids=LEASE_EDITS.keys())
def test_a_lease_changed_while_nobody_looks_opens_nothing(made: TestGate, edit: Edit) -> None:
    """As above, while the gate is down."""
    with made.running() as gate:
        leased(gate, "export", MEETINGS, "acme", by="di")
        use(gate, "one", "export", MEETINGS, "acme")
    with made.administrator() as db:
        edit(db)
    assert check_gate(made.path).findings
    with made.running() as gate:
        assert gate.health().mended.tampered
        assert gate.leases()[0].uses == 1 and gate.leases()[0].terms.executor == "bo"
        assert isinstance(use(gate, "two", "export", MEETINGS, "acme"), Redeemed)
        assert isinstance(use(gate, "three", "export", MEETINGS, "acme"), Refused)
    assert "gate-lease" in findings(made)
    assert check_gate(made.path).findings == ()


def test_a_revocation_cannot_be_undone(made: TestGate) -> None:
    """The old row put back: each byte of it was once the gate's own."""
    with made.running() as gate:
        lease = leased(gate)
        with made.administrator() as db:
            old = db.execute("SELECT version, doc, person, status, due FROM rows WHERE kind='lease'").fetchone()
        gate.revoke(lease.terms.id, PersonId("di"), "a mistake")
        restore = statement("UPDATE rows SET version=?, doc=?, person=?, status=?, due=? WHERE kind='lease'", *old)
        with made.administrator() as db:
            restore(db)
        assert isinstance(use(gate, "one"), Refused)
        gate.tick()
        assert gate.health().tampered, "a row that nobody uses is found as well"
    with made.administrator() as db:
        restore(db)
    with made.running() as gate:
        assert isinstance(use(gate, "two"), Refused)
    assert "gate-lease" in findings(made)


def test_approvals_cannot_be_made_up(made: TestGate) -> None:
    """An administrator as a quorum of one."""
    with made.running() as gate:
        id = asked(gate).request.id
        approve(gate, id, "di")

        def second(form: dict[str, object]) -> None:
            first = form["approvals"][0]  # type: ignore[index]
            form["approvals"] = [first, {**first, "approver": "ed"}]  # type: ignore[dict-item]

        with made.administrator() as db:
            edited("request", second, version=1)(db)
        gate.tick()
        assert isinstance(gate.request(id).status, Waiting) and gate.leases() == ()
        with pytest.raises(Tampered):
            approve(gate, id, "ed")
    with made.administrator() as db:
        edited("request", second, version=1)(db)
    with made.running() as gate:
        gate.tick()
        assert gate.request(id).approvers() == ("di",) and gate.leases() == ()
        assert isinstance(approve(gate, id, "ed").status, Granted)
    assert "gate-request" in findings(made)
    assert check_gate(made.path).findings == ()


def test_a_request_cannot_be_changed_under_the_approvers(made: TestGate) -> None:
    """They would sign one thing and open another."""
    with made.running() as gate:
        id = asked(gate).request.id

        def wider(form: dict[str, object]) -> None:
            form["request"]["resource"] = {"type": "asset", "id": "accounts"}  # type: ignore[index]

        with made.administrator() as db:
            edited("request", wider)(db)
        with pytest.raises(Tampered):
            approve(gate, id, "di")
        assert gate.request(id).request.resource == MEETINGS


def test_a_passkey_cannot_be_swapped(made: TestGate) -> None:
    """An administrator who puts their own key in an approver's place would approve for them."""
    with made.running() as gate:
        id = asked(gate).request.id
        theirs = key_of("di", 7)

        def swapped(form: dict[str, object]) -> None:
            if form["person"] == "di":
                form["public_key"] = format_base64url(theirs.public_key)

        with made.administrator() as db:
            edited("key", swapped)(db)
        forged = theirs.sign(gate.request(id).request.challenge())
        with pytest.raises((Rejected, Tampered)):
            gate.approve(id, PersonId("di"), forged)
        with pytest.raises(Tampered):
            approve(gate, id, "di")
        assert gate.request(id).approvers() == ()
    with made.running() as gate:
        assert gate.request(id).approvers() == ()
        approve(gate, id, "di")
    assert "gate-key" in findings(made)
    assert check_gate(made.path).findings == ()


def test_a_row_that_nothing_stands_behind_is_none(made: TestGate) -> None:
    """A lease of the administrator's own making."""
    with made.running() as gate:
        leased(gate)
        with made.administrator() as db:
            kind, doc, person = db.execute("SELECT kind, doc, person FROM rows WHERE kind='lease'").fetchone()
            form = json.loads(doc)
            form["terms"] |= {"id": "lease_AAAAAAAAAAAAAAAAAAAAAA", "executor": "ana"}
            text = json.dumps(form, sort_keys=True, separators=(",", ":")).encode()
            db.execute("INSERT INTO rows (kind, id, version, doc) VALUES (?,?,1,?)", (kind, form["terms"]["id"], text))
        assert isinstance(use(gate, "one", who="ana"), Refused)
        assert isinstance(use(gate, "two"), Redeemed)
        gate.tick()
        assert gate.health().tampered
    assert [each.where for each in check_gate(made.path).findings] == ["lease lease_AAAAAAAAAAAAAAAAAAAAAA"]
    with made.running() as gate:
        assert isinstance(use(gate, "three", who="ana"), Refused)
    assert check_gate(made.path).findings == ()


def test_the_estate_that_holds_cannot_be_changed(made: TestGate) -> None:
    """Other terms by a row, without a quorum."""
    with made.running() as gate:
        asked(gate)

        def other(form: dict[str, object]) -> None:
            form["estate"] = "0" * 64

        before = gate.digest
        with made.administrator() as db:
            edited("gate", other)(db)
        gate.tick()
        assert gate.digest == before and gate.health().tampered
    with made.running() as gate:
        assert gate.digest == before


def test_the_founding_cannot_be_opened_again(made: TestGate) -> None:
    """Keys without vouchers would count for ever."""
    with made.running() as gate:
        asked(gate)
        id = enrol(gate, "di", 3)

        def anew(form: dict[str, object]) -> None:
            form["founded"] = False

        with made.administrator() as db:
            edited("gate", anew)(db)
        with pytest.raises(Exception, match="there was a request already"):
            gate.found(id)
        assert id not in gate.state.keys


@pytest.mark.parametrize("running", [True, False])
def test_a_pending_passkey_cannot_be_swapped(made: TestGate, running: bool) -> None:
    """The second person would vouch for the administrator's key."""
    with made.running() as gate:
        asked(gate)
        id = enrol(gate, "di", 3)
        theirs = key_of("di", 7)

        def swapped(form: dict[str, object]) -> None:
            form["enrolment"]["public_key"] = format_base64url(theirs.public_key)  # type: ignore[index]

        def edit(db: sqlite3.Connection) -> None:
            for row, doc in db.execute("SELECT id, doc FROM rows WHERE kind='pending-key'").fetchall():
                form = json.loads(doc)
                swapped(form)
                text = json.dumps(form, sort_keys=True, separators=(",", ":")).encode()
                db.execute("UPDATE rows SET doc=? WHERE id=?", (text, row))

        if running:
            with made.administrator() as db:
                edit(db)
            with pytest.raises(Tampered):
                gate.enrolment(id)
            assert gate.pending_keys() == ()
    if not running:
        with made.administrator() as db:
            edit(db)
        with made.running() as gate:
            with pytest.raises(Tampered):
                gate.enrolment(id)
            assert gate.pending_keys() == ()


@pytest.mark.parametrize("text", ["DELETE FROM snapshot", "UPDATE snapshot SET mac=zeroblob(32)"])
def test_a_snapshot_is_believed_only_if_it_is_the_gates(made: TestGate, text: str) -> None:
    """A snapshot is a whole state: a made-up one would be a made-up gate."""
    with made.running() as gate:
        lease = leased(gate)
    with made.administrator() as db:
        statement(text)(db)
    with made.running() as gate:
        assert gate.lease(lease.terms.id).live
        assert gate.health().mended.replayed > 10
        assert any("snapshot" in each for each in gate.health().mended.tampered)
    assert "gate-snapshot" in findings(made)


def test_an_old_snapshot_brings_nothing_back(made: TestGate) -> None:
    """Put back with its own MAC, it would undo what came after it."""
    with made.running() as gate:
        lease = leased(gate)
    with made.administrator() as db:
        old = db.execute("SELECT position, mac, state FROM snapshot").fetchone()
    with made.running() as gate:
        gate.revoke(lease.terms.id, PersonId("di"), "a mistake")
    with made.administrator() as db:
        statement("UPDATE snapshot SET position=?, mac=?, state=?", *old)(db)
    with made.running() as gate:
        assert not gate.lease(lease.terms.id).live
        assert isinstance(use(gate, "one"), Refused)
    assert check_gate(made.path).findings == ()


def test_changed_evidence_is_shown_to_nobody(made: TestGate) -> None:
    """Approvers would read one complaint and sign another."""
    with made.running() as gate:
        evidence = gate.put_evidence("complaint.txt", "text/plain", b"what somebody wrote")
        state = asked(gate, evidence=(evidence,))
        with made.administrator() as db:
            statement("UPDATE evidence SET data=CAST('what nobody wrote' AS BLOB)")(db)
        with pytest.raises(Tampered):
            gate.evidence(evidence.digest)
        assert state.waiting
    assert check_gate(made.path).findings


def test_a_key_for_another_request_is_found(made: TestGate) -> None:
    """A caller who asks again would be shown somebody else's request."""
    with made.running() as gate:
        other = asked(gate, "export", MEETINGS)
        wanted = ask("end", MEETINGS, "acme")
        gate.ask(wanted, caller="point", key="key-1")
        with made.administrator() as db:
            statement("UPDATE idempotency SET answer=?", other.request.id)(db)
        with pytest.raises(Tampered):
            gate.ask(wanted, caller="point", key="key-1")


@pytest.mark.parametrize("claimed", [0, 1_800_000_000, 10**11])
def test_a_claim_of_nobodys_holds_nobody_up(made: TestGate, claimed: int) -> None:
    """An administrator would keep rows busy for ever, by whatever time they write there."""
    with made.running() as gate:
        id = asked(gate).request.id
        lease = leased(gate, "export", by="di")
        with made.administrator() as db:
            statement("UPDATE rows SET act=zeroblob(16), claimed=?", claimed)(db)
        assert approve(gate, id, "di").approvers() == ("di",)
        assert not gate.revoke(lease.terms.id, PersonId("di"), "enough").live


SPOILT = {
    "edited": statement("UPDATE rows SET doc=CAST('x' AS BLOB)"),
    "gone": statement("DELETE FROM rows WHERE kind IN ('lease', 'request', 'key')"),
    "ahead": statement("UPDATE rows SET version=version+1"),
}


@pytest.mark.parametrize("edit", SPOILT.values(), ids=SPOILT.keys())
def test_rows_keep_nothing_from_being_taken_away(made: TestGate, edit: Edit) -> None:
    """An administrator would keep alive what people take away: a lease, a stolen passkey, a request they refuse."""
    with made.running() as gate:
        revoked, returned = leased(gate), leased(gate, "restart", by="gus")
        by_di = leased(gate, "export", by="di")
        ids = [asked(gate, "end", MEETINGS, name).request.id for name in ("a", "b", "c", "d", "e")]
        declined, withdrawn, unapproved, lapsed, signed = ids
        no = asked(gate, "delete", ACCOUNTS, "acme").request.id
        token = gate.voice_token(no, "acme")
        approve(gate, unapproved, "ed")
        approve(gate, signed, "di")
        with made.administrator() as db:
            edit(db)
        gate.revoke(revoked.terms.id, PersonId("di"), "enough")
        gate.give_back(returned.terms.id, PersonId("bo"))
        gate.decline(declined, PersonId("ed"), "no")
        gate.withdraw(withdrawn, PersonId("bo"))
        assert gate.unapprove(unapproved, PersonId("ed")).approvers() == ()
        gate.revoke_key(key_of("di").credential, PersonId("di"), "stolen")
        assert not gate.voice(token, False).waiting
        assert gate.live() == () and gate.request(signed).approvers() == ()
        assert {lease.terms.id for lease in (revoked, returned, by_di)} <= gate.state.ended_early(gate.now())
        made.clock.now += 86_400
        gate.tick()
        assert not gate.request(lapsed).waiting
        assert not gate.request(declined).waiting and not gate.request(withdrawn).waiting
        assert any(revoked.terms.id in each for each in gate.health().tampered), "it is told besides"
    assert "gate-lease" in findings(made)
    with made.running() as gate:
        assert gate.live() == () and not gate.state.has_key(PersonId("di"))
    assert check_gate(made.path).findings == ()


def test_one_spoilt_row_keeps_no_other_lease_alive(made: TestGate) -> None:
    """Leases whose approvers moved would go on, because the first of them cannot be written."""
    with made.running() as gate:
        first, other = leased(gate), leased(gate, "restart", by="ed")
        with made.administrator() as db:
            statement("UPDATE rows SET doc=CAST('x' AS BLOB) WHERE kind='lease' AND id=?", first.terms.id)(db)
        people = {**PEOPLE, "ed": ("trust sg", "SG", "staff")}
        state = gate.propose(estate(people=people), asker=PersonId("ann"), purpose="ed moves", caller="person:ann")
        assert not isinstance(state, Refused)
        approve(gate, state.request.id, "ben", "cho")
        gate.tick()
        assert not gate.lease(other.terms.id).live and not gate.lease(first.terms.id).live
        assert isinstance(use(gate, "one", "restart"), Refused)
    with made.running():
        pass  # a start writes the row again
    assert check_gate(made.path).findings == ()


@pytest.mark.parametrize("killed", [False, True])
def test_a_row_that_was_changed_before_its_lease_ended_is_found_by_the_next_start(
    made: TestGate, tmp_path: Path, killed: bool
) -> None:
    """Edits would be taken for rows that a crash left behind."""
    with made.running() as gate:
        lease = leased(gate)
        with made.administrator() as db:
            statement("UPDATE rows SET doc=CAST('x' AS BLOB) WHERE kind='lease'")(db)
        gate.revoke(lease.terms.id, PersonId("di"), "enough")
        left = made.copied(tmp_path / "killed")
    with (left if killed else made).running() as gate:
        assert any(lease.terms.id in each for each in gate.health().mended.tampered)
        assert not gate.lease(lease.terms.id).live


def test_without_the_snapshot_an_old_row_is_still_the_gates_or_none(made: TestGate) -> None:
    """All rows would be taken for ones that are only behind."""
    with made.running() as gate:
        leased(gate)
    with made.administrator() as db:
        statement("DELETE FROM snapshot")(db)
        statement("UPDATE rows SET version=1, doc=CAST('forged' AS BLOB) WHERE kind='request'")(db)
    with made.running() as gate:
        says = gate.health().mended.tampered
        assert any("snapshot" in each for each in says) and any("row of request" in each for each in says)


def test_a_database_that_was_made_anew_or_restored_accuses_nobody(made: TestGate, tmp_path: Path) -> None:
    """Who repairs a gate must not be told that somebody edited it."""
    with made.running() as gate:
        waiting = asked(gate)
    backup = (made.path / "gate.db").read_bytes()
    with made.running() as gate:
        approve(gate, waiting.request.id, "di", "ed")
    restored = made.copied(tmp_path / "restored")
    (restored.path / "gate.db").write_bytes(backup)
    with restored.running() as gate:
        assert gate.health().mended.rows > 0 and gate.health().mended.tampered == ()
    anew = made.copied(tmp_path / "anew")
    (anew.path / "gate.db").unlink()
    folder = read_gate_folder(anew.path)
    GateDatabase(folder.database, origin=folder.settings.origin, create=True).close()
    for _ in range(2):
        left = anew.copied(tmp_path / f"killed-{_}")
        with anew.running() as gate:
            assert gate.health().mended.tampered == () and len(gate.live()) == 1
            left = anew.copied(tmp_path / f"open-{_}")  # killed at once: its first snapshot is not made yet
        with left.running() as gate:
            assert gate.health().mended.tampered == ()


def test_a_row_in_the_place_of_another_is_found_by_its_name(made: TestGate) -> None:
    """One dropped and one made up are as many as before."""
    with made.running() as gate:
        gate.tick()
        with made.administrator() as db:
            statement("UPDATE rows SET id='x' || id WHERE kind='key'")(db)
        made.clock.now += 601
        gate.tick()
        assert any("key x" in each and "not known" in each for each in gate.health().tampered)


def test_a_notice_that_was_taken_away_restarts_the_customers_time(made: TestGate) -> None:
    """A customer who was never told has no veto."""
    with made.running() as gate:
        id = asked(gate, "suspend", ACCOUNTS, "acme").request.id
        approve(gate, id, "di")
        deliver(gate, made.clock)
        made.clock.now += 59 * 60
        with made.administrator() as db:
            statement("DELETE FROM outbox WHERE kind='told-customer'")(db)
        made.clock.now += 2 * 60
        gate.tick()
        assert gate.request(id).waiting
        deliver(gate, made.clock)
        made.clock.now += 60 * 60
        gate.tick()
        assert isinstance(gate.request(id).status, Granted)


def test_another_ledgers_rows_are_not_opened(made: TestGate, tmp_path: Path) -> None:
    """The database of another gate in the place of this one's."""
    other = small_gate(tmp_path / "other")
    with other.running() as gate:
        leased(gate)
    (made.path / "gate.db").write_bytes((other.path / "gate.db").read_bytes())
    with pytest.raises(Exception):  # noqa: B017  its snapshot has seen more than this ledger has
        made.open()


def test_signatures_are_checked_against_the_ledger(made: TestGate) -> None:
    """Another person's signature, another request's, one without user verification."""
    with made.running() as gate:
        id = asked(gate, "end", MEETINGS, "acme").request.id
        other = asked(gate, "end", MEETINGS, "bolt").request.id
        challenge = gate.request(id).request.challenge()
        for person, assertion in {
            "ed": sign(gate, id, "di"),
            "di": sign(gate, other, "di"),
            "gus": key_of("gus").sign(challenge, verified=False),
            "cy": key_of("cy", 9).sign(challenge),
        }.items():
            with pytest.raises(Rejected):
                gate.approve(id, PersonId(person), assertion)
        assert gate.request(id).approvers() == ()
