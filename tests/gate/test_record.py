"""Events as records: what customers are told follows from the event, and names no other customer."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.gate import (
    FIRM,
    Adopted,
    Declined,
    Denied,
    Ended,
    Erased,
    Event,
    Happened,
    KeyRevoked,
    Lapsed,
    LeaseTerms,
    Left,
    PersonId,
    Ran,
    RanStatement,
    Read,
    Rejected,
    Request,
    Reviewed,
    Revoked,
    Tampered,
    Target,
    Unapproved,
    Voiced,
    Withdrawn,
    customers_of,
    event_of,
    events_in,
    fields_of,
    kind_of,
)
from armslength.ledger import Kind, Opening, commit
from armslength.tlog import Json, canonical, parse_canonical
from tests.gate.stories import (
    ANA,
    BO,
    CY,
    ESTATE,
    MADE,
    a_request,
    adopted,
    approved,
    chance,
    enrolled,
    lease_id,
    lease_terms,
    leased,
    request_id,
    requested,
    used,
)

R, L = request_id("r"), lease_id("l")
EVENTS: list[Event] = [
    adopted(),
    enrolled(ANA),
    enrolled(BO, voucher=ANA),
    KeyRevoked(at=MADE, credential="AAAA", by="eve", reason="lost"),
    requested(),
    approved(CY),
    Unapproved(at=MADE, request=R, approver="cy"),
    Declined(at=MADE, request=R, approver="cy", reason="not for acme"),
    Voiced(at=MADE, request=R, customer="acme", agrees=True),
    Voiced(at=MADE, request=R, customer="acme", agrees=False),
    Lapsed(at=MADE, request=R),
    Withdrawn(at=MADE, request=R, by="bo"),
    leased(),
    used(),
    used("s", None, customers=("acme", "zenith")),
    used("n", customers=()),
    used("late", done=MADE + 5),
    Ran(
        at=MADE + 90,
        batch="A" * 22,
        lease=L,
        executor="ana",
        action="read",
        resource="asset:recordings",
        customers=("acme", "zenith"),
        point="db-1",
        source="postgresql",
        session="6b07ba70.1900",
        first=1,
        last=3,
        sha256="ab" * 32,
        statements=(RanStatement(text="SELECT name FROM accounts", times=2, failed=1),),
        done=MADE + 80,
    ),
    Ended(at=MADE, lease=L, how="spent"),
    Revoked(at=MADE, lease=L, by="eve", reason="the zenith case is over"),
    Denied(
        at=MADE,
        executor="eve",
        asker="liu",
        author=None,
        action="read",
        resource="asset:acme",
        customers=("acme", "zenith"),
        why="x",
        point="p",
    ),
    Reviewed(at=MADE, lease=L, by="eve", outcome="ACME was looked at"),
    Left(at=MADE, person="bo", source="okta"),
]
ABOUT: dict[str, Request | LeaseTerms] = {
    **dict.fromkeys(("approved", "unapproved", "declined", "voiced", "lapsed", "withdrawn", "leased"), a_request()),
    **dict.fromkeys(("ended", "revoked", "reviewed", "used", "ran"), lease_terms()),
}
PUBLIC = set(
    "action after approver approvers asker author before ends executor lease outcome reason request resource".split()
)
each = pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)


def about(event: Event) -> Request | LeaseTerms | None:
    return ABOUT.get(type(event).__name__.lower())


@each
def test_a_record_is_of_a_kind_that_the_ledger_has(event: Event) -> None:
    """The ledger would refuse it, and the gate stop."""
    assert kind_of(event) in set(Kind)


@each
def test_a_record_reads_back_as_its_event(event: Event) -> None:
    """A start would make another state than the one that was left."""
    for of in (about(event), None):
        fields = fields_of(event, of=of)
        stored = parse_canonical(canonical(fields, label="fields"), label="fields")
        assert isinstance(stored, dict) and stored == fields
        assert event_of(kind_of(event), stored) == event == event_of(kind_of(event), fields)


@each
def test_what_a_customer_reads_names_no_other(event: Event) -> None:
    """A customer would learn from their own bundle who else was looked at."""
    of = about(event)
    customers = customers_of(event, of=of)
    fields = fields_of(event, of=of)
    told = str({label: value for label, value in fields.items() if label != FIRM}).casefold()
    if len(customers) > 1:
        assert not [name for name in ("acme", "zenith") if name in told]


@each
def test_the_labels_are_ones_that_the_ledger_takes_and_all_but_one_are_public(event: Event) -> None:
    """A label that says something about a person would stand in the ledger for ever."""
    fields = fields_of(event, of=about(event))
    assert set(fields) - {FIRM} <= PUBLIC


def test_whose_record_it_is() -> None:
    """A customer would not be told of what concerns them, or be told of what concerns another."""
    both = ("acme", "zenith")
    expected = {"Adopted": (), "Enrolled": (), "KeyRevoked": (), "Left": (), "Voiced": ("acme",)}
    for event in EVENTS:
        name = type(event).__name__
        if name == "Used":
            continue
        assert customers_of(event, of=about(event)) == expected.get(name, both), name
    assert customers_of(used(), of=None) == ("acme",) and customers_of(used(customers=()), of=None) == ()
    assert customers_of(used(), of=lease_terms()) == ("acme",)
    assert customers_of(used(customers=()), of=lease_terms()) == both, "nobody knows whose it was"
    ended = Ended(at=MADE, lease=L, how="spent")
    open_terms = lease_terms(customers=(), most_customers=3)
    assert customers_of(ended, of=open_terms, used=("zenith", "acme")) == both


def test_the_public_fields_of_a_request_and_its_lease() -> None:
    """A customer would read their bundle and not know who wanted what, and why."""
    alone = a_request(customers=("acme",), author=PersonId("eve"))
    fields = fields_of(requested(alone), of=None)
    del fields[FIRM]
    assert fields == {
        "action": "read",
        "asker": "bo",
        "executor": "ana",
        "reason": "a court asks for them",
        "request": R,
        "resource": "asset:recordings",
    }
    fields = fields_of(leased(lease_terms(customers=("acme",))), of=alone)
    del fields[FIRM]
    assert fields == {
        "action": "read",
        "approvers": ["cy", "dee"],
        "asker": "bo",
        "ends": "2026-11-25T21:54:20Z",
        "executor": "ana",
        "lease": L,
        "request": R,
        "resource": "asset:recordings",
    }
    assert fields_of(approved(CY), of=alone)["author"] == "eve"


def test_a_reason_is_told_to_one_customer_and_left_out_where_it_names_one_of_several() -> None:
    """Either customers would not learn why, or one would read another's name."""
    text = "the police ask about Acme"
    assert fields_of(requested(a_request(purpose=text, customers=("acme",))), of=None)["reason"] == text
    assert "reason" not in fields_of(requested(a_request(purpose=text)), of=None)
    assert fields_of(requested(a_request(purpose="the police ask")), of=None)["reason"] == "the police ask"
    assert "resource" not in fields_of(requested(a_request(resource=Target(type="asset", id="acme-room"))), of=None)


