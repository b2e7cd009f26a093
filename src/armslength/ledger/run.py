"""Entries that follow on each other in a log, with the proof that they are all there are between first and last.

The proof is the hashes of the perfect subtrees before and after them: with the entries' own they give the root. One
entry alone makes an inclusion proof in another order; a whole log needs no hash at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from armslength.tlog import Node, Unverified, leaf_hash, node_hash

HASH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The entries from index `first` on. `before` are the hashes of the perfect subtrees before them, `after` of those
    behind them, left to right (docs/formats/evidence.md, "A run of entries")."""

    first: int
    entries: tuple[bytes, ...]
    before: tuple[bytes, ...]
    after: tuple[bytes, ...]

    @property
    def until(self) -> int:
        """The index behind the last."""
        return self.first + len(self.entries)

    def __contains__(self, index: int) -> bool:
        return self.first <= index < self.until


def make_run(first: int, entries: Sequence[bytes], *, size: int, node: Node) -> Run:
    """The run of these entries in the log of `size` with these nodes."""
    until = first + len(entries)
    return Run(
        first=first,
        entries=tuple(entries),
        before=tuple(node(height, start >> height) for start, height in aligned(0, first)),
        after=tuple(node(height, start >> height) for start, height in aligned(until, size)),
    )


def run_root(run: Run, size: int) -> bytes:
    """The root of the tree of `size` that has the run's entries at their place. Raises `Unverified` where the hashes
    are too few or too many for that."""
    if not run.entries or not 0 <= run.first < run.until <= size:
        raise Unverified(f"a run of {len(run.entries)} entries from {run.first} on does not fit a tree of {size}")
    known: dict[tuple[int, int], bytes] = {}
    for hashes, first, last in ((run.before, 0, run.first), (run.after, run.until, size)):
        blocks = list(aligned(first, last))
        if len(blocks) != len(hashes) or any(len(each) != HASH for each in hashes):
            raise Unverified(f"{len(hashes)} hashes for the entries {first} to before {last}: expected {len(blocks)}")
        known.update(zip(blocks, hashes, strict=True))
    known.update(((run.first + place, 0), leaf_hash(entry)) for place, entry in enumerate(run.entries))
    return _root(known, 0, size)


def aligned(first: int, last: int) -> Iterator[tuple[int, int]]:
    """The fewest perfect subtrees that cover the leaves first … last − 1 and that every tree of at least `last` leaves
    has, as (start, height), left to right."""
    while first < last:
        height = (last - first).bit_length() - 1
        if first:
            height = min(height, (first & -first).bit_length() - 1)
        yield first, height
        first += 1 << height


def _root(known: dict[tuple[int, int], bytes], low: int, high: int) -> bytes:
    """The hash over the leaves low … high − 1 (RFC 6962, 2.1); what is known is not gone into. As the known parts cover
    every leaf without overlap, this visits no more than twice as many nodes as there are parts."""
    size = high - low
    height = size.bit_length() - 1
    if size == 1 << height and (found := known.get((low, height))) is not None:
        return found
    middle = low + (1 << (size - 1).bit_length() - 1)
    return node_hash(_root(known, low, middle), _root(known, middle, high))
