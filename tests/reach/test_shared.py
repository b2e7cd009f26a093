"""Who serves several quorums at once, by hand: each estate is one in which somebody shared could be missed."""

from __future__ import annotations

from tests.oracle.case import Case
from tests.oracle.comparison import differences
from tests.oracle.estates import AT
from tests.oracle.length import lengths
from tests.reach.test_chains import firm, length, quorum


def units(case: Case, *people: str) -> Case:
    """Each of them has a unit of their own; a pair as "p=q" that of q. Nobody else has any."""
    named = dict(p.split("=") if "=" in p else (p, p) for p in people)
    for row in case.tables["people"]:
        row["unit"] = named.get(row["id"], "")
    return case


def gap(case: Case) -> int:
    """That of reading t if CN has people in ops, on which engine and definition agree; nobody known can."""
    case.tables["unknown"] = [{"group": "ops"}]
    assert differences(case) == []
    told = lengths(case, AT)["CN", "read", "t"]
    assert told.length is None
    return told.gaps[0][1]


TWO_FIRST = ["person:r assume person:a first", "person:r assume person:b second"]


def test_beside_somebody_shared_there_may_be_one_who_is_not() -> None:
    """Else two would pass for three: one person serves both first quorums, and another sits in the last only."""
    case = firm(
        "x y s a b z",
        {"one": "x s", "two": "y s", "last": "a b z"},
        [*TWO_FIRST, "person:r read asset:t third"],
        {"first": quorum(1, "one"), "second": quorum(1, "two"), "third": quorum(3, "last")},
        r="CN",
    )
    assert length(case) == 2


def test_two_of_a_kind_may_both_be_shared() -> None:
    """Else two would pass for three: nothing tells the two apart who sit in both quorums."""
    case = firm(
        "x1 x2 y1 y2 s1 s2 h",
        {"one": "x1 x2 s1 s2", "two": "r y1 y2 s1 s2"},
        ["person:r assume person:h first", "person:h read asset:t second"],
        {"first": quorum(2, "one"), "second": quorum(3, "two")},
        r="CN",
    )
    assert length(case) == 2


def test_one_who_could_do_more_does_not_stand_in_where_both_are_needed() -> None:
    """Else two would pass for three: of the two who sit in both quorums, one could also ask."""
    case = firm(
        "x1 x2 y1 y2 s1 s2 h",
        {"one": "x1 x2 s1 s2", "two": "r y1 y2 s1 s2", "asking": "r s1"},
        ["group:asking assume person:h first", "person:h read asset:t second"],
        {"first": quorum(2, "one"), "second": quorum(3, "two")},
        r="CN",
    )
    assert length(case) == 2


def test_who_is_brought_by_the_first_quorum_is_not_like_somebody_who_is_not() -> None:
    """Else one would pass for two: both sit in both quorums, and one of them acts by then anyway."""
    case = firm(
        "x b s",
        {"one": "x b s", "two": "b s"},
        ["person:r assume person:b first", "person:r read asset:t second"],
        {"first": quorum(1, "one"), "second": quorum(2, "two")},
        r="CN",
    )
    assert length(case) == 1


def test_whom_somebody_shared_brings_leaves_a_place_for_another() -> None:
    """Else two would pass for three: the one who serves one first quorum brings half of the other."""
    case = firm(
        "a y z w s b c",
        {"one": "w s", "two": "a y z", "last": "b c"},
        [
            "person:r assume person:b first",
            "person:r assume person:c second",
            "person:s assume person:a",
            "person:r read asset:t third",
        ],
        {"first": quorum(1, "one"), "second": quorum(2, "two"), "third": quorum(2, "last")},
        r="CN",
    )
    assert length(case) == 2


def test_who_sits_where_a_first_quorum_lets_anybody_may_be_shared() -> None:
    """Else one would pass for two: only once the approvers are open to all has the one who serves both a place."""
    case = firm(
        "x y s a m",
        {"one": "x s", "two": "y s", "board": "m"},
        ["person:r enroll group:board first", "person:r assume person:a second", "person:r read asset:t third"],
        {"first": quorum(1, "one"), "second": quorum(1, "two"), "third": quorum(2, "board", distinct=["unit"])},
        r="CN",
    )
    assert length(units(case, "r", "s", "a", "m")) == 1


def test_what_one_could_not_do_two_may() -> None:
    """Else a gap would seem longer: with one outsider the first quorums and the last have nobody in common who could
    sit, and with two they need not."""
    case = firm(
        "x y s a b z",
        {"one": "x s", "two": "y s", "last": "a b z s"},
        ["group:ops assume person:a first", "group:ops assume person:b second", "group:ops read asset:t third"],
        {"first": quorum(1, "one"), "second": quorum(1, "two"), "third": quorum(3, "last", distinct=["unit"])},
        r="CN",
    )
    assert gap(units(case, "a", "b", "z", "s=a", "r")) == 2


