"""What a session ran is in the record: by whatever way it was run, without what it was about, and line by line provable
from the firm's own log."""

from __future__ import annotations

import hashlib
import json
import socket
import struct
import time
from typing import Any

import pytest

from armslength.gate import LeaseId
from armslength.service import check_gate
from tests.enforce.postgresql.stands import Session, Stand, until
from tests.intake.postgresql.server import needs_postgresql

pytestmark = needs_postgresql


def texts(session: Session) -> list[str]:
    return [text for text, _, _ in session.stand.recorded(session.role)]


def test_statements_of_psql_are_on_record_without_what_they_are_about(stand: Stand) -> None:
    """A customer would be told that somebody was in, and not what they did; or all would read whose name was sought."""
    session = stand.opened("acme")
    session.psql(
        "SELECT name FROM app.accounts WHERE name = 'Anna' -- Anna again\n;\n"
        "SELECT 1\\; SELECT 'two', 2;\n"
        "BEGIN; DECLARE c CURSOR FOR SELECT id FROM app.accounts; FETCH 1 FROM c; CLOSE c; COMMIT;\n"
        "PREPARE q AS SELECT name FROM app.accounts WHERE id = $1; EXECUTE q(1); EXECUTE q(3); DEALLOCATE q;\n"
        "DO $$ BEGIN PERFORM 'Anna'; END $$;\n"
        "\\copy (SELECT name FROM app.accounts) TO STDOUT\n"
        "COPY (SELECT 'Anna') TO STDOUT;\n"
        "SELECT app.total();\n"
        "SELEC 'Anna';\n"
        "SELECT secret FROM app.accounts WHERE name = 'Anna';\n"
        "SET statement_timeout = 50; SELECT pg_sleep(3);\n"
    )
    found = stand.recorded(session.role)
    said = [text for text, _, _ in found]
    for text in (
        "SELECT name FROM app.accounts WHERE name = ? ;",
        "SELECT ?; SELECT ?, ?;",
        "DECLARE c CURSOR FOR SELECT id FROM app.accounts;",
        "FETCH ? FROM c;",
        "PREPARE q AS SELECT name FROM app.accounts WHERE id = $1;",
        "EXECUTE q(?);",
        "DO $$ BEGIN PERFORM ?; END $$;",
        "COPY ( SELECT name FROM app.accounts ) TO STDOUT",
        "COPY (SELECT ?) TO STDOUT;",
        "SELECT app.total();",
        "SELEC ?;",
        "SELECT secret FROM app.accounts WHERE name = ?;",
        "SELECT pg_sleep(?);",
    ):
        assert text in said, (text, said)
    counts = {text: (times, failed) for text, times, failed in found}
    assert counts["EXECUTE q(?);"] == (2, 0)
    assert counts["SELEC ?;"] == (0, 1)
    assert counts["SELECT secret FROM app.accounts WHERE name = ?;"] == (1, 1)
    assert counts["SELECT pg_sleep(?);"] == (1, 1)  # it was cancelled
    assert "Anna" not in repr(stand.ran()) and all(each.customers == ("acme",) for each in stand.ran())


def test_statements_of_a_driver_are_on_record_prepared_ones_too(stand: Stand) -> None:
    """Whatever goes through the extended protocol would escape, as it does elsewhere."""
    session = stand.opened("acme")
    connection = session.driver()
    cursor = connection.cursor()
    for number in (1, 2, 3):
        cursor.execute("SELECT name FROM app.accounts WHERE id = %s AND name <> 'Zoe'", (number,))
    native = connection._c if hasattr(connection, "_c") else connection
    native.prepare("SELECT id FROM app.accounts WHERE name = $1") if hasattr(native, "prepare") else None
    connection.commit()
    connection.close()
    found = {text: (times, failed) for text, times, failed in stand.recorded(session.role)}
    assert found["SELECT name FROM app.accounts WHERE id = $1 AND name <> ?"] == (3, 0)
    assert "Zoe" not in repr(stand.ran())


