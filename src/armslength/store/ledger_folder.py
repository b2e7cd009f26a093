"""A ledger's folder: its settings, its signing keys, and where its parts stand.

ledger.toml     settings, below
signing.keys    the log's private keys, one a line, mode 0600; every one of them signs
policy          the log's keys, its witnesses and the quorum asked of them (c2sp.org/tlog-policy)
log.db          entries, tiles, payloads
keys.db         what can be erased
lock.db         the checkpoint lock
public/         what anyone may read: checkpoint and tiles

The log, the keys and the lock may each be in a PostgreSQL database instead, which the settings name by a connection
string without a password.
"""

from __future__ import annotations

import json
import os
import stat
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from armslength.store.failure import StorageFailed, StoreError
from armslength.store.postgresql_dsn import check_dsn
from armslength.store.postgresql_place import StorePlace, is_postgresql, store_place
from armslength.store.public_place import Bucket, bucket_of, is_bucket, parse_bucket
from armslength.store.writing import replace_file, sync_folder
from armslength.tlog import Algorithm, Malformed, Policy, SigningKey

SETTINGS, SIGNING, POLICY = "ledger.toml", "signing.keys", "policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSettings:
    """What `ledger.toml` says."""

    origin: str
    """The log's name, in every checkpoint: a URL without its scheme that is yours."""
    log: str = "log.db"
    """Path of the log's store, from the folder, or a connection string: several gates can write it there, by turns."""
    lock: str = "lock.db"
    """Path of the lock store, from the folder, or a connection string. Keep it on another disk or server: it finds a
    log that was rolled back."""
    keys: str = "keys.db"
    """Path of the store of keys and openings, from the folder, or a connection string. Its backups hold what was erased
    since: keep them short."""
    public: str = "public"
    """Path of the published folder, from the folder, or a bucket: `s3://BUCKET/PREFIX`."""
    bucket_endpoint: str = ""
    """URL of the bucket's service; the environment's (`AWS_ENDPOINT_URL`), else AWS, if empty."""
    bucket_region: str = ""
    """The bucket's region; the environment's (`AWS_REGION`) if empty."""
    bucket_credentials: str = ""
    """Path, from the folder, of the file with the credentials for the bucket; the environment's if empty."""
    batch: int = 512
    """Most acts in one transaction: more share an fsync, and wait for each other."""
    queue: int = 8192
    """Most acts waiting; beyond it an append is refused at once, so that a caller learns it and not a queue."""
    epoch: float = 2.0
    """Seconds between map heads, where there is something new: how much tail a customer's bundle may carry."""
    publish: float = 1.0
    """Seconds between published checkpoints, where there is something new."""
    heartbeat: float = 300.0
    """Seconds of silence after which a heartbeat is recorded, so that a log that stopped is told from a quiet one; 0
    for none."""
    witness_timeout: float = 5.0
    """Seconds that a witness may take to answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerFolder:
    """A ledger's folder, read once."""

    path: Path
    settings: LedgerSettings
    signers: tuple[SigningKey, ...]
    policy: Policy

    @property
    def log(self) -> StorePlace:
        return store_place(self.settings.log, self.path)

    @property
    def keys(self) -> StorePlace:
        return store_place(self.settings.keys, self.path)

    @property
    def lock(self) -> StorePlace:
        return store_place(self.settings.lock, self.path)

    @property
    def public(self) -> Path:
        """The published folder. Raises `StoreError` if it is a bucket."""
        if is_bucket(self.settings.public):
            raise StoreError(f"{self.settings.public}: is no folder")
        return self.path / self.settings.public

    @property
    def public_name(self) -> str:
        """Where it is published, for people."""
        return self.settings.public if is_bucket(self.settings.public) else str(self.public)

    @property
    def bucket(self) -> Bucket | None:
        """The bucket that is published in, if it is no folder."""
        said = self.settings
        if not is_bucket(said.public):
            return None
        credentials = self.path / said.bucket_credentials if said.bucket_credentials else None
        return bucket_of(said.public, endpoint=said.bucket_endpoint, region=said.bucket_region, credentials=credentials)


def read_ledger_folder(path: Path, *, signing: bool = True) -> LedgerFolder:
    """The folder at `path`; without `signing` its private keys are left alone, as suits whoever only reads.

    Raises `StoreError` with every problem of the settings, the keys and the policy.
    """
    problems: list[str] = []
    settings = _settings(path / SETTINGS, problems)
    signers = _signers(path / SIGNING, settings, problems) if signing else ()
    policy = _policy(path / POLICY, problems)
    if policy is not None and not problems:
        listed = {log.key for log in policy.logs}
        strange = [key.verifier.label for key in signers if key.verifier not in listed]
        problems += [f"{path / POLICY}: has no line for the signing key {label}; expected one" for label in strange]
    if settings is None or policy is None or problems:
        raise StoreError("\n".join(problems))
    return LedgerFolder(path=path, settings=settings, signers=signers, policy=policy)


def create_ledger_folder(
    path: Path, *, settings: LedgerSettings, signers: tuple[SigningKey, ...], policy: str
) -> LedgerFolder:
    """Make the folder with its keys and policy; `finish_ledger_folder` makes it a ledger. Raises `StoreError` if
    there is something of a ledger in it already, `Malformed` for a policy that is none."""
    parsed = Policy.parse(policy)
    problems: list[str] = []
    _checked(path / SETTINGS, _toml(settings).encode(), problems)
    files = [path / place for place in (settings.log, settings.lock, settings.keys) if not is_postgresql(place)]
    elsewhere = [place for place in files if place.parent != path]
    problems += [f"{place}: No such file or directory" for place in elsewhere if not place.parent.is_dir()]
    if problems:
        raise StoreError("\n".join(problems))
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageFailed(f"{path}: {error.strerror}") from error
    there = [name for name in (SETTINGS, SIGNING, POLICY) if (path / name).exists()]
    if there:
        unfinished = "" if SETTINGS in there else "; it was never finished: delete the folder to make it again"
        raise StoreError(
            f"{path}: already has {', '.join(there)}; a ledger is made once, in a folder of its own{unfinished}"
        )
    write_signers(path, signers)
    write_policy(path, policy)
    return LedgerFolder(path=path, settings=settings, signers=signers, policy=parsed)


