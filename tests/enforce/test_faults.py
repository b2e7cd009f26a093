"""What breaks closes: with each part of the gate dead, full, wrong or late, the service behind sees nothing, and the
person is told why."""

from __future__ import annotations

import html
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from armslength.enforce import SENTENCES
from armslength.gate import Why
from tests.enforce.fronts import Front, fronts, status, why
from tests.enforce.nginx import needs_nginx
from tests.enforce.real_gate import RealGate, real_gate
from tests.service.watchers import lines, watching

pytestmark = needs_nginx
LINE = "DELETE /meetings/acme"


def closed(front: Front, reason: Why, says: str | None = None) -> None:
    """The service sees nothing of a request, and the person learns the reason, in a code and in words."""
    before = front.reached()
    answer = front.send(LINE)
    assert front.reached() == before, front.name
    assert (status(answer), why(answer)) in ((403, reason), (503, reason)), (front.name, answer)
    words = SENTENCES[reason] if says is None or front.name == "nginx" else says
    assert words in html.unescape(answer.decode("utf-8")), (front.name, answer)
    assert b"/ask" in answer, front.name


def opened(front: Front) -> None:
    before = front.reached()
    answer = front.send(LINE)
    assert status(answer) == 200, (front.name, answer)
    assert front.reached() == before + 1


@contextmanager
def stand(folder: Path, **more: object) -> Iterator[tuple[RealGate, tuple[Front, ...]]]:
    """A gate with a live lease for the act, and all ways in open."""
    with real_gate(folder / "gate", **more) as gate:  # type: ignore[arg-type]
        gate.leased("end", "acme")
        with fronts(folder, gate) as all_fronts:
            for front in all_fronts:
                opened(front)
            yield gate, all_fronts


def test_without_a_lease_nothing_passes(tmp_path: Path) -> None:
    """The gate would be a sign on the door."""
    with real_gate(tmp_path / "gate") as gate, fronts(tmp_path, gate) as all_fronts:
        for front in all_fronts:
            closed(front, Why.APPROVAL_REQUIRED, "there is none: ask for it")
        assert gate.uses() == []


def test_the_gate_is_dead(tmp_path: Path) -> None:
    """Killing the gate would open everything behind it."""
    with stand(tmp_path) as (gate, all_fronts):
        gate.away()
        for front in all_fronts:
            closed(front, Why.GATE, "does not answer")
        gate.serve()
        for front in all_fronts:
            opened(front)
        assert len(gate.uses()) == 6


def test_the_gate_is_silent(tmp_path: Path) -> None:
    """A gate that accepts and says nothing would hold people for ever, or be taken for a yes."""
    with stand(tmp_path) as (gate, all_fronts):
        gate.away()
        address = gate.url.removeprefix("http://").split(":")
        kept: list[socket.socket] = []
        with socket.create_server((address[0], int(address[1])), backlog=64) as server, ExitStack() as stack:
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
                with ThreadPoolExecutor() as pool:  # each waits for as long as it has patience
                    list(pool.map(lambda front: closed(front, Why.GATE, "does not answer"), all_fronts))
            finally:
                over.set()
                thread.join()
        assert kept


def test_the_database_is_dead(tmp_path: Path) -> None:
    """The gate would answer from memory what its rows no longer bear out."""
    with stand(tmp_path) as (gate, all_fronts):
        gate.gate.database.close()
        for front in all_fronts:
            closed(front, Why.STORE, "")
        assert len(gate.uses()) == 3


def test_the_database_is_locked(tmp_path: Path) -> None:
    """Whoever takes the lock and keeps it would have uses go unwritten."""
    with stand(tmp_path) as (gate, all_fronts), gate.administrator() as db:
        db.execute("BEGIN EXCLUSIVE")
        before = len(gate.uses())
        for front in all_fronts:
            seen = front.reached()
            answer = front.send(LINE)
            passed = front.reached() - seen
            # Which of them the person is told depends on who waits longer, the gate for the lock or they for the gate.
            assert passed or why(answer) in (Why.STORE, Why.GATE)
            assert passed <= len(gate.uses()) - before
            before = len(gate.uses())
        db.execute("ROLLBACK")
        for front in all_fronts:
            opened(front)


