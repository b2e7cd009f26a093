"""`armslength serve`: runs a gate with everything that it needs, until it is told to stop."""

from __future__ import annotations

import argparse
import contextlib
import secrets
import socket
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from armslength.cli.log_lines import log_lines
from armslength.cli.screen import Screen
from armslength.console import NotADemonstration, console_app, demonstration_keys, found_demonstration
from armslength.gate import GateError
from armslength.service import Delivery, Gate, Refusal, create_gate, open_gate
from armslength.store import GateSettings, StoreError, can_post, describe, find, public_source
from armslength.tlog import Malformed

SAMPLE = "examples/meridian/after"
DEMO_PORT = 8080


def run(options: argparse.Namespace, screen: Screen) -> int:
    """0 once it was told to stop; whatever keeps it from running ends elsewhere, with status 2."""
    log_lines(sys.stderr)
    if options.folder is None and not options.demo:
        raise Refusal(["which gate? give its FOLDER, or --demo for one to try out"])
    if options.estate is not None and not options.demo:
        raise Refusal(["--estate is for --demo: a gate has its estate, and another one is proposed to it"])
    with contextlib.ExitStack() as stack:
        try:
            if options.demo:
                gate, listen = _demo(options, stack, screen)
            else:
                gate = stack.enter_context(contextlib.closing(open_gate(Path(options.folder))))
                check_served(gate)
                listen = options.listen or address_of(gate.settings.url)
            _serve(gate, listen, options, stack, screen)
        except (StoreError, GateError, Malformed, NotADemonstration) as error:
            raise Refusal(str(error).splitlines()) from None
    return 0


def _serve(
    gate: Gate,
    listen: tuple[str, int],
    options: argparse.Namespace,
    stack: contextlib.ExitStack,
    screen: Screen,
) -> None:
    from prometheus_client import CollectorRegistry

    from armslength.web import (
        GateMetrics,
        LedgerMetrics,
        Listener,
        ReadMetrics,
        gate_app,
        operations_app,
        read_path_app,
        serve,
    )

    registry = CollectorRegistry()
    ledger = gate.ledger
    GateMetrics(registry, gate.health)
    LedgerMetrics(registry, ledger.health)
    for answer in ledger.health().unasked:
        screen.warn([f"{answer.url} did not say at the start what it knows of this ledger: {answer.problem}"])
    if gate.settings.notices and not can_post():
        screen.warn(["notices are set, and nothing can be sent: install armslength[notices]"])
    app = gate_app(gate, otherwise=console_app(gate, demo=options.demo))
    listeners = [Listener(app=app, host=listen[0], port=listen[1], quick=True)]
    if options.points is not None:
        host, port = options.points
        listeners.append(Listener(app=gate_app(gate), host=host, port=port, quick=True))
    if options.metrics is not None:
        host, port = options.metrics
        listeners.append(Listener(app=operations_app(registry, gate.ready), host=host, port=port))
    if options.public is not None:
        host, port = options.public
        app = read_path_app(public_source(ledger.folder), ReadMetrics(registry))
        listeners.append(Listener(app=app, host=host, port=port))
    gate.start()
    delivery = Delivery(gate)
    delivery.start()
    stack.callback(delivery.close)

    def started(urls: tuple[str, ...]) -> None:
        screen.say([f"{gate.settings.name}: open {gate.settings.url} (listens at {urls[0]})"])
        rest = list(urls[1:])
        if options.points is not None:
            screen.say([f"for enforcement points at {rest.pop(0)}"])
        if options.metrics is not None:
            screen.say([f"figures at {rest.pop(0)}/metrics"])
        if options.public is not None:
            screen.say([f"the ledger's checkpoint and tiles at {rest.pop(0)}"])

    try:
        serve(listeners, started)
    except OSError as error:
        raise Refusal([f"cannot listen: {Screen.reason(error)}"]) from None


def _demo(options: argparse.Namespace, stack: contextlib.ExitStack, screen: Screen) -> tuple[Gate, tuple[str, int]]:
    """A gate founded with the demonstration's keys, made if it is not there."""
    host, port = options.listen or ("127.0.0.1", DEMO_PORT)
    port = port or _free(host)
    if options.folder is None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="armslength-demo-"))) / "gate"
    else:
        folder = Path(options.folder)
    if folder.exists() and any(folder.iterdir()):
        gate = stack.enter_context(contextlib.closing(open_gate(folder)))
        return gate, address_of(gate.settings.url)
    if options.estate is None and not Path(SAMPLE).is_dir():
        raise Refusal([f"there is no {SAMPLE} here: give the demo's estate with --estate"])
    estate = options.estate or SAMPLE
    settings = GateSettings(origin="demo.example/gate", url=f"http://localhost:{port}", name="Armslength demonstration")
    create_gate(folder, settings=settings, estate=find(estate).files, clock=time.time, chance=secrets.token_bytes)
    gate = stack.enter_context(contextlib.closing(open_gate(folder)))
    with screen.progress("seeding the demonstration") as progress:
        people = found_demonstration(gate, progress.step)
    screen.note(f"{describe(estate)}, with {len(people)} people to act as; their keys are worth nothing")
    return gate, (host, port)


def check_served(gate: Gate) -> None:
    """Raises `Refusal` for a gate that anybody could sign in to: the demonstration's keys follow from public words."""
    if people := demonstration_keys(gate):
        raise Refusal(
            [
                f"{len(people)} people's passkeys are the demonstration's, which anybody can compute; such a gate is"
                " served with --demo alone: make another one with armslength gate init"
            ]
        )


def address_of(url: str) -> tuple[str, int]:
    """Where a gate listens that was not told: on this machine, at the port of its URL."""
    parts = urlsplit(url)
    if parts.port is None:
        raise Refusal([f"where to listen? give --listen HOST:PORT: {url} names no port"])
    return "127.0.0.1", parts.port


def _free(host: str) -> int:
    with contextlib.closing(socket.create_server((host, 0))) as taken:
        return int(taken.getsockname()[1])
