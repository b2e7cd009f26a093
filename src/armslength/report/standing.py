"""Where each state stands: the picture's cells state by state, and the words for it that all formats share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from armslength.reach import Between, Beyond, Exact, Length
from armslength.report.picture import Cell, Column, Picture, StateLine, rank, words
from armslength.report.plain import counted, listed, number, short, spelled

LEVELS = 4
"""Steps of the colour scale: length 0, 1, 2, and 3 or more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One state against everything protected. `worst` is the cell that decides its colour; None when it has none."""

    state: StateLine
    cells: tuple[Cell, ...]
    worst: Cell | None
    pairs: int
    broken: int

    @property
    def level(self) -> str:
        """The class of its colour: that of its worst cell, or `none`."""
        return "none" if self.worst is None else level(self.worst, home=self.state.home)


def level(cell: Cell, *, home: bool = False) -> str:
    """The class of a cell's colour: `l0` … `l3` by its length where a floor is surely broken, `gap` where only the
    unknown groups could break it, `holds`, or `home` for a home state that no floor is against."""
    if cell.sure:
        return scale(rank(cell.length))
    if cell.broken:
        return "gap"
    return "home" if home and cell.floor is None else "holds"


def scale(length: int) -> str:
    """`l0`, `l1`, `l2`, and `l3` for 3 or more."""
    return f"l{min(length, LEVELS - 1)}"


def standings(picture: Picture) -> tuple[Standing, ...]:
    """Every state, the one closest to what is protected first; states that break none follow, home states last."""
    cells: dict[int, list[Cell]] = {}
    for cell in picture.cells:
        cells.setdefault(cell.state, []).append(cell)
    found = []
    for i, state in enumerate(picture.states):
        own = tuple(sorted(cells.get(i, ()), key=lambda c: c.column))
        worst = min(own, key=need, default=None)
        found.append(
            Standing(
                state=state, cells=own, worst=worst, pairs=sum(c.pairs for c in own), broken=sum(c.broken for c in own)
            )
        )
    return tuple(sorted(found, key=_order))


def need(cell: Cell) -> tuple[object, ...]:
    """Surely broken before perhaps broken before whole; then the shortest, then the farthest below its floor."""
    return cell.sure == 0, cell.broken == 0, rank(cell.length), -(cell.floor or 0), -cell.sure, cell.column


def _order(standing: Standing) -> tuple[object, ...]:
    worst = standing.worst
    if worst is None:
        return True, True, standing.state.home, 0, 0, 0, standing.state.code
    least = rank(worst.length)
    at_least = sum(count for cell in standing.cells for length, count in cell.spread if length == least)
    return (
        worst.sure == 0,
        standing.broken == 0,
        standing.state.home,
        least,
        -at_least,
        -standing.broken,
        standing.state.code,
    )


def doubt(cell: Cell) -> str:
    """`0?` where the unknown groups could make the cell shorter than it is known to be; else nothing."""
    return f"{cell.gap}?" if cell.gap is not None and cell.gap < rank(cell.length) else ""


def short_length(cell: Cell) -> str:
    """The cell's number: `1`, `›3`, `≥2`; `0?` where only the unknown groups break its floor."""
    return doubt(cell) if level(cell) == "gap" else words(cell.length)


def spoken(length: Length) -> str:
    """The length as a phrase that ends a sentence."""
    match length:
        case Exact(length=0):
            return "with nobody’s help"
        case Exact(length=1):
            return "with one outsider’s help"
        case Exact(length=n):
            return f"with {spelled(n)} outsiders’ help"
        case Between(at_least=n):
            return f"with at least {counted(n, 'outsider')}"
        case Beyond(cap=cap):
            return f"only with more than {counted(cap, 'outsider')}"


def place(state: StateLine) -> str:
    """`China (CN)`; the code alone where it has no name."""
    return short(f"{state.name} ({state.code})" if state.name and state.name != state.code else state.code)


def target(column: Column) -> str:
    """`customer-content` for a class, the id for an asset."""
    return short(column.target.split(":", 1)[-1])