def finish_ledger_folder(folder: LedgerFolder) -> None:
    """Write the settings. They come last: a folder without them is not a ledger yet, whatever else is in it."""
    replace_file(folder.path / SETTINGS, _toml(folder.settings).encode())
    sync_folder(folder.path)


def write_signers(path: Path, signers: tuple[SigningKey, ...]) -> None:
    """Put these private keys in the place of those of the folder at `path`."""
    replace_file(path / SIGNING, "".join(f"{key.text}\n" for key in signers).encode(), mode=0o600)


def write_policy(path: Path, policy: str) -> None:
    replace_file(path / POLICY, policy.encode("utf-8", "surrogateescape"))


def _read(path: Path, problems: list[str]) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        problems.append(f"{path}: not there; armslength ledger init makes a ledger")
    except OSError as error:
        problems.append(f"{path}: {error.strerror}")
    return None


def _settings(path: Path, problems: list[str]) -> LedgerSettings | None:
    data = _read(path, problems)
    return None if data is None else _checked(path, data, problems)


def _checked(path: Path, data: bytes, problems: list[str]) -> LedgerSettings | None:
    try:
        said: dict[str, Any] = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.append(f"{path}: {error}")
        return None
    known: dict[str, type] = {field.name: type(field.default) for field in fields(LedgerSettings)} | {"origin": str}
    before = len(problems)
    for name, value in said.items():
        kind = known.get(name)
        if kind is None:
            problems.append(f"{path}: unknown setting {name!r}; expected one of {', '.join(sorted(known))}")
        elif isinstance(value, bool) or not isinstance(value, (int, float) if kind is float else kind):
            problems.append(f"{path}: {name} = {value!r}; expected {_WORDS[kind]}")
        elif isinstance(value, int | float) and not 0 <= value < 1e9:
            problems.append(f"{path}: {name} = {value!r}; expected a number from 0 to a thousand million")
        elif name in _PATHS and (not value or "\0" in str(value)):
            problems.append(f"{path}: {name} = {value!r}; expected a path")
        elif name in _STORES and is_postgresql(str(value)):
            try:
                check_dsn(str(value), f"{path}: {name}")
            except StoreError as error:
                problems.append(str(error))
        elif name == "public" and is_bucket(str(value)):
            endpoint, region = str(said.get("bucket_endpoint", "")), str(said.get("bucket_region", ""))
            _, wrong = parse_bucket(str(value), endpoint=endpoint, region=region)
            problems += [f"{path}: {name}: {problem}" for problem in wrong]
        elif name == "public" and path.parent.resolve().is_relative_to((path.parent / str(value)).resolve()):
            problems.append(
                f"{path}: {name} = {value!r}; expected a folder apart, since all that is in it is published"
            )
    if not said.get("origin"):
        problems.append(f"{path}: expected an origin, the log's name in every checkpoint")
    for name in ("batch", "queue"):
        if said.get(name) == 0:
            problems.append(f"{path}: {name} = 0; expected at least 1")
    for name in ("publish", "witness_timeout"):
        if said.get(name) == 0:
            problems.append(f"{path}: {name} = 0; expected more than 0")
    return LedgerSettings(**said) if len(problems) == before else None


_STORES = ("log", "lock", "keys")
_PATHS = (*_STORES, "public")
_WORDS = {str: "a text in quotes", int: "a whole number", float: "a number"}


def _signers(path: Path, settings: LedgerSettings | None, problems: list[str]) -> tuple[SigningKey, ...]:
    data = _read(path, problems)
    if data is None:
        return ()
    if stat.S_IMODE(os.stat(path).st_mode) & 0o077:
        problems.append(f"{path}: others may read it; expected mode 0600 (chmod 600)")
    signers: list[SigningKey] = []
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        if not line.strip():
            continue
        try:
            signers.append(SigningKey.parse(line))
        except Malformed as error:
            problems.append(f"{path}:{number}: {error}")
    for key in signers:
        if settings is not None and key.name != settings.origin:
            problems.append(f"{path}: a key named {key.name!r}; expected the origin {settings.origin!r}")
        if key.algorithm is Algorithm.COSIGNATURE_ED25519:
            problems.append(f"{path}: a witness's key; expected Ed25519 and ML-DSA-44 keys of a log")
    if not any(key.algorithm is Algorithm.ED25519 for key in signers):
        problems.append(f"{path}: expected an Ed25519 key at least")
    return tuple(signers)


def _policy(path: Path, problems: list[str]) -> Policy | None:
    data = _read(path, problems)
    if data is None:
        return None
    try:
        return Policy.parse(data)
    except Malformed as error:
        problems.append(f"{path}: {error}")
        return None


def _toml(settings: LedgerSettings) -> str:
    lines = []
    for field in fields(settings):
        value = getattr(settings, field.name)
        if value == "":
            continue
        # A text of JSON is one of TOML, but for the one character that TOML wants to be escaped as well.
        said = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        lines.append(f"{field.name} = {said}")
    return "\n".join(lines) + "\n"
