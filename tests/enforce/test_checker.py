"""A lease checked without the gate: it opens what it is for, while it stands, and nothing else."""

from __future__ import annotations

import base64
import json
import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.enforce import Checker
from armslength.gate import LeaseTerms, PersonId, Refused, Rejected, Target, UnknownKey, Why
from tests.enforce.leases import GATE, KEY, KEYS, OTHER_KEY, ROOMS, START, listed, signed, terms

FASTEST = 100e-6
"""Seconds, for a lease whose signature was checked before (design: a live lease checked offline in at most 100 µs)."""


class Clock:
    """The time that a test says it is."""

    def __init__(self) -> None:
        self.wall, self.steady = float(START + 10), 1000.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


def checker(clock: Clock, text: str | None = None) -> Checker:
    found = Checker(GATE, clock=lambda: clock.wall, steady=lambda: clock.steady)
    found.keys(KEYS)
    found.learn(text if text is not None else listed(made=clock.wall))
    return found


def answer(
    found: Checker,
    token: str,
    *,
    person: str = "ana",
    action: str = "read",
    resource: Target = ROOMS,
    customers: tuple[str, ...] = ("c-1",),
) -> Why | None:
    checked = found.check(
        token, executor=PersonId(person), action=action, resource=resource, customers=frozenset(customers)
    )
    return checked.why if isinstance(checked, Refused) else None


def test_a_lease_opens_what_it_is_for() -> None:
    """Honest work would stop with the gate."""
    found = checker(Clock())
    assert answer(found, signed(terms())) is None
    assert answer(found, signed(terms()), customers=("c-1", "c-2")) is None
    assert answer(found, signed(terms(customers=())), customers=()) is None


def test_a_lease_opens_nothing_else() -> None:
    """A stolen lease, or one for a harmless act, would open a customer's data."""
    found, token = checker(Clock()), signed(terms())
    assert answer(found, token, person="bea") is Why.OUTSIDE
    assert answer(found, token, action="export") is Why.OUTSIDE
    assert answer(found, token, resource=Target(type="asset", id="accounts")) is Why.OUTSIDE
    assert answer(found, token, resource=Target(type="person", id="rooms")) is Why.OUTSIDE
    assert answer(found, token, customers=("c-1", "c-3")) is Why.OUTSIDE
    assert answer(found, signed(terms(customers=())), customers=("c-1",)) is Why.OUTSIDE


def test_a_lease_is_for_its_time() -> None:
    """Access would outlive what was approved."""
    clock = Clock()
    found, token = checker(clock), signed(terms())
    clock.pass_by(3589)
    found.learn(listed(made=clock.wall, number=2))
    assert answer(found, token) is None
    clock.pass_by(1)
    assert answer(found, token) is Why.EXPIRED
    late = checker(Clock())
    assert answer(late, signed(terms(start=terms().start.replace(year=2029), end=terms().end.replace(year=2029)))) is (
        Why.EXPIRED
    )


def test_a_lease_that_counts_is_left_to_the_gate() -> None:
    """One use would be as many as there are enforcement points."""
    found = checker(Clock())
    assert answer(found, signed(terms(uses=1))) is Why.GATE
    assert answer(found, signed(terms(customers=(), most_customers=2))) is Why.GATE


def test_a_revoked_lease_is_refused_as_soon_as_the_list_says_so() -> None:
    """Revoking would be a note in a database."""
    clock = Clock()
    found, lease = checker(clock), terms()
    assert answer(found, signed(lease)) is None
    assert found.running(lease.id, lease.end) is None
    found.learn(listed(lease.id, made=clock.wall, number=2))
    assert answer(found, signed(lease)) is Why.REVOKED
    running = found.running(lease.id, lease.end)
    assert isinstance(running, Refused) and running.why is Why.REVOKED
    assert answer(found, signed(terms(2))) is None


def test_an_old_list_is_no_list() -> None:
    """Whoever keeps the point from the gate would keep a revoked lease alive."""
    clock = Clock()
    found, token = checker(clock), signed(terms())
    clock.pass_by(60)
    assert answer(found, token) is None
    clock.pass_by(1)
    assert answer(found, token) is Why.OLD_LIST
    found.learn(listed(made=clock.wall, number=2))
    assert answer(found, token) is None
    nothing = Checker(GATE, clock=lambda: clock.wall, steady=lambda: clock.steady)
    nothing.keys(KEYS)
    assert answer(nothing, token) is Why.OLD_LIST


