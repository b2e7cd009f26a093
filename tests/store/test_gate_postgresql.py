"""A gate's database on a server that several gates share: what each of them was promised holds while others write, a
server that goes away is found again, and what somebody changes in its tables is not read unseen."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from armslength.store import (
    Ceremony,
    Damaged,
    GateDatabase,
    GateRow,
    GateSnapshot,
    Overtaken,
    PostgresqlPlace,
    RowColumns,
    StorageFailed,
    StoreError,
    gate_connection,
    gate_postgresql,
    postgresql_address,
)
from armslength.store import gate_postgresql_tables as tables_of
from armslength.store.gate_database import GateTables
from armslength.store.gate_postgresql_shape import SHAPE
from tests.intake.postgresql.server import PostgresqlServer
from tests.store.cable import cable
from tests.store.gate_places import ORIGIN, SITE, ServerGate

NOW = 1_800_000_000
BODY = hashlib.sha256(b"asked").digest()


@pytest.fixture
def gates(gate_server: ServerGate) -> Iterator[tuple[GateDatabase, GateDatabase]]:
    """Two gates on one database."""
    with closing(gate_server.open(create=True)) as one:
        with closing(gate_server.open(create=True, site="two", joining=True)) as two:
            yield one, two


def row(id: str = "one", *, word: str = "made") -> GateRow:
    return GateRow(kind="request", id=id, version=1, doc=word.encode(), columns=RowColumns(person="ana"))


def at_once(works: list[Callable[[], object]]) -> list[object]:
    """What each of them gives, or raises."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        start.wait()
        try:
            return work()
        except StoreError as error:
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


# What is shared and what is not


def test_each_gate_has_its_own_rows_and_all_have_one_set_of_sessions(gates: tuple[GateDatabase, GateDatabase]) -> None:
    """One gate's copies would be compared with another's state; a person would have to sign in at each."""
    one, two = gates
    one.change(lambda tables: tables.rows.insert(row()))
    one.change(lambda tables: tables.snapshots.write(GateSnapshot(position=7, mac=b"mac", state=b"state")))
    one.change(lambda tables: tables.sessions.create(b"1" * 32, "ana", now=NOW, idle=60, ends=NOW + 100))
    digest = one.change(lambda tables: tables.evidence.put("text/plain", b"why", at=NOW))
    with two.reading() as tables:
        assert tables.rows.read("request", "one") is None
        assert tables.snapshots.read() is None
        assert tables.sessions.read(b"1" * 32, now=NOW) is not None
        assert tables.evidence.get(digest) is not None
    assert two.change(lambda tables: tables.sessions.end_all("ana")) == 1
    with one.reading() as tables:
        assert tables.sessions.read(b"1" * 32, now=NOW) is None


# Races


def test_a_key_that_two_gates_are_asked_with_has_one_answer(gates: tuple[GateDatabase, GateDatabase]) -> None:
    """A caller that asks two gates at once would have two requests."""

    def use(database: GateDatabase, key: str, answer: str) -> Callable[[], object]:
        def remember(tables: GateTables) -> str:
            used = tables.idempotency.remember("web", key, body=BODY, answer=answer, now=NOW, ends=NOW + 9)
            return used.answer

        return lambda: database.change(remember)

    for number in range(30):
        answers = at_once(
            [use(each, str(number), f"{place} {more}") for place, each in enumerate(gates) for more in "ab"]
        )
        assert len(set(answers)) == 1, answers


def test_a_key_that_is_forgotten_meanwhile_is_used_by_somebody(gates: tuple[GateDatabase, GateDatabase]) -> None:
    """An answer would be given that stands nowhere: the next one who asks would get another."""
    one, two = gates
    for number in range(30):
        key = str(number)

        def remember(tables: GateTables, key: str = key) -> tuple[str, bool]:
            used = tables.idempotency.remember("web", key, body=BODY, answer="two", now=NOW, ends=NOW + 9)
            return used.answer, tables.idempotency.recall("web", key, now=NOW) is not None

        with one.writing() as tables:
            tables.idempotency.remember("web", key, body=BODY, answer="one", now=NOW, ends=NOW + 9)
        forgot, used = at_once(
            [lambda: one.change(lambda tables: tables.idempotency.forget("web", key)), lambda: two.change(remember)]  # noqa: B023
        )
        assert forgot is None
        answer, stands = used  # type: ignore[misc]
        assert stands or answer == "one"
        with one.reading() as tables:
            left = tables.idempotency.recall("web", key, now=NOW)
        assert (left is None) == (answer == "one")


