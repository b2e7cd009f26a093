"""A lease: made from a receipt or from what the gate signed, and from nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from armslength.gate import Lease, PersonId, Rejected, Target, covers, issue, moment, parse_lease_terms
from armslength.tlog import Json
from tests.gate.stories import MADE, lease_terms
from tests.gate.tokens import a_lease, receipt

ANA, READ, RECORDINGS = PersonId("ana"), "read", Target(type="asset", id="recordings")


def test_a_lease_is_issued_for_the_receipt_of_its_own_record() -> None:
    """Access would be open before its record is durable, or under another's."""
    terms = lease_terms()
    lease = issue(terms, receipt(terms), terms.act)
    assert (lease.terms, lease.origin, lease.index) == (terms, terms.gate, 41)
    for wrong in (receipt(terms, act=bytes(16)), receipt(terms, origin="other.example/acts")):
        with pytest.raises(Rejected):
            issue(terms, wrong, terms.act)
    with pytest.raises(Rejected):
        issue(terms, receipt(terms, act=bytes(16)), bytes(16))


def test_nothing_else_makes_a_lease() -> None:
    """A mistake anywhere in the code would open access without a record."""
    with pytest.raises(TypeError):
        Lease(terms=lease_terms(), origin="x", index=1)
    with pytest.raises(TypeError):
        Lease(terms=lease_terms(), origin="x", index=1, _made=object())


def test_the_terms_of_a_lease_read_back() -> None:
    """A replay would make another lease than the one that was given."""
    for terms in (lease_terms(), lease_terms(customers=(), uses=3, most_customers=2)):
        assert parse_lease_terms(terms.form()) == terms


WRONG: list[dict[str, Json]] = [
    {"id": "lease_"},
    {"id": "req_AAAAAAAAAAAAAAAAAAAAAA"},
    {"request": "r"},
    {"gate": ""},
    {"executor": " ana"},
    {"action": "a\nb"},
    {"resource": {"type": "class", "id": "x"}},
    {"resource": {"type": "asset", "id": ""}},
    {"resource": "asset:recordings"},
    {"customers": ["zenith", "acme"]},
    {"customers": ["acme", "acme"]},
    {"approvers": []},
    {"approvers": ["cy", "cy"]},
    {"approvers": ["ana", "cy"]},
    {"start": "2026-11-25T21:54:20Z"},
    {"end": "2026-11-25"},
    {"uses": 0},
    {"uses": 1.5},
    {"uses": True},
    {"uses": 1_000_001},
    {"most_customers": 0},
    {"most_customers": 1001},
    {"estate": "E5" * 32},
    {"estate": "e5"},
    {"terms": None},
    {"more": 1},
]


@pytest.mark.parametrize("changed", WRONG)
def test_terms_that_no_quorum_gives_are_refused(changed: dict[str, Json]) -> None:
    """A lease without limits, without approvers or for nobody would be given by a spoilt record."""
    with pytest.raises(Rejected):
        parse_lease_terms({**lease_terms().form(), **changed})
    for dropped in lease_terms().form():
        with pytest.raises(Rejected):
            parse_lease_terms({name: value for name, value in lease_terms().form().items() if name != dropped})


def test_a_lease_covers_what_it_is_for_and_nothing_beside() -> None:
    """A lease for one customer would open another's data."""
    terms = lease_terms()

    def covered(of: frozenset[str] = frozenset({"acme"}), **changed: Any) -> bool:
        asked: dict[str, Any] = {"executor": ANA, "action": READ, "resource": RECORDINGS, **changed}
        return covers(terms, customers=of, **asked)

    assert covered() and covered(frozenset({"acme", "zenith"})) and covered(frozenset())
    assert not covered(frozenset({"other"})) and not covered(frozenset({"acme", "other"}))
    assert not covered(executor=PersonId("bo")) and not covered(action="export")
    assert not covered(resource=Target(type="asset", id="keys"))
    assert not covered(resource=Target(type="group", id="recordings"))


def test_customers_that_are_named_at_use_need_a_limit() -> None:
    """A lease on no customer would be one on all."""
    none = lease_terms(customers=())
    some = lease_terms(customers=(), most_customers=2)
    for terms, expected in ((none, False), (some, True)):
        asked = {"executor": ANA, "action": READ, "resource": RECORDINGS}
        assert covers(terms, customers=frozenset({"acme"}), **asked) is expected  # type: ignore[arg-type]
        assert covers(terms, customers=frozenset(), **asked) is not expected  # type: ignore[arg-type]


def test_where_customers_are_counted_each_use_names_some() -> None:
    """Uses that name nobody would be of any number of customers."""
    asked = {"executor": ANA, "action": READ, "resource": RECORDINGS}
    for customers in ((), ("acme", "zenith")):
        terms = lease_terms(customers=customers, most_customers=1)
        assert covers(terms, customers=frozenset({"acme"}), **asked)  # type: ignore[arg-type]
        assert not covers(terms, customers=frozenset(), **asked)  # type: ignore[arg-type]


def test_a_lease_that_counts_is_redeemed_at_the_gate() -> None:
    """Two points would each count to the limit."""
    assert not lease_terms().online and lease_terms(uses=1).online and lease_terms(most_customers=1).online
    assert a_lease().terms.start == moment(MADE + 60)
