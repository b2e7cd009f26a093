"""What anyone may read of a log, wherever that is: a folder that a static server serves, or a bucket."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from armslength.store.ledger_folder import LedgerFolder
from armslength.store.ledger_stores import LogStore
from armslength.store.public_bucket import PublicBucket
from armslength.store.public_folder import PublicFolder
from armslength.tlog import Note


class PublicStore(Protocol):
    """Tiles and entry bundles are durable before the checkpoint that needs them. All of it can be made again from the
    log's store. Each verb raises `StorageFailed`."""

    def published(self) -> Note | None:
        """The checkpoint that stands there, unverified; None if there is none that can be read as one."""

    def read(self, name: str) -> bytes | None:
        """What stands at a path; None if there is nothing."""

    def published_at(self) -> float:
        """When the checkpoint was put there, in POSIX seconds; 0 if there is none."""

    def holds(self, size: int) -> bool:
        """Whether what is at the right edge of a log of `size` entries is there."""

    def partials(self) -> list[str]:
        """The paths of the partial tiles and bundles, those of older sizes included."""

    def export(self, log: LogStore, *, old: int, new: int) -> int:
        """Write what a log of `new` entries needs and one of `old` had not. Gives the number written."""

    def publish(self, note: Note) -> None:
        """Give a checkpoint its name; what it needs has been exported."""

    def prune(self, *, old: int, new: int) -> None:
        """Delete the partial tiles and bundles that have become full since `old`."""

    def put(self, name: str, data: bytes) -> None:
        """What stands beside the tiles, such as the policy."""


def public_source(folder: LedgerFolder) -> Path | PublicStore:
    """What the read path serves: the folder itself, or what reads the bucket."""
    return folder.public if folder.bucket is None else open_public(folder)


def open_public(folder: LedgerFolder) -> PublicStore:
    """Where the ledger's settings say. Raises `StoreError` where a bucket's client is not installed."""
    bucket = folder.bucket
    if bucket is None:
        return PublicFolder(folder.public)
    return PublicBucket(bucket, origin=folder.settings.origin, signed=folder.policy.signed_by_log)
