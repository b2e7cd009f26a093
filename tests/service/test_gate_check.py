"""The check of a gate finds what whoever runs it did: with the ledger's keys, with the estates' files, with anything
but the passkeys of a quorum."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from armslength.gate import (
    Approved,
    Assertion,
    Enrolled,
    Event,
    Leased,
    LeaseId,
    LeaseTerms,
    PersonId,
    Request,
    customers_of,
    fields_of,
    id_bytes,
    kind_of,
    moment,
    new_id,
    posix,
)
from armslength.ledger import Kind
from armslength.service import Act, Gate, check_gate
from armslength.store import read_ledger_folder
from tests.service.gates import MEETINGS, TestGate, approve, asked, enrol, key_of, leased, sign, small_gate, use
from tests.service.ledgers import opened as opened_ledger
from tests.service.ledgers import recorded
from tests.service.logs import seed


@pytest.fixture
def made(tmp_path: Path) -> TestGate:
    return small_gate(tmp_path / "gate")


def forged(made: TestGate, *events: Event, of: Request | LeaseTerms | None = None) -> None:
    """Put events into the ledger as whoever holds its keys can, and no gate does."""
    with opened_ledger(read_ledger_folder(made.path / "ledger"), clock=made.clock) as ledger:
        for event in events:
            act = Act(
                id=seed(repr(event))[:16] if not isinstance(event, Leased) else _act(event),
                kind=Kind(kind_of(event)),
                fields=fields_of(event, of=of),
                customers=customers_of(event, of=of),
            )
            recorded(ledger, act)


def _act(event: Leased) -> bytes:
    return id_bytes(str(event.lease["id"]))


def approval(request: Request, person: str, assertion: Assertion, at: int) -> Approved:
    return Approved(
        at=at,
        id=new_id("appr", seed(f"{person} {request.id}")[:16]),
        request=request.id,
        approver=person,
        assertion=assertion.form(),
        opened=(),
    )


def lease_of(gate: Gate, request: Request, *people: str, **more: object) -> Leased:
    start = max(gate.now(), request.window.start)
    terms = LeaseTerms(
        id=LeaseId(new_id("lease", seed(request.id)[:16])),
        gate=request.gate,
        request=request.id,
        executor=request.executor,
        action=request.action,
        resource=request.resource,
        customers=request.customers,
        start=start,
        end=moment(posix(start) + 600),
        uses=None,
        most_customers=None,
        rule="grants:2",
        terms="two-apart",
        approvers=tuple(map(PersonId, people)),
        estate=gate.digest,
    )
    return Leased(at=posix(gate.now()), lease=dict(dataclasses.replace(terms, **more).form()))  # type: ignore[arg-type]


def says(made: TestGate) -> str:
    return "\n".join(each.says for each in check_gate(made.path).findings if each.where.startswith("ledger:"))


def test_a_whole_life_has_nothing_wrong(made: TestGate) -> None:
    """A check that cried at honest gates would not be run."""
    with made.running() as gate:
        leased(gate, "export", MEETINGS, "acme", by="di")
        use(gate, "one", "export", MEETINGS, "acme")
        id = enrol(gate, "bo", 1)
        gate.vouch(id, PersonId("pat"), key_of("pat").sign(gate.enrolment(id).challenge()))
        other = asked(gate).request.id
        approve(gate, other, "di", "ed")
    found = check_gate(made.path)
    assert found.findings == ()
    assert (found.approvals, found.leases, found.uses) == (3, 2, 1) and found.keys > 10 and found.rows > 14


def test_made_up_approvals_are_found(made: TestGate) -> None:
    """With the ledger's keys, without the approvers' passkeys."""
    with made.running() as gate:
        request = asked(gate).request
        now = posix(gate.now())
        nothing = {
            person: dataclasses.replace(sign(gate, request.id, person), signature=b"no signature")
            for person in ("di", "ed")
        }
        events = [approval(request, person, assertion, now) for person, assertion in nothing.items()]
        lease = lease_of(gate, request, "di", "ed")
    forged(made, *events, lease, of=request)
    assert says(made).count("does not hold") == 2


CASES: dict[str, tuple[tuple[str, ...], dict[str, object], str]] = {
    "one person short": (("di",), {}, "without a quorum"),
    "in one state": (("cy", "fay"), {}, "without a quorum"),
    "longer": (("di", "ed"), {"end": moment(1_800_000_000 + 7200)}, "runs longer"),
    "other limits": (("di", "ed"), {"uses": 5}, "other limits"),
}


@pytest.mark.parametrize(("people", "more", "expected"), CASES.values(), ids=CASES.keys())
def test_a_lease_that_no_quorum_gave_is_found(
    made: TestGate, people: tuple[str, ...], more: dict[str, object], expected: str
) -> None:
    """Real signatures, and a lease that the rule does not give for them."""
    with made.running() as gate:
        request = asked(gate).request
        now = posix(gate.now())
        events = [approval(request, person, sign(gate, request.id, person), now) for person in people]
        lease = lease_of(gate, request, *people, **more)
    forged(made, *events, lease, of=request)
    assert expected in says(made)


def test_a_key_that_nobody_vouched_for_is_found(made: TestGate) -> None:
    """The signature over the enrolment is of something else, or of somebody who may not."""
    with made.running() as gate:
        asked(gate)
        id = enrol(gate, "di", 1)
        enrolment = gate.enrolment(id)
        now = posix(gate.now())
    powerless = enrolment.vouched(
        at=moment(now), voucher=PersonId("ana"), assertion=key_of("ana").sign(enrolment.challenge())
    )
    forged(made, powerless)
    assert "without the power" in says(made)
    other = small_gate(made.path.parent / "other")
    with other.running() as gate:
        asked(gate)
        other_id = enrol(gate, "di", 1)
        other_enrolment = gate.enrolment(other_id)
    unsigned: Enrolled = other_enrolment.vouched(
        at=moment(now), voucher=PersonId("pat"), assertion=key_of("pat").sign(b"0" * 32)
    )
    forged(other, unsigned)
    assert "does not hold" in says(other)


@pytest.mark.parametrize("change", ["files", "folder"])
def test_an_estate_that_was_changed_afterwards_is_found(made: TestGate, change: str) -> None:
    """The terms of that time, made milder so that an old lease looks right."""
    with made.running() as gate:
        leased(gate)
        digest = gate.digest
    toml = made.path / "estates" / digest / "estate.toml"
    if change == "files":
        toml.write_text(toml.read_text().replace("approvals = 2", "approvals = 1"))
    else:
        toml.parent.rename(toml.parent.with_name("0" * 64))
    assert "cannot be read" in says(made)


def test_what_a_forged_ledger_opens_is_found_by_the_check_alone(made: TestGate) -> None:
    """Said plainly: the gate believes its ledger's keys, and the check does not."""
    with made.running() as gate:
        request = asked(gate).request
        events = [approval(request, "cy", sign(gate, request.id, "cy"), posix(gate.now()))]
        lease = lease_of(gate, request, "cy")
    assert check_gate(made.path).findings == ()
    forged(made, *events, lease, of=request)
    assert "without a quorum" in says(made)
