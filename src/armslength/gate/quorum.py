"""A satisfied quorum: the one rule that the gate enforces, reach analyses and a verifier can run again.

Plain set arithmetic over what is known of each person on the day (semantics, "A satisfied quorum"). The exposures,
values and lines of the asker and the author join the executor's: borrowed hands inherit the limits of whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from armslength.gate.request import PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """What counts of one person: the states that can compel them, the columns that terms may want distinct, and the
    people above them in their reporting line; `places` are the numbers of the `from` that they can fill."""

    person: PersonId
    exposed: frozenset[str]
    values: Mapping[str, str]
    line: frozenset[PersonId]
    places: frozenset[int] = frozenset()
    may_approve: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The terms as the quorum needs them. `places[i]` of the approvals must fill the i-th `from`; `home` are the states
    that `apart` leaves out; to `barred` ones nobody at all may be exposed, home or not (a change of policy bars the
    states whose reach it widens)."""

    terms: str
    approvals: int
    apart: int
    distinct: tuple[str, ...]
    places: tuple[int, ...]
    lines_apart: bool
    home: frozenset[str]
    barred: frozenset[str] = frozenset()


class Lack(StrEnum):
    """What a quorum fails of."""

    APPROVALS = "approvals"
    APPROVERS = "approvers"
    SAME = "same"
    DISTINCT = "distinct"
    PLACES = "places"
    LINE = "line"
    APART = "apart"
    BARRED = "barred"
    CUSTOMERS = "customers"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Shortfall:
    """One thing that is missing, in words that name no state a person declared."""

    lack: Lack
    says: str


def shortfalls(rule: Rule, asking: Sequence[Member], approvers: Sequence[Member]) -> tuple[Shortfall, ...]:
    """What keeps exactly these approvers from being a quorum for who asks; empty if they are one.

    `asking` is the executor first, then asker and author where they are others. An exposure by declared tie counts and
    is not told: a shortfall of `apart` says how many more, never of which state.
    """
    return tuple(sorted(_shortfalls(rule, asking, approvers)))


def find_quorum(rule: Rule, asking: Sequence[Member], approvers: Sequence[Member]) -> tuple[Member, ...] | None:
    """`rule.approvals` of the `approvers` who are a quorum, or None. The first in the order given."""
    able = [each for each in approvers if not unfit(rule, asking, each)]

    def grown(chosen: tuple[Member, ...], start: int) -> tuple[Member, ...] | None:
        if len(chosen) == rule.approvals:
            return None if shortfalls(rule, asking, chosen) else chosen
        for place in range(start, len(able) - (rule.approvals - len(chosen)) + 1):
            more = (*chosen, able[place])
            if agree(rule, asking, more) and (found := grown(more, place + 1)) is not None:
                return found
        return None

    return grown((), 0)


def agree(rule: Rule, asking: Sequence[Member], some: Sequence[Member]) -> bool:
    """Whether these approvers could be in one quorum with others; what keeps them from it, no others can mend."""
    return (
        _differ(asking, some)
        and all(_distinct(column, asking, some) for column in rule.distinct)
        and not (rule.lines_apart and not _lines_apart(asking, some))
        and _crowd(rule, asking, some) <= rule.approvals + 1 - rule.apart
    )


def unfit(rule: Rule, asking: Sequence[Member], one: Member) -> bool:
    """Whether this approver can be in no quorum for who asks."""
    return bool({s.lack for s in _shortfalls(rule, asking, [one])} - {Lack.APPROVALS, Lack.PLACES, Lack.APART})


def _shortfalls(rule: Rule, asking: Sequence[Member], approvers: Sequence[Member]) -> Iterable[Shortfall]:
    if len(approvers) != rule.approvals:
        yield Shortfall(lack=Lack.APPROVALS, says=f"{len(approvers)} of {rule.approvals} approvals are there")
    for one in approvers:
        if not one.may_approve:
            yield Shortfall(lack=Lack.APPROVERS, says=f"{one.person} is not among the approvers of {rule.terms}")
    if not _differ(asking, approvers):
        yield Shortfall(lack=Lack.SAME, says="nobody approves twice, nor what they ask for, write or carry out")
    for column in rule.distinct:
        if not _distinct(column, asking, approvers):
            yield Shortfall(lack=Lack.DISTINCT, says=f"each must have a {column}, no two the same")
    if not placed(rule, approvers):
        yield Shortfall(lack=Lack.PLACES, says="approvals are missing from the groups that must give some")
    if rule.lines_apart and not _lines_apart(asking, approvers):
        yield Shortfall(lack=Lack.LINE, says="no two may be in one reporting line")
    if missing := _together(rule, asking, approvers):
        yield Shortfall(
            lack=Lack.APART,
            says=f"for every state at least {rule.apart} must be out of its reach; {missing} more would have to be",
        )
    if barred := sum(bool(one.exposed & rule.barred) for one in (*asking, *approvers)):
        yield Shortfall(
            lack=Lack.BARRED,
            says=f"nobody may be in reach of a state that gains by it; {barred} of these are",
        )


def _differ(asking: Sequence[Member], approvers: Sequence[Member]) -> bool:
    people = {one.person for one in approvers}
    return len(people) == len(approvers) and people.isdisjoint(one.person for one in asking)


def _distinct(column: str, asking: Sequence[Member], approvers: Sequence[Member]) -> bool:
    """The executor, the asker and the author may share a value: they hold one seat."""
    seat = {one.values.get(column, "") for one in asking}
    rest = [one.values.get(column, "") for one in approvers]
    return "" not in seat and "" not in rest and len(set(rest)) == len(rest) and not seat & set(rest)


def placed(rule: Rule, approvers: Sequence[Member]) -> bool:
    """Whether the places can be filled by different approvers."""
    return filled(rule, approvers) == sum(rule.places)


def filled(rule: Rule, approvers: Sequence[Member]) -> int:
    """How many places can be filled at most: Kuhn's matching, a place for each of its count, as far as approvals go."""
    places = [number for number, count in enumerate(rule.places) for _ in range(min(count, rule.approvals + 1))]
    seated: dict[int, int] = {}

    def fill(seat: int, seen: set[int]) -> bool:
        for i, one in enumerate(approvers):
            if places[seat] in one.places and i not in seen:
                seen.add(i)
                if i not in seated or fill(seated[i], seen):
                    seated[i] = seat
                    return True
        return False

    return sum(fill(seat, set()) for seat in range(len(places)))


def _lines_apart(asking: Sequence[Member], approvers: Sequence[Member]) -> bool:
    pairs = [*combinations(approvers, 2), *((one, other) for one in asking for other in approvers)]
    return all(one.person not in other.line and other.person not in one.line for one, other in pairs)


def _together(rule: Rule, asking: Sequence[Member], approvers: Sequence[Member]) -> int:
    """How many more must be out of reach of the state for which fewest are; a state that nobody is exposed to counts,
    so `apart` is at most the number of seats."""
    return max(0, rule.apart - (1 + len(approvers) - _crowd(rule, asking, approvers)))


def _crowd(rule: Rule, asking: Sequence[Member], approvers: Sequence[Member]) -> int:
    """The most seats that are exposed to one state; who asks holds one seat together."""
    seats = [frozenset().union(*(one.exposed for one in asking)), *(one.exposed for one in approvers)]
    states = frozenset().union(*seats) - rule.home
    return max((sum(state in seat for seat in seats) for state in states), default=0)
