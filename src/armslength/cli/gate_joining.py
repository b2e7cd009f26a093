"""`armslength gate join` and `gate rebuild`: a gate more beside others, and a gate whose database was lost."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from armslength.cli.screen import Screen
from armslength.service import Refusal
from armslength.store import join_gate_folder, open_gate_database, read_gate_folder


def join(options: argparse.Namespace, screen: Screen) -> int:
    folder = join_gate_folder(Path(options.folder), beside=Path(options.beside), site=options.site)
    screen.note(f"made the gate {options.site} in {folder.path}; secret in it: lease.keys, row.key and signing.keys")
    screen.note(
        f"next: take it to its host, give it a url of its own if people reach it under one, armslength serve"
        f" {options.folder}"
    )
    return 0


def rebuild(options: argparse.Namespace, screen: Screen) -> int:
    folder = read_gate_folder(Path(options.folder), secrets=False)
    place = folder.database
    if isinstance(place, Path) and os.path.lexists(place):
        raise Refusal([f"{place}: is there; move it away first, if it cannot be used"])
    open_gate_database(folder, create=True).close()
    if isinstance(place, Path):
        screen.note(
            "made an empty gate.db: evidence, sessions and notices are gone with the old one, all else is in the ledger"
        )
    else:
        screen.note(f"made empty tables of the gate {folder.settings.site}; the next start fills them from the ledger")
    return 0
