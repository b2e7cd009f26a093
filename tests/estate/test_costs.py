"""What each row costs to change."""

from __future__ import annotations

import pytest

from armslength.estate import EstateError, parse, row_costs

FILES = {
    "people.csv": b"id\nana\nbo\n",
    "groups.csv": b"group,member\nops,person:ana\nops,person:bo\nrota,group:ops\n",
    "assets.csv": b"id,class\nbox,core\n",
    "grants.csv": b"holder,action,target,terms\n"
    b"group:ops,read,asset:box,\nperson:bo,read,class:core,t\neveryone,read,asset:box,t\n",
}
TERMS = '[terms.t]\napprovals = 1\napprovers = "everyone"\n'


def costs(change: str, text: str) -> list[float]:
    settings = f"{TERMS}[costs]\n{text}\n"
    return [float(cost) for cost in row_costs(parse(FILES | {"estate.toml": settings.encode()}).estate, change)]


@pytest.mark.parametrize(
    ("change", "text", "expected"),
    [
        ("terms", "", [1, 1, 1]),
        ("drop_grant", "", [3, 3, 3]),
        ("drop_membership", "drop_membership = 0.5", [0.5, 0.5, 0.5]),
        ("drop_grant", '"drop_grant group:ops" = 9', [9, 3, 3]),
        ("drop_grant", '"drop_grant asset:box" = 9\n"drop_grant everyone" = 20', [9, 3, 20]),
        ("drop_grant", '"drop_grant asset:box" = 30\n"drop_grant everyone" = 20', [30, 3, 30]),
        ("drop_grant", '"drop_grant terms:t" = 0\n"drop_grant class:core" = 1', [3, 1, 0]),
        ("drop_membership", '"drop_membership group:ops" = 7\n"drop_membership person:bo" = 8', [7, 8, 7]),
    ],
)
def test_the_dearest_entry_that_names_a_row_counts(change: str, text: str, expected: list[float]) -> None:
    """Repair would take away what the firm said to leave alone."""
    assert costs(change, text) == expected


@pytest.mark.parametrize(
    "text", ["drop_grant = -1", "drop_grant = nan", '"drop_grant group:none" = 1', "drop = 1", '"terms  " = "x"']
)
def test_a_cost_that_cannot_be_is_refused(text: str) -> None:
    """A plan with a cost of minus one is least for ever."""
    with pytest.raises(EstateError):
        costs("terms", text)


def test_only_known_changes_have_costs() -> None:
    """A slip in a name would price every change at nothing."""
    with pytest.raises(ValueError, match="expected one of terms, drop_membership, drop_grant"):
        costs("drop", "")
