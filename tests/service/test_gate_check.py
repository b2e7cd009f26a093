"""The check of a gate finds what whoever runs it did: with the ledger's keys, with the estates' files, with anything
but the passkeys of a quorum."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from armslength.estate import content, digest
from armslength.gate import (
    Adopted,
    Approved,
    Assertion,
    Enrolled,
    Event,
    Granted,
    Leased,
    LeaseId,
    LeaseTerms,
    Open,
    Over,
    PersonId,
    Question,
    Request,
    Requested,
    RequestId,
    Taken,
    Target,
    Window,
    customers_of,
    fields_of,
    id_bytes,
    kind_of,
    moment,
    new_id,
    posix,
)
from armslength.ledger import Json, Kind
from armslength.service import Act, Gate, check_gate, create_gate
from armslength.service.gate_change import change_of
from armslength.store import Source, parsed, read_ledger_folder
from tests.service.gates import (
    GRANTS,
    MEETINGS,
    ORIGIN,
    PEOPLE,
    POLICY,
    STATUS,
    TestGate,
    approve,
    asked,
    enrol,
    estate,
    key_of,
    leased,
    settings,
    sign,
    small_gate,
    use,
)
from tests.service.ledgers import Chance, Clock, recorded
from tests.service.ledgers import opened as opened_ledger
from tests.service.logs import seed

DAY = 86_400


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


def gate_of(path: Path, files: dict[str, bytes]) -> TestGate:
    """A gate of another estate, everyone with a passkey."""
    made = TestGate(path, Clock())
    create_gate(path, settings=settings(), estate=files, clock=made.clock, chance=Chance(f"making {path}"))
    with made.running() as gate:
        for person in PEOPLE:
            gate.found(enrol(gate, person))
    return made


MORE = (*GRANTS, "group:ops,operate,asset:status,glass")
"""Another asset than the gate can be operated, by milder terms."""


def change_on(gate: Gate, on: Target) -> Request:
    """A request for another estate that is none of the gate's making."""
    files = estate(grants=MORE, people={**PEOPLE, "eve": ("x", "US", "staff")})
    new = parsed(Source(description="new", files=files)).estate
    gate.folder.estates.keep(files)
    change: dict[str, Json] = {
        "after": digest(new),
        "before": gate.digest,
        "files": content(new, files),
        "what": ["people"],
        "widened": [],
    }
    now = gate.now()
    return Request(
        id=RequestId(new_id("req", seed("a change")[:16])),
        gate=ORIGIN,
        executor=PersonId("bo"),
        asker=PersonId("bo"),
        author=None,
        action="operate",
        resource=on,
        customers=(),
        purpose="a change",
        context={"change": change},
        evidence=(),
        window=Window(start=now, end=moment(posix(now) + DAY)),
        made=now,
        expires=moment(posix(now) + DAY),
    )


def test_an_estate_is_not_adopted_by_a_lease_on_something_else(tmp_path: Path) -> None:
    """Terms of some other asset, easier to meet, would change everything."""
    made = gate_of(tmp_path / "gate", estate(grants=MORE))
    with made.running() as gate:
        request, before = change_on(gate, STATUS), gate.digest
        asked_for = Requested(at=posix(request.made), form=dict(request.form()), estate=before)
    forged(made, asked_for)
    with made.running() as gate:
        state = approve(gate, request.id, "ed")
        assert isinstance(state.status, Granted) and isinstance(gate.lease(state.status.lease).status, Taken)
        assert gate.digest == before and not state.adopted
    assert says(made) == ""


def test_an_adoption_that_no_lease_on_the_gate_allowed_is_found(tmp_path: Path) -> None:
    """Signed by real people, for a lease on a page, and carried out on the gate."""
    made = gate_of(tmp_path / "gate", estate(grants=MORE))
    with made.running() as gate:
        request, now = change_on(gate, STATUS), posix(gate.now())
        change = change_of(request)
        assert change is not None
        events: list[Event] = [
            Requested(at=now, form=dict(request.form()), estate=gate.digest),
            approval(request, "ed", key_of("ed").sign(request.challenge()), now),
            lease_of(gate, request, "ed", terms="glass", rule=rule_of(gate, request)),
            Adopted(
                at=now,
                before=gate.digest,
                after=change.after,
                what=("people",),
                request=request.id,
                by="bo",
                files=change.files,
            ),
        ]
    forged(made, *events, of=request)
    assert says(made).splitlines() == ["an estate was adopted by a request for something else than the gate"]


def rule_of(gate: Gate, request: Request) -> str:
    look = gate.decider.look(Question.of(request))
    assert isinstance(look, Open)
    return look.passages[0].rule


STANDING = """
@id("help")
permit (principal in Group::"desk", action == Action::"assume", resource is Person);
"""


def test_who_may_vouch_by_a_permit_may(tmp_path: Path) -> None:
    """A check that cried at honest gates would not be run."""
    made = gate_of(tmp_path / "gate", estate(policy=POLICY + STANDING))
    with made.running() as gate:
        asked(gate)
        id = enrol(gate, "cy", 1)
        gate.vouch(id, PersonId("hal"), key_of("hal").sign(gate.enrolment(id).challenge()))
    assert check_gate(made.path).findings == ()


def test_a_lease_to_vouch_is_used_up_by_it(made: TestGate) -> None:
    """A lease that was taken away, or was for two passkeys, would be good for any number."""
    with made.running() as gate:
        bo = Target(type="person", id="bo")
        lease = approve(gate, asked(gate, "assume", bo, who="hal").request.id, "di").status
        assert isinstance(lease, Granted)
        for number in (1, 2):
            id = enrol(gate, "bo", number)
            gate.vouch(id, PersonId("hal"), key_of("hal").sign(gate.enrolment(id).challenge()))
        assert isinstance(gate.lease(lease.lease).status, Over)
        third = gate.enrolment(enrol(gate, "bo", 3))
        now = gate.now()
    assert check_gate(made.path).findings == ()
    forged(made, third.vouched(at=now, voucher=PersonId("hal"), assertion=key_of("hal").sign(third.challenge())))
    assert "hal vouched for bo without the power to" in says(made)


def test_a_lease_that_was_taken_away_vouches_for_nobody(made: TestGate) -> None:
    """Taken away for a reason, and the passkey would be there all the same."""
    with made.running() as gate:
        bo = Target(type="person", id="bo")
        lease = approve(gate, asked(gate, "assume", bo, who="hal").request.id, "di").status
        assert isinstance(lease, Granted)
        use(gate, "one", "assume", bo, who="hal")
        gate.revoke(lease.lease, PersonId("di"), "stop")
        made.clock.now += 5
        enrolment = gate.enrolment(enrol(gate, "bo", 1))
        now = gate.now()
    forged(
        made, enrolment.vouched(at=now, voucher=PersonId("hal"), assertion=key_of("hal").sign(enrolment.challenge()))
    )
    assert "hal vouched for bo without the power to" in says(made)
