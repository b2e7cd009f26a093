"""Seeds: where two models differ: people, edges, crowds and rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from armslength.reach.crowd import Crowd
from armslength.reach.matching import Matching
from armslength.reach.spread import Edges, Ints, outgoing, within

if TYPE_CHECKING:
    from armslength.reach.solution import Model

Longs = npt.NDArray[np.int64]
FEW = 1000
"""Nodes that are gone are looked at one by one up to so many."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seeds:
    """Where two models differ. `gained`, `lost`: people (new indexes) with the states (new indexes) that can compel
    them now and could not, or the other way round. `odd`: people with another value in a distinct column. `added`,
    `removed`: edges of one model only, as (source, target); old nodes for `removed`. `fresh`: rules without a match.
    `more`, `less`: rules whose crowd is wider or narrower, by the tables; `cut`: narrower by others than those who left
    or are `worse`. `gone`: people (old indexes) who left; `worse`: those (new indexes) whom more states can compel: the
    more, the fewer quorums."""

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
    worse: Ints

    @property
    def changed(self) -> frozenset[int]:
        """Those who are there before and after, and look otherwise."""
        return frozenset({*self.gained, *self.lost, *self.odd.tolist()})


def seeds(old: Model, new: Model, match: Matching) -> Seeds:
    gained, lost = _moves(old, new, match)
    home = new.estate.settings.home
    worse = np.array(sorted(p for p, states in gained.items() if states - home), dtype=np.int32)
    more, less, cut, fresh = _crowds(old, new, match, worse)
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
        worse=worse,
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
    one, two, nodes = old.graph.edges, new.graph.edges, match.nodes
    nothing = np.zeros(0, dtype=np.int32)
    if match.same and np.array_equal(one.start, two.start) and np.array_equal(one.target, two.target):
        return (nothing, nothing), (nothing, nothing)
    gone_with = _shrunk(one, two, nodes)
    if gone_with is not None:
        return (nothing, nothing), gone_with
    back = np.full(new.graph.nodes, -1, dtype=np.int32)
    matched = np.flatnonzero(nodes >= 0).astype(np.int32)
    back[nodes[matched]] = matched
    here = nodes[matched]
    # Of nearly all sources, the edges are the same and stand in the same order.
    level = np.diff(one.start)[matched] == np.diff(two.start)[here]
    source, place = outgoing(one, matched[level])
    _, theirs = outgoing(two, here[level])
    same = np.zeros(old.graph.nodes, dtype=np.bool_)
    same[matched[level]] = True
    same[source[nodes[one.target[place]] != two.target[theirs]]] = False
    gone = _listed(one, np.flatnonzero(~same))
    fresh = _listed(two, np.flatnonzero((back < 0) | ~same[back]))
    keys = _keys(nodes[gone[0]], nodes[gone[1]], new.graph.nodes)
    mine = _keys(*fresh, new.graph.nodes)
    lost = (keys < 0) | ~np.isin(keys, mine)
    came = ~np.isin(mine, keys)
    return _once(fresh[0][came], fresh[1][came]), _once(gone[0][lost], gone[1][lost])


def _shrunk(one: Edges, two: Edges, nodes: Ints) -> tuple[Ints, Ints] | None:
    """The edges of nodes that are gone, where all others are the same and stand in the same order; else None."""
    stays = nodes >= 0
    here, left = np.flatnonzero(stays), np.flatnonzero(~stays)
    if len(left) > FEW or (np.diff(nodes[here]) < 0).any():
        return None
    kept = stays[one.target]
    for node in left.tolist():
        kept[one.start[node] : one.start[node + 1]] = False
    before = np.zeros(len(kept) + 1, dtype=np.int64)
    np.cumsum(kept, out=before[1:])
    count = np.zeros(len(two.start) - 1, dtype=np.int64)
    count[nodes[here]] = before[one.start[here + 1]] - before[one.start[here]]
    if not np.array_equal(count, np.diff(two.start)) or not np.array_equal(nodes[one.target[kept]], two.target):
        return None
    place = np.flatnonzero(~kept)
    source = np.searchsorted(one.start, place, side="right") - 1
    return _once(source.astype(np.int32), one.target[place])


def _listed(graph: Edges, nodes: npt.NDArray[np.int64]) -> tuple[Ints, Ints]:
    source, place = outgoing(graph, nodes.astype(np.int32))
    return source, graph.target[place]


def _keys(source: Ints, target: Ints, width: int) -> Longs:
    """One number for each edge; negative where an end is missing."""
    found: Longs = source.astype(np.int64) * width + target
    found[(source < 0) | (target < 0)] = -1
    return found


def _once(source: Ints, target: Ints) -> tuple[Ints, Ints]:
    pairs = np.unique(np.stack([source, target]), axis=1)
    return pairs[0], pairs[1]


def _crowds(
    old: Model, new: Model, match: Matching, worse: Ints
) -> tuple[frozenset[int], frozenset[int], frozenset[int], frozenset[int]]:
    """The rules whose crowds are wider than before, narrower, and narrower by somebody who is still there and not
    `worse`; and those that are new."""
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
                compared[key] = _compare(before, mine, match, worse)
            for some, so in zip(found, compared[key], strict=True):
                if so:
                    some.add(rule.number)
    more, less, cut = found
    return frozenset(more), frozenset(less), frozenset(cut), frozenset(fresh)


def _compare(old: Crowd, new: Crowd, match: Matching, worse: Ints) -> tuple[bool, bool, bool]:
    """Whether the new crowd has anybody whom the old one lacks; the reverse; and that without those who left or are
    `worse`."""
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
            wider |= not within(after, moved).all()
            lacking = moved[~within(moved, after)]
            narrower |= bool(lacking.size)
            cut |= not within(lacking, worse).all()
    return wider, narrower or cut, cut
