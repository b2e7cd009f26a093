"""Commands are run in the tests' own process; what one of them sets for the whole process ends with its test."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A command that serves has the process's log written to its own standard error, which here is gone afterwards."""
    root, ours = logging.getLogger(), logging.getLogger("armslength")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
