"""Who left: what the fold takes with them, what it gives to nobody after it, and how they come back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armslength.gate import (
    BY_LEAVING,
    THE_GATE,
    Left,
    PersonId,
    Reviewed,
    Revoked,
    State,
    Tampered,
    Unapproved,
    moment,
)
from armslength.tlog import canonical, parse_canonical
from tests.gate.passkeys import Passkey
from tests.gate.stories import (
    ANA,
    CY,
    DEE,
    ESTATE,
    MADE,
    a_request,
    adopted,
    approved,
    documents,
    enrolled,
    lease_id,
    lease_terms,
    leased,
    requested,
    used,
)
from tests.gate.test_fold import OTHER, apply, folded, stories
from tests.gate.test_state import Story, asked, founded, lent

L = lease_id("l")


def left(person: str, at: int = MADE + 20) -> Left:
    return Left(at=at, person=person, source="okta")


def test_with_a_leaver_go_their_keys_and_their_approvals_of_what_waits() -> None:
    """A quorum would be met by somebody who was sent home."""
    story = asked()
    story.fits(enrolled(Passkey("cy", 77), voucher=ANA), approved(CY), approved(DEE), left("cy"))
    state = story.state
    assert [each.revoked is not None for each in state.keys_of(PersonId("cy"))] == [True, True]
    revoked = state.keys_of(PersonId("cy"))[0].revoked
    assert revoked is not None and (revoked.by, revoked.reason, revoked.at) == (THE_GATE, BY_LEAVING, moment(MADE + 20))
    assert next(iter(state.requests.values())).approvers() == ("dee",)
    assert state.gone(PersonId("cy")) and not state.gone(PersonId("dee"))
    assert story.ignored(approved(CY)) is not None
    assert story.ignored(leased()) == "no approval of cy stands"
    assert story.ignored(left("cy")) == "they left before"


def test_what_a_leaver_asks_for_or_would_do_is_given_to_nobody() -> None:
    """The request of yesterday would become a lease of today."""
    story = asked()
    story.fits(approved(CY), approved(DEE), left("bo"))
    assert story.ignored(leased()) == "bo left"
    assert story.ignored(requested(a_request("other"))) == "bo left"
    assert story.ignored(enrolled(Passkey("bo", 4), voucher=ANA)) == "its person left"


def test_a_use_that_a_point_let_happen_just_before_counts_and_no_later_one() -> None:
    """A point's list of revoked leases may be a minute old; the act happened and belongs on record."""
    story = lent()
    story.fits(left("ana", MADE + 100), used("in time", at=MADE + 130, done=MADE + 130))
    assert story.ignored(used("late", at=MADE + 200, done=MADE + 200)) == "ana had left"
    story.fits(Revoked(at=MADE + 200, lease=L, by="the gate", reason="left"))
    counted = lent(uses=3)
    counted.fits(left("ana", MADE + 100))
    assert counted.ignored(used("one", at=MADE + 101)) == "ana had left"


def test_a_leaver_reviews_nothing() -> None:
    story = lent()
    story.fits(Revoked(at=MADE + 200, lease=L, by="eve", reason="over"), left("frank"))
    assert story.ignored(Reviewed(at=MADE + 300, lease=L, by="frank", outcome="fine")) == "frank left"


def returned(*people: str) -> Story:
    """A change was asked for that names these as returning."""
    story = founded()
    change = {"change": {"before": ESTATE, "after": OTHER, "returning": list(people), "widened": []}}
    story.fits(left("eve"))
    story.fits(requested(a_request(action="operate", customers=(), context=change)), approved(CY), approved(DEE))
    story.fits(leased(lease_terms(action="operate", customers=())))
    return story


def test_a_leaver_is_back_when_a_change_is_adopted_that_names_them() -> None:
    """And their keys of before are not."""
    story = returned("eve")
    event = adopted(OTHER, before=ESTATE, request="r")
    story.fits(event)
    eve = PersonId("eve")
    assert not story.state.gone(eve) and story.state.leavers[eve].returned == moment(event.at)
    assert not story.state.has_key(eve)
    story.fits(enrolled(Passkey("eve", 7), voucher=ANA))
    assert story.state.has_key(eve)
    story.fits(left("eve", MADE + 200))
    assert story.state.gone(eve) and not story.state.has_key(eve) and story.state.version_of("leaver", "eve") == 3


def test_any_other_change_leaves_a_leaver_where_they_are() -> None:
    """An estate that has them in it still, or again, says nothing of whether they left."""
    story = returned()
    story.fits(adopted(OTHER, before=ESTATE, request="r"))
    assert story.state.gone(PersonId("eve"))


@pytest.mark.parametrize("said", ["eve", {"eve": 1}, [["eve"]], [1], None, ["", "x" * 2000, "eve\n"]])
def test_a_change_that_names_nobody_rightly_brings_nobody_back(said: object) -> None:
    """What approvers saw as something else would count as a name."""
    story = founded()
    change = {"change": {"before": ESTATE, "after": OTHER, "returning": said, "widened": []}}
    story.fits(left("eve"))
    story.fits(requested(a_request(action="operate", customers=(), context=change)), approved(CY), approved(DEE))
    story.fits(leased(lease_terms(action="operate", customers=())), adopted(OTHER, before=ESTATE, request="r"))
    assert story.state.gone(PersonId("eve"))


@pytest.mark.parametrize("event", [left(""), left("a\nb"), Left(at=MADE, person="eve", source=""), left("x" * 5000)])
def test_an_event_that_no_gate_writes_stops_the_fold(event: Left) -> None:
    with pytest.raises(Tampered):
        apply(State(), event, 0)


def test_a_snapshot_holds_who_left() -> None:
    """After a start the gate would let them in."""
    story = returned("eve")
    story.fits(adopted(OTHER, before=ESTATE, request="r"), left("dee", MADE + 300))
    again = State.restore(parse_canonical(canonical(story.state.snapshot()(), label="snapshot"), label="snapshot"))
    assert documents(again) == documents(story.state) and again.leavers == story.state.leavers
    assert again.gone(PersonId("dee")) and not again.gone(PersonId("eve"))


@given(stories, st.sampled_from(("bo", "cy", "dee", "eve")))
@settings(max_examples=200, deadline=None)
def test_whatever_else_happens_a_leaver_has_no_key_and_approves_nothing(told: list, who: str) -> None:  # type: ignore[type-arg]
    """An order of events in which somebody who left signs would be the way back in."""
    person = PersonId(who)

    def look(state: State) -> None:
        if state.gone(person):
            assert not state.has_key(person)
            assert state.requests_approved_by(person) == ()

    half = len(told) // 2
    folded([*told[:half], left(who), *told[half:]], look)


def test_leaving_changes_nothing_of_others() -> None:
    story = asked()
    story.fits(approved(CY), approved(DEE))
    before = documents(story.state)
    story.fits(left("eve"), Unapproved(at=MADE + 30, request=a_request().id, approver="cy"))
    after = documents(story.state)
    changed = {key for key in after if before.get(key) != after[key]}
    assert {kind for kind, _ in changed} == {"key", "leaver", "request"}
    assert len([each for each in changed if each[0] == "key"]) == 1
