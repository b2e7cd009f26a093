"""A change of the estate as approvers see it."""

from __future__ import annotations

import re

from armslength.console.change_view import change_view
from armslength.estate import parse
from armslength.service.gate_change import Proposed
from armslength.service.gate_ties import tie_change
from tests.service.gates import PEOPLE, estate


def proposed(before: dict[str, bytes], after: dict[str, bytes]) -> Proposed:
    return Proposed(
        before_digest="",
        after_digest="",
        before=before,
        after=after,
        what=("people",),
        widened=frozenset(),
        changes=(),
        impossible=(),
        ties=tie_change(parse(before).estate, parse(after).estate),
    )


def test_a_change_of_declared_ties_is_told_in_bands_and_names_nobody() -> None:
    """An approver who sees nothing lets a table be emptied; one who sees more reads what a colleague sealed."""
    view = change_view(proposed(estate(), {**estate(), "declared.csv": b"person,state\nben,BR\n"}))
    assert view.says.endswith("Of declared ties, which are sealed: ties of fewer than 10 people come or go.")
    assert set(re.findall(r"\w+", f"{view.says} {view.files}")).isdisjoint({*PEOPLE, "BR"})


def test_where_no_tie_changes_none_is_spoken_of() -> None:
    """A sentence that is always there is read by nobody."""
    assert "declared" not in change_view(proposed(estate(), estate(people={**PEOPLE, "ivo": ("", "DE", "")}))).says
