"""Any events in any order: the fold takes them without an error, and no order of them gives what nobody approved."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from armslength.gate import (
    Declined,
    Denied,
    Ended,
    Erased,
    Event,
    Granted,
    KeyRevoked,
    Lapsed,
    Leased,
    Left,
    PersonId,
    Requested,
    Reviewed,
    Revoked,
    State,
    Unapproved,
    Used,
    Voiced,
    Withdrawn,
    id_bytes,
)
from armslength.tlog import canonical, format_base64url, parse_canonical
from tests.gate.passkeys import Passkey
from tests.gate.stories import (
    ANA,
    BO,
    CY,
    DEE,
    ESTATE,
    EVE,
    MADE,
    ORIGIN,
    a_request,
    adopted,
    approved,
    chance,
    documents,
    enrolled,
    lease_id,
    lease_terms,
    leased,
    request_id,
    requested,
    used,
)

OTHER = "0f" * 32
CHANGE = {"change": {"before": ESTATE, "after": OTHER, "returning": ["cy", "bo", 1], "widened": []}}
KEYS = (ANA, BO, CY, DEE, EVE, Passkey("cy", 9))
REQUESTS = ("r1", "r2", "r3")
LEASES = ("l1", "l2")
Told = tuple[Event | Erased, int]

keys = st.sampled_from(KEYS)
people = st.sampled_from(("ana", "bo", "cy", "dee", "eve"))
requests = st.sampled_from(REQUESTS)
leases = st.sampled_from(LEASES)
times = st.sampled_from((MADE - 1, MADE, MADE + 10, MADE + 60, MADE + 100, MADE + 3600, MADE + 3661, MADE + 9000))
customers = st.sampled_from(((), ("acme",), ("zenith",), ("acme", "zenith"), ("other",)))


def request_of(name: str) -> Requested:
    """The first changes the estate, the second is on customers who are named, the third on customers named later."""
    if name == "r1":
        return requested(a_request(name, action="operate", customers=(), context=CHANGE))
    return requested(a_request(name, customers=("acme", "zenith") if name == "r2" else ()))


@st.composite
def some_lease(draw: st.DrawFn) -> Leased:
    name = draw(requests)
    form = request_of(name).form
    terms = lease_terms(
        draw(leases),
        name,
        action=form["action"],
        customers=tuple(form["customers"]),  # type: ignore[arg-type]
        approvers=draw(st.sampled_from((("cy", "dee"), ("cy", "eve"), ("dee",), ("bo", "cy")))),
        uses=draw(st.sampled_from((None, 1, 2))),
        most_customers=draw(st.sampled_from((None, 1))),
        estate=draw(st.sampled_from((ESTATE, ESTATE, ESTATE, OTHER))),
    )
    return leased(terms, at=draw(times))


def some_use(name: str, lease: str | None, at: int, done: int | None, whose: tuple[str, ...], action: str) -> Used:
    return used(name, lease, at=at, done=done, customers=whose, action=action)


events: st.SearchStrategy[Event | Erased] = st.one_of(
    st.builds(lambda name: request_of(name), requests),
    st.builds(lambda key, name, at: approved(key, name, at=at), keys, requests, times),
    st.builds(lambda key, name: approved(key, name), keys, requests),
    some_lease(),
    st.builds(
        some_use,
        st.sampled_from("uvwxyz"),
        st.sampled_from((*LEASES, None)),
        times,
        st.one_of(st.none(), times),
        customers,
        st.sampled_from(("read", "read", "operate")),
    ),
    st.builds(lambda name, who: Unapproved(at=MADE, request=request_id(name), approver=who), requests, people),
    st.builds(
        lambda name, who: Declined(at=MADE, request=request_id(name), approver=who, reason="no"), requests, people
    ),
    st.builds(lambda name, at: Lapsed(at=at, request=request_id(name)), requests, times),
    st.builds(lambda name, who: Withdrawn(at=MADE, request=request_id(name), by=who), requests, people),
    st.builds(
        lambda name, who, yes: Voiced(at=MADE, request=request_id(name), customer=who, agrees=yes),
        requests,
        st.sampled_from(("acme", "zenith", "other")),
        st.booleans(),
    ),
    st.builds(lambda name, at: Ended(at=at, lease=lease_id(name), how="returned"), leases, times),
    st.builds(lambda name, at, who: Revoked(at=at, lease=lease_id(name), by=who, reason="x"), leases, times, people),
    st.builds(lambda name, who: Reviewed(at=MADE, lease=lease_id(name), by=who, outcome="x"), leases, people),
    st.builds(lambda key, voucher: enrolled(key, voucher=voucher), keys, st.one_of(st.none(), keys)),
    st.builds(
        lambda key, who: KeyRevoked(at=MADE, credential=format_base64url(key.credential), by=who, reason="x"),
        keys,
        people,
    ),
    st.builds(lambda who, at: Left(at=at, person=who, source="okta"), people, times),
    st.builds(
        lambda after, before, name: adopted(after, before=before, request=name),
        st.sampled_from((ESTATE, OTHER)),
        st.sampled_from((ESTATE, OTHER, None)),
        st.one_of(st.none(), requests),
    ),
    st.just(
        Denied(
            at=MADE,
            executor="eve",
            asker="liu",
            author=None,
            action="x",
            resource="asset:y",
            customers=(),
            why="no_rule",
            point="p",
        )
    ),
    st.builds(
        lambda kind, names, at: Erased(
            kind=kind, among=None if names is None else frozenset(map(chance, names)), at=at
        ),
        st.sampled_from(("use", "approval", "refusal", "finding", "lease", "revocation", "request", "erasure")),
        st.one_of(st.none(), st.frozensets(st.sampled_from((*REQUESTS, *LEASES)))),
        times,
    ),
)
OPENING: tuple[Event | Erased, ...] = (adopted(), *(enrolled(key) for key in KEYS[:5]), *map(request_of, REQUESTS))
APPROVED: tuple[Event | Erased, ...] = (*OPENING, *(approved(key, name) for key in (CY, DEE) for name in REQUESTS))
stories = st.tuples(st.sampled_from((APPROVED, APPROVED, OPENING, ())), st.lists(events, max_size=40)).map(
    lambda both: [*both[0], *both[1]]
)


def apply(state: State, event: Event | Erased, index: int) -> object:
    act = id_bytes(str(event.lease["id"])) if isinstance(event, Leased) else chance(f"act {index}")
    return state.apply(event, act=act, index=index, origin=ORIGIN)


def folded(told: list[Event | Erased], each: Callable[[State], None] = lambda state: None) -> State:
    state = State()
    for index, event in enumerate(told):
        apply(state, event, index)
        each(state)
    return state


@given(stories)
@settings(max_examples=300, deadline=None)
def test_the_same_events_make_the_same_state(told: list[Event | Erased]) -> None:
    """Two programs at one ledger would hold two truths, and each call the other's rows tampered with."""
    assert folded(told).snapshot()() == folded(told).snapshot()()


