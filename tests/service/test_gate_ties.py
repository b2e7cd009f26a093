"""What approvers are told of a change to the ties that people chose to declare."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from armslength.estate import parse
from armslength.gate import PersonId, Refused
from armslength.service.gate_ties import tie_change
from tests.service.gates import PEOPLE, estate, small_gate

CROWD = {**PEOPLE, **{f"p{n:03}": ("trust us", "US", "") for n in range(150)}}
STATES = ("BR", "DE", "IE", "NO", "SG", "CA", "FR", "JP", "KR", "MX", "PT", "SE")


def with_ties(*ties: tuple[str, str]) -> dict[str, bytes]:
    rows = "".join(f"{person},{state}\n" for person, state in ties)
    files = estate(people=CROWD)
    return {**files, "declared.csv": f"person,state\n{rows}".encode()} if ties else files


def words(before: dict[str, bytes], after: dict[str, bytes]) -> str:
    return tie_change(parse(before).estate, parse(after).estate).words()


def crowd(many: int, *states: str) -> list[tuple[str, str]]:
    return [(f"p{n:03}", state) for n in range(many) for state in states]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([("p001", "BR")], [("p001", "BR"), ("p001", "BR")]),
        ([("p001", "BR")], [("p001", "DE")]),
        ([], [("p001", "BR")]),
        ([("p001", "BR")], []),
        ([], [("p001", state) for state in STATES]),
        ([], crowd(9, *STATES)),
        (crowd(9, *STATES), []),
    ],
)
def test_a_change_for_few_people_reads_like_any_other(
    before: list[tuple[str, str]], after: list[tuple[str, str]]
) -> None:
    """Of a change by which one person comes and one tie, a count of 1 is their name; and whoever proposes a table of
    one guessed tie would learn by a count of 0 that it is there."""
    assert words(with_ties(*before), with_ties(*after)) == "ties of fewer than 10 people come or go"


def test_a_table_that_is_emptied_shows_how_large_it_was_about() -> None:
    """Whoever drops everybody's ties makes approvers of those whom a state can compel, and it looked like a slip."""
    ties = crowd(120, "BR")
    assert words(with_ties(*ties), with_ties()) == "fewer than 10 ties come, 100 or more go, of 100 or more people"
    come = words(with_ties(), with_ties(*crowd(10, "BR")))
    assert come == "10 to 99 ties come, fewer than 10 go, of 10 to 99 people"


def test_neither_who_nor_which_state_is_told(tmp_path: Path) -> None:
    """Whoever declared a tie was told that nobody would read it, and approvers are their colleagues."""
    made = small_gate(tmp_path / "gate")
    with made.running() as gate:
        files = {**estate(), "declared.csv": b"person,state\nben,BR\n"}
        outcome = gate.propose(files, asker=PersonId("ann"), purpose="a change", caller="person:ann")
        assert not isinstance(outcome, Refused), outcome
        text = {each.name: gate.evidence(each.digest)[1].decode() for each in outcome.request.evidence}["lines.diff"]
    assert text == "declared.csv: differs (sealed); ties of fewer than 10 people come or go\n"
    assert set(re.findall(r"\w+", text)).isdisjoint({*PEOPLE, "BR"})
