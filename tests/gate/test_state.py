"""The fold: the same events make the same state, and nothing that does not fit makes anything."""

from __future__ import annotations

import dataclasses
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armslength.gate import (
    CalledOff,
    Changed,
    Declined,
    Denied,
    Ended,
    Erased,
    Event,
    Expired,
    Granted,
    KeyRevoked,
    Lapsed,
    LeaseStatus,
    Over,
    PersonId,
    Rejected,
    Reviewed,
    Revoked,
    State,
    Taken,
    Tampered,
    Target,
    TurnedDown,
    Unapproved,
    Unreadable,
    Vetoed,
    Voiced,
    Window,
    Withdrawn,
    check_event,
    format_event,
    moment,
    new_id,
    parse_event,
)
from armslength.tlog import canonical, format_base64url, parse_canonical
from tests.gate.passkeys import Passkey
from tests.gate.stories import (
    ANA,
    BO,
    CY,
    DEE,
    DOCUMENT,
    ESTATE,
    EVE,
    EXPIRES,
    MADE,
    ORIGIN,
    WINDOW,
    Story,
    a_request,
    adopted,
    approved,
    asked,
    chance,
    documents,
    enrolled,
    founded,
    lease_id,
    lease_terms,
    leased,
    lent,
    replayed,
    request_id,
    requested,
    unsigned,
    used,
)

R, L = request_id("r"), lease_id("l")
OTHER = "0f" * 32


def credential(passkey: Passkey) -> str:
    return format_base64url(passkey.credential)


def revoked(passkey: Passkey, at: int = MADE + 20) -> KeyRevoked:
    return KeyRevoked(at=at, credential=credential(passkey), by="eve", reason="lost")


# Requests and approvals


def test_a_request_waits_with_the_approvals_that_stand() -> None:
    """People would be asked again for what they approved."""
    story = asked()
    story.fits(approved(CY), approved(DEE))
    state = story.state.requests[R]
    assert (state.waiting, state.approvers(), state.version) == (True, ("cy", "dee"), 3)
    assert state.request == a_request()


def test_the_same_request_is_not_made_twice() -> None:
    """A second record of it would put away the approvals of the first, or bring a refused one back."""
    story = asked()
    story.fits(Declined(at=MADE + 5, request=R, approver="cy", reason="no"))
    assert story.ignored(requested()) == "the request was made before"


def test_a_request_for_another_gate_is_ignored() -> None:
    """What one firm's gate recorded would be a request at another's."""
    assert founded().ignored(requested(a_request(gate="other.example/acts"))) == "the request is for another gate"


@pytest.mark.parametrize("passkey", [ANA, BO, EVE])
def test_nobody_approves_what_they_ask_for_write_or_carry_out(passkey: Passkey) -> None:
    """One person alone would be two of a quorum."""
    story = asked(author=PersonId("eve"))
    assert story.ignored(approved(passkey)) == "nobody approves what they ask for, write or carry out"


def test_one_person_approves_once_with_however_many_keys() -> None:
    """Two passkeys of one person would be a quorum."""
    story = founded()
    second = Passkey("cy", 40)
    story.fits(enrolled(second), requested(), approved(CY))
    assert story.ignored(approved(CY, name="again")) == "nobody approves twice"
    assert story.ignored(approved(second, name="other key")) == "nobody approves twice"


@pytest.mark.parametrize("at", [MADE - 1, EXPIRES, EXPIRES + 1])
def test_an_approval_outside_the_time_of_its_request_does_not_count(at: int) -> None:
    """Silence until the end, and then a yes that nobody looks for any more."""
    assert asked().ignored(approved(CY, at=at)) == "the approval was not made while the request was open"


def test_an_approval_needs_all_evidence_opened() -> None:
    """Somebody would say yes to an order that they never saw."""
    assert asked().ignored(approved(CY, opened=False)) == "evidence was not opened"


def test_an_approval_by_a_key_that_is_not_the_approvers_does_not_count() -> None:
    """Whoever writes rows would approve in everybody's name with one key."""
    story = asked()
    borrowed = msgspec.structs.replace(approved(CY), assertion=unsigned(DEE).form())
    assert story.ignored(borrowed) == "the key is not one of cy"
    unknown = msgspec.structs.replace(approved(CY), assertion=unsigned(Passkey("cy", 77)).form())
    assert story.ignored(unknown) == "the key is not one of cy"


def test_an_approval_that_was_taken_back_is_final() -> None:
    """Whoever kept the first signature would give the yes again for them: it is over the same request."""
    story = asked()
    story.fits(approved(CY), Unapproved(at=MADE + 11, request=R, approver="cy"))
    assert story.state.requests[R].approvers() == ()
    assert story.ignored(approved(CY)) == "an approval that was taken back is not given again"
    assert story.ignored(approved(CY, name="later")) == "an approval that was taken back is not given again"
    assert story.ignored(Unapproved(at=MADE + 12, request=R, approver="cy")) == "no approval of theirs stands"


def test_an_approval_by_a_key_revoked_before_the_lease_does_not_count() -> None:
    """A stolen passkey would complete a quorum after its owner said it was stolen."""
    story = asked()
    story.fits(approved(CY), approved(DEE), revoked(CY))
    assert story.state.requests[R].approvers() == ("dee",)
    assert story.ignored(leased()) == "no approval of cy stands"
    assert story.ignored(approved(CY, name="again")) == "the key was revoked"


def test_whose_key_was_revoked_may_approve_with_another() -> None:
    """A lost phone would keep its owner out of every request that was open."""
    story = founded()
    fresh = Passkey("cy", 41)
    story.fits(enrolled(fresh), requested(), approved(CY), approved(DEE), revoked(CY), approved(fresh, name="fresh"))
    story.fits(leased())
    assert isinstance(story.state.requests[R].status, Granted)


