"""What breaks closes: with each part of the gate, the server's log or the point dead, full, wrong or late, no role is
made, and who is in is put out."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from armslength.enforce.postgresql_opening import Opened
from armslength.gate import Refused, Why
from tests.enforce.postgresql.cluster import Cluster
from tests.enforce.postgresql.stands import Session, Stand, standing, until
from tests.intake.postgresql.server import needs_postgresql
from tests.service.gates import MEETINGS
from tests.service.watchers import lines, watching

pytestmark = needs_postgresql


def closed(stand: Stand, session: Session, reason: Why, says: str = "") -> None:
    """Nothing is opened by the session's lease again, and the person learns why."""
    roles = stand.cluster.roles()
    answer, _ = stand.open(session.token)
    assert isinstance(answer, Refused) and answer.why is reason and says in answer.says, answer
    assert set(stand.cluster.roles()) <= set(roles)


@pytest.fixture
def session(stand: Stand) -> Session:
    found = stand.opened("acme")
    assert found.works()
    return found


def test_the_gate_is_dead(stand: Stand, session: Session) -> None:
    """Killing the gate would open the database to whoever holds an old lease."""
    stand.gate.away()
    closed(stand, session, Why.GATE, "no answer that counts")
    assert session.works()  # for a minute what runs goes on
    stand.time.steady = 61.0
    stand.ended(session.role)
    stand.gate.serve()
    stand.time.steady = 0.0
    until(lambda: isinstance(stand.open(session.token)[0], Opened), 10)


def test_the_gate_is_silent(stand: Stand, session: Session) -> None:
    """A gate that accepts and says nothing would hold people for ever, or be taken for a yes."""
    stand.gate.away()
    host, port = stand.gate.url.removeprefix("http://").split(":")
    with socket.create_server((host, int(port)), backlog=64):
        closed(stand, session, Why.GATE, "no answer that counts")
        stand.time.steady = 61.0
        stand.ended(session.role)


def test_the_gates_database_is_dead(stand: Stand, session: Session) -> None:
    stand.gate.gate.database.close()
    closed(stand, session, Why.STORE)


def test_the_gates_database_is_locked(stand: Stand, session: Session) -> None:
    """Whoever takes the lock and keeps it would have uses go unwritten."""
    uses = len(stand.gate.uses())
    with stand.gate.administrator() as db:
        db.execute("BEGIN EXCLUSIVE")
        answer, _ = stand.open(session.token)
        assert isinstance(answer, Opened) <= (len(stand.gate.uses()) - uses)
        assert isinstance(answer, Opened) or answer.why in (Why.STORE, Why.GATE)
        db.execute("ROLLBACK")
    until(lambda: isinstance(stand.open(session.token)[0], Opened), 10)


def test_the_ledger_is_dead(stand: Stand, session: Session) -> None:
    """Sessions would be opened that nothing has a record of."""
    stand.gate.ledger.close()
    closed(stand, session, Why.LEDGER)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root")
def test_the_ledger_is_full(cluster: Cluster, tmp_path: Path) -> None:
    """Whoever fills the disk would act without a trace."""
    with standing(cluster, tmp_path, started=False, gate={"opened": False}) as stand:
        ledger = stand.gate.path / "ledger"
        with full_disk(ledger, "gate-pg-ledger") as fill:
            stand.gate.open()
            stand.point.start()
            session = stand.opened("acme")
            fill()
            uses = len(stand.gate.uses())
            opened = 0
            for _ in range(200):
                answer, _ = stand.open(session.token)
                if isinstance(answer, Refused):
                    break
                opened += 1
            assert isinstance(answer, Refused) and answer.why is Why.LEDGER, answer
            assert opened <= len(stand.gate.uses()) - uses
            stand.gate.close()


def test_the_gates_clock_goes_back(stand: Stand, session: Session) -> None:
    """A lease that has ended would open again."""
    stand.gate.clock.by = -600.0
    closed(stand, session, Why.CLOCK, "clock")


def test_the_gates_clock_is_ahead(stand: Stand, session: Session) -> None:
    """Its list is then of a time that is not here: nobody knows what was taken away since."""
    stand.gate.clock.by = 400.0
    stand.ended(session.role)
    closed(stand, session, Why.OLD_LIST)


