"""Places are kept apart however many the terms name."""

from __future__ import annotations

import pytest

from tests.oracle.case import Case
from tests.oracle.sketch import sketch
from tests.reach.test_metamorphic import lengths


def board(seats: int, missing: int) -> Case:
    """Terms with a place for each approver; all are compelled but some of them."""
    ids = [f"a{i}" for i in range(seats)]
    return sketch(
        {"asker": "CN", **{p: "CN" if i >= missing else "US" for i, p in enumerate(ids)}},
        {"board": " ".join(ids), **{f"place-{p}": p for p in ids}},
        ["person:asker read asset:t terms"],
        settings={
            "terms": {
                "terms": {
                    "approvals": seats,
                    "approvers": "group:board",
                    "from": [{"of": f"group:place-{p}", "count": 1} for p in ids],
                }
            }
        },
    )


@pytest.mark.parametrize("seats", [31, 32, 33, 64, 70])
def test_a_place_counts_whatever_its_number(seats: int) -> None:
    """Else terms with many places would seem out of everyone's reach, and be no protection at all."""
    assert lengths(board(seats, 0))["CN", "read", "t"] == 0
    assert lengths(board(seats, 2))["CN", "read", "t"] == 2
