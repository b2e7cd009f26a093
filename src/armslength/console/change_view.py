"""A change of the estate as approvers see it: what states could have before and after, and the lines that differ."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from armslength.console.drawing import Drawn, drawn
from armslength.gate import Impossible
from armslength.reach import Beyond, LengthChange, Side
from armslength.report import counted
from armslength.service import Proposed

MOST_LENGTHS = 60
"""Lengths that are drawn; the others are in the evidence."""
MOST_DOTS = 8
_STEP, _RADIUS = 12, 4.5


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthLine:
    """One pair for one state: `words` say what `drawing` shows."""

    state: str
    action: str
    target: str
    drawing: Markup
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    says: str
    widened: tuple[str, ...]
    impossible: tuple[Impossible, ...]
    lengths: tuple[LengthLine, ...]
    lengths_left: int
    files: tuple[Drawn, ...]


def change_view(proposed: Proposed) -> ChangeView:
    """Lengths that fall come first."""
    changes = proposed.changes
    files = drawn(proposed.before, proposed.after)
    ordered = sorted(changes, key=lambda each: (not each.fell, each.new.least, each.state, each.action, each.asset))
    fell = sum(each.fell for each in changes)
    lengths = "no state needs more or fewer outsiders for anything"
    if changes:
        lengths = f"{counted(len(changes), 'length')} differ{'s' if len(changes) == 1 else ''}, {fell} of them shorter"
    return ChangeView(
        says=f"{counted(len(files), 'file')} would differ; {lengths}.{_sealed(proposed, files)}",
        widened=tuple(sorted(proposed.widened)),
        impossible=proposed.impossible,
        lengths=tuple(_line(each) for each in ordered[:MOST_LENGTHS]),
        lengths_left=max(0, len(ordered) - MOST_LENGTHS),
        files=files,
    )


def _sealed(proposed: Proposed, files: tuple[Drawn, ...]) -> str:
    """What may be told of ties that people declared, whose table is not drawn."""
    return f" Of declared ties, which are sealed: {proposed.ties.words()}." if any(f.sealed for f in files) else ""


def _line(change: LengthChange) -> LengthLine:
    old, new = _number(change.old), _number(change.new)
    return LengthLine(
        state=change.state,
        action=change.action,
        target=change.asset,
        drawing=dots(old, new),
        words=f"{_words(change.old)} → {_words(change.new)}",
    )


def _number(side: Side) -> int | None:
    """The length, None where it is more than was looked for, or there is no such asset."""
    return None if side.length is None or isinstance(side.length, Beyond) else side.known


def _words(side: Side) -> str:
    number = _number(side)
    if side.length is None:
        return "no such asset"
    return "more than was looked for" if number is None else str(number)


def dots(old: int | None, new: int | None) -> Markup:
    """A dot for each outsider that is needed: full where both need it, dashed where it is lost, ringed where it is won.
    A picture of what stands in words beside it."""
    kept, most = (MOST_DOTS if each is None else min(each, MOST_DOTS) for each in _sorted(old, new))
    lost = _rank(new) < _rank(old)
    kinds = ["dot"] * kept + ["lost" if lost else "won"] * (most - kept)
    circles = Markup("").join(
        Markup('<circle class="{}" cx="{}" cy="{}" r="{}"/>').format(kind, 6 + _STEP * k, 7, _RADIUS)
        for k, kind in enumerate(kinds)
    )
    width = max(1, len(kinds)) * _STEP + 2
    return Markup('<svg width="{0}" height="14" viewBox="0 0 {0} 14" aria-hidden="true">{1}</svg>').format(
        width, circles
    )


def _sorted(old: int | None, new: int | None) -> tuple[int | None, int | None]:
    return (old, new) if _rank(old) <= _rank(new) else (new, old)


def _rank(length: int | None) -> float:
    return float("inf") if length is None else length
