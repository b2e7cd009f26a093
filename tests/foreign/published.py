"""Logs made by our own code, as folders that a static server could serve, and the keys that sign in these tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from armslength.tlog import (
    WIDTH,
    Algorithm,
    Checkpoint,
    Node,
    Note,
    SigningKey,
    entries_of,
    format_entries,
    leaf_hash,
    node_hash,
    root_at,
    sign_note,
    tile_bytes,
    tiles_of,
)

ORIGIN = "ledger.example/main"
TIME = 1_795_629_000


def signing_key(name: str, algorithm: Algorithm) -> SigningKey:
    """A key whose seed follows from its name, so that bytes are the same in every run. Never use one for real."""
    return SigningKey(name=name, algorithm=algorithm, seed=sha256(f"test key {name} {algorithm:d}".encode()).digest())


LOG = signing_key(ORIGIN, Algorithm.ED25519)
LOG_ML_DSA = signing_key(ORIGIN, Algorithm.COSIGNATURE_ML_DSA_44)
WITNESS = signing_key("witness.example/w1", Algorithm.COSIGNATURE_ED25519)
WITNESS_ML_DSA = signing_key("witness.example/w2", Algorithm.COSIGNATURE_ML_DSA_44)
KEYS = (LOG, LOG_ML_DSA, WITNESS, WITNESS_ML_DSA)
ED25519_KEYS = (LOG, WITNESS)


def vkeys(keys: Sequence[SigningKey]) -> list[str]:
    return [key.verifier.text for key in keys]


def signed(text: str, keys: Sequence[SigningKey]) -> Note:
    """`text` signed by all keys, those that state a time at TIME."""
    times = [None if key.algorithm is Algorithm.ED25519 else TIME for key in keys]
    return Note(
        text=text, signatures=tuple(sign_note(text, key, timestamp=time) for key, time in zip(keys, times, strict=True))
    )


def sample_entries(size: int) -> list[bytes]:
    """Entries of many lengths: text, then an empty one, the longest there can be, and bytes that are no text."""
    odd = {1: b"", 2: b"\xff" * 65_535, 3: bytes(range(256))}
    return [odd.get(index, f'{{"entry":{index}}}'.encode()) for index in range(size)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Every node of the tree over some entries; level by level, as far as pairs are complete."""

    levels: tuple[tuple[bytes, ...], ...]

    @classmethod
    def of(cls, entries: Sequence[bytes]) -> Tree:
        levels = [tuple(map(leaf_hash, entries))]
        while len(levels[-1]) > 1:
            row = levels[-1]
            levels.append(tuple(node_hash(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)))
        return cls(levels=tuple(levels))

    @property
    def size(self) -> int:
        return len(self.levels[0])

    @property
    def node(self) -> Node:
        return lambda height, index: self.levels[height][index]

    def root(self, size: int | None = None) -> bytes:
        return root_at(self.size if size is None else size, self.node)


def publish(folder: Path, entries: Sequence[bytes], keys: Sequence[SigningKey] = KEYS) -> Tree:
    """Writes the tiles, the entry bundles and the checkpoint of a log over `entries`."""
    tree = Tree.of(entries)
    for tile in tiles_of(tree.size):
        write(folder / tile.path, tile_bytes(tile, tree.node))
    for bundle in entries_of(tree.size):
        first = bundle.index * WIDTH
        write(folder / bundle.path, format_entries(entries[first : first + bundle.width]))
    head = Checkpoint(origin=ORIGIN, size=tree.size, root=tree.root())
    write(folder / "checkpoint", signed(head.format(), keys).format().encode())
    return tree


def write(file: Path, data: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by its path within."""
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
