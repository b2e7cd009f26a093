"""Key ceremonies: never half a key, never one person, never one state, and no transcript that is changed unseen."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from armslength.gate import Conflict, PersonId, Rejected, Tampered
from armslength.ledger import Kind
from armslength.service import (
    SCRIPTS,
    Ceremony,
    CeremonyRoom,
    DrillDesk,
    Refusal,
    ceremony_record,
    checklist_html,
    checklist_markdown,
    gate_ceremony_acts,
    read_records,
    read_transcript,
    recorded_again,
    transcript_digest,
)
from armslength.store import StorageFailed, StoreError, read_gate_folder, read_ledger_folder
from tests.service.gates import BREAK_GLASS, TestGate, enrol, key_of, sign, small_gate
from tests.service.ledgers import Chance
from tests.service.test_gate_drill import announced, record, signed

US_IE = (PersonId("ann"), PersonId("ben"))
STOPPED = ("ledger-keys", "lease-keys", "row-key", "retire-lease-keys")


class Killed(BaseException):
    """The program ended here."""


@pytest.fixture
def made(tmp_path: Path) -> TestGate:
    return small_gate(tmp_path / "gate")


def room(made: TestGate) -> CeremonyRoom:
    made.clock.now += 1
    return CeremonyRoom(made.path, clock=made.clock, chance=Chance(f"ceremony {made.clock.now}"))


def confirm(going: Ceremony, *, until: str = "") -> None:
    """Every step is confirmed; those who could act do."""
    while (step := going.next()) is not None and step.id != until:
        if step.act:
            going.act()
        going.confirm(step, going.state.room[:2], going.read() if step.read or step.act else {})


def held(made: TestGate, kind: str, *people: str) -> Path:
    """A whole ceremony. Gives its transcript."""
    with room(made) as found:
        going = found.begin(kind, people, US_IE)
        confirm(going)
        _, _, recorded = going.finish()
        assert recorded
        return going.transcript.path


def secrets(made: TestGate) -> dict[str, bytes]:
    names = ("lease.keys", "row.key", "ledger/signing.keys", "ledger/policy")
    return {name: (made.path / name).read_bytes() for name in names}


def whole(made: TestGate) -> None:
    """The gate starts, signs and publishes; no key of its policy is nobody's, and nothing lies beside its keys."""
    read_gate_folder(made.path)
    ledger = read_ledger_folder(made.path / "ledger")
    with made.running() as gate:
        assert gate.ready() is None
        gate.ledger.publish()
    signing = {key.verifier.text for key in ledger.signers}
    once = {
        key
        for each in read_records(ledger)
        if each.record.kind is Kind.KEY_CHANGE and each.fields is not None
        for key in each.fields.get("retired", [])  # type: ignore[union-attr]
    }
    added = {
        key
        for each in read_records(ledger)
        if each.record.kind is Kind.KEY_CHANGE and each.fields is not None
        for key in each.fields.get("added", [])  # type: ignore[union-attr]
    }
    assert ({log.key.text for log in ledger.policy.logs} | added) - signing <= once
    assert not list(made.path.glob(".*.new")) and not list((made.path / "ledger").glob(".*.new"))


# Ceremonies


@pytest.mark.parametrize("kind", STOPPED)
def test_a_ceremony_changes_its_keys_and_nothing_else(made: TestGate, kind: str) -> None:
    """A script that does more than what the two people read is not the one they confirmed."""
    if kind.startswith("retire"):
        held(made, kind.removeprefix("retire-"))
    before = secrets(made)
    path = held(made, kind)
    after = secrets(made)
    changed = {name for name in before if before[name] != after[name]}
    expected = {
        "ledger-keys": {"ledger/signing.keys", "ledger/policy"},
        "lease-keys": {"lease.keys"},
        "retire-lease-keys": {"lease.keys"},
        "row-key": {"row.key"},
    }
    assert changed == expected[kind]
    whole(made)
    assert ceremony_record(read_gate_folder(made.path), transcript_digest(path)) is not None


def test_old_ledger_keys_go_by_a_ceremony_of_their_own(made: TestGate) -> None:
    """Old and new sign side by side until witnesses have the new ones."""
    old = [key.verifier.id.hex() for key in read_ledger_folder(made.path / "ledger").signers]
    held(made, "ledger-keys")
    assert len(read_ledger_folder(made.path / "ledger").signers) == 2 * len(old)
    held(made, "retire-ledger-keys", *old)
    assert not {key.verifier.id.hex() for key in read_ledger_folder(made.path / "ledger").signers} & set(old)
    whole(made)


