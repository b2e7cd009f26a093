"""The verbs that compute all lengths, with a second process and without."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pytest

from armslength.store import Companion
from tests.cli.ran import DAY, MERIDIAN, run

BEFORE, AFTER = MERIDIAN / "before", MERIDIAN / "after"
VERBS: tuple[Sequence[str], ...] = (
    ("reach", str(BEFORE), "--format", "json"),
    ("diff", str(BEFORE), str(AFTER), "--format", "json"),
    ("whatif", str(BEFORE), "--leaver", "person:identity-006", "--format", "json"),
)


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """As if the estate were large, and two cores here; the processes that were started."""
    found: list[int | None] = []
    ready = Companion.ready

    def counted(self: Companion) -> None:
        ready(self)
        found.append(self.pid)

    monkeypatch.setattr("armslength.reach.ascent.LARGE", 0)
    monkeypatch.setattr("armslength.store.companion.cores", lambda: 2)
    monkeypatch.setattr(Companion, "ready", counted)
    return found


@pytest.mark.parametrize("arguments", VERBS, ids=lambda given: given[0])
def test_the_second_process_changes_nothing_that_is_printed(
    arguments: Sequence[str], started: list[int | None], capsys: pytest.CaptureFixture[str]
) -> None:
    alone = run(capsys, *arguments, "--at", DAY, "--processes", "1")
    assert not started
    together = run(capsys, *arguments, "--at", DAY)
    assert started[0] is not None
    assert together == alone


def test_where_the_second_process_fails_the_answer_is_there_with_a_note(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = (*VERBS[0], "--at", DAY)
    alone = run(capsys, *arguments, "--processes", "1")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    failed = run(capsys, *arguments)
    assert (failed.status, failed.out) == (alone.status, alone.out)
    assert "note: the second process failed, so this one did all of the work: it did not start" in failed.err
