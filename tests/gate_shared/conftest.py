"""One server for each worker, and on it a founded firm with two gates to copy."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.campaign import scratch
from tests.gate_shared.pair import Pair, founded
from tests.gate_shared.server import WITHOUT_FSYNC, SharedServer, shared_server


@pytest.fixture(scope="session")
def server() -> Iterator[SharedServer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(WITHOUT_FSYNC, "1")
        with shared_server() as running:
            yield running


@pytest.fixture(scope="session")
def template(server: SharedServer) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="armslength-founded-", dir=scratch()) as place:
        founded(server, "founded", Path(place))
        yield Path(place)


@pytest.fixture
def pair(server: SharedServer, template: Path) -> Iterator[Pair]:
    made = Pair(server, template)
    try:
        yield made
    finally:
        made.close()