def test_the_record_is_provable_from_the_servers_log(stand: Stand) -> None:
    """Whoever writes the record could write of other statements than those that ran."""
    session = stand.opened("acme")
    for number in range(3):
        session.psql(f"SELECT {number}; SELECT 'x{number}';")
        time.sleep(0.2)
    stand.recorded(session.role)
    lines: dict[str, list[bytes]] = {}
    for path in sorted(stand.cluster.log.glob("*.json")):
        for line in path.read_bytes().splitlines(keepends=True):
            form = json.loads(line)
            if form.get("user") == session.role:
                lines.setdefault(form["session_id"], []).append(line)
    first = {id: json.loads(found[0])["line_num"] for id, found in lines.items()}
    for ran in stand.ran():
        some = lines[ran.session][ran.first - first[ran.session] : ran.last - first[ran.session] + 1]
        assert hashlib.sha256(b"".join(some)).hexdigest() == ran.sha256
    assert len({ran.session for ran in stand.ran()}) == 3
    stand.point.close()
    stand.gate.close()
    assert check_gate(stand.gate.path).findings == ()


def test_who_tries_to_have_less_logged_is_refused(stand: Stand) -> None:
    """One SET, and nothing more would be seen."""
    session = stand.opened("acme")
    for statement in (
        "SET log_statement = 'none'",
        "SET log_min_duration_statement = -1",
        "SET log_min_messages = panic",
        "SET log_min_error_statement = panic",
        "SET track_activities = off",
        "SET lc_messages = 'de_DE.UTF-8'",
        "SET log_error_verbosity = terse",
        "ALTER ROLE CURRENT_USER SET log_statement = 'none'",
        "ALTER ROLE CURRENT_USER RESET log_statement",
        "ALTER ROLE CURRENT_USER IN DATABASE firm SET log_statement = 'none'",
        "RESET log_statement",
        "SELECT set_config('log_statement', 'none', false)",
        "ALTER SYSTEM SET log_destination = 'stderr'",
        "SELECT pg_reload_conf()",
        "SELECT pg_rotate_logfile()",
    ):
        _, error = session.psql(statement)
        assert "permission denied" in error, (statement, error)
    out, _ = session.psql("ALTER ROLE CURRENT_USER RESET ALL;\nDISCARD ALL;\nRESET ALL;\nSHOW log_statement")
    assert out.splitlines()[-1] == "all"
    stand.recorded(session.role)
    assert stand.cluster.roles() == [session.role]


class Wire:
    """A client that speaks the protocol itself, to say what no driver says ("Frontend/Backend Protocol")."""

    def __init__(self, session: Session) -> None:
        import scramp

        self._socket = socket.create_connection(("127.0.0.1", session.stand.cluster.port), timeout=10)
        said = b"user\0" + session.role.encode() + b"\0database\0firm\0\0"
        self._socket.sendall(struct.pack(">ii", len(said) + 8, 196608) + said)
        client = scramp.ScramClient(["SCRAM-SHA-256"], session.role, session.password)
        self._until(b"R")
        first = client.get_client_first().encode()
        self.send(b"p", b"SCRAM-SHA-256\0" + struct.pack(">i", len(first)) + first)
        client.set_server_first(self._until(b"R")[4:].decode())
        self.send(b"p", client.get_client_final().encode())
        client.set_server_final(self._until(b"R")[4:].decode())
        self._until(b"Z")

    def send(self, kind: bytes, body: bytes) -> None:
        self._socket.sendall(kind + struct.pack(">i", len(body) + 4) + body)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self._socket.recv(count - len(data))
            assert part
            data += part
        return data

    def _until(self, wanted: bytes) -> bytes:
        while True:
            kind, size = self._exactly(1), struct.unpack(">i", self._exactly(4))[0]
            body = self._exactly(size - 4)
            if kind == wanted:
                return body

    def ready(self) -> None:
        self._until(b"Z")

    def close(self) -> None:
        self.send(b"X", b"")
        self._socket.close()


