"""What changed between two estates, folded for people: pairs that changed alike for the same reason stand together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from armslength.estate import Estate
from armslength.reach import Cause, Difference, LengthChange
from armslength.reach import Side as Answer
from armslength.report.cause_words import Sides
from armslength.report.picture import words
from armslength.report.plain import counted, listed

_ORDER = ("breaks", "falls", "appears", "rises", "goes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Pairs that changed alike: the same action and class, from `old` to `new` (short text), for the same `causes`.

    `target` is the class, or the asset where it is one or has none. `kind` is `breaks` (a floor that held), `falls`,
    `appears` (the old side has no such asset), `rises` or `goes`; `fails`: it is a reason to stop. `least` is what the
    new side can need at least.
    """

    kind: str
    states: tuple[str, ...]
    action: str
    target: str
    assets: int
    pairs: int
    old: str
    new: str
    floor: int | None
    causes: tuple[Cause, ...]
    fails: bool
    least: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """A difference as a report shows it: `headline` and `deck` are sentences; `cited` numbers the causes in the order
    in which the findings name them."""

    headline: str
    deck: str
    findings: tuple[Finding, ...]
    cited: Mapping[Cause, int]
    fails: bool


def findings(
    found: Difference, causes: Mapping[int, Sequence[Cause]], sides: Sides, *, below: int | None = None
) -> Findings:
    """Fold the changes; `causes` by the number of the change, `below` as `--fail-below` gave it."""
    classes = _classes(sides.old) | _classes(sides.new)
    groups: dict[tuple[object, ...], list[LengthChange]] = {}
    for change in found.changes:
        key = (
            _kind(change),
            change.action,
            classes.get(change.asset) or change.asset,
            length(change.old),
            length(change.new),
            change.floor,
            tuple(causes.get(change.number, ())),
            change.fails(below),
        )
        groups.setdefault(key, []).append(change)
    made = [_finding(some, classes, causes.get(some[0].number, ()), below) for some in groups.values()]
    made.sort(key=lambda f: (not f.fails, _ORDER.index(f.kind), f.least, -f.pairs, f.action, f.target, f.states))
    cited: dict[Cause, int] = {}
    for finding in made:
        for cause in finding.causes:
            cited.setdefault(cause, len(cited) + 1)
    return Findings(
        headline=_headline(found.changes, below),
        deck=_deck(found),
        findings=tuple(made),
        cited=cited,
        fails=any(change.fails(below) for change in found.changes),
    )


def length(side: Answer) -> str:
    """`1`, `›3`, `≥2`; `–` for an asset that the side does not have; `2 0?` where unknown groups could make it 0,
    `2 ≥0?` where the search of that was stopped."""
    if side.length is None:
        return "–"
    said = words(side.length)
    gap = min(side.gaps, key=lambda gap: gap.length, default=None)
    return said if gap is None else f"{said} {'≥' * gap.stopped}{gap.length}?"


def _kind(change: LengthChange) -> str:
    if change.broke:
        return "breaks"
    if change.fell:
        return "falls"
    if change.old.length is None:
        return "appears"
    return "goes" if change.new.length is None else "rises"


def _finding(
    changes: Sequence[LengthChange], classes: Mapping[str, str], causes: Sequence[Cause], below: int | None
) -> Finding:
    first = changes[0]
    assets = len({change.asset for change in changes})
    return Finding(
        kind=_kind(first),
        states=tuple(sorted({change.state for change in changes})),
        action=first.action,
        target=classes.get(first.asset) or first.asset if assets > 1 else first.asset,
        assets=assets,
        pairs=len(changes),
        old=length(first.old),
        new=length(first.new),
        floor=first.floor,
        causes=tuple(causes),
        fails=first.fails(below),
        least=first.new.least,
    )


def _classes(estate: Estate) -> dict[str, str]:
    of_class = estate.assets.of_class.tolist()
    return {asset: estate.classes[c] for asset, c in zip(estate.assets.ids, of_class, strict=True) if c >= 0}


def _headline(changes: Sequence[LengthChange], below: int | None) -> str:
    """What a reviewer must know, in a sentence or two."""
    if not changes:
        return "No length changes."
    protected = [change for change in changes if change.floor is not None]
    breaks = [change for change in protected if change.broke]
    falls = [change for change in protected if change.fell]
    rises = sum(_kind(change) == "rises" for change in changes)
    said = []
    if breaks:
        states = listed(sorted({change.state for change in breaks}), 8)
        said.append(f"A floor that held breaks for {counted(len(breaks), 'pair')}: {states}.")
    if falls:
        said.append(f"{counted(len(falls), 'protected length falls', 'protected lengths fall')}.")
    elif not breaks:
        said.append("No protected length falls.")
    if rises:
        said.append(f"{counted(rises, 'length rises', 'lengths rise')}.")
    if below is not None:
        under = sum(change.fails(below) for change in changes)
        said.append(f"{counted(under, 'protected length falls', 'protected lengths fall')} under {below}.")
    return " ".join(said)


def _deck(found: Difference) -> str:
    what = "every pair" if found.asked.everything else "pairs under a floor of either side"
    return f"{counted(found.pairs, 'pair')} compared ({what}), both on {found.asked.at}."