def test_leases_of_the_old_key_verify_beside_the_new_one(made: TestGate) -> None:
    """Renewing a key ends nobody's work."""
    with made.running() as gate:
        old = json.dumps(gate.jwks())
    held(made, "lease-keys")
    with made.running() as gate:
        keys = gate.jwks()["keys"]  # type: ignore[index, call-overload]
        assert len(keys) == 2 and json.loads(old)["keys"][0] in keys
        assert keys[0] not in json.loads(old)["keys"]


def test_a_spare_is_enrolled_beside_the_gate_that_runs(made: TestGate) -> None:
    """The gate does not stop for a second passkey; and the ledger learns of the ceremony from the gate."""
    with made.running() as gate, room(made) as found:
        going = found.begin("spare", ["bo"], US_IE)
        confirm(going, until="act")
        assert not going.is_done()
        with pytest.raises(Rejected, match="not done"):
            going.acted()
        pending = enrol(gate, "bo", 1)
        voucher = PersonId("pat")
        gate.vouch(pending, voucher, key_of("pat").sign(gate.enrolment(pending, voucher).challenge()))
        going.acted()
        confirm(going, until="")
        sha, printed, recorded = going.finish()
        assert not recorded
        gate.tick()
        assert ceremony_record(read_gate_folder(made.path), sha) is not None
        assert sha in printed.read_text() and "bo, enrolled as entry" in printed.read_text()


# Who is in the room


@pytest.mark.parametrize(
    ("people", "why"),
    [
        (("ann",), "two people"),
        (("ann", "ann"), "two people"),
        (("ann", "nobody"), "not in the people table"),
        (("ann", "bo"), "one state could compel everybody"),
        (("ann", "bo", "ben"), "cannot confirm for each other"),
    ],
)
def test_nobody_holds_a_ceremony_alone_or_within_one_state(made: TestGate, people: tuple[str, ...], why: str) -> None:
    """One state that compels everybody in the room has the key."""
    before = secrets(made)
    with room(made) as found, pytest.raises(Refusal) as refused:
        found.begin("lease-keys", [], [PersonId(each) for each in people])
    assert why in str(refused.value.problems)
    assert not any(state in str(refused.value.problems) for state in (" US", " IE", "United"))
    assert secrets(made) == before and not list(made.path.glob("ceremonies/*.jsonl"))


def test_one_ceremony_at_a_time(made: TestGate) -> None:
    """Two at once, and each reads the other's fingerprints."""
    with room(made) as found:
        with pytest.raises(Conflict, match="one at a time"):
            room(made)
        found.begin("lease-keys", [], US_IE)
        with pytest.raises(Conflict, match="broken off"):
            found.begin("row-key", [], US_IE)


def test_a_gate_that_runs_is_stopped_first(made: TestGate) -> None:
    """A key that changes under a running gate is used in two minds."""
    with made.running(), room(made) as found, pytest.raises(Refusal, match="stop the gate"):
        found.begin("lease-keys", [], US_IE)


@pytest.mark.parametrize(
    ("kind", "people"),
    [
        ("none", []),
        ("lease-keys", ["x"]),
        ("spare", []),
        ("spare", ["bo", "bo"]),
        ("spare", ["nobody"]),
        ("found", ["bo"]),
    ],
)
def test_a_ceremony_of_nothing_is_refused(made: TestGate, kind: str, people: list[str]) -> None:
    """What is not in the script nobody improvises."""
    with room(made) as found, pytest.raises(Refusal):
        found.begin(kind, people, US_IE)


def test_a_gate_that_was_started_meanwhile_stops_the_act(made: TestGate) -> None:
    """Somebody who was not told starts it again between two steps."""
    before = secrets(made)
    with room(made) as found:
        going = found.begin("lease-keys", [], US_IE)
        confirm(going, until="act")
        with made.running(), pytest.raises(StoreError):
            going.act()
        assert secrets(made) == before
        confirm(going)
        going.finish()
    whole(made)