def test_a_list_that_was_seen_before_is_not_newer_for_being_sent_again() -> None:
    """A replayed list would undo a revocation, or keep an old list young."""
    clock = Clock()
    first = listed(made=clock.wall, number=3)
    found, lease = checker(clock, first), terms()
    found.learn(listed(lease.id, made=clock.wall, number=4))
    found.learn(first)
    assert answer(found, signed(lease)) is Why.REVOKED
    last = listed(lease.id, made=clock.wall, number=4)
    clock.steady += 61  # the clock of the machine was stopped, and a clock that nobody sets was not
    found.learn(last)
    assert answer(found, signed(terms(2))) is Why.OLD_LIST


def test_what_one_of_two_gates_knows_alone_stays_revoked_when_the_other_one_s_list_comes() -> None:
    """Two gates that are cut off from the log revoke something each: the later list would open what the other ended."""
    clock = Clock()
    one, other = terms(), terms(2)
    found = checker(clock, listed(one.id, made=clock.wall, number=2**32 + 3))
    found.learn(listed(other.id, made=clock.wall, number=2**32 + 5))
    assert answer(found, signed(one)) is Why.REVOKED
    assert answer(found, signed(other)) is Why.REVOKED
    found.learn(listed(made=clock.wall, number=2**32 + 2**16))
    assert answer(found, signed(one)) is None


def test_a_clock_that_goes_back_stops_everything_until_it_is_right() -> None:
    """A lease that has ended would run again by setting the clock of the service."""
    clock = Clock()
    found, token = checker(clock), signed(terms())
    clock.pass_by(30)
    assert answer(found, token) is None
    clock.wall -= 1.5
    assert answer(found, token) is None
    clock.wall -= 10
    assert answer(found, token) is Why.CLOCK
    running = found.running(terms().id, terms().end)
    assert isinstance(running, Refused) and running.why is Why.CLOCK
    clock.wall += 12
    assert answer(found, token) is None


def test_a_point_whose_clock_is_behind_the_gate_trusts_no_list() -> None:
    """A service started with a wrong clock would take leases that have ended for running ones."""
    clock = Clock()
    found = checker(clock, listed(made=clock.wall + 3600))
    assert answer(found, signed(terms())) is Why.OLD_LIST


def test_only_this_gate_signs() -> None:
    """Anybody could write a lease."""
    clock = Clock()
    found = checker(clock)
    assert answer(found, signed(terms(), OTHER_KEY)) is Why.UNSIGNED
    assert answer(found, signed(terms(gate="elsewhere.example"))) is Why.UNSIGNED
    assert answer(found, listed(made=clock.wall)) is Why.UNSIGNED
    for text in ("", "a.b.c", "a" * 5000, "..", signed(terms())[:-1]):
        assert answer(found, text) is Why.UNSIGNED
    with pytest.raises(UnknownKey):
        found.learn(listed(made=clock.wall, number=9, key=OTHER_KEY))
    with pytest.raises(Rejected):
        found.learn(listed(made=clock.wall, number=9, gate="elsewhere.example"))


def test_a_key_that_is_the_gates_no_more_signs_nothing() -> None:
    """Leases made with a stolen key would go on after the gate has dropped it."""
    clock = Clock()
    found, token = checker(clock), signed(terms())
    assert answer(found, token) is None
    found.keys({OTHER_KEY.kid: OTHER_KEY.public})
    found.learn(listed(made=clock.wall, key=OTHER_KEY))
    assert answer(found, token) is Why.UNSIGNED


@given(place=st.integers(0, 2000), value=st.sampled_from("AZaz09-_.="))
def test_no_changed_lease_passes(place: int, value: str) -> None:
    """A byte of a lease would be as good as another person's name."""
    token = signed(terms())
    place %= len(token)
    changed = token[:place] + value + token[place + 1 :]
    if changed != token:
        assert answer(checker(Clock()), changed) is Why.UNSIGNED


def test_no_algorithm_is_taken_from_the_lease() -> None:
    """`alg: none`, or the public key used as a shared secret, are how tokens were forged before."""
    head, body, _ = signed(terms()).split(".")
    for header in ({"alg": "none"}, {"alg": "HS256", "kid": KEY.kid, "typ": "armslength-lease+jwt"}):
        text = base64.urlsafe_b64encode(json.dumps(header, separators=(",", ":")).encode()).rstrip(b"=").decode()
        for mark in ("", head[:43]):
            assert answer(checker(Clock()), f"{text}.{body}.{mark}") is Why.UNSIGNED


def test_a_live_lease_is_checked_in_time() -> None:
    """People would be kept waiting by what protects others, and switch it off."""
    found, token = checker(Clock()), signed(terms())
    act = {"executor": PersonId("ana"), "action": "read", "resource": ROOMS, "customers": frozenset({"c-1"})}
    assert isinstance(found.check(token, **act), LeaseTerms)  # type: ignore[arg-type]
    best = min(timeit.repeat(lambda: found.check(token, **act), number=200, repeat=20)) / 200  # type: ignore[arg-type]
    assert best < FASTEST
