"""Trees read once more, straight from the recursive definitions of RFC 6962, and the files of a log.

It shares no code with the proofs of `armslength.tlog`: leaf hashes are a list, and every subtree is a slice of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256

from armslength.tlog import Node, entries_of, format_entries, leaf_hash, tile_bytes, tiles_of

CT = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
"""The entries of the tree that Certificate Transparency's tests are written about."""

CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Its root at each size from 0 to 8."""


@lru_cache(maxsize=64)
def leaves(size: int) -> tuple[bytes, ...]:
    """Leaf hashes of a tree to try things on, all different."""
    return tuple(leaf_hash(index.to_bytes(4, "big")) for index in range(size))


def split(size: int) -> int:
    """The largest power of two below `size`."""
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def mth(hashes: Sequence[bytes]) -> bytes:
    """MTH of section 2.1, from leaf hashes."""
    if not hashes:
        return sha256().digest()
    if len(hashes) == 1:
        return hashes[0]
    k = split(len(hashes))
    return sha256(b"\x01" + mth(hashes[:k]) + mth(hashes[k:])).digest()


def path(m: int, hashes: Sequence[bytes]) -> tuple[bytes, ...]:
    """PATH of section 2.1.1."""
    if len(hashes) == 1:
        return ()
    k = split(len(hashes))
    if m < k:
        return (*path(m, hashes[:k]), mth(hashes[k:]))
    return (*path(m - k, hashes[k:]), mth(hashes[:k]))


def subproof(start: int, end: int, hashes: Sequence[bytes], known: bool = True) -> tuple[bytes, ...]:
    """SUBTREE_SUBPROOF of the Merkle tree certificates draft, which for start = 0 is SUBPROOF of section 2.1.2."""
    if start == 0 and end == len(hashes):
        return () if known else (mth(hashes),)
    k = split(len(hashes))
    if end <= k:
        return (*subproof(start, end, hashes[:k], known), mth(hashes[k:]))
    if start >= k:
        return (*subproof(start - k, end - k, hashes[k:], known), mth(hashes[:k]))
    return (*subproof(0, end - k, hashes[k:], False), mth(hashes[:k]))


def nodes(hashes: Sequence[bytes]) -> Node:
    """The perfect subtrees over leaf hashes, each computed once."""
    rows = [list(hashes)]
    while len(rows[-1]) > 1:
        row = rows[-1]
        rows.append([sha256(b"\x01" + row[at] + row[at + 1]).digest() for at in range(0, len(row) - 1, 2)])
    return lambda height, index: rows[height][index]


def files(entries: Sequence[bytes]) -> dict[str, bytes]:
    """The tiles and bundles of a log with these entries, by path."""
    node = nodes([leaf_hash(entry) for entry in entries])
    found = {tile.path: tile_bytes(tile, node) for tile in tiles_of(len(entries))}
    for bundle in entries_of(len(entries)):
        first = bundle.index * 256
        found[bundle.path] = format_entries(entries[first : first + bundle.width])
    return found
