"""A gate's figures, asked for when they are read. None of them is about a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from armslength.service import GateHealth


class GateMetrics(Collector):
    """Figures of the gate whose health `look` gives."""

    def __init__(self, registry: CollectorRegistry, look: Callable[[], GateHealth]) -> None:
        self._look = look
        registry.register(self)

    def describe(self) -> Iterator[Metric]:
        """Nothing: or registering would ask for the figures."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        health = self._look()
        for name, told, value in (
            ("armslength_gate_ready", "1 if the gate is fit to decide", int(health.unready is None)),
            ("armslength_gate_position", "Entries of the ledger that the gate has taken in", health.position),
            ("armslength_gate_waiting", "Requests that wait for an answer", health.waiting),
            ("armslength_gate_live", "Leases that are live", health.live),
            ("armslength_gate_keys", "People who have a passkey that counts", health.keys),
            ("armslength_gate_reviews_overdue", "Leases under break-glass not reviewed in time", health.overdue),
            ("armslength_gate_drill_due", "1 if the last drill is longer ago than drill_days", int(health.drill_due)),
            (
                "armslength_gate_drilled_seconds",
                "When the last drill ended, in POSIX seconds; 0 if none is known",
                0 if health.drilled is None else health.drilled.at,
            ),
            ("armslength_gate_rows_behind", "Rows that have still to be written", health.behind),
            ("armslength_gate_tampered", "Objects whose row is not what the ledger says", len(health.tampered)),
            ("armslength_gate_problems", "What went wrong in the last sweep, by its parts", len(health.problems)),
        ):
            yield GaugeMetricFamily(name, told, value=value)
        yield from _directories(health)
        if (shared := health.shared) is not None:
            for name, told, figure in (
                ("armslength_gate_leads", "1 if this gate holds the writer's seat", float(shared.leads)),
                ("armslength_gate_cut_seconds", "Seconds since the shared stores were last reached", shared.cut),
                ("armslength_gate_handed", "Acts of this gate that wait to be recorded", float(shared.handed)),
                ("armslength_gate_apart", "Refusals and ends of leases kept here until recorded", float(shared.apart)),
            ):
                yield GaugeMetricFamily(name, told, value=figure)


def _directories(health: GateHealth) -> Iterator[Metric]:
    """How each directory is heard."""
    if not health.directories:
        return
    unheard = GaugeMetricFamily(
        "armslength_gate_directory_unheard", "People of whom it has said nothing for too long", labels=["directory"]
    )
    heard = GaugeMetricFamily(
        "armslength_gate_directory_oldest_seconds",
        "When the person was said that was not for longest, in POSIX seconds; 0 if there is none",
        labels=["directory"],
    )
    doubted = GaugeMetricFamily(
        "armslength_gate_directory_doubted", "People said to have left who were too many at once", labels=["directory"]
    )
    for each in health.directories:
        unheard.add_metric([each.id], each.unheard)
        heard.add_metric([each.id], each.oldest or 0)
        doubted.add_metric([each.id], each.doubted)
    yield from (unheard, heard, doubted)
