"""A ledger's figures, asked for when they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from armslength.service import LedgerHealth


class LedgerMetrics(Collector):
    """Figures of the ledger whose health `look` gives."""

    def __init__(self, registry: CollectorRegistry, look: Callable[[], LedgerHealth]) -> None:
        self._look = look
        registry.register(self)

    def describe(self) -> Iterator[Metric]:
        """Nothing: or registering would ask for the figures."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        health = self._look()
        writer, publisher = health.writer, health.publisher
        for name, told, value in (
            ("armslength_ledger_size", "Entries that are durable", writer.size),
            ("armslength_ledger_waiting", "Acts that wait to be recorded", writer.waiting),
            ("armslength_ledger_failures", "Storage errors since the last batch that went through", writer.failures),
            ("armslength_ledger_stopped", "1 if nothing is recorded any more", int(writer.stopped is not None)),
            ("armslength_ledger_published", "Size of the newest checkpoint that met the quorum", publisher.published),
            ("armslength_ledger_published_time_seconds", "POSIX time when it was published", publisher.at),
            (
                "armslength_ledger_unpublished",
                "Entries that no such checkpoint covers",
                writer.size - publisher.published,
            ),
            (
                "armslength_ledger_quorum_missed",
                "1 if the last try to publish failed",
                int(publisher.problem is not None),
            ),
        ):
            yield GaugeMetricFamily(name, told, value=value)
        for name, told, count in (
            ("armslength_ledger_recorded", "Acts recorded since the start", writer.recorded),
            ("armslength_ledger_batches", "Batches committed since the start", writer.batches),
        ):
            yield CounterMetricFamily(name, told, value=count)
        witnesses = GaugeMetricFamily(
            "armslength_ledger_witness_up", "1 if the witness cosigned when it was last asked", labels=["witness"]
        )
        for answer in publisher.witnesses:
            witnesses.add_metric([answer.url], int(answer.problem is None))
        yield witnesses
