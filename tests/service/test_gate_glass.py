"""Break-glass is quicker and never weaker: never one state, and always looked at by somebody who may."""

from __future__ import annotations

from pathlib import Path

import pytest

from armslength.gate import PersonId, Refused, Rejected, RequestState
from armslength.service import Gate, Unfounded, check_gate, create_gate
from armslength.store import StoreError
from tests.service.gates import GRANTS, TOML, TestGate, approve, estate, leased, settings, small_gate


@pytest.fixture
def made(tmp_path: Path) -> TestGate:
    return small_gate(tmp_path / "gate")


def propose(gate: Gate, files: dict[str, bytes]) -> RequestState:
    outcome = gate.propose(files, asker=PersonId("ann"), purpose="a change", caller="person:ann")
    assert not isinstance(outcome, Refused), outcome
    return outcome


def renamed() -> dict[str, bytes]:
    grants = tuple(each.replace(",glass", ",rapid") for each in GRANTS)
    return estate(toml=TOML.replace("[terms.glass]", "[terms.rapid]"), grants=grants)


ALONE = TOML.replace('approvers = "group:trust"\napart = 1\nminutes = 15', 'approvers = "group:trust"\nminutes = 15')


def set_break_glass(made: TestGate, ids: str) -> None:
    place = made.path / "gate.toml"
    place.write_text(place.read_text().replace('break_glass = ["glass"]', f"break_glass = [{ids}]"))


def test_break_glass_is_never_one_state(made: TestGate) -> None:
    """Two people whom one state can compel would open everything, in the name of an emergency."""
    folder = made.path.parent
    for ids, files, says in (
        (("glass", "none"), estate(), "none of that id"),
        (("glass",), estate(toml=ALONE), "apart = 0"),
    ):
        with pytest.raises(StoreError, match=says):
            create_gate(folder / "new", settings=settings(break_glass=ids), estate=files)
        assert not (folder / "new").exists()
    with made.running() as gate:
        for files in (estate(toml=ALONE), renamed()):
            with pytest.raises(Rejected, match="glass"):
                propose(gate, files)
    set_break_glass(made, '"glass", "none"')
    with pytest.raises(Unfounded, match="'none', and the estate has none"):
        made.open()
    assert "none of that id" in str(check_gate(made.path).findings)


def test_a_review_stays_with_those_it_was_for(made: TestGate) -> None:
    """Terms that are gone would let anybody sign it off."""
    with made.running() as gate:
        lease = leased(gate, "restart", by="di")
    set_break_glass(made, "")
    with made.running() as gate:
        state = propose(gate, renamed())
        approve(gate, state.request.id, "ben", "cho")
        made.clock.now += 1200
        gate.tick()
        assert all(each.id != "glass" for each in gate.decider.estate.settings.terms)
        with pytest.raises(Rejected, match="not among the approvers"):
            gate.review(lease.terms.id, PersonId("ana"), "fine")
        gate.review(lease.terms.id, PersonId("gus"), "the service was down")
