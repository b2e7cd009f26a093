"""A ledger's figures: what they say is what is so, and a program that reads Prometheus' form can read them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from armslength.service import Ledger, Unsettled
from armslength.store import StorageFailed
from armslength.web import LedgerMetrics
from tests.service.ledgers import act, ledger_folder, opened, recorded
from tests.service.logs import NOW
from tests.service.watchers import lines, saying, trusted, watching

NAMES = {
    "armslength_ledger_size",
    "armslength_ledger_waiting",
    "armslength_ledger_failures",
    "armslength_ledger_stopped",
    "armslength_ledger_published",
    "armslength_ledger_published_time_seconds",
    "armslength_ledger_unpublished",
    "armslength_ledger_quorum_missed",
    "armslength_ledger_recorded_total",
    "armslength_ledger_batches_total",
    "armslength_ledger_witness_up",
}


def samples(registry: CollectorRegistry) -> list[Sample]:
    """What a scrape reads."""
    text = generate_latest(registry).decode()
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def figures(registry: CollectorRegistry) -> dict[str, float]:
    """Those without labels, without the program's name before them."""
    return {s.name.removeprefix("armslength_ledger_"): s.value for s in samples(registry) if not s.labels}


def _opened(path: Path, witnesses: str = "", step: Callable[[str], None] | None = None) -> Ledger:
    return opened(ledger_folder(path / "ledger", witnesses=witnesses), step=step)


@contextmanager
def measured(ledger: Ledger) -> Iterator[tuple[Ledger, CollectorRegistry]]:
    """The ledger, until it is closed, and the registry of its figures."""
    with ledger:
        registry = CollectorRegistry()
        LedgerMetrics(registry, ledger.health)
        yield ledger, registry


def test_the_figures_follow_what_happens(tmp_path: Path) -> None:
    """An alarm would come late, or never."""
    with watching(tmp_path, "anna", "bruno") as watchers, measured(_opened(tmp_path, lines(watchers, "all"))) as it:
        ledger, registry = it
        trusted(watchers, ledger.folder)
        before = figures(registry)
        assert set(before.values()) == {0.0}
        recorded(ledger, act("one", "acme", "beta"), act("two", "acme"))
        assert figures(registry) | {"batches_total": 0} == before | {
            "size": 3,
            "recorded_total": 2,
            "unpublished": 3,
            "batches_total": 0,
        }
        ledger.publish()
        now = figures(registry)
        assert (now["published"], now["unpublished"], now["quorum_missed"]) == (3, 0, 0)
        assert now["published_time_seconds"] == NOW
        up = {s.labels["witness"]: s.value for s in samples(registry) if s.name == "armslength_ledger_witness_up"}
        assert up == {each.url: 1 for each in watchers}
        watchers[1].door.instead = saying(500)
        recorded(ledger, act("three", "acme"))
        ledger.publish()
        now = figures(registry)
        assert (now["published"], now["unpublished"], now["quorum_missed"], now["stopped"]) == (3, 1, 1, 0)
        up = {s.labels["witness"]: s.value for s in samples(registry) if s.name == "armslength_ledger_witness_up"}
        assert up == {watchers[0].url: 1, watchers[1].url: 0}
        watchers[1].door.instead = None
        ledger.publish()
        now = figures(registry)
        assert (now["published"], now["unpublished"], now["quorum_missed"]) == (4, 0, 0)


def test_failures_and_a_stop_are_figures(tmp_path: Path) -> None:
    """Nobody looks at the log of a program that says nothing."""
    raising: list[Exception] = []

    def step(name: str) -> None:
        if name == "signed" and raising:
            raise raising.pop()

    with measured(_opened(tmp_path, step=step)) as (ledger, registry):
        for number in range(1, 3):
            raising.append(StorageFailed("log.db: disk I/O error"))
            with pytest.raises(Unsettled):
                recorded(ledger, act("one", "acme"))
            now = figures(registry)
            assert (now["failures"], now["stopped"], now["recorded_total"]) == (number, number - 1, 0)
        ledger.reload()
        recorded(ledger, act("one", "acme"))
        now = figures(registry)
        assert (now["failures"], now["stopped"], now["recorded_total"], now["size"]) == (0, 0, 1, 1)


def test_the_figures_are_those_that_the_manual_tells(tmp_path: Path, root: Path) -> None:
    """An alarm on a figure that is not there never rings."""
    with measured(_opened(tmp_path)) as (_, registry):
        text = generate_latest(registry).decode()
    shown = set(re.findall(r"^# TYPE (armslength_ledger_\w+)", text, re.MULTILINE))
    assert shown == NAMES
    manual = (root / "docs" / "ledger.md").read_text("utf-8")
    assert set(re.findall(r"`(armslength_ledger_\w+)`", manual)) == NAMES


def test_two_ledgers_in_one_process_keep_their_figures_apart(tmp_path: Path) -> None:
    """The one that is down would be hidden by the one that is not."""
    with measured(_opened(tmp_path / "one")) as (ledger, one), measured(_opened(tmp_path / "two")) as (_, two):
        recorded(ledger, act("one", "acme"))
        assert (figures(one)["size"], figures(two)["size"]) == (1, 0)
