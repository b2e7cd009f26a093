"""The oracle against cases that were worked out by hand from the text of the definition, rule by rule."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.oracle.case import Case
from tests.oracle.length import lengths, reached
from tests.oracle.sketch import example_one, example_two, shared_helper, sketch

AT = dt.date(2026, 11, 22)


def length(
    case: Case, state: str, action: str = "read", asset: str = "t", at: dt.date = AT, cap: int = 3
) -> int | None:
    return lengths(case, at, cap)[state, action, asset].length


def terms(approvals: int, approvers: str, **more: Any) -> dict[str, Any]:
    return {"terms": {"r": {"approvals": approvals, "approvers": approvers, **more}}}


@pytest.mark.parametrize(
    ("case", "state", "expected"),
    [
        (example_one(terms=False), "CN", 1),
        (example_one(terms=False), "US", 0),
        (example_one(terms=True), "CN", 3),
        (example_one(terms=True), "US", 2),
        (example_two(apart=1), "CN", 1),
        (example_two(apart=2), "CN", 2),
    ],
)
def test_worked_examples_come_out_as_written(case: Case, state: str, expected: int) -> None:
    """Whoever reads the definition by its examples would be misled."""
    assert length(case, state, "terminate", "meetings-us") == expected


def test_a_shared_helper_counts_once() -> None:
    """A firm would be told that two must be turned where one is enough."""
    assert length(shared_helper(), "CN") == 1


def test_exposure_has_every_basis_and_travel_counts_both_days() -> None:
    """A compelled person would be taken for an outsider."""
    case = sketch(
        {"p": {"workplace": "US", "residence": "IE", "entity": "sub"}},
        grants=["person:p read asset:t"],
        entities=[
            {"id": "sub", "state": "SG", "parent": "mid"},
            {"id": "mid", "parent": "top"},
            {"id": "top", "state": "RU"},
        ],
        travel=[{"person": "p", "state": "CN", "from": "2026-11-20", "until": "2026-11-22"}],
        declared=[{"person": "p", "state": "FR"}],
        settings={"states": {"IE": ["EU"], "EU": ["WEST"]}},
    )
    found = lengths(case, AT)
    assert {state: a.length for (state, _, _), a in found.items()} == dict.fromkeys(
        ("US", "IE", "EU", "WEST", "SG", "RU", "CN", "FR"), 0
    )
    assert ("CN", "read", "t") in lengths(case, dt.date(2026, 11, 20))
    assert ("CN", "read", "t") not in lengths(case, dt.date(2026, 11, 19))
    assert ("CN", "read", "t") not in lengths(case, dt.date(2026, 11, 23))


def test_only_the_bases_named_count() -> None:
    """A firm that leaves a tie out would still be judged by it."""
    case = sketch(
        {"p": {"workplace": "US", "residence": "IE"}},
        settings={"bases": ["residence"]},
        grants=["everyone read asset:t"],
    )
    assert {state for state, _, _ in lengths(case, AT)} == {"IE"}


def test_membership_nests_and_may_go_round() -> None:
    """A holder by nesting would be missed."""
    case = sketch(
        {"p": "CN", "q": "US"},
        {"outer": "group:mid", "mid": "group:inner group:outer", "inner": "p", "other": "q"},
        ["group:outer read asset:t"],
    )
    assert (length(case, "CN"), length(case, "US")) == (0, 1)


def test_a_grant_reaches_within_and_through_classes() -> None:
    """What lies within a granted asset would be thought safe."""
    case = sketch(
        {"p": "CN"},
        grants=["person:p read asset:top", "person:p export class:c"],
        assets={"top": {}, "mid": {"within": "top", "class": "c"}, "leaf": {"within": "mid"}, "aside": {}},
    )
    assert {(a, t) for (_, a, t), x in lengths(case, AT).items() if x.length == 0} == {
        ("read", "top"),
        ("read", "mid"),
        ("read", "leaf"),
        ("export", "mid"),
        ("export", "leaf"),
    }


def test_operate_gives_every_action_within() -> None:
    """Root on a host would be thought less than reading what it holds."""
    case = sketch(
        {"p": "CN", "q": "US"},
        grants=["person:p operate asset:top", "person:q read asset:other r"],
        assets={"top": {}, "leaf": {"within": "top"}, "other": {}},
        settings=terms(1, "person:p"),
    )
    assert {t: a.length for (s, _, t), a in lengths(case, AT).items() if s == "CN"} == {"top": 0, "leaf": 0, "other": 1}


def test_enrolment_takes_in_all_who_act_and_only_them() -> None:
    """Borrowed membership would be missed, or given to people nobody turned."""
    case = sketch(
        {"p": "CN", "q": "US", "a": "IE"},
        {"holders": "a", "inner": "a", "outer": "group:inner"},
        ["person:p enroll group:inner", "group:outer read asset:t"],
    )
    assert (length(case, "CN"), length(case, "US")) == (0, 1)


def test_assuming_a_group_does_not_count_enrolment() -> None:
    """Assuming a group one has entered must not turn into acting as strangers; assuming its members must."""
    case = sketch(
        {"p": "CN", "q": "US", "a": "IE"},
        {"team": "group:inner", "inner": "a"},
        ["person:p assume group:team", "person:a read asset:t", "person:q export asset:t"],
    )
    assert (length(case, "CN"), length(case, "CN", "export")) == (0, 1)


def test_an_assumed_approver_keeps_its_own_exposure() -> None:
    """A reset account would be counted with the resetter's exposure, though the gate sees the account's own."""
    people = {"p": "CN", "a": "US", "b": "CN"}
    grants = ["person:p assume person:a", "person:p assume person:b", "person:p read asset:t r"]
    assert length(sketch(people, {"g": "a"}, grants, settings=terms(1, "group:g", apart=1)), "CN") == 0
    assert length(sketch(people, {"g": "b"}, grants, settings=terms(1, "group:g", apart=1)), "CN") is None


def test_amended_terms_are_waived_but_a_holder_is_needed() -> None:
    """Whoever can change the rule would be thought bound by it; or anyone would be thought a holder."""
    case = sketch(
        {"p": "CN", "q": "US", "z": "IE"},
        grants=["person:p amend terms:r", "person:q read asset:t r"],
        settings=terms(1, "person:z", apart=3),
    )
    assert (length(case, "CN"), length(case, "US")) == (1, 1)


def test_custody_needs_no_people_and_stops_at_keys_and_hosts() -> None:
    """A host state would be thought to need staff, or to read what it has no key to."""
    case = sketch(
        {"p": "US"},
        grants=["person:p read asset:vault", "person:p use asset:key"],
        assets={
            "vault": {"hosted_in": "HK"},
            "inner": {"within": "vault"},
            "sealed": {"within": "vault", "key": "key"},
            "deeper": {"within": "sealed"},
            "elsewhere": {"within": "vault", "hosted_in": "IE"},
            "key": {"hosted_in": "IE"},
        },
        settings={"states": {"HK": ["CN"]}},
    )
    for state in ("HK", "CN"):
        found = {
            t: lengths(case, AT)[state, "read", t].length for t in ("vault", "inner", "sealed", "deeper", "elsewhere")
        }
        assert found == {"vault": 0, "inner": 0, "sealed": 1, "deeper": 1, "elsewhere": 1}


def test_the_key_of_a_key_and_a_key_within_what_it_protects() -> None:
    """A chain of keys would end the search early; a key handed itself would be thought locked."""
    case = sketch(
        {"p": "US"},
        grants=["person:p use asset:k2", "person:p read asset:k2"],
        assets={
            "data": {"hosted_in": "CN", "key": "k1"},
            "k1": {"hosted_in": "CN", "key": "k2"},
            "k2": {"hosted_in": "US"},
            "box": {"hosted_in": "CN", "key": "own"},
            "own": {"within": "box"},
        },
    )
    found = lengths(case, AT)
    assert [found["CN", "read", t].length for t in ("data", "k1", "k2", "box", "own")] == [1, 1, 1, 0, 0]


def test_holding_the_gate_opens_everything_that_goes_through_it() -> None:
    """Whoever runs the gate would be thought bound by it; standing access does not go through it."""
    grants = [
        "person:q read asset:t r",
        "person:q export asset:t",
        "person:q assume person:z r",
        "person:z delete asset:t",
    ]
    held = sketch(
        {"p": "CN", "q": "US", "z": "IE"},
        grants=[*grants, "person:p operate asset:gate"],
        assets={"t": {}, "gate": {}},
        settings={**terms(3, "everyone", apart=4), "gate": "gate"},
    )
    assert [length(held, "CN", a) for a in ("read", "export", "delete")] == [0, 1, 0]
    hosted = sketch(
        {"q": "US", "z": "IE"},
        grants=grants,
        assets={"t": {}, "gate": {"hosted_in": "CN"}},
        settings={**terms(3, "everyone", apart=4), "gate": "gate"},
    )
    assert [length(hosted, "CN", a) for a in ("read", "export", "delete")] == [0, 1, 0]


def test_apart_counts_members_for_every_state_but_home() -> None:
    """A quorum inside one state's reach would pass, or the firm's own state would make every quorum fail."""
    people = {"q": "US", "a": "US", "b": "IE"}
    grants = ["person:q read asset:t r"]
    apart_one, apart_two = terms(1, "everyone", apart=1), terms(1, "everyone", apart=2)
    assert length(sketch(people, grants=grants, settings=apart_one), "IE") == 1
    assert length(sketch(people, grants=grants, settings=apart_two), "IE") is None
    assert length(sketch(people, grants=grants, settings={**apart_two, "home": ["US"]}), "IE") == 2
    assert length(sketch({"q": "", "a": "", "z": "CN"}, grants=grants, settings=apart_two), "CN") == 2


def test_a_quorum_of_unexposed_people_is_still_no_larger_than_it_is() -> None:
    """With `apart` above the size of the quorum nobody could pass, whatever the exposures or the home states."""
    case = sketch(
        {"q": "", "a": "US", "z": "CN"},
        grants=["person:q read asset:t r"],
        settings={**terms(1, "everyone", apart=3), "home": ["US", "CN"]},
    )
    assert length(case, "CN") is None


def test_home_is_closed_upward() -> None:
    """A bloc of the home state would make quorums fail that the definition lets pass."""
    case = sketch(
        {"q": "IE", "a": "IE", "z": "CN"},
        grants=["person:q read asset:t r"],
        settings={**terms(1, "person:a", apart=2), "home": ["IE"], "states": {"IE": ["EU"]}},
    )
    assert length(case, "CN") == 2


def test_distinct_wants_a_value_of_each_and_no_two_equal() -> None:
    """One unit would approve its own request; people without a unit would pass for another unit."""
    case = sketch(
        {
            "q": {"workplace": "CN", "unit": "u"},
            "a": {"workplace": "US", "unit": "u"},
            "b": {"workplace": "US"},
            "c": {"workplace": "US", "unit": "v"},
        },
        {"same": "a b", "all": "a b c"},
        ["person:q read asset:t same", "person:q export asset:t all"],
        settings={
            "terms": {
                "same": {"approvals": 1, "approvers": "group:same", "distinct": ["unit"]},
                "all": {"approvals": 1, "approvers": "group:all", "distinct": ["unit"]},
            }
        },
    )
    assert (length(case, "CN"), length(case, "CN", "export")) == (None, 1)


def test_one_person_fills_one_place() -> None:
    """Somebody in two groups would be counted for both places."""

    def case(legal: str) -> Case:
        return sketch(
            {"q": "CN", "a": "US", "b": "US", "c": "US"},
            {"all": "a b c", "legal": legal, "trust": "a"},
            ["person:q read asset:t r"],
            settings=terms(
                2, "group:all", **{"from": [{"of": "group:legal", "count": 1}, {"of": "group:trust", "count": 1}]}
            ),
        )

    assert length(case("a"), "CN") is None
    assert length(case("a b"), "CN") == 2


def test_a_requester_does_not_approve_and_everyone_may() -> None:
    """One person alone would pass for a quorum."""
    alone = sketch({"q": "CN"}, grants=["person:q read asset:t r"], settings=terms(1, "everyone"))
    assert length(alone, "CN") is None
    two = sketch({"q": "CN", "a": "CN"}, grants=["everyone read asset:t r"], settings=terms(1, "everyone"))
    assert length(two, "CN") == 0


def test_floors_cover_the_pairs_they_name_and_raise_the_cap() -> None:
    """A floor would be judged for the wrong states, or by a search that stopped too early."""
    people = dict.fromkeys("abcde", "IE")
    case = sketch(
        {**people, "q": "CN", "z": "US"},
        grants=["person:q read asset:t r", "person:q export asset:t"],
        assets={"t": {"class": "c"}, "u": {"within": "t"}, "v": {}},
        settings={
            **terms(5, "everyone"),
            "home": ["US"],
            "floor": [
                {"action": "read", "target": "class:c", "length": 6},
                {"action": "*", "target": "asset:u", "length": 2, "except": ["CN"]},
                {"action": "export", "target": "asset:v", "length": 1, "against": ["US", "FR"]},
            ],
        },
    )
    found = lengths(case, AT)
    floors = {pair: a.floor for pair, a in found.items() if a.floor is not None}
    assert floors == {
        **{(s, "read", t): 6 for s in ("CN", "IE", "FR") for t in ("t", "u")},
        **{(s, "export", "u"): 2 for s in ("IE", "FR")},
        **{(s, "export", "v"): 1 for s in ("US", "FR")},
    }
    assert found["CN", "read", "t"].length == 5
    assert found["US", "read", "t"].length is None
    assert set(lengths(case, AT, everything=False)) == set(floors)


def test_gaps_name_the_groups_that_make_the_difference() -> None:
    """A firm would rest on a floor that holds only because nobody knows who is in a group."""
    case = sketch(
        {"q": "US"},
        {"known": "q", "outer": "group:dark"},
        ["group:outer read asset:t r", "group:dim export asset:t"],
        assets={"t": {"hosted_in": "CN", "key": "k"}, "k": {}},
        settings=terms(2, "everyone", distinct=["workplace"], apart=1),
        unknown=[{"group": "dark"}, {"group": "dim"}],
    )
    found = lengths(case, AT)
    assert found["CN", "read", "t"].gaps == ((frozenset({"dark"}), 1),)
    assert found["CN", "export", "t"].gaps == ((frozenset({"dim"}), 0),)
    assert found["US", "read", "t"].gaps == ()


def test_gaps_name_all_groups_where_no_single_one_makes_the_difference() -> None:
    """The report would name nobody to ask."""
    case = sketch(
        {"q": "US"},
        grants=["group:dark read asset:t", "group:dim read asset:t"],
        settings={"floor": [{"action": "read", "target": "asset:t", "length": 2, "against": ["CN"]}]},
        unknown=[{"group": "dark"}, {"group": "dim"}],
    )
    assert lengths(case, AT)["CN", "read", "t"].gaps == ((frozenset({"dark", "dim"}), 0),)


def test_reached_takes_exactly_the_accomplices_given() -> None:
    """A witness would be checked against other people than it names."""
    case = example_one(terms=True)
    assert ("terminate", "meetings-us") in reached(case, AT, "CN", ["bo", "trust-2", "trust-3"])
    assert ("terminate", "meetings-us") not in reached(case, AT, "CN", ["bo", "trust-0"])
