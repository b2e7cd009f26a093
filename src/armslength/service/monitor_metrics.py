"""A monitor's figures in Prometheus' form, for node-exporter's textfile collector."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from armslength.service.monitor import Round
from armslength.service.monitor_finding import FindingKind


def round_figures(round: Round) -> bytes:
    """The file's bytes. Every kind of finding is there, those that were not found with 0."""
    registry = CollectorRegistry()
    label = round.origin or ""

    def gauge(name: str, told: str, value: float) -> None:
        Gauge(f"armslength_monitor_{name}", told, ["log"], registry=registry).labels(label).set(value)

    gauge("served_entries", "Entries of the checkpoint that the log showed; -1 for none", _or(round.served))
    gauge("mirrored_entries", "Entries that are verified and mirrored", round.size)
    gauge("checked_entries", "Entries whose content was checked", round.checked)
    gauge("newest_entry_seconds", "POSIX time of the newest entry", round.newest)
    gauge("round_seconds", "POSIX time at which the last round ended", round.at)
    found = Gauge("armslength_monitor_findings", "Findings of the last round", ["log", "kind"], registry=registry)
    proven = Gauge("armslength_monitor_proven", "Those with evidence that stands alone", ["log"], registry=registry)
    for kind in FindingKind:
        found.labels(label, kind.value).set(sum(finding.kind is kind for finding in round.findings))
    proven.labels(label).set(sum(finding.stands for finding in round.findings))
    return generate_latest(registry)


def _or(served: int | None) -> int:
    return -1 if served is None else served
