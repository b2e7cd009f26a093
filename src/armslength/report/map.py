"""The world map: each state in the colour of what it can have, small ones as numbered dots.

Shapes come from `world.json`, which scripts/map derives from Natural Earth's public-domain data; borders follow that
data and take no position. The page repeats everything that the map says in a table.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from markupsafe import Markup

from armslength.report.picture import Picture
from armslength.report.plain import counted, number
from armslength.report.standing import Standing, place, short_length

DOT, NUMERAL, FITS = 12.0, 20.0, 13.0
"""Map units: a numbered dot's radius, the numerals' size, and the room a shape needs to hold one."""
FARTHEST = 90.0
"""Map units that a crowded dot may move from its place; a thin line leads back."""
LEFT, RIGHT, MARGIN = 215.0, 1850.0, 24.0
"""Map units: where nearly all land lies. The ocean beside it is shown only where an answer lies in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A place of the map: an SVG path, or only a point; `room` is how far `at` is from the border."""

    path: str
    at: tuple[float, float]
    room: float


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    width: int
    height: int
    rest: str
    provenance: str
    shapes: Mapping[str, Shape]


@functools.cache
def world() -> World:
    """The packaged map."""
    raw = json.loads(resources.files("armslength.report").joinpath("world.json").read_text(encoding="utf-8"))
    shapes = {}
    for code, entry in raw["places"].items():
        at = entry.get("at") or entry.get("dot")
        if at is not None:
            x, y = at
            shapes[code] = Shape(path=entry.get("path", ""), at=(x, y), room=entry.get("room", 0))
    return World(
        width=raw["width"], height=raw["height"], rest=raw["rest"], provenance=raw["provenance"], shapes=shapes
    )


def world_map(picture: Picture, ranked: Sequence[Standing]) -> Markup:
    """The map as inline SVG, coloured by the page's style sheet through the classes `l0` … `l3`, `holds`, `home`."""
    atlas = world()
    shown = [s for s in ranked if s.worst is not None and s.state.code in atlas.shapes]
    coloured = {s.state.code for s in shown}
    land = atlas.rest + "".join(shape.path for code, shape in atlas.shapes.items() if code not in coloured)
    shapes, marks, leads = [], [], []
    taken: list[tuple[float, float, float]] = []
    # Numbers inside wide shapes never move, so they claim their places before the dots look for one.
    inland = [s for s in shown if atlas.shapes[s.state.code].room >= FITS]
    for standing in inland:
        x, y = atlas.shapes[standing.state.code].at
        taken.append((x, y, NUMERAL * 0.6))
        marks.append(_numeral(standing, x, y))
    for standing in shown:
        shape = atlas.shapes[standing.state.code]
        if shape.path:
            shapes.append(
                Markup('<path class="{level}" d="{d}"><title>{told}</title></path>').format(
                    level=standing.level, d=shape.path, told=caption(standing)
                )
            )
        if shape.room >= FITS:
            continue
        if not standing.broken:
            if not shape.path:
                taken.append((*shape.at, 5.0))
                marks.append(_dot(standing, *shape.at, 5.0))
            continue
        x, y = _free(shape.at, taken)
        taken.append((x, y, DOT))
        if math.hypot(x - shape.at[0], y - shape.at[1]) > 1:
            leads.append(Markup('<path class="lead" d="M{:.0f} {:.0f}L{:.0f} {:.0f}"/>').format(*shape.at, x, y))
        marks.append(_dot(standing, x, y, DOT) + _numeral(standing, x, y))
    left = min([LEFT, *(x - MARGIN for x, _, _ in taken)])
    right = max([RIGHT, *(x + MARGIN for x, _, _ in taken)])
    return Markup(
        '<svg class="world" role="img" aria-label="{label}" viewBox="{x:.0f} 0 {w:.0f} {h}">'
        '<path class="land" d="{land}"/><g class="places">{shapes}</g><g class="leads">{leads}</g>'
        '<g class="marks">{marks}</g></svg>'
    ).format(
        label=_label(picture, ranked),
        x=left,
        w=right - left,
        h=atlas.height,
        land=land,
        shapes=Markup("").join(shapes),
        leads=Markup("").join(leads),
        marks=Markup("").join(marks),
    )


def caption(standing: Standing) -> str:
    """What the state's colour and number say."""
    if standing.worst is None:
        return f"{place(standing.state)}: nothing was asked"
    told = f"{place(standing.state)}: length {short_length(standing.worst)}"
    if standing.broken:
        return f"{told}; {number(standing.broken)} of {counted(standing.pairs, 'pair')} below the floor"
    return f"{told}; {'a home state' if standing.state.home else 'every floor holds'}"


def off_the_map(ranked: Sequence[Standing]) -> tuple[Standing, ...]:
    """States with an answer that the map has no place for: blocs, and codes that the estate declared."""
    return tuple(s for s in ranked if s.worst is not None and s.state.code not in world().shapes)


def _label(picture: Picture, ranked: Sequence[Standing]) -> str:
    broken = [s for s in ranked if s.broken]
    if not broken:
        return "World map: no state breaks a floor. The table below the map lists every state."
    first = ", ".join(caption(s) for s in broken[:3])
    breakers = counted(len(broken), "state breaks", "states break")
    return f"World map: {breakers} a floor. {first}. The table below lists all."


def _numeral(standing: Standing, x: float, y: float) -> Markup:
    assert standing.worst is not None
    return Markup('<text class="{level}" x="{x:.0f}" y="{y:.0f}" font-size="{size:.0f}">{text}</text>').format(
        level=standing.level, x=x, y=y + NUMERAL * 0.36, size=NUMERAL, text=short_length(standing.worst)
    )


def _dot(standing: Standing, x: float, y: float, radius: float) -> Markup:
    return Markup(
        '<circle class="{level}" cx="{x:.0f}" cy="{y:.0f}" r="{r:.0f}"><title>{told}</title></circle>'
    ).format(level=standing.level, x=x, y=y, r=radius, told=caption(standing))


def _free(at: tuple[float, float], taken: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """The nearest place around `at` where a dot covers no other mark; `at` itself if all are crowded."""
    x, y = at
    step = 3.0
    distance = 0.0
    while distance <= FARTHEST:
        turns = max(1, round(2 * math.pi * distance / 6))
        for k in range(turns):
            # Starting upward keeps the moved dots of Europe over the sea.
            angle = -math.pi / 2 + 2 * math.pi * k / turns
            px, py = x + distance * math.cos(angle), y + distance * math.sin(angle)
            if all(math.hypot(px - tx, py - ty) >= DOT + radius + 1.5 for tx, ty, radius in taken):
                return px, py
        distance += step
    return at
