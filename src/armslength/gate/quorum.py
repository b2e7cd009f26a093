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
    that `apart` leaves out."""

    terms: str
    approvals: int
    apart: int
    distinct: tuple[str, ...]
    places: tuple[int, ...]
    lines_apart: bool
    home: frozenset[str]


class Lack(StrEnum):
    """What a quorum fails of."""

    APPROVALS = "approvals"
    APPROVERS = "approvers"
    SAME = "same"
    DISTINCT = "distinct"
    PLACES = "places"
    LINE = "line"
    APART = "apart"


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
    able = [each for each in approvers if not _unfit(rule, asking, each)]
    for chosen in combinations(able, rule.approvals):
        if not shortfalls(rule, asking, chosen):
            return chosen
    return None


def _unfit(rule: Rule, asking: Sequence[Member], one: Member) -> bool:
    """Whether this approver can be in no quorum for who asks."""
    return bool({s.lack for s in _shortfalls(rule, asking, [one])} - {Lack.APPROVALS, Lack.PLACES, Lack.APART})


def _shortfalls(rule: Rule, asking: Sequence[Member], approvers: Sequence[Member]) -> Iterable[Shortfall]:
    if len(approvers) != rule.approvals:
        yield Shortfall(lack=Lack.APPROVALS, says=f"{rule.approvals} approvals are needed, {len(approvers)} are there")
    for one in approvers:
        if not one.may_approve:
            yield Shortfall(lack=Lack.APPROVERS, says=f"{one.person} is not among the approvers of {rule.terms}")
    people = [one.person for one in approvers]
    if len(set(people)) < len(people) or {one.person for one in asking} & set(people):
        yield Shortfall(lack=Lack.SAME, says="nobody approves twice, nor what they ask for, write or carry out")
    for column in rule.distinct:
        if not _distinct(column, asking, approvers):
            yield Shortfall(lack=Lack.DISTINCT, says=f"each must have a {column}, no two the same")
    if not _placed(rule, approvers):
        yield Shortfall(lack=Lack.PLACES, says="approvals are missing from the groups that must give some")
    if rule.lines_apart and not _lines_apart(asking, approvers):
        yield Shortfall(lack=Lack.LINE, says="no two may be in one reporting line")
    if missing := _together(rule, asking, approvers):
        yield Shortfall(
            lack=Lack.APART,
            says=f"for every state at least {rule.apart} must be out of its reach; {missing} more would have to be",
        )


def _distinct(column: str, asking: Sequence[Member], approvers: Sequence[Member]) -> bool:
    """The executor, the asker and the author may share a value: they hold one seat."""
    seat = {one.values.get(column, "") for one in asking}
    rest = [one.values.get(column, "") for one in approvers]
    return "" not in seat and "" not in rest and len(set(rest)) == len(rest) and not seat & set(rest)


def _placed(rule: Rule, approvers: Sequence[Member]) -> bool:
    """Whether the places can be filled by different approvers: Kuhn's matching, a place for each of its count."""
    places = [number for number, count in enumerate(rule.places) for _ in range(count)]
    filled: dict[int, int] = {}

    def fill(seat: int, seen: set[int]) -> bool:
        for i, one in enumerate(approvers):
            if places[seat] in one.places and i not in seen:
                seen.add(i)
                if i not in filled or fill(filled[i], seen):
                    filled[i] = seat
                    return True
        return False

    return len(places) <= len(approvers) and all(fill(seat, set()) for seat in range(len(places)))


def _lines_apart(asking: Sequence[Member], approvers: Sequence[Member]) -> bool:
    pairs = [*combinations(approvers, 2), *((one, other) for one in asking for other in approvers)]
    return all(one.person not in other.line and other.person not in one.line for one, other in pairs)


def _together(rule: Rule, asking: Sequence[Member], approvers: Sequence[Member]) -> int:
    """How many more must be out of reach of the state for which fewest are; a state that nobody is exposed to counts,
    so `apart` is at most the number of seats."""
    seats = [frozenset().union(*(one.exposed for one in asking)), *(one.exposed for one in approvers)]
    states = frozenset().union(*seats) - rule.home
    fewest = min([len(seats), *(sum(state not in seat for seat in seats) for state in states)])
    return max(0, rule.apart - fewest)
