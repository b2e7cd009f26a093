"""What can go wrong with what the ledger keeps.

StoreError
├── StorageFailed   the disk or the system said no: full, I/O error, locked, no permission; may pass
├── Damaged         what is stored does not add up; does not pass by itself
├── Overtaken       somebody else changed it first: of two writers, this one lost
└── Occupied        something else has this name already, and is not replaced
"""

from __future__ import annotations


class StoreError(Exception):
    """Nothing was changed, or it cannot be told; the message names the file."""


class StorageFailed(StoreError):
    """After a failed write only a fresh look tells whether it took effect."""


class Damaged(StoreError):
    """Bytes that no correct writer leaves."""


class Overtaken(StoreError):
    """The state to change was no longer there."""


class Occupied(StoreError):
    """Nothing is wrong with what is there; it is not what was handed in."""
