"""`armslength gate join` and `gate rebuild`: a gate more beside others, and a gate whose database was lost."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from armslength.cli.screen import Screen
from armslength.service import Refusal
from armslength.store import (
    GateFolder,
    is_bucket,
    join_gate_folder,
    open_gate_database,
    read_gate_folder,
    read_ledger_folder,
)


def join(options: argparse.Namespace, screen: Screen) -> int:
    folder = join_gate_folder(Path(options.folder), beside=Path(options.beside), site=options.site)
    screen.note(f"made the gate {options.site} in {folder.path}; it holds the secrets that all gates share")
    for said in _elsewhere(folder):
        screen.note(said)
    screen.note(f"next: take it to its host, and armslength serve {options.folder}; its url stays the one of all gates")
    return 0


def _elsewhere(folder: GateFolder) -> Iterator[str]:
    """What its settings name that was not copied."""
    said = read_ledger_folder(folder.ledger, signing=False).settings
    places = [folder.settings.ledger] if os.path.isabs(folder.settings.ledger) else []
    credentials = folder.ledger / said.bucket_credentials
    if said.bucket_credentials and (os.path.isabs(said.bucket_credentials) or not credentials.is_file()):
        places.append(str(credentials))
    for place in places:
        yield f"{place} was not copied: it has to be there on the new gate's host too"
    if not is_bucket(said.public):
        yield f"all gates publish in one folder: have {folder.ledger / said.public} be that of the first gate"


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
