"""The answer for a terminal: the finding, the floors, what is broken, and a line that says how to read it."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from armslength.report import standing
from armslength.report.picture import Cell, FloorLine, Picture
from armslength.report.plain import counted, listed, number, short
from armslength.report.standing import Standing

MOST_ROWS = 24
"""Rows of the second table; with more broken cells it goes by class in place of state and class."""
_STYLES = {"l0": "bold red", "l1": "red", "l2": "yellow", "l3": "yellow", "gap": "magenta"}


def table(picture: Picture) -> Group:
    """A rich renderable. Broken floors come first; colour repeats what the numbers say."""
    ranked = standing.standings(picture)
    parts: list[RenderableType] = [
        Text.assemble((standing.headline(picture), "bold")),
        Text(standing.deck(picture, ranked)),
        Text(""),
        _floors(picture),
    ]
    broken = [(s, c) for s in ranked for c in s.cells if c.broken]
    if broken:
        parts += [Text(""), _by_state(picture, broken) if len(broken) <= MOST_ROWS else _by_class(picture, ranked)]
    parts += [Padding(note, (1, 0, 0, 0)) for note in notes(picture)]
    parts.append(Padding(Text(legend(picture), style="dim"), (1, 0, 0, 0)))
    return Group(*parts)


def _floors(picture: Picture) -> Table:
    drawn = _table("floor", "on", "asks for", "shortest", "pairs below", "broken by")
    for floor in sorted(
        picture.floors, key=lambda f: (f.broken == 0, f.worst if f.worst is not None else 99, f.number)
    ):
        drawn.add_row(
            Text(short(floor.action)),
            Text(short(floor.target)),
            Text(str(floor.length), justify="right"),
            _shortest(picture, floor),
            Text(f"{number(floor.broken)} of {number(floor.pairs)}", justify="right"),
            Text(
                listed([short(s) for s in floor.states], 8)
                if floor.broken
                else "holds"
                if floor.pairs
                else "no pair asked"
            ),
        )
    return drawn


def _shortest(picture: Picture, floor: FloorLine) -> Text:
    if floor.worst is None:
        return Text("–", justify="right")
    below = floor.worst < floor.length
    said = str(floor.worst) if below or floor.worst <= picture.cap else f"›{picture.cap}"
    style = _STYLES[standing.scale(floor.worst)] if below else _STYLES["gap"] if floor.broken else ""
    return Text(said if floor.gap is None else f"{said} {floor.gap}?", justify="right", style=style)


def _length(cell: Cell) -> Text:
    said, doubt = standing.short_length(cell), standing.doubt(cell)
    return Text(
        said if doubt in ("", said) else f"{said} {doubt}", justify="right", style=_STYLES[standing.level(cell)]
    )


def _by_state(picture: Picture, broken: list[tuple[Standing, Cell]]) -> Table:
    drawn = _table("state", "could", "on", "length", "floor", "pairs below")
    for s, cell in broken:
        column = picture.columns[cell.column]
        drawn.add_row(
            Text(standing.place(s.state)),
            Text(short(column.action)),
            Text(standing.target(column)),
            _length(cell),
            Text(str(cell.floor), justify="right"),
            Text(f"{number(cell.broken)} of {number(cell.pairs)}", justify="right"),
        )
    return drawn


def _by_class(picture: Picture, ranked: tuple[Standing, ...]) -> Table:
    """One row for each action and class: by how many states, which first."""
    drawn = _table("could", "on", "length", "floor", "pairs below", "states, the closest first")
    rows = []
    for k, column in enumerate(picture.columns):
        own = [(s, c) for s in ranked for c in s.cells if c.column == k and c.floor is not None]
        broken = sorted((p for p in own if p[1].broken), key=lambda p: (standing.need(p[1])[:3], p[0].state.code))
        if broken:
            below = sum(c.broken for _, c in broken)
            rows.append((standing.need(broken[0][1])[:3], -below, column, broken, sum(c.pairs for _, c in own)))
    for _, below, column, broken, pairs in sorted(rows, key=lambda row: row[:2]):
        drawn.add_row(
            Text(short(column.action)),
            Text(standing.target(column)),
            _length(broken[0][1]),
            Text(str(max(c.floor or 0 for _, c in broken)), justify="right"),
            Text(f"{number(-below)} of {number(pairs)}", justify="right"),
            Text(_by_length(broken)),
        )
    return drawn


def _by_length(broken: list[tuple[Standing, Cell]]) -> str:
    """`CN, RU and 3 more at 0; DE at 1`."""
    codes: dict[str, list[str]] = {}
    for s, c in broken:
        codes.setdefault(standing.short_length(c), []).append(short(s.state.code))
    return "; ".join(f"{listed(found, 5)} at {length}" for length, found in codes.items())


def _table(*columns: str) -> Table:
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", show_edge=False)
    for name in columns:
        drawn.add_column(
            name,
            justify="right"
            if name in ("asks for", "shortest", "pairs below", "length", "floor") and name != columns[0]
            else "left",
            overflow="fold",
        )
    return drawn


def notes(picture: Picture) -> list[Text]:
    """Home states, unknown groups and unfinished searches: what a reader must not miss."""
    found = []
    if sentence := standing.home_sentence(picture):
        found.append(Text(sentence))
    gaps = [g for g in picture.gaps if g.least is not None]
    if gaps:
        names = listed([short(g.group) for g in gaps])
        found.append(
            Text(f"Find out who is in {names}: if people of a state are, some lengths are shorter (marked ?).")
        )
    if picture.unfinished:
        found.append(
            Text(f"The search was stopped for {counted(picture.unfinished, 'pair')}, shown by what is proven (≥).")
        )
    return found


def legend(picture: Picture) -> str:
    return (
        f"Length: how many people outside a state’s reach it would need besides those it can compel; ›{picture.cap} is "
        f"more than {picture.cap}. {counted(picture.computed, 'pair')} on {picture.at}. "
        "Chains: --html FILE, or armslength explain."
    )
