"""Seats are left out of a ballot only where others can stand in for them: the cheapest seating costs the same."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.reach.ballot import SPARE, joined, seats, tally, worth
from armslength.reach.classes import Classes, Counts, classes, exposures
from armslength.reach.dominance import stand_in
from armslength.reach.seating import Bill, Seat, order, seat


@dataclass(frozen=True, kw_only=True)
class Crowded:
    """A ballot for many people of few values, who can often stand in for one another; how many of each class act; and
    who joins, by their classes."""

    bill: Bill
    requesters: Classes
    approvers: Classes
    asking: Counts
    approving: Counts
    joining: tuple[tuple[int, ...], tuple[int, ...]]


def number(classes: Classes, person: int) -> int:
    return int(classes.of(np.array([person], dtype=np.int32))[0])


@st.composite
def ballots(draw: st.DrawFn) -> Crowded:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count, columns = int(rng.integers(4, 60)), draw(st.integers(0, 3))
    masks = [0, *(int(m) for m in rng.integers(1, 16, size=3))]
    if rng.random() < 0.3:
        masks = [m << 62 for m in masks]  # states of two words
    sets = exposures(masks)
    exposure = rng.integers(len(masks), size=count).astype(np.int32)
    values = [rng.integers(1 + rng.integers(8), size=count).astype(np.int32) for _ in range(columns)]
    people = np.arange(count, dtype=np.int32)
    approving = people[rng.random(count) < 0.8]
    fits = rng.integers(4, size=len(approving)).astype(np.int32)
    approvers = classes(approving, exposure[approving], [v[approving] for v in values], fits, sets, places=range(4))
    asking = people[rng.random(count) < 0.8]
    shared = approvers.of(asking).astype(np.int32)
    requesters = classes(asking, exposure[asking], [v[asking] for v in values], shared, sets, places=None)
    acts = rng.random(count) < rng.random()
    approvals = draw(st.integers(1, 3))
    outside = np.flatnonzero(~acts)
    fresh = rng.permutation(outside)[: int(rng.integers(SPARE + 1))].tolist()
    return Crowded(
        bill=Bill(
            approvals=approvals,
            together=draw(st.one_of(st.none(), st.integers(0, approvals))),
            places=draw(st.sampled_from(((), (0,), (0, 1))))[:approvals],
        ),
        requesters=requesters,
        approvers=approvers,
        asking=requesters.counts(acts[requesters.people]),
        approving=approvers.counts(acts[approvers.people]),
        joining=(
            tuple(number(requesters, person) for person in fresh),
            tuple(number(approvers, person) for person in fresh),
        ),
    )


def every(classes: Classes, inside: Counts) -> list[Seat]:
    """Two seats a class: those who act and the outsiders."""
    total = np.diff(classes.start)
    both = ((inside, False), (total - inside, True))
    found = [
        replace(classes.seats[i], count=int(counts[i]), outside=outside)
        for counts, outside in both
        for i in np.flatnonzero(counts).tolist()
    ]
    return sorted(found, key=order)


def cost(bill: Bill, requesters: list[Seat], approvers: list[Seat]) -> int | None:
    found = seat(bill, requesters, approvers, bill.approvals + 1, lambda: None)
    return None if found is None else found.outsiders


@given(ballots())
def test_the_seats_worth_trying_do_what_all_seats_do(ballot: Crowded) -> None:
    """Else a length would be too great: a quorum that people can fill would be overlooked."""
    approvals = ballot.bill.approvals
    mine = (
        seats(ballot.requesters, ballot.asking, approvals, approvals + 1),
        seats(ballot.approvers, ballot.approving, approvals, approvals + 1),
    )
    all_seats = (every(ballot.requesters, ballot.asking), every(ballot.approvers, ballot.approving))
    assert cost(ballot.bill, *mine) == cost(ballot.bill, *all_seats)


@given(ballots())
def test_the_seats_worth_trying_stay_so_when_a_few_join(ballot: Crowded) -> None:
    """Else a search would overlook that somebody who joins completes a quorum."""
    approvals = ballot.bill.approvals
    sides = (
        (ballot.requesters, ballot.asking, ballot.joining[0]),
        (ballot.approvers, ballot.approving, ballot.joining[1]),
    )
    mine, all_seats = [], []
    for side, acting, joining in sides:
        mine.append(joined(side, worth(side, acting, tally(acting), approvals), joining, approvals + 1))
        more = acting.copy()
        for one in joining:
            if one >= 0:
                more[one] += 1
        all_seats.append(every(side, more))
    assert cost(ballot.bill, *mine) == cost(ballot.bill, *all_seats)


@given(ballots(), st.integers(0, 2**32), st.sampled_from((0, 1000)))
def test_kinds_stand_in_for_others_of_the_same_values_alone(crowded: Crowded, seed: int, kept: int) -> None:
    """What is kept for a table of who is no better than whom is asked for other people than it was found out for."""
    rng = np.random.default_rng(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["armslength.reach.classes"], "UNDER", kept)
        for table in (crowded.requesters, crowded.approvers):
            kinds = table.kinds
            for _ in range(4):
                ample = rng.random(len(kinds.exposed)) < rng.random()
                dropped, left = np.zeros((2, len(ample)), dtype=np.bool_)
                for lo, hi in pairwise(kinds.ends):
                    part = stand_in(kinds.exposed[lo:hi], kinds.places[lo:hi], ample[lo:hi])
                    dropped[lo:hi], left[lo:hi] = part
                mine = kinds.stand_in(ample)
                assert np.array_equal(mine[0], dropped) and np.array_equal(mine[1], left)


@given(ballots())
def test_seats_are_drawn_in_their_order(crowded: Crowded) -> None:
    """They are not sorted again: a seating tries them as they come, cheapest first."""
    for table, acting in ((crowded.requesters, crowded.asking), (crowded.approvers, crowded.approving)):
        found = seats(table, acting, crowded.bill.approvals, 4)
        assert found == sorted(found, key=order)
