"""A person with a lease who wants more than it gives, or longer: nothing of it holds, and whatever they leave is gone
with the role."""

from __future__ import annotations

import threading

import pytest

from tests.enforce.postgresql.stands import Session, Stand, until
from tests.intake.postgresql.server import needs_postgresql

pytestmark = needs_postgresql


@pytest.fixture
def session(stand: Stand) -> Session:
    return stand.opened("acme")


def test_nothing_makes_a_lease_longer_or_wider(stand: Stand, session: Session) -> None:
    """Whoever has an hour would give themselves a year."""
    point = "armslength_point"
    statements = (
        f"ALTER ROLE {session.role} VALID UNTIL 'infinity'",
        f"ALTER ROLE {session.role} CONNECTION LIMIT 100",
        f"ALTER ROLE {session.role} SUPERUSER",
        f"ALTER ROLE {session.role} CREATEROLE",
        f"ALTER ROLE {session.role} BYPASSRLS",
        f"ALTER ROLE {session.role} RENAME TO somebody",
        f"COMMENT ON ROLE {session.role} IS 'mine'",
        "CREATE ROLE second LOGIN",
        f"GRANT {session.role} TO app",
        f"GRANT app TO {session.role}",
        f"GRANT {point} TO {session.role}",
        f"SET ROLE {point}",
        "SET ROLE app",
        "SET SESSION AUTHORIZATION app",
        f"SET SESSION AUTHORIZATION {point}",
        "SET row_security = off; SELECT name FROM app.accounts",
        "SET session_replication_role = replica",
        "INSERT INTO armslength.leased VALUES (session_user, 'beta')",
        "UPDATE armslength.leased SET customer = 'beta'",
        f"ALTER ROLE {point} PASSWORD 'x'",
        "ALTER TABLE app.accounts DISABLE ROW LEVEL SECURITY",
        "DROP POLICY leased ON app.accounts",
        "ALTER DATABASE firm SET log_statement = 'none'",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'armslength_point'",
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = 'armslength_point'",
        "COPY app.notes FROM PROGRAM 'id'",
        "COPY (SELECT 1) TO PROGRAM 'cat >/tmp/x'",
        "COPY (SELECT 1) TO '/tmp/x'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT * FROM pg_hba_file_rules",
        "SELECT * FROM pg_stat_file('postgresql.conf')",
    )
    for statement in statements:
        _, error = session.psql(statement)
        assert "ERROR" in error, statement
    _, warning = session.psql("GRANT SELECT (name) ON app.accounts TO PUBLIC")
    assert "no privileges were granted" in warning
    granted = stand.cluster.sql(
        "SELECT count(*) FROM pg_attribute t, aclexplode(t.attacl) a WHERE t.attrelid = 'app.accounts'::regclass"
        " AND a.grantee = 0"
    )
    assert granted == "0\n"
    assert session.psql("SELECT DISTINCT customer FROM app.accounts")[0] == "acme\n"
    assert stand.cluster.roles() == [session.role]


def test_nothing_is_made_that_others_would_run_or_that_would_stay(stand: Stand, session: Session) -> None:
    """A function in public, and an administrator who calls it, and the lease is for ever."""
    for statement in (
        "CREATE TABLE public.t (x int)",
        "CREATE TABLE app.t (x int)",
        "CREATE TEMP TABLE t (x int)",
        "CREATE TEMP VIEW v AS SELECT 1",
        "SELECT 1 INTO TEMP t",
        "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA mine",
        "CREATE EXTENSION dblink",
        "CREATE EXTENSION file_fdw",
        "CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION app.total()",
        "CREATE PUBLICATION p FOR ALL TABLES",
        "CREATE SUBSCRIPTION s CONNECTION 'host=localhost' PUBLICATION p",
        "CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw",
        "CREATE DATABASE mine",
        "CREATE TABLESPACE t LOCATION '/tmp'",
        "ALTER SYSTEM SET archive_command = 'id'",
        "LOCK TABLE app.accounts IN ACCESS EXCLUSIVE MODE",
        "VACUUM FULL app.accounts",
    ):
        _, error = session.psql(statement)
        assert "ERROR" in error or "WARNING" in error, (statement, error)
    owned = stand.cluster.sql(
        f"SELECT count(*) FROM pg_shdepend WHERE refobjid = '{session.role}'::regrole AND deptype = 'o'"
    )
    assert owned == "0\n"


def test_other_databases_are_closed(stand: Stand, session: Session) -> None:
    """Every database lets everybody in, unless somebody said otherwise."""
    for database in ("other", "postgres", "template1"):
        ended = stand.cluster.psql(session.role, session.password, "SELECT 1", database=database)
        assert ended.returncode and "permission denied for database" in ended.stderr, database
    _, error = session.psql("SELECT 1", "--set=x=1", database="firm replication=database")
    assert "ERROR" in error or "FATAL" in error


