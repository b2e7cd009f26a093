"""Who left, or can be compelled by more states, is missed by those who counted on them, and by nobody else."""

from __future__ import annotations

import pytest

from armslength.estate import parse, travel
from armslength.reach import NOBODY, Question, Reach, reach
from armslength.reach.retrial import Retrial
from tests.oracle.case import Case
from tests.oracle.estates import AT
from tests.oracle.sketch import sketch
from tests.reach.test_takeover_hand import after, length

TERMS: dict[str, dict[str, object]] = {
    "one": {"approvals": 1, "approvers": "group:board"},
    "two": {"approvals": 2, "approvers": "group:board"},
    "three": {"approvals": 3, "approvers": "group:board"},
    "led": {"approvals": 2, "approvers": "group:leads"},
}


def case(people: dict[str, str], groups: dict[str, str], *grants: str, **settings: object) -> Case:
    terms = {name: rule for name, rule in TERMS.items() if str(rule["approvers"]).removeprefix("group:") in groups}
    return sketch(
        people,
        groups,
        list(grants),
        settings={"terms": terms, **settings},
        assets={"t": {}, **({"z": {}} if "gate" in settings else {})},
    )


def test_who_was_brought_by_an_accomplice_is_missed() -> None:
    """Else one would still pass for two, though one of the two has left."""
    assume = [f"person:c assume person:{p}" for p in ("a", "b")]
    old = case(
        {"r": "CN", "c": "", "a": "", "b": "", "d": ""}, {"board": "a b d"}, "person:r read asset:t two", *assume
    )
    new = case({"r": "CN", "c": "", "b": "", "d": ""}, {"board": "b d"}, "person:r read asset:t two", assume[1])
    assert (length(after(old, old), "CN"), length(after(old, new), "CN")) == (1, 2)


def test_who_was_brought_by_a_rule_that_accomplices_fire_is_missed() -> None:
    """The same where it takes a quorum to act as somebody."""
    people = {"r": "CN", "x": "", "y": "", "a": "", "b": "", "d": "", "e": ""}
    grants = ["person:r read asset:t three", "person:x assume group:twins led"]
    groups = {"board": "a b d e", "leads": "x y r", "twins": "a b d"}
    old = case(people, groups, *grants)
    new = case({p: at for p, at in people.items() if p != "a"}, {**groups, "board": "b d e", "twins": "b d"}, *grants)
    assert (length(after(old, old), "CN"), length(after(old, new), "CN")) == (2, 3)


def test_what_a_gate_gave_in_the_name_of_somebody_who_left_is_gone() -> None:
    """Else the gate would seem to give what nobody may ask for any more."""
    people = {"r": "CN", "a": "", "k": "", "m": ""}
    gate = ["person:k operate asset:z", "person:m operate asset:z"]
    old = case(people, {"board": "k m"}, "person:a read asset:t two", *gate, gate="z")
    new = case({p: at for p, at in people.items() if p != "a"}, {"board": "k m"}, *gate, gate="z")
    after(old, new)


def grown(old: Case, person: str, state: str = "CN") -> tuple[Reach, Reach]:
    """The answers before and after a journey."""
    estate, question = parse(old.files()).estate, Question(at=AT, everything=True)
    moved = travel(estate, f"person:{person}", state, AT)
    before = reach(estate, question)
    taken, whole = reach(moved, question, before=before), reach(moved, question)
    assert taken.at_least.tolist() == whole.at_least.tolist()
    return before, taken


FED = case(
    {"r": "CN", "q1": "CN", "q2": "CN", "q3": "CN", "p": "", "s": "", "b1": "", "b2": "", "b3": "", "z": ""},
    {"board": "b1 b2 b3", "leads": "p s", "others": "z"},
    "person:r read asset:t three",
    "person:r enroll group:board led",
)


def test_a_journey_to_a_quorum_that_feeds_another_makes_both_shorter() -> None:
    """Else it would be told that a journey changes nothing, as the traveller sits in the other quorum only."""
    before, taken = grown(FED, "p")
    assert (length(before, "CN"), length(taken, "CN")) == (2, 1)
    before, taken = grown(FED, "z")
    assert (length(before, "CN"), length(taken, "CN")) == (2, 2)