def test_of_two_gates_at_which_it_is_finished_one_finishes_it(gates: tuple[GateDatabase, GateDatabase]) -> None:
    """A stolen link would enrol the thief's key beside the person's."""
    for number in range(20):
        digest = bytes([number]) * 32
        begun = Ceremony(kind="enrol", person="ana", doc=b"", ends=NOW + 10)
        gates[0].change(lambda tables: tables.ceremonies.begin(digest, begun))  # noqa: B023
        take = [
            lambda each=each: each.change(lambda tables: tables.ceremonies.take(digest, "enrol", now=NOW))  # type: ignore[misc]  # noqa: B023
            for each in gates * 2
        ]
        assert sorted(at_once(take), key=repr) == [begun, None, None, None]  # type: ignore[list-item]


def test_a_notice_is_taken_by_one_gate(gates: tuple[GateDatabase, GateDatabase]) -> None:
    """People would be told everything twice."""
    with gates[0].writing() as tables:
        for number in range(200):
            tables.outbox.add(str(number), "lease", b"{}", at=NOW)

    def take(database: GateDatabase) -> Callable[[], object]:
        def some() -> list[str]:
            found: list[str] = []
            while taken := database.change(lambda tables: tables.outbox.take(now=NOW, again=NOW + 60, limit=7)):
                found += [each.mark for each in taken]
            return found

        return some

    marks = [mark for some in at_once([take(each) for each in gates * 2]) for mark in some]  # type: ignore[attr-defined]
    assert sorted(marks, key=int) == [str(number) for number in range(200)]


def test_a_notice_that_two_gates_write_anew_is_there_once_and_not_sent(
    gates: tuple[GateDatabase, GateDatabase],
) -> None:
    """What is told of a customer's lease would be lost between two who both tell it."""
    for _ in range(20):
        gates[0].change(lambda tables: tables.outbox.again("lease_1", "lease", b"old", at=NOW))
        with gates[0].writing() as tables:
            (taken,) = tables.outbox.take(now=NOW, again=NOW + 60)
            tables.outbox.sent(taken.number, at=NOW, seal=None)
        again = [
            lambda each=each: each.change(lambda tables: tables.outbox.again("lease_1", "lease", b"new", at=NOW))  # type: ignore[misc]
            for each in gates
        ]
        assert at_once(again) == [None, None]
        with gates[0].reading() as tables:
            found = tables.outbox.find("lease_1")
        assert found is not None
        assert (found.body, found.sent, found.due) == (b"new", False, NOW)


def test_evidence_that_a_request_names_is_not_swept_by_another_gate(gates: tuple[GateDatabase, GateDatabase]) -> None:
    """Approvers would be asked to sign for a document that nobody can be shown."""
    one, two = gates
    kept = 0
    for number in range(40):
        data = str(number).encode()
        digest = one.change(lambda tables: tables.evidence.put("text/plain", data, at=NOW))  # noqa: B023
        naming, _ = at_once(
            [
                lambda: one.change(lambda tables: tables.evidence.keep([digest])),  # noqa: B023
                lambda: two.change(lambda tables: tables.evidence.sweep(before=NOW + 1)),
            ]
        )
        with two.reading() as tables:
            there = tables.evidence.get(digest) is not None
        assert there == (not isinstance(naming, Overtaken)), naming
        kept += there
    assert kept


def test_a_document_that_another_gate_drops_is_not_said_to_have_been_shown(
    gates: tuple[GateDatabase, GateDatabase],
) -> None:
    """A gate would report damage where nothing is damaged."""
    one, two = gates
    for number in range(20):
        data = str(number).encode()
        digest = one.change(lambda tables: tables.evidence.put("text/plain", data, at=NOW))  # noqa: B023
        shown, _ = at_once(
            [
                lambda: one.change(lambda tables: tables.evidence.open("req", "ana", digest, at=NOW)),  # noqa: B023
                lambda: two.change(lambda tables: tables.evidence.drop([digest])),  # noqa: B023
            ]
        )
        assert shown is None or isinstance(shown, Overtaken)
        with one.reading() as tables:
            assert digest not in tables.evidence.opened("req", "ana")


