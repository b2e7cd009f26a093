"""Lists of revoked leases, of several gates: none that knows less takes the place of one that knows more."""

from __future__ import annotations

import math
import time

import pytest

from armslength.gate import RevocationList, verify_revocations
from armslength.service import HOST, Gate
from armslength.service.gate_shared_book import SharedBook
from tests.gate_shared.pair import Pair
from tests.gate_shared.test_races import lent


def listed(gate: Gate) -> RevocationList:
    return verify_revocations(gate.revocations(), gate._leasing.publics())


def book_of(gate: Gate) -> SharedBook:
    book = gate._office.book
    assert isinstance(book, SharedBook)
    return book


def passed(pair: Pair, seconds: float) -> None:
    """Time, and the gates hear of each other."""
    pair.clock.now += seconds
    for gate in pair.gates.values():
        began = time.monotonic()
        while book_of(gate)._shared.cut > 0.5:
            assert time.monotonic() - began < 20
            time.sleep(0.01)
    pair.synced()


def test_the_list_of_a_gate_that_is_behind_takes_no_place_of_one_that_knows_of_a_revocation(pair: Pair) -> None:
    """Whatever changed in it meanwhile, and although it is made later."""
    ends = lent(pair.a, "bo", "end", "asset:meetings", "di ed")
    stolen = lent(pair.a, "bo", "read", "asset:rec-1", "ed fay", "acme")
    pair.a.revoke(ends.terms.id, HOST, "a doubt")
    pair.synced()
    listed(pair.b)
    with book_of(pair.b)._taking:  # b takes nothing in, as over a slow network to the log
        pair.a.revoke(stolen.terms.id, HOST, "a stolen laptop")
        one = listed(pair.a)
        pair.clock.now += 3
        other = listed(pair.b)
    assert stolen.terms.id in one.revoked and stolen.terms.id not in other.revoked
    assert not other.follows(one)
    passed(pair, 3)
    assert listed(pair.b).follows(one) and stolen.terms.id in listed(pair.b).revoked


def test_a_list_is_dated_as_of_when_its_gate_last_heard_of_the_others(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed(pair, 10)
    monkeypatch.setattr(type(book_of(pair.b)._shared), "cut", property(lambda self: 1.5))
    assert listed(pair.b).made.timestamp() == math.floor(pair.clock.now) - 2


def test_a_list_follows_one_that_was_numbered_by_time(pair: Pair) -> None:
    """As gates did before; points hold such lists."""
    passed(pair, 10)
    new = listed(pair.b)
    old = RevocationList(gate=new.gate, number=int(pair.clock.now), made=new.made, revoked=frozenset())
    assert new.follows(old) and not old.follows(new)


def test_a_list_with_an_end_that_could_not_be_recorded_is_kept_for_a_while_and_not_for_ever(pair: Pair) -> None:
    """Another gate that does not know of it, where nothing more happens, leaves no point without a list."""
    lease = lent(pair.a, "bo", "read", "asset:rec-1", "ed fay", "acme")
    passed(pair, 3)
    office = pair.a._office
    office.ending[lease.terms.id] = None  # type: ignore[assignment]
    one = listed(pair.a)
    assert lease.terms.id in one.revoked
    assert not listed(pair.b).follows(one)
    passed(pair, 45)
    assert listed(pair.b).follows(one)
    office.ending.clear()
