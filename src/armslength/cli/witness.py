"""`armslength witness`: makes a witness, tells it which logs to watch, and runs it."""

from __future__ import annotations

import argparse
import datetime as dt
import logging
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import closing

from armslength.cli.screen import Screen
from armslength.service import LogStatus, Refusal, Witness, create_witness
from armslength.tlog import Algorithm, VerifierKey

_FORMS = {
    Algorithm.COSIGNATURE_ML_DSA_44: "ML-DSA-44",
    Algorithm.COSIGNATURE_ED25519: "Ed25519",
}


def run(options: argparse.Namespace, screen: Screen) -> int:
    """`status` gives 1 if a log showed two histories; whatever cannot be done ends elsewhere, with status 2."""
    verbs: dict[str, Callable[[argparse.Namespace, Screen], int]] = {
        "init": _init,
        "add-log": _add_log,
        "drop-key": _drop_key,
        "key": _key,
        "serve": _serve,
        "status": _status,
    }
    return verbs[options.verb](options, screen)


def _now() -> int:
    return int(time.time())


def _init(options: argparse.Namespace, screen: Screen) -> int:
    keys = create_witness(options.folder, options.name, secrets.token_bytes)
    screen.note(f"made a witness in {options.folder}; what is secret in it is witness.key")
    screen.say(_policy(keys, None))
    return 0


def _add_log(options: argparse.Namespace, screen: Screen) -> int:
    with closing(Witness(options.folder, _now)) as witness:
        origins = witness.trust(options.vkeys)
    screen.say(f"witnesses {origin}" for origin in origins)
    return 0


def _drop_key(options: argparse.Namespace, screen: Screen) -> int:
    with closing(Witness(options.folder, _now)) as witness:
        witness.distrust(options.vkeys)
        left = {log.origin: len(log.keys) for log in witness.status()}
    for origin in dict.fromkeys(VerifierKey.parse(text).name for text in options.vkeys):
        keys = left.get(origin, 0)
        screen.say([f"{origin}: {keys} keys left" if keys else f"{origin}: no key left, so it is not witnessed now"])
    return 0


def _key(options: argparse.Namespace, screen: Screen) -> int:
    with closing(Witness(options.folder, _now)) as witness:
        screen.say(_policy(witness.keys, options.url))
    return 0


def _policy(keys: tuple[VerifierKey, ...], url: str | None) -> list[str]:
    """The keys as lines of a policy. The names in it are the policy's own: any that is not taken will do."""
    lines = []
    for key in keys:
        form = _FORMS[key.algorithm]
        lines += [
            f"# {form}: every policy but those for programs that know no ML-DSA"
            if form == "ML-DSA-44"
            else f"# {form}: the same witness, for those; in one policy take one of the two",
            " ".join(("witness", f"{key.name}/{form.lower()}", key.text, *([url] if url else []))),
        ]
    return lines


def _serve(options: argparse.Namespace, screen: Screen) -> int:
    from prometheus_client import CollectorRegistry

    from armslength.web import Listener, WitnessMetrics, operations_app, serve, witness_app

    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    with closing(Witness(options.folder, _now)) as witness:
        registry = CollectorRegistry()
        metrics = WitnessMetrics(registry)
        logs = witness.status()
        for log in logs:
            if log.latest is not None:
                metrics.stands(log.origin, size=log.latest.checkpoint.size, time=log.latest.time)
        listeners = [Listener(app=witness_app(witness, metrics), host=options.listen[0], port=options.listen[1])]
        if options.metrics is not None:
            host, port = options.metrics
            listeners.append(Listener(app=operations_app(registry, witness.ready), host=host, port=port))

        def started(urls: tuple[str, ...]) -> None:
            screen.say([f"{witness.name} listens at {urls[0]}, for {len(logs):,} logs"])
            screen.say(f"figures at {url}/metrics" for url in urls[1:])

        try:
            serve(listeners, started)
        except OSError as error:
            raise Refusal([f"cannot listen: {Screen.reason(error)}"]) from None
    return 0


def _status(options: argparse.Namespace, screen: Screen) -> int:
    with closing(Witness(options.folder, _now)) as witness:
        logs = witness.status()
        screen.say([f"{witness.name} witnesses {sum(1 for log in logs if log.keys):,} logs"])
        for log in logs:
            screen.say(_log(log))
    return 1 if any(log.splits for log in logs) else 0


def _log(log: LogStatus) -> list[str]:
    lines = ["", log.origin]
    if log.latest is None:
        lines.append("  nothing cosigned yet")
    else:
        at = dt.datetime.fromtimestamp(log.latest.time, dt.UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        lines.append(f"  size {log.latest.checkpoint.size} cosigned at {at}")
    lines += [f"  trusts {key.label}" for key in log.keys] or ["  trusts no key: not witnessed now"]
    for split in log.splits:
        lines.append("  SPLIT VIEW: the log signed two roots for one size; these two notes prove it:")
        for note in (split.ours, split.other):
            lines += ["", *(f"    {line}" for line in note.splitlines())]
    return lines
