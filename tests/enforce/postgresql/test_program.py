"""The program as people run it: settings from a file, a lease on standard input, and what is left when it is killed."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from armslength.cli import main
from tests.enforce.certificates import CN, Authority
from tests.enforce.nginx import free_port
from tests.enforce.postgresql.cluster import Cluster
from tests.enforce.postgresql.stands import until
from tests.enforce.real_gate import ORIGIN, SECRET, RealGate, real_gate
from tests.intake.postgresql.server import needs_postgresql

pytestmark = needs_postgresql
COMMAND = [sys.executable, "-m", "armslength", "postgresql"]


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[RealGate]:
    with real_gate(tmp_path / "gate") as found:
        yield found


def settings(folder: Path, cluster: Cluster, gate: RealGate, port: int, more: str = "") -> Path:
    (folder / "point.secret").write_text(SECRET)
    (folder / "point.secret").chmod(0o600)
    path = folder / "postgresql.toml"
    path.write_text(
        f"""
[gate]
url = "{gate.url}"
origin = "{ORIGIN}"
secret_file = "point.secret"
poll_seconds = 0.2
[point]
listen = "127.0.0.1:{port}"
state = "state"
{more}
[server]
dsn = "host={cluster.folder} port={cluster.port} user=armslength_point"
log = "{cluster.log}"
people = "host=127.0.0.1 port={cluster.port} sslmode=disable"
[[grant]]
action = "end"
resource = "asset:meetings-us"
database = "firm"
rows = "customers"
privileges = ["SELECT (id, customer, name), UPDATE (state) ON app.accounts"]
"""
    )
    return path


class Ran(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def ran(*arguments: str, given: str = "") -> Ran:
    """The command in this process."""
    out, err = io.StringIO(), io.StringIO()
    before, sys.stdin = sys.stdin, io.StringIO(given)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            status = main(["postgresql", *arguments])
    finally:
        sys.stdin = before
    return Ran(status, out.getvalue(), err.getvalue())


@contextmanager
def point(path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*COMMAND, "point", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "for people at" in line, line + (process.stderr.read() if process.stderr else "")
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=40)


def token(gate: RealGate) -> str:
    return gate.gate.token(gate.leased("end", "acme").terms.id)


def test_a_lease_becomes_a_connection_and_a_kill_ends_it(cluster: Cluster, gate: RealGate, tmp_path: Path) -> None:
    """Killing the point would leave everybody in who is in."""
    port = free_port()
    path = settings(tmp_path, cluster, gate, port)
    checked = ran("check", str(path))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "CREATE ROLE" in ran("setup", str(path)).stdout
    lease, url = token(gate), f"http://127.0.0.1:{port}"
    with point(path) as process:
        opened = ran("open", "--point", url, given=lease + "\n")
        assert opened.returncode == 0, opened.stderr
        connection, password = opened.stdout.splitlines()
        assert password not in connection and connection.startswith("host=127.0.0.1")
        command = ["psql", "-X", "-At", "-d", connection, "-c", "SELECT name FROM app.accounts WHERE id = 1"]
        env = {**os.environ, "PGPASSWORD": password}
        assert subprocess.run(command, capture_output=True, text=True, env=env).stdout == "Anna\n"
        (role,) = cluster.roles()
        (tmp_path / "lease.txt").write_text(lease)
        script = tmp_path / "who"
        script.write_text("#!/bin/sh\nexec psql -X -At -c 'SELECT session_user'\n")
        script.chmod(0o755)
        command = [*COMMAND, "open", "--point", url, "--lease", str(tmp_path / "lease.txt"), "--run", str(script)]
        within = subprocess.run(command, capture_output=True, text=True)
        assert within.stdout == f"{role}\n", within.stderr
        opened = ran("open", "--point", url, given=lease)
        password = opened.stdout.splitlines()[1]
        live = cluster.driver(role, password)
        process.kill()
        process.wait()
        until(lambda: cluster.sessions() == 0, 15)
        until(lambda: cluster.sql(f"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{role}'") == "f\n", 15)
        live.close()
    with point(path):
        until(lambda: cluster.roles() == [], 15)
        again = ran("open", "--point", url, given=lease)
        assert again.returncode == 0, again.stderr
    assert cluster.roles() == []


def test_refusals_are_told(cluster: Cluster, gate: RealGate, tmp_path: Path) -> None:
    port = free_port()
    path = settings(tmp_path, cluster, gate, port)
    url = f"http://127.0.0.1:{port}"
    away = ran("open", "--point", url, given="x")
    assert away.returncode == 2 and "no answer from http" in away.stderr and "Connection refused" in away.stderr
    with point(path):
        refused = ran("open", "--point", url, given="x.y.z")
        assert refused.returncode == 2 and "was not signed by the gate" in refused.stderr
        second = ran("point", str(path))  # two would end each other's roles
        assert second.returncode == 2 and "another point" in second.stderr
    plain = ran("open", "--point", "http://db.example.com", given="x")
    assert plain.returncode == 2 and "https" in plain.stderr


def test_a_web_server_in_front_says_who_asks(cluster: Cluster, gate: RealGate, tmp_path: Path) -> None:
    """Whoever finds a lease would be its person; or whoever reaches the port says that they are."""
    import json

    import urllib3

    from armslength.enforce.postgresql_password import scram_verifier

    word = "w" * 32
    (tmp_path / "word").write_text(word)
    (tmp_path / "word").chmod(0o600)
    port = free_port()
    path = settings(tmp_path, cluster, gate, port, 'people = "X-Armslength-Subject"\nword_file = "word"')
    body = json.dumps({"lease": token(gate), "verifier": scram_verifier("p" * 43, bytes(16))})

    def asked(**headers: str) -> tuple[int, dict[str, str]]:
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = urllib3.request("POST", f"http://127.0.0.1:{port}/open", body=body, headers=said)
        return answer.status, answer.json()

    with point(path):
        assert asked()[0] == 401
        assert asked(X_Armslength_Subject="bo")[0] == 401
        assert asked(X_Armslength_Subject="bo", X_Armslength_Word="w" * 31)[0] == 401
        status, answer = asked(X_Armslength_Subject="dee", X_Armslength_Word=word)
        assert status == 403 and answer["why"] == "outside_the_lease"
        assert cluster.roles() == []
        status, answer = asked(X_Armslength_Subject="bo", X_Armslength_Word=word)
        assert status == 200 and answer["database"] == "firm"
        for junk in (b"", b"[]", b"{}", b'{"lease":1,"verifier":2}', b"\xff", b"x" * 70_000):
            answer = urllib3.request(
                "POST",
                f"http://127.0.0.1:{port}/open",
                body=junk,
                headers={"X-Armslength-Subject": "bo", "X-Armslength-Word": word},
            )
            assert answer.status == 400, junk[:20]
        assert urllib3.request("GET", f"http://127.0.0.1:{port}/health").json()["roles"] == 1


@pytest.mark.parametrize(
    ("change", "back", "says"),
    [
        ("GRANT CONNECT ON DATABASE other TO PUBLIC", "REVOKE CONNECT ON DATABASE other FROM PUBLIC", "database other"),
        ("GRANT TEMP ON DATABASE firm TO PUBLIC", "REVOKE TEMP ON DATABASE firm FROM PUBLIC", "temporary tables"),
        ("GRANT CREATE ON SCHEMA public TO PUBLIC", "REVOKE CREATE ON SCHEMA public FROM PUBLIC", "make objects"),
        ("GRANT SELECT ON app.notes TO PUBLIC", "REVOKE SELECT ON app.notes FROM PUBLIC", "has rights on it"),
        (
            "GRANT SELECT (secret) ON app.accounts TO PUBLIC",
            "REVOKE SELECT (secret) ON app.accounts FROM PUBLIC",
            "has rights on it",
        ),
        (
            "CREATE FUNCTION app.owner() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
            "DROP FUNCTION app.owner()",
            "acts as its owner",
        ),
        (
            "ALTER TABLE app.accounts DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE app.accounts ENABLE ROW LEVEL SECURITY",
            "shows all rows",
        ),
        (
            "CREATE POLICY wide ON app.accounts USING (true)",
            "DROP POLICY wide ON app.accounts",
            "rows of any customer",
        ),
        (
            "REVOKE SELECT (name) ON app.accounts FROM armslength_point CASCADE",
            "SET ROLE app; GRANT SELECT (name) ON app.accounts TO armslength_point WITH GRANT OPTION",
            "may not pass on",
        ),
        (
            "REVOKE SET ON PARAMETER log_statement FROM armslength_point",
            "GRANT SET ON PARAMETER log_statement TO armslength_point",
            "may not set log_statement",
        ),
        ("ALTER ROLE armslength_point SUPERUSER", "ALTER ROLE armslength_point NOSUPERUSER", "is a superuser"),
        (
            "ALTER SYSTEM SET log_destination = 'csvlog'",
            "ALTER SYSTEM RESET log_destination",
            "no JSON log",
        ),
        ("ALTER SYSTEM SET log_timezone = 'Europe/Berlin'", "ALTER SYSTEM RESET log_timezone", "log_timezone = 'UTC'"),
    ],
)
def test_a_server_that_cannot_be_guarded_is_not(
    cluster: Cluster, gate: RealGate, tmp_path: Path, change: str, back: str, says: str
) -> None:
    """A lease would open a column, and everybody's rights the table."""
    from armslength.enforce import postgresql_problems
    from tests.enforce.postgresql.stands import point_settings

    found = point_settings(cluster, gate.url, tmp_path / "state")
    reload = "; SELECT pg_reload_conf(), pg_sleep(0.2)" if "SYSTEM" in change else ""
    cluster.sql(change if "SYSTEM" in change else change, "firm")
    cluster.sql("SELECT 1" + reload)
    try:
        problems = postgresql_problems(cluster.connect, found)
        assert any(says in problem for problem in problems), problems
    finally:
        cluster.sql(back)
        cluster.sql("SELECT 1" + reload)
    assert postgresql_problems(cluster.connect, found) == []


