"""`armslength ledger`: makes a ledger, records acts, runs it, checks it, and hands out what customers check."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import logging
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from typing import Any

from armslength.cli.progress import Progress
from armslength.cli.screen import Screen
from armslength.ledger import (
    Everything,
    Kind,
    Records,
    counted,
    format_base64url,
    format_bundle,
    format_scope,
    parse_base64url,
)
from armslength.service import (
    Act,
    AppendError,
    Ledger,
    LedgerStatus,
    PublisherHealth,
    Refusal,
    Whose,
    add_keys,
    adopt_keys,
    check_ledger,
    create_ledger,
    customer_bundle,
    export_sublog,
    ledger_status,
    move_ledger,
    open_ledger,
    prove_entry,
    read_acts,
    receipt_document,
    retire_keys,
    write_file,
)
from armslength.store import (
    LedgerFolder,
    LedgerSettings,
    StorageFailed,
    StoreError,
    is_bucket,
    is_postgresql,
    open_public,
    public_source,
    read_ledger_folder,
)
from armslength.tlog import Malformed, TlogError, check_key_name


def run(options: argparse.Namespace, screen: Screen) -> int:
    """0; 1 where `status` or `fsck` found something wrong; whatever cannot be done ends elsewhere, with status 2."""
    verbs: dict[str, Callable[[argparse.Namespace, Screen], int]] = {
        "init": _init,
        "append": _append,
        "status": _status,
        "serve": _serve,
        "fsck": _fsck,
        "export": _export,
        "erase": _erase,
        "rotate-key": _rotate_key,
        "adopt-keys": _adopt_keys,
        "move": _move,
    }
    try:
        return verbs[options.verb](options, screen)
    except (AppendError, StoreError, TlogError) as error:
        raise Refusal(str(error).splitlines()) from None


def _init(options: argparse.Namespace, screen: Screen) -> int:
    try:
        check_key_name(options.origin)
    except Malformed as error:
        raise Refusal([f"--origin {options.origin!r}: {error}"]) from None
    witnesses = _text(options.witnesses) if options.witnesses else ""
    said: dict[str, Any] = {
        "bucket_endpoint": options.bucket_endpoint or "",
        "bucket_region": options.bucket_region or "",
    }
    if options.bucket_credentials:
        said["bucket_credentials"] = os.path.abspath(options.bucket_credentials)
    places = _places(options, "log", "keys", "lock", "public")
    settings = replace(LedgerSettings(origin=options.origin), **places, **said)
    path = Path(options.folder)
    folder = create_ledger(path, settings=settings, witnesses=witnesses, clock=time.time, chance=secrets.token_bytes)
    _publish_beside(folder, screen)
    _warn_together(folder, screen)
    screen.note(f"made a ledger in {path}; what is secret in it: signing.keys and {settings.keys}")
    screen.note("give witnesses and customers these keys, on a way they can trust:")
    screen.say(f"log {key.verifier.text}" for key in folder.signers)
    return 0


def _move(options: argparse.Namespace, screen: Screen) -> int:
    path = Path(options.folder)
    places = _places(options, "log", "keys", "lock")
    if not places:
        raise Refusal(["nothing to move: expected --log, --keys or --lock"])
    with screen.progress("copying") as progress:
        left = move_ledger(path, places, progress=_telling(progress))
    _warn_together(read_ledger_folder(path, signing=False), screen)
    screen.note("the ledger is where it was asked to be, and everything in it adds up; destroy what was there before:")
    screen.say(str(place) for place in left)
    return 0


def _places(options: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Where stores are to be, by name: paths that hold from everywhere, and connection strings."""
    given = {name: value for name in names if (value := getattr(options, name)) is not None}
    elsewhere = {name for name, said in given.items() if is_postgresql(said) or is_bucket(said)}
    return {name: said if name in elsewhere else os.path.abspath(said) for name, said in given.items()}


def _warn_together(folder: LedgerFolder, screen: Screen) -> None:
    """Stores in one database are lost, restored and stolen together."""
    stores = {"log": folder.log, "keys": folder.keys, "lock": folder.lock}
    shared = {place: [name for name in stores if stores[name] == place] for place in stores.values()}
    screen.warn(
        f"{' and '.join(names)} are in one database: who restores or steals one has the other; give each its own"
        for names in shared.values()
        if len(names) > 1
    )


