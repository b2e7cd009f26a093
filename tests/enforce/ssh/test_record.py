"""What the ledger has of a session at a real sshd: its use, its command where it had one, its beginning and its end."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from armslength.enforce import SshAccount
from armslength.enforce.failure import SpoolFailed
from armslength.enforce.ssh_journal import SshJournal
from armslength.enforce.ssh_table import SshSession
from armslength.gate import Ran, event_of
from armslength.service import read_records
from armslength.store import read_gate_folder, read_ledger_folder
from tests.enforce.real_gate import RealGate
from tests.enforce.ssh.sshd import ME, needs_root, needs_sshd, stand, until


def ran(gate: RealGate) -> list[Ran]:
    entries = read_records(read_ledger_folder(read_gate_folder(gate.path).ledger))
    found = [None if e.fields is None else event_of(str(e.record.kind), e.fields) for e in entries]
    return [each for each in found if isinstance(each, Ran)]


@needs_sshd
@needs_root
def test_a_forced_command_is_in_the_record_with_beginning_and_end(tmp_path: Path) -> None:
    """Nobody could tell afterwards what a lease was used for, and for how long."""
    accounts = {ME: SshAccount(action="end", command="echo forced", pty=False)}
    with stand(tmp_path, accounts=accounts) as found:
        assert found.bo.ssh("echo in") == (0, "forced\n")
        until(lambda: len(ran(found.gate)) == 2)
        begun, over = ran(found.gate)
        (use,) = found.gate.uses()
        assert [each.text for each in begun.statements] == ["echo forced"] and over.statements == ()
        assert (begun.first, over.first) == (1, 2) and begun.done <= over.done
        assert {each.session for each in (begun, over)} == {use.use}
        assert {(each.lease, each.executor, each.source) for each in (begun, over)} == {
            (found.lease.terms.id, "bo", "sshd")
        }
        # The records commit to the lines that lie on the server.
        lines = (tmp_path / "state" / "ssh-sessions.log").read_bytes().splitlines(keepends=True)
        assert [hashlib.sha256(line).hexdigest() for line in lines] == [begun.sha256, over.sha256]
        assert [json.loads(line)["what"] for line in lines] == ["begun", "over"]
        until(lambda: list((tmp_path / "state" / "ssh-waiting").iterdir()) == [])


@needs_sshd
@needs_root
def test_while_the_gate_is_away_lines_wait_on_the_disk(tmp_path: Path) -> None:
    """An outage would take the end of sessions with it."""
    with stand(tmp_path, offline=True) as found:
        found.bo.opens()
        until(lambda: len(ran(found.gate)) == 2)
        found.gate.away()
        found.bo.opens()
        until(lambda: len(list((tmp_path / "state" / "ssh-waiting").iterdir())) == 2)
        found.gate.serve()
        until(lambda: len(ran(found.gate)) == 4)
        until(lambda: list((tmp_path / "state" / "ssh-waiting").iterdir()) == [])


def session(number: int = 1) -> SshSession:
    return SshSession(
        pid=1,
        started=1,
        account="deploy",
        action="ssh",
        lease="lease_AAAAAAAAAAAAAAAAAAAAAA",
        counted=False,
        person="bo",
        serial=number,
        digest="ab" * 32,
        use=f"{number:021d}A",
        begun=1_795_640_000,
        end=1_795_643_600,
    )


class Answering:
    """A gate that says what it is told to."""

    def __init__(self, answer: object, status: int = 200) -> None:
        self.answer, self.status, self.sent = answer, status, 0

    def post(self, path: str, form: object) -> tuple[int, object]:
        self.sent += 1
        return self.status, self.answer


def test_a_line_is_recorded_once_and_what_nobody_takes_is_kept(tmp_path: Path) -> None:
    """A restart would record a session twice; or one damaged file would keep all the others from being recorded."""
    journal = SshJournal(tmp_path)
    journal.begun(session(), "echo x")
    journal.begun(session(), "echo x")
    assert len(list((tmp_path / "ssh-waiting").glob("*.json"))) == 1
    (tmp_path / "ssh-waiting" / "000-damaged.json").write_text("{")
    for answer in (None, {"taken": []}, {"taken": [1]}, []):
        with pytest.raises(Exception, match="not about what was sent"):
            journal.deliver(Answering(answer))  # type: ignore[arg-type]
    assert len(list((tmp_path / "ssh-waiting").glob("*.json"))) == 1
    assert len(list((tmp_path / "ssh-waiting").glob("*.kept"))) == 1
    again = SshJournal(tmp_path)
    again.deliver(Answering({"taken": [{"batch": "x"}]}))  # type: ignore[arg-type]
    assert list((tmp_path / "ssh-waiting").glob("*.json")) == []
    again.over(session(), at=1_795_640_100, why=None)
    again.deliver(Answering(None, 400))  # type: ignore[arg-type]
    assert len(list((tmp_path / "ssh-waiting").glob("*.kept"))) == 2
    nothing = Answering({"taken": []})
    again.deliver(nothing)  # type: ignore[arg-type]
    assert nothing.sent == 0


def test_with_too_much_that_waits_no_session_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever keeps the gate away would fill the disk, or act without a trace."""
    monkeypatch.setattr("armslength.enforce.ssh_journal.MOST_WAITING", 3)
    journal = SshJournal(tmp_path)
    for number in range(3):
        journal.begun(session(number), None)
    with pytest.raises(SpoolFailed, match="has not taken"):
        journal.begun(session(9), None)
    journal.over(session(1), at=1_795_640_100, why="revoked")  # an end is noted all the same
