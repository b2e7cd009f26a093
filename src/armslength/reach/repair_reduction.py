"""Reduction of the covering problem before it is solved: what some least choice can do without, and its parts.

Of two options on one row that weigh the same and meet the same clauses, one will do; most terms are alike to all
clauses known. A clause that another implies asks for nothing more. What is left falls into parts that share no option
and no row: the least choice is the least of each, and a part that was solved before need not be solved again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from armslength.reach.repair_clause import Clause
from armslength.reach.repair_menu import Menu

Options = frozenset[int]
TURNS = 4
"""So often are options and clauses thinned out in turn."""


@dataclass(frozen=True, slots=True)
class Row:
    """A clause as the solver sees it."""

    any_of: Options
    unless: frozenset[Options] = frozenset()

    def met(self, chosen: Options) -> bool:
        return not self.any_of.isdisjoint(chosen) or any(some.isdisjoint(chosen) for some in self.unless)


@dataclass(frozen=True, slots=True)
class Part:
    """Rows with options of their own; `options` ascending."""

    options: tuple[int, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Reduced:
    """`parts` whose least choices together are a least choice of the whole; `instead[o]` serves wherever the dropped
    option o would, at no greater weight."""

    parts: tuple[Part, ...]
    instead: dict[int, int]

    def translated(self, chosen: Iterable[int]) -> Options:
        """A choice in the options that are left."""
        return frozenset(self._last(o) for o in chosen)

    def _last(self, option: int) -> int:
        while option in self.instead:
            option = self.instead[option]
        return option


def reduced(menu: Menu, clauses: Iterable[Clause]) -> Reduced:
    # First what is plain, since it leaves a tenth for all that follows.
    every, instead = _alike(menu, list(dict.fromkeys(clauses)))
    rows = least(every)
    for turn in range(TURNS):
        fewer = _thinned(menu, rows, menu.weight, instead, across=turn > 0)
        if fewer is None and turn:
            break
        rows = least(set(fewer)) if fewer is not None else rows
    return Reduced(_parts(menu, rows), instead)


def _alike(menu: Menu, clauses: Sequence[Clause]) -> tuple[dict[Row, None], dict[int, int]]:
    """The clauses with one option in place of all those of one row of the tables and one weight that they never tell
    apart, and which stands in for which."""
    # Few sets of options of a row are asked for, by many clauses: what is in the same sets is in the same clauses.
    parts = [c.parts or _by_key(menu, c.any_of) for c in clauses]
    asked = dict.fromkeys(some for mine in parts for some in mine)
    barred = dict.fromkeys(some for c in clauses for some in c.unless)
    where: dict[int, list[int]] = {}
    for number, some in enumerate((*asked, *barred)):
        for o in some:
            where.setdefault(o, []).append(number)
    first: dict[tuple[int, int, tuple[int, ...]], int] = {}
    instead: dict[int, int] = {}
    for o in sorted(where):
        one = first.setdefault((menu.key[o], menu.weight[o], tuple(where[o])), o)
        if one != o:
            instead[o] = one
    left = {some: frozenset(o for o in some if o not in instead) for some in (*asked, *barred)}
    rows = (
        Row(Options().union(*(left[some] for some in mine)), frozenset(left[some] for some in c.unless))
        for mine, c in zip(parts, clauses, strict=True)
    )
    return dict.fromkeys(rows), instead


def _by_key(menu: Menu, options: Options) -> tuple[Options, ...]:
    """Options by the row of the tables that they change."""
    found: dict[int, list[int]] = {}
    for o in sorted(options):
        found.setdefault(menu.key[o], []).append(o)
    return tuple(frozenset(some) for some in found.values())


def merged(menu: Menu, clauses: Iterable[Clause]) -> list[Row | None]:
    """Each clause, in the order given, with one of the options of a row that are alike to all of them, whatever they
    weigh; None for one that then always holds."""
    rows = [Row(c.any_of, c.unless) for c in clauses]
    dropped = _served(menu, rows, [0] * len(menu.key), {}, across=False)
    fewer = [Row(row.any_of - dropped, frozenset(some - dropped for some in row.unless)) for row in rows]
    return [row if all(row.unless) else None for row in fewer]


def least(rows: Iterable[Row]) -> list[Row]:
    """Without those that another, with fewer ways to meet it, implies."""
    plain = sorted((r.any_of for r in rows if not r.unless), key=lambda some: (len(some), sorted(some)))
    often: dict[int, int] = {}
    for some in plain:
        for o in some:
            often[o] = often.get(o, 0) + 1
    kept: list[Options] = []
    # Each kept one is found through its rarest option.
    by: dict[int, list[Options]] = {}
    for some in plain:
        if not any(other <= some for o in some if o in by for other in by[o]):
            kept.append(some)
            if some:
                by.setdefault(min(some, key=lambda o: (often[o], o)), []).append(some)
    mixed = (r for r in rows if r.unless and not any(other <= r.any_of for o in r.any_of if o in by for other in by[o]))
    ordered = sorted(mixed, key=lambda r: (sorted(r.any_of), sorted(map(sorted, r.unless))))
    return [*(Row(some) for some in kept), *ordered]


def _thinned(
    menu: Menu, rows: Sequence[Row], weight: Sequence[int], instead: dict[int, int], *, across: bool
) -> list[Row] | None:
    """The rows without the options that others serve for; None where there is none to leave out."""
    dropped = _served(menu, rows, weight, instead, across=across)
    if not dropped:
        return None
    fewer = [Row(row.any_of - dropped, frozenset(some - dropped for some in row.unless)) for row in rows]
    # What only a dropped option could break holds anyway.
    return [row for row in fewer if all(row.unless)]


def _served(
    menu: Menu, rows: Sequence[Row], weight: Sequence[int], instead: dict[int, int], *, across: bool
) -> set[int]:
    """The options that another of the same row of the tables serves for or, `across` rows, one that is the only option
    of its row."""
    meets: dict[int, int] = {}
    breaks: dict[int, int] = {}
    sets = 0
    for number, row in enumerate(rows):
        bit = 1 << number
        for o in row.any_of:
            meets[o] = meets.get(o, 0) | bit
        for some in row.unless:
            # A bit for each set: to break another set of the same row is not the same.
            for o in some:
                breaks[o] = breaks.get(o, 0) | 1 << sets
            sets += 1
    by_key: dict[int, list[int]] = {}
    for o in sorted(meets.keys() | breaks.keys()):
        by_key.setdefault(menu.key[o], []).append(o)
    dropped: set[int] = set()

    def serves(one: int, other: int) -> bool:
        """Whether `one` does in place of `other`."""
        return (
            weight[one] <= weight[other]
            and not meets.get(other, 0) & ~meets.get(one, 0)
            and not breaks.get(one, 0) & ~breaks.get(other, 0)
        )

    for same in by_key.values():
        best: list[int] = []
        for o in sorted(same, key=lambda o: (-meets.get(o, 0).bit_count(), breaks.get(o, 0).bit_count(), weight[o], o)):
            other = next((b for b in best if serves(b, o)), None)
            if other is None:
                best.append(o)
            else:
                dropped.add(o)
                instead[o] = other
        by_key[menu.key[same[0]]] = best
    if across:
        alone = [some[0] for some in by_key.values() if len(some) == 1 and some[0] not in breaks]
        inside: dict[int, list[int]] = {}
        for o in alone:
            low = meets[o] & -meets[o]
            rest = meets[o]
            while rest:
                low = rest & -rest
                inside.setdefault(low.bit_length() - 1, []).append(o)
                rest ^= low
        free = [o for some in by_key.values() for o in some if o not in breaks and o in meets]
        for o in sorted(free, key=lambda o: (meets[o].bit_count(), -weight[o], -o)):
            first = (meets[o] & -meets[o]).bit_length() - 1
            other = next((b for b in inside.get(first, ()) if b != o and b not in dropped and serves(b, o)), None)
            if other is not None:
                dropped.add(o)
                instead[o] = other
    return dropped


def _parts(menu: Menu, rows: Sequence[Row]) -> tuple[Part, ...]:
    root: dict[int, int] = {}

    def find(key: int) -> int:
        while root.setdefault(key, key) != key:
            root[key] = key = root[root[key]]
        return key

    # Options of one row of the tables exclude each other: they belong together.
    keys = [sorted({menu.key[o] for o in row.any_of.union(*row.unless)}) for row in rows]
    for some in keys:
        for key in some[1:]:
            root[find(key)] = find(some[0])
    found: dict[int, list[Row]] = {}
    for row, some in zip(rows, keys, strict=True):
        found.setdefault(find(some[0]) if some else -1, []).append(row)
    return tuple(
        Part(tuple(sorted({o for row in mine for o in row.any_of.union(*row.unless)})), tuple(mine))
        for mine in found.values()
    )
