"""Gates that are tried here stand on a disk in memory: none of it needs the disk's own time."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.campaign import scratch
from tests.gate_model.scene import scene
from tests.gate_model.workshop import Workshop
from tests.service.ledgers import Chance


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder of its own."""
    with tempfile.TemporaryDirectory(prefix="armslength-gate-model-", dir=scratch()) as folder:
        yield Path(folder)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    """A founded gate, open."""
    workshop = Workshop.made(tmp_path)
    try:
        yield workshop
    finally:
        workshop.close()


@pytest.fixture
def copied(tmp_path: Path) -> Workshop:
    """The scene, closed."""
    here = scene()
    shutil.copytree(here.path, tmp_path / "gate")
    shop = Workshop(tmp_path / "gate", chance=Chance("copied"))
    shop.clock.now = here.now + 1
    return shop
