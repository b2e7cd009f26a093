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
            ("armslength_gate_rows_behind", "Rows that have still to be written", health.behind),
            ("armslength_gate_tampered", "Objects whose row is not what the ledger says", len(health.tampered)),
            ("armslength_gate_problems", "What went wrong in the last sweep, by its parts", len(health.problems)),
        ):
            yield GaugeMetricFamily(name, told, value=value)
