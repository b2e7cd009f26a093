"""A simple layered layout, left to right: depth gives the column, the middle of the neighbours the height."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SWEEPS = 12
"""Passes over the columns; the small graphs of a derivation settle within a few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """`x[i]` is the column of box i, `y[i]` its top in pixels; `routes[e]` the heights at which edge e crosses the
    columns between its ends; `height` the whole drawing's."""

    columns: int
    x: tuple[int, ...]
    y: tuple[float, ...]
    routes: tuple[tuple[float, ...], ...]
    height: float


def layout(depth: Sequence[int], heights: Sequence[float], edges: Sequence[tuple[int, int]], gap: float) -> Layout:
    """Place boxes of the given heights. `depth` must grow along every edge. Long edges get a passage in each column
    that they cross, so that lines never run under a box."""
    ranks = {d: k for k, d in enumerate(sorted(set(depth)))}
    column = [ranks[d] for d in depth]
    size = list(heights)
    links: list[tuple[int, int]] = []
    passages: list[list[int]] = []
    for start, end in edges:
        chain = [start]
        for k in range(column[start] + 1, column[end]):
            column.append(k)
            size.append(0.0)
            chain.append(len(size) - 1)
        chain.append(end)
        links += list(zip(chain, chain[1:], strict=False))
        passages.append(chain[1:-1])

    rows: list[list[int]] = [[] for _ in range(len(ranks))]
    for i, k in enumerate(column):
        rows[k].append(i)
    before: list[list[int]] = [[] for _ in size]
    after: list[list[int]] = [[] for _ in size]
    for a, b in links:
        after[a].append(b)
        before[b].append(a)

    middle = [0.0] * len(size)
    for row in rows:
        _stack(row, size, middle, [0.0] * len(size), gap)
    for sweep in range(SWEEPS):
        onward = sweep % 2 == 0
        for row in rows if onward else rows[::-1]:
            beside = before if onward else after
            wanted = list(middle)
            for i in row:
                if beside[i]:
                    wanted[i] = sum(middle[j] for j in beside[i]) / len(beside[i])
            row.sort(key=lambda i: (wanted[i], i))
            _stack(row, size, middle, wanted, gap)
    top = min((middle[i] - size[i] / 2 for i in range(len(size))), default=0.0)
    bottom = max((middle[i] + size[i] / 2 for i in range(len(size))), default=0.0)
    boxes = range(len(depth))
    return Layout(
        columns=len(ranks),
        x=tuple(column[i] for i in boxes),
        y=tuple(middle[i] - size[i] / 2 - top for i in boxes),
        routes=tuple(tuple(middle[i] - top for i in chain) for chain in passages),
        height=bottom - top,
    )


def _stack(row: list[int], size: list[float], middle: list[float], wanted: list[float], gap: float) -> None:
    """Set the middles of a column in its order, as near to `wanted` as the boxes' heights allow.

    Boxes that would overlap form a block, which goes where its members on average want to be.
    """
    blocks: list[tuple[list[int], float, float]] = []  # members, offset of the block's start that they want, height
    for i in row:
        members, want, high = [i], wanted[i] - size[i] / 2, size[i]
        while blocks and blocks[-1][1] + blocks[-1][2] + gap > want:
            earlier, before, tall = blocks.pop()
            weight = len(earlier) / (len(earlier) + len(members))
            want = before * weight + (want - tall - gap) * (1 - weight)
            members, high = earlier + members, tall + gap + high
        blocks.append((members, want, high))
    for members, want, _ in blocks:
        y = want
        for i in members:
            middle[i] = y + size[i] / 2
            y += size[i] + gap
