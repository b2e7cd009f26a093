"""What is served over HTTP: a witness, what anyone may read of a log, and figures for the operator.

witness_app(witness, metrics)          c2sp.org/tlog-witness
read_path_app(public, metrics)         c2sp.org/tlog-tiles, from a log's public folder
operations_app(registry, ready)        /metrics, /healthz, /readyz
serve(listeners, started)              run them until the process is told to end
running(app) -> url                    run one in a thread, as long as a block lasts
verify_page() -> html                  not served: one file with which a customer verifies their bundle offline
"""

from armslength.web.bundle_page import verify_page
from armslength.web.ledger_metrics import LedgerMetrics
from armslength.web.metrics import ReadMetrics, WitnessMetrics, operations_app
from armslength.web.read_path import read_path_app
from armslength.web.server import Listener, running, serve
from armslength.web.witness import witness_app

__all__ = [
    "LedgerMetrics",
    "Listener",
    "ReadMetrics",
    "WitnessMetrics",
    "operations_app",
    "read_path_app",
    "running",
    "serve",
    "verify_page",
    "witness_app",
]
