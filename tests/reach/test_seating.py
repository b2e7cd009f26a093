"""The least number of outsiders in a quorum, against every quorum that there is."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import combinations, permutations

from armslength.reach.seating import Bill, Seat, order, seat

STATES = 4
UNITS = 4
PLACES = 2


def drawn(pick: random.Random) -> tuple[Bill, list[Seat], list[Seat]]:
    """A few classes of people, each acting and outside; some of those who ask may also approve, some fill places, and
    the values of some are always fresh."""
    approvals = pick.randint(1, 3)
    together = pick.choice((None, *range(approvals + 1)))
    distinct, everybody = pick.choice((0, 1, 2)), pick.random() < 0.5
    places = tuple(sorted(pick.choices(range(PLACES), k=pick.choice((0, 0, 1, 2)))))

    def seats() -> list[Seat]:
        found = []
        for owner in range(pick.randint(1, 4)):
            exposed, fits = pick.randrange(1 << STATES), pick.randrange(1 << PLACES)
            values = tuple(pick.randrange(UNITS) for _ in range(distinct)) if pick.random() < 0.9 else None
            for outside in (False, True):
                if count := pick.choice((0, 1, 1, 2, 3)):
                    found.append(
                        Seat(exposed=exposed, values=values, places=fits, count=count, outside=outside, owner=owner)
                    )
        return sorted(found, key=order)

    approvers = seats()
    requesters = [replace(s, shared=s.owner) for s in approvers] if everybody else seats()
    return Bill(approvals=approvals, together=together, places=places), requesters, approvers


def least(bill: Bill, requesters: list[Seat], approvers: list[Seat]) -> int | None:
    """By trying every requester with every set of other people."""
    people = [(s, n) for s in approvers for n in range(s.count)]
    found = []
    for q in requesters:
        same = next((s for s in approvers if (s.owner, s.outside) == (q.shared, q.outside)), None)
        others = [(s, n) for s, n in people if not (s is same and n == 0)]
        for chosen in combinations(others, bill.approvals):
            members = [q, *(s for s, _ in chosen)]
            if bill.together is not None and any(
                sum(m.exposed >> state & 1 for m in members) > bill.together for state in range(STATES)
            ):
                continue
            values = [m.values for m in members if m.values]
            if any(len(set(column)) < len(column) for column in zip(*values, strict=True)):
                continue
            # Each place asks for an approver of its own.
            if any(
                all(s.places >> place & 1 for place, (s, _) in zip(bill.places, some, strict=True))
                for some in permutations(chosen, len(bill.places))
            ):
                found.append(sum(m.outside for m in members))
    return min(found, default=None)


def test_no_quorum_has_fewer_outsiders_than_the_seating_found() -> None:
    """A bound that counts somebody twice, as one who asks and as one who approves, or not at all, would tell a length
    that is wrong."""
    some = 0
    for seed in range(6_000):
        bill, requesters, approvers = drawn(random.Random(seed))
        found = seat(bill, requesters, approvers, bill.approvals + 1, lambda: None)
        wanted = least(bill, requesters, approvers)
        assert (None if found is None else found.outsiders) == wanted, f"seed {seed}"
        some += bool(wanted)
    assert some > 200
