"""Going on with a store of keys that was restored from a backup.

What was recorded since the backup can no longer be opened, and customers met since are met anew. So it is done on
purpose only, and the log says that it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from armslength.ledger import Kind
from armslength.service.act import ACT_SIZE, Act
from armslength.service.ledger import Ledger
from armslength.service.question import Refusal
from armslength.store import open_keys, open_log, read_ledger_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """The keys were written for `followed` entries of a log that has `size`."""

    followed: int
    size: int


def adopt_keys(path: Path, *, chance: Callable[[int], bytes]) -> Adopted:
    """Take the keys of the ledger at `path`, older than its log, as they are, and record that.

    Erasures since are done again first. Raises `Refusal` if the keys are not behind, and `StoreError`.
    """
    folder = read_ledger_folder(path)
    with open_log(folder) as log:
        size = log.state().size
    keys = open_keys(folder)
    try:
        followed = keys.followed()
    finally:
        keys.close()
    if followed >= size:
        raise Refusal([f"{folder.keys}: is not behind the log: there is nothing to adopt"])
    with Ledger(folder, old_keys=True) as ledger:
        fields = {"restored_from": followed, "restored_at": size}
        ledger.append(Act(id=chance(ACT_SIZE), kind=Kind.KEY_CHANGE, fields=fields)).result()
    return Adopted(followed=followed, size=size)