def _append(options: argparse.Namespace, screen: Screen) -> int:
    try:
        data = sys.stdin.buffer.read() if options.file == "-" else Path(options.file).read_bytes()
    except OSError as error:
        raise Refusal([f"cannot read {options.file!r}: {screen.reason(error)}"]) from None
    acts = read_acts(options.file, data.splitlines(), chance=secrets.token_bytes)
    with open_ledger(Path(options.folder)) as ledger, screen.progress("recording") as progress:
        progress.doing("recording", len(acts))
        most = ledger.folder.settings.queue
        refused = 0
        for start in range(0, len(acts), most):
            futures = [(line, ledger.append(act)) for line, act in acts[start : start + most]]
            for line, future in futures:
                try:
                    receipt = future.result()
                except Malformed as error:
                    refused += 1
                    screen.complain(f"{options.file}:{line}: {error}")
                else:
                    screen.write([json.dumps(receipt_document(receipt)) + "\n"])
                progress.step()
        ledger.publish()
        health = ledger.health()
    _tell(health.publisher, screen)
    return 2 if refused else 0


def _status(options: argparse.Namespace, screen: Screen) -> int:
    found = ledger_status(read_ledger_folder(Path(options.folder), signing=False))
    if options.format == "json":
        screen.write([json.dumps(_status_document(found), indent=2) + "\n"])
    else:
        screen.say(_status_lines(found))
    return 1 if found.problems else 0


def _status_lines(found: LedgerStatus) -> Iterable[str]:
    yield found.origin
    durable = f"  {_entries(found.size)} durable, the newest of {_when(found.time)}"
    yield durable if found.size else "  no entries yet"
    records, customers = found.rows["records"], found.rows["customers"]
    yield f"  {counted(records, 'record')} of {counted(customers, 'customer')} (the firm counts as one)"
    if found.assessment is not None:
        yield f"  {_entries(found.published)} published"
        for name, at in found.assessment.witnesses:
            yield f"  cosigned by {name} at {_when(at)}"
    for key in found.signing:
        yield f"  signs with {key.label}"
    for problem in found.problems:
        yield f"  PROBLEM: {problem}"


def _status_document(found: LedgerStatus) -> dict[str, object]:
    cosigned = dict(found.assessment.witnesses) if found.assessment is not None else {}
    return {
        "origin": found.origin,
        "size": found.size,
        "locked": found.held,
        "mapped": found.mapped,
        "time": _when(found.time) if found.size else None,
        "published": found.published,
        "quorum_met": found.assessment is not None and found.assessment.quorum_met,
        "witnesses": {name: _when(at) for name, at in cosigned.items()},
        "signing": [key.text for key in found.signing],
        "rows": dict(found.rows),
        "problems": list(found.problems),
    }


def _serve(options: argparse.Namespace, screen: Screen) -> int:
    from prometheus_client import CollectorRegistry

    from armslength.web import LedgerMetrics, Listener, ReadMetrics, operations_app, read_path_app, serve

    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    path = Path(options.folder)
    ledger = None if options.read_only else open_ledger(path)
    try:
        folder = read_ledger_folder(path, signing=False) if ledger is None else ledger.folder
        registry = CollectorRegistry()
        app = read_path_app(public_source(folder), ReadMetrics(registry))
        listeners = [Listener(app=app, host=options.listen[0], port=options.listen[1])]
        if ledger is not None:
            LedgerMetrics(registry, ledger.health)
            for answer in ledger.health().unasked:
                screen.warn([f"{answer.url} did not say at the start what it knows of this log: {answer.problem}"])
            _publish_beside(folder, screen)
            ledger.start()
        if options.metrics is not None:
            host, port = options.metrics
            ready = _ready(ledger) if ledger is not None else (lambda: None)
            listeners.append(Listener(app=operations_app(registry, ready), host=host, port=port))

        def started(urls: tuple[str, ...]) -> None:
            screen.say([f"{folder.settings.origin} is served at {urls[0]}"])
            screen.say(f"figures at {url}/metrics" for url in urls[1:])

        try:
            serve(listeners, started)
        except OSError as error:
            raise Refusal([f"cannot listen: {Screen.reason(error)}"]) from None
    finally:
        if ledger is not None:
            ledger.close()
    return 0


def _ready(ledger: Ledger) -> Callable[[], str | None]:
    """Why acts cannot be recorded; that too few witnesses answer is told by the figures, and stops nothing."""
    return lambda: ledger.health().writer.stopped


def _fsck(options: argparse.Namespace, screen: Screen) -> int:
    folder = read_ledger_folder(Path(options.folder), signing=False)
    with screen.progress("checking") as progress:
        found = check_ledger(folder, progress=_telling(progress))
    if options.format == "json":
        document = {
            "size": found.size,
            "records": found.records,
            "customers": found.customers,
            "opened": found.opened,
            "erased": found.erased,
            "lost": found.lost,
            "published": found.published,
            "findings": [{"where": each.where, "problem": each.problem} for each in found.findings],
        }
        screen.write([json.dumps(document, indent=2) + "\n"])
    else:
        screen.say(
            [
                f"{_entries(found.size)}, {counted(found.records, 'record')} of"
                f" {counted(found.customers, 'customer')}, {found.published:,} published",
                f"{counted(found.opened, 'record')} open, {found.erased:,} erased, {found.lost:,} lost",
                *(f"FINDING: {each.where}: {each.problem}" for each in found.findings),
                *(() if found.findings else ("all that is stored adds up",)),
            ]
        )
    return 1 if found.findings else 0


