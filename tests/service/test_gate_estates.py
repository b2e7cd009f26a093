"""Policy through the gate: another estate holds by a quorum apart from whoever gains by it, and by nothing else."""

from __future__ import annotations

from hashlib import sha256
from itertools import count
from pathlib import Path

import pytest

from armslength.estate import EstateError
from armslength.gate import CalledOff, Conflict, Granted, Over, PersonId, Refused, Rejected, RequestState, Taken, Why
from armslength.ledger import Json, Kind, canonical
from armslength.service import Gate, Redeemed, check_gate, read_records
from armslength.store import read_ledger_folder
from tests.service.gates import (
    GATE,
    GRANTS,
    MEETINGS,
    PEOPLE,
    TOML,
    TestGate,
    approve,
    ask,
    crashed,
    estate,
    leased,
    small_gate,
    use,
)

DAY = 86_400


@pytest.fixture
def made(tmp_path: Path) -> TestGate:
    return small_gate(tmp_path / "gate")


def propose(gate: Gate, files: dict[str, bytes], who: str = "ann", key: str | None = None) -> RequestState:
    outcome = gate.propose(files, asker=PersonId(who), purpose="a change", caller=f"person:{who}", key=key)
    assert not isinstance(outcome, Refused), outcome
    return outcome


NEW_PERSON = {**PEOPLE, "ivo": ("trust de", "DE", "trust staff")}
LOOSER = tuple(each for each in GRANTS if ",end," not in each) + ("group:liaison,end,asset:meetings-us,",)
"""Ana, in CN, could end meetings alone."""


def test_a_change_holds_at_its_quorum_and_ends_its_lease(made: TestGate) -> None:
    """Whoever changes policy alone needs no other access."""
    with made.running() as gate:
        before = gate.digest
        state = propose(gate, estate(people=NEW_PERSON))
        assert [each.name for each in state.request.evidence] == ["reach.md", "lines.diff", "absences.md"]
        assert "ivo" in gate.evidence(state.request.evidence[1].digest)[1].decode()
        approve(gate, state.request.id, "ben")
        assert gate.digest == before
        state = approve(gate, state.request.id, "cho")
        assert gate.digest != before and state.adopted
        assert isinstance(state.status, Granted)
        assert isinstance(gate.lease(state.status.lease).status, Over)
        assert gate.decider.roster.knows(PersonId("ivo"))
    with made.running() as gate:
        assert gate.decider.roster.knows(PersonId("ivo"))
    assert check_gate(made.path).findings == ()


def test_who_gains_by_a_change_has_no_part_in_it(made: TestGate) -> None:
    """A state that compels an administrator would widen its own reach."""
    with made.running() as gate:
        proposed = gate.proposed(propose(gate, estate(grants=LOOSER)).request.id)
        assert proposed is not None and "CN" in proposed.widened
        assert any(change.state == "CN" and change.action == "end" for change in proposed.changes)
        text = gate.evidence(gate.requests()[0].request.evidence[0].digest)[1].decode()
        assert "would grow: CN." in text and str(made.path) not in text
    # The same, with an approver whom CN can compel.
    other = small_gate(made.path.parent / "other")
    with other.running() as gate:
        travelling = ("cho,CN,2026-01-01,2030-01-01",)
        id = propose(gate, estate(travel=travelling)).request.id
        approve(gate, id, "ben", "dov")
        state = propose(gate, estate(travel=travelling, grants=LOOSER))
        with pytest.raises(Rejected, match="could not be in a quorum"):
            approve(gate, state.request.id, "cho")
        approve(gate, state.request.id, "ben")
        assert gate.request(state.request.id).waiting
        assert isinstance(approve(gate, state.request.id, "dov").status, Granted)
    assert check_gate(other.path).findings == ()


def test_a_change_that_is_not_the_gates_own_is_refused(made: TestGate) -> None:
    """Asked for like any access, it would come without the evidence of what it does."""
    with made.running() as gate:
        change = {"before": gate.digest, "after": "0" * 64, "widened": [], "what": ["policy"]}
        with pytest.raises(Rejected, match="the gate's own"):
            gate.ask(ask("operate", GATE, who="ann", context={"change": change}), caller="person:ann")