@given(stories, st.integers(0, 50))
@settings(max_examples=300, deadline=None)
def test_a_snapshot_and_the_rest_make_what_all_make(told: list[Event | Erased], cut: int) -> None:
    """A restart would change decisions."""
    text = canonical(folded(told[:cut]).snapshot()(), label="snapshot")
    state = State.restore(parse_canonical(text, label="snapshot"))
    for index, event in enumerate(told[cut:], min(cut, len(told))):
        apply(state, event, index)
    whole = folded(told)
    assert state.snapshot()() == whole.snapshot()() and documents(state) == documents(whole)
    assert state.live() == whole.live() and state.waiting() == whole.waiting()


@given(stories)
@settings(max_examples=200, deadline=None)
def test_an_event_that_is_applied_twice_counts_once(told: list[Event | Erased]) -> None:
    """A record that is read back after it was applied would count double."""
    state = State()
    for index, event in enumerate(told):
        apply(state, event, index)
        before = documents(state)
        if not isinstance(event, Erased):
            apply(state, event, index)
            assert documents(state) == before
    assert state.snapshot()() == folded(told).snapshot()()


def check(state: State) -> None:
    for request in state.requests.values():
        who = request.approvers()
        assert len(set(who)) == len(who) and not set(who) & (request.request.parties() | request.took_back)
        if request.waiting:
            for approval in request.approvals:
                key = state.key(approval.assertion.credential)
                assert key is not None and key.revoked is None and key.key.person == approval.approver
    for lease in state.leases.values():
        terms, request = lease.terms, state.requests[lease.terms.request]
        assert isinstance(request.status, Granted) and request.status.lease == terms.id
        assert set(terms.approvers) <= set(request.approvers())
        assert (terms.executor, terms.action, terms.resource, terms.customers) == (
            request.request.executor,
            request.request.action,
            request.request.resource,
            request.request.customers,
        )
        assert terms.uses is None or lease.uses <= terms.uses
        assert terms.most_customers is None or len(lease.customers_used) <= terms.most_customers
        assert not terms.customers or lease.customers_used <= set(terms.customers)
        assert lease.review is None or lease.review.by not in {*terms.approvers, *request.request.parties()}
    live = {id for id, lease in state.leases.items() if lease.live}
    assert {lease.terms.id for lease in state.live()} == live
    assert {lease.terms.id for person in "ana bo cy dee eve".split() for lease in state.live(PersonId(person))} == live
    assert {request.request.id for request in state.waiting()} == {
        id for id, request in state.requests.items() if request.waiting
    }


@given(stories)
@settings(max_examples=400, deadline=None)
def test_no_events_make_a_lease_that_its_quorum_did_not_approve(told: list[Event | Erased]) -> None:
    """Whoever can write to the ledger in some order would open what nobody approved."""
    folded(told, check)


def test_the_stories_reach_what_they_are_about() -> None:
    """The properties above would hold because nothing ever happened."""
    told: list[Event | Erased] = [
        *OPENING,
        approved(CY, "r1"),
        approved(DEE, "r1"),
        leased(lease_terms("l1", "r1", action="operate", customers=())),
        adopted(OTHER, before=ESTATE, request="r1"),
    ]
    state = folded(told, check)
    assert state.live() and state.estate == OTHER