def test_the_points_clock_goes_back(stand: Stand, session: Session) -> None:
    """A lease that has ended would run again here."""
    stand.time.wall = -20.0
    stand.ended(session.role)
    closed(stand, session, Why.CLOCK, "went back")


def test_the_estate_is_stale(cluster: Cluster, tmp_path: Path) -> None:
    """Somebody who left months ago would still be who the tables say they are."""
    with standing(cluster, tmp_path, gate={"freshness_days": 1}, clock_seconds=1e9) as stand:
        session = stand.opened("acme")
        stand.gate.clock.by = 3 * 86_400.0
        stand.gate.gate.tick()
        answer, _ = stand.open(session.token)
        assert isinstance(answer, Refused), answer
        stand.time.wall = 3 * 86_400.0
        stand.ended(session.role)


def test_a_row_is_changed_by_hand(stand: Stand, session: Session) -> None:
    """Whoever administers the gate's database would write themselves a lease."""
    with stand.gate.administrator() as db:
        new = "CAST(replace(CAST(doc AS TEXT), 'acme', 'bcme') AS BLOB)"
        assert db.execute(f"UPDATE rows SET doc = {new} WHERE kind = 'lease'").rowcount == 1
    closed(stand, session, Why.TAMPERED)


def test_the_lease_runs_out(cluster: Cluster, tmp_path: Path) -> None:
    """VALID UNTIL keeps new sessions out; who is in would stay for as long as they like."""
    with standing(cluster, tmp_path, clock_seconds=1e9) as stand:
        session = stand.opened("acme")
        connection = session.driver()
        stand.gate.clock.by = stand.time.wall = 3601.0
        stand.ended(session.role)
        with pytest.raises(Exception, match="terminating|closed|network|broken"):
            connection.cursor().execute("SELECT 1")
        closed(stand, session, Why.EXPIRED)


def test_the_servers_clock_is_another_one(stand: Stand, session: Session) -> None:
    """`VALID UNTIL` would be any time."""
    stand.time.wall = 40.0
    stand.ended(session.role)
    answer, _ = stand.open(session.token)
    assert isinstance(answer, Refused) and "clock" in answer.says, answer


def test_the_server_lets_nobody_in_after_the_end(stand: Stand, session: Session) -> None:
    """With the point dead the role would be good for ever."""
    valid = stand.cluster.sql(
        f"SELECT extract(epoch FROM rolvaliduntil)::bigint FROM pg_roles WHERE rolname = '{session.role}'"
    )
    assert int(valid) == int(session.lease.terms.end.timestamp())


def test_the_lease_is_revoked(stand: Stand, session: Session) -> None:
    """Taking access away would be a note in a ledger."""
    connection = session.driver()
    since = time.monotonic()
    stand.gate.gate.revoke(session.lease.terms.id, session.lease.terms.approvers[0], "wrong meeting")
    stand.ended(session.role)
    assert time.monotonic() - since < 5
    with pytest.raises(Exception, match="terminating|closed|network|broken"):
        connection.cursor().execute("SELECT 1")
    closed(stand, session, Why.REVOKED)
    assert stand.cluster.psql(session.role, session.password, "SELECT 1").returncode


def test_the_lease_is_spent(stand: Stand) -> None:
    """Uses that are gone would be had again by asking for another password."""
    lease = stand.leased("export", by="di", on=MEETINGS)
    token = stand.token(lease)
    first, _ = stand.open(token)
    second, _ = stand.open(token)
    assert isinstance(first, Opened) and isinstance(second, Opened)
    password = "p" * 43
    third, _ = stand.open(token, password)
    assert isinstance(third, Refused) and third.why is Why.SPENT, third
    assert len(stand.gate.uses()) == 2


