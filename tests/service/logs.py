"""A log for tests: real leaves, keys, checkpoints and proofs, which can also show a history that is not its own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from armslength.tlog import (
    AddCheckpoint,
    Algorithm,
    Checkpoint,
    Note,
    SigningKey,
    consistency_proof,
    leaf_hash,
    sign_note,
    tree_root,
)

NOW = 1_800_000_000


def seed(word: str) -> bytes:
    return hashlib.sha256(word.encode()).digest()


class SampleLog:
    """A log of numbered leaves. `history` names another history of the same log, under the same keys."""

    def __init__(self, origin: str = "example.org/log", *, history: str = "", also_ml_dsa: bool = False) -> None:
        self.origin = origin
        self.keys = [SigningKey(name=origin, algorithm=Algorithm.ED25519, seed=seed(origin))]
        if also_ml_dsa:
            algorithm = Algorithm.COSIGNATURE_ML_DSA_44
            self.keys.append(SigningKey(name=origin, algorithm=algorithm, seed=seed(f"{origin} too")))
        self._history = history

    @property
    def vkeys(self) -> list[str]:
        return [key.verifier.text for key in self.keys]

    def leaves(self, size: int) -> Sequence[bytes]:
        return [leaf_hash(f"{self._history}{index}".encode()) for index in range(size)]

    def root(self, size: int) -> bytes:
        return tree_root(self.leaves(size))

    def checkpoint(self, size: int, *, root: bytes | None = None, extensions: tuple[str, ...] = ()) -> Note:
        """A checkpoint that the log's keys signed, over its own root if no other is given."""
        found = Checkpoint(
            origin=self.origin, size=size, root=self.root(size) if root is None else root, extensions=extensions
        )
        text = found.format()
        times = {Algorithm.ED25519: None, Algorithm.COSIGNATURE_ML_DSA_44: NOW}
        return Note(
            text=text, signatures=tuple(sign_note(text, key, timestamp=times[key.algorithm]) for key in self.keys)
        )

    def proof(self, old: int, size: int) -> tuple[bytes, ...]:
        leaves = self.leaves(size)

        def node(height: int, index: int) -> bytes:
            return tree_root(leaves[index << height : (index + 1) << height])

        return tuple(consistency_proof(old, size, node)) if 0 < old < size else ()

    def request(self, old: int, size: int) -> AddCheckpoint:
        """What this log sends to a witness that it believes to be at `old`."""
        return AddCheckpoint(old=old, proof=self.proof(old, size), note=self.checkpoint(size))

    def body(self, old: int, size: int) -> bytes:
        return self.request(old, size).format().encode()
