"""What breaks closes, at a real sshd: with each part of the gate dead, full, wrong or late, nobody comes in, and the
point's log says why."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from contextlib import ExitStack
from errno import ENOSPC
from pathlib import Path

import pytest

from armslength.enforce.ssh_journal import LINES, WAITING
from armslength.gate import Refused, Why
from tests.enforce.ssh.sshd import (
    Stand,
    needs_root,
    needs_sshd,
    ssh_gate,
    stand,
    standing,
    until,
)
from tests.service.gates import ask
from tests.service.watchers import lines, watching

pytestmark = [needs_sshd, needs_root]
Log = pytest.LogCaptureFixture


@pytest.fixture(autouse=True)
def _log(caplog: Log) -> None:
    caplog.set_level("INFO", "armslength.enforce")


def closed(found: Stand, reason: Why, log: Log) -> None:
    log.clear()
    found.bo.is_refused()
    assert any(f"({reason})" in line for line in log.messages), log.messages


def test_without_a_live_lease_there_is_no_certificate_and_no_session(tmp_path: Path, caplog: Log) -> None:
    """A certificate would be worth more than the lease it was made for."""
    with stand(tmp_path) as found:
        found.bo.opens()
        found.gate.gate.give_back(found.lease.terms.id, found.lease.terms.executor)
        closed(found, Why.EXPIRED, caplog)
        assert len(found.gate.uses()) == 1


def test_the_gate_is_dead(tmp_path: Path, caplog: Log) -> None:
    """Killing the gate would open every server behind it."""
    with stand(tmp_path) as found:
        found.bo.opens()
        found.gate.away()
        closed(found, Why.GATE, caplog)
        found.gate.serve()
        found.bo.opens()
        assert len(found.gate.uses()) == 2


def test_the_gate_is_silent(tmp_path: Path, caplog: Log) -> None:
    """A gate that accepts and says nothing would hold a login for ever, or be taken for a yes."""
    with stand(tmp_path, point={"timeout_seconds": 1.0}) as found:
        found.gate.away()
        host, port = found.gate.url.removeprefix("http://").split(":")
        kept: list[socket.socket] = []
        with socket.create_server((host, int(port)), backlog=64) as server, ExitStack() as stack:
            server.settimeout(0.2)
            over = threading.Event()

            def accept() -> None:
                while not over.is_set():
                    try:
                        kept.append(stack.enter_context(server.accept()[0]))
                    except TimeoutError:
                        pass

            thread = threading.Thread(target=accept)
            thread.start()
            try:
                closed(found, Why.GATE, caplog)
            finally:
                over.set()
                thread.join()
        assert kept


def test_the_database_is_dead(tmp_path: Path, caplog: Log) -> None:
    """The gate would answer from memory what its rows no longer bear out."""
    with stand(tmp_path) as found:
        found.gate.gate.database.close()
        closed(found, Why.STORE, caplog)
        assert found.gate.uses() == []


def test_the_database_is_locked(tmp_path: Path, caplog: Log) -> None:
    """Whoever takes the lock and keeps it would have uses go unwritten."""
    with stand(tmp_path, point={"timeout_seconds": 1.0}) as found, found.gate.administrator() as db:
        db.execute("BEGIN EXCLUSIVE")
        found.bo.is_refused()
        assert any(f"({why})" in line for line in caplog.messages for why in (Why.STORE, Why.GATE)), caplog.messages
        db.execute("ROLLBACK")
        found.bo.opens()


def test_the_ledger_is_dead(tmp_path: Path, caplog: Log) -> None:
    """Sessions would begin that nothing has a record of."""
    with stand(tmp_path) as found:
        found.gate.ledger.close()
        closed(found, Why.LEDGER, caplog)


def test_the_ledger_is_full(tmp_path: Path, caplog: Log) -> None:
    """Whoever fills the disk would log in without a trace."""
    ledger = tmp_path / "gate" / "ledger"
    with ssh_gate(tmp_path / "gate", opened=False) as gate:
        aside = tmp_path / "aside"
        shutil.move(ledger, aside)
        ledger.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=16m", "gate-ssh-ledger", str(ledger)], capture_output=True, text=True
        )
        if mounted.returncode:
            pytest.skip(f"mounting is not possible here: {mounted.stderr.strip()}")
        try:
            shutil.copytree(aside, ledger, dirs_exist_ok=True)
            gate.open()
            with standing(tmp_path, gate) as found:
                found.bo.opens()
                with open(ledger / "filler", "wb", buffering=0) as filler, pytest.raises(OSError, match="No space"):
                    while True:
                        filler.write(bytes(4096))
                # What fits into pages that are there already may still be recorded, and then may happen.
                before, passed = len(gate.uses()), 0
                for _ in range(60):
                    if found.bo.ssh("echo in")[0]:
                        break
                    passed += 1
                closed(found, Why.LEDGER, caplog)
                assert passed <= len(gate.uses()) - before
            gate.close()
        finally:
            subprocess.run(["umount", "-l", str(ledger)], check=True)


def test_the_clock_goes_back(tmp_path: Path, caplog: Log) -> None:
    """A lease that has ended would run again."""
    with stand(tmp_path) as found:
        found.bo.opens()
        found.gate.clock.by = -600.0
        closed(found, Why.CLOCK, caplog)
        found.gate.clock.by = 0.0
        found.bo.opens()


def test_the_gates_clock_jumps_ahead(tmp_path: Path, caplog: Log) -> None:
    """Every customer's time to say no would be over at once."""
    with ssh_gate(tmp_path / "gate", opened=False) as gate:
        gate.steady = time.monotonic
        gate.open()
        with standing(tmp_path, gate, clock=time.time) as found:
            found.bo.opens()
            gate.clock.by = 600.0
            closed(found, Why.CLOCK, caplog)
            gate.clock.by = 0.0
            found.bo.opens()