def parse(name: bytes, text: bytes) -> bytes:
    return name + b"\0" + text + b"\0" + struct.pack(">h", 0)


def bind(portal: bytes, name: bytes) -> bytes:
    return portal + b"\0" + name + b"\0" + struct.pack(">hhh", 0, 0, 0)


def test_what_is_parsed_or_bound_and_never_executed_is_on_record(stand: Stand) -> None:
    """Planning runs functions: a statement that is only bound can do things, and no log of executions has it."""
    session = stand.opened("acme")
    wire = Wire(session)
    wire.send(b"P", parse(b"", b"SELECT 11 AS parsed_alone"))
    wire.send(b"S", b"")
    wire.ready()
    wire.send(b"P", parse(b"mine", b"SELECT 12 AS bound_alone"))
    wire.send(b"B", bind(b"", b"mine"))
    wire.send(b"S", b"")
    wire.ready()
    wire.close()
    found = {text: times for text, times, _ in stand.recorded(session.role)}
    assert found["SELECT ? AS parsed_alone"] == 0 and found["SELECT ? AS bound_alone"] == 0


def test_pipelined_named_portals_and_fast_path_calls_are_on_record(stand: Stand) -> None:
    """The protocol has ways that no command line shows."""
    session = stand.opened("acme")
    wire = Wire(session)
    for number in range(3):  # one after the other, without waiting
        wire.send(b"P", parse(b"", b"SELECT id FROM app.accounts WHERE id = %d" % number))
        wire.send(b"B", bind(b"", b""))
        wire.send(b"E", b"\0" + struct.pack(">i", 0))
    wire.send(b"P", parse(b"s1", b"SELECT generate_series(1, 10) AS some"))
    wire.send(b"B", bind(b"portal", b"s1"))
    wire.send(b"E", b"portal\0" + struct.pack(">i", 2))
    wire.send(b"E", b"portal\0" + struct.pack(">i", 2))
    wire.send(b"S", b"")
    wire.ready()
    oid = int(stand.cluster.sql("SELECT 'pg_catalog.int4pl'::regproc::oid"))
    wire.send(b"F", struct.pack(">ihhh", oid, 1, 1, 2) + struct.pack(">iiii", 4, 1, 4, 2) + struct.pack(">h", 1))
    wire.ready()
    wire.close()
    found = {text: times for text, times, _ in stand.recorded(session.role)}
    assert found["SELECT id FROM app.accounts WHERE id = ?"] == 3
    assert found["SELECT generate_series(?, ?) AS some"] == 2
    assert any(text.startswith('fastpath "int4pl"') for text in found), found


def test_a_name_that_looks_like_a_statement_is_told_of(stand: Stand) -> None:
    """A client that names its statement `x: SELECT 1 --` would have that stand in the record."""
    session = stand.opened("acme")
    wire = Wire(session)
    wire.send(b"P", parse(b"x: SELECT harmless --", b"SELECT name FROM app.accounts"))
    wire.send(b"B", bind(b"", b"x: SELECT harmless --"))
    wire.send(b"E", b"\0" + struct.pack(">i", 0))
    wire.send(b"S", b"")
    wire.ready()
    wire.close()
    said = texts(session)
    assert "SELECT harmless" not in said and any(text.startswith("named_by_the_client") for text in said), said


def test_long_odd_and_many_statements_are_on_record(stand: Stand) -> None:
    """What does not fit would be a way to hide."""
    session = stand.opened("acme")
    long = "SELECT length('" + "x" * 9_000_000 + "') AS very_long"
    connection = session.driver()
    cursor = connection.cursor()
    cursor.execute(long)
    connection.commit()
    for number in range(300):
        cursor.execute(f"SELECT 1 AS a{number}")
    cursor.execute("SELECT 'ä€😀' AS odd_letters")
    connection.commit()
    cursor.execute("SET client_encoding TO latin1")
    connection.commit()
    connection.close()
    wire = Wire(session)
    wire.send(b"Q", b"SELECT '\xff\xfe' AS broken\0")  # no UTF-8
    wire.ready()
    wire.close()
    found = stand.recorded(session.role)
    said = [text for text, _, _ in found]
    assert any(text.startswith("SELECT length(?") for text in said)
    assert "SELECT ? AS odd_letters" in said
    assert sum(text.startswith("SELECT ? AS a") for text in said) == 300