def test_who_may_ask_is_not_like_one_who_may_only_approve() -> None:
    """Else a gap would seem longer: there is an approver, and nobody to ask. Of two approvers one may ask as well."""
    case = firm(
        "x y q p b",
        {"one": "r q p", "asking": "x p", "last": "b y q p"},
        ["group:ops read asset:t second", "group:asking assume person:b first"],
        {"first": quorum(1, "one"), "second": quorum(2, "last", distinct=["unit"])},
        r="CN",
    )
    assert gap(units(case, "y", "q", "p", "b")) == 1


def test_where_the_terms_are_waived_only_who_may_ask_is_enough() -> None:
    """The same, where nobody needs to approve in the first quorum."""
    case = firm(
        "x y q p b",
        {"one": "q p", "asking": "x p", "last": "b y q p"},
        [
            "group:ops read asset:t second",
            "group:asking assume person:b first",
            "person:r amend terms:first",
        ],
        {"first": quorum(1, "one"), "second": quorum(2, "last", distinct=["unit"])},
        r="CN",
    )
    assert gap(units(case, "y", "q", "p", "b")) == 1


def test_of_people_without_a_part_so_far_only_one_may_fit_once_there_is_one() -> None:
    """Else two would pass for three: one opens the approvers to all, and of those who serve the first quorum only one
    has a unit that whoever asks has not."""
    case = firm(
        "x z q p o h",
        {"one": "x q p", "board": "r"},
        ["person:r assume person:h first", "person:h read asset:t second", "person:o enroll group:board"],
        {"first": quorum(1, "one"), "second": quorum(1, "board", distinct=["unit"])},
        r="CN",
    )
    assert length(units(case, "z", "q=h", "p", "h")) == 2


def opened(more: str) -> Case:
    """The approvers of the last quorum are opened to all by the first, and only US has `more` beside one other."""
    case = firm(
        "de both h m",
        {"one": "de both", "board": "m"},
        ["person:r assume person:h first", "person:r enroll group:board first", "person:h read asset:t second"],
        {"first": quorum(1, "one"), "second": quorum(4, "board", apart=4)},
        r="CN",
        j="CN",
        k="US",
        l="US",
    )
    rows = {row["id"]: row for row in case.tables["people"]}
    rows["r"]["residence"] = "US"
    rows["de"]["workplace"], rows["both"]["workplace"], rows["m"]["workplace"] = "DE", "IE", "DE"
    case.tables["declared"] = [{"person": more, "state": "DE"}]
    case.settings["home"] = ["CN", "US"]
    return case


def test_states_differ_by_who_could_sit_once_a_first_quorum_lets_anybody() -> None:
    """Else a state would get the length of another with fewer people who could sit, as nobody else could so far."""
    for more in ("r", "l"):
        case = opened(more)
        assert (length(case, "CN"), length(case, "US")) == (2, 1)


def test_states_in_which_not_the_same_quorums_help_are_not_alike() -> None:
    """Else a state would get the length of another: in one of them the last place is filled by a second quorum, which
    the first makes possible, and in the other by nobody."""
    case = firm(
        "x s a b",
        {"one": "x s", "two": "s k", "last": "a b s"},
        ["person:r assume person:a first", "person:a assume person:b second", "person:r read asset:t third"],
        {"first": quorum(1, "one"), "second": quorum(2, "two"), "third": quorum(2, "last", distinct=["unit"])},
        r="CN",
        k="US",
    )
    case.tables["people"][0]["residence"] = "US"
    units(case, "r", "a", "b", "s=a")
    assert (length(case, "CN"), length(case, "US")) == (2, 1)


def test_who_serves_the_other_first_quorum_is_tried_for_it() -> None:
    """Else two would pass for three: where anyone may sit in the end, those without a part are alike, and who serves
    the second of the first quorums has none in the first."""
    many = " ".join(f"p{n}" for n in range(12))
    case = firm(
        f"x1 x2 {many} both h",
        {"one": "x1", "two": "x2 both"},
        ["person:r assume person:h first", "person:r assume person:h second", "person:h read asset:t third"],
        {
            "first": quorum(1, "one"),
            "second": quorum(1, "two"),
            "third": {"approvals": 2, "approvers": "everyone", "distinct": ["unit"]},
        },
        r="CN",
    )
    assert length(units(case, *many.split(), "both", "h")) == 2


def test_who_joined_before_does_not_join_again_for_what_they_bring() -> None:
    """Else three would pass for two: p, with whom the holder came to act, would be counted once more with whom p can
    reset, and take the seat that only somebody whom no state compels can take."""
    case = firm(
        "p h2",
        {"one": "p", "holders": "h", "board": "p"},
        [
            "person:r assume person:h first",
            "person:p assume person:k",
            "person:z enroll group:board",
            "group:holders read asset:t last",
        ],
        {"first": quorum(1, "one"), "last": quorum(2, "board", apart=2)},
        r="CN",
        h="RU",
        z="RU",
        k="RU",
    )
    case.tables["people"][0]["residence"] = "RU"
    assert length(case) == 3


