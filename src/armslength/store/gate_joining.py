"""One gate more on a PostgreSQL database: a folder like that of a gate which is there, with a name of its own."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from armslength.store.failure import StorageFailed, StoreError
from armslength.store.gate_database import GateDatabase
from armslength.store.gate_folder import ESTATES, LEASE_KEYS, ROW_KEY, GateFolder, put_in_place, read_gate_folder
from armslength.store.gate_settings import GATE_SETTINGS, parse_gate_settings
from armslength.store.ledger_folder import POLICY, SETTINGS, SIGNING, LedgerFolder, read_ledger_folder
from armslength.store.postgresql_place import PostgresqlPlace
from armslength.store.writing import replace_file, sync_folder

_SITE = re.compile(rb"^[ \t]*site[ \t]*=.*$", re.MULTILINE)


def join_gate_folder(path: Path, *, beside: Path, site: str) -> GateFolder:
    """Make the folder of the gate `site` at `path` from that of a gate in `beside`: the same settings, keys, policy and
    estates, and a schema of its own in their database. What is there of the ledger is copied unless the settings name
    it by an absolute path. The folder is there whole or not at all.

    Raises `StoreError` with every problem if there is something at `path`, or the database or the ledger of the gate in
    `beside` are files, which no two gates can write.
    """
    old = read_gate_folder(beside)
    ledger = read_ledger_folder(old.ledger)
    place = old.database
    problems = _problems(path, old, ledger, site)
    text = _with_site((beside / GATE_SETTINGS).read_bytes(), site)
    settings = parse_gate_settings(text, str(path / GATE_SETTINGS), problems)
    if settings is not None and settings != replace(old.settings, site=site):
        problems.append(f"{beside / GATE_SETTINGS}: has its site where it cannot be replaced; write it into one line")
    if problems or settings is None:
        raise StoreError("\n".join(problems))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{path.name}.new-", dir=path.parent))
    except OSError as error:
        raise StorageFailed(f"{path}: {error.strerror}") from error
    try:
        replace_file(made / GATE_SETTINGS, text, mode=0o600)
        for name in (LEASE_KEYS, ROW_KEY):
            replace_file(made / name, (beside / name).read_bytes(), mode=0o600)
        shutil.copytree(beside / ESTATES, made / ESTATES, ignore=shutil.ignore_patterns(".*"))
        if not Path(settings.ledger).is_absolute():
            _copy_ledger(old.ledger, made / settings.ledger)
        with closing(GateDatabase(place, origin=settings.origin, create=True, site=site, joining=True)) as database:
            try:
                read_gate_folder(made)
                put_in_place(made, path)
            except BaseException:
                database.unmake(shared=False)
                raise
    except OSError as error:
        raise StorageFailed(f"{path}: {error.strerror}") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    sync_folder(path.parent)
    return read_gate_folder(path)


def _problems(path: Path, old: GateFolder, ledger: LedgerFolder, site: str) -> list[str]:
    problems = []
    if os.path.lexists(path) and not (path.is_dir() and not path.is_symlink() and not any(path.iterdir())):
        problems.append(f"{path}: is there already; a gate is made once, in a folder of its own")
    if not isinstance(old.database, PostgresqlPlace):
        problems.append(f"{old.path}: its database is a file; expected a PostgreSQL database, as gates can share")
    if old.settings.site == site:
        problems.append(f"{old.path}: is the gate {site} already; expected another name")
    for name, store in (("log", ledger.log), ("keys", ledger.keys), ("lock", ledger.lock)):
        if not isinstance(store, PostgresqlPlace):
            problems.append(f"{ledger.path}: its {name} is a file; expected a PostgreSQL database, as gates can share")
    return problems


def _copy_ledger(old: Path, new: Path) -> None:
    new.mkdir(parents=True)
    for name, mode in ((SIGNING, 0o600), (POLICY, 0o644), (SETTINGS, 0o644)):
        replace_file(new / name, (old / name).read_bytes(), mode=mode)


def _with_site(text: bytes, site: str) -> bytes:
    """As it is, but for its site; what its operator wrote besides stays."""
    line = f'site = "{site}"'.encode()
    return _SITE.sub(lambda found: line, text, count=1) if _SITE.search(text) else line + b"\n" + text
