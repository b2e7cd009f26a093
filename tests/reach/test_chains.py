"""Quorums that feed each other, by hand: each estate is one in which a shortcut of the search could go wrong."""

from __future__ import annotations

from typing import Any

import pytest

from tests.oracle.case import Case
from tests.oracle.comparison import differences
from tests.oracle.estates import AT
from tests.oracle.length import lengths
from tests.oracle.sketch import sketch


def quorum(approvals: int, approvers: str, **more: Any) -> dict[str, Any]:
    return {"approvals": approvals, "approvers": f"group:{approvers}", **more}


def firm(
    outsiders: str, groups: dict[str, str], grants: list[str], terms: dict[str, dict[str, Any]], **compelled: str
) -> Case:
    """`compelled` people come first, by their states."""
    return sketch({**compelled, **dict.fromkeys(outsiders.split(), "")}, groups, grants, settings={"terms": terms})


def length(case: Case, state: str = "CN") -> int | None:
    """That of reading t, on which the engine and the definition agree."""
    assert differences(case) == []
    return lengths(case, AT)[state, "read", "t"].length


def test_who_serves_two_quorums_brings_whom_they_can_reset_to_both() -> None:
    """Else two would pass for three. Of two administrators alike to the last quorum, one also approves in the first."""
    case = firm(
        "x plain shared a b u v w holder",
        {"first": "x shared", "admins": "plain shared", "team": "a b", "last": "a b u v w"},
        ["person:r assume person:holder one", "group:admins assume group:team", "person:holder read asset:t two"],
        {"one": quorum(1, "first"), "two": quorum(3, "last")},
        r="CN",
    )
    assert length(case) == 2


def test_a_chain_of_three_quorums_is_followed_to_its_end() -> None:
    """Else one would pass for two: whoever is tried first fires the first quorum only, and what fails with that alone
    has to be tried again with the second."""
    case = firm(
        "x y early middle shared next last",
        {"one": "x early middle shared", "two": "middle shared", "three": "y early shared"},
        ["person:r assume person:next a", "person:next assume person:last b", "person:last read asset:t c"],
        {"a": quorum(1, "one"), "b": quorum(1, "two"), "c": quorum(1, "three")},
        r="CN",
    )
    assert length(case) == 1


def test_one_shared_person_saves_one_where_each_quorum_needs_another_of_its_own() -> None:
    """Else three would pass for four: the two quorums have one person in common, and no more."""
    case = firm(
        "x1 x2 a y1 y2 b shared holder inside",
        {"one": "x1 x2 a shared", "pair": "holder inside", "two": "inside y1 y2 b shared"},
        ["person:r assume group:pair first", "person:holder read asset:t last"],
        {"first": quorum(2, "one"), "last": quorum(3, "two")},
        r="CN",
    )
    assert length(case) == 3


def test_whom_nobody_else_names_counts_once_a_group_is_open() -> None:
    """Else two would pass for none: one opens the approvers, and the other brings people who are in no group."""
    case = firm(
        "opener desk p q",
        {"board": "member", "scope": "p q"},
        ["person:r read asset:t last", "person:opener enroll group:board", "person:desk assume group:scope"],
        {"last": quorum(4, "board")},
        r="CN",
        member="US",
    )
    assert length(case) == 2


def test_states_in_which_different_groups_are_open_are_not_alike() -> None:
    """Else a state would get the length of another: in one of them a quorum of its own opens the approvers to all."""
    case = firm(
        "y z",
        {"ops": "u1 u2", "board": "y z", "seconds": "s"},
        ["person:r enroll group:board first", "group:ops read asset:t last"],
        {"first": quorum(1, "seconds"), "last": quorum(2, "board")},
        r="CN",
        s="CN",
        u1="US",
        u2="US",
    )
    assert (length(case, "CN"), length(case, "US")) == (1, 2)


def test_people_of_an_unknown_group_may_be_the_ones_who_ask() -> None:
    """Else a gap would seem longer: nobody known can ask, and one outsider resets both approvers."""
    case = firm(
        "desk a b",
        {"board": "a b"},
        ["group:ops read asset:t last", "person:desk assume group:board"],
        {"last": quorum(2, "board")},
        r="CN",
    )
    case.tables["unknown"] = [{"group": "ops"}]
    assert length(case) is None
    assert lengths(case, AT)["CN", "read", "t"].gaps == ((frozenset({"ops"}), 1),)


