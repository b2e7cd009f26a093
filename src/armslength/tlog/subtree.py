"""Proofs for a subtree, a run of leaves that is one node of some tree (draft-ietf-plants-merkle-tree-certs, section 4).

The run [start, end) is a subtree where `start` is a multiple of the least power of two that is not below its length.
Such a proof is the one shape behind all proofs: a subtree of one leaf gives the inclusion proof of RFC 6962, one that
starts at 0 its consistency proof, so `proof.py` is written in terms of this file.

An empty run is part of every tree that reaches its start: its proof is empty and its hash that of the empty tree, and
nothing is learnt of the tree. So transparency-dev/merkle has it; `verify_consistency` does not let it pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum

from armslength.tlog.failure import Unverified
from armslength.tlog.merkle import EMPTY, HASH, MOST, joined, node_hash

Node = Callable[[int, int], bytes]
"""(height, index) -> the hash of the perfect subtree over the leaves [index * 2**height, (index + 1) * 2**height)."""


class _Turn(Enum):
    """Where the sibling lies, seen from the path down to the subtree."""

    RIGHT = "right of the path, outside the subtree"
    LEFT = "left of the path, outside the subtree"
    WITHIN = "left of the path, and a part of the subtree"


def subtree_inclusion_proof(*, index: int, start: int, end: int, node: Node) -> tuple[bytes, ...]:
    """The proof that the leaf at `index` (counted in the whole tree) lies in the subtree [start, end)."""
    _check_subtree(start, end, MOST)
    _check_place(index, start, end)
    turns, _ = _descent(index - start, index - start + 1, end - start)
    return tuple(range_hash(start + first, start + last, node) for _, first, last in reversed(turns))


def subtree_consistency_proof(*, start: int, end: int, size: int, node: Node) -> tuple[bytes, ...]:
    """The proof that the subtree [start, end) is part of the tree of `size` leaves. Raises Unverified where the run is
    no subtree of it."""
    _check_subtree(start, end, size)
    if start == end:
        return ()
    turns, (first, last) = _descent(start, end, size)
    seed = () if (first, last) == (start, end) else (range_hash(first, last, node),)
    return (*seed, *(range_hash(first, last, node) for _, first, last in reversed(turns)))


def verify_subtree_inclusion(
    *, index: int, start: int, end: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Raise Unverified unless `proof` shows the leaf hash at `index` in the subtree [start, end) with hash `root`."""
    _check_subtree(start, end, MOST)
    _check_place(index, start, end)
    check_hash(leaf)
    verify_subtree_consistency(
        start=index - start, end=index - start + 1, size=end - start, subtree=leaf, root=root, proof=proof
    )


def verify_subtree_consistency(
    *, start: int, end: int, size: int, subtree: bytes, root: bytes, proof: Sequence[bytes]
) -> None:
    """Raise Unverified unless `proof` shows that the tree of `size` with `root` contains [start, end) with the hash
    `subtree`."""
    _check_subtree(start, end, size)
    if start == end:
        _check_length(proof, 0)
        if subtree != EMPTY:
            raise Unverified("a hash of no leaves that is not the hash of nothing")
        return
    turns, seed = _descent(start, end, size)
    known = seed == (start, end)
    _check_length(proof, len(turns) + (not known))
    for hash in (subtree, *proof) if turns else ():
        # Bytes could otherwise move from one hash to its neighbour, and the node's hash stay the same.
        check_hash(hash)
    rest = iter(proof)
    inner = whole = subtree if known else next(rest)
    for (turn, _, _), sibling in zip(reversed(turns), rest, strict=True):
        match turn:
            case _Turn.RIGHT:
                whole = node_hash(whole, sibling)
            case _Turn.LEFT:
                whole = node_hash(sibling, whole)
            case _Turn.WITHIN:
                whole = node_hash(sibling, whole)
                inner = node_hash(sibling, inner)
    if not known and inner != subtree:
        raise Unverified(
            f"the proof leads to another hash of the leaves from {start} to before {end} than the one given"
        )
    if whole != root:
        raise Unverified(f"the proof leads to another root of the tree of {size} leaves than the one given")


def check_hash(hash: bytes) -> None:
    """Raise Unverified unless `hash` has the length of one."""
    if len(hash) != HASH:
        raise Unverified(f"a hash of {len(hash)} bytes: expected {HASH}")


def range_hash(first: int, last: int, node: Node) -> bytes:
    """The Merkle tree hash of the leaves [first, last), where `first` is as a subtree's start must be."""
    return joined(node(height, index) for height, index in perfect(first, last))


def perfect(first: int, last: int) -> Iterator[tuple[int, int]]:
    """The maximal perfect subtrees of [first, last) as (height, index), left to right."""
    while first < last:
        height = (last - first).bit_length() - 1
        yield height, first >> height
        first += 1 << height


def _descent(start: int, end: int, size: int) -> tuple[list[tuple[_Turn, int, int]], tuple[int, int]]:
    """The way from the root of a tree of `size` down to [start, end): the siblings passed, from the top, each with the
    leaves it covers, and the run that is left. That run is the whole subtree, or, once a part of it lay to the left,
    its last part. One turn for each level, so at most 64 whatever the numbers say.

    This is SUBTREE_SUBPROOF of the draft, read from the top."""
    turns: list[tuple[_Turn, int, int]] = []
    low, high = 0, size
    while (low, high) != (start, end):
        middle = low + (1 << (high - low - 1).bit_length() - 1)
        if end <= middle:
            turns.append((_Turn.RIGHT, middle, high))
            high = middle
        elif middle <= start:
            turns.append((_Turn.LEFT, low, middle))
            low = middle
        else:
            turns.append((_Turn.WITHIN, low, middle))
            low = start = middle
    return turns, (low, high)


def _check_subtree(start: int, end: int, size: int) -> None:
    if not 0 <= start <= end <= size <= MOST:
        raise Unverified(f"no run of leaves from {start} to before {end} in a tree of {size}: expected one within it")
    if start < end and start & ((1 << (end - start - 1).bit_length()) - 1):
        raise Unverified(
            f"the leaves from {start} to before {end} are not a subtree: expected a start that is a multiple of "
            f"the least power of two not below {end - start}"
        )


def _check_place(index: int, start: int, end: int) -> None:
    if not start <= index < end:
        raise Unverified(f"leaf {index} does not lie in the leaves from {start} to before {end}")


def _check_length(proof: Sequence[bytes], expected: int) -> None:
    if len(proof) != expected:
        raise Unverified(f"a proof of {len(proof)} hashes: expected {expected}")
