"""The permits of policy.cedar: to whom each is open on what, everything known only at run time taken for unknown.

A permit is open to a person on a target if, for some set of groups between their own and those that they could be
enrolled in, Cedar's partial evaluation of it with all forbids is not a definite refusal (semantics, "Cedar
policies"). What Cedar is asked, and how few questions do, is in docs/decisions/0002-cedar-partial-evaluation.md.
"""

from __future__ import annotations

from collections.abc import Callable
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
_Pool = tuple[str, tuple[int, ...], Kind, tuple[tuple[tuple[int, ...], bytes], ...]]
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
    terms = {member.id: member.terms for member in reading.members}
    shared: dict[bytes, Bools] = {}
    pools: dict[_Pool, list[npt.NDArray[np.integer]]] = {}
    for kind in _KINDS:
        for actions in reading.actions(kind):
            for policy, people, found in reading.opened(kind, estate.actions[actions[0]]):
                spread: dict[bytes, bytes] = {}
                ways: list[tuple[tuple[int, ...], bytes]] = []
                for groups, some in found.openings:
                    if (classes := some.tobytes()) not in spread:
                        whole = np.zeros(count, dtype=np.bool_)
                        whole[people] = some[found.of]
                        spread[classes] = np.packbits(whole).tobytes()
                        shared.setdefault(spread[classes], whole)
                    ways.append((tuple(sorted(groups)), spread[classes]))
                pools.setdefault((policy.id, tuple(actions), kind, tuple(ways)), []).append(found.targets)
    for whole in shared.values():
        whole.flags.writeable = False
    made = [
        Permit(
            policy=policy,
            action=action,
            terms=terms[policy],
            target_kind=kind,
            targets=np.sort(np.concatenate(targets)).astype(np.int32),
            openings=tuple(Opening(groups=frozenset(groups), people=shared[packed]) for groups, packed in ways),
        )
        for (policy, actions, kind, ways), targets in pools.items()
        for action in actions
    ]
    order = {member.id: n for n, member in enumerate(reading.members)}
    return tuple(sorted(made, key=lambda one: (order[one.policy], one.action, one.target_kind, one.targets[0])))


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