def test_a_log_elsewhere_is_told_before_the_point_starts(cluster: Cluster, gate: RealGate, tmp_path: Path) -> None:
    """A slip of the pen in server.log would be "the server can be guarded", and then nobody is let in."""
    from armslength.enforce import postgresql_problems
    from tests.enforce.postgresql.stands import point_settings

    folder = tmp_path / "elsewhere"
    (said,) = postgresql_problems(cluster.connect, point_settings(cluster, gate.url, tmp_path / "state", log=folder))
    assert str(cluster.log) in said and f"is not in {folder}: name its folder in server.log" in said
    for written in cluster.log.iterdir():
        (folder / written.name).mkdir(parents=True)  # is there, and cannot be read, even by root
    (said,) = postgresql_problems(cluster.connect, point_settings(cluster, gate.url, tmp_path / "state", log=folder))
    assert "let the point's system user read it" in said


def test_a_gate_that_knows_no_such_point_is_in_the_log(cluster: Cluster, tmp_path: Path) -> None:
    """Who mistyped the secret would see nothing in the point's log, and be told that the gate does not answer."""
    with real_gate(tmp_path / "gate") as gate:
        path = settings(tmp_path, cluster, gate, free_port())
        (tmp_path / "point.secret").write_text("pt_" + "C" * 42 + "A")
        with point(path) as process:
            assert process.stderr is not None
            assert "no point has this secret" in process.stderr.readline()


def test_a_certificate_that_does_not_verify_is_told_as_that(tmp_path: Path) -> None:
    """Who runs an authority of their own would look for a point that is down."""
    import ssl
    import threading

    authority = Authority(folder=tmp_path, label="authority").made()
    own = authority.certificate("db", [(CN, "admin.example")])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own, own.with_suffix(".key"))
    with socket.create_server(("127.0.0.1", 0)) as door:

        def shake() -> None:
            with suppress(OSError), door.accept()[0] as taken:
                context.wrap_socket(taken, server_side=True)

        thread = threading.Thread(target=shake)
        thread.start()
        answer = ran("open", "--point", f"https://127.0.0.1:{door.getsockname()[1]}", given="x")
        thread.join()
    assert answer.returncode == 2
    assert "does not verify (" in answer.stderr and "--authority" in answer.stderr, answer.stderr
