"""Who seems alike as things stand is not, once the next person opens a group or waives the terms."""

from __future__ import annotations

from tests.oracle.comparison import differences
from tests.oracle.sketch import sketch


def test_of_two_who_can_open_the_approvers_the_one_who_fits_the_place_is_tried() -> None:
    """Else a firm would count two outsiders where one is enough: both can enrol, and only one of them may fill the
    place that the terms ask for."""
    case = sketch(
        {"asker": "CN", "first": "US", "second": "US", "member": "IE"},
        {"admins": "first second", "approvers": "member", "place": "second"},
        ["person:asker read asset:t terms", "group:admins enroll group:approvers"],
        settings={
            "terms": {
                "terms": {"approvals": 1, "approvers": "group:approvers", "from": [{"of": "group:place", "count": 1}]}
            }
        },
    )
    assert differences(case) == []


def test_people_without_a_part_differ_once_a_group_is_opened_to_all() -> None:
    """Else two outsiders would pass for three: one opens the approvers to the other, who also helps a first quorum. Of
    the two who could help it, one has the unit of whoever opens."""
    units = {"x": "4", "y": "5", "same": "2", "other": "3", "holder": "1", "opener": "2"}
    case = sketch(
        {"asker": {"workplace": "CN"}, **{p: {"unit": u} for p, u in units.items()}},
        {"helpers": "same other", "approvers": "asker"},
        [
            "person:holder read asset:t last",
            "person:asker assume person:holder first",
            "person:opener enroll group:approvers",
        ],
        settings={
            "terms": {
                "last": {"approvals": 2, "approvers": "group:approvers", "distinct": ["unit"]},
                "first": {"approvals": 1, "approvers": "group:helpers"},
            }
        },
    )
    assert differences(case) == []


def test_who_holds_differs_from_who_does_not_once_the_terms_are_waived() -> None:
    """Else two outsiders would pass for three: nobody without a unit can sit in the first quorum, but waived terms ask
    for a holder only, and one of them is."""
    case = sketch(
        {"asker": {"workplace": "CN", "unit": "1"}, **{p: {} for p in ("beside", "h", "both", "i", "j", "waiver")}},
        {"ops": "h both", "pair": "i j", "approvers": "j beside both"},
        [
            "person:i read asset:t last",
            "group:ops assume group:pair first",
            "person:waiver amend terms:first",
        ],
        settings={
            "terms": {
                "last": {"approvals": 2, "approvers": "group:approvers"},
                "first": {"approvals": 1, "approvers": "everyone", "distinct": ["unit"]},
            }
        },
    )
    assert differences(case) == []
