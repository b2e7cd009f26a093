"""Whether terms can still be met: the quorums that a repair must leave alive.

A holder (of grants) is *able* for terms if, with everybody taking part and membership by the tables alone, some person
of the holder finds a quorum that meets them on the day asked. It has somebody *to spare* if that holds with any one
person away; the only person of a holder is not taken away, since without that one the grant serves nobody anyway.
Unknown members of a group are not counted on.

A repair puts terms on a grant only where its holder has somebody to spare, and drops no memberships that take the
spare, or the ability, from terms which a remaining grant of the holder carries. A permit's terms are judged as if
everyone held it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np

from armslength.estate import Estate, Groups, Kind, Ref
from armslength.reach.crowd import crowd
from armslength.reach.exposure import Exposure
from armslength.reach.membership import Membership
from armslength.reach.quorum import Quorums
from armslength.reach.repair_teams import Teams
from armslength.reach.rules import Rule
from armslength.reach.spread import Edges, Flags, Ints, edges

NOTHING: frozenset[int] = frozenset()


class Able(enum.IntEnum):
    """How many can be away."""

    NO = 0
    YES = 1
    SPARE = 2


class Ability:
    """Answers for one estate and day; equal questions are answered once. `tick` is called in long searches."""

    def __init__(self, estate: Estate, exposure: Exposure, tick: Callable[[], None]) -> None:
        self._estate, self._exposure, self._tick = estate, exposure, tick
        groups = estate.groups
        count = len(groups.ids)
        self._rows: Edges = edges(count, groups.group, np.arange(len(groups.group), dtype=np.int32))
        self._membership = Membership(estate)
        self._quorums = Quorums(estate, exposure, self._membership, tick)
        self._teams = Teams(estate, exposure, self._membership, self._quorums.codes)
        self._known: dict[tuple[Ref, int, frozenset[int]], Able] = {}
        self._relevant: dict[tuple[Ref, int], frozenset[int]] = {}

    def able(self, holder: Ref, terms: int, dropped: frozenset[int] = NOTHING) -> Able:
        """How able the holder is for the terms (an index) once the memberships of some rows are gone."""
        dropped = self._of(holder, terms, dropped)
        key = (holder, terms, dropped)
        found = self._known.get(key)
        if found is None:
            ample = self._teams.spare(holder, terms, dropped)
            found = self._known[key] = Able.SPARE if ample else self._find(holder, terms, dropped)
        return found

    def culprits(self, holder: Ref, terms: int, dropped: frozenset[int]) -> frozenset[int] | None:
        """A least set (none of it can be left out) of rows of `dropped` that together make the holder less able;
        None if
        they do not."""
        least = self._of(holder, terms, dropped)
        had = self.able(holder, terms)
        if not least or self.able(holder, terms, least) >= had:
            return None
        for row in sorted(least):
            if self.able(holder, terms, least - {row}) < had:
                least -= {row}
        return least

    def _of(self, holder: Ref, terms: int, dropped: frozenset[int]) -> frozenset[int]:
        """Those of some membership rows that could matter."""
        if not dropped:
            return dropped
        inside = self._relevant.get((holder, terms))
        if inside is None:
            inside = self._relevant[holder, terms] = self._inside(self._groups(holder, terms))
        group = self._estate.groups.group
        return frozenset(row for row in dropped if int(group[row]) in inside)

    def _groups(self, holder: Ref, terms: int) -> frozenset[int]:
        asked = self._estate.settings.terms[terms]
        refs = (holder, asked.approvers, *(place.of for place in asked.places))
        return frozenset(ref.index for ref in refs if ref.kind is Kind.GROUP)

    def _inside(self, groups: Iterable[int]) -> frozenset[int]:
        """The groups, and all that is nested in them."""
        return frozenset[int]().union(*(self._membership.within(g) for g in groups))

    def _rows_within(self, groups: Iterable[int]) -> Ints:
        parts = [self._rows.of(g)[0] for g in sorted(self._inside(groups))]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)

    def _find(self, holder: Ref, terms: int, dropped: frozenset[int]) -> Able:
        membership, quorums = self._membership, self._quorums
        if dropped:
            kept = np.setdiff1d(self._rows_within(self._groups(holder, terms)), np.array(sorted(dropped)))
            estate = replace(self._estate, groups=_only(self._estate.groups, kept))
            membership = Membership(estate)
            quorums = Quorums(estate, self._exposure, membership, self._tick)
        rule = Rule(
            # Ballots are kept by number: every holder and terms has its own.
            number=terms * (1 << 40) + (int(holder.kind) << 36) + holder.index,
            node=-1,
            holders=crowd(holder, membership, NOTHING),
            terms=terms,
            effects=np.zeros(0, dtype=np.int32),
            enrolls=False,
            gated=True,
            power=False,
        )
        return _judge(quorums, rule)


def _judge(quorums: Quorums, rule: Rule) -> Able:
    ballot = quorums.ballot(rule, NOTHING)
    holding = rule.holders.people(NOTHING)
    alone = int(holding[0]) if holding is not None and len(holding) == 1 else None

    def quorum(away: frozenset[int]) -> tuple[int, ...] | None:
        asking, approving = _but(ballot.requesters.people, away), _but(ballot.approvers.people, away)
        counts = ballot.requesters.counts(asking), ballot.approvers.counts(approving)
        seating = quorums.least(ballot, *counts, 0, None)
        if seating is None:
            return None
        named = quorums.name(ballot, seating, lambda people: _but(people, away))
        return (named.requester, *named.approvers)

    found = quorum(NOTHING)
    if found is None:
        return Able.NO
    # Whoever is not in this quorum can be away; and so can each of it where all can at once.
    members = frozenset(found) - {alone}
    if quorum(members) is not None:
        return Able.SPARE
    return Able.SPARE if all(quorum(frozenset({person})) is not None for person in members) else Able.YES


def _but(people: Ints, away: frozenset[int]) -> Flags:
    return np.isin(people, sorted(away), invert=True) if away else np.ones(len(people), dtype=np.bool_)


def _only(groups: Groups, rows: Ints) -> Groups:
    return Groups(
        ids=groups.ids,
        unknown=groups.unknown,
        group=groups.group[rows],
        member_kind=groups.member_kind[rows],
        member=groups.member[rows],
        row=groups.row[rows],
    )


def holders(refs: Iterable[tuple[Ref, int]]) -> Iterator[tuple[Ref, int]]:
    """Each holder with its terms, once."""
    yield from dict.fromkeys(refs)