def test_the_change_that_is_told_is_the_most_telling_one() -> None:
    """A change of policy would be told as one of people."""
    kinds = {
        ("policy", "estate", "people"): "policy-change",
        ("people", "estate"): "estate-change",
        ("people",): "people-change",
        (): "estate-change",
    }
    for what, kind in kinds.items():
        event = Adopted(at=MADE, before=None, after=ESTATE, what=what, request=None, by="ana")  # type: ignore[arg-type]
        assert kind_of(event) == kind


def test_a_record_without_a_firm_event_is_not_the_gates() -> None:
    """Other records of the firm would stop the gate, or count as acts of it."""
    assert event_of("demand", {"state": "CN", "demand": "x"}) is None
    assert event_of("use", {}) is None


SPOILT: list[tuple[str, dict[str, Any]]] = [
    ("lease", {}),
    ("use", {"executor": "eve"}),
    ("use", {"action": None}),
    ("use", {"more": 1}),
    ("use", {"approver": "cy"}),
    ("use", {FIRM: None}),
    ("use", {FIRM: {}}),
    ("use", {FIRM: {"event": "used"}}),
    ("use", {"asker": 5}),
]


@pytest.mark.parametrize(("kind", "changed"), SPOILT)
def test_a_record_whose_public_fields_do_not_follow_is_tampered(kind: str, changed: dict[str, Json]) -> None:
    """The customer would be told one thing and the gate do another."""
    fields = {**fields_of(used(), of=None), **changed}
    with pytest.raises(Tampered):
        event_of(kind, fields)