def test_an_administrator_whom_the_other_can_reset_is_no_match_for_the_other() -> None:
    """Else two would pass for one: both can reset the same people, and one of them is among these."""
    case = firm(
        "reset other q",
        {"admins": "reset other", "scope": "reset q", "board": "reset other q"},
        ["person:r read asset:t last", "group:admins assume group:scope"],
        {"last": quorum(3, "board")},
        r="CN",
    )
    assert length(case) == 1


def test_of_two_who_cannot_sit_themselves_one_may_bring_others() -> None:
    """Else two would pass for three: neither has a unit, so neither can approve at the end, but one resets two who
    can."""
    case = firm(
        "x plain shared a b u v w holder",
        {"first": "x shared", "admins": "plain shared", "team": "a b"},
        ["person:r assume person:holder one", "group:admins assume group:team", "person:holder read asset:t two"],
        {"one": quorum(1, "first"), "two": {"approvals": 3, "approvers": "everyone", "distinct": ["unit"]}},
        r="CN",
    )
    for row in case.tables["people"]:
        if row["id"] in "a b u v w holder".split():
            row["unit"] = row["id"]
    assert length(case) == 2


def test_unknown_people_of_two_states_are_not_alike() -> None:
    """Else a gap would seem longer: whoever answers to a bloc cannot sit beside that bloc's approver, and in another
    state one approver serves both quorums."""
    case = firm(
        "n h i",
        {"first": "e n", "pair": "h i", "last": "i e"},
        ["group:ops assume group:pair one", "person:h read asset:t two"],
        {"one": quorum(1, "first", apart=1), "two": quorum(2, "last")},
        c="CN",
        u="US",
        e="EU",
    )
    case.tables["unknown"] = [{"group": "ops"}]
    case.settings["states"] = {"CN": ["EU"], "EU": []}
    assert differences(case) == []
    gaps = {state: lengths(case, AT)[state, "read", "t"].gaps[0][1] for state in ("CN", "US")}
    assert gaps == {"CN": 2, "US": 1}


def test_states_with_and_without_somebody_of_another_unit_are_not_alike() -> None:
    """Else a state would get the length of one that has nobody else who could approve: where values must differ and
    people are few, who acts counts one by one."""
    case = firm(
        "without with h",
        {"first": "without with"},
        ["person:r assume person:h one", "person:h read asset:t two"],
        {"one": quorum(1, "first"), "two": {"approvals": 2, "approvers": "everyone", "distinct": ["unit"]}},
        r="CN",
        k="US",
        z="DE",
    )
    rows = {row["id"]: row for row in case.tables["people"]}
    rows["r"]["residence"] = "US"
    for person in ("with", "h", "k", "z"):
        rows[person]["unit"] = person
    assert (length(case, "CN"), length(case, "US")) == (2, 1)


def test_states_in_which_a_place_is_open_to_all_are_not_like_others() -> None:
    """Else a state would get the length of one for which only the named may fill the place."""
    case = firm(
        "elsewhere both h member",
        {"first": "elsewhere both", "board": "both member", "place": "member"},
        [
            "person:r assume person:h one",
            "person:h read asset:t two",
            "person:k enroll group:place opening",
        ],
        {
            "one": quorum(1, "first"),
            "two": quorum(1, "board", **{"from": [{"of": "group:place", "count": 1}]}),
            "opening": {"approvals": 1, "approvers": "person:l"},
        },
        r="CN",
        k="US",
        l="US",
    )
    case.tables["people"][0]["residence"] = "US"
    assert (length(case, "CN"), length(case, "US")) == (2, 1)


def crowd_of(more: str) -> Case:
    """A last quorum for everyone, of whom one may answer to DE; r, who compels the first, does too if `more` does not.
    Both states that compel r are home, and only US has `more` beside one other."""
    case = firm(
        "de both h",
        {"first": "de both"},
        ["person:r assume person:h one", "person:h read asset:t two"],
        {"one": quorum(1, "first"), "two": {"approvals": 4, "approvers": "everyone", "apart": 4}},
        r="CN",
        j="CN",
        k="US",
        l="US",
    )
    rows = {row["id"]: row for row in case.tables["people"]}
    rows["r"]["residence"] = "US"
    rows["de"]["workplace"], rows["both"]["workplace"] = "DE", "IE"
    case.tables["declared"] = [{"person": more, "state": "DE"}]
    case.settings["home"] = ["CN", "US"]
    return case


