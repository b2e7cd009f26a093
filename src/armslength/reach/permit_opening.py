"""For whom one permit is open once which groups can be entered by enrolment, all forbids counted."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from armslength.reach.permit_columns import Bools, Codes, classes
from armslength.reach.permit_looks import Looks
from armslength.reach.permit_spent import SETS

_AT_ONCE = 1 << 22
"""Pairs of people and targets that are worked on together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`people`, one entry a class of those asked about, can pass on `targets` once they have entered `groups`, not with
    fewer; `of` is the class of each person asked about."""

    targets: Codes
    of: Codes
    openings: tuple[tuple[frozenset[int], Bools], ...]


def openings(permit: Looks, forbids: Sequence[Looks], people: Codes, targets: Codes) -> Iterator[Found]:
    """What `permit` opens on `targets` to `people` (both by index), targets that are open alike together."""
    askers = classes(len(people), [policy.people(people) for policy in (permit, *forbids)])
    aims = classes(len(targets), [policy.targets(targets) for policy in (permit, *forbids)])
    someone, something = people[askers.first], targets[aims.first]
    by_class = targets[np.argsort(aims.of, kind="stable")]
    ends = np.cumsum(np.bincount(aims.of, minlength=len(aims)))
    step = max(1, _AT_ONCE // max(1, len(someone)))
    for start in range(0, len(something), step):
        found = {
            groups: np.ascontiguousarray(opened.T)
            for groups, opened in _search(permit, forbids, someone, something[start : start + step]).items()
        }
        alike: dict[bytes, list[int]] = {}
        for column in range(len(something[start : start + step])):
            key = b"".join(np.packbits(opened[column]).tobytes() for opened in found.values())
            alike.setdefault(key, []).append(column)
        for columns in alike.values():
            opened = tuple((groups, each[columns[0]]) for groups, each in found.items() if each[columns[0]].any())
            if opened:
                chosen = [by_class[(ends[c - 1] if c else 0) : ends[c]] for c in (start + column for column in columns)]
                yield Found(targets=np.concatenate(chosen), of=askers.of, openings=opened)


def _search(permit: Looks, forbids: Sequence[Looks], people: Codes, targets: Codes) -> dict[frozenset[int], Bools]:
    """For each least set of groups to enter: shape [people, targets], whom it opens what.

    Sets are tried by size. Where a policy stands in the way, only a group that it names can change what it says, so
    only these are tried next: no least set is missed, since each of its parts is blocked by a policy that names more
    of it.
    """
    policies = (permit, *forbids)
    rows = [policy.people(people) for policy in policies]
    columns = [policy.targets(targets) for policy in policies]
    found: dict[frozenset[int], Bools] = {}
    waiting: dict[tuple[int, ...], Bools] = {(): np.ones((len(people), len(targets)), dtype=np.bool_)}
    queue: list[tuple[int, tuple[int, ...]]] = [(0, ())]
    tried = 0
    while queue:
        _, groups = heapq.heappop(queue)
        entered, left = frozenset(groups), waiting.pop(groups)
        for fewer, opened in found.items():
            if fewer < entered:
                left &= ~opened
        if tried < SETS and left.any():
            tried += 1
            for policy, row, column in zip(policies, rows, columns, strict=True):
                said = policy.says(entered)[np.ix_(row, column)]
                passes = said if policy is permit else ~said
                blocked = left & ~passes
                left = left & passes
                for group in sorted(policy.movable - entered) if blocked.any() else ():
                    more = blocked & policy.moved(group, entered)[row][:, None]
                    if more.any():
                        wider = tuple(sorted(entered | {group}))
                        if wider not in waiting:
                            waiting[wider] = np.zeros_like(more)
                            heapq.heappush(queue, (len(wider), wider))
                        waiting[wider] |= more
        if left.any():
            found[entered] = left
    permit.view.spent.note(sets=tried)
    return found
