"""The permits of policy.cedar: to whom each is open on what, everything known only at run time taken for unknown.

A permit is open to a person on a target if, for some set of groups between their own and those that they could be
enrolled in, Cedar's partial evaluation of it with all forbids is not a definite refusal (semantics, "Cedar
policies"). What Cedar is asked, and how few questions do, is in docs/decisions/0002-cedar-partial-evaluation.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from armslength.estate import Estate, Kind
from armslength.reach.exposure import Exposure
from armslength.reach.permit_atoms import Told
from armslength.reach.permit_columns import Columns
from armslength.reach.permit_reading import Reading
from armslength.reach.permit_spent import Spent

Bools = npt.NDArray[np.bool_]
_KINDS = (Kind.ASSET, Kind.GROUP, Kind.PERSON, Kind.TERMS)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Opening:
    """`people`, shape [P]: for whom the permit is open once all of `groups` can be entered by enrolment, and not with
    fewer; for those with no groups to enter, `groups` is empty. Each group is one that the person is not in by the
    tables."""

    groups: frozenset[int]
    people: Bools


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Permit:
    """One permit for one action on exactly `targets` (indexes of `target_kind`, ascending), not on what lies within
    them.

    `policy` is its @id, `action` an index of the estate's actions, `terms` an index of its terms, -1 for standing
    access; `openings` stand by number of groups, then by the groups.
    """

    policy: str
    action: int
    terms: int
    target_kind: Kind
    targets: npt.NDArray[np.int32]
    openings: tuple[Opening, ...]


Key = tuple[str, int, int, Kind]
"""A permit's policy, action, terms and kind of targets."""


class Pools:
    """Targets by what opens them and to whom, those that are open alike together."""

    def __init__(self) -> None:
        self._people: dict[bytes, Bools] = {}
        self._targets: dict[tuple[Key, tuple[tuple[tuple[int, ...], bytes], ...]], list[npt.NDArray[np.integer]]] = {}

    def add(self, key: Key, openings: Iterable[tuple[frozenset[int], Bools]], targets: npt.NDArray[np.integer]) -> None:
        """Targets that are open to `people` [P] with `groups` to enter, in the order of `Permit.openings`."""
        ways = []
        for groups, people in openings:
            packed = np.packbits(people).tobytes()
            self._people.setdefault(packed, people)
            ways.append((tuple(sorted(groups)), packed))
        self._targets.setdefault((key, tuple(ways)), []).append(targets)

    def permits(self, policies: Sequence[str]) -> tuple[Permit, ...]:
        """In the order of `permits`; `policies` are the ids in the order of the file."""
        for people in self._people.values():
            people.flags.writeable = False
        made = [
            Permit(
                policy=policy,
                action=action,
                terms=terms,
                target_kind=kind,
                targets=np.sort(np.concatenate(targets)).astype(np.int32),
                openings=tuple(Opening(groups=frozenset(g), people=self._people[packed]) for g, packed in ways),
            )
            for ((policy, action, terms, kind), ways), targets in self._targets.items()
        ]
        order = {policy: n for n, policy in enumerate(policies)}
        return tuple(sorted(made, key=lambda one: (order[one.policy], one.action, one.target_kind, one.targets[0])))


def permits(
    estate: Estate,
    enrollable: frozenset[int],
    exposure: Exposure,
    membership: Callable[[int], Bools],
    told: Told | None = None,
    spent: Spent | None = None,
) -> tuple[Permit, ...]:
    """What every permit gives, forbids counted: by policy in the order of the file, then by action, kind and targets.

    `enrollable` are the groups that some enrolment could give; `membership(g)`, shape [P], tells who is in group g by
    the tables, through nesting. `told` is what Cedar said for other estates, and is added to; in `spent` it is noted
    what this took. Targets that one permit opens alike for one action share a `Permit`.
    """
    count = len(estate.people.ids)
    if estate.policy is None or not count:
        return ()
    told, spent = {} if told is None else told, Spent() if spent is None else spent
    reading = Reading.of(Columns(estate=estate, exposure=exposure, membership=membership), enrollable, told, spent)
    pools = Pools()
    for kind in _KINDS:
        for actions in reading.actions(kind):
            for policy, people, found in reading.opened(kind, estate.actions[actions[0]]):
                spread: dict[bytes, Bools] = {}
                for _, some in found.openings:
                    if (classes := some.tobytes()) not in spread:
                        spread[classes] = np.zeros(count, dtype=np.bool_)
                        spread[classes][people] = some[found.of]
                openings = [(groups, spread[some.tobytes()]) for groups, some in found.openings]
                for action in actions:
                    pools.add((policy.id, action, policy.terms, kind), openings, found.targets)
    return pools.permits([member.id for member in reading.members])


def gate_permits(
    estate: Estate, exposure: Exposure, membership: Callable[[int], Bools], told: Told | None = None
) -> tuple[Permit, ...]:
    """What every permit gives to a coalition that holds the gate (semantics, rule 7): the permit alone, whoever asks.

    In the order of `permits`, without openings. Of what a permit gives to anyone by `permits`, nothing is missing here.
    `told`: as for `permits`.
    """
    if estate.policy is None:
        return ()
    # Who is in which group is as unknown here as it can be for a person who could be enrolled in every one.
    everything = frozenset(range(len(estate.groups.ids)))
    told = {} if told is None else told
    reading = Reading.of(Columns(estate=estate, exposure=exposure, membership=membership), everything, told, Spent())
    made = [
        Permit(
            policy=policy.id,
            action=action,
            terms=policy.terms,
            target_kind=kind,
            targets=targets.astype(np.int32),
            openings=(),
        )
        for kind in _KINDS
        for actions in reading.actions(kind)
        for n, policy in enumerate(reading.members)
        if policy.permits and (targets := reading.given(n, kind, estate.actions[actions[0]])).size
        for action in actions
    ]
    order = {member.id: n for n, member in enumerate(reading.members)}
    return tuple(sorted(made, key=lambda one: (order[one.policy], one.action, one.target_kind)))