def test_a_snapshot_gives_way_to_a_later_one_only(gate_server: ServerGate) -> None:
    """Two processes of one gate would take each other's start back."""
    with closing(gate_server.open(create=True)) as one, closing(gate_server.open()) as again:
        positions = list(range(1, 21))
        at_once(
            [
                lambda each=each, position=position: each.change(  # type: ignore[misc]
                    lambda tables: tables.snapshots.write(GateSnapshot(position=position, mac=b"", state=b""))
                )
                for position in positions[:6]
                for each in (one, again)
            ]
        )
        with one.reading() as tables:
            assert tables.snapshots.read() == GateSnapshot(position=6, mac=b"", state=b"")
        assert not one.change(lambda tables: tables.snapshots.write(GateSnapshot(position=5, mac=b"", state=b"")))


def test_gates_that_wait_for_each_other_both_get_through(gates: tuple[GateDatabase, GateDatabase]) -> None:
    """A deadlock on the server would be told as a failure of the database."""
    for name in ("a", "b"):
        with gates[0].writing() as tables:
            tables.sessions.create(name.encode() * 32, "ana", now=NOW, idle=99, ends=NOW + 99)
    met = threading.Barrier(2)
    runs = []

    def touch(first: str, second: str) -> Callable[[GateTables], None]:
        def work(tables: GateTables) -> None:
            runs.append(first)
            tables.sessions.touch(first.encode() * 32, now=NOW + 1)
            if len(runs) <= 2:
                met.wait(10)
            tables.sessions.touch(second.encode() * 32, now=NOW + 1)

        return work

    done = at_once([lambda: gates[0].change(touch("a", "b")), lambda: gates[1].change(touch("b", "a"))])
    assert done == [None, None]
    assert len(runs) >= 3


def test_many_threads_of_two_gates_write_what_is_shared(gates: tuple[GateDatabase, GateDatabase]) -> None:
    """Under load, sessions and notices of one gate would fail for the sake of another's."""

    def work(number: int) -> None:
        database = gates[number % 2]
        digest = hashlib.sha256(str(number).encode()).digest()
        database.change(lambda tables: tables.sessions.create(digest, "ana", now=NOW, idle=99, ends=NOW + 99))
        for more in range(5):
            database.change(lambda tables: tables.sessions.touch(digest, now=NOW + more), durable=False)  # noqa: B023
            database.change(lambda tables: tables.outbox.add(f"{number // 2} {more}", "lease", b"", at=NOW))  # noqa: B023
        assert database.change(lambda tables: tables.sessions.end(digest))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(32)))
    with gates[0].reading() as tables:
        assert tables.outbox.waiting() == 80


