"""Somebody who can write to the ledger, and holds nobody's passkey: what a start reads opens nothing for them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pytest

from armslength.estate import digest
from armslength.gate import (
    Adopted,
    Approval,
    ApprovalId,
    Assertion,
    Conflict,
    Enrolment,
    Event,
    Leased,
    LeaseId,
    LeaseTerms,
    PersonId,
    Refused,
    RequestState,
    Taken,
    Waiting,
    Why,
    fields_of,
    id_bytes,
    kind_of,
    new_id,
    posix,
    verify_revocations,
)
from armslength.ledger import Kind
from armslength.service import Act, Gate, read_records
from armslength.store import Source, parsed, read_ledger_folder
from tests.service.gates import (
    ACCOUNTS,
    MEETINGS,
    PEOPLE,
    TestGate,
    approve,
    asked,
    enrol,
    estate,
    key_of,
    leased,
    sign,
    small_gate,
    use,
)
from tests.service.logs import seed


@pytest.fixture
def made(tmp_path: Path) -> TestGate:
    return small_gate(tmp_path / "gate")


def write(gate: Gate, event: Event, act: bytes, of: RequestState) -> None:
    """Put an event into the gate's ledger, past the gate."""
    fields = fields_of(event, of=of.request)
    gate.ledger.append(Act(id=act, kind=Kind(kind_of(event)), fields=fields, customers=of.request.customers)).result(20)


def made_up(of: RequestState, person: str, assertion: Assertion | None = None) -> Approval:
    unsigned = Assertion(
        credential=key_of(person).credential, authenticator_data=b"x", client_data=b"y", signature=b"z"
    )
    return Approval(
        id=ApprovalId(new_id("appr", seed(f"{person} {of.request.id}")[:16])),
        request=of.request.id,
        approver=PersonId(person),
        assertion=assertion or unsigned,
        opened=tuple(each.digest for each in of.request.evidence),
        at=of.request.made,
    )


def lent(gate: Gate, of: RequestState, approvers: Sequence[str], **changed: object) -> LeaseTerms:
    """Terms as the gate would give them."""
    request = of.request
    members: dict[str, object] = {
        "id": LeaseId(new_id("lease", seed(request.id)[:16])),
        "gate": request.gate,
        "request": request.id,
        "executor": request.executor,
        "action": request.action,
        "resource": request.resource,
        "customers": request.customers,
        "start": request.made,
        "end": request.made + dt.timedelta(minutes=60),
        "uses": None,
        "most_customers": None,
        "rule": "grants:2",
        "terms": "two-apart",
        "approvers": tuple(map(PersonId, approvers)),
        "estate": gate.digest,
        **changed,
    }
    return LeaseTerms(**members)  # type: ignore[arg-type]


def write_lease(gate: Gate, of: RequestState, terms: LeaseTerms) -> None:
    write(gate, Leased(at=posix(terms.start), lease=dict(terms.form())), terms.act, of)


def findings(made: TestGate) -> list[str]:
    folder = read_ledger_folder(made.path / "ledger")
    return [
        str((each.fields or {}).get("evidence")) for each in read_records(folder) if each.record.kind is Kind.FINDING
    ]


def test_approvals_that_nobody_signed_open_nothing(made: TestGate) -> None:
    """One line for each approver, and a lease that no quorum gave."""
    with made.running() as gate:
        of = asked(gate)
        for person in ("di", "ed"):
            approval = made_up(of, person)
            write(gate, approval.event(), id_bytes(approval.id), of)
        terms = lent(gate, of, ("di", "ed"))
        write_lease(gate, of, terms)
    with made.running() as gate:
        assert terms.id not in gate.state.leases
        assert gate.request(of.request.id).approvers() == ()
        assert isinstance(use(gate, "a"), Refused)
        assert len(gate.health().tampered) == len(gate.health().mended.tampered) == 2
        with gate.database.reading() as tables:
            told = tables.outbox.newest(person=None, limit=1000)
        assert any(each.kind == "alarm" and b"has no effect" in each.body for each in told)
        approve(gate, of.request.id, "di", "ed")  # who sign it themselves
        assert len(gate.live()) == 1
    assert sum("has no effect" in says for says in findings(made)) == 2
    with made.running() as gate:
        assert len(gate.live()) == 1 and gate.health().tampered == ()


def test_another_persons_signature_is_not_theirs(made: TestGate) -> None:
    """Who approved it once would stand there as several."""
    with made.running() as gate:
        of = asked(gate)
        signed = sign(gate, of.request.id, "di")
        approve(gate, of.request.id, "di")
        borrowed = Assertion(
            credential=key_of("ed").credential,
            authenticator_data=signed.authenticator_data,
            client_data=signed.client_data,
            signature=signed.signature,
        )
        approval = made_up(of, "ed", borrowed)
        write(gate, approval.event(), id_bytes(approval.id), of)
    with made.running() as gate:
        assert gate.request(of.request.id).approvers() == ("di",)