def told(picture: Picture, standing: Standing, cell: Cell) -> str:
    """One cell as a sentence: what the colour and the number say."""
    column = picture.columns[cell.column]
    parts = [f"{place(standing.state)}, {short(column.action)}, {target(column)}: length {words(cell.length)}"]
    if doubt(cell):
        parts.append(f"{cell.gap} if the unknown groups hold its people")
    if cell.floor is None:
        parts.append("no floor")
    elif cell.broken:
        parts.append(f"floor {cell.floor}, broken for {number(cell.broken)} of {counted(cell.pairs, 'asset')}")
    else:
        parts.append(f"floor {cell.floor} holds")
    return ", ".join(parts)


def headline(picture: Picture) -> str:
    """The finding in one sentence."""
    floors = picture.floors
    broken = [f for f in floors if f.broken]
    states = {code for f in broken for code in f.states}
    if not floors:
        return "No floor is set, so nothing is judged."
    if not broken:
        return "The one floor holds." if len(floors) == 1 else f"All {spelled(len(floors))} floors hold."
    if len(floors) == 1:
        subject = "The one floor is broken"
    elif len(broken) == len(floors):
        subject = f"{'Both' if len(floors) == 2 else f'All {spelled(len(floors))}'} floors are broken"
    else:
        verb = "is" if len(broken) == 1 else "are"
        subject = f"{spelled(len(broken)).capitalize()} of {spelled(len(floors))} floors {verb} broken"
    return f"{subject}, by {_of(len(states), judged(picture))}."


def judged(picture: Picture) -> int:
    """How many states some floor is against."""
    return len({c.state for c in picture.cells if c.floor is not None})


def _of(part: int, whole: int) -> str:
    """`two of five states`, `all 14 states`; figures for both where either is large."""
    if part == whole:
        return "the one state that they are against" if whole == 1 else f"all {spelled(whole)} states"
    said = (spelled(part), spelled(whole)) if whole <= 12 else (number(part), number(whole))
    return f"{said[0]} of {said[1]} states"


def deck(picture: Picture, ranked: Sequence[Standing]) -> str:
    """The sentence under the headline: who is closest, to what, with how much help."""
    shown = [(s, c) for s in ranked for c in s.cells if c.floor is not None and not (s.state.home and not c.broken)]
    if not picture.floors:
        return "--format csv lists every length that was computed; floors in estate.toml say which of them must hold."
    if not shown:
        return "No state can compel anyone who leads to a protected asset."
    for judge in ("sure", "broken", "pairs"):
        if some := [(s, c) for s, c in shown if getattr(c, judge)]:
            break
    doubtful = judge == "broken"

    def least(cell: Cell) -> int:
        return cell.gap if doubtful and cell.gap is not None else rank(cell.length)

    nearest = min(least(c) for _, c in some)
    by_column: dict[int, list[tuple[Standing, Cell]]] = {}
    for s, c in some:
        if least(c) == nearest:
            by_column.setdefault(c.column, []).append((s, c))
    chosen = min(by_column, key=lambda k: (-max(c.floor or 0 for _, c in by_column[k]), -len(by_column[k]), k))
    who = [place(s.state) for s, _ in by_column[chosen]]
    column, floor = picture.columns[chosen], max(c.floor or 0 for _, c in by_column[chosen])
    length = Exact(length=nearest) if doubtful else by_column[chosen][0][1].length
    said = f"{listed(who, 4)} could {short(column.action)} {target(column)} {spoken(length)}"
    if judge == "pairs":
        return f"The nearest: {said}."
    if doubtful:
        return f"If groups that the sources do not tell of hold their people, {said}, where the floor asks for {floor}."
    return f"{said}, where the floor asks for {floor}."


def home_sentence(picture: Picture) -> str:
    """What every report says of home states, in plain words; empty when there are none."""
    home = picture.home
    if not home:
        return ""
    names = " and ".join(place(s) for s in home)
    one = len(home) == 1
    return (
        f"{names} {'is a home state' if one else 'are home states'}: "
        f"the whole firm answers to {'it' if one else 'them'}. "
        "No quorum can be apart from a state that can order the firm itself, and no software stops such an order, so "
        f"{'it is' if one else 'they are'} left out of the floors unless a floor names {'it' if one else 'them'}."
    )
