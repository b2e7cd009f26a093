"""A role for a lease: exactly its privileges, until its end, and nothing that was not on record first."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from armslength.enforce.postgresql_names import role_name
from armslength.enforce.postgresql_password import scram_verifier
from armslength.enforce.postgresql_point import Opened, PostgresqlPoint
from armslength.gate import Refused, Why
from tests.enforce.postgresql.cluster import Cluster
from tests.enforce.postgresql.stands import GRANTS, Stand, at_once, standing, until
from tests.intake.postgresql.server import needs_postgresql
from tests.service.gates import RECORDINGS

pytestmark = needs_postgresql


def refused(answer: object, why: Why) -> str:
    assert isinstance(answer, Refused) and answer.why is why, answer
    return answer.says


def test_a_lease_opens_exactly_what_it_is_for(stand: Stand) -> None:
    """Whoever was let at one column would read the table."""
    session = stand.opened("acme")
    assert session.psql("SELECT id, name FROM app.accounts ORDER BY id")[0] == "1|Anna\n3|Anton\n"  # not beta's
    assert session.psql("UPDATE app.accounts SET state = 'seen' WHERE id = 1 RETURNING id")[0].startswith("1\n")
    assert "UPDATE 0" in session.psql("UPDATE app.accounts SET state = 'x' WHERE name = 'Bob'")[0]
    for statement in (
        "SELECT secret FROM app.accounts",
        "SELECT * FROM app.accounts",
        "UPDATE app.accounts SET name = 'x'",
        "DELETE FROM app.accounts",
        "INSERT INTO app.accounts (id, customer) VALUES (9, 'acme')",
        "TRUNCATE app.accounts",
        "SELECT * FROM app.notes",
        "SELECT * FROM armslength.leased",
        "SELECT * FROM pg_authid",
        "COPY app.accounts TO STDOUT",
    ):
        out, error = session.psql(statement)
        assert not out and "permission denied" in error, (statement, out, error)
    row = stand.cluster.sql(
        "SELECT rolvaliduntil = to_timestamp("
        f"{int(session.lease.terms.end.timestamp())}), rolconnlimit, rolinherit, rolsuper, rolcreaterole, rolcreatedb"
        f" FROM pg_roles WHERE rolname = '{session.role}'"
    )
    assert row == "t|3|f|f|f|f\n"


def test_the_use_is_on_record_before_the_role_is_there(cluster: Cluster, tmp_path: Path) -> None:
    """A database would be opened of which no customer ever reads."""
    seen: list[tuple[str, int, int]] = []
    with standing(cluster, tmp_path, started=False) as stand:
        stand.point.leave()
        step = lambda name: seen.append((name, len(stand.gate.uses()), len(cluster.roles())))  # noqa: E731
        stand.point = PostgresqlPoint(stand.settings, cluster.connect, step=step, look_seconds=0.1)
        stand.point.start()
        stand.opened("acme")
        assert seen == [("kept", 0, 0), ("redeemed", 1, 0), ("made", 1, 1), ("live", 1, 1)]


def test_the_same_is_asked_again_and_is_the_same(stand: Stand) -> None:
    """A lost answer would cost a use, or leave two roles."""
    lease = stand.leased("end", "acme")
    first, password = stand.open(lease)
    again, _ = stand.open(lease, password)
    assert isinstance(first, Opened) and again == first
    assert len(stand.gate.uses()) == 1 and stand.cluster.roles() == [first.role]
    other, new = stand.open(lease)  # whoever lost the password gets another one, and that is another use
    assert isinstance(other, Opened) and other.role == first.role and len(stand.gate.uses()) == 2
    assert "password authentication failed" in stand.cluster.psql(first.role, password, "SELECT 1").stderr
    assert stand.cluster.psql(first.role, new, "SELECT 1").stdout == "1\n"


def test_two_who_bring_a_lease_at_once_get_one_role(stand: Stand) -> None:
    """One of them would have a role that nobody ends."""
    lease = stand.leased("end", "acme")
    answers = at_once(4, lambda number: stand.open(lease, f"{'p' * 40}{number % 2}")[0])
    assert all(isinstance(each, Opened) for each in answers), answers
    assert stand.cluster.roles() == [role_name(lease.terms.id)]
    assert 2 <= len(stand.gate.uses()) <= 4


def test_who_asks_has_to_be_the_leases_person(stand: Stand) -> None:
    """A lease that was seen would be anybody's."""
    lease = stand.leased("end", "acme")
    refused(stand.open(lease, person="dee")[0], Why.OUTSIDE)
    assert isinstance(stand.open(lease, person="bo")[0], Opened)