def test_what_was_changed_survives_a_gate_that_is_killed(gate_server: ServerGate) -> None:
    """A lease would be gone after a crash, or half of a change be there."""
    gate_server.open(create=True).close()
    program = f"""
from armslength.store import GateDatabase, GateRow, PostgresqlPlace, postgresql_address
place = PostgresqlPlace(postgresql_address({gate_server.dsn!r}))
database = GateDatabase(place, origin={ORIGIN!r}, site={SITE!r})
for number in range(10**6):
    def work(tables):
        for half in "ab":
            tables.rows.insert(GateRow(kind=half, id=str(number), version=1, doc=b"x"))
    database.change(work)
    print(number, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if int(line) >= 30:
                running.send_signal(signal.SIGKILL)
                break
        rest = running.stdout.read().split()
        said = int(rest[-1]) if rest else int(line)
    with closing(gate_server.open()) as again, again.reading() as tables:
        halves = [tables.rows.count(half) for half in "ab"]
    assert halves[0] == halves[1]
    assert said + 1 <= halves[0] <= said + 2


# One's own failure


@pytest.mark.parametrize("id", ["a\0b", "\ud800"])
def test_a_text_that_no_server_takes_fails_alone(gates: tuple[GateDatabase, GateDatabase], id: str) -> None:
    """Whoever sends nonsense would undo what others ask for at the same moment."""
    one, _ = gates
    inside, held = threading.Event(), threading.Event()

    def hold() -> None:
        with one.writing():
            inside.set()
            held.wait(10)

    with ThreadPoolExecutor(3) as pool:
        holding = pool.submit(hold)
        inside.wait(10)
        wrong = pool.submit(one.change, lambda tables: tables.rows.insert(row(id)))
        right = pool.submit(one.change, lambda tables: tables.rows.insert(row("right")))
        while len(one._waiting) < 2:
            time.sleep(0.01)
        held.set()
        holding.result()
        with pytest.raises(ValueError, match="cannot be kept"):
            wrong.result()
        right.result()
    with one.reading() as tables:
        assert tables.rows.ids("request") == ("right",)
    with pytest.raises(ValueError, match="cannot be kept"), one.reading() as tables:
        tables.rows.read("request", id)


def test_a_row_that_another_holds_is_a_failure_that_may_pass(
    gates: tuple[GateDatabase, GateDatabase], gate_server: ServerGate
) -> None:
    """Somebody's open transaction would bring the gate to a halt."""
    one, two = gates
    one.change(lambda tables: tables.sessions.create(b"1" * 32, "ana", now=NOW, idle=99, ends=NOW + 99))
    with two.writing() as tables:
        tables.sessions.touch(b"1" * 32, now=NOW + 1)
        before = time.monotonic()
        with pytest.raises(StorageFailed, match="lock timeout"):
            one.change(lambda tables: tables.sessions.touch(b"1" * 32, now=NOW + 2))
        assert time.monotonic() - before < 8
        one.change(lambda tables: tables.rows.insert(row()))  # nobody else is in the way
    assert one.change(lambda tables: tables.sessions.touch(b"1" * 32, now=NOW + 2))


def test_every_commit_waits_for_the_disk(gate_server: ServerGate) -> None:
    """A gate that goes on while its server fails and comes back would find rows missing, and take it for tampering.
    What an administrator sets while the gate runs is not taken up by its connections."""
    with closing(gate_server.open(create=True)) as database:

        def said(tables: GateTables) -> object:
            return tables.rows._db.execute(text("SHOW synchronous_commit")).scalar()

        assert database.change(said, durable=False) == "on"
        gate_server.server.sql("ALTER SYSTEM SET synchronous_commit = off")
        try:
            gate_server.server.sql("SELECT pg_reload_conf()")
            time.sleep(0.2)
            assert database.change(said, durable=False) == "on"
            assert database.change(said) == "on"
        finally:
            gate_server.server.sql("ALTER SYSTEM RESET synchronous_commit")
            gate_server.server.sql("SELECT pg_reload_conf()")
            time.sleep(0.2)


def test_posix_seconds_do_not_end_in_2038(gates: tuple[GateDatabase, GateDatabase]) -> None:
    """A lease of a distant day would fail the whole gate."""
    far = 2**40
    gates[0].change(lambda tables: tables.rows.insert(replace(row(), columns=RowColumns(due=far))))
    with gates[0].reading() as tables:
        (found,) = tables.rows.find("request", due=far)
        assert found.columns.due == far
    gates[0].change(lambda tables: tables.snapshots.write(GateSnapshot(position=far, mac=b"", state=b"")))


# Opening


def test_it_is_made_once_and_belongs_to_one_gate(gate_server: ServerGate) -> None:
    """Two gates would overwrite each other's rows, or believe another ledger's sessions."""
    with pytest.raises(Damaged, match="has no schema gate_shared of a gate"):
        gate_server.open()
    gate_server.open(create=True).close()
    with pytest.raises(StoreError, match="has a schema gate_one already"):
        gate_server.open(create=True, joining=True)
    with pytest.raises(StoreError, match="gates share it already; armslength gate join"):
        gate_server.open(create=True, site="two")
    with pytest.raises(StoreError, match=f"is of the gate '{ORIGIN}'; expected that of 'other.example.com'"):
        gate_server.open(origin="other.example.com")
    with pytest.raises(StoreError, match="is of the gate"):
        gate_server.open(create=True, joining=True, site="two", origin="other.example.com")
    with pytest.raises(Damaged, match="has no schema gate_two of a gate"):
        gate_server.open(site="two")
    names = gate_server.server.sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'gate%' ORDER BY 1").split()
    assert names == ["gate_one", "gate_shared"]


