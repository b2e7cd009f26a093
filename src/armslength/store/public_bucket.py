"""What anyone may read of a log, in a bucket of an S3-compatible service.

A checkpoint never takes the place of a newer one. Where the service has conditional writes (`If-Match`), one that came
in between is seen and weighed; two gates that publish one after the other, or at once, cannot bring it back. Where the
service ignores the condition, which is tried out once, the checkpoint is read, compared and written, and read again:
between the two another publisher's newer one could be lost until its next round. The log says so.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice

from armslength.store.failure import StorageFailed
from armslength.store.ledger_stores import LogStore
from armslength.store.log_tiles import log_entries, log_tile
from armslength.store.public_folder import CHECKPOINT, edge_paths, filled_paths
from armslength.store.public_media import media_of
from armslength.store.public_place import Bucket
from armslength.store.s3_bucket import S3Bucket
from armslength.tlog import Checkpoint, Malformed, Note, TlogError, new_entries, new_tiles

LOG = logging.getLogger("armslength.ledger")

PROBE = "conditional-writes"
"""The object by which it is tried out whether the service heeds conditions. It says what it is."""
AT_ONCE = 8
BATCH = 64
TRIES = 8
"""For a checkpoint that others keep changing."""


class PublicBucket:
    """The log of `origin` in a bucket; `signed` says whether a checkpoint was signed by it."""

    def __init__(self, place: Bucket, *, origin: str, signed: Callable[[Note], bool]) -> None:
        """Raises `StoreError` where the extra `s3` is not installed."""
        self.place = place
        self._s3 = S3Bucket(place)
        self._origin, self._signed = origin, signed
        self._heeds: bool | None = None
        self._asking = threading.Lock()

    def published(self) -> Note | None:
        data = self.read(CHECKPOINT)
        try:
            return None if data is None else Note.parse(data)
        except Malformed:
            return None

    def read(self, name: str) -> bytes | None:
        found = self._s3.get(name)
        return None if found is None else found.data

    def published_at(self) -> float:
        return self._s3.modified(CHECKPOINT) or 0.0

    def holds(self, size: int) -> bool:
        return all(self._s3.modified(path) is not None for path in edge_paths(size))

    def partials(self) -> list[str]:
        return sorted(name for name in self._s3.names("tile/") if ".p/" in name)

    def export(self, log: LogStore, *, old: int, new: int) -> int:
        """Several at once, and all of them before it returns."""
        count, read = 0, log_tile(log)

        def needed() -> Iterator[tuple[str, bytes]]:
            for tile in new_tiles(old, new):
                yield tile.path, read(tile)
            for entries in new_entries(old, new):
                yield entries.path, log_entries(log, entries)

        objects = needed()
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="bucket") as pool:
            while batch := list(islice(objects, BATCH)):
                # The first failure ends it: no more than a batch is under way.
                list(pool.map(lambda each: self._add(*each), batch))
                count += len(batch)
        return count

    def publish(self, note: Note) -> None:
        """Raises `StorageFailed` as well where a newer checkpoint stands, or one of another history or log."""
        data, checkpoint = note.format().encode(), Checkpoint.parse(note.text)
        heeds = self._conditional()
        for _ in range(TRIES):
            there = self._s3.get(CHECKPOINT)
            if there is not None:
                if there.data == data:
                    return
                self._weigh(there.data, checkpoint)
            mode: str | dict[str, str] = "overwrite"
            if heeds:
                if there is not None and there.tag is None:
                    raise StorageFailed(f"{self.place / CHECKPOINT}: the service gave no tag for it")
                mode = "create" if there is None else {"e_tag": str(there.tag)}
            if self._put(CHECKPOINT, data, mode) and heeds:
                return
        if heeds:
            raise StorageFailed(f"{self.place / CHECKPOINT}: others keep changing it")
        raise StorageFailed(f"{self.place / CHECKPOINT}: what was written is not what is read")

    def prune(self, *, old: int, new: int) -> None:
        """What cannot be deleted stays: it costs its room and nothing else."""
        for path in filled_paths(old, new):
            with suppress(StorageFailed):
                self._s3.delete(list(self._s3.names(f"{path}.p/")))

    def put(self, name: str, data: bytes) -> None:
        self._put(name, data)

    def _add(self, name: str, data: bytes) -> None:
        """A tile is the same for ever. One that has other bytes was cut short, or is not ours: the log is right."""
        if self._put(name, data, "create"):
            return
        if self.read(name) != data:
            LOG.warning("%s: had other bytes than the log; it is replaced", self.place / name)
            self._put(name, data)

    def _put(self, name: str, data: bytes, mode: str | dict[str, str] = "overwrite") -> bool:
        media, caching = media_of(name)
        return self._s3.put(name, data, media=media, caching=caching, mode=mode)

    def _weigh(self, data: bytes, new: Checkpoint) -> None:
        """Raises `StorageFailed` for a checkpoint that must not be replaced by this one."""
        try:
            note = Note.parse(data)
            there = Checkpoint.parse(note.text)
            signed = self._signed(note)
        except TlogError:
            return  # none that anybody could believe
        what = self.place / CHECKPOINT
        if there.origin != self._origin:
            raise StorageFailed(f"{what}: is of the log {there.origin}; each needs a prefix of its own")
        if not signed:
            return
        if there.size > new.size:
            raise StorageFailed(
                f"{what}: is newer, of size {there.size}; it is not replaced by that of size {new.size}"
            )
        if there.size == new.size and there.root != new.root:
            raise StorageFailed(f"{what}: has another root at size {there.size} than the log: there are two histories")

    def _conditional(self) -> bool:
        """Whether the service heeds conditions, tried out once."""
        with self._asking:
            if self._heeds is None:
                text = b"Written to see whether this service heeds If-None-Match and If-Match.\n"
                self._put(PROBE, text, "create")
                ignored = self._put(PROBE, text, "create") or self._put(PROBE, text, {"e_tag": '"none"'})
                self._heeds = not ignored
                if ignored:
                    LOG.warning("%s: ignores If-Match, so let one gate alone publish there", self.place)
            return self._heeds
