"""A chain as a drawing: inline SVG, left to right, from who is compelled to what the state can do.

The drawing carries no colour of its own; the page's style sheet gives each class its own, light and dark. The sentences
beside it say the same, so the drawing is one labelled picture to a screen reader.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

from armslength.reach import Step
from armslength.report.derivation import Graph, Node, graph
from armslength.report.layers import layout
from armslength.report.plain import width

BOX, GULF, WIDE_GULF, GAP = 152.0, 40.0, 82.0, 16.0
"""Pixels: a box's width; the space between columns, and where its lines carry words; the least space between boxes of a
column."""
LINE, SMALL, PADDING = 17.0, 15.0, 9.0
"""Pixels: the height of a title's line, of a kicker or note, and the space above and below."""
COLUMNS_OF_TEXT = 18.0
MOST_BOXES = 60
"""A larger drawing would help nobody; its sentences stay."""

_SHAPES = {"compelled": 22.0, "accomplice": 22.0, "assumed": 22.0, "group": 7.0, "terms": 7.0, "host": 7.0, "gate": 2.0}


def drawing(steps: Sequence[Step], people: Mapping[str, str], title: str) -> Markup:
    """The SVG of a derivation, or nothing where there is none to draw. `title` is read out in its place."""
    return svg(graph(steps, people), title)


def svg(drawn: Graph, title: str) -> Markup:
    """The SVG of a graph; empty if it has no boxes or more than `MOST_BOXES`."""
    if not drawn.nodes or len(drawn.nodes) > MOST_BOXES:
        return Markup("")
    lines = [wrapped(node.title) for node in drawn.nodes]
    heights = [
        2 * PADDING + SMALL + LINE * len(t) + (SMALL if n.note else 0) for n, t in zip(drawn.nodes, lines, strict=True)
    ]
    placed = layout(drawn.depth, heights, [(e.start, e.end) for e in drawn.edges], GAP)
    worded = {placed.x[e.end] for e in drawn.edges if e.label}
    columns = [1.0]
    for k in range(1, placed.columns):
        columns.append(columns[-1] + BOX + (WIDE_GULF if k in worded else GULF))
    left = [columns[c] for c in placed.x]
    wide = columns[-1] + BOX + 1
    high = placed.height + 2
    parts: list[Markup] = []
    labels: list[Markup] = []
    for edge, heights_between in zip(drawn.edges, placed.routes, strict=True):
        points = [(left[edge.start] + BOX, 1 + placed.y[edge.start] + heights[edge.start] / 2)]
        for k, y in enumerate(heights_between, start=placed.x[edge.start] + 1):
            x = columns[k]
            points += [(x, 1 + y), (x + BOX, 1 + y)]
        points.append((left[edge.end], 1 + placed.y[edge.end] + heights[edge.end] / 2))
        parts.append(_line(points))
        if edge.label:
            labels.append(_label(points, edge.label))
    for i, node in enumerate(drawn.nodes):
        parts.append(_box(node, lines[i], left[i], 1 + placed.y[i], heights[i]))
    return Markup(
        '<svg class="chain w{step}" role="img" aria-label="{title}" viewBox="0 0 {w:.0f} {h:.0f}" '
        'width="{w:.0f}" height="{h:.0f}">{body}</svg>'
    ).format(title=title, w=wide, h=high, step=round(wide / 100), body=Markup("").join(parts + labels))


def wrapped(title: str, columns: float = COLUMNS_OF_TEXT) -> list[str]:
    """The title on one or two lines, broken at a space or after a mark such as `-` where there is one."""
    if width(title) <= columns:
        return [title]
    cut = best = 0
    used = 0.0
    for i, c in enumerate(title):
        used += width(c)
        if used > columns:
            break
        cut = i + 1
        if c in " -_/.:@":
            best = i + 1
    at = best if best * 2 >= cut else cut
    return [title[:at].rstrip(), _clipped(title[at:].lstrip(), columns)]


def _clipped(text: str, columns: float) -> str:
    if width(text) <= columns:
        return text
    while text and width(text) > columns - 1:
        text = text[:-1]
    return text + "…"


def _line(points: list[tuple[float, float]]) -> Markup:
    (x, y), *rest = points
    d = [f"M{x:.0f} {y:.1f}"]
    for nx, ny in rest:
        middle = (x + nx) / 2
        d.append(f"C{middle:.0f} {y:.1f} {middle:.0f} {ny:.1f} {nx:.0f} {ny:.1f}" if ny != y else f"H{nx:.0f}")
        x, y = nx, ny
    head = f"M{x - 7:.0f} {y - 3.5:.1f}l7 3.5l-7 3.5"
    return Markup('<path class="edge" d="{d}"/><path class="edge head" d="{head}"/>').format(d="".join(d), head=head)


def _label(points: list[tuple[float, float]], label: str) -> Markup:
    """Above the line where it sets out for its last box: there, lines that meet are still apart."""
    x, y = points[-2]
    return Markup('<text class="edge-label" x="{x:.0f}" y="{y:.1f}">{label}</text>').format(
        x=x + 5, y=y - 5, label=label
    )


def _box(node: Node, lines: list[str], x: float, y: float, high: float) -> Markup:
    texts = [
        Markup('<text class="kicker" x="{x:.0f}" y="{y:.1f}">{text}</text>').format(
            x=x + 14, y=y + PADDING + 11, text=node.kicker
        )
    ]
    at = y + PADDING + SMALL + 13
    for line in lines:
        texts.append(
            Markup('<text class="title" x="{x:.0f}" y="{y:.1f}">{text}</text>').format(x=x + 14, y=at, text=line)
        )
        at += LINE
    if node.note:
        texts.append(
            Markup('<text class="note" x="{x:.0f}" y="{y:.1f}">{text}</text>').format(
                x=x + 14, y=at - 1, text=_clipped(node.note, COLUMNS_OF_TEXT + 2)
            )
        )
    radius = min(_SHAPES.get(node.kind, 2.0), high / 2)
    return Markup(
        '<g class="box {kind}"><title>{kicker}: {title}</title>'
        '<rect x="{x:.1f}" y="{y:.1f}" width="{w:.0f}" height="{h:.1f}" rx="{r:.0f}"/>{texts}</g>'
    ).format(
        kind=escape(node.kind),
        kicker=node.kicker,
        title=node.title,
        x=x,
        y=y,
        w=BOX,
        h=high,
        r=radius,
        texts=Markup("").join(texts),
    )
