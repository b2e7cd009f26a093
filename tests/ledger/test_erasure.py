"""The scope of an erasure, and what it excuses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.ledger import (
    FIRM,
    NO_RECORD,
    Everything,
    Json,
    Kind,
    Record,
    Records,
    Scope,
    canonical,
    excuses,
    format_scope,
    parse_canonical,
    parse_scope,
)
from armslength.tlog import Malformed
from tests.ledger.values import SAFE, jsons, labels

CUSTOMER = b"c" * 32


def record(kind: Kind, sequence: int, customer: bytes = CUSTOMER) -> Record:
    return Record(
        kind=kind,
        customer=customer,
        sequence=sequence,
        previous=NO_RECORD,
        time=0,
        commitment=bytes(32),
        act=bytes(16),
    )


ERASURE = record(Kind.ERASURE, 9)
SOME = Records(records=((3, None), (5, ("asker", "reason"))))

scopes = st.just(Everything()) | st.dictionaries(
    st.integers(0, SAFE), st.none() | st.sets(labels, min_size=1, max_size=3), min_size=1, max_size=4
).map(
    lambda drawn: Records(
        records=tuple(
            (sequence, None if named is None else tuple(sorted(named))) for sequence, named in sorted(drawn.items())
        )
    )
)


@given(scopes)
def test_a_scope_reads_back_from_its_canonical_json(scope: Scope) -> None:
    """A verifier would take an erased field for a withheld one, or the other way about."""
    data = canonical(format_scope(scope), label="scope")
    assert parse_scope(parse_canonical(data, label="scope")) == scope


@given(jsons)
def test_a_scope_that_parses_prints_back(value: Json) -> None:
    """Two readers would take one erasure for two."""
    try:
        scope = parse_scope(value)
    except Malformed:
        return
    assert format_scope(scope) == value


def test_everything_excuses_every_earlier_field() -> None:
    """A customer who had all erased would be told that all was withheld."""
    for sequence in range(9):
        assert excuses(ERASURE, Everything(), record(Kind.USE, sequence), "asker")


def test_some_excuses_what_it_names_and_no_more() -> None:
    """One honest erasure would cover any number of withheld fields."""
    assert excuses(ERASURE, SOME, record(Kind.USE, 3), "anything")
    assert excuses(ERASURE, SOME, record(Kind.USE, 5), "reason")
    assert not excuses(ERASURE, SOME, record(Kind.USE, 5), "resource")
    assert not excuses(ERASURE, SOME, record(Kind.USE, 4), "asker")


@pytest.mark.parametrize("scope", [Everything(), Records(records=((3, None), (9, None), (10, None)))])
def test_an_erasure_excuses_nothing_beside_the_earlier_records_of_its_customer(scope: Scope) -> None:
    """One erasure, once logged, would be leave to withhold whatever came after, or another customer's records."""
    assert excuses(ERASURE, scope, record(Kind.USE, 3), "asker")
    assert not excuses(ERASURE, scope, record(Kind.USE, 3, customer=FIRM), "asker")
    assert not excuses(ERASURE, scope, record(Kind.USE, 9), "asker")
    assert not excuses(ERASURE, scope, record(Kind.USE, 10), "asker")
    assert not excuses(ERASURE, scope, record(Kind.ERASURE, 3), "scope")
    assert not excuses(replace(ERASURE, kind=Kind.USE), scope, record(Kind.USE, 3), "asker")


@pytest.mark.parametrize(
    "records",
    [
        (),
        ((3, None), (3, None)),
        ((5, None), (3, None)),
        ((-1, None),),
        ((SAFE + 1, None),),
        ((1, ()),),
        ((1, ("b", "a")),),
        ((1, ("a", "a")),),
        ((1, ("A",)),),
    ],
)
def test_a_scope_that_has_no_form_is_not_made(records: tuple[tuple[int, tuple[str, ...] | None], ...]) -> None:
    """It would be logged, and no verifier could read what it excuses."""
    with pytest.raises(Malformed):
        Records(records=records)
