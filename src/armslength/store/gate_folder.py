"""A gate's folder: its settings, its keys, and where its parts stand.

gate.toml       settings (gate_settings.py), mode 0600
lease.keys      the private keys that sign leases, one a line, mode 0600: the first signs, all are published
row.key         32 bytes of chance, mode 0600: what the gate's MACs and tokens are derived from
gate.db         rows, evidence, sessions, notices (gate_database.py), unless the settings name a PostgreSQL database
estates/        the adopted estates (gate_estates.py)
ledger/         the gate's ledger, unless the settings say another place

Whoever administers the database has gate.db and nothing else of it.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from armslength.store.failure import StorageFailed, StoreError
from armslength.store.gate_database import GateDatabase
from armslength.store.gate_directory_settings import GateDirectory, with_directory
from armslength.store.gate_estates import AdoptedEstates
from armslength.store.gate_settings import (
    GATE_SETTINGS,
    GatePoint,
    GateSettings,
    format_gate_settings,
    parse_gate_settings,
    read_gate_settings,
    with_point,
)
from armslength.store.ledger_folder import read_ledger_folder
from armslength.store.postgresql_dsn import postgresql_address
from armslength.store.postgresql_place import PostgresqlPlace, StorePlace, is_postgresql
from armslength.store.writing import replace_file, sync_folder
from armslength.tlog import Malformed, format_base64url, parse_base64url

LEASE_KEYS, ROW_KEY, ESTATES = "lease.keys", "row.key", "estates"
KEY_SIZE = 32
_PREFIX = "PRIVATE+LEASE+KEY+"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFolder:
    """A gate's folder, read once. `lease_keys` are empty and `row_key` None where secrets were left alone."""

    path: Path
    settings: GateSettings
    lease_keys: tuple[Ed25519PrivateKey, ...] = field(repr=False)
    row_key: bytes | None = field(repr=False)

    @property
    def database(self) -> StorePlace:
        """Raises `StoreError` for a connection string that leads nowhere, as where a service has no file."""
        return _database(self.path, self.settings)

    @property
    def apart(self) -> Path:
        """Where a gate that is cut off from the others keeps what it has to record."""
        return self.path / "apart.db"

    @property
    def ledger(self) -> Path:
        return self.path / self.settings.ledger

    @property
    def estates(self) -> AdoptedEstates:
        if not isinstance(place := self.database, PostgresqlPlace):
            return AdoptedEstates(self.path / ESTATES)
        from armslength.store.gate_postgresql_estates import PostgresqlEstates

        return AdoptedEstates(self.path / ESTATES, PostgresqlEstates(place, self.settings.site, self.row_key))


def read_gate_folder(path: Path, *, secrets: bool = True) -> GateFolder:
    """The folder at `path`; without `secrets` its keys are left alone, as suits whoever only reads.

    Raises `StoreError` with every problem of the settings, the keys, and the ledger's folder: a gate without a ledger
    is none.
    """
    problems: list[str] = []
    settings = read_gate_settings(path, problems)
    lease_keys = _lease_keys(path / LEASE_KEYS, problems) if secrets else ()
    row_key = _row_key(path / ROW_KEY, problems) if secrets else None
    if settings is not None:
        try:
            ledger = read_ledger_folder(path / settings.ledger, signing=False)
            if ledger.settings.origin != settings.origin:
                problems.append(
                    f"{path / GATE_SETTINGS}: origin = {settings.origin!r}; expected {ledger.settings.origin!r}, as the"
                    f" ledger in {ledger.path} has it"
                )
        except StoreError as error:
            problems += str(error).splitlines()
        if not (path / ESTATES).is_dir():
            problems.append(f"{path / ESTATES}: not there; expected the folder of the adopted estates")
    if settings is None or problems:
        raise StoreError("\n".join(problems))
    return GateFolder(path=path, settings=settings, lease_keys=lease_keys, row_key=row_key)