def test_whoever_fired_a_rule_without_the_traveller_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a journey of one is as dear as a new search for all."""
    asked: list[tuple[int, int]] = []
    anew = Retrial._anew
    monkeypatch.setattr(
        Retrial, "_anew", lambda self, rule, c, *rest: asked.append((rule.number, c)) or anew(self, rule, c, *rest)
    )
    states = {f"h{n}": code for n, code in enumerate(("DE", "FR", "IT", "ES"))}
    holders = [f"person:{p} read asset:t one" for p in states]
    firm = case({**states, "a": "", "p": ""}, {"board": "a p"}, *holders)
    _, taken = grown(firm, "p")
    assert [length(taken, code) for code in states.values()] == [1, 1, 1, 1]
    assert len(asked) < len(states)


def test_a_journey_after_which_a_rule_fires_by_itself_makes_shorter_what_rests_on_it() -> None:
    """Else what a state has without anybody by now would not be counted."""
    terms = {
        "solo": {"approvals": 1, "approvers": "person:b"},
        "sworn": {"approvals": 1, "approvers": "person:p"},
    }
    firm = sketch(
        {"r": "CN", "h": "", "b": "", "p": ""},
        {},
        ["person:h read asset:t solo", "person:r amend terms:solo sworn"],
        settings={"terms": terms},
    )
    before, taken = grown(firm, "p")
    assert (length(before, "CN"), length(taken, "CN")) == (2, 1)


def test_whoever_sits_where_a_group_was_opened_had_a_part_as_well() -> None:
    """Else three who bring somebody, one of whom anybody could be, would seem too few to bring them."""
    terms = {
        "four": {"approvals": 4, "approvers": "group:board"},
        "led": {"approvals": 3, "approvers": "group:leads"},
    }
    people = {"r": "CN", "h": "", "o": "", "x": "", "p1": "", "p2": "", "p3": "", "p4": "", "p5": "", "k": ""}
    grants = ["person:r read asset:t four", "person:h assume group:twins led", "person:o enroll group:leads"]
    groups = {"board": "p1 p2 p3 p4 p5", "twins": "p1 p2 p3", "leads": "k"}
    old = sketch(people, groups, grants, settings={"terms": terms})
    left = {name: inside.replace("p1 ", "") for name, inside in groups.items()}
    new = sketch({p: at for p, at in people.items() if p != "p1"}, left, grants, settings={"terms": terms})
    assert (length(after(old, old), "CN"), length(after(old, new), "CN")) == (3, NOBODY)


def test_whoever_helps_where_a_group_was_opened_counts_though_nobody_names_them() -> None:
    """Else those who bring somebody would seem too few, as one of them is brought by the others and sits as anybody."""
    terms = {
        "five": {"approvals": 5, "approvers": "group:board"},
        "led": {"approvals": 4, "approvers": "group:leads"},
        "solo": {"approvals": 1, "approvers": "person:m"},
    }
    people = {"r": "CN", "h": "", "o": "", "m": "", "z": "", "p1": "", "p2": "", "p3": "", "p4": "", "k": ""}
    grants = [
        "person:r read asset:t five",
        "person:h assume group:twins led",
        "person:o enroll group:leads",
        "person:h assume person:z solo",
    ]
    groups = {"board": "p1 p2 p3 p4 m", "twins": "p1 p2 p3 p4", "leads": "k"}
    old = sketch(people, groups, grants, settings={"terms": terms})
    left = {name: inside.replace("p1 ", "") for name, inside in groups.items()}
    new = sketch({p: at for p, at in people.items() if p != "p1"}, left, grants, settings={"terms": terms})
    assert (length(after(old, old), "CN"), length(after(old, new), "CN")) == (3, NOBODY)


@pytest.mark.parametrize("more", [[], ["person:o amend terms:never two"]])
def test_a_journey_that_spares_a_first_quorum_one_is_followed_to_all_who_may_complete_it(more: list[str]) -> None:
    """Else the quorum after it would be told to take as many as before, as another than its holder asked for the
    first."""
    terms = {
        "two": {"approvals": 2, "approvers": "group:board"},
        # Nobody but q may approve, and with q too few are apart from DE.
        "never": {"approvals": 1, "approvers": "person:q", "apart": 2},
    }
    firm = sketch(
        {"p": "", "q": "DE", "o": "", "h": ""},
        {"board": "p q"},
        ["everyone amend terms:never two", "person:h read asset:t never", *more],
        settings={"terms": terms},
    )
    before, taken = grown(firm, "p", "DE")
    assert (length(before, "DE"), length(taken, "DE")) == (2, 1)


KEYED: dict[str, dict[str, object]] = {
    "two": {"approvals": 2, "approvers": "group:board"},
    "key": {"approvals": 1, "approvers": "group:keys"},
}
STAFF = {"r": "CN", "x": "", "y": "", "a": "", "b": "", "d": ""}


def test_who_brought_somebody_who_left_and_could_not_any_more_either_is_tried_again() -> None:
    """Else one who fires the rule no more that brought them would seem never to have needed them."""
    grants = ["person:r read asset:t two", "person:r assume group:twins key"]
    old = sketch(STAFF, {"board": "a x d", "keys": "x y", "twins": "a b"}, grants, settings={"terms": KEYED})
    left = {p: at for p, at in STAFF.items() if p != "a"}
    new = sketch(left, {"board": "x d", "keys": "y", "twins": "b"}, grants, settings={"terms": KEYED})
    assert (length(after(old, old), "CN"), length(after(old, new), "CN")) == (1, 2)


def test_who_brought_somebody_by_a_rule_that_brings_nobody_any_more_is_tried_again() -> None:
    """The same where the rule is still there, and gives what is no power."""
    grants = ["person:r read asset:t two", "person:r read asset:u key", "person:r assume person:a key"]
    assets: dict[str, dict[str, str]] = {"t": {}, "u": {}}
    groups = {"board": "a x d", "keys": "x y"}
    old = sketch(STAFF, groups, grants, assets=assets, settings={"terms": KEYED})
    left = {p: at for p, at in STAFF.items() if p != "a"}
    new = sketch(left, {"board": "x d", "keys": "x y"}, grants[:2], assets=assets, settings={"terms": KEYED})
    assert (length(after(old, old), "CN"), length(after(old, new), "CN")) == (1, 2)
