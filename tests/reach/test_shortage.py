"""Counting tells no more outsiders than a quorum takes: else a length would be too great."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.reach.ballot import Ballot
from armslength.reach.classes import Classes, Counts
from armslength.reach.crowd import Crowd
from armslength.reach.shortage import joined, plenty, shortage, tally
from tests.reach.test_ballot import Crowded, ballots, cost, every


def ballot(crowded: Crowded) -> Ballot:
    return Ballot(
        bill=crowded.bill,
        opened=frozenset(),
        requesters=crowded.requesters,
        approvers=crowded.approvers,
        holders=Crowd(ways=(), filled_by=frozenset()),
        approving=None,
        placing=(),
    )


def bound(crowded: Crowded, asking: Counts, approving: Counts) -> Counts:
    """`asking`, `approving` [columns, n]."""
    some = tally(crowded.requesters, asking, True), tally(crowded.approvers, approving, False)
    return shortage(ballot(crowded), *some)


@given(ballots())
def test_counting_asks_for_no_more_outsiders_than_a_quorum_takes(crowded: Crowded) -> None:
    """Else a coalition that is enough would be left out unseen."""
    least = cost(crowded.bill, every(crowded.requesters, crowded.asking), every(crowded.approvers, crowded.approving))
    told = int(bound(crowded, crowded.asking[None], crowded.approving[None])[0])
    assert least is None or told <= least


@given(ballots())
def test_each_who_joins_leaves_at_most_one_outsider_fewer(crowded: Crowded) -> None:
    """Else people who join could complete a quorum that was given up, as too far from one."""
    asking, approving = crowded.asking.copy(), crowded.approving.copy()
    before = int(bound(crowded, asking[None], approving[None])[0])
    for ask, approve in zip(*crowded.joining, strict=True):
        for counts, number in ((asking, ask), (approving, approve)):
            if number >= 0:
                counts[number] += 1
        after = int(bound(crowded, asking[None], approving[None])[0])
        assert before - 1 <= after <= before
        before = after


@given(ballots(), st.integers(0, 2**32))
def test_what_is_brought_counts_as_if_it_had_acted(crowded: Crowded, seed: int) -> None:
    """Else what a source brings would be told too small, and so a length too great."""
    rng = np.random.default_rng(seed)
    for table, asking in ((crowded.requesters, True), (crowded.approvers, False)):
        size = np.diff(table.start)
        counts = rng.integers(0, size + 1, size=(3, len(size))).astype(np.int64)
        numbers = np.flatnonzero(rng.random(len(size)) < 0.5).astype(np.int32)
        extra = rng.integers(0, size[numbers] + 1, size=(3, len(numbers)))
        whole = counts.copy()
        whole[:, numbers] += extra
        before = tally(table, counts, asking)
        mine, theirs = joined(table, before, counts, numbers, extra, asking), tally(table, whole, asking)
        for name in ("anybody", "sitting", "clear", "fitting"):
            assert np.array_equal(getattr(mine, name), getattr(theirs, name)), name
            assert (getattr(plenty(before), name) >= getattr(theirs, name)).all()


@given(ballots(), st.integers(1, 130))
def test_classes_are_counted_in_every_column(crowded: Crowded, columns: int) -> None:
    """Else a state would be told by the people of another."""
    rng = np.random.default_rng(columns)
    people = 1 + max((int(table.people.max(initial=0)) for table in (crowded.requesters, crowded.approvers)), default=0)
    flags = rng.random((columns, people)) < 0.5
    words = np.zeros((-(-columns // 64), people), dtype=np.uint64)
    for c in range(columns):
        words[c >> 6] |= flags[c].astype(np.uint64) << np.uint64(c & 63)
    for few in (0, people):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys.modules["armslength.reach.classes"], "FEW", few)
            for table in (crowded.requesters, crowded.approvers):
                assert np.array_equal(table.tallied(words)[:columns], counted(table, flags))


def counted(table: Classes, flags: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> Counts:
    return np.array([table.counts(some[table.people]) for some in flags], dtype=np.int64).reshape(len(flags), -1)