def test_a_key_revoked_after_the_lease_leaves_the_lease() -> None:
    """What was decided then was decided with keys that counted then; taking it away is an act of its own."""
    story = lent()
    story.fits(revoked(CY, at=MADE + 70))
    assert story.state.leases[L].live and story.state.requests[R].approvers() == ("cy", "dee")


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (
            Declined(at=MADE + 5, request=R, approver="cy", reason="no"),
            TurnedDown(by=PersonId("cy"), reason="no", at=moment(MADE + 5)),
        ),
        (Voiced(at=MADE + 5, request=R, customer="acme", agrees=False), Vetoed(customer="acme", at=moment(MADE + 5))),
        (Lapsed(at=EXPIRES, request=R), Expired(at=moment(EXPIRES))),
        (Withdrawn(at=MADE + 5, request=R, by="bo"), CalledOff(by=PersonId("bo"), at=moment(MADE + 5))),
    ],
)
def test_a_request_that_ended_stays_ended(event: Event, status: object) -> None:
    """A request that was refused would be approved the day after."""
    story = asked()
    story.fits(approved(CY), approved(DEE), event)
    assert story.state.requests[R].status == status
    late = (approved(EVE), leased(), event, Unapproved(at=MADE + 20, request=R, approver="cy"))
    for one in (*late, Voiced(at=MADE + 20, request=R, customer="zenith", agrees=True)):
        assert story.ignored(one) == "the request no longer waits"


def test_a_customers_word_counts_once_and_only_of_a_customer_who_is_named() -> None:
    """Somebody else would agree for the customer."""
    story = asked()
    story.fits(Voiced(at=MADE + 5, request=R, customer="acme", agrees=True))
    assert story.state.requests[R].agreed == {"acme"}
    assert story.ignored(Voiced(at=MADE + 6, request=R, customer="acme", agrees=True)) == "the customer said yes before"
    assert story.ignored(Voiced(at=MADE + 6, request=R, customer="evil", agrees=False)) == (
        "the request is not about this customer"
    )


@pytest.mark.parametrize(
    "event",
    [
        approved(CY),
        Unapproved(at=MADE, request=R, approver="cy"),
        Declined(at=MADE, request=R, approver="cy", reason="no"),
        Voiced(at=MADE, request=R, customer="acme", agrees=True),
        Lapsed(at=MADE, request=R),
        Withdrawn(at=MADE, request=R, by="bo"),
        leased(),
    ],
    ids=lambda event: type(event).__name__,
)
def test_what_is_about_an_unknown_request_is_ignored(event: Event) -> None:
    """A lease without a request would be a lease without a quorum."""
    assert founded().ignored(event) == "no such request"


# Leases


def test_a_lease_takes_the_approvals_that_stand_and_ends_the_waiting() -> None:
    """Nobody would know under which record the access stands."""
    story = lent()
    lease = story.state.leases[L]
    assert (lease.live, lease.index, lease.origin, lease.uses) == (True, len(story.told) - 1, ORIGIN, 0)
    assert story.state.requests[R].status == Granted(lease=L, at=moment(MADE + 60))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"approvers": (PersonId("cy"), PersonId("eve"))}, "no approval of eve stands"),
        ({"executor": PersonId("eve")}, "the lease is for something else than the request"),
        ({"action": "export"}, "the lease is for something else than the request"),
        ({"resource": Target(type="asset", id="keys")}, "the lease is for something else than the request"),
        ({"customers": ("acme",)}, "the lease is for something else than the request"),
        ({"customers": ("acme", "other", "zenith")}, "the lease is for something else than the request"),
        ({"start": moment(WINDOW[0] - 1)}, "the lease is not within the request's window"),
        ({"end": moment(WINDOW[1] + 1)}, "the lease is not within the request's window"),
        ({"estate": OTHER}, "the lease was judged under another estate than the one that holds"),
        ({"gate": "other.example/acts"}, "the lease is of another gate"),
        ({"end": moment(MADE + 61)}, None),
        ({"start": moment(MADE + 1), "end": moment(MADE + 60)}, "the lease was over when it was given"),
    ],
)
def test_a_lease_is_for_what_was_approved_and_nothing_else(changed: dict[str, object], reason: str | None) -> None:
    """Approvers would have signed one thing and somebody be given another."""
    story = asked()
    story.fits(approved(CY), approved(DEE))
    if reason is None:
        story.fits(leased(lease_terms(**changed)))
    else:
        assert story.ignored(leased(lease_terms(**changed))) == reason


def test_a_lease_stands_under_the_act_id_that_is_its_own() -> None:
    """Two records could claim one lease, and a receipt for the one open the other."""
    story = asked()
    story.fits(approved(CY), approved(DEE))
    outcome = story.state.apply(leased(), act=chance("another"), index=len(story.told), origin=ORIGIN)
    assert outcome != Changed() and L not in story.state.leases


def test_one_request_gives_one_lease() -> None:
    """A quorum would open twice what it was asked for once."""
    story = lent()
    assert story.ignored(leased(lease_terms("second"))) == "the request no longer waits"
    assert story.ignored(leased()) == "the lease was given before"


def test_uses_past_the_limit_are_not_counted() -> None:
    """A lease for one use would be used until somebody looks."""
    story = lent(uses=2)
    story.fits(used("u1"), used("u2"))
    assert story.ignored(used("u3")) == "the lease was for 2 uses"
    assert story.state.leases[L].uses == 2


