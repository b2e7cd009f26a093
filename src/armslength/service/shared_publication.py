"""How far a ledger is published that another gate writes: looked up beside, since a bucket may take its time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from armslength.service.publisher import PublisherHealth
from armslength.store import LedgerFolder, StoreError, open_public
from armslength.tlog import Checkpoint, TlogError


class Publication:
    """For any number of threads; none of them waits."""

    def __init__(self, folder: LedgerFolder, *, monotonic: Callable[[], float]) -> None:
        self._folder, self._monotonic = folder, monotonic
        self._looked = float("-inf")
        self._looking = threading.Lock()
        self._size = 0

    @property
    def size(self) -> int:
        """Of the checkpoint that was published when it was last looked at."""
        if self._monotonic() - self._looked > self._folder.settings.publish and self._looking.acquire(blocking=False):
            threading.Thread(target=self._look, name="shared-publication", daemon=True).start()
        return self._size

    def health(self, behind: int) -> PublisherHealth:
        """`behind`: the log's size."""
        return PublisherHealth(published=self.size, at=0.0, behind=behind, problem=None, witnesses=())

    def _look(self) -> None:
        try:
            with suppress(StoreError, TlogError):
                note = open_public(self._folder).published()
                self._size = 0 if note is None else Checkpoint.parse(note.text).size
        finally:
            self._looked = self._monotonic()
            self._looking.release()
