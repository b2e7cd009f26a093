"""One server for all tests of a run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.intake.postgresql.server import PostgresqlServer, running_postgresql


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresqlServer]:
    with running_postgresql() as found:
        yield found
