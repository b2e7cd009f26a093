"""A real server: what its catalogs say and what its dumps say are the same rows, and secrets stay where they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from armslength.intake import FIELDS, Harvest, Problems
from armslength.intake.postgresql import map_postgresql, read_catalog
from armslength.store import StoreError, postgresql_address, read_postgresql
from tests.cli.ran import run
from tests.intake.postgresql.dumps import NAME, harvest_of, rows
from tests.intake.postgresql.server import PASSWORD, PostgresqlServer, needs_postgresql

pytestmark = needs_postgresql
SCRIPT = Path(__file__).with_name("cluster.sql")


@pytest.fixture(scope="module")
def firm(server: PostgresqlServer) -> Iterator[PostgresqlServer]:
    """The server with the cluster of cluster.sql in its database app, and a role without any rights."""
    server.sql(f"CREATE ROLE auditor LOGIN PASSWORD '{PASSWORD}'; CREATE DATABASE aside;")
    server.sql("CREATE DATABASE app")
    before = set(server.sql("SELECT rolname FROM pg_roles").split("\n"))
    server.sql(SCRIPT.read_text("utf-8"), "app")
    yield server
    server.sql("DROP DATABASE app")
    server.sql("DROP DATABASE aside")
    made = set(server.sql("SELECT rolname FROM pg_roles").split("\n")) - before
    quoted = ['"{}"'.format(name.replace('"', '""')) for name in [*made, "auditor"]]
    server.sql("".join(f"DROP ROLE {name};\n" for name in quoted))


def live(dsn: str, *databases: str, environment: dict[str, str] | None = None) -> Harvest:
    problems = Problems()
    found = read_postgresql(postgresql_address(dsn, environment or {}), databases)
    cluster = read_catalog(found.version, found.cluster, found.databases, found.left)
    made = Harvest(name=NAME, kind="postgresql")
    map_postgresql(cluster, made, problems)
    return made


def test_live_and_dumped_are_the_same_rows(firm: PostgresqlServer) -> None:
    """Whoever may not connect takes the dump, and must not be told less."""
    asked = live(firm.dsn("auditor", "app"), "app")
    dumped = harvest_of(firm.globals(), firm.dump("app"))
    for table in FIELDS:
        only_live, only_dumped = (rows(asked, table) - rows(dumped, table)), (rows(dumped, table) - rows(asked, table))
        if table == "review":
            only_live = {row for row in only_live if not row[1].startswith("database ")}
        assert (table, only_live, only_dumped) == (table, set(), set())
    assert dumped.count("grants") > 60 and dumped.count("review") > 10


def test_the_same_rows_again(firm: PostgresqlServer) -> None:
    """A second run that gave another order would be a change that nobody made."""
    one, other = live(firm.dsn("auditor", "app")), live(firm.dsn("auditor", "app"))
    assert {t: list(one.rows(t)) for t in FIELDS} == {t: list(other.rows(t)) for t in FIELDS}


def test_no_secret_is_taken(firm: PostgresqlServer) -> None:
    """An estate is mailed, committed and shown; a verifier or a password in it is spent."""
    dumps = firm.globals() + firm.dump("app")
    assert b"SCRAM-SHA-256" in dumps and b"hush-of-mapping" in dumps
    for made in (live(firm.dsn(), "app"), harvest_of(firm.globals(), firm.dump("app"))):
        text = "\n".join(" ".join(row) for table in FIELDS for row in made.rows(table))
        assert "SCRAM" not in text and "hush" not in text


def test_databases_that_were_not_looked_into_are_named(firm: PostgresqlServer) -> None:
    """Silence about a database would be taken for an empty one."""
    made = live(firm.dsn("auditor", "app"), "app")
    assert {"database aside", "database postgres"} <= {row[1] for row in rows(made, "review")}
    firm.sql("REVOKE CONNECT ON DATABASE aside FROM PUBLIC")
    made = live(firm.dsn("auditor", "app"))
    assert {row[1] for row in rows(made, "review")} & {"database aside", "database postgres"} == {"database aside"}
    assert "postgresql/db/postgres" in {row[0] for row in made.rows("assets")}
    with pytest.raises(StoreError, match="has no database 'nowhere'"):
        live(firm.dsn("auditor", "app"), "nowhere")


def test_nothing_can_be_written(firm: PostgresqlServer) -> None:
    """An auditor's tool that could change what it audits would not be let in."""
    from armslength.store.postgresql_catalog import _Session

    with _Session(postgresql_address(firm.dsn("root", "app"), {})) as session:
        with pytest.raises(StoreError, match="read-only transaction"):
            session.rows_of("CREATE TABLE public.x (a int)")


