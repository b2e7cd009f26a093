"""Keys, a small log and signed checkpoints that the tests of this room share. Seeds are fixed, so that whatever Ed25519
signs has the same bytes in each run."""

from __future__ import annotations

from collections.abc import Iterable

from armslength.tlog import (
    Algorithm,
    Checkpoint,
    Node,
    Note,
    SigningKey,
    leaf_hash,
    sign_note,
    tree_root,
)

ORIGIN = "log.example/main"
NOW = 1_795_628_000
"""A POSIX time in November 2026."""


def signer(name: str, algorithm: Algorithm, number: int) -> SigningKey:
    return SigningKey(name=name, algorithm=algorithm, seed=bytes([number]) * 32)


LOG = signer(ORIGIN, Algorithm.ED25519, 1)
LOG_PQ = signer(ORIGIN, Algorithm.COSIGNATURE_ML_DSA_44, 2)
LOG_NEXT = signer(ORIGIN, Algorithm.ED25519, 3)
OTHER_LOG = signer("other.example/log", Algorithm.ED25519, 4)
W1 = signer("witness.example/w1", Algorithm.COSIGNATURE_ED25519, 11)
W2 = signer("witness.example/w2", Algorithm.COSIGNATURE_ML_DSA_44, 12)
W3 = signer("witness.example/w3", Algorithm.COSIGNATURE_ED25519, 13)

ENTRIES = tuple(f"entry {number}".encode() for number in range(23))
LEAVES = tuple(leaf_hash(entry) for entry in ENTRIES)


def node(height: int, index: int) -> bytes:
    """The hash of a perfect subtree of the small log, by the definition."""
    return tree_root(LEAVES[index << height : (index + 1) << height])


NODE: Node = node


def checkpoint(size: int = 21, *, origin: str = ORIGIN, extensions: tuple[str, ...] = ()) -> Checkpoint:
    return Checkpoint(origin=origin, size=size, root=tree_root(LEAVES[:size]), extensions=extensions)


def signed(head: Checkpoint | str, keys: Iterable[SigningKey], *, timestamp: int = NOW) -> Note:
    """The note with a signature by each of `keys`; those that take a time sign at `timestamp`."""
    text = head if isinstance(head, str) else head.format()
    return Note(
        text=text,
        signatures=tuple(
            sign_note(text, key, timestamp=timestamp if key.algorithm.timestamped else None) for key in keys
        ),
    )