def test_a_lease_that_counts_customers_opens_those_who_are_named(stand: Stand) -> None:
    """A lease for any two would open them all."""
    lease = stand.leased("read", on=RECORDINGS, by="di")
    refused(stand.open(lease)[0], Why.OUTSIDE)
    answer, password = stand.open(lease, customers=("beta",))
    assert isinstance(answer, Opened), answer
    assert stand.cluster.psql(answer.role, password, "SELECT name FROM app.accounts").stdout == "Bob\n"
    assert stand.gate.uses()[0].customers == ("beta",)


def test_what_is_no_verifier_is_no_password(stand: Stand) -> None:
    """The server would take the text for the password, and keep it as it likes; or read a statement in it."""
    token = stand.token(stand.leased("end", "acme"))
    good = scram_verifier("x", bytes(16))
    for text in (
        "hunter2",
        "",
        "md5" + "0" * 32,
        good + "'; DROP ROLE app; --",
        good.replace("4096", "1"),
        good[:-2],
        good + "\n",
    ):
        refused(stand.point.open(token, text), Why.ERROR)
    assert stand.gate.uses() == [] and stand.cluster.roles() == []


def test_what_no_gate_signed_opens_nothing(stand: Stand) -> None:
    """Anybody could write themselves a lease."""
    token = stand.token(stand.leased("end", "acme"))
    for text in ("", "x.y.z", token[:-4] + "AAAA", token.upper(), "' OR 1=1 --", "\0", "é"):
        assert isinstance(stand.open(text)[0], Refused), text
    assert stand.cluster.roles() == [] and stand.gate.uses() == []


def test_what_is_granted_nowhere_opens_nothing(cluster: Cluster, tmp_path: Path) -> None:
    with standing(cluster, tmp_path, grants=GRANTS[1:]) as stand:
        refused(stand.open(stand.leased("end", "acme"))[0], Why.UNKNOWN_RESOURCE)
        assert stand.gate.uses() == []


def test_a_role_of_that_name_that_nobody_here_made_stays_as_it_is(stand: Stand) -> None:
    """Somebody's role would be given to a stranger, or dropped."""
    lease = stand.leased("end", "acme")
    name = role_name(lease.terms.id)
    stand.cluster.sql(f"CREATE ROLE {name} LOGIN; CREATE ROLE lease_manager LOGIN")
    try:
        assert "did not make" in refused(stand.open(lease)[0], Why.STORE)
        time.sleep(0.4)
        assert stand.cluster.roles() == sorted((name, "lease_manager"))
    finally:
        stand.cluster.sql(f"DROP ROLE {name}; DROP ROLE lease_manager")


def test_no_password_is_in_the_servers_log(stand: Stand) -> None:
    """Whoever reads the log would log in."""
    stand.cluster.sql("ALTER SYSTEM SET log_statement = 'all'; SELECT pg_reload_conf()", "postgres")
    try:
        time.sleep(0.2)
        stand.cluster.sql("ALTER ROLE armslength_point SET log_statement = 'all'", "postgres")
        session = stand.opened("acme")
        assert session.works()
        logged = stand.cluster.logged()
        assert session.role in logged and session.password not in logged
    finally:
        stand.cluster.sql("ALTER SYSTEM RESET log_statement; SELECT pg_reload_conf()", "postgres")
        stand.cluster.sql("ALTER ROLE armslength_point RESET ALL", "postgres")


def test_a_server_whose_clock_is_another_one_is_opened_to_nobody(stand: Stand) -> None:
    """Roles would be good for as long as the clocks differ."""
    stand.time.wall = 40.0
    assert "clock" in refused(stand.open(stand.leased("end", "acme"))[0], Why.CLOCK)
    assert stand.gate.uses() == [] and stand.cluster.roles() == []


