"""What is served over HTTP: the gate, a witness, what anyone may read of a log, and figures for the operator.

gate_app(gate)                         OpenID AuthZEN with access requests, answers for proxies, uses of leases
witness_app(witness, metrics)          c2sp.org/tlog-witness
read_path_app(public, metrics)         c2sp.org/tlog-tiles, from a log's public folder
operations_app(registry, ready)        /metrics, /healthz, /readyz
serve(listeners, started)              run them until the process is told to end
running(app) -> url                    run one in a thread, as long as a block lasts
verify_page() -> html                  not served: one file with which a customer verifies their bundle offline

The gate is loaded when it is first asked for: a witness needs none of it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from armslength.web.bundle_page import verify_page
from armslength.web.edge import Edge, named, read_body, told
from armslength.web.ledger_metrics import LedgerMetrics
from armslength.web.metrics import ReadMetrics, WitnessMetrics, operations_app
from armslength.web.read_path import read_path_app
from armslength.web.server import Listener, running, serve
from armslength.web.witness import witness_app

if TYPE_CHECKING:
    from armslength.web.gate_endpoints import gate_app
    from armslength.web.gate_metrics import GateMetrics

_LATE = {"gate_endpoints": ("gate_app",), "gate_metrics": ("GateMetrics",)}
_MODULE = {name: module for module, names in _LATE.items() for name in names}

__all__ = [
    "Edge",
    "GateMetrics",
    "LedgerMetrics",
    "Listener",
    "ReadMetrics",
    "WitnessMetrics",
    "gate_app",
    "named",
    "operations_app",
    "read_body",
    "read_path_app",
    "running",
    "serve",
    "told",
    "verify_page",
    "witness_app",
]


def __getattr__(name: str) -> object:
    module = _MODULE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
