"""An estate holds as it was signed for: the same files, whatever has the same digest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from armslength.gate import Conflict, Granted, PersonId, Refused, RequestState, Taken, Why
from armslength.service import Gate, Unfounded, check_gate
from tests.service.gates import PEOPLE, TOML, TestGate, approve, ask, estate, small_gate

NEW_PERSON = {**PEOPLE, "ivo": ("trust de", "DE", "trust staff")}


@pytest.fixture
def made(tmp_path: Path) -> TestGate:
    return small_gate(tmp_path / "gate")


def propose(gate: Gate, files: dict[str, bytes], who: str = "ann") -> RequestState:
    outcome = gate.propose(files, asker=PersonId(who), purpose="a change", caller=f"person:{who}")
    assert not isinstance(outcome, Refused), outcome
    return outcome


TEAMS = TOML.replace('apart = 2\ndistinct = ["unit"]\nminutes = 60', 'apart = 2\ndistinct = ["team"]\nminutes = 60')


def with_teams(team: Callable[[str], str]) -> dict[str, bytes]:
    lines = estate()["people.csv"].decode().splitlines()
    rows = [f"{lines[0]},team", *(f"{line},{team(line.partition(',')[0])}" for line in lines[1:])]
    return {**estate(toml=TEAMS), "people.csv": ("\n".join(rows) + "\n").encode()}


def test_what_is_adopted_is_what_was_signed_for(made: TestGate) -> None:
    """A second proposal of other files would be put under the signatures of the first."""
    first, commented = estate(people=NEW_PERSON), estate(people=NEW_PERSON)
    commented["estate.toml"] += b"# an afterthought\n"
    with made.running() as gate:
        id = propose(gate, first).request.id
        approve(gate, id, "ben")
        with pytest.raises(Conflict, match="of other files"):
            propose(gate, commented, who="dov")
        approve(gate, id, "cho")
        assert gate.request(id).adopted and gate.estate_files() == first
    assert check_gate(made.path).findings == ()


def test_teams_that_terms_tell_apart_by_are_part_of_what_is_signed(made: TestGate) -> None:
    """Everybody of one team, as it was signed, would be a quorum after the next start."""
    with made.running() as gate:
        id = propose(gate, with_teams(lambda person: "one")).request.id
        approve(gate, id, "ben")
        other = propose(gate, with_teams(lambda person: person), who="dov")
        assert other.request.context["change"] != gate.request(id).request.context["change"]
        approve(gate, id, "cho")
    for _ in range(2):
        with made.running() as gate:
            outcome = gate.ask(ask(), caller="person:bo")
            assert isinstance(outcome, Refused) and outcome.why is Why.IMPOSSIBLE
            assert b",one" in gate.estate_files()["people.csv"]


def swap(made: TestGate, digest: str) -> None:
    """Put other files of the same digest there, as whoever can write to the folder can."""
    toml = made.path / "estates" / digest / "estate.toml"
    toml.write_bytes(toml.read_bytes() + b"# mine\n")


@pytest.mark.parametrize("when", ["before", "after"])
def test_files_that_nobody_signed_for_do_not_hold(made: TestGate, when: str) -> None:
    """The digest would fit: it leaves out what the gate does not read today, and another version may read tomorrow."""
    with made.running() as gate:
        before = gate.digest
        id = propose(gate, estate(people=NEW_PERSON)).request.id
        after = next(each for each in gate.folder.estates.all() if each != before)
        approve(gate, id, "ben")
        if when == "before":
            swap(made, after)
        state = approve(gate, id, "cho")
        assert state.adopted is (when == "after")
        assert isinstance(state.status, Granted)
        if when == "before":
            assert gate.digest == before and isinstance(gate.lease(state.status.lease).status, Taken)
            return
    assert check_gate(made.path).findings == ()
    swap(made, after)
    with pytest.raises(Unfounded, match="not those that were adopted"):
        made.open()
    assert "not those that were signed for" in str(check_gate(made.path).findings)


def test_the_first_estate_is_held_to_its_files_too(made: TestGate) -> None:
    """It comes without a request, and nobody could ask which files it was."""
    with made.running() as gate:
        digest = gate.digest
    swap(made, digest)
    with pytest.raises(Unfounded, match="not those that were adopted"):
        made.open()
    assert "not those that the adoption names" in str(check_gate(made.path).findings)