def test_a_use_that_is_recorded_twice_counts_once() -> None:
    """A point that asks again after a broken connection would spend the lease."""
    for uses in (1, 3, None):
        story = lent(uses=uses)
        story.fits(used("u1"))
        assert story.ignored(used("u1")) == "the use is counted already"
        assert story.state.used(L, chance("u1")) and not story.state.used(L, chance("u2"))
        assert story.state.leases[L].uses == 1


def test_distinct_customers_past_the_limit_are_not_counted() -> None:
    """A lease for the data of two customers would read that of all, one at a time."""
    story = lent(lambda: a_request(customers=()), customers=(), most_customers=2)
    story.fits(used("1", customers=("a",)), used("2", customers=("b",)), used("3", customers=("a", "b")))
    assert story.ignored(used("4", customers=("c",))) == "the lease was for 2 customers"
    assert story.ignored(used("5", customers=("a", "c"))) == "the lease was for 2 customers"
    story.fits(used("6", customers=("b",)))
    assert story.state.leases[L].customers_used == {"a", "b"} and story.state.leases[L].uses == 4


@pytest.mark.parametrize(
    "changed",
    [
        {"executor": "eve"},
        {"action": "export"},
        {"resource": "asset:keys"},
        {"resource": "recordings"},
        {"resource": ""},
        {"customers": ("acme", "other")},
    ],
)
def test_a_use_for_something_else_is_not_counted(changed: dict[str, object]) -> None:
    """Somebody else's lease would cover it."""
    story = lent()
    event = msgspec.structs.replace(used(), **changed)
    assert story.ignored(event) == "the lease is for something else"


@pytest.mark.parametrize("at", [MADE + 59, MADE + 3660, MADE + 9999])
def test_a_use_outside_the_time_of_the_lease_is_not_counted(at: int) -> None:
    """A lease for an hour would be one for ever."""
    assert lent().ignored(used(at=at)) == "the lease does not run then"


def test_a_use_that_a_point_let_happen_is_counted_when_it_is_told_later() -> None:
    """Uses while the gate was away would be missing from what the customer reads."""
    story = lent()
    story.fits(used("u1", at=MADE + 9000, done=MADE + 100))
    story.fits(Ended(at=MADE + 3660, lease=L, how="ran-out"))
    story.fits(used("u2", at=MADE + 9000, done=MADE + 3659))
    assert story.state.leases[L].uses == 2


def test_a_use_may_follow_a_revocation_only_as_long_as_a_points_list_may_be_old() -> None:
    """Either honest uses would be called fraud, or a revoked lease be used for ever."""
    story = lent()
    story.fits(Revoked(at=MADE + 200, lease=L, by="eve", reason="enough"))
    story.fits(used("u1", at=MADE + 900, done=MADE + 260))
    assert story.ignored(used("u2", at=MADE + 900, done=MADE + 261)) == "the lease had ended"


def test_a_counted_lease_is_not_used_after_it_was_revoked() -> None:
    """Whoever asks the gate at each use has no old list to excuse it."""
    story = lent(uses=5)
    story.fits(Revoked(at=MADE + 200, lease=L, by="eve", reason="enough"))
    assert story.ignored(used(at=MADE + 199)) == "the lease had ended"


def test_standing_access_and_refusals_are_told_and_change_nothing() -> None:
    """A use without a lease would look like one of a lease, or stop the replay."""
    story = lent()
    before = documents(story.state)
    story.fits(used("u1", None))
    story.fits(
        Denied(
            at=MADE,
            executor="eve",
            asker="liu",
            author=None,
            action="read",
            resource="asset:recordings",
            customers=(),
            why="no_rule",
            point="p",
        )
    )
    assert documents(story.state) == before


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (Ended(at=MADE + 70, lease=L, how="returned"), Over(how="returned", at=moment(MADE + 70))),
        (
            Revoked(at=MADE + 70, lease=L, by="eve", reason="enough"),
            Taken(by=PersonId("eve"), reason="enough", at=moment(MADE + 70)),
        ),
    ],
)
def test_a_lease_that_ended_stays_ended(event: Event, status: LeaseStatus) -> None:
    """A lease that was taken away would come back."""
    story = lent()
    story.fits(event)
    assert story.state.leases[L].status == status and not story.state.live()
    for late in (event, Ended(at=MADE + 80, lease=L, how="spent"), Revoked(at=MADE + 80, lease=L, by="bo", reason="x")):
        assert story.ignored(late) == "the lease had ended"


@pytest.mark.parametrize(
    "event",
    [
        used(),
        Ended(at=MADE, lease=L, how="spent"),
        Revoked(at=MADE, lease=L, by="eve", reason="x"),
        Reviewed(at=MADE, lease=L, by="eve", outcome="fine"),
    ],
    ids=lambda event: type(event).__name__,
)
def test_what_is_about_an_unknown_lease_is_ignored(event: Event) -> None:
    """A use would make a lease by being recorded."""
    assert founded().ignored(event) == "no such lease"


def test_a_review_is_by_somebody_who_took_no_part() -> None:
    """Whoever broke the glass would find that it was right to."""
    story = lent()
    for party in ("ana", "bo", "cy", "dee"):
        event = Reviewed(at=MADE + 90, lease=L, by=party, outcome="fine")
        assert story.ignored(event) == "nobody reviews what they took part in"
    story.fits(Reviewed(at=MADE + 90, lease=L, by="eve", outcome="fine"))
    assert story.state.leases[L].review is not None
    assert story.ignored(Reviewed(at=MADE + 91, lease=L, by="eve", outcome="not")) == "the lease was reviewed before"


# Keys and estates


