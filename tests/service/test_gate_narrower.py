"""Terms that were made narrower hold for what was given before, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from armslength.gate import PersonId, Refused, RequestState, Taken
from armslength.service import Gate, Redeemed, check_gate
from tests.service.gates import (
    ACCOUNTS,
    GRANTS,
    MEETINGS,
    PEOPLE,
    RECORDINGS,
    TOML,
    TestGate,
    approve,
    asked,
    deliver,
    estate,
    leased,
    small_gate,
    use,
)

NEW_PERSON = {**PEOPLE, "ivo": ("trust de", "DE", "trust staff")}


@pytest.fixture
def made(tmp_path: Path) -> TestGate:
    return small_gate(tmp_path / "gate")


def adopt(gate: Gate, files: dict[str, bytes]) -> RequestState:
    outcome = gate.propose(files, asker=PersonId("ann"), purpose="a change", caller="person:ann")
    assert not isinstance(outcome, Refused), outcome
    return approve(gate, outcome.request.id, "ben", "cho")


TIGHTER = {
    "minutes": ("end", "two-apart", "minutes = 60", "minutes = 1"),
    "uses": ("end", "two-apart", "minutes = 60", "minutes = 60\nuses = 9"),
    "fewer uses": ("export", "twice", "uses = 2", "uses = 1"),
    "customers": ("end", "two-apart", "minutes = 60", "minutes = 60\ncustomers = 1"),
    "fewer customers": ("read", "few", "customers = 2", "customers = 1"),
    "their yes": ("end", "two-apart", "minutes = 60", 'minutes = 60\ncustomer = "approve"'),
    "their no": ("end", "two-apart", "minutes = 60", 'minutes = 60\ncustomer = "veto"'),
}


@pytest.mark.parametrize(("action", "terms", "old", "new"), TIGHTER.values(), ids=TIGHTER.keys())
def test_a_lease_wider_than_its_terms_are_now_ends(made: TestGate, action: str, terms: str, old: str, new: str) -> None:
    """Terms are made narrower because something happened; what was given before would go on for its hours."""
    start = TOML.index(f"[terms.{terms}]")
    toml = TOML[:start] + TOML[start:].replace(old, new, 1)
    on, by = (RECORDINGS, "di") if action == "read" else (MEETINGS, "di" if action == "export" else "di ed")
    customers = () if action in ("read", "export") else ("acme", "bolt")
    with made.running() as gate:
        lease = leased(gate, action, on, *customers, by=by)
        kept = leased(gate, "restart", by="di")
        assert adopt(gate, estate(toml=toml)).adopted
        assert isinstance(gate.lease(lease.terms.id).status, Taken)
        assert gate.lease(kept.terms.id).live
        answer = use(gate, "one", action, on, *(customers[:1] or ("acme",) if action == "read" else customers[:1]))
        assert isinstance(answer, Refused)
    assert check_gate(made.path).findings == ()


def test_a_lease_no_wider_than_some_terms_that_lead_to_it_goes_on(made: TestGate) -> None:
    """Terms that are made wider, or others beside them, take nothing away."""
    start = TOML.index("[terms.twice]")
    other = '[terms.wide]\napprovals = 1\napprovers = "group:trust"\nminutes = 90\nuses = 5\n\n'
    toml = TOML[:start].replace("minutes = 60", "minutes = 120") + other + TOML[start:].replace("uses = 2", "uses = 1")
    grants = (*GRANTS, "group:ops,export,asset:meetings-us,wide")
    with made.running() as gate:
        longer, beside = leased(gate), leased(gate, "export", by="di")
        assert adopt(gate, estate(toml=toml, grants=grants)).adopted
        assert gate.lease(longer.terms.id).live and gate.lease(beside.terms.id).live
        assert isinstance(use(gate, "one", "export"), Redeemed)


def test_a_lease_that_customers_had_their_word_on_goes_on(tmp_path: Path) -> None:
    """It would end at each change of anything, though nobody would refuse it."""
    made = small_gate(tmp_path / "gate", veto_minutes=5)
    with made.running() as gate:
        id = asked(gate, "delete", ACCOUNTS, "acme").request.id
        gate.voice(gate.voice_token(id, "acme"), True)
        approve(gate, id, "di")
        other = asked(gate, "suspend", ACCOUNTS, "acme").request.id
        deliver(gate, made.clock)
        approve(gate, other, "di")
        made.clock.now += 301
        gate.tick()
        assert adopt(gate, estate(people=NEW_PERSON)).adopted
        assert {each.terms.request for each in gate.leases() if each.live} == {id, other}