def test_the_ledger_is_dead(tmp_path: Path) -> None:
    """Acts would happen that nothing has a record of."""
    with stand(tmp_path) as (gate, all_fronts):
        gate.ledger.close()
        for front in all_fronts:
            closed(front, Why.LEDGER, "")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root")
def test_the_ledger_is_full(tmp_path: Path) -> None:
    """Whoever fills the disk would act without a trace."""
    ledger = tmp_path / "gate" / "ledger"
    with real_gate(tmp_path / "gate", opened=False) as gate:
        aside = tmp_path / "aside"
        shutil.move(ledger, aside)
        ledger.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=16m", "gate-f-ledger", str(ledger)], capture_output=True, text=True
        )
        if mounted.returncode:
            pytest.skip(f"mounting is not possible here: {mounted.stderr.strip()}")
        try:
            shutil.copytree(aside, ledger, dirs_exist_ok=True)
            gate.open()
            gate.leased("end", "acme")
            with fronts(tmp_path, gate) as all_fronts:
                for front in all_fronts:
                    opened(front)
                with open(ledger / "filler", "wb", buffering=0) as filler, pytest.raises(OSError, match="No space"):
                    while True:
                        filler.write(bytes(4096))
                uses = len(gate.uses())
                # What fits into pages that are there already may still be recorded, and then may happen.
                for front in all_fronts:
                    before = front.reached()
                    for _ in range(200):
                        answer = front.send(LINE)
                        if status(answer) != 200:
                            break
                    assert why(answer) == Why.LEDGER, answer
                    passed = front.reached() - before
                    now = len(gate.uses())
                    assert passed <= now - uses
                    uses = now
                    closed(front, Why.LEDGER, "")
            gate.close()
        finally:
            subprocess.run(["umount", "-l", str(ledger)], check=True)


def test_the_gates_clock_goes_back(tmp_path: Path) -> None:
    """A lease that has ended would run again."""
    with stand(tmp_path) as (gate, all_fronts):
        gate.clock.by = -600.0
        for front in all_fronts:
            closed(front, Why.CLOCK, "clock")
        gate.clock.by = 0.0
        for front in all_fronts:
            opened(front)


def test_the_lease_has_run_out(tmp_path: Path) -> None:
    """Access would last as long as nobody takes it away."""
    with stand(tmp_path) as (gate, all_fronts):
        gate.clock.by = 3601.0
        for front in all_fronts:
            closed(front, Why.EXPIRED, "ended at")


def test_the_lease_is_revoked(tmp_path: Path) -> None:
    """Taking access away would be a note in a database."""
    with stand(tmp_path) as (gate, all_fronts):
        (lease,) = gate.gate.live()
        gate.gate.revoke(lease.terms.id, lease.terms.approvers[0], "wrong meeting")
        for front in all_fronts:
            closed(front, Why.REVOKED, "the lease was revoked")


def test_the_estate_is_stale(tmp_path: Path) -> None:
    """Somebody who left months ago would still be who the tables say they are."""
    with stand(tmp_path, freshness_days=1) as (gate, all_fronts):
        gate.clock.by = 3 * 86_400.0
        gate.gate.tick()
        for front in all_fronts:
            closed(front, Why.STALE, "too old")


def test_a_row_is_changed_by_hand(tmp_path: Path) -> None:
    """Whoever administers the database would write themselves a lease."""
    with stand(tmp_path) as (gate, all_fronts):
        with gate.administrator() as db:
            new = "CAST(replace(CAST(doc AS TEXT), 'acme', 'bcme') AS BLOB)"
            changed = db.execute(f"UPDATE rows SET doc = {new} WHERE kind = 'lease'").rowcount
        assert changed == 1
        for front in all_fronts:
            closed(front, Why.TAMPERED, "")


def test_a_witness_is_out(tmp_path: Path) -> None:
    """Any witness could stop the firm; receipts are durable without it."""
    with watching(tmp_path / "witness", "anna") as watchers:
        witnesses = lines(watchers, "all")
    with real_gate(tmp_path / "gate", witnesses=witnesses) as gate:  # nobody listens at the witness's address any more
        gate.ledger.start()
        gate.gate.start()
        gate.leased("end", "acme")
        with fronts(tmp_path, gate) as all_fronts:
            for front in all_fronts:
                opened(front)
        assert len(gate.uses()) == 3