def test_what_the_last_use_opened_lasts_and_can_be_taken_away(stand: Stand) -> None:
    """A lease for one thing would end before it is done; or, once it is used, nobody could end it."""
    lease = stand.leased("export", by="di", on=MEETINGS)
    token = stand.token(lease)
    stand.open(token)
    answer, password = stand.open(token)
    assert isinstance(answer, Opened)
    stand.gate.gate.tick()
    until(lambda: lease.terms.id in stand.gate.gate.state.ended_early(lease.terms.start), 5)
    time.sleep(1.0)
    assert stand.cluster.psql(answer.role, password, "SELECT count(*) FROM app.notes").stdout == "0\n"
    again, _ = stand.open(token, password)
    assert again == answer  # its answer was lost
    stand.gate.gate.revoke(lease.terms.id, lease.terms.approvers[0], "enough")
    stand.ended(answer.role)


def test_a_witness_is_out(cluster: Cluster, tmp_path: Path) -> None:
    """Any witness could stop the firm; receipts are durable without it."""
    with watching(tmp_path / "witness", "anna") as watchers:
        witnesses = lines(watchers, "all")
    with standing(cluster, tmp_path, gate={"witnesses": witnesses}) as stand:
        assert stand.opened("acme").works()


# The point and the server


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for is waited for shortly."""
    monkeypatch.setattr("armslength.enforce.postgresql_watch.EVERY_SECONDS", 0.3)
    monkeypatch.setattr("armslength.enforce.postgresql_watch.LATE_SECONDS", 1.5)
    monkeypatch.setattr("armslength.enforce.postgresql_kept.BEAT_SECONDS", 1.0)


def test_the_log_is_switched_off(stand: Stand, session: Session, quick: None) -> None:
    """One ALTER SYSTEM, and nothing more would be seen."""
    stand.cluster.sql("ALTER SYSTEM SET log_destination = 'stderr'; SELECT pg_reload_conf()", "postgres")
    try:
        stand.ended(session.role, 25)
        closed(stand, session, Why.STORE, "log")
    finally:
        stand.cluster.sql("ALTER SYSTEM RESET log_destination; SELECT pg_reload_conf()", "postgres")
    until(lambda: isinstance(stand.open(session.token)[0], Opened), 15)


def test_the_log_is_taken_away(stand: Stand, session: Session) -> None:
    """Who deletes it before it was read would have done nothing."""
    for path in stand.cluster.log.glob("*.json"):
        path.unlink()
    try:
        stand.ended(session.role)
    finally:
        time.sleep(1.0)
        stand.cluster.sql("SELECT pg_rotate_logfile()", "postgres")
    until(lambda: isinstance(stand.open(session.token)[0], Opened), 15)


def test_lines_are_cut_out_of_the_log(stand: Stand, session: Session) -> None:
    """One line less, and one statement less."""
    stand.point._stop.set()
    stand.point._roused.set()
    for thread in stand.point._threads:
        thread.join()
    session.psql("SELECT 1 AS kept;\nSELECT 2 AS cut;\nSELECT 3 AS kept_too")
    path = max(stand.cluster.log.glob("*.json"), key=lambda path: path.stat().st_mtime)
    # The server's log is written by a process of its own, some time after the statement.
    until(lambda: b"AS kept_too" in path.read_bytes(), 15)
    found = path.read_bytes().splitlines(keepends=True)
    with open(path, "r+b") as file:  # in place: the server goes on writing to this file
        left = b"".join(line for line in found if b"AS cut" not in line)
        file.write(left)
        file.truncate(len(left))
    stand.point.look()
    stand.ended(session.role)


@pytest.mark.parametrize(
    "change",
    [
        "ALTER ROLE {role} SET log_statement = 'none'",
        "ALTER ROLE {role} RESET log_min_duration_statement",
        "ALTER ROLE {role} IN DATABASE firm SET log_statement = 'none'",
        "ALTER ROLE {role} CREATEDB",
        "GRANT app TO {role}",
        "COMMENT ON ROLE {role} IS 'mine'",
        "ALTER ROLE {role} NOLOGIN",
    ],
)
def test_a_superuser_who_changes_a_role_ends_it(stand: Stand, session: Session, change: str) -> None:
    """An administrator would make a lease's role into one that nobody sees, or that may do anything."""
    connection = session.driver()
    stand.cluster.sql(change.format(role=session.role), "postgres")
    if "COMMENT" in change:
        until(lambda: stand.cluster.sessions() == 0, 15)
    else:
        stand.ended(session.role)
    connection.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root")