def test_steps_go_in_their_order_and_by_both(made: TestGate) -> None:
    """A step that one of the two skipped is one that nobody saw."""
    with room(made) as found:
        going = found.begin("lease-keys", [], US_IE)
        first, *_, last = going.state.script.steps
        for step, by in (
            (last, US_IE),
            (first, (US_IE[0],)),
            (first, US_IE[::-1]),
            (first, (US_IE[0], PersonId("cho"))),
        ):
            with pytest.raises(Rejected):
                going.confirm(step, by, {})
        with pytest.raises(Rejected):
            going.finish()
        confirm(going, until="act")
        act = going.next()
        assert act is not None
        with pytest.raises(Rejected, match="not done"):
            going.confirm(act, US_IE, {})


# Killed


@pytest.mark.parametrize("kind", ["ledger-keys", "row-key"])
def test_a_ceremony_killed_at_any_line_goes_on_to_the_same_end(made: TestGate, kind: str) -> None:
    """The power fails when it does."""
    lines = len(SCRIPTS[kind].steps) + 4
    with room(made) as found:
        going = found.begin(kind, [], US_IE)
    for _ in range(lines):
        with room(made) as found:
            if found.unfinished() is None:
                break
            going = found.resume(US_IE)
            step = going.next()
            if step is None:
                going.finish()
                continue
            if step.act:
                going.act()
                going = found.resume(US_IE)  # killed before it was confirmed
                keys = secrets(made)
                going.act()
                assert secrets(made) == keys
            going.confirm(step, US_IE, going.read() if step.read or step.act else {})
    whole(made)