@pytest.mark.parametrize(
    ("approvers", "changed", "says"),
    [
        (("di",), {}, "without a quorum"),
        (("di", "ed"), {"rule": "grants:7"}, "without a quorum"),
        (("di", "ed"), {"minutes": 120}, "runs longer than the 60 minutes"),
        (("di", "ed"), {"uses": 1000}, "has other limits"),
    ],
    ids=["too few", "another rule", "too long", "other limits"],
)
def test_a_lease_that_no_gate_gave_opens_nothing(
    made: TestGate, approvers: tuple[str, ...], changed: dict[str, object], says: str
) -> None:
    """The approvals are real, and the lease is for more than they were given for."""
    with made.running() as gate:
        of = asked(gate)
        approve(gate, of.request.id, "di")
        if "ed" in approvers:  # a crash came before the lease
            approval = made_up(of, "ed", sign(gate, of.request.id, "ed"))
            write(gate, approval.event(), id_bytes(approval.id), of)
        minutes = changed.pop("minutes", 60)
        assert isinstance(minutes, int)
        terms = lent(gate, of, approvers, end=of.request.made + dt.timedelta(minutes=minutes), **changed)
        write_lease(gate, of, terms)
    for _ in range(2):  # a snapshot of what still has to be ended would be believed
        with made.running() as gate:
            assert gate.state.leases[terms.id].live
            answer = use(gate, "a")
            assert isinstance(answer, Refused) and answer.why is Why.REVOKED and says in answer.says
            with pytest.raises(Conflict, match=says):
                gate.token(terms.id)
            assert any(says in each for each in gate.health().tampered)
    with made.running() as gate:
        gate.tick()
        status = gate.lease(terms.id).status
        assert isinstance(status, Taken) and says in status.reason
        listed = verify_revocations(gate.revocations(), gate._leasing.publics())
        assert terms.id in listed.revoked
    assert any(says in each for each in findings(made))


def test_customers_are_not_passed_over_by_writing_the_lease_down(made: TestGate) -> None:
    """They would have said no."""
    with made.running() as gate:
        of = asked(gate, "suspend", ACCOUNTS, "acme")
        approve(gate, of.request.id, "di")
        assert isinstance(gate.request(of.request.id).status, Waiting)
        terms = lent(gate, of, ("di",), rule="grants:6", terms="veto")
        write_lease(gate, of, terms)
    with made.running() as gate:
        answer = use(gate, "a", "suspend", ACCOUNTS, "acme")
        assert isinstance(answer, Refused) and "time to say no" in answer.says


def test_a_voucher_who_did_not_sign_vouches_for_nobody(made: TestGate) -> None:
    """A passkey of the writer's would count as an approver's."""
    with made.running() as gate:
        of = asked(gate)
        key = key_of("di", 9)
        enrolment = Enrolment(
            gate=of.request.gate,
            person=PersonId("di"),
            credential=key.credential,
            public_key=key.public_key,
            made=of.request.made,
        )
        signed = key_of("pat").sign(of.request.challenge())
        event = enrolment.vouched(at=of.request.made, voucher=PersonId("pat"), assertion=signed)
        gate.ledger.append(
            Act(id=seed("enrolled")[:16], kind=Kind.PEOPLE_CHANGE, fields=fields_of(event, of=None))
        ).result(20)
    with made.running() as gate:
        assert gate.state.key(key.credential) is None
        assert any("has no effect" in each for each in gate.health().tampered)


def test_an_estate_is_not_adopted_without_its_quorum(made: TestGate) -> None:
    """The rules themselves would be the writer's, and the lease that adopted them spent before anybody looks."""
    files = estate(people={**PEOPLE, "eve": ("x", "US", "trust staff")})
    with made.running() as gate:
        of = gate.propose(files, asker=PersonId("ann"), purpose="one more", caller="person:ann")
        assert isinstance(of, RequestState)
        before, after = gate.digest, digest(parsed(Source(description="the estate", files=files)).estate)
        approve(gate, of.request.id, "ben")
        terms = lent(gate, of, ("ben",), rule="grants:8", terms="gate-change")
        write_lease(gate, of, terms)
        adopted = Adopted(
            at=posix(terms.start), before=before, after=after, what=("people",), request=of.request.id, by="ann"
        )
        act = Act(id=seed("adopted")[:16], kind=Kind(kind_of(adopted)), fields=fields_of(adopted, of=None))
        gate.ledger.append(act).result(20)
    with made.running() as gate:
        gate.tick()
        assert gate.digest == before and not gate.decider.roster.knows(PersonId("eve"))
        assert not gate.lease(terms.id).live


def test_what_a_gate_recorded_itself_holds_when_all_of_it_is_read(made: TestGate) -> None:
    """A start without a snapshot would lose what people signed."""
    with made.running() as gate:
        leased(gate, "end", MEETINGS, "acme")
        id = enrol(gate, "di", 1)
        gate.vouch(id, PersonId("pat"), key_of("pat").sign(gate.enrolment(id).challenge()))
        of = gate.propose(
            estate(people={**PEOPLE, "eve": ("x", "US", "staff")}),
            asker=PersonId("ann"),
            purpose="one more",
            caller="person:ann",
        )
        assert isinstance(of, RequestState)
        approve(gate, of.request.id, "ben", "cho")
        leased(gate, "export", by="di")
        approve(gate, asked(gate, "delete", ACCOUNTS, "acme").request.id, "di")
        before = gate.state.snapshot()()
    with made.administrator() as db:
        db.execute("DELETE FROM snapshot")
    with made.running() as gate:
        assert gate.state.snapshot()() == before
        assert gate.health().tampered == ()
        assert not [says for says in gate.health().mended.tampered if "hold" in says or "effect" in says]
        assert isinstance(gate.token(gate.live()[0].terms.id), str)
