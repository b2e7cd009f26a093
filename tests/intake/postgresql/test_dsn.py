"""Connection strings: as libpq reads them, but for passwords, which have no place there."""

from __future__ import annotations

from pathlib import Path

import pytest

from armslength.store import PostgresqlAddress, StoreError, postgresql_address

NOWHERE = {"HOME": "/nonexistent"}


def address(**more: object) -> PostgresqlAddress:
    plain = {"host": "db.example", "port": 5432, "user": "ana", "database": "app", "tls": True}
    return PostgresqlAddress(**(plain | more))


@pytest.mark.parametrize(
    ("dsn", "environment", "expected"),
    [
        ("host=db.example user=ana dbname=app", {}, address()),
        (r" host = db.example  user='a\'n a' dbname=a\ b port=6", {}, address(user="a'n a", database="a b", port=6)),
        ("postgresql://ana@db.example/app", {}, address()),
        ("postgres://an%40a@[::1]:77/?dbname=x", {}, address(user="an@a", host="::1", port=77, database="x")),
        ("", {"PGHOST": "db.example", "PGUSER": "ana", "PGDATABASE": "app", "PGPASSWORD": "p"}, address(password="p")),
        ("user=ana dbname=app", {}, address(host="/var/run/postgresql", tls=False)),
        ("user=ana host=/tmp", {}, address(host="/tmp", database="ana", tls=False)),
        ("host=db.example user=ana dbname=app sslmode=disable", {}, address(tls=False)),
        ("host=db.example user=ana dbname=app sslmode=prefer", {}, address()),
        ("host=db.example user=ana dbname=app sslrootcert=r", {"PGSSLMODE": "require"}, address(roots="r")),
        ("host=db.example user=ana dbname=app sslrootcert=system", {}, address()),
    ],
)
def test_where_and_who(dsn: str, environment: dict[str, str], expected: PostgresqlAddress) -> None:
    """A host or a user misread is another cluster's rights in the estate."""
    assert postgresql_address(dsn, NOWHERE | environment) == expected


@pytest.mark.parametrize(
    "dsn",
    [
        "host=x password=hush",
        "host=x password='hu sh'",
        "postgresql://ana" + ":hush@x/app",
        "postgresql://x/app?password=hush",
    ],
)
def test_a_password_in_it_is_refused_and_not_repeated(dsn: str) -> None:
    """Every user of the machine can read the arguments of a command."""
    with pytest.raises(StoreError, match="--dsn holds a password") as raised:
        postgresql_address(dsn, NOWHERE)
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    "dsn",
    ["host", "host=x user='y", "host=a,b", "port=x", "port=0", "port=99999", "sslmode=maybe", "colour=red", "service=s"]
    + ["postgresql://[x/", "postgresql://x:y/"],
)
def test_what_cannot_be_read_is_refused(dsn: str) -> None:
    """Half of a connection string may well be a whole one, to another server."""
    with pytest.raises(StoreError):
        postgresql_address(dsn, NOWHERE)


def test_a_password_file_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    """libpq does not use it either; here it is said."""
    (tmp_path / ".pgpass").write_text("*:*:*:*:p\\:w\\\\x\n", "utf-8")
    (tmp_path / ".pgpass").chmod(0o600)
    assert postgresql_address("host=h user=u", {"HOME": str(tmp_path)}).password == "p:w\\x"
    (tmp_path / ".pgpass").chmod(0o640)
    with pytest.raises(StoreError, match="others can read it"):
        postgresql_address("host=h user=u", {"HOME": str(tmp_path)})


def test_a_password_is_not_shown() -> None:
    """An address stands in messages and in tracebacks."""
    given = address(password="hush")
    assert "hush" not in repr(given) and "hush" not in str(given)


@pytest.mark.parametrize("port", ["9" * 5000, "65536", "0"])
def test_a_port_that_is_none(port: str) -> None:
    """Python's own words for a number of five thousand digits are no help."""
    with pytest.raises(StoreError, match="expected 1 to 65535") as caught:
        postgresql_address(f"host=h user=a port={port}", NOWHERE)
    assert len(str(caught.value)) < 100
