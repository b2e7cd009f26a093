"""pymerkle's tree in SQLite, as it comes: a leaf for each record, proofs of inclusion.

It keeps leaves only and hashes subtrees again for each proof, with a cache in memory. Nothing is signed or witnessed,
nothing is per customer, and records lie in the clear. It commits with a rollback journal, SQLite's default.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pymerkle import SqliteTree, verify_inclusion


class MerkleTree:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._tree = SqliteTree(str(path))

    def record(self, records: Sequence[bytes]) -> None:
        if len(records) == 1:
            self._tree.append_entry(records[0])
        else:
            self._tree.append_entries(records)

    def records(self) -> list[bytes]:
        return [self._tree.get_entry(index + 1) for index in range(self._tree.get_size())]

    def root(self) -> bytes:
        root: bytes = self._tree.get_root()
        return root

    def prove(self, index: int) -> object:
        """Of the record at `index`, from 0."""
        return self._tree.prove_inclusion(index + 1)

    def verify(self, index: int, proof: object, root: bytes) -> None:
        verify_inclusion(self._tree.get_leaf(index + 1), root, proof)

    def close(self) -> None:
        self._tree.close()