def test_after_the_first_request_every_key_needs_a_voucher() -> None:
    """Whoever reaches the host would make approvers at any time."""
    story = asked()
    mallory = Passkey("mallory", 50)
    assert story.ignored(enrolled(mallory)) == "after the first request each key needs a voucher"
    story.fits(enrolled(mallory, voucher=EVE))
    assert story.state.has_key(PersonId("mallory"))


def test_a_public_key_is_enrolled_once_under_whatever_id() -> None:
    """One authenticator would be two people, and a quorum by itself."""
    story = founded()
    for passkey in (ANA, CY):
        again = msgspec.structs.replace(enrolled(DEE), credential="AAAA", public_key=enrolled(passkey).public_key)
        assert "under another id" in story.ignored(again)
    story.fits(revoked(CY))
    again = msgspec.structs.replace(enrolled(CY), credential="AAAA")
    assert "under another id" in story.ignored(again)
    kept = State.restore(parse_canonical(canonical(story.state.snapshot()(), label="x"), label="x"))
    assert kept.knows(CY.public_key) and kept.knows(ANA.public_key)


def test_a_voucher_is_a_second_person_with_a_key_that_counts() -> None:
    """People would vouch for themselves, or with a key that was lost."""
    story = asked()
    new = Passkey("cy", 51)
    assert story.ignored(enrolled(new, voucher=CY)) == "a second person has to vouch, with their own key"
    assert story.ignored(enrolled(new, voucher=Passkey("frank", 52))) == "the key is not one of frank"
    assert story.ignored(enrolled(new, voucher=Passkey("eve", 52))) == "the key is not one of eve"
    unsigned_one = msgspec.structs.replace(enrolled(new, voucher=EVE), assertion=None)
    assert story.ignored(unsigned_one) == "a second person has to vouch, with their own key"
    story.fits(revoked(EVE))
    assert story.ignored(enrolled(new, voucher=EVE)) == "the key was revoked"


def test_a_key_is_enrolled_once_and_revoked_once() -> None:
    """A revoked key would be enrolled again, or taken over by somebody else."""
    story = founded()
    assert story.ignored(enrolled(CY)) == "the key was enrolled before"
    story.fits(revoked(CY))
    taken_over = msgspec.structs.replace(enrolled(CY, voucher=EVE), person="mallory")
    assert story.ignored(taken_over) == "the key was enrolled before"
    assert story.ignored(revoked(CY)) == "the key was revoked before"
    assert story.ignored(revoked(Passkey("x", 60))) == "no such key"
    assert not story.state.has_key(PersonId("cy")) and len(story.state.keys_of(PersonId("cy"))) == 1


def a_change(after: str = OTHER) -> Story:
    story = founded()
    change = {"change": {"before": ESTATE, "after": after, "widened": []}}
    story.fits(requested(a_request(action="operate", customers=(), context=change)), approved(CY), approved(DEE))
    return story


def test_an_estate_is_adopted_by_the_lease_of_the_request_that_names_it() -> None:
    """Approvers would have seen one change and another be made."""
    story = a_change()
    wanted = adopted(OTHER, before=ESTATE, request="r")
    assert story.ignored(wanted) == "the request has no lease"
    story.fits(leased(lease_terms(action="operate", customers=())))
    assert story.ignored(adopted("aa" * 32, before=ESTATE, request="r")) == "the request is for another change"
    assert story.ignored(adopted(OTHER, before=OTHER, request="r")) == (
        "it replaces another estate than the one that holds"
    )
    assert story.ignored(adopted(OTHER, before=ESTATE)) == "only the first estate comes without a request"
    assert story.ignored(adopted(OTHER, before=ESTATE, request="none")) == "no such request"
    story.fits(wanted)
    assert story.state.estate == OTHER and story.state.requests[R].adopted


@pytest.mark.parametrize("changed", [{"action": "read"}, {"resource": Target(type="group", id="recordings")}])
def test_a_lease_to_something_else_adopts_nothing_whatever_its_context_says(changed: dict[str, object]) -> None:
    """Whoever may read something would write a change into the context and have it made."""
    context = {"change": {"before": ESTATE, "after": OTHER, "widened": []}}
    story = founded()
    asked_for = {"action": "operate", "customers": (), **changed}
    story.fits(requested(a_request(**asked_for, context=context)), approved(CY), approved(DEE))
    story.fits(leased(lease_terms(**asked_for)))
    assert story.ignored(adopted(OTHER, before=ESTATE, request="r")) == "the request is for another change"


def test_a_change_of_the_estate_is_made_once() -> None:
    """After the firm went back, an old approval would bring the change again."""
    story = a_change()
    story.fits(leased(lease_terms(action="operate", customers=())), adopted(OTHER, before=ESTATE, request="r"))
    back = {"change": {"before": OTHER, "after": ESTATE, "widened": []}}
    story.fits(requested(a_request("back", action="operate", customers=(), context=back)))
    story.fits(approved(CY, "back"), approved(DEE, "back"))
    story.fits(leased(lease_terms("l2", "back", action="operate", customers=(), estate=OTHER)))
    story.fits(adopted(ESTATE, before=OTHER, request="back"))
    assert story.ignored(adopted(OTHER, before=ESTATE, request="r")) == "the request was carried out already"


def test_a_lease_that_ended_adopts_nothing() -> None:
    """A change that was called back would be made after all."""
    story = a_change()
    story.fits(leased(lease_terms(action="operate", customers=())))
    story.fits(Revoked(at=MADE + 70, lease=L, by="eve", reason="no"))
    assert story.ignored(adopted(OTHER, before=ESTATE, request="r")) == "the request has no lease"