def test_statements_that_are_cut_off_are_on_record(stand: Stand) -> None:
    """What was under way when a lease ended would be what nobody knows."""
    session = stand.opened("acme")
    import threading

    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(session.psql("SELECT pg_sleep(30) AS under_way")))
    thread.start()
    until(lambda: stand.cluster.sessions() == 1, 5)
    time.sleep(0.3)
    stand.gate.gate.revoke(session.lease.terms.id, session.lease.terms.approvers[0], "enough")
    thread.join(15)
    assert answers and "terminating connection" in answers[0][1]
    stand.ended(session.role)
    found = {text: (times, failed) for text, times, failed in stand.recorded(session.role)}
    assert found["SELECT pg_sleep(?) AS under_way"] == (1, 1)


def test_statements_wait_for_a_gate_that_is_away_and_are_recorded_once(stand: Stand) -> None:
    """They would be lost with the connection, or stand there twice."""
    session = stand.opened("acme")
    stand.gate.away()
    session.psql("SELECT 1 AS meanwhile")
    until(lambda: stand.point.health().waiting > 0, 5)
    assert stand.ran() == []
    stand.gate.serve()
    found = stand.recorded(session.role)
    assert [text for text, _, _ in found].count("SELECT ? AS meanwhile") == 1
    forms = [
        {
            "batch": ran.batch,
            "lease": ran.lease,
            "customers": ["acme"],
            "source": "postgresql",
            "session": ran.session,
            "first": ran.first,
            "last": ran.last,
            "sha256": ran.sha256,
            "statements": [],
            "done": ran.done,
        }
        for ran in stand.ran()
    ]
    before = len(stand.ran())
    status, answer = stand.point._client.post("/gate/v1/statements", {"batches": forms})
    assert status == 200 and all(set(each) == {"batch"} for each in answer["taken"])  # type: ignore[index, call-overload]
    assert len(stand.ran()) == before


def test_the_lease_of_a_record_is_the_one_that_was_opened(stand: Stand) -> None:
    first, second = stand.opened("acme"), stand.opened("beta", who="dee")
    first.psql("SELECT 1 AS first_one")
    second.psql("SELECT 2 AS second_one")
    stand.recorded(first.role)
    until(lambda: len(stand.ran()) >= 2, 5)
    found = {ran.lease: [each.text for each in ran.statements] for ran in stand.ran()}
    assert found[LeaseId(first.lease.terms.id)] == ["SELECT ? AS first_one"]
    assert found[LeaseId(second.lease.terms.id)] == ["SELECT ? AS second_one"]
    assert {ran.lease: ran.executor for ran in stand.ran()} == {
        first.lease.terms.id: "bo",
        second.lease.terms.id: "dee",
    }


@pytest.mark.parametrize("rotations", [1, 3])
def test_a_log_that_is_rotated_is_read_on(stand: Stand, rotations: int) -> None:
    """At midnight everything would stop, or be unseen."""
    session = stand.opened("acme")
    for number in range(rotations):
        session.psql(f"SELECT 1 AS before_{number}")
        time.sleep(1.05)  # a file's name has its second
        stand.cluster.sql("SELECT pg_rotate_logfile()", "postgres")
        time.sleep(0.2)
    session.psql("SELECT 1 AS after_all")
    said = texts(session)
    assert "SELECT ? AS after_all" in said and all(
        f"SELECT ? AS before_{number}" in said for number in range(rotations)
    )
    assert session.works()