def _telling(progress: Progress) -> Callable[[str, int, int], None]:
    """Shows how far a check or a copy is."""
    stage = ""

    def tell(what: str, done: int, total: int) -> None:
        nonlocal stage
        if what != stage:
            stage = what
            progress.doing(what if what == "copying" else f"checking {what}", total)
        progress.reached(done)

    return tell


def _export(options: argparse.Namespace, screen: Screen) -> int:
    folder = read_ledger_folder(Path(options.folder))
    if options.bundle is None and options.into is None and options.proof is None:
        raise Refusal(["nothing to export: expected --bundle, --tiles or --proof"])
    if (options.proof is None) != (options.entry is None):
        raise Refusal(["--proof and --entry go together"])
    handle = parse_base64url(options.handle, 32) if options.handle is not None else None
    whose = Whose(name=options.customer, handle=handle)
    if options.bundle is not None:
        bundle = customer_bundle(
            folder,
            whose,
            since=options.since,
            withhold=frozenset(options.withhold),
            firm=options.firm,
            whole=options.whole,
        )
        write_file(options.bundle, format_bundle(bundle))
        screen.note(f"wrote {options.bundle}; the customer's handle is {format_base64url(bundle.customer)}")
    if options.into is not None:
        exported = export_sublog(folder, whose, Path(options.into), now=int(time.time()))
        screen.note(f"wrote {exported.records:,} records to {options.into}; the keys that verify its checkpoint:")
        screen.say(f"log {key.text}" for key in exported.keys)
    if options.proof is not None:
        entry, proof = prove_entry(folder, options.entry)
        write_file(options.proof, [proof.format()])
        write_file(f"{options.proof}.entry", [entry])
        screen.note(f"wrote {options.proof} and {options.proof}.entry")
    return 0


def _erase(options: argparse.Namespace, screen: Screen) -> int:
    scope = format_scope(
        Records(records=tuple(sorted(options.record, key=itemgetter(0)))) if options.record else Everything()
    )
    act = Act(
        id=secrets.token_bytes(16),
        kind=Kind.ERASURE,
        fields={"scope": scope, "reason": options.reason},
        customers=(options.customer,),
    )
    with open_ledger(Path(options.folder)) as ledger:
        receipt = ledger.append(act).result()
        health = ledger.publish()
    screen.say([f"erased, and recorded as entry {receipt.first}"])
    screen.note("backups of the key store still hold what was erased: a ledger that starts from one erases it again")
    _tell(health, screen)
    return 0


def _rotate_key(options: argparse.Namespace, screen: Screen) -> int:
    path = Path(options.folder)
    if options.retire:
        for key in retire_keys(path, options.retire, chance=secrets.token_bytes):
            screen.say([f"no longer signs with {key.label}"])
        return 0
    keys = add_keys(path, chance=secrets.token_bytes)
    screen.note(
        "the log signs with these keys as well from now on; give them to witnesses and customers, and retire the old"
    )
    screen.note("ones when they have them: armslength ledger rotate-key FOLDER --retire ID")
    screen.say(f"log {key.text}" for key in keys)
    return 0


def _adopt_keys(options: argparse.Namespace, screen: Screen) -> int:
    adopted = adopt_keys(Path(options.folder), chance=secrets.token_bytes)
    screen.say(
        [f"the keys of the first {adopted.followed:,} of {adopted.size:,} entries are in use, and the log says so"]
    )
    screen.note("records since cannot be opened any more; armslength ledger fsck counts them as lost")
    return 0


def _publish_beside(folder: LedgerFolder, screen: Screen) -> None:
    """What stands beside the tiles: the policy, and the page with which a customer checks a bundle. A bucket that is
    away keeps nothing else from being done."""
    from armslength.web import verify_page

    public = open_public(folder)
    try:
        public.put("policy", folder.policy.format().encode("utf-8", "surrogateescape"))
        public.put("verify.html", verify_page().encode())
    except StorageFailed as error:
        if folder.bucket is None:
            raise
        screen.warn([f"the policy and the page that verifies are not published: {error}"])


def _tell(health: PublisherHealth, screen: Screen) -> None:
    """What keeps the newest checkpoint from being published, if something does."""
    if health.problem is not None:
        screen.warn([f"recorded, but not published: {health.problem}"])
        screen.warn(f"{each.url}: {each.problem}" for each in health.witnesses if each.problem is not None)


def _entries(count: int) -> str:
    return f"{count:,} {'entry' if count == 1 else 'entries'}"


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal([f"cannot read {path!r}: {error}"]) from None


def _when(at: int) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%d %H:%M:%SZ")