def test_a_form_that_is_no_request_is_tampered_and_not_an_error() -> None:
    """One bad record would stop every start from here on with a traceback."""
    fields = fields_of(requested(), of=None)
    firm = dict(fields[FIRM])  # type: ignore[arg-type, call-overload]
    firm["form"] = {**firm["form"], "customers": ["b", "a"]}
    with pytest.raises(Tampered):
        event_of("request", {**fields, FIRM: firm})
    without_default = {name: value for name, value in fields_of(used(), of=None)[FIRM].items() if name != "done"}  # type: ignore[union-attr]
    with pytest.raises(Tampered, match="one spelling"):
        event_of("use", {FIRM: without_default})


@each
def test_the_ledger_can_commit_to_the_fields(event: Event) -> None:
    """The ledger would refuse what the gate wants recorded, after everything else was done."""
    for label, value in fields_of(event, of=about(event)).items():
        assert len(commit(Opening(bytes(32)), label, canonical(value, label=label))) == 32


def test_text_that_has_no_bytes_is_the_callers_fault() -> None:
    """A person's strange reason would look like a fault of the ledger."""
    with pytest.raises(Rejected):
        fields_of(Declined(at=MADE, request=R, approver="cy", reason="\ud800"), of=a_request())


def record(index: int, event: Event | None, act: str, *, erased: bool = False, kind: str = "demand") -> Read:
    fields: dict[str, Json] | None = {"state": "CN"} if event is None else fields_of(event, of=None)
    return Read(
        index=index,
        act=chance(act),
        kind=kind if event is None else kind_of(event),
        fields=None if erased else fields,
    )


def test_an_act_on_several_customers_happens_once_and_at_its_first_index() -> None:
    """A use of two customers' data would count twice."""
    read = [
        record(3, requested(), "a"),
        record(4, requested(), "a"),
        record(5, None, "foreign"),
        record(7, used(), "u"),
        record(8, used(), "u"),
    ]
    assert list(events_in(read)) == [
        Happened(index=3, act=chance("a"), event=requested()),
        Happened(index=7, act=chance("u"), event=used()),
    ]


def test_an_act_can_be_read_as_long_as_one_of_its_records_can() -> None:
    """Erasing one customer would end the leases of all others."""
    for erased in ({3}, {4}, {3, 4}):
        read = [record(index, requested(), "a", erased=index in erased) for index in (3, 4, 5)]
        assert list(events_in(read)) == [Happened(index=3, act=chance("a"), event=requested())]
    read = [record(index, used(), "a", erased=True) for index in (3, 4)]
    assert list(events_in([*read, record(5, used("v"), "v")])) == [
        Happened(index=3, act=chance("a"), event=Erased(kind="use")),
        Happened(index=5, act=chance("v"), event=used("v")),
    ]
    assert list(events_in(read)) == [Happened(index=3, act=chance("a"), event=Erased(kind="use"))]
    whose = [
        dataclasses.replace(each, among=frozenset({bytes([each.index])}), at=each.index) for each in read
    ]  # those of each of its customers
    among = frozenset({bytes([3]), bytes([4])})
    event = Erased(kind="use", among=among, at=3)
    assert list(events_in(whose)) == [Happened(index=3, act=chance("a"), event=event)]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=8))
def test_no_act_is_lost_and_none_is_told_twice(parts: list[tuple[str, bool]]) -> None:
    """A revocation between two erased records would be passed over."""
    groups: list[tuple[str, list[bool]]] = []
    for number, (_, erased) in enumerate(parts):
        if number % 3 == 0 or not groups:
            groups.append((f"act {number}", []))
        groups[-1][1].append(erased)
    read, index = [], 0
    for act, copies in groups:
        for erased in copies:
            read.append(record(index, used(act), act, erased=erased))
            index += 1
    told = list(events_in(read))
    assert [happened.act for happened in told] == [chance(act) for act, _ in groups]
    assert [isinstance(happened.event, Erased) for happened in told] == [all(copies) for _, copies in groups]