def test_a_request_under_the_estate_before_may_be_leased_only_under_the_one_that_holds() -> None:
    """A quorum of the old rules would open what the new ones close."""
    story = a_change()
    story.fits(requested(a_request("old")), approved(CY, "old"), approved(DEE, "old"))
    story.fits(leased(lease_terms(action="operate", customers=())), adopted(OTHER, before=ESTATE, request="r"))
    assert story.ignored(leased(lease_terms("l2", "old"))) == (
        "the lease was judged under another estate than the one that holds"
    )
    story.fits(leased(lease_terms("l2", "old", estate=OTHER)))


# Time, order, erasure


def test_events_out_of_order_in_time_are_taken_in_the_order_of_the_ledger() -> None:
    """Two readers of one ledger would come to two states."""
    story = asked()
    story.fits(approved(CY, at=MADE + 50), approved(DEE, at=MADE + 40))
    story.fits(leased(at=MADE + 30))
    assert story.state.time == MADE + 50
    assert story.state.requests[R].approvers() == ("cy", "dee")


def test_a_points_clock_does_not_move_the_gates() -> None:
    """One point with a wrong clock would stop every decision: the gate refuses while its clock is behind."""
    story = lent()
    story.fits(used(at=MADE + 100, done=MADE + 3000))
    assert story.state.time == MADE + 100


ENDS = {  # leases, requests
    "use": (True, False),
    "lease-end": (True, False),
    "revocation": (True, True),
    "lease": (False, True),
    "refusal": (False, True),
    "erasure": (True, True),
}


@pytest.mark.parametrize("kind", ENDS)
@pytest.mark.parametrize("known", [True, False], ids=["known whose", "anybody's"])
def test_an_erased_record_ends_what_it_may_have_ended(kind: str, known: bool) -> None:
    """Erasing the record of a use, a revocation or a refusal would give back what it took."""
    story = lent(uses=1)
    story.fits(requested(a_request("open")), approved(CY, "open"))
    among = frozenset({chance("l"), chance("open")}) if known else None
    story.fits(Erased(kind=kind, among=among))
    ended = Unreadable(at=moment(story.state.time))
    lease, request = story.state.leases[L], story.state.requests[request_id("open")]
    assert (lease.status == ended, request.status == ended) == ENDS[kind]
    assert (L in story.state.ended_early(moment(MADE + 100))) == ENDS[kind][0]
    if ENDS[kind][0]:
        assert story.ignored(used()) == "the lease had ended"
    story.fits(requested(a_request("later")))
    assert request_id("later") in {each.request.id for each in story.state.waiting()}


@pytest.mark.parametrize("kind", ENDS)
def test_an_erased_record_ends_nothing_of_other_customers(kind: str) -> None:
    """One customer's erasure would end the work on all others."""
    story = lent(uses=1)
    story.fits(requested(a_request("open")), approved(CY, "open"))
    assert story.ignored(Erased(kind=kind, among=frozenset({chance("another")}))) == "the record was erased"


def test_an_erased_use_ends_no_lease_that_counts_nothing() -> None:
    """Nothing is missed of it."""
    assert lent().ignored(Erased(kind="use")) == "the record was erased"


@pytest.mark.parametrize("kind", ["use", "lease-end", "revocation"])
def test_a_lease_whose_customers_are_named_at_use_may_have_ended_among_any(kind: str) -> None:
    """Its end is told to those who were named, whose records may all be gone."""
    request = a_request(customers=())
    story = lent(lambda: request, customers=(), most_customers=2)
    story.fits(Erased(kind=kind, among=frozenset()))
    assert not story.state.leases[L].live
    story = lent(lambda: request, customers=(), most_customers=2)
    story.ignored(Erased(kind="erasure", among=frozenset({chance("another")})))


def test_a_lease_of_which_nothing_can_be_read_is_told_of_as_revoked() -> None:
    """Whoever has its token would go on with it, and nobody could take it away."""
    story = founded()
    told = Erased(kind="lease", among=frozenset(), at=MADE)
    story.state.apply(told, act=chance("gone"), index=len(story.told), origin=ORIGIN)
    state = State.restore(parse_canonical(canonical(story.state.snapshot()(), label="x"), label="x"))
    for each in (story.state, state):
        assert lease_id("gone") in each.ended_early(moment(MADE + 366 * 86_400))
        each.forget(moment(MADE + 368 * 86_400))
        assert lease_id("gone") not in each.ended_early(moment(MADE))


def test_no_lease_is_longer_than_it_would_be_told_of() -> None:
    """One of which nothing can be read would come back when the list forgets it."""
    end = MADE + 60 + 366 * 86_400
    for seconds, fits in ((end, True), (end + 1, False)):
        story = founded()
        story.fits(requested(a_request(window=Window(start=moment(MADE), end=moment(seconds)))))
        story.fits(approved(CY), approved(DEE))
        outcome = story.tell(leased(lease_terms(end=moment(seconds))))
        assert isinstance(outcome, Changed) is fits, outcome


def test_an_approval_that_is_to_be_erased_stands_no_more() -> None:
    """After a start that reads it all it would not be there."""
    story = asked()
    story.fits(approved(CY, name="one"), approved(DEE, name="two"))
    story.fits(Erased(kind="erasure", among=frozenset({chance("one")})))
    assert story.state.requests[R].approvers() == ("dee",) and story.state.requests[R].waiting


@pytest.mark.parametrize("kind", ["request", "approval", "lease"])
def test_what_was_erased_founds_the_gate_all_the_same(kind: str) -> None:
    """Whoever has the first requests erased could put in passkeys without a second person again."""
    story = Story()
    story.fits(adopted(), enrolled(CY), Erased(kind=kind, among=frozenset()))
    assert story.state.founded
    assert "needs a voucher" in story.ignored(enrolled(DEE))