INNER = ("write_policy", "write_signers", "_record", "_sign_once")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", INNER)
def test_ledger_keys_killed_within_are_whole_or_not_there(
    made: TestGate, name: str, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key in the policy that nobody holds is one that everybody trusts and nobody can use, or look for."""
    from armslength.service import ledger_rotation

    _killed_in(made, "ledger-keys", ledger_rotation, name, after, monkeypatch)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("kind", "name"), [("lease-keys", "write_lease_keys"), ("row-key", "replace_file"), ("row-key", "sync_folder")]
)
def test_other_keys_killed_within_are_the_old_or_the_new(
    made: TestGate, kind: str, name: str, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no third."""
    _killed_in(made, kind, gate_ceremony_acts, name, after, monkeypatch)


def _killed_in(
    made: TestGate, kind: str, module: object, name: str, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., object] = getattr(module, name)

    def killed(*args: object, **more: object) -> object:
        if after:
            real(*args, **more)
        raise Killed

    # Where a key is announced and not there yet, both ways out are tried.
    for abandon in (False, True) if name in ("write_policy", "write_signers") else (after,):
        with room(made) as found:
            going = found.begin(kind, [], US_IE)
            confirm(going, until="act")
            monkeypatch.setattr(module, name, killed)
            with pytest.raises(Killed):
                going.act()
            monkeypatch.setattr(module, name, real)
        for where, file in ((made.path, "lease.keys"), (made.path / "ledger", "signing.keys"), (made.path, "row.key")):
            (where / f".{file}.new").write_bytes(b"half a key")
        with room(made) as found:
            going = found.resume(US_IE)
            if abandon:
                going.abandon("the power failed")
            else:
                confirm(going)
                going.finish()
        whole(made)


def test_a_disk_that_is_full_leaves_the_old_key(made: TestGate, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the ceremony goes on when there is room."""

    def full(*args: object, **more: object) -> None:
        raise StorageFailed("lease.keys: No space left on device")

    before = secrets(made)
    with room(made) as found:
        going = found.begin("lease-keys", [], US_IE)
        confirm(going, until="act")
        with monkeypatch.context() as patched:
            patched.setattr(gate_ceremony_acts, "write_lease_keys", full)
            with pytest.raises(StorageFailed):
                going.act()
        assert secrets(made) == before
        confirm(going)
        going.finish()
    whole(made)


def test_other_people_go_on_if_they_are_apart(made: TestGate) -> None:
    """One of the two fell ill; the key is as it was."""
    with room(made) as found:
        found.begin("lease-keys", [], US_IE)
    with room(made) as found:
        with pytest.raises(Refusal):
            found.resume([PersonId("ann"), PersonId("bo")])
        going = found.resume([PersonId("cho"), PersonId("dov")])
        confirm(going)
        going.finish()
    assert "cho" in going.transcript.path.with_suffix(".md").read_text()


# The transcript


def test_a_transcript_that_was_changed_is_found(made: TestGate) -> None:
    """What was read aloud is what stands there."""
    path = held(made, "lease-keys")
    good = path.read_bytes()
    lines = good.splitlines(keepends=True)
    found = [
        good.replace(b"ann", b"eve"),
        b"".join(lines[:3] + lines[4:]),
        b"".join([*lines[:3], lines[3], lines[3], *lines[4:]]),
        b"".join([lines[1], lines[0], *lines[2:]]),
        b"{}\n",
        b"\xff\xfe\n",
    ]
    for each in found:
        path.write_bytes(each)
        with pytest.raises(Tampered):
            read_transcript(path)
    path.write_bytes(b"".join(lines[:-1]))  # cut at a line: it follows, and is on no record
    read_transcript(path)
    assert ceremony_record(read_gate_folder(made.path), transcript_digest(path)) is None
    path.write_bytes(good)
    assert ceremony_record(read_gate_folder(made.path), transcript_digest(path)) is not None


def test_a_line_that_was_half_written_is_dropped(made: TestGate) -> None:
    """A power failure tears the last line; what it was about is asked again."""
    with room(made) as found:
        going = found.begin("lease-keys", [], US_IE)
        confirm(going, until="stopped")
    data = going.transcript.path.read_bytes()
    going.transcript.path.write_bytes(data[:-7])
    with room(made) as found:
        again = found.resume(US_IE)
        assert again.next() is not None and again.next().id == "host"  # type: ignore[union-attr]
        confirm(again)
        again.finish()
    read_transcript(going.transcript.path)


def test_a_transcript_changed_while_it_was_broken_off_is_not_gone_on_with(made: TestGate) -> None:
    """The night between two days of a ceremony is long."""
    with room(made) as found:
        going = found.begin("lease-keys", [], US_IE)
        shown = going.transcript.shown
    path = going.transcript.path
    path.write_bytes(path.read_bytes().replace(b'"ann"', b'"cho"'))
    with room(made) as found:
        left = found.unfinished()
        assert left is not None and left.shown != shown  # it follows, for there is one line; the paper tells


def test_a_ceremony_killed_at_its_very_end_is_recorded_later(made: TestGate, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transcript on no record is one that nobody can hold to."""
    with room(made) as found:
        going = found.begin("lease-keys", [], US_IE)
        confirm(going)

        def killed(*args: object) -> bool:
            raise Killed

        with monkeypatch.context() as patched:
            patched.setattr(CeremonyRoom, "record", killed)
            with pytest.raises(Killed):
                going.finish()
    path = going.transcript.path
    assert ceremony_record(read_gate_folder(made.path), transcript_digest(path)) is None
    with room(made) as found:
        assert found.unfinished() is None
        recorded_again(found, path)
    assert ceremony_record(read_gate_folder(made.path), transcript_digest(path)) is not None


def test_a_new_row_key_keeps_the_last_drill_and_waits_for_one_under_way(tmp_path: Path) -> None:
    """Whoever changes a key must not thereby forget that there was a rehearsal, nor end one."""
    made = small_gate(tmp_path / "gate", drill_days=90)
    with made.running() as gate:
        drill = announced(made, gate)
        signed(gate, drill, "di")
    with room(made) as found:
        going = found.begin("row-key", [], US_IE)
        confirm(going, until="act")
        with pytest.raises(Refusal, match="under way"):
            going.act()
        going.abandon("a drill is under way")
    with made.running() as gate:
        desk = DrillDesk(read_gate_folder(made.path), clock=made.clock)
        desk.end(drill, outcome="met", transcript="0" * 64)
        desk.close()
        gate.tick()
    held(made, "row-key")
    with made.running() as gate:
        gate.tick()
        health = gate.health()
        assert health.drilled is not None and health.drilled.id == drill.id and not health.drill_due
        assert "drills" not in health.problems
    assert record(made).met and BREAK_GLASS


# On paper


@pytest.mark.parametrize("kind", sorted(SCRIPTS))
def test_each_checklist_prints_every_step(kind: str) -> None:
    """What is on paper is what the terminal asks."""
    script = SCRIPTS[kind]
    for text in (checklist_markdown(script, gate="g"), checklist_html(script, gate="<b>g</b>")):
        assert all(step.title.replace("'", "&#x27;") in text or step.title in text for step in script.steps)
    assert "<b>g</b>" not in checklist_html(script, gate="<b>g</b>").replace("Gate <b>", "")
    assert sum(step.act for step in script.steps) == 1 and sign is not None
