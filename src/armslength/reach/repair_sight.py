"""Sight: the memberships on which it depends what policies say of a person.

Policies may forbid by group as well as permit, so a permit that is open to somebody stays open only while the groups
of that person, as far as any policy can see them, are what they were: a membership more can close it, one less can
open it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from armslength.estate import Estate, Kind
from armslength.reach.membership import Membership
from armslength.reach.permit_policy import policies
from armslength.reach.permit_sight import sight
from armslength.reach.spread import edges


class Sights:
    """Answers for the estate as it was read, so that rows which a plan drops are among those told."""

    def __init__(self, estate: Estate, membership: Membership) -> None:
        groups = estate.groups
        self._people = len(estate.people.ids)
        seen = _seen(estate)
        inside = frozenset[int]().union(*(membership.within(g) for g in seen))
        leads = np.isin(groups.group, np.array(sorted(inside), dtype=np.int64))
        rows = np.flatnonzero(leads).astype(np.int32)
        nested = groups.member_kind[rows] == Kind.GROUP
        member = groups.member[rows] + np.where(nested, self._people, 0).astype(np.int32)
        self._up = edges(self._people + len(groups.ids), member, self._people + groups.group[rows])
        self._rows = rows
        self._known: dict[int, frozenset[int]] = {}

    def person(self, person: int) -> frozenset[int]:
        """The membership rows by which a person may be in the groups that policies see."""
        return self._of(person)

    def group(self, group: int) -> frozenset[int]:
        """The same for whoever is in a group."""
        return self._of(self._people + group)

    def _of(self, node: int) -> frozenset[int]:
        found = self._known.get(node)
        if found is None:
            rows: list[int] = []
            seen, waiting = {node}, [node]
            while waiting:
                above, origins = self._up.of(waiting.pop())
                rows += self._rows[origins].tolist()
                for group in above.tolist():
                    if group not in seen:
                        seen.add(group)
                        waiting.append(group)
            found = self._known[node] = frozenset(rows)
        return found


def _seen(estate: Estate) -> Iterable[int]:
    """The groups that some policy can tell apart; all of them where it may compare groups that it does not name."""
    places = {name: g for g, name in enumerate(estate.groups.ids)}
    found: set[int] = set()
    for policy in policies(estate):
        if policy.body is None or sight(policy).person_met:
            return range(len(estate.groups.ids))
        found.update(places[name] for kind, name in policy.uids if kind == "Group" and name in places)
    return sorted(found)