@pytest.mark.parametrize("kind", ["approval", "request", "disposition", "finding"])
def test_an_erased_record_that_gave_something_gives_it_no_more(kind: str) -> None:
    """What nobody can read would still open something; and erasing it would end what it is not about."""
    story = lent()
    assert story.ignored(Erased(kind=kind)) == "the record was erased"


def test_the_gate_does_not_decide_without_records_that_may_have_revoked_a_key() -> None:
    """Erasing the revocation of a stolen key would let it approve again."""
    story = lent()
    before = story.state.snapshot()()
    for kind in ("people-change", "policy-change", "estate-change"):
        with pytest.raises(Tampered, match="was erased"):
            story.state.apply(Erased(kind=kind), act=bytes(16), index=99, origin=ORIGIN)
    assert story.state.snapshot()() == before


def nested(depth: int) -> dict[str, object]:
    value: dict[str, object] = {}
    for _ in range(depth):
        value = {"x": value}
    return value


MALFORMED: list[Event] = [
    msgspec.structs.replace(requested(), form={}),
    msgspec.structs.replace(requested(), form={**a_request().form(), "version": 2}),
    msgspec.structs.replace(requested(), form={**a_request().form(), "customers": ["b", "a"]}),
    msgspec.structs.replace(requested(), estate="E5" * 32),
    msgspec.structs.replace(approved(CY), id="appr_x"),
    msgspec.structs.replace(approved(CY), request="r"),
    msgspec.structs.replace(approved(CY), assertion={}),
    msgspec.structs.replace(approved(CY), assertion={**unsigned(CY).form(), "signature": "="}),
    msgspec.structs.replace(approved(CY), opened=("xx",)),
    msgspec.structs.replace(approved(CY), at=-1),
    msgspec.structs.replace(leased(), lease={}),
    msgspec.structs.replace(leased(), lease={**lease_terms().form(), "uses": 0}),
    msgspec.structs.replace(leased(), lease={**lease_terms().form(), "approvers": []}),
    msgspec.structs.replace(leased(), lease={**lease_terms().form(), "approvers": ["ana"]}),
    msgspec.structs.replace(leased(), at=10**15),
    msgspec.structs.replace(used(), use="AAAA"),
    msgspec.structs.replace(used(), done=-5),
    msgspec.structs.replace(enrolled(CY), credential=""),
    msgspec.structs.replace(enrolled(CY), public_key="?"),
    msgspec.structs.replace(enrolled(CY), person=" cy"),
    msgspec.structs.replace(adopted(), after="x"),
    msgspec.structs.replace(adopted(), before="x"),
    msgspec.structs.replace(requested(), form={**a_request().form(), "context": {"x": {1}}}),
    msgspec.structs.replace(requested(), form={**a_request().form(), "context": nested(5000)}),
    msgspec.structs.replace(requested(), form={**a_request().form(), 5: 5}),
    Declined(at=MADE, request=R, approver="", reason="no"),
    Declined(at=MADE, request=R, approver="cy", reason="\ud800"),
    KeyRevoked(at=MADE, credential="not base64url!", by="eve", reason="x"),
]


@pytest.mark.parametrize("event", MALFORMED, ids=lambda event: type(event).__name__)
def test_what_no_gate_writes_is_tampered_and_changes_nothing(event: Event) -> None:
    """Either a forged record would count, or it would stop the replay half done."""
    story = asked()
    story.fits(approved(DEE))
    before = story.state.snapshot()()
    with pytest.raises(Tampered):
        story.state.apply(event, act=bytes(16), index=99, origin=ORIGIN)
    assert story.state.snapshot()() == before


@pytest.mark.parametrize("event", MALFORMED, ids=lambda event: type(event).__name__)
def test_what_the_fold_stops_at_is_not_fit_to_be_recorded(event: Event) -> None:
    """It would be in the ledger for ever, and no gate would start again."""
    with pytest.raises(Rejected):
        check_event(event)


def test_whatever_a_gate_writes_is_fit_to_be_recorded() -> None:
    """It would be refused when it happens."""
    for event, _, _ in everything().told:
        assert not isinstance(event, Erased)
        check_event(event)


texts = st.sampled_from(("", "x", "AAAA", "cy", " cy", "ana", "req_x", "asset:recordings", "e5" * 32, "\ud800", R, L))
members = st.one_of(
    st.none(), st.booleans(), st.sampled_from((-1, 0, MADE, 10**12, 2**70)), texts, st.just(()), st.just({})
)


@given(st.sampled_from(range(60)), st.data())
@settings(max_examples=1500, deadline=None)
def test_what_is_fit_to_be_recorded_stops_no_fold(which: int, data: st.DataObject) -> None:
    """Whatever a caller can put into an event, the next start would stop at it."""
    told = [event for event, _, _ in everything().told]
    whole = told[which % len(told)]
    assert not isinstance(whole, Erased)
    label = data.draw(st.sampled_from(whole.__struct_fields__))
    value = data.draw(members)
    inner = getattr(whole, label)
    if isinstance(inner, dict) and data.draw(st.booleans()):
        value = {**inner, data.draw(st.sampled_from(sorted(inner))): value}
    try:
        event = parse_event(format_event(msgspec.structs.replace(whole, **{label: value})))
        check_event(event)
    except (Rejected, ValueError, OverflowError):
        return
    for state in (State(), everything().state, replayed(everything().told[:12])):
        state.apply(event, act=bytes(16), index=99, origin=ORIGIN)


def test_a_record_without_a_place_or_an_act_is_tampered() -> None:
    """A caller's mistake would be taken for a record."""
    for act, index in ((b"", 1), (bytes(15), 1), (bytes(16), -1)):
        with pytest.raises(Tampered):
            State().apply(requested(), act=act, index=index, origin=ORIGIN)


# Documents, snapshots, finding