def test_a_schema_of_another_program_is_refused_and_left_alone(gate_server: ServerGate) -> None:
    """A database that has such a schema for something else would be written into."""
    gate_server.server.sql("CREATE SCHEMA gate_shared; CREATE TABLE gate_shared.theirs (one int)")
    for create in (True, False):
        with pytest.raises(Damaged, match="the schema gate_shared is not that of a gate"):
            gate_server.open(create=create)
    assert gate_server.server.sql("SELECT relname FROM pg_class WHERE relnamespace = 'gate_shared'::regnamespace") == (
        "theirs\n"
    )


def test_gates_that_start_at_once_make_what_they_share_once(gate_server: ServerGate) -> None:
    """Of two that are started together one would fail, or both would take a step."""
    sites = ["a", "b", "c", "d"]
    opened = at_once(
        [lambda site=site: gate_server.open(create=True, joining=True, site=site) for site in sites]  # type: ignore[misc]
    )
    with ExitStack() as stack:
        for each in opened:
            assert isinstance(each, GateDatabase), each
            stack.enter_context(closing(each))
    assert gate_server.server.sql("SELECT count(*) FROM gate_shared.versions").strip() == str(
        len(tables_of.SHARED_STEPS)
    )


LATER = ("ALTER TABLE {schema}.away ADD COLUMN why text", "UPDATE {schema}.away SET why = 'before'")