def test_the_points_disk_is_full(cluster: Cluster, tmp_path: Path) -> None:
    """What sessions do would not be recorded, and nobody would know."""
    (tmp_path / "state").mkdir(mode=0o700)
    with full_disk(tmp_path / "state", "pg-state", "256k") as fill, standing(cluster, tmp_path) as stand:
        session = stand.opened("acme")
        connection = session.driver()
        taken = fill()
        for number in range(400):
            try:
                connection.cursor().execute(f"SELECT 1 AS while_full_{number}, '{'x' * 100}'")
            except Exception:
                break
            time.sleep(0.02)
        until(lambda: stand.cluster.sessions() == 0, 15)
        answer, _ = stand.open(session.token)
        assert isinstance(answer, Refused) and answer.why is Why.STORE, answer
        taken.unlink()
        until(lambda: session.role not in stand.cluster.roles(), 15)
        said = [text for text, _, _ in stand.recorded(session.role)]
        assert any("while_full_0" in text for text in said)  # nothing of it was lost
        stand.point.close()


def test_more_waits_for_the_gate_than_may(cluster: Cluster, tmp_path: Path) -> None:
    """A gate that takes nothing would have what is done pile up until it is lost."""
    with standing(cluster, tmp_path, most_bytes=3000) as stand:
        session = stand.opened("acme")
        stand.gate.away()
        for number in range(12):
            session.psql(f"SELECT {number} AS number_{number}")
        stand.ended(session.role)
        closed(stand, session, Why.STORE, "waits for the gate")
        stand.gate.serve()
        said = [text for text, _, _ in stand.recorded(session.role)]
        assert "SELECT ? AS number_0" in said


def test_the_server_is_started_again(cluster: Cluster, tmp_path: Path) -> None:
    """The point would watch a connection that is gone."""
    with standing(cluster, tmp_path) as stand:
        session = stand.opened("acme")
        cluster.control("-m", "fast", "restart")
        until(lambda: session.role in cluster.roles() and session.works() or session.role not in cluster.roles(), 15)
        lease = stand.leased("end", "beta", who="dee")
        until(lambda: isinstance(stand.open(lease)[0], Opened), 15)
        stand.gate.gate.revoke(session.lease.terms.id, session.lease.terms.approvers[0], "over")
        stand.ended(session.role) if not cluster.sessions() else None


def test_a_server_that_is_down_opens_nothing(cluster: Cluster, tmp_path: Path) -> None:
    with standing(cluster, tmp_path) as stand:
        lease = stand.leased("end", "acme")
        token = stand.token(lease)
        cluster.control("-m", "fast", "stop")
        try:
            answer, _ = stand.open(token)
            assert isinstance(answer, Refused) and answer.why is Why.STORE
            assert stand.gate.uses() == []
        finally:
            cluster.control("start")
        until(lambda: isinstance(stand.open(token)[0], Opened), 15)


@contextmanager
def full_disk(path: Path, name: str, size: str = "16m") -> Iterator[object]:
    """A disk of its own under a folder, and what fills it."""
    aside = path.with_name(f"{path.name}-aside")
    shutil.move(path, aside)
    path.mkdir(mode=0o700)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", name, str(path)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"mounting is not possible here: {mounted.stderr.strip()}")
    try:
        shutil.copytree(aside, path, dirs_exist_ok=True)

        def fill() -> Path:
            filler = path / "filler"
            with open(filler, "wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
                while True:
                    file.write(bytes(4096))
            return filler

        yield fill
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def test_a_role_that_was_made_a_superuser_holds_up_nobody_elses_end(stand: Stand, session: Session) -> None:
    """The point cannot end it any more. It can end all others, let nobody else in, and say so."""
    other = stand.opened("beta", who="dee")
    stand.cluster.sql(f"ALTER ROLE {session.role} SUPERUSER", "postgres")
    try:
        until(lambda: other.role not in stand.cluster.roles(), 15)
        until(lambda: "cannot be" in (stand.point.health().refuses or ""), 5)
        closed(stand, session, Why.STORE)
    finally:
        stand.cluster.sql(f"ALTER ROLE {session.role} NOSUPERUSER", "postgres")
    stand.ended(session.role)