def test_states_of_which_one_has_more_people_of_a_kind_are_not_alike() -> None:
    """Else a state would get the length of one with fewer people who can sit, where anyone may approve."""
    case = crowd_of("r")
    assert (length(case, "CN"), length(case, "US")) == (2, 1)


def test_people_of_another_kind_count_unless_enough_stand_in_for_them() -> None:
    """The same, where those whom one state has more answer to one state more than its others, and these are few."""
    case = crowd_of("l")
    assert (length(case, "CN"), length(case, "US")) == (2, 1)


def test_a_state_is_no_other_where_somebody_with_a_part_answers_to_it() -> None:
    """Else a state would get the length of one whose own people cannot sit beside the only one who serves both
    quorums."""
    case = firm(
        "between both h z",
        {"first": "between both"},
        ["person:r assume person:h one", "person:h read asset:t two"],
        {"one": quorum(1, "first"), "two": {"approvals": 3, "approvers": "everyone", "apart": 3}},
        r="CN",
        j="CN",
        k="US",
    )
    rows = {row["id"]: row for row in case.tables["people"]}
    rows["r"]["residence"] = "US"
    rows["between"] |= {"workplace": "DE", "residence": "IE"}
    rows["both"] |= {"workplace": "IE", "residence": "FR"}
    rows["j"]["residence"], rows["k"]["residence"] = "IE", "DE"
    case.settings["home"] = ["CN", "US"]
    assert (length(case, "CN"), length(case, "US")) == (2, 1)


def test_a_state_whose_people_answer_to_a_state_together_is_no_other() -> None:
    """Else a state would get the length of one whose own people cannot sit side by side."""
    case = firm(
        "de both h z",
        {"first": "de both"},
        ["person:r assume person:h one", "person:h read asset:t two"],
        {"one": quorum(1, "first"), "two": {"approvals": 4, "approvers": "everyone", "apart": 4}},
        r="CN",
        j1="CN",
        j2="CN",
        k1="US",
        k2="US",
    )
    rows = {row["id"]: row for row in case.tables["people"]}
    rows["r"]["residence"] = "US"
    rows["de"]["workplace"], rows["both"]["workplace"] = "DE", "IE"
    ties = (("r", "DE"), ("j1", "FR LU"), ("j2", "FR NL"), ("k1", "FR LU"), ("k2", "GB NL"))
    case.tables["declared"] = [{"person": p, "state": state} for p, states in ties for state in states.split()]
    case.settings["home"] = ["CN", "US"]
    assert (length(case, "CN"), length(case, "US")) == (2, 1)


def test_whoever_brings_others_is_tried_though_anyone_may_approve() -> None:
    """Else one would pass for two: the one who resets people for both quorums has no part in them, and is exposed to a
    state more than those who could stand in for anybody without a part."""
    pairs = {"early": "a1 a2", "late": "b1 b2", "both": "c1 c2"}
    case = firm(
        "d e c z h a1 a2 b1 b2 c1 c2",
        {**pairs, "first": "group:early group:both", "last": "group:late group:both"},
        [
            "person:r assume person:h one",
            "person:d assume group:early",
            "person:e assume group:late",
            "person:c assume group:both",
            "person:h read asset:t two",
        ],
        {
            "one": {"approvals": 2, "approvers": "everyone", "from": [{"of": "group:first", "count": 2}]},
            "two": {"approvals": 2, "approvers": "everyone", "from": [{"of": "group:last", "count": 2}]},
        },
        r="CN",
    )
    for row in case.tables["people"]:
        if row["id"] == "c":
            row["workplace"] = "IE"
    assert length(case) == 1


def test_where_values_differ_more_than_one_of_those_alike_is_tried() -> None:
    """Else two would pass for three: of people without a part, the first has the unit of whoever asks at the end."""
    case = firm(
        "h n1 n2 n3 s",
        {"first": "s"},
        ["person:r assume person:h one", "person:h read asset:t two"],
        {
            "one": {
                "approvals": 2,
                "approvers": "everyone",
                "distinct": ["unit"],
                "from": [{"of": "group:first", "count": 1}],
            },
            "two": {"approvals": 3, "approvers": "everyone", "distinct": ["unit"]},
        },
        r="CN",
    )
    for row in case.tables["people"]:
        row["unit"] = "h" if row["id"] == "n1" else row["id"]
    assert length(case) == 2