def test_the_lease_has_run_out(tmp_path: Path, caplog: Log) -> None:
    """A certificate that sshd still takes for good would outlive its lease."""
    with stand(tmp_path) as found:
        found.gate.clock.by = 3601.0
        closed(found, Why.EXPIRED, caplog)


def test_the_lease_is_revoked(tmp_path: Path, caplog: Log) -> None:
    """Taking access away would wait for a certificate to run out."""
    with stand(tmp_path) as found:
        found.gate.gate.revoke(found.lease.terms.id, found.lease.terms.approvers[0], "wrong server")
        closed(found, Why.REVOKED, caplog)


def test_the_estate_is_stale(tmp_path: Path, caplog: Log) -> None:
    """Somebody who left months ago would still be who the tables say they are."""
    with stand(tmp_path, gate={"freshness_days": 1}) as found:
        found.gate.clock.by = 3 * 86_400.0
        found.gate.gate.tick()
        found.bo.is_refused()
        said = " ".join(caplog.messages)
        assert f"({Why.EXPIRED})" in said, said  # no lease lasts until its people are stale
        outcome = found.gate.gate.ask(ask("end", who="bo"), caller="person:bo")
        assert isinstance(outcome, Refused) and outcome.why is Why.STALE  # and there is no other


def test_a_row_is_changed_by_hand(tmp_path: Path, caplog: Log) -> None:
    """Whoever administers the database would write themselves a lease."""
    with stand(tmp_path) as found:
        with found.gate.administrator() as db:
            new = "CAST(replace(CAST(doc AS TEXT), '\"bo\"', '\"cy\"') AS BLOB)"
            assert db.execute(f"UPDATE rows SET doc = {new} WHERE kind = 'lease'").rowcount == 1
        closed(found, Why.TAMPERED, caplog)


def test_the_uses_are_spent(tmp_path: Path, caplog: Log) -> None:
    """A certificate could be used as often as somebody likes within its minutes."""
    with stand(tmp_path, action="export", offline=True) as found:
        found.bo.opens()
        found.bo.opens()
        closed(found, Why.SPENT, caplog)
        assert len(found.gate.uses()) == 2


def test_a_witness_is_out(tmp_path: Path, caplog: Log) -> None:
    """Any witness could lock everyone out; the health says that one is missing."""
    with watching(tmp_path / "witness", "anna") as watchers:
        witnesses = lines(watchers, "all")
    with ssh_gate(tmp_path / "gate", witnesses=witnesses) as gate:  # nobody listens at the witness's address any more
        gate.ledger.start()
        gate.gate.start()
        with standing(tmp_path, gate) as found:
            found.bo.opens()
            assert len(gate.uses()) == 1
            until(lambda: any(each.problem for each in gate.ledger.health().publisher.witnesses))


def test_leases_that_count_nothing_go_on_for_a_minute_without_the_gate(tmp_path: Path, caplog: Log) -> None:
    """Every hiccup of the gate would lock out those whose access it gave; and none would ever be taken away."""
    with stand(tmp_path, offline=True) as found:
        found.bo.opens()
        found.gate.away()
        with found.bo.staying() as session:
            found.bo.opens()
            assert list((tmp_path / "state" / "spool").glob("uses-*"))  # on the disk, as the gate cannot have it
            found.gate.clock.by = 61.0
            assert session.wait(20) != 0
        closed(found, Why.OLD_LIST, caplog)
        found.gate.serve()
        until(lambda: found.point.status()["problems"] == [])
        found.bo.opens()
        until(lambda: len(found.gate.uses()) == 4)


def test_the_points_own_disk_is_full(tmp_path: Path, caplog: Log) -> None:
    """A session that stands in no table would have no end."""
    state = tmp_path / "state"
    state.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "gate-ssh-state", str(state)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"mounting is not possible here: {mounted.stderr.strip()}")
    try:
        with stand(tmp_path, offline=True) as found:
            found.bo.opens()
            # What the gate takes is deleted here, which makes room again.
            until(lambda: (state / LINES).read_text().count('"over"') == 1)
            until(lambda: not any((state / WAITING).iterdir()) and found.point.status()["spooled"] == 0)
            with open(state / "filler", "wb", buffering=0) as filler:
                # What is freed a little later, as the pages of a journal, is taken too.
                vain = 0
                while vain < 10:
                    try:
                        filler.write(bytes(4096))
                        vain = 0
                    except OSError as error:
                        assert error.errno == ENOSPC
                        vain += 1
                        time.sleep(0.05)
            closed(found, Why.STORE, caplog)
            os.unlink(state / "filler")
            found.bo.opens()
    finally:
        subprocess.run(["umount", "-l", str(state)], check=True)
