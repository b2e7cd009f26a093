"""Spread: everything that follows by OR alone, for all columns at once, along a sparse graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from armslength.reach.columns import Words

Ints = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]


def within(some: Ints, rising: Ints) -> Flags:
    """Which of `some` are in an array that rises."""
    if not len(rising):
        return np.zeros(len(some), dtype=np.bool_)
    found: Flags = rising[np.minimum(np.searchsorted(rising, some), len(rising) - 1)] == some
    return found


def together(some: Sequence[Ints]) -> Ints:
    """What is in any of some arrays that rise; it rises as well."""
    size = max((int(one[-1]) + 1 for one in some if len(one)), default=0)
    seen = np.zeros(size, dtype=np.bool_)
    for one in some:
        seen[one] = True
    return np.flatnonzero(seen).astype(np.int32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """A graph by source: the edges of node n are `target[start[n]:start[n + 1]]`; `origin` is each edge's number in the
    order in which it was given, so that a derivation can name the row behind it."""

    start: npt.NDArray[np.int64]
    target: Ints
    origin: Ints

    def of(self, node: int) -> tuple[Ints, Ints]:
        """Targets and origins of one node's edges."""
        lo, hi = int(self.start[node]), int(self.start[node + 1])
        return self.target[lo:hi], self.origin[lo:hi]


def edges(nodes: int, source: Ints, target: Ints) -> Edges:
    """Index edges (arrays of equal length) by source."""
    order = _order(source, nodes)
    start = np.zeros(nodes + 1, dtype=np.int64)
    np.cumsum(np.bincount(source, minlength=nodes), out=start[1:])
    return Edges(start=start, target=target[order], origin=order)


def _order(source: Ints, nodes: int) -> Ints:
    """What sorts the sources and leaves those that are equal as they stand."""
    # Sorting small numbers is linear, so it is done half by half.
    order = np.argsort((source & 0xFFFF).astype(np.uint16), kind="stable")
    if nodes > 1 << 16:
        order = order[np.argsort((source >> 16).astype(np.uint16)[order], kind="stable")]
    return order.astype(np.int32)


def outgoing(graph: Edges, nodes: Ints) -> tuple[Ints, npt.NDArray[np.int64]]:
    """For every edge that leaves `nodes`: the node (repeated) and the edge's place in `graph.target`."""
    first = graph.start[nodes]
    counts = graph.start[nodes + 1] - first
    total = int(counts.sum())
    if not total:
        return nodes[:0], np.zeros(0, dtype=np.int64)
    ends = np.cumsum(counts)
    place = np.arange(total, dtype=np.int64) + np.repeat(first - (ends - counts), counts)
    return np.repeat(nodes, counts), place


def spread(words: Words, graph: Edges, frontier: Ints) -> Ints:
    """Carry the bits of `frontier` along the edges until nothing changes; `words` [W, N] is changed in place.

    Returns the nodes that gained a bit (each once, `frontier` itself not counted).
    """
    touched = np.zeros(words.shape[1], dtype=np.bool_)
    while frontier.size:
        source, place = outgoing(graph, frontier)
        target = graph.target[place]
        gained: list[Ints] = []
        for row in words:
            new = row[source] & ~row[target]
            some = np.flatnonzero(new)
            if some.size:
                reached = target[some]
                np.bitwise_or.at(row, reached, new[some])
                gained.append(reached)
        if not gained:
            break
        frontier = _once(np.concatenate(gained), touched.size)
        touched[frontier] = True
    return np.flatnonzero(touched).astype(np.int32)


def _once(nodes: Ints, size: int) -> Ints:
    if nodes.size * 16 < size:
        return np.unique(nodes)
    seen = np.zeros(size, dtype=np.bool_)
    seen[nodes] = True
    return np.flatnonzero(seen).astype(np.int32)
