"""What the gate that holds the writer's seat makes of what all gates ask for: an order, and a no."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, cast

import pytest

from armslength.gate import State
from armslength.ledger import Kind
from armslength.service.act import Act
from armslength.service.gate_row import GATE, Object, of_lease, of_leaver, of_request
from armslength.service.shared_act import Handed, Turned
from armslength.service.shared_leading import Asked, Leading, Outcome
from armslength.service.shared_recent import AGREE, MOST_AGE, WINDOW, RecentActs
from armslength.store import LogStore
from armslength.tlog import Malformed, Receipt, TlogError

NOW = 1_800_000_000.0
ONE, OTHER = of_lease("lease-1"), of_lease("lease-2")  # type: ignore[arg-type]


class Written:
    """A ledger that takes every act, and what is known of it: what the log shows, and what it only says."""

    def __init__(self) -> None:
        self.acts: list[bytes] = []
        self.known: Mapping[bytes, Receipt | TlogError] = {}
        self.unproven: set[bytes] = set()
        self.error: Exception | None = None
        self.first: int | None = None
        """Where it says that an act is, in place of the end."""

    def health(self) -> Any:
        return SimpleNamespace(writer=SimpleNamespace(size=len(self.acts)))

    def append(self, act: Act) -> Future[Receipt]:
        future: Future[Receipt] = Future()
        if self.error is not None:
            future.set_exception(self.error)
            return future
        future.set_result(receipt(act.id, len(self.acts) if self.first is None else self.first))
        self.acts.append(act.id)
        return future

    def follow(self, log: object) -> None: ...

    def recorded(self, log: object, acts: Sequence[Act]) -> tuple[Mapping[bytes, Receipt | TlogError], set[bytes]]:
        return self.known, self.unproven


class Versions:
    """A state of objects, by their versions."""

    founded = True

    def __init__(self, *objects: Object) -> None:
        self.versions = dict.fromkeys(objects, 1)

    def version_of(self, kind: str, id: str) -> int:
        return self.versions.get((kind, id), 0)  # type: ignore[call-overload, no-any-return]


@pytest.fixture
def written() -> Written:
    return Written()


@pytest.fixture
def leading(written: Written) -> Leading:
    return Leading(cast(Any, written), 1)


def receipt(act: bytes, first: int) -> Receipt:
    leaves = (bytes(32),)
    return Receipt(origin="o", act=act, first=first, leaves=leaves, size=first + 1, _durable=Receipt.DURABLE)


def ask(number: int, *seen: Object, kind: Kind = Kind.USE, asked: float = NOW, version: int = 1) -> Asked:
    act = Act(id=bytes([number]) * 16, kind=kind, fields={"number": number})
    return Asked(handed=Handed(act=act, seen=dict.fromkeys(seen, version)), asked=asked, site="paris")


def sequenced(leading: Leading, asked: Sequence[Asked], state: Versions, now: float = NOW) -> list[Outcome | None]:
    """What became of each in one round."""
    written = cast(Written, leading.ledger)
    outcomes = leading.sequence(
        asked,
        cast(State, state),
        lambda: None,
        cast(LogStore, None),
        cast(RecentActs, written),
        now=now,
    )
    return [outcomes.get(each) for each in asked]


def whys(outcomes: Collection[Outcome | None]) -> list[str | None]:
    return [each.why if isinstance(each, Turned) else each and "recorded" for each in outcomes]  # type: ignore[misc]


def test_acts_that_were_decided_on_the_same_estate_are_recorded_in_one_round(leading: Leading) -> None:
    """One a round, whoever hands over would wait as long as the writer has acts of its own."""
    bo = of_leaver("bo")  # type: ignore[arg-type]
    asked = [ask(1, ONE, GATE, bo), ask(2, OTHER, GATE, bo), ask(3, of_request("r"), GATE)]  # type: ignore[arg-type]
    state = Versions(GATE, ONE, OTHER, bo, of_request("r"))  # type: ignore[arg-type]
    assert whys(sequenced(leading, asked, state)) == ["recorded"] * 3


def test_what_saw_an_object_that_another_act_changes_before_it_waits_for_the_next_round(leading: Leading) -> None:
    """Two uses of a lease for one would both be recorded."""
    assert whys(sequenced(leading, [ask(1, ONE), ask(2, ONE), ask(3, OTHER)], Versions(ONE, OTHER))) == [
        "recorded",
        None,
        "recorded",
    ]


@pytest.mark.parametrize("kind", [Kind.ESTATE_CHANGE, Kind.POLICY_CHANGE, Kind.PEOPLE_CHANGE])
def test_nothing_that_saw_anything_follows_a_change_of_people_or_the_estate_in_its_round(
    leading: Leading, kind: Kind
) -> None:
    """Who left and whose passkey was revoked is no more allowed, in requests and leases of which the act names none."""
    outcomes = sequenced(leading, [ask(1, GATE, kind=kind), ask(2, ONE), ask(3)], Versions(GATE, ONE))
    assert whys(outcomes) == ["recorded", None, "recorded"]


def test_the_first_request_of_all_changes_the_gate(leading: Leading) -> None:
    """From it on a passkey needs a voucher."""
    state = Versions(GATE)
    state.founded = False
    asked = [ask(1, GATE, kind=Kind.REQUEST), ask(2, GATE)]
    assert whys(sequenced(leading, asked, state)) == ["recorded", None]


def test_the_act_that_was_asked_for_first_is_first_at_whichever_gate(leading: Leading, written: Written) -> None:
    """The writer's own would be first each time, and another gate's raced each time."""
    asked = [ask(1, ONE), ask(2, ONE, asked=NOW - 1), ask(3, ONE, asked=NOW + AGREE)]
    assert whys(sequenced(leading, asked, Versions(ONE))) == [None, "recorded", None]
    assert whys(sequenced(leading, [asked[2], asked[0]], Versions(ONE))) == ["recorded", None], "ahead by what may be"


def test_an_act_that_saw_another_version_is_turned_down(leading: Leading, written: Written) -> None:
    assert whys(sequenced(leading, [ask(1, ONE, version=2), ask(2, OTHER, version=0)], Versions(ONE))) == [
        "raced",
        "recorded",
    ]


def test_an_act_is_not_recorded_long_after_it_was_asked_for(leading: Leading, written: Written) -> None:
    """Whoever asked was told that nobody knows; half an hour later a copy of it would come true."""
    asked = [ask(1, asked=NOW - MOST_AGE - AGREE - 1), ask(2, asked=NOW - MOST_AGE)]
    assert whys(sequenced(leading, asked, Versions())) == ["late", "recorded"]
    assert written.acts == [asked[1].handed.act.id]


def test_an_act_that_was_dated_ahead_is_turned_down_and_does_not_come_true_later(leading: Leading) -> None:
    ahead = ask(1, asked=NOW + 100)
    (outcome,) = sequenced(leading, [ahead], Versions())
    assert outcome == Turned(why="late", says="the clock of paris is 100 seconds ahead")
    for now in (NOW + 50, NOW + 100, NOW + 100 + MOST_AGE):
        assert whys(sequenced(leading, [ahead], Versions(), now=now)) == ["late"]
    assert whys(sequenced(leading, [ask(1, asked=NOW + 101)], Versions(), now=NOW + 100)) == ["recorded"], "asked anew"


def test_no_act_is_young_enough_to_be_recorded_once_it_is_no_longer_remembered() -> None:
    assert WINDOW > MOST_AGE + 2 * AGREE


def test_what_is_recorded_is_not_appended_again_however_old_it_is(leading: Leading, written: Written) -> None:
    there, another = ask(1, ONE, version=7, asked=NOW - 9999), ask(2)
    first = receipt(there.handed.act.id, 5)
    written.known = {there.handed.act.id: first, another.handed.act.id: Malformed("another act")}
    outcomes = sequenced(leading, [there, another], Versions())
    assert outcomes == [first, Turned(why="wrong", says="another act")]
    assert written.acts == []


def test_what_the_log_says_is_recorded_and_does_not_show_is_neither_appended_nor_recorded(
    leading: Leading, written: Written
) -> None:
    """Whoever writes into the log's tables would have acts recorded that were decided on what was, or refusals lost."""
    told = ask(1, ONE, version=7)
    written.unproven = {told.handed.act.id}
    assert whys(sequenced(leading, [told], Versions())) == ["late"]
    assert written.acts == []


def test_a_ledger_that_finds_an_act_where_nothing_shows_it_did_not_record_it(
    leading: Leading, written: Written
) -> None:
    written.acts = [bytes(16)] * 9
    written.first = 3
    assert whys(sequenced(leading, [ask(1)], Versions())) == ["late"]
    written.error = Malformed("this act id was used for another act")
    assert whys(sequenced(leading, [ask(2)], Versions())) == ["late"]