def test_two_who_are_alike_may_help_where_one_of_them_does_not() -> None:
    """Else three would pass for four: beside one of r1 and r2 both desks are needed for the last quorum, beside both
    of them one desk is."""
    case = firm(
        "x1 x2 r1 r2 z1 z2 z3 z4 d1 d2 h k",
        {"one": "x1 x2 r1 r2", "pair": "h k", "board": "k r1 r2 z1 z2 z3 z4", "near": "z1 z2", "far": "z3 z4"},
        [
            "person:r assume group:pair first",
            "person:d1 assume group:near",
            "person:d2 assume group:far",
            "person:h read asset:t last",
        ],
        {"first": quorum(2, "one"), "last": quorum(5, "board")},
        r="CN",
    )
    assert length(case) == 3


def test_once_a_dearer_quorum_opens_the_approvers_anyone_has_a_part() -> None:
    """Else three would pass for four: with two outsiders the board is closed, and only its members have a part in the
    last quorum; those three who can open it are not among them."""
    case = firm(
        "y1 y2 o1 o2 o3 h k m1 m2",
        {"one": "y1 y2 o1 o2", "pair": "h k", "openers": "o1 o2 o3", "board": "k m1 m2"},
        ["person:r assume group:pair first", "person:r enroll group:board second", "person:h read asset:t last"],
        {"first": quorum(2, "one"), "second": quorum(3, "openers"), "last": quorum(3, "board")},
        r="CN",
    )
    assert length(case) == 3


def test_what_follows_from_a_quorum_that_had_to_be_searched_is_asked_again() -> None:
    """Else one would pass for two: who serves both first quorums is found last, and two more quorums follow from it."""
    case = firm(
        "x y s a b c1 c2 d1 d2",
        {"one": "x s", "two": "y s", "pair": "a b", "third": "c1 c2", "fourth": "d1 d2"},
        [
            *TWO_FIRST,
            "person:r assume group:third both",
            "person:r assume group:fourth then",
            "person:r read asset:t last",
        ],
        {
            "first": quorum(1, "one"),
            "second": quorum(1, "two"),
            "both": quorum(2, "pair"),
            "then": quorum(2, "third"),
            "last": quorum(2, "fourth"),
        },
        r="CN",
    )
    assert length(case) == 1


def test_who_fits_beside_one_desk_need_not_beside_another() -> None:
    """Else two would pass for three: q has the unit of one whom the first desk resets, and of nobody whom the second
    does."""
    case = firm(
        "d1 d2 q x1 x2 z1 z2 z3 z4 h k",
        {"one": "d1 d2 q x1 x2", "pair": "h k", "board": "k q z1 z2 z3 z4", "near": "z1 z2", "far": "z3 z4"},
        [
            "person:r assume group:pair first",
            "person:d1 assume group:near",
            "person:d2 assume group:far",
            "person:h read asset:t last",
        ],
        {"first": quorum(2, "one", distinct=["unit"]), "last": quorum(4, "board", distinct=["unit"])},
        r="CN",
    )
    assert length(units(case, *"r d1 d2=d1 q=z1 x1 x2 z1 z2 z3 z4 h k".split())) == 2


def test_three_together_may_do_what_two_of_them_do_not() -> None:
    """Else three would pass for four: beside s, neither of two who are alike is enough for the last quorum, and both
    of them are."""
    case = firm(
        "x1 x2 x3 s r1 r2 w z1 z2 z3 h k l",
        {"one": "x1 x2 x3 s r1 r2", "all": "h k l", "board": "k l s r1 r2 z1 z2 z3", "team": "z1 z2 z3"},
        ["person:r assume group:all first", "person:w assume group:team", "person:h read asset:t last"],
        {"first": quorum(3, "one"), "last": quorum(5, "board")},
        r="CN",
    )
    assert length(case) == 3


def test_a_chain_of_four_quorums_is_known_to_its_beginning() -> None:
    """Else one would pass for two: only who serves all of them is in the last, and what helps the last helps through
    two others."""
    case = firm(
        "x y middle early shared a b c",
        {"one": "x middle early shared", "two": "middle early shared", "three": "early shared", "four": "y shared"},
        [
            "person:r assume person:a first",
            "person:a assume person:b second",
            "person:b assume person:c third",
            "person:c read asset:t last",
        ],
        {
            "first": quorum(1, "one"),
            "second": quorum(1, "two"),
            "third": quorum(1, "three"),
            "last": quorum(1, "four"),
        },
        r="CN",
    )
    assert length(case) == 1


def test_who_resets_the_holder_fires_what_they_have_no_part_in() -> None:
    """Else one would pass for two: p, who approves in the first quorum, can also reset whoever asks in the second,
    where all who approve are compelled."""
    case = firm(
        "x q p a b h",
        {"one": "x p", "desks": "q p", "inside": "k", "board": "a b"},
        [
            "person:r assume person:a first",
            "person:h assume person:b second",
            "group:desks assume person:h",
            "person:r read asset:t last",
        ],
        {"first": quorum(1, "one"), "second": quorum(1, "inside"), "last": quorum(2, "board")},
        r="CN",
        k="CN",
    )
    assert length(case) == 1