def test_nobody_is_locked_out(made: TestGate) -> None:
    """After it nobody could change anything any more, not even back."""
    with made.running() as gate:
        only = TOML.replace('approvers = "group:admins"', 'approvers = "person:ann"')
        for files in (
            estate(toml=only),
            estate(toml=TOML.replace('gate = "access-gate"\n', "")),
            estate(grants=tuple(each for each in GRANTS if "operate" not in each)),
        ):
            outcome = gate.propose(files, asker=PersonId("ann"), purpose="x", caller="c")
            assert isinstance(outcome, Refused) and outcome.why is Why.IMPOSSIBLE, outcome


def test_what_cannot_be_proposed_says_why(made: TestGate) -> None:
    """Every problem of the files at once, or a person tries again and again."""
    with made.running() as gate:
        files = estate()
        with pytest.raises(Conflict, match="nothing differs"):
            gate.propose(files, asker=PersonId("ann"), purpose="x", caller="c")
        files["people.csv"] += b"zed,,XX\n"
        files["grants.csv"] += b"group:nobody,read,asset:recordings,\n"
        with pytest.raises(EstateError) as caught:
            gate.propose(files, asker=PersonId("ann"), purpose="x", caller="c")
        assert {each.file for each in caught.value.problems} == {"people.csv", "grants.csv"}
        outcome = gate.propose(estate(people=NEW_PERSON), asker=PersonId("bo"), purpose="x", caller="c")
        assert isinstance(outcome, Refused) and outcome.why is Why.NO_RULE


def test_one_change_at_a_time(made: TestGate) -> None:
    """Two that were each looked at alone, adopted one after the other, are a third that nobody saw."""
    with made.running() as gate:
        first = propose(gate, estate(people=NEW_PERSON))
        second = propose(gate, estate(grants=(*GRANTS, "group:trust,read,asset:recordings,two-apart")))
        approve(gate, first.request.id, "ben", "cho")
        with pytest.raises(Conflict):
            approve(gate, second.request.id, "ben")
        assert isinstance(gate.request(second.request.id).status, CalledOff)
    assert check_gate(made.path).findings == ()


def test_leases_are_judged_again_under_another_estate(made: TestGate) -> None:
    """An approver who moved would hold open what they may no longer approve."""
    with made.running() as gate:
        lease = leased(gate)
        kept = leased(gate, "export", MEETINGS, by="di")
        moved = {**PEOPLE, "ed": ("trust sg", "US", "trust staff")}
        state = propose(gate, estate(people=moved))
        approve(gate, state.request.id, "ben", "cho")
        assert isinstance(gate.lease(lease.terms.id).status, Taken)
        assert gate.lease(kept.terms.id).live
        answer = use(gate, "one")
        assert isinstance(answer, Refused) and answer.why is Why.REVOKED
        assert isinstance(use(gate, "two", "export"), Redeemed)
    assert check_gate(made.path).findings == ()


def test_leases_are_judged_again_on_another_day(made: TestGate) -> None:
    """A journey begins at midnight, and with it what a state can compel."""
    day = "2027-01-16"
    toml = TOML.replace("minutes = 60", "minutes = 2880", 1)
    with made.running() as gate:
        state = propose(gate, estate(travel=(f"ed,US,{day},{day}",), toml=toml))
        approve(gate, state.request.id, "ben", "cho")
        lease = leased(gate)
        assert isinstance(use(gate, "one"), Redeemed)
        made.clock.now += DAY
        answer = use(gate, "two")  # before anything swept
        assert isinstance(answer, Refused) and answer.why is Why.REVOKED
        gate.tick()
        assert isinstance(gate.lease(lease.terms.id).status, Taken)
        assert lease.terms.id in gate.state.ended_early(gate.now())
    assert check_gate(made.path).findings == ()


def test_leases_are_judged_again_after_a_restart_on_another_day(made: TestGate) -> None:
    """A gate that was down at midnight; points that cannot ask go by its list."""
    toml = TOML.replace("minutes = 60", "minutes = 2880", 1)
    with made.running() as gate:
        state = propose(gate, estate(travel=("ed,US,2027-01-16,2027-01-16",), toml=toml))
        approve(gate, state.request.id, "ben", "cho")
        lease = leased(gate)
    made.clock.now += DAY
    with made.running() as gate:
        gate.tick()
        assert isinstance(gate.lease(lease.terms.id).status, Taken)