def tcp(firm: PostgresqlServer, more: str = "") -> str:
    return f"host=127.0.0.1 port={firm.port} user=auditor dbname=app {more}"


def test_tls_is_verified(firm: PostgresqlServer) -> None:
    """Whoever stands between would otherwise be given the password."""
    if not firm.tls:
        pytest.skip("this server was built without TLS")
    secret = {"PGPASSWORD": PASSWORD}
    assert live(tcp(firm, f"sslrootcert={firm.certificate}"), "app", environment=secret).count("grants")
    with pytest.raises(StoreError, match="certificate is not trusted"):
        live(tcp(firm), environment=secret)
    with pytest.raises(StoreError, match="certificate is not trusted"):
        live(tcp(firm, "sslmode=require"), environment=secret)
    with pytest.raises(StoreError, match="certificate is not trusted"):
        wrong = tcp(firm, f"sslrootcert={firm.certificate}").replace("127.0.0.1", "localhost")
        live(wrong, environment=secret)
    assert live(tcp(firm, "sslmode=disable"), "app", environment=secret).count("grants")


def test_passwords_come_from_where_libpq_finds_them(firm: PostgresqlServer, tmp_path: Path) -> None:
    """Never from the command line, where every user of the machine can read it."""
    plain = tcp(firm, "sslmode=disable")
    passfile = tmp_path / "pass"
    passfile.write_text(f"# mine\nelsewhere:*:*:*:no\n127.0.0.1:{firm.port}:app:auditor:{PASSWORD}\n", "utf-8")
    passfile.chmod(0o600)
    assert live(plain, "app", environment={"PGPASSFILE": str(passfile)}).count("grants")
    services = tmp_path / "services"
    services.write_text(
        f"[other]\nhost=x\n[prod]\nhost=127.0.0.1\nport={firm.port}\nuser=auditor\ndbname=app\n", "utf-8"
    )
    environment = {"PGSERVICEFILE": str(services), "PGPASSFILE": str(passfile), "PGSSLMODE": "disable"}
    assert live("service=prod", "app", environment=environment).count("grants")
    with pytest.raises(StoreError, match="password authentication failed"):
        live(plain, environment={"PGPASSWORD": "wrong"})
    with pytest.raises(StoreError, match="no password"):
        live(plain, environment={"HOME": str(tmp_path)})


def test_from_the_command_line(
    firm: PostgresqlServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way that the page in docs/intake tells, dumps and live; nothing that was written holds a secret or a path."""
    (tmp_path / "globals.sql").write_bytes(firm.globals())
    (tmp_path / "app.sql").write_bytes(firm.dump("app"))
    estate = tmp_path / "estate"
    files = [tmp_path / "globals.sql", tmp_path / "app.sql"]
    ran = run(capsys, "intake", "postgresql", *files, "--into", estate, "--reviewed", "app.s.trg")
    assert ran.status == 0, ran.err
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    tls = f"sslrootcert={firm.certificate}" if firm.tls else "sslmode=disable"
    dsn = f"port={firm.port} user=auditor dbname=app {tls}"
    ran = run(capsys, "intake", "postgresql", "--dsn", dsn, "--database", "app", "--name", "prod", "--into", estate)
    assert ran.status == 0, ran.err
    assert (estate / "intake" / "postgresql" / "reviewed-functions.txt").read_text("utf-8") == "app.s.trg\n"
    told = b"".join(path.read_bytes() for path in estate.rglob("*") if path.is_file())
    assert not any(word in told for word in (b"SCRAM", b"hush", PASSWORD.encode(), str(tmp_path).encode()))
    assert b"prod/role/ana" in told and b'"127.0.0.1:' in told