def everything() -> Story:
    """One of each sort of object in each state."""
    story = lent()
    story.fits(used("u1"), used("u2", customers=("zenith",)), revoked(EVE, at=MADE + 101))
    for name in ("open", "no", "late", "off", "veto"):
        story.fits(requested(a_request(name, evidence=(DOCUMENT,))), approved(CY, name))
    story.fits(
        Declined(at=MADE + 200, request=request_id("no"), approver="dee", reason="no\nnever"),
        Lapsed(at=EXPIRES, request=request_id("late")),
        Withdrawn(at=MADE + 200, request=request_id("off"), by="bo"),
        Voiced(at=MADE + 200, request=request_id("veto"), customer="acme", agrees=False),
        Voiced(at=MADE + 200, request=request_id("open"), customer="acme", agrees=True),
        approved(DEE, "open"),
        Unapproved(at=MADE + 201, request=request_id("open"), approver="dee"),
        requested(a_request("two")),
        approved(CY, "two"),
        approved(DEE, "two"),
        leased(lease_terms("l2", "two", uses=3)),
        used("u9", "l2"),
        Revoked(at=MADE + 300, lease=lease_id("l2"), by="eve", reason="enough"),
        Reviewed(at=MADE + 400, lease=lease_id("l2"), by="frank", outcome="as it should"),
    )
    return story


def test_a_snapshot_holds_everything() -> None:
    """After a start the gate would have forgotten a revocation, a use or who took a yes back."""
    state = everything().state
    again = State.restore(parse_canonical(canonical_text(state), label="snapshot"))
    assert documents(again) == documents(state) and again.snapshot()() == state.snapshot()()
    for field in ("estate", "founded", "time", "position", "version"):
        assert getattr(again, field) == getattr(state, field)
    assert [s.request.id for s in again.waiting()] == [s.request.id for s in state.waiting()]
    assert again.live() == state.live() and again.used(lease_id("l2"), chance("u9"))
    assert again.ended_early(moment(MADE)) == state.ended_early(moment(MADE)) == {lease_id("l2")}
    assert again.keys_of(PersonId("eve")) == state.keys_of(PersonId("eve"))


def canonical_text(state: State) -> bytes:
    return canonical(state.snapshot()(), label="snapshot")


@pytest.mark.parametrize("cut", range(0, 40, 3))
def test_a_snapshot_and_the_rest_are_the_same_as_all(cut: int) -> None:
    """A gate that was started again would decide otherwise than one that was not."""
    told = everything().told
    half = replayed(told[:cut])
    resumed = replayed(told[cut:], State.restore(half.snapshot()()))
    whole = replayed(told)
    assert documents(resumed) == documents(whole) and resumed.snapshot()() == whole.snapshot()()


def test_reading_a_record_again_changes_nothing() -> None:
    """A record that was applied when it was written, and read back after a crash, would count twice."""
    story = everything()
    before = documents(story.state)
    for event, act, index in story.told:
        story.state.apply(event, act=act, index=index, origin=ORIGIN)
    assert documents(story.state) == before


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s: {**s, "snapshot": 2},
        lambda s: {**s, "more": 1},
        lambda s: {k: v for k, v in s.items() if k != "uses"},
        lambda s: {**s, "leases": [{}]},
        lambda s: {**s, "founded": 1},
        lambda s: {**s, "uses": {L: ["?"]}},
        lambda s: {**s, "time": -1},
        lambda s: [],
        lambda s: None,
    ],
)
def test_a_snapshot_that_no_gate_wrote_is_tampered(spoil: object) -> None:
    """A gate would start from half a state."""
    with pytest.raises(Tampered):
        State.restore(spoil(everything().state.snapshot()()))  # type: ignore[operator]


def test_a_document_tells_one_object_with_its_version() -> None:
    """A row that was changed in the database would be decided on."""
    state = lent().state
    lease = parse_canonical(state.document("lease", L), label="lease")
    assert isinstance(lease, dict) and lease["version"] == state.version_of("lease", L) == 1
    assert lease["status"] == {"case": "live"} and lease["terms"] == lease_terms().form()
    assert state.version_of("request", R) == 4 and state.version_of("request", "req_") == 0
    for kind, id in (("lease", R), ("request", L), ("key", "x"), ("gate", "x")):
        with pytest.raises(KeyError):
            state.document(kind, id)  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        State().document("gate", "")


def test_what_changed_is_what_is_told_to_have_changed() -> None:
    """A row would stay as it was, and the gate call its own database tampered with."""
    story = Story()
    held: dict[tuple[str, str], bytes] = {}
    for event, *_ in everything().told:
        outcome = story.tell(event)
        now = documents(story.state)
        changed = {object for object in now if now[object] != held.get(object)}
        assert changed == (set(outcome.objects) if isinstance(outcome, Changed) else set())
        held = now


def test_a_version_counts_the_changes() -> None:
    """A conditional update would take one state for another."""
    story, versions = Story(), dict[tuple[str, str], int]()
    for event, *_ in everything().told:
        outcome = story.tell(event)
        for kind, id in outcome.objects if isinstance(outcome, Changed) else ():
            versions[kind, id] = versions.get((kind, id), 0) + 1
            assert story.state.version_of(kind, id) == versions[kind, id]


