"""A real PostgreSQL server that writes a JSON log, with a small firm's tables, and a point's role set up on it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from armslength.store import postgresql_address
from armslength.store.postgresql_server import connect_postgresql
from tests.intake.postgresql.server import BIN, INSTALL, _other_user, _run

USER = "armslength_point"
PASSWORD = "only-for-tests"

TABLES = """
CREATE ROLE app LOGIN;
CREATE DATABASE firm OWNER app;
CREATE DATABASE other;
\\connect firm
CREATE SCHEMA app AUTHORIZATION app;
SET ROLE app;
CREATE TABLE app.accounts (id int PRIMARY KEY, customer text NOT NULL, name text, secret text, state text);
INSERT INTO app.accounts VALUES (1, 'acme', 'Anna', 's-1', 'open'), (2, 'beta', 'Bob', 's-2', 'open'),
    (3, 'acme', 'Anton', 's-3', 'shut');
ALTER TABLE app.accounts ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app.accounts TO app USING (true);
CREATE TABLE app.notes (id int PRIMARY KEY, text text);
CREATE FUNCTION app.total() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM app.accounts';
RESET ROLE;
"""
POLICY = """
SET ROLE app;
CREATE POLICY leased ON app.accounts USING (customer IN (SELECT armslength.customers()));
"""


@dataclass(kw_only=True)
class Cluster:
    folder: Path
    port: int
    as_user: list[str] = field(default_factory=list)

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def dsn(self, user: str = USER, database: str = "firm") -> str:
        return f"host={self.folder} port={self.port} user={user} dbname={database}"

    def connect(self, database: str) -> Any:
        """As the point does."""
        address = replace(postgresql_address(self.dsn(), {}), database=database)
        return connect_postgresql(address, application="armslength-point", extra="postgresql", answer=20)

    def sql(self, text: str, database: str = "firm", user: str = "root") -> str:
        command = [BIN / "psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-d", self.dsn(user, database)]  # type: ignore[operator]
        ended = subprocess.run(list(map(str, command)), input=text, text=True, capture_output=True, check=False)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def psql(
        self, role: str, password: str, text: str, *more: str, database: str = "firm", timeout: float = 20
    ) -> subprocess.CompletedProcess[str]:
        """As a person, over TCP with their password."""
        assert BIN is not None
        dsn = f"host=127.0.0.1 port={self.port} user={role} dbname={database} sslmode=disable"
        command = [str(BIN / "psql"), "-X", "-At", "-v", "ON_ERROR_STOP=0", "-d", dsn, *more]
        environment = {**os.environ, "PGPASSWORD": password, "PGOPTIONS": ""}
        return subprocess.run(
            command, input=text, text=True, capture_output=True, check=False, env=environment, timeout=timeout
        )

    def driver(self, role: str, password: str, database: str = "firm") -> Any:
        """As a person's program, with pg8000."""
        import pg8000.dbapi

        return pg8000.dbapi.connect(
            role, host="127.0.0.1", port=self.port, database=database, password=password, timeout=20
        )

    def control(self, *what: str) -> None:
        assert BIN is not None
        _run([*self.as_user, BIN / "pg_ctl", "-D", self.folder / "data", "-l", self.folder / "started", "-w", *what])

    def logged(self) -> str:
        """All that is in the log, of any file."""
        files = sorted(self.log.iterdir()) if self.log.exists() else []
        return "".join(path.read_text("utf-8", "replace") for path in files)

    def roles(self) -> list[str]:
        return self.sql("SELECT rolname FROM pg_roles WHERE rolname LIKE 'lease%' ORDER BY 1").split()

    def sessions(self) -> int:
        return int(self.sql("SELECT count(*) FROM pg_stat_activity WHERE usename LIKE 'lease%'"))


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    if BIN is None:
        pytest.fail(INSTALL)
    folder = Path(tempfile.mkdtemp(prefix="armslength-pg-"))
    try:
        as_user = _other_user(folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        data = folder / "data"
        _run(
            [*as_user, BIN / "initdb", "-D", data, "-A", "trust", "-U", "root", "--no-sync", "-E", "UTF8", "--locale=C"]
        )
        (data / "pg_hba.conf").write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n", "utf-8")
        with (data / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(
                f"listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{folder}'\nfsync = off\n"
                "max_connections = 40\nmax_prepared_transactions = 5\nlogging_collector = on\n"
                f"log_destination = 'jsonlog'\nlog_directory = '{folder}/log'\nlog_filename = 'pg-%Y%m%d-%H%M%S.log'\n"
                "log_timezone = 'UTC'\nlog_file_mode = 0644\n"
            )
        cluster = Cluster(folder=folder, port=port, as_user=as_user)
        cluster.control("start")
        try:
            yield cluster
        finally:
            cluster.control("-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
