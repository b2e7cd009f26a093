"""`armslength gate`: makes a gate, founds its first passkeys, lets enforcement points ask, and checks what it did."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from armslength.cli.gate_ceremony import ceremony
from armslength.cli.gate_directory import add_directory
from armslength.cli.gate_drill import drill
from armslength.cli.gate_envoy import write_envoy
from armslength.cli.gate_joining import join, rebuild
from armslength.cli.gate_nginx import write_nginx
from armslength.cli.log_lines import log_lines
from armslength.cli.screen import Screen
from armslength.gate import GateError, Impossible, PersonId
from armslength.ledger import counted
from armslength.service import (
    Gate,
    GateCheck,
    Refusal,
    check_gate,
    create_gate,
    open_gate,
    simulate_gate,
)
from armslength.store import (
    GatePoint,
    GateSettings,
    StoreError,
    add_gate_point,
    find,
    is_postgresql,
    make_ssh_ca,
    parsed,
    read_gate_folder,
    read_ssh_ca,
    ssh_ca_line,
)
from armslength.tlog import Malformed, check_key_name, format_base64url

LOOK = 0.5
"""Seconds between looks for a passkey that was made."""
FEWEST = 2
"""Founders: a second person has to vouch for every key that comes later."""


def run(options: argparse.Namespace, screen: Screen) -> int:
    """0; 1 where `check` or `simulate` found something; whatever cannot be done ends elsewhere, with status 2."""
    verbs: dict[str, Callable[[argparse.Namespace, Screen], int]] = {
        "init": _init,
        "found": _found,
        "add-point": _add_point,
        "add-directory": add_directory,
        "ssh-ca": _ssh_ca,
        "nginx": write_nginx,
        "envoy": write_envoy,
        "simulate": _simulate,
        "drill": drill,
        "ceremony": lambda options, screen: ceremony(options, screen, found=_found),
        "join": join,
        "rebuild": rebuild,
        "check": _check,
    }
    try:
        return verbs[options.verb](options, screen)
    except (StoreError, GateError, Malformed) as error:
        raise Refusal(str(error).splitlines()) from None


def _init(options: argparse.Namespace, screen: Screen) -> int:
    try:
        check_key_name(options.origin)
    except Malformed as error:
        raise Refusal([f"--origin {options.origin!r}: {error}"]) from None
    source = find(options.estate)
    name = options.name or parsed(source).estate.settings.name or "Armslength"
    beside = options.database if is_postgresql(options.database) else None  # its ledger is there as well
    log, keys, lock = (_place(said) or beside for said in (options.log, options.keys, options.lock))
    folder = create_gate(
        Path(options.folder),
        settings=GateSettings(
            origin=options.origin, url=options.url, name=name, database=options.database, site=options.site
        ),
        estate=source.files,
        witnesses=_text(options.witnesses) if options.witnesses else "",
        lock=lock,
        log=log,
        keys=keys,
        clock=time.time,
        chance=secrets.token_bytes,
    )
    screen.note(f"made a gate in {folder.path}; secret in it: lease.keys, row.key and the ledger's signing.keys")
    screen.note(f"next: armslength gate found {options.folder} PERSON PERSON …, then armslength serve {options.folder}")
    return 0


def _place(said: str | None) -> str | None:
    """A path as it is from anywhere."""
    return said if said is None or is_postgresql(said) else os.path.abspath(said)


def _found(options: argparse.Namespace, screen: Screen) -> int:
    """The first passkeys: each person opens a link, and whoever sits at the host says that it is theirs."""
    from armslength.cli.serve import address_of, check_served
    from armslength.console import console_app
    from armslength.web import gate_app, running

    log_lines(sys.stderr)
    people = [PersonId(person.removeprefix("person:")) for person in options.people]
    with contextlib.closing(open_gate(Path(options.folder))) as gate:
        check_served(gate)
        holding = {key.key.person for key in gate.state.keys.values() if key.revoked is None}
        if len(holding | set(people)) < FEWEST:
            raise Refusal(["name two people at least: every key that comes later needs somebody to vouch for it"])
        links = {person: f"{gate.settings.url}/enrol/{gate.invite(person)}" for person in people}
        host, port = options.listen or address_of(gate.settings.url)
        app = gate_app(gate, otherwise=console_app(gate))
        try:
            with running(app, host=host, port=port, quick=True):
                screen.say(["each of these people opens their own link, on their own device, and makes a passkey:", ""])
                screen.say(f"  {person}  {link}" for person, link in links.items())
                _confirmed(gate, set(people), screen)
        except OSError as error:
            raise Refusal([f"cannot listen: {Screen.reason(error)}"]) from None
    return 0


def _confirmed(gate: Gate, awaited: set[PersonId], screen: Screen) -> None:
    from armslength.console import fingerprint

    refused: set[str] = set()
    while awaited:
        for pending in gate.pending_keys():
            if pending.person not in awaited or pending.id in refused:
                continue
            screen.say(["", f"{pending.person} made a passkey: {fingerprint(pending.credential, pending.public_key)}"])
            screen.say(["is it theirs, and do they see the same letters? type yes to let it count"])
            if sys.stdin.readline().strip().lower() == "yes":
                gate.found(pending.id)
                awaited.discard(pending.person)
                screen.say([f"counted; {len(awaited)} to come" if awaited else "counted; that was the last"])
            else:
                refused.add(pending.id)
                screen.say(["not counted"])
        time.sleep(LOOK)


def _add_point(options: argparse.Namespace, screen: Screen) -> int:
    if not options.host:
        raise Refusal(["whose requests may it ask about? give --host, or --host '*' for any"])
    secret = f"pt_{format_base64url(secrets.token_bytes(32))}"
    point = GatePoint(
        id=options.point,
        secret_sha256=hashlib.sha256(secret.encode()).hexdigest(),
        hosts=tuple(dict.fromkeys(host.lower() for host in options.host)),
        may=tuple(dict.fromkeys(options.may)) or ("forward", "evaluate", "redeem"),
        actions=tuple(dict.fromkeys(options.action)),
        resources=tuple(dict.fromkeys(options.resource)),
    )
    add_gate_point(Path(options.folder), point)
    screen.note("its secret, which is kept nowhere else; the gate takes the point up when it starts again:")
    screen.say([secret])
    return 0


def _ssh_ca(options: argparse.Namespace, screen: Screen) -> int:
    folder = read_gate_folder(Path(options.folder), secrets=False)
    key = read_ssh_ca(folder.path)
    if key is None:
        key = make_ssh_ca(folder.path, chance=secrets.token_bytes)
        screen.note("made ssh.ca, which is secret; the gate signs certificates once it starts again")
    screen.say([ssh_ca_line(key, folder.settings.origin)])
    return 0


def _simulate(options: argparse.Namespace, screen: Screen) -> int:
    found = simulate_gate(Path(options.folder), away=options.away, clock=time.time)
    if options.format == "json":
        screen.write([json.dumps([_impossible(one) for one in found], indent=2) + "\n"])
    else:
        screen.say(f"{one.action} on {one.target}, under {one.terms}: {one.says}" for one in found)
        screen.say([] if found else ["everything that can be asked for can still be approved"])
    return 1 if found else 0


def _impossible(one: Impossible) -> dict[str, str]:
    return {"action": one.action, "target": one.target, "terms": one.terms, "says": one.says}


def _check(options: argparse.Namespace, screen: Screen) -> int:
    with screen.progress("checking"):
        found = check_gate(Path(options.folder))
    if options.format == "json":
        screen.write([json.dumps(asdict(found), indent=2) + "\n"])
    else:
        screen.say(_check_lines(found))
    return 1 if found.findings else 0


def _check_lines(found: GateCheck) -> Iterable[str]:
    parts = (
        counted(found.records, "record"),
        counted(found.keys, "passkey"),
        counted(found.approvals, "approval"),
        counted(found.leases, "lease"),
        counted(found.uses, "use"),
        counted(found.rows, "row"),
    )
    yield f"looked at {', '.join(parts)}"
    if not found.findings:
        yield "every lease had its quorum, every key its voucher, and every row says what the ledger says"
    for finding in found.findings:
        yield f"PROBLEM: {finding.where}: {finding.says}"


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = Screen.reason(error) if isinstance(error, OSError) else str(error)
        raise Refusal([f"cannot read {path!r}: {said}"]) from None
