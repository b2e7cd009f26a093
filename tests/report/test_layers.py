"""The layout of drawings: nothing overlaps, nothing runs backward, lines stay clear of boxes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from armslength.report.layers import layout

GAP = 10.0


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[int], list[float], list[tuple[int, int]]]:
    depth = draw(st.lists(st.integers(0, 5), min_size=1, max_size=14))
    heights = draw(st.lists(st.floats(20, 80), min_size=len(depth), max_size=len(depth)))
    forward = [(a, b) for a in range(len(depth)) for b in range(len(depth)) if depth[a] < depth[b]]
    edges = draw(st.lists(st.sampled_from(forward), unique=True, max_size=20)) if forward else []
    return depth, heights, edges


@given(graphs())
def test_boxes_and_passing_lines_never_meet(graph: tuple[list[int], list[float], list[tuple[int, int]]]) -> None:
    """A line under a box reads as if it ended there, and the chain as if it did not need the rest."""
    depth, heights, edges = graph
    placed = layout(depth, heights, edges, GAP)
    spans: dict[int, list[tuple[float, float]]] = {}
    for i in range(len(depth)):
        spans.setdefault(placed.x[i], []).append((placed.y[i], placed.y[i] + heights[i]))
    for (start, _), between in zip(edges, placed.routes, strict=True):
        for k, y in enumerate(between, start=placed.x[start] + 1):
            spans.setdefault(k, []).append((y, y))
    for column in spans.values():
        column.sort()
        for (_, end), (start, _) in zip(column, column[1:], strict=False):
            assert start - end >= GAP - 1e-6
    everything = [edge for column in spans.values() for span in column for edge in span]
    assert min(everything) >= -1e-6 and max(everything) <= placed.height + 1e-6


@given(graphs())
def test_every_line_runs_from_left_to_right(graph: tuple[list[int], list[float], list[tuple[int, int]]]) -> None:
    """Left to right is the order in which it would happen."""
    depth, heights, edges = graph
    placed = layout(depth, heights, edges, GAP)
    assert placed.columns == len(set(depth))
    for (start, end), between in zip(edges, placed.routes, strict=True):
        assert placed.x[start] < placed.x[end]
        assert len(between) == placed.x[end] - placed.x[start] - 1


def test_a_plain_chain_is_a_straight_line() -> None:
    """The commonest drawing must be the calmest."""
    placed = layout([0, 1, 2, 3], [40, 60, 40, 50], [(0, 1), (1, 2), (2, 3)], GAP)
    middles = {round(y + h / 2, 3) for y, h in zip(placed.y, [40, 60, 40, 50], strict=True)}
    assert len(middles) == 1


def test_the_same_graph_is_placed_the_same() -> None:
    """Two runs of a report must be comparable line by line."""
    graph = ([0, 0, 1, 1, 2], [40.0] * 5, [(0, 3), (1, 2), (2, 4), (3, 4), (0, 4)])
    assert layout(*graph, GAP) == layout(*graph, GAP)
