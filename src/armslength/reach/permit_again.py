"""Permits once more, of an estate that differs from another in a few people: only these are asked about.

To whom a permit is open on what depends on nobody else, unless a policy names a person or is about people. Where so
many were asked about that some counted as open for want of asking, who they are may depend on how many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from armslength.estate import Estate, Kind
from armslength.reach.exposure import Exposure
from armslength.reach.matching import people_of
from armslength.reach.permit_atoms import Told
from armslength.reach.permit_policy import policies
from armslength.reach.permit_spent import Spent
from armslength.reach.permits import Key, Opening, Permit, Pools, permits
from armslength.reach.spread import Ints

Bools = npt.NDArray[np.bool_]
Longs = npt.NDArray[np.int64]
FEW = 100
"""So many people who changed are asked about by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Change:
    """Between two estates that policies cannot tell apart but by their people: the new index of each person of the old
    one who looks as before (`moved` [P old], -1 for the others), and the people of the new one who do not look like
    anybody before (`fresh`, ascending)."""

    moved: Ints
    fresh: Ints


def change(one: Estate, two: Estate, was: Exposure, now: Exposure) -> Change | None:
    """None where more differs, or more than a few people do, or some do and policies are about people."""
    names = [[terms.id for terms in estate.settings.terms] for estate in (one, two)]
    same = one.policy is two.policy and one.assets is two.assets and one.entities is two.entities
    same = same and (one.states, one.actions, one.classes) == (two.states, two.actions, two.classes)
    if not same or names[0] != names[1] or one.groups.ids != two.groups.ids:
        return None
    people, _ = people_of(one.people.ids, two.people.ids)
    if not _groups_alike(one, two, people):
        return None
    stay = np.flatnonzero(people >= 0)
    looks = _look_alike(one, two, was, now, stay, people[stay])
    moved = np.full(len(people), -1, dtype=np.int32)
    moved[stay[looks]] = people[stay[looks]]
    fresh = np.ones(len(two.people.ids), dtype=np.bool_)
    fresh[moved[moved >= 0]] = False
    found = np.flatnonzero(fresh).astype(np.int32)
    if len(found) > FEW or not np.array_equal(moved, np.arange(len(fresh))) and _about_people(two):
        return None
    return Change(moved=moved, fresh=found)


def _groups_alike(one: Estate, two: Estate, people: Ints) -> bool:
    """Whether all memberships are the same but those of people who left."""
    a, b = one.groups, two.groups
    if a is b:
        return True
    of_people = a.member_kind == int(Kind.PERSON)
    member = a.member.copy()
    member[of_people] = people[a.member[of_people]]
    kept = member >= 0
    arrays = ((a.group, b.group), (a.member_kind, b.member_kind), (member, b.member))
    return all(np.array_equal(mine[kept], theirs) for mine, theirs in arrays)


def _look_alike(one: Estate, two: Estate, was: Exposure, now: Exposure, old: Longs, new: Ints) -> Bools:
    """Which people of the old estate, by index, look like those of the new one beside them to any policy."""
    pair = was.of[old].astype(np.int64) * len(now.sets) + now.of[new]
    numbers = np.flatnonzero(np.bincount(pair)) if pair.size else pair
    differ = [n for n in numbers.tolist() if was.sets[n // len(now.sets)] != now.sets[n % len(now.sets)]]
    found: Bools = ~np.isin(pair, differ)
    found &= one.people.entity[old] == two.people.entity[new]
    units = [estate.people.columns.get("unit") for estate in (one, two)]
    if units[0] is not units[1]:
        if units[0] is None or units[1] is None:
            return np.zeros_like(found)
        found &= (units[0].gather(old) == units[1].gather(new)).to_numpy()
    return found


def _about_people(estate: Estate) -> bool:
    """Whether any policy names a person, or can be about one."""
    return any(
        any(kind == "Person" for kind, _ in policy.uids)
        or any(policy.concerns(action, "Person") for action in estate.actions)
        for policy in policies(estate)
    )


def permits_again(
    before: Sequence[Permit],
    found: Change,
    estate: Estate,
    enrollable: frozenset[int],
    exposure: Exposure,
    membership: Callable[[int], Bools],
    told: Told,
    spent: Spent,
) -> tuple[Permit, ...]:
    """As `permits`, from those of the old estate, where the same groups were `enrollable`; `spent` is what it took to
    ask about the people who changed."""
    fresh, stay = found.fresh, np.flatnonzero(found.moved >= 0)
    own: tuple[Permit, ...] = ()
    if fresh.size:
        some = Exposure(sets=exposure.sets, of=exposure.of[fresh])
        own = permits(_only(estate, fresh), enrollable, some, lambda group: membership(group)[fresh], told, spent)
    count = len(estate.people.ids)
    sides = _Side(before, stay, found.moved[stay], count), _Side(own, np.arange(len(fresh)), fresh, count)
    pools = Pools()
    for key in sides[0].permits | sides[1].permits:
        for openings, targets in _together(key, sides):
            ordered = sorted(openings.items(), key=lambda one: (len(one[0]), sorted(one[0])))
            pools.add(key, ordered, targets)
    return pools.permits(() if estate.policy is None else estate.policy.ids)


def _only(estate: Estate, some: Ints) -> Estate:
    """What policies see of an estate with some of its people."""
    people = estate.people
    columns = {name: column.gather(some) for name, column in people.columns.items() if name == "unit"}
    ids = tuple(people.ids[p] for p in some.tolist())
    return replace(estate, people=replace(people, ids=ids, entity=people.entity[some], columns=columns))


class _Side:
    """The permits of some people: those of the indexes `mine`, who have the indexes `theirs` among `count` people."""

    def __init__(self, some: Sequence[Permit], mine: Longs, theirs: Ints, count: int) -> None:
        self._mine, self._theirs, self._count = mine, theirs, count
        self._spread: dict[int, Bools] = {}
        self.permits: dict[Key, list[Permit]] = {}
        for permit in some:
            key = permit.policy, permit.action, permit.terms, permit.target_kind
            self.permits.setdefault(key, []).append(permit)

    def people(self, opening: Opening) -> Bools:
        """For whom it is open, of all."""
        # Many openings share their flags.
        found = self._spread.get(id(opening.people))
        if found is None:
            found = self._spread[id(opening.people)] = np.zeros(self._count, dtype=np.bool_)
            found[self._theirs] = opening.people[self._mine]
        return found


def _together(key: Key, sides: Sequence[_Side]) -> Iterator[tuple[dict[frozenset[int], Bools], Ints]]:
    """For targets that are open alike to the people of both sides: for whom with which groups to enter, and the
    targets."""
    permits = [side.permits.get(key, []) for side in sides]
    targets = np.unique(np.concatenate([permit.targets for some in permits for permit in some]))
    number = np.zeros((len(sides), len(targets)), dtype=np.int64)
    for row, some in zip(number, permits, strict=True):
        for n, permit in enumerate(some, start=1):
            row[np.searchsorted(targets, permit.targets)] = n
    pairs, of = np.unique(number, axis=1, return_inverse=True)
    for pair, chosen in enumerate(pairs.T.tolist()):
        openings: dict[frozenset[int], Bools] = {}
        for side, some, n in zip(sides, permits, chosen, strict=True):
            for opening in some[n - 1].openings if n else ():
                people = side.people(opening)
                if people.any():
                    known = openings.get(opening.groups)
                    openings[opening.groups] = people if known is None else known | people
        if openings:
            yield openings, targets[of.reshape(-1) == pair]