def test_steps_that_are_missing_are_taken_once_however_many_start(
    gate_server: ServerGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rolling start of a new version would stop at the second gate."""
    sites = ["a", "b", "c"]
    for site in sites:
        gate_server.open(create=True, joining=True, site=site).close()
    monkeypatch.setattr(tables_of, "SHARED_STEPS", (*tables_of.SHARED_STEPS, LATER))
    monkeypatch.setattr(tables_of, "SHAPE", SHAPE | {"column shared.away.why: text default"})
    opened = at_once([lambda site=site: gate_server.open(site=site) for site in sites])  # type: ignore[misc]
    for each in opened:
        assert isinstance(each, GateDatabase), each
        assert each.version() == len(tables_of.SHARED_STEPS)
        each.close()
    monkeypatch.undo()
    monkeypatch.setenv("ARMSLENGTH_TESTS_WITHOUT_FSYNC", "1")
    with pytest.raises(StoreError, match="gate_shared is of version .*; this armslength knows version"):
        gate_server.open(site="a")


def test_a_step_that_fails_leaves_the_database_as_it_was(
    gate_server: ServerGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash in the middle would leave tables of no version."""
    gate_server.open(create=True).close()
    monkeypatch.setattr(
        tables_of, "SHARED_STEPS", (*tables_of.SHARED_STEPS, LATER, ("INSERT INTO {schema}.absent VALUES (1)",))
    )
    with pytest.raises(StoreError, match="absent"):
        gate_server.open()
    monkeypatch.undo()
    monkeypatch.setenv("ARMSLENGTH_TESTS_WITHOUT_FSYNC", "1")
    gate_server.open().close()


@pytest.mark.parametrize("seen", ["", "(2)", "(1),(3)", "(-1)"])
def test_versions_with_a_gap_are_damage(gate_server: ServerGate, seen: str) -> None:
    """A step that was left out would be taken for done."""
    gate_server.open(create=True).close()
    more = f"INSERT INTO gate_shared.versions VALUES {seen};" if seen else ""
    gate_server.server.sql(f"DELETE FROM gate_shared.versions; {more}")
    with pytest.raises(Damaged, match="says that it is of the versions"):
        gate_server.open()


def test_the_tables_are_those_that_were_written_down(gate_server: ServerGate, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step would be forgotten in what a start compares with. REWRITE=1 writes it down anew."""
    monkeypatch.setattr(tables_of, "postgresql_differences", lambda db, own: [])
    with closing(gate_server.open(create=True)) as made, made.reading() as tables:
        found = tables_of.postgresql_shape(tables.rows._db, "gate_one")
    if os.environ.get("REWRITE"):
        path = Path(tables_of.__file__).with_name("gate_postgresql_shape.py")
        head, _, rest = path.read_text().partition('    """\n')
        lines = "\n".join(sorted(found))
        path.write_text(f'{head}    """\n{lines}\n"""{rest.partition(chr(34) * 3)[2]}')
    assert found == SHAPE


def test_the_columns_are_those_that_the_code_names(gates: tuple[GateDatabase, GateDatabase]) -> None:
    """A column that a step forgot is found by whoever needs it first."""
    from armslength.store.gate_schema import METADATA

    there: dict[str, set[str]] = {}
    for line in SHAPE:
        kind, _, rest = line.partition(" ")
        if kind == "column":
            _, table, column = rest.partition(":")[0].split(".")
            there.setdefault(table, set()).add(column)
    assert there.pop("shared_rows") == there["rows"]
    there.pop("estates")
    there["gate"].remove("url")  # a gate with a file has nobody to agree with
    assert there == {name: {each.name for each in table.columns} for name, table in METADATA.tables.items()}


CHANGED = [
    "CREATE FUNCTION public.quiet() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
    "CREATE TRIGGER quiet BEFORE UPDATE ON rows FOR EACH ROW EXECUTE FUNCTION public.quiet()",
    "CREATE RULE quiet AS ON DELETE TO sessions DO INSTEAD NOTHING",
    "ALTER TABLE sessions ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY quiet ON sessions USING (person <> 'eve')",
    "CREATE VIEW gate_one.evidence AS SELECT * FROM gate_shared.evidence",
    "DROP INDEX outbox_by_mark",
    "CREATE INDEX more ON sessions (seen)",
    "ALTER TABLE sessions ADD COLUMN more text",
    "DROP TABLE away",
    "ALTER TABLE opened DROP CONSTRAINT opened_digest_fkey",
    "ALTER TABLE opened DISABLE TRIGGER ALL",
    "ALTER TABLE rows DROP CONSTRAINT rows_version_check",
    "ALTER TABLE sessions SET UNLOGGED",
    "ALTER TABLE rows ALTER COLUMN doc DROP NOT NULL",
    "ALTER TABLE rows ALTER COLUMN status SET DEFAULT 'live'",
    "CREATE TABLE gate_shared.more () INHERITS (gate_shared.away)",
    "CREATE FUNCTION gate_one.length(bytea) RETURNS int LANGUAGE sql AS 'SELECT 0'",
    "CREATE OPERATOR gate_one.= (LEFTARG = bytea, RIGHTARG = bytea, FUNCTION = pg_catalog.byteaeq)",
]


def test_tables_that_were_changed_are_refused(gate_server: ServerGate) -> None:
    """A trigger in the database would undo a revocation whenever nobody looks."""
    gate_server.open(create=True).close()
    gate_server.altered("CREATE RULE quiet AS ON DELETE TO sessions DO INSTEAD NOTHING")
    with pytest.raises(Damaged, match=r"the rule shared.sessions.quiet differs from what a gate makes, or is missing"):
        gate_server.open()


def test_whatever_was_changed_is_found(gate_server: ServerGate) -> None:
    """As above, of everything that has a say in what is read and written."""

    class Enough(Exception):
        pass

    def changed(database: GateDatabase, statement: str) -> list[str]:
        found: list[str] = []
        with suppress(Enough), database.writing() as tables:
            tables.rows._db.exec_driver_sql(statement)
            found += tables_of.postgresql_differences(tables.rows._db, "gate_one")
            raise Enough
        return found

    with closing(gate_server.open(create=True)) as database:
        assert changed(database, "SELECT 1") == []
        assert [statement for statement in CHANGED if not changed(database, statement)] == []
        assert database.integrity() == []


def test_a_look_by_the_administrator_is_no_change(gate_server: ServerGate) -> None:
    """A gate would not start after routine care of its database."""
    with closing(gate_server.open(create=True)) as database:
        database.change(lambda tables: tables.rows.insert(row()))
    for statement in (
        "ANALYZE",
        "VACUUM FULL",
        "REINDEX SCHEMA gate_shared",
        "CLUSTER gate_shared.away USING away_pkey",
    ):
        gate_server.server.sql(statement)
    with closing(gate_server.open()) as again, again.reading() as tables:
        assert tables.rows.read("request", "one") == row()
    with closing(gate_server.open()) as again:
        assert again.integrity() == []
        again.purge()


# Who may, and what the server must be


@contextmanager
def plain(server: PostgresqlServer, rights: str) -> Iterator[ServerGate]:
    """The database `plain`, and a role `gate` with these rights."""
    server.sql("DROP DATABASE IF EXISTS plain WITH (FORCE)")
    server.sql("DROP ROLE IF EXISTS gate")
    server.sql("CREATE DATABASE plain")
    server.sql(f"CREATE ROLE gate LOGIN; {rights}", "plain")
    try:
        yield ServerGate(server, "plain", "gate")
    finally:
        server.sql("DROP DATABASE plain WITH (FORCE)")
        server.sql("DROP ROLE gate")


OWNER = "".join(f"CREATE SCHEMA gate_{name} AUTHORIZATION gate;" for name in ("shared", "one", "two"))


@pytest.mark.parametrize("rights", [OWNER, "GRANT CREATE ON DATABASE plain TO gate"], ids=["owner", "may create"])
def test_a_role_without_privileges_is_enough(gate_server: ServerGate, rights: str) -> None:
    """A gate would have to be given the whole server."""
    with plain(gate_server.server, rights) as place:
        with closing(place.open(create=True)) as one, closing(place.open(create=True, site="two", joining=True)):
            one.change(lambda tables: tables.rows.insert(row()))
            one.purge()
        with closing(place.open()) as again, again.reading() as tables:
            assert tables.rows.read("request", "one") == row()


def test_a_role_that_may_nothing_is_told_so(gate_server: ServerGate) -> None:
    """Its operator would look for a fault in the gate."""
    with plain(gate_server.server, "") as place, pytest.raises(StorageFailed, match="permission denied for database"):
        place.open(create=True)


UNSAFE = [
    ("ALTER ROLE gate SET synchronous_commit = off", "synchronous_commit is off on this server"),
    ("ALTER ROLE gate SET session_replication_role = replica", "checks no references"),
]


@pytest.mark.parametrize(("setting", "said"), UNSAFE)
def test_a_server_that_does_not_keep_what_it_says_is_refused(gate_server: ServerGate, setting: str, said: str) -> None:
    """A power failure would take a lease's end with it."""
    with plain(gate_server.server, f"{OWNER}{setting};") as place, pytest.raises(StoreError, match=said):
        place.open(create=True)


def test_a_server_without_fsync_is_refused(gate_server: ServerGate, monkeypatch: pytest.MonkeyPatch) -> None:
    """As above, for all that is written."""
    monkeypatch.delenv("ARMSLENGTH_TESTS_WITHOUT_FSYNC")
    with pytest.raises(StorageFailed, match="fsync is off on this server"):
        gate_server.open(create=True)


def test_a_database_in_another_encoding_is_refused(gate_server: ServerGate) -> None:
    """A name would come back as other letters than it went."""
    gate_server.server.sql("DROP DATABASE IF EXISTS latin")
    gate_server.server.sql("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    try:
        with pytest.raises(StoreError, match="a database in UTF8"):
            ServerGate(gate_server.server, "latin").open(create=True)
    finally:
        gate_server.server.sql("DROP DATABASE latin")


# The server goes away


def within(seconds: float, work: Callable[[], object]) -> None:
    before = time.monotonic()
    with pytest.raises(StorageFailed):
        work()
    assert time.monotonic() - before < seconds


def test_a_connection_that_the_server_ends_is_replaced_at_once(gate_server: ServerGate) -> None:
    """After each restart of the server the first people would be refused."""
    with closing(gate_server.open(create=True)) as database:
        for number in range(3):
            database.change(lambda tables: tables.rows.insert(row(str(number))))  # noqa: B023
            with database.reading() as tables:
                assert tables.rows.count("request") == number + 1
            gate_server.server.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'armslength gate one'"
            )
            time.sleep(0.05)


def test_a_transaction_whose_connection_ends_is_undone_and_told(gate_server: ServerGate) -> None:
    """Half of an operation would be there, or be said to be."""
    with closing(gate_server.open(create=True)) as database:

        def work(tables: GateTables) -> None:
            tables.rows.insert(row("first"))
            pid = tables.rows._db.execute(text("SELECT pg_backend_pid()")).scalar()
            gate_server.server.sql(f"SELECT pg_terminate_backend({pid})")
            tables.rows.insert(row("second"))

        within(5, lambda: database.change(work))
        with database.reading() as tables:
            assert tables.rows.ids("request") == ()
        database.change(lambda tables: tables.rows.insert(row()))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits that a test has time for."""
    assert (gate_connection.CONNECT, gate_connection.ANSWER) == (3, 5)
    monkeypatch.setattr(gate_connection, "CONNECT", 0.8)
    for each in (gate_connection, gate_postgresql):
        monkeypatch.setattr(each, "ANSWER", 0.8)


@pytest.mark.usefixtures("impatient")
def test_a_network_that_is_cut_is_waited_for_no_longer_than_a_while(gate_server: ServerGate) -> None:
    """A gate would hang for as long as the cable lies on the floor, and not recover when it is back."""
    with cable(f"{gate_server.server.folder}/.s.PGSQL.{gate_server.server.port}") as lead:
        place = replace(gate_server, host="127.0.0.1", port=lead.port)
        with closing(place.open(create=True)) as database:
            lead.cut()
            change = lambda: database.change(lambda tables: tables.rows.insert(row()))  # noqa: E731

            def look() -> None:
                with database.reading() as tables:
                    tables.rows.count("request")

            with ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda work: within(6, work), [change, look, change, look]))
            lead.mend()
            change()
            look()


@pytest.mark.usefixtures("impatient")
def test_a_commit_of_which_nobody_can_tell_is_said_to_be_one(gate_server: ServerGate) -> None:
    """A caller would take a change for undone that is there."""
    with cable(f"{gate_server.server.folder}/.s.PGSQL.{gate_server.server.port}") as lead:
        place = replace(gate_server, host="127.0.0.1", port=lead.port)
        with closing(place.open(create=True)) as database:

            class Committing:
                """Once the last statement of the transaction was answered, no answer comes back."""

                def __init__(self) -> None:
                    from sqlalchemy import event

                    event.listen(database._engine._writer, "commit", lambda db: lead.answers.clear())  # type: ignore[attr-defined]

            Committing()
            within(4, lambda: database.change(lambda tables: tables.rows.insert(row())))
            lead.mend()
        with closing(gate_server.open()) as again, again.reading() as tables:
            assert tables.rows.read("request", "one") == row()


def test_one_process_serves_as_a_gate_of_one_name(gate_server: ServerGate) -> None:
    """A folder that was copied, and not made by `gate join`, would have two gates write each other's rows."""

    def serving(site: str = SITE) -> GateDatabase:
        return GateDatabase(gate_server.place, origin=ORIGIN, site=site, serving=True)

    gate_server.open(create=True).close()
    gate_server.open(create=True, site="two", joining=True).close()
    with closing(serving()) as one, closing(serving("two")):
        with closing(gate_server.open()) as looking, looking.reading() as tables:  # as `gate check` does
            assert tables.rows.count("request") == 0
        within(8, serving)
        one.change(lambda tables: tables.rows.insert(row()))
    with closing(serving()) as again:
        assert again.change(lambda tables: tables.rows.count("request")) == 1


@pytest.mark.usefixtures("impatient")
def test_a_gate_is_not_kept_out_by_its_own_connection_that_was_cut(gate_server: ServerGate) -> None:
    """The server does not know yet that nobody is at the other end, and would keep the gate waiting for itself."""
    gate_server.open(create=True).close()
    with cable(f"{gate_server.server.folder}/.s.PGSQL.{gate_server.server.port}") as lead:
        place = replace(gate_server, host="127.0.0.1", port=lead.port).place
        with closing(GateDatabase(place, origin=ORIGIN, site=SITE, serving=True)) as database:
            lead.cut()
            within(4, lambda: database.change(lambda tables: tables.rows.insert(row())))
            lead.cross()  # new connections go through; the old one stays as it is
            database.change(lambda tables: tables.rows.insert(row("again")))


def test_nobody_listens_is_told_at_once(gate_server: ServerGate) -> None:
    """A wrong port would look like a slow server."""
    place = PostgresqlPlace(postgresql_address("postgresql://gate@127.0.0.1:1/gate?sslmode=disable", {}))
    within(4, lambda: GateDatabase(place, origin=ORIGIN, site=SITE))