def test_objects_are_found_by_person_question_and_time() -> None:
    """The console would show nothing, a sweep end nothing, and a change of the estate judge nothing again."""
    story = everything()
    state, ana = story.state, PersonId("ana")
    assert [each.terms.id for each in state.live(ana)] == [L] and state.live(PersonId("bo")) == ()
    assert [each.terms.id for each in state.leases_for(ana, "read", Target(type="asset", id="recordings"))] == [L]
    assert state.leases_for(ana, "read", Target(type="asset", id="keys")) == ()
    assert [each.terms.id for each in state.leases_approved_by(PersonId("dee"))] == [L]
    assert {each.request.id for each in state.requests_of(PersonId("bo"))} == set(state.requests)
    assert [each.request.id for each in state.requests_approved_by(PersonId("cy"))] == [request_id("open")]
    assert [each.request.id for each in state.waiting()] == [request_id("open")]
    assert state.due_requests(moment(EXPIRES - 1)) == ()
    assert [each.request.id for each in state.due_requests(moment(EXPIRES))] == [request_id("open")]
    assert state.due_leases(moment(MADE + 3659)) == ()
    assert [each.terms.id for each in state.due_leases(moment(MADE + 3660))] == [L]
    assert state.ended_early(moment(MADE + 3659)) == {lease_id("l2")} and not state.ended_early(moment(MADE + 3660))


def test_what_ended_long_ago_is_forgotten_and_nothing_else() -> None:
    """Memory would grow with the ledger; or a lease be forgotten that a point still has to be told of."""
    story = everything()
    state = story.state
    assert state.forget(moment(MADE + 200)).leases == ()
    gone = state.forget(moment(MADE + 3600))
    assert set(gone.requests) == {request_id(name) for name in ("no", "off", "veto")} and gone.leases == ()
    kept = state.forget(moment(WINDOW[1] + 9999), keep={lease_id("l2")})
    assert kept.leases == () and request_id("two") in state.requests
    gone = state.forget(moment(WINDOW[1] + 9999))
    assert gone.leases == (lease_id("l2"),) and gone.requests == (request_id("two"),)
    assert not state.used(lease_id("l2"), chance("u9")) and not state.ended_early(moment(MADE))
    assert set(state.leases) == {L} and set(state.requests) == {R, request_id("open")}
    assert {each.request.id for each in state.requests_of(PersonId("bo"))} == {R, request_id("open")}
    assert State.restore(state.snapshot()()).snapshot()() == state.snapshot()()


def test_events_of_different_objects_may_change_places() -> None:
    """Two operations that run at one time would leave a state that a replay does not give."""
    story = founded()
    first = [requested(a_request("a")), approved(CY, "a"), approved(DEE, "a"), leased(lease_terms("la", "a"))]
    second = [requested(a_request("b")), approved(DEE, "b"), approved(CY, "b"), used("u", "la")]
    story.fits(*first, *second)
    told = story.told
    start = len(told) - 8
    other = replayed([*told[:start], *told[start + 4 : start + 7], *told[start : start + 4], told[-1]])
    assert documents(other) == documents(story.state) and other.snapshot()() == story.state.snapshot()()


def crowd(count: int) -> State:
    """So many live leases of 500 people."""
    story = founded()
    for number in range(count):
        chance = number.to_bytes(16, "big")
        request = dataclasses.replace(
            a_request(), id=new_id("req", chance), executor=PersonId(f"p{number % 500}"), evidence=()
        )
        terms = dataclasses.replace(
            lease_terms(), id=new_id("lease", chance), request=request.id, executor=request.executor
        )
        approvals = [msgspec.structs.replace(approved(key), request=request.id, opened=()) for key in (CY, DEE)]
        story.fits(requested(request), *approvals, leased(terms))
    return story.state


def test_what_changes_is_found_all_the_while() -> None:
    """A revocation of all leases would pass over one that is being used, and a request that is being approved."""
    story = lent()
    story.fits(requested(a_request("open")), approved(CY, "open"))
    state, missed, over = story.state, Counter[str](), threading.Event()
    readings: dict[str, Callable[[], object]] = {
        "live": state.live,
        "of": lambda: state.live(PersonId("ana")),
        "approved by": lambda: state.leases_approved_by(PersonId("cy")),
        "asking": lambda: state.leases_for(PersonId("ana"), "read", Target(type="asset", id="recordings")),
        "due": lambda: state.due_leases(moment(WINDOW[1])),
        "waiting": state.waiting,
        "signed": lambda: state.signed_with(CY.credential),
        "due requests": lambda: state.due_requests(moment(WINDOW[1])),
    }

    def read() -> None:
        while not over.is_set():
            missed.update(name for name, reading in readings.items() if not reading())

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    reader = threading.Thread(target=read)
    try:
        reader.start()
        for count in range(4000):
            state.put_lease(dataclasses.replace(state.leases[L], uses=count))
            state.put_request(dataclasses.replace(state.requests[request_id("open")], version=count + 9))
    finally:
        over.set()
        reader.join()
        sys.setswitchinterval(before)
    assert not missed


def test_reading_and_applying_cost_the_same_with_many_live_leases() -> None:
    """A busy gate would answer slower with each lease that it gave."""

    def cost(state: State) -> float:
        """The least of many tries, in seconds, of what the gate does for each use."""
        terms = state.live()[-1].terms
        best = 9.0
        for number in range(300):
            event = msgspec.structs.replace(
                used(), lease=terms.id, executor=terms.executor, use=format_base64url(number.to_bytes(16, "big"))
            )
            begun = time.perf_counter()
            state.leases_for(terms.executor, terms.action, terms.resource)
            state.due_leases(moment(MADE))
            state.due_requests(moment(MADE))
            state.ended_early(moment(MADE))
            outcome = state.apply(event, act=bytes(16), index=10**6, origin=ORIGIN)
            best = min(best, time.perf_counter() - begun)
            assert isinstance(outcome, Changed)
        return best

    # Of 500 people each has one lease in the small crowd, and ten in the large one.
    assert cost(crowd(5000)) < 5 * cost(crowd(500)) + 0.0005