def test_what_is_left_behind_does_not_keep_the_role(stand: Stand, session: Session) -> None:
    """One large object, or a transaction that was prepared, and the role could not be dropped."""
    out, error = session.psql(
        "SELECT lo_create(0) > 0;\n"
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;\n"
        "ALTER ROLE CURRENT_USER SET work_mem = '64kB';\n"
        "ALTER ROLE CURRENT_USER IN DATABASE firm SET work_mem = '64kB';\n"
        "BEGIN; UPDATE app.accounts SET state = 'held' WHERE id = 1; PREPARE TRANSACTION 'kept';\n"
        "BEGIN; UPDATE app.accounts SET state = 'held' WHERE id = 3; PREPARE TRANSACTION 'it''s';\n"
    )
    assert "ERROR" not in error and stand.cluster.sql("SELECT count(*) FROM pg_prepared_xacts") == "2\n", (out, error)
    stand.gate.gate.revoke(session.lease.terms.id, session.lease.terms.approvers[0], "over")
    stand.ended(session.role)
    assert stand.cluster.sql("SELECT count(*) FROM pg_prepared_xacts") == "0\n"
    assert stand.cluster.sql("SELECT count(*) FROM pg_largeobject_metadata") == "0\n"
    assert stand.cluster.sql("SELECT state FROM app.accounts WHERE id = 1") != "held\n"
    assert stand.cluster.sql("SELECT count(*) FROM armslength.leased") == "0\n"


def test_sessions_that_hold_locks_wait_or_sleep_are_ended(stand: Stand, session: Session) -> None:
    """Who does nothing would be asked to leave and stay."""
    kept = []
    for text in (
        "SELECT id FROM app.accounts WHERE id = 1",
        "SELECT pg_advisory_lock(42)",
        "LISTEN somebody",
    ):
        connection = session.driver()
        connection.cursor().execute(text)  # in a transaction that stays open
        kept.append(connection)
    assert stand.cluster.sessions() == 3
    refused = stand.cluster.psql(session.role, session.password, "SELECT 1")
    assert "too many connections for role" in refused.stderr
    stand.gate.gate.revoke(session.lease.terms.id, session.lease.terms.approvers[0], "over")
    stand.ended(session.role)
    for connection in kept:
        with pytest.raises(Exception, match="terminating|closed|network|broken"):
            connection.cursor().execute("SELECT 1")


def test_a_session_that_holds_its_own_role_is_ended_and_so_is_who_comes_after(stand: Stand, session: Session) -> None:
    """Who keeps the row of their role locked would keep the door from being closed."""
    over = threading.Event()

    def hold() -> None:
        while not over.is_set():
            try:
                connection = session.driver()
                connection.cursor().execute("ALTER ROLE CURRENT_USER PASSWORD '" + session.password + "'")
                while not over.is_set():
                    connection.cursor().execute("SELECT pg_sleep(0.1)")
            except Exception:
                pass

    threads = [threading.Thread(target=hold) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: stand.cluster.sessions() == 3, 10)
        stand.gate.gate.revoke(session.lease.terms.id, session.lease.terms.approvers[0], "over")
        until(lambda: session.role not in stand.cluster.roles(), 20)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert stand.cluster.sessions() == 0


def test_many_large_objects_do_not_keep_the_role(stand: Stand, session: Session) -> None:
    """More than the server can lock at once, and the role would stay for ever."""
    session.psql("SELECT count(lo_create(0)) FROM generate_series(1, 3000);")
    assert stand.cluster.sql("SELECT count(*) FROM pg_largeobject_metadata") == "3000\n"
    stand.gate.gate.revoke(session.lease.terms.id, session.lease.terms.approvers[0], "over")
    stand.ended(session.role)
    assert stand.cluster.sql("SELECT count(*) FROM pg_largeobject_metadata") == "0\n"


def test_a_password_that_the_person_changes_is_of_no_use_after_the_end(stand: Stand, session: Session) -> None:
    """A role may change its own password: it is handed on, and dies with the role."""
    _, error = session.psql("ALTER ROLE CURRENT_USER PASSWORD 'shared'")
    assert "ERROR" not in error
    assert stand.cluster.psql(session.role, "shared", "SELECT 1").stdout == "1\n"
    assert ("ALTER ROLE CURRENT_USER PASSWORD ?", 1, 0) in stand.recorded(session.role)
    stand.gate.gate.revoke(session.lease.terms.id, session.lease.terms.approvers[0], "over")
    stand.ended(session.role)
    assert stand.cluster.psql(session.role, "shared", "SELECT 1").returncode


def test_a_function_that_was_granted_runs_as_the_role(stand: Stand, session: Session) -> None:
    """It would count everybody's rows."""
    assert session.psql("SELECT app.total()")[0] == "2\n"


def test_a_session_that_writes_into_the_log_in_anothers_name_is_told_apart(stand: Stand, session: Session) -> None:
    """A newline in a statement, and the next line is somebody else's; or the mark that says that all is well."""
    other = stand.opened("beta", who="dee")
    forged = '{"user":"' + other.role + '","session_id":"1.1","line_num":1,"message":"statement: SELECT forged"}'
    session.psql(f"SELECT 'x'\n, '\n{forged}\n' AS tried;\nDO $$ BEGIN RAISE LOG 'armslength-mark-{'0' * 32}'; END $$;")
    said = [text for text, _, _ in stand.recorded(session.role)]
    assert "SELECT ?, ? AS tried;" in said
    assert all("forged" not in each.text for ran in stand.ran() for each in ran.statements)
    assert all(ran.lease == session.lease.terms.id for ran in stand.ran())
