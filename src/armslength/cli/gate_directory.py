"""`armslength gate add-directory`: an identity provider comes to say who is there, or is asked."""

from __future__ import annotations

import argparse
import hashlib
import secrets
from dataclasses import replace
from pathlib import Path

from armslength.cli.screen import Screen
from armslength.service import Refusal
from armslength.store import GateDirectory, add_gate_directory, read_gate_folder
from armslength.tlog import format_base64url


def add_directory(options: argparse.Namespace, screen: Screen) -> int:
    if bool(options.pull) != bool(options.token_file):
        raise Refusal(["give --pull with --token-file: where the provider is, and with which token it is asked"])
    directory = GateDirectory(
        id=options.directory,
        pull=options.pull or "",
        token_file=options.token_file or "",
        freshness_hours=options.freshness_hours,
        covers=tuple(dict.fromkeys(options.covers)) or ("everyone",),
        person=options.person,
        prefix=options.prefix,
        confirm_by_reading=options.confirm_by_reading,
    )
    if options.pull:
        add_gate_directory(Path(options.folder), directory)
        screen.note(f"put the provider's token into {options.folder}/{options.token_file}, mode 0600;")
        screen.note("the gate asks it from its next start on, and until it was read whole refuses whom it covers")
        return 0
    secret = f"dir_{format_base64url(secrets.token_bytes(32))}"
    add_gate_directory(
        Path(options.folder), replace(directory, secret_sha256=hashlib.sha256(secret.encode()).hexdigest())
    )
    url = read_gate_folder(Path(options.folder), secrets=False).settings.url
    screen.note(
        f"its address is {url}/scim/v2; from its next start on the gate refuses whom it covers until it was told"
    )
    screen.note("of them. Its token, which is kept nowhere else:")
    screen.say([secret])
    return 0
