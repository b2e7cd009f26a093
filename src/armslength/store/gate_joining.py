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
from armslength.store.gate_ssh_ca import SSH_CA
from armslength.store.ledger_folder import POLICY, SETTINGS, SIGNING, LedgerFolder, read_ledger_folder
from armslength.store.postgresql_place import PostgresqlPlace
from armslength.store.writing import replace_file, sync_folder

_SITE = re.compile(rb"^[ \t]*site[ \t]*=.*$", re.MULTILINE)


def join_gate_folder(path: Path, *, beside: Path, site: str) -> GateFolder:
    """Make the folder of the gate `site` at `path` from that of a gate in `beside`: the same settings, keys, secrets,
    policy and estates, and a schema of its own in their database. What is there of the ledger is copied unless the
    settings name it by an absolute path. The folder is there whole or not at all.

    Raises `StoreError` with every problem if there is something at `path`, the database or the ledger of the gate in
    `beside` are files, which no two gates can write, or a file that its settings name is not there.
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
        for name in (LEASE_KEYS, ROW_KEY, *_named(old)):
            replace_file(made / name, (beside / name).read_bytes(), mode=0o600)
        shutil.copytree(beside / ESTATES, made / ESTATES, ignore=shutil.ignore_patterns(".*"))
        if not Path(settings.ledger).is_absolute():
            _copy_ledger(ledger, made / settings.ledger)
        joined = GateDatabase(place, origin=settings.origin, url=settings.url, create=True, site=site, joining=True)
        with closing(joined) as database:
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
    named = [old.path / name for name in _named(old)] + [ledger.path / name for name in _credentials(ledger)]
    problems += [f"{place}: not there; expected a file" for place in named if not place.is_file()]
    for name, store in (("log", ledger.log), ("keys", ledger.keys), ("lock", ledger.lock)):
        if not isinstance(store, PostgresqlPlace):
            problems.append(f"{ledger.path}: its {name} is a file; expected a PostgreSQL database, as gates can share")
    return problems


def _named(old: GateFolder) -> list[str]:
    """What stands beside the settings because of them, and all gates need: the key for SSH, the secret of sign-in, a
    directory's token, and what its words mean."""
    settings = old.settings
    names = [SSH_CA] if (old.path / SSH_CA).is_file() else []
    if settings.sign_in is not None:
        names.append(settings.sign_in.client_secret_file)
    for directory in settings.directories:
        names += [name for name in (directory.token_file, directory.linking) if name]
    return list(dict.fromkeys(names))


def _credentials(ledger: LedgerFolder) -> list[str]:
    """Of the bucket, where they stand in the ledger's folder."""
    said = Path(ledger.settings.bucket_credentials)
    return [str(said)] if said.name and not said.is_absolute() and ".." not in said.parts else []


def _copy_ledger(old: LedgerFolder, new: Path) -> None:
    new.mkdir(parents=True)
    secret = [(name, 0o600) for name in (SIGNING, *_credentials(old))]
    for name, mode in (*secret, (POLICY, 0o644), (SETTINGS, 0o644)):
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        replace_file(new / name, (old.path / name).read_bytes(), mode=mode)


def _with_site(text: bytes, site: str) -> bytes:
    """As it is, but for its site; what its operator wrote besides stays."""
    line = f'site = "{site}"'.encode()
    return _SITE.sub(lambda found: line, text, count=1) if _SITE.search(text) else line + b"\n" + text