def test_what_one_first_quorum_cannot_begin_another_may() -> None:
    """Else one would pass for two: both first quorums could help, and only who serves the second can go on."""
    case = firm(
        "x1 p x2 both h",
        {"one": "x1", "two": "x2 both", "last": "p both"},
        ["person:r assume person:p first", "person:r assume person:h second", "person:h read asset:t third"],
        {"first": quorum(1, "one"), "second": quorum(1, "two"), "third": quorum(1, "last")},
        r="CN",
    )
    assert length(case) == 1


def test_what_fires_by_then_may_be_enough_without_the_rest() -> None:
    """Else one would pass for two: whoever is tried would need a second quorum as well, and another does without it."""
    case = firm(
        "tried s i z h",
        {"one": "tried s", "two": "z", "last": "i tried s"},
        [
            "person:r assume person:h first",
            "person:r assume person:i second",
            "person:s assume person:i",
            "person:h read asset:t third",
        ],
        {"first": quorum(1, "one"), "second": quorum(1, "two"), "third": quorum(2, "last")},
        r="CN",
    )
    assert length(case) == 1


def test_who_is_in_no_group_fires_what_a_state_has_opened() -> None:
    """Else one would pass for two: the approvers of the first quorum are open to all who act."""
    case = firm(
        "m a h",
        {"open": "m", "last": "a"},
        ["person:r enroll group:open", "person:r assume person:h first", "person:h read asset:t second"],
        {"first": quorum(1, "open"), "second": quorum(1, "last")},
        r="CN",
    )
    assert length(case) == 1


def test_who_asks_may_join_besides_the_one_who_brings_the_approvers() -> None:
    """Else two would pass for three: nobody who is compelled could ask."""
    case = firm(
        "desk h a b",
        {"board": "a b"},
        ["person:h read asset:t terms", "person:desk assume group:board"],
        {"terms": quorum(2, "board")},
        r="CN",
    )
    assert length(case) == 2


def test_who_brings_the_approvers_may_ask_themselves() -> None:
    """Else one would pass for three."""
    case = firm(
        "desk a b",
        {"board": "a b"},
        ["person:desk read asset:t terms", "person:desk assume group:board"],
        {"terms": quorum(2, "board")},
        r="CN",
    )
    assert length(case) == 1


@pytest.mark.parametrize("names", ["a b c", "c b a"])
@pytest.mark.parametrize("step", [1, -1])
def test_a_chain_is_followed_to_its_end_in_whatever_order_it_is_told(step: int, names: str) -> None:
    """Else two would pass for one: a quorum that is asked about before the one that helps it has to be asked again,
    though nothing had to be searched for."""
    a, b, c = names.split()
    chain = [f"person:{c}1 read asset:t by-{c}", f"person:{b}1 assume group:{c} by-{b}"]
    chain += [f"person:{a}1 assume group:{b} by-{a}", f"person:r assume group:{a} first"]
    case = firm(
        "x a1 a2 b1 b2 c1 c2",
        {"a": "a1 a2", "b": "b1 b2", "c": "c1 c2", "one": "x"},
        chain[::step],
        {"first": quorum(1, "one"), "by-a": quorum(1, "a"), "by-b": quorum(1, "b"), "by-c": quorum(1, "c")},
        r="CN",
    )
    assert length(case) == 1


QUORUMS = (
    "person:r assume person:n1 a",
    "person:n1 assume person:n2 b",
    "person:n2 assume person:n3 c",
    "person:n3 read asset:t d",
)


@pytest.mark.parametrize("grants", [QUORUMS, QUORUMS[::-1]])
def test_a_chain_of_four_quorums_is_followed_whichever_is_named_first(grants: tuple[str, ...]) -> None:
    """Else one would pass for nobody: whoever is tried fires one quorum more each time, the third needs whom each of
    those before it brings, and one that failed has to be asked again once another is true."""
    case = firm(
        "x y early again middle late shared n1 n2 n3",
        {
            "one": "x early again middle late shared",
            "two": "again middle late shared",
            "three": "late shared n1",
            "four": "y early again shared",
        },
        list(grants),
        {"a": quorum(1, "one"), "b": quorum(1, "two"), "c": quorum(2, "three"), "d": quorum(1, "four")},
        r="CN",
    )
    assert length(case) == 1
