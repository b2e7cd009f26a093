"""Seeds: where two models differ: people, edges, crowds and rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from armslength.reach.crowd import Crowd
from armslength.reach.matching import Matching
from armslength.reach.spread import Ints

if TYPE_CHECKING:
    from armslength.reach.solution import Model

Longs = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seeds:
    """Where two models differ. `gained`, `lost`: people (new indexes) with the states (new indexes) that can compel
    them now and could not, or the other way round. `odd`: people with another value in a distinct column. `added`,
    `removed`: edges of one model only, as (source, target); old nodes for `removed`. `fresh`: rules without a match.
    `more`, `less`: rules whose crowd is wider or narrower, by the tables; `cut`: narrower
    by somebody who did not leave. `gone`: people (old indexes) who left."""

    gained: dict[int, frozenset[int]]
    lost: dict[int, frozenset[int]]
    odd: Ints
    added: tuple[Ints, Ints]
    removed: tuple[Ints, Ints]
    fresh: frozenset[int]
    more: frozenset[int]
    less: frozenset[int]
    cut: frozenset[int]
    gone: Ints

    @property
    def changed(self) -> frozenset[int]:
        """Those who are there before and after, and look otherwise."""
        return frozenset({*self.gained, *self.lost, *self.odd.tolist()})


def seeds(old: Model, new: Model, match: Matching) -> Seeds:
    gained, lost = _moves(old, new, match)
    more, less, cut, fresh = _crowds(old, new, match)
    added, removed = _edges(old, new, match)
    return Seeds(
        gained=gained,
        lost=lost,
        odd=_odd(old, new, match),
        added=added,
        removed=removed,
        fresh=fresh,
        more=more,
        less=less,
        cut=cut,
        gone=np.flatnonzero(match.people < 0).astype(np.int32),
    )


def _moves(old: Model, new: Model, match: Matching) -> tuple[dict[int, frozenset[int]], dict[int, frozenset[int]]]:
    """Who is exposed to states more, or fewer, than before."""
    codes = old.estate.states
    place = {code: i for i, code in enumerate(new.estate.states)}
    # A state that the new estate does not know stands below all that it knows.
    gone = {code: -1 - i for i, code in enumerate(codes)}
    was = [frozenset(place.get(codes[s], gone[codes[s]]) for s in members) for members in old.exposure.sets]
    stays = np.flatnonzero(match.people >= 0)
    now = match.people[stays]
    count = len(new.exposure.sets)
    pair = old.exposure.of[stays].astype(np.int64) * count + new.exposure.of[now]
    gained: dict[int, frozenset[int]] = {}
    lost: dict[int, frozenset[int]] = {}
    distinct = np.flatnonzero(np.bincount(pair, minlength=1)) if pair.size else pair
    differ = [n for n in distinct.tolist() if was[n // count] != new.exposure.sets[n % count]]
    for n in differ:
        before, after = was[n // count], new.exposure.sets[n % count]
        for person in now[pair == n].tolist():
            if after - before:
                gained[person] = after - before
            if before - after:
                lost[person] = before - after
    return gained, lost


def _odd(old: Model, new: Model, match: Matching) -> Ints:
    stays = np.flatnonzero(match.people >= 0)
    found = np.zeros(len(new.estate.people.ids), dtype=np.bool_)
    for name in sorted({name for terms in new.estate.settings.terms for name in terms.distinct}):
        one, two = old.estate.people.columns[name], new.estate.people.columns[name]
        if one is two:
            continue
        differs = (one.gather(stays) != two.gather(match.people[stays])).to_numpy()
        found[match.people[stays[differs]]] = True
    return np.flatnonzero(found).astype(np.int32)


def _edges(old: Model, new: Model, match: Matching) -> tuple[tuple[Ints, Ints], tuple[Ints, Ints]]:
    """The edges that only the new model has, and those that only the old one has."""
    width = new.graph.nodes
    if match.same and _same(old, new):
        nothing = np.zeros(0, dtype=np.int32)
        return (nothing, nothing), (nothing, nothing)
    source, target = _by_source(old)
    one, two = match.nodes[source].astype(np.int64), match.nodes[target]
    kept = (one >= 0) & (two >= 0)
    gone = source[~kept], target[~kept]
    before = _unique(one[kept] * width + two[kept])
    here, there = _by_source(new)
    after = _unique(here.astype(np.int64) * width + there)
    fresh, lost = _apart(after, before)
    back = np.full(width, -1, dtype=np.int32)
    matched = np.flatnonzero(match.nodes >= 0)
    back[match.nodes[matched]] = matched
    added = (fresh // width).astype(np.int32), (fresh % width).astype(np.int32)
    removed = back[lost // width], back[lost % width]
    return added, (np.concatenate([gone[0], removed[0]]), np.concatenate([gone[1], removed[1]]))


def _same(old: Model, new: Model) -> bool:
    one, two = old.graph.edges, new.graph.edges
    return np.array_equal(one.start, two.start) and np.array_equal(one.target, two.target)


def _by_source(model: Model) -> tuple[Ints, Ints]:
    graph = model.graph.edges
    source = np.repeat(np.arange(len(graph.start) - 1, dtype=np.int32), np.diff(graph.start))
    return source, graph.target


def _unique(keys: Longs) -> Longs:
    keys.sort()
    return keys[np.r_[True, keys[1:] != keys[:-1]]] if keys.size else keys


BLOCKS = 512
"""So many pieces of two arrays are compared."""


def _apart(one: Longs, two: Longs) -> tuple[Longs, Longs]:
    """What is in one of two rising arrays only. They are cut at the same numbers; most pieces are equal."""
    borders = one[:: max(1, len(one) // BLOCKS)][1:]
    ends = [np.r_[0, np.searchsorted(keys, borders), len(keys)].tolist() for keys in (one, two)]
    mine, theirs = [one[:0]], [two[:0]]
    for lo, hi, low, high in zip(ends[0], ends[0][1:], ends[1], ends[1][1:], strict=False):
        a, b = one[lo:hi], two[low:high]
        if not np.array_equal(a, b):
            mine.append(np.setdiff1d(a, b, assume_unique=True))
            theirs.append(np.setdiff1d(b, a, assume_unique=True))
    return np.concatenate(mine), np.concatenate(theirs)


def _crowds(
    old: Model, new: Model, match: Matching
) -> tuple[frozenset[int], frozenset[int], frozenset[int], frozenset[int]]:
    """The rules whose crowds are wider than before, narrower, and narrower by somebody who is still there; and those
    that are new."""
    compared: dict[tuple[int, int], tuple[bool, bool, bool]] = {}
    found: tuple[set[int], set[int], set[int]] = set(), set(), set()
    fresh: set[int] = set()
    for rule in new.graph.rules:
        number = match.rules.get(rule.number)
        if number is None:
            fresh.add(rule.number)
            continue
        theirs = old.quorums.crowds(old.graph.rules[number])
        for mine, before in zip(new.quorums.crowds(rule), theirs, strict=True):
            key = (id(mine), id(before))
            if key not in compared:
                compared[key] = _compare(before, mine, match)
            for some, so in zip(found, compared[key], strict=True):
                if so:
                    some.add(rule.number)
    more, less, cut = found
    return frozenset(more), frozenset(less), frozenset(cut), frozenset(fresh)


def _compare(old: Crowd, new: Crowd, match: Matching) -> tuple[bool, bool, bool]:
    """Whether the new crowd has anybody whom the old one lacks; the reverse; and that without those who left."""
    if old.filled_by != new.filled_by:
        return True, True, True
    ways = [{way.opened: way for way in crowd.ways} for crowd in (old, new)]
    if len(ways[0]) != len(old.ways) or len(ways[1]) != len(new.ways):
        return True, True, True
    wider, cut = not ways[1].keys() <= ways[0].keys(), not ways[0].keys() <= ways[1].keys()
    narrower = cut
    for opened in ways[0].keys() & ways[1].keys():
        before, after = ways[0][opened].people, ways[1][opened].people
        if before is None or after is None:
            wider |= before is not None
            cut |= after is not None
            continue
        moved = match.people[before]
        moved = moved[moved >= 0]
        narrower |= len(moved) < len(before)
        if not np.array_equal(moved, after):
            wider |= bool(np.setdiff1d(after, moved).size)
            cut |= bool(np.setdiff1d(moved, after).size)
    return wider, narrower or cut, cut