def test_a_change_is_adopted_whole_whenever_the_gate_ends(tmp_path: Path) -> None:
    """A lease on the gate itself that nothing came of would be one to change anything."""
    start = small_gate(tmp_path / "start")
    with start.running() as gate:
        id = propose(gate, estate(people=NEW_PERSON)).request.id
        approve(gate, id, "ben")
        before = gate.digest
    for at in count():
        made = start.copied(tmp_path / f"killed-{at}")
        if crashed(made, at, lambda gate: approve(gate, id, "cho")) is None:
            break
        with made.running() as gate:
            if "cho" not in gate.request(id).approvers():
                approve(gate, id, "cho")
            gate.tick()
            assert gate.digest != before and gate.request(id).adopted
            assert isinstance(gate.leases()[0].status, Over)
        assert check_gate(made.path).findings == ()
    assert at > 10


def test_an_estate_whose_files_are_changed_is_not_started(made: TestGate) -> None:
    """The ledger says which estate holds; a folder is believed only if it is that one."""
    with made.running() as gate:
        digest = gate.digest
    grants = made.path / "estates" / digest / "grants.csv"
    grants.write_bytes(grants.read_bytes() + b"person:ana,end,asset:meetings-us,two-apart\n")
    with pytest.raises(Exception, match="another|expected"):
        made.open()
    assert check_gate(made.path).findings


def test_newer_dates_are_taken_in_without_a_request(made: TestGate) -> None:
    """A source that was only looked at again would need a quorum each week."""
    with made.running() as gate:
        files = estate()
        files["assets.csv"] = b"\n".join(
            line + (b",as_of" if not number else b",2027-01-15")
            for number, line in enumerate(files["assets.csv"].splitlines())
        )
        gate.freshen(files)
        with pytest.raises(Rejected, match="another estate"):
            gate.freshen(estate(people=NEW_PERSON))
        assert gate.estate_files() == files
    records = read_records(read_ledger_folder(made.path / "ledger", signing=False))
    (said,) = [each.fields for each in records if each.record.kind is Kind.FINDING]
    hashes: dict[str, Json] = {name: sha256(data).hexdigest() for name, data in files.items()}
    assert sha256(canonical(hashes, label="files")).hexdigest() in str(said)
    with made.running() as gate:
        assert gate.estate_files() == files
    assert check_gate(made.path).findings == ()


def test_newer_dates_bring_nothing_else_with_them(made: TestGate) -> None:
    """Whoever hands in dates would hand in files that nobody signed for."""
    with made.running() as gate:
        files = estate()
        files["estate.toml"] += b"# an afterthought\n"
        with pytest.raises(Rejected, match="more than"):
            gate.freshen(files)
        assert gate.estate_files() == estate()


def test_absences_say_what_becomes_impossible(made: TestGate) -> None:
    """Keys that are lost with their owners lock everybody out."""
    with made.running() as gate:
        assert gate.simulate(frozenset()) == ()
        lost = gate.simulate(frozenset(map(PersonId, ("di", "ed", "gus"))))
        assert any(each.action == "end" for each in lost)
        state = propose(gate, estate(people=NEW_PERSON))
        text = gate.evidence(state.request.evidence[2].digest)[1].decode()
        assert "can compel is away" in text


def test_whom_a_change_favours_is_told_by_the_day_it_is_decided(made: TestGate) -> None:
    """Proposed the day before a journey, it would be approved by people whose state it favours on the day itself."""
    day = "2027-01-16"
    travel = (f"ben,CN,{day},{day}", f"cho,CN,{day},{day}")
    with made.running() as gate:
        state = propose(gate, estate(travel=travel))
        approve(gate, state.request.id, "cho", "dov")
        before = gate.digest
        files = estate(travel=travel, grants=(*GRANTS, "person:ben,read,asset:recordings,"))
        id = propose(gate, files).request.id
        assert "CN" not in gate.request(id).request.context["change"]["widened"]  # type: ignore[index, operator, call-overload]
        approve(gate, id, "cho")
        made.clock.now += DAY - 3600
        gate.tick()
        with pytest.raises(Rejected, match="could not be in a quorum"):
            approve(gate, id, "ben")
        approve(gate, id, "dov")
        assert gate.request(id).waiting and gate.digest == before
    assert check_gate(made.path).findings == ()


def test_a_change_that_bars_everybody_says_so_at_once(made: TestGate) -> None:
    """People would wait a day for an approval that nobody can give."""
    with made.running() as gate:
        files = estate(grants=(*GRANTS, "group:ops,operate,asset:status,glass"))
        outcome = gate.propose(files, asker=PersonId("ann"), purpose="x", caller="c")
        assert isinstance(outcome, Refused) and outcome.why is Why.IMPOSSIBLE
        assert "whose reach it widens (CN, DE, IE, SG)" in outcome.says