def test_names_that_hold_statements_are_names(cluster: Cluster, tmp_path: Path) -> None:
    """A customer's handle would be read by the server as a command."""
    with standing(cluster, tmp_path) as stand:
        lease = stand.leased("read", on=RECORDINGS, by="di")
        name = "x'); DROP TABLE app.notes; --"
        answer, password = stand.open(lease, customers=(name,))
        assert isinstance(answer, Opened), answer
        assert cluster.sql("SELECT customer FROM armslength.leased") == f"{name}\n"
        assert cluster.psql(answer.role, password, "SELECT name FROM app.accounts").stdout == ""
        slash = stand.leased("read", on=RECORDINGS, by="di", who="dee")
        back, _ = stand.open(slash, customers=("back\\slash",))
        assert isinstance(back, Opened), back
        assert "back\\slash\n" in cluster.sql("SELECT customer FROM armslength.leased")


def test_the_point_ends_what_an_earlier_one_left(cluster: Cluster, tmp_path: Path) -> None:
    """A role whose lease is over would outlive it with the process that made it."""
    with standing(cluster, tmp_path, started=False) as stand:
        stand.point.leave()
        first = PostgresqlPoint(stand.settings, cluster.connect, look_seconds=0.1)
        first.start()
        stand.point = first
        session = stand.opened("acme")
        assert session.works()
        kill(first)
        assert cluster.roles() == [session.role]
        stand.point = PostgresqlPoint(stand.settings, cluster.connect, look_seconds=0.1)
        stand.point.start()
        assert session.works() and cluster.roles() == [session.role]  # its lease runs
        kill(stand.point)
        stand.gate.gate.revoke(session.lease.terms.id, session.lease.terms.approvers[0], "over")
        stand.point = PostgresqlPoint(stand.settings, cluster.connect, look_seconds=0.1)
        stand.point.start()
        stand.ended(session.role)
        texts = [text for text, _, _ in stand.recorded(session.role)]
        assert "SELECT name FROM app.accounts WHERE id = ?" in texts


def kill(point: PostgresqlPoint) -> None:
    """As a kill would: nothing is ended, nothing said."""
    point._stop.set()
    point._news.set()
    point._roused.set()
    for thread in point._threads:
        thread.join()
    point.leave()


@pytest.mark.parametrize("where", ["kept", "redeemed", "made", "live"])
def test_a_point_that_is_killed_anywhere_leaves_nothing_open_and_loses_no_use(
    cluster: Cluster, tmp_path: Path, where: str
) -> None:
    """A role would be there that nobody knows of; or an honest person would have paid for nothing."""

    class Killed(BaseException):
        pass

    def step(name: str) -> None:
        if name == where:
            raise Killed

    with standing(cluster, tmp_path, started=False) as stand:
        stand.point.leave()
        stand.point = PostgresqlPoint(stand.settings, cluster.connect, look_seconds=0.1, step=step)
        stand.point.start()
        lease, password = stand.leased("end", "acme"), "p" * 43
        kill_at = stand.point
        kill_at._stop.set()  # its threads end before it does, as they do in a process that is killed
        kill_at._news.set()
        kill_at._roused.set()
        with pytest.raises(Killed):
            stand.open(lease, password)
        kill(kill_at)
        stand.point = PostgresqlPoint(stand.settings, cluster.connect, look_seconds=0.1)
        stand.point.start()
        until(lambda: cluster.roles() == ([role_name(lease.terms.id)] if where == "live" else []), 5)
        answer, _ = stand.open(lease, password)
        assert isinstance(answer, Opened) and len(stand.gate.uses()) == 1
        assert cluster.psql(answer.role, password, "SELECT 1").stdout == "1\n"


def test_a_stopped_point_leaves_no_role(cluster: Cluster, tmp_path: Path) -> None:
    """Who is not there cannot end anything."""
    with standing(cluster, tmp_path) as stand:
        connection = stand.opened("acme").driver()
        assert cluster.sessions() == 1
    assert cluster.roles() == [] and cluster.sessions() == 0
    connection.close()