def create_gate_folder(
    path: Path,
    *,
    settings: GateSettings,
    estate: Mapping[str, bytes],
    chance: Callable[[int], bytes],
    fill: Callable[[Path], None],
) -> GateFolder:
    """Make a gate's folder with these settings and `estate`, by name, as its first estate. It is made beside its place
    and moved there whole, so that it is there whole or not at all. `fill` is given the folder before it is moved, and
    puts in what else belongs there, such as the ledger.

    Raises `StoreError` with every problem if there is something at `path` or the settings are none, `EstateError` with
    every problem of the estate; whatever `fill` raises; and then nothing is left behind.
    """
    problems: list[str] = []
    written = format_gate_settings(settings)
    parse_gate_settings(written, str(path / GATE_SETTINGS), problems)
    if os.path.lexists(path) and not _empty(path):
        problems.append(f"{path}: is there already; a gate is made once, in a folder of its own")
    if problems:
        raise StoreError("\n".join(problems))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{path.name}.new-", dir=path.parent))
    except OSError as error:
        raise StorageFailed(f"{path}: {error.strerror}") from error
    try:
        replace_file(made / GATE_SETTINGS, written, mode=0o600)
        write_lease_keys(made, [Ed25519PrivateKey.from_private_bytes(chance(KEY_SIZE))])
        replace_file(made / ROW_KEY, chance(KEY_SIZE), mode=0o600)
        (made / ESTATES).mkdir()
        AdoptedEstates(made / ESTATES).keep(estate)
        fill(made)
        place = _database(made, settings)
        first = GateDatabase(place, origin=settings.origin, url=settings.url, create=True, site=settings.site)
        with closing(first) as database:
            try:
                # What was made can be started, before it is put there.
                read_gate_folder(made).estates.keep(estate)  # for other gates too
                database.close()
                put_in_place(made, path)
            except BaseException:
                database.unmake(shared=True)
                raise
    except OSError as error:
        raise StorageFailed(f"{path}: {error.strerror}") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    sync_folder(path.parent)
    return read_gate_folder(path)


def put_in_place(made: Path, path: Path) -> None:
    """Move a folder that was made beside its place there, durably. Raises `OSError`."""
    for inner, _, _ in os.walk(made):
        sync_folder(Path(inner))
    os.rename(made, path)


def open_gate_database(folder: GateFolder, *, create: bool = False, serving: bool = False) -> GateDatabase:
    """The database of the gate in this folder; `create` makes it where it was lost, besides what gates share, and
    `serving` opens it for the gate itself. Raises as `GateDatabase` does."""
    return GateDatabase(
        folder.database,
        origin=folder.settings.origin,
        url=folder.settings.url,
        create=create,
        site=folder.settings.site,
        joining=create,
        serving=serving,
    )


def add_gate_point(path: Path, point: GatePoint) -> None:
    """Put an enforcement point into the settings of the folder at `path`. A gate that runs takes it up when it starts
    again. Raises `StoreError`."""
    place = path / GATE_SETTINGS
    try:
        replace_file(place, with_point(place.read_bytes(), point, str(place)), mode=0o600)
    except OSError as error:
        raise StorageFailed(f"{place}: {error.strerror}") from error


def add_gate_directory(path: Path, directory: GateDirectory) -> None:
    """As `add_gate_point`, for a directory that says who is there."""
    place = path / GATE_SETTINGS
    try:
        said = with_directory(place.read_bytes(), directory, str(place), parse_gate_settings)
        replace_file(place, said, mode=0o600)
    except OSError as error:
        raise StorageFailed(f"{place}: {error.strerror}") from error


def write_lease_keys(path: Path, keys: Sequence[Ed25519PrivateKey]) -> None:
    """Put these in the place of the lease keys of the folder at `path`. A new one goes first; one that has signed stays
    until the last lease that it signed is over."""
    lines = [f"{_PREFIX}{format_base64url(key.private_bytes_raw())}\n" for key in keys]
    replace_file(path / LEASE_KEYS, "".join(lines).encode(), mode=0o600)


def _database(path: Path, settings: GateSettings) -> StorePlace:
    if is_postgresql(settings.database):
        return PostgresqlPlace(postgresql_address(settings.database, what="database"))
    return path / settings.database


def _empty(path: Path) -> bool:
    try:
        return path.is_dir() and not path.is_symlink() and not any(path.iterdir())
    except OSError:
        return False


def _lease_keys(path: Path, problems: list[str]) -> tuple[Ed25519PrivateKey, ...]:
    data = _secret(path, problems)
    if data is None:
        return ()
    keys: list[Ed25519PrivateKey] = []
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        try:
            if not line.startswith(_PREFIX):
                raise Malformed("a line begins otherwise")
            keys.append(Ed25519PrivateKey.from_private_bytes(parse_base64url(line.removeprefix(_PREFIX), KEY_SIZE)))
        except Malformed:
            problems.append(f"{path}:{number}: expected {_PREFIX} and {KEY_SIZE} bytes in base64url")
    if not data:
        problems.append(f"{path}: is empty; expected a key at least")
    if len({key.private_bytes_raw() for key in keys}) < len(keys):
        problems.append(f"{path}: a key is there twice")
    return tuple(keys)


def _row_key(path: Path, problems: list[str]) -> bytes | None:
    data = _secret(path, problems)
    if data is not None and len(data) != KEY_SIZE:
        problems.append(f"{path}: has {len(data)} bytes; expected {KEY_SIZE}")
    return data


def _secret(path: Path, problems: list[str]) -> bytes | None:
    try:
        data = path.read_bytes()
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        problems.append(f"{path}: not there; expected the file that was made with the gate")
        return None
    except OSError as error:
        problems.append(f"{path}: {error.strerror}")
        return None
    if stat.S_IMODE(mode) & 0o077:
        problems.append(f"{path}: others may read it; expected mode 0600 (chmod 600)")
    return data
