"""A PostgreSQL server for the stores that can be in one, and a place for a store in each of the two ways."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.intake.postgresql.server import PostgresqlServer, running_postgresql
from tests.store.gate_places import FileGate, GatePlace, ServerGate
from tests.store.places import FilePlace, Place, ServerPlace


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    with running_postgresql() as found:
        yield found


@pytest.fixture(params=["file", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Where there is no store yet."""
    if request.param == "file":
        return FilePlace(tmp_path / "store.db")
    monkeypatch.setenv("ARMSLENGTH_TESTS_WITHOUT_FSYNC", "1")
    return server_place(request.getfixturevalue("postgresql"))


@pytest.fixture
def server(postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch) -> ServerPlace:
    """A database without a store."""
    monkeypatch.setenv("ARMSLENGTH_TESTS_WITHOUT_FSYNC", "1")
    return server_place(postgresql)


def server_place(postgresql: PostgresqlServer) -> ServerPlace:
    postgresql.sql("".join(f"DROP SCHEMA IF EXISTS ledger_{name} CASCADE;" for name in ("log", "keys", "lock")))
    return ServerPlace(postgresql)


@pytest.fixture(params=["file", "postgresql"])
def gate_place(request: pytest.FixtureRequest, tmp_path: Path) -> GatePlace:
    """Where there is no gate's database yet."""
    if request.param == "file":
        return FileGate(tmp_path / "gate.db")
    gate: ServerGate = request.getfixturevalue("gate_server")
    return gate


@pytest.fixture
def gate_server(postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch) -> ServerGate:
    """A database without a gate's tables."""
    monkeypatch.setenv("ARMSLENGTH_TESTS_WITHOUT_FSYNC", "1")
    return ServerGate(postgresql).emptied()
