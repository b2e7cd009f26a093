"""A gate as people and enforcement points meet it: a quorum opens exactly what was asked for, everything is on record,
and whoever is refused learns why and who could help."""

from __future__ import annotations

from pathlib import Path

import pytest

from armslength.gate import (
    Conflict,
    Evidence,
    Granted,
    Hold,
    Open,
    PersonId,
    Question,
    Refused,
    Rejected,
    Standing,
    Target,
    TurnedDown,
    Waiting,
    Why,
    Window,
    moment,
    posix,
)
from armslength.ledger import Json, Kind
from armslength.service import Gate, Redeemed, Whose, check_gate, customer_bundle, read_records
from armslength.service.gate_asking import _differs
from armslength.store import read_ledger_folder
from tests.service.gates import (
    ACCOUNTS,
    MEETINGS,
    POINT,
    RECORDINGS,
    STATUS,
    TestGate,
    approve,
    ask,
    asked,
    leased,
    sign,
    small_gate,
    use,
)
from tests.service.logs import seed

HOUR = 3600


@pytest.fixture
def made(tmp_path: Path) -> TestGate:
    return small_gate(tmp_path / "gate")


def question(who: str, action: str, on: Target, *, asker: str | None = None) -> Question:
    executor = PersonId(who)
    return Question(
        executor=executor,
        asker=executor if asker is None else PersonId(asker),
        author=None,
        action=action,
        resource=on,
        context={},
    )


def recorded(made: TestGate, kind: Kind) -> list[dict[str, Json]]:
    """The events of a kind that the ledger has, one for each record."""
    folder = read_ledger_folder(made.path / "ledger")
    return [dict(each.fields or {}) for each in read_records(folder) if each.record.kind is kind]


def test_a_quorum_opens_exactly_what_was_asked_for(made: TestGate) -> None:
    """More than was approved is access that nobody approved."""
    with made.running() as gate:
        lease = leased(gate, "end", MEETINGS, "acme")
        assert lease.terms.approvers == ("di", "ed") and lease.terms.terms == "two-apart"
        assert posix(lease.terms.end) - posix(lease.terms.start) == HOUR
        assert isinstance(use(gate, "one", "end", MEETINGS, "acme"), Redeemed)
        for number, (action, on, customers, who) in enumerate(
            [
                ("end", MEETINGS, ("bolt",), "bo"),
                ("end", MEETINGS, ("acme", "bolt"), "bo"),
                ("end", ACCOUNTS, ("acme",), "bo"),
                ("export", MEETINGS, ("acme",), "bo"),
                ("end", MEETINGS, ("acme",), "dee"),
                ("end", MEETINGS, ("acme",), "ana"),
                ("end", MEETINGS, ("acme",), "nobody"),
            ]
        ):
            assert isinstance(use(gate, f"more {number}", action, on, *customers, who=who), Refused), (action, on, who)
        assert gate.lease(lease.terms.id).uses == 1
    assert check_gate(made.path).findings == ()


def test_a_quorum_inside_one_state_or_one_unit_is_none(made: TestGate) -> None:
    """The case this grew from: reviewers whom one state can compel approve whatever it wants."""
    with made.running() as gate:
        id = asked(gate).request.id
        assert approve(gate, id, "cy", "fay").waiting, "with bo all are in reach of the US"
        assert approve(gate, id, "gus").waiting
        assert isinstance(approve(gate, id, "ed").status, Granted)
        assert gate.leases()[0].terms.approvers == ("gus", "ed")


def test_nobody_approves_what_they_ask_for(made: TestGate) -> None:
    """Hazard seen elsewhere: no check that the approver is not the requester."""
    with made.running() as gate:
        id = asked(gate, asker=PersonId("cy"), author=PersonId("fay")).request.id
        for who in ("bo", "cy", "fay"):
            with pytest.raises(Rejected, match="nobody approves"):
                approve(gate, id, who)
        with pytest.raises(Rejected, match="not among the approvers"):
            approve(gate, id, "ana")
        with pytest.raises(Rejected, match="not in the people table|not enrolled"):
            gate.approve(id, PersonId("nobody"), sign(gate, id, "nobody"))


def test_borrowed_hands_inherit_the_limits_of_who_asks(made: TestGate) -> None:
    """Ana may not; so nor may Bo for her."""
    with made.running() as gate:
        assert isinstance(gate.look(question("bo", "view", STATUS)), Standing)
        refused = gate.look(question("bo", "view", STATUS, asker="ana"))
        assert isinstance(refused, Refused) and refused.why is Why.FORBIDDEN
        outcome = gate.ask(ask("view", STATUS, who="bo", asker=PersonId("ana")), caller="person:ana")
        assert isinstance(outcome, Refused) and outcome.why is Why.FORBIDDEN
        outcome = gate.ask(ask(who="ana"), caller="person:ana")
        assert isinstance(outcome, Refused) and outcome.why is Why.NO_RULE, "no rule gives it, so none forbids it"


def test_evidence_is_opened_before_it_is_signed(made: TestGate) -> None:
    """LGTM on a packet that nobody read."""
    with made.running() as gate:
        document = gate.put_evidence("complaint.txt", "text/plain", b"what somebody wrote")
        assert gate.evidence(document.digest) == ("text/plain", b"what somebody wrote")
        id = asked(gate, evidence=(document,)).request.id
        assert gate.unopened(id, PersonId("di")) == (document,)
        with pytest.raises(Rejected, match="not opened"):
            gate.approve(id, PersonId("di"), sign(gate, id, "di"))
        with pytest.raises(Rejected, match="no document"):
            gate.opened(id, PersonId("di"), b"0" * 32)
        gate.opened(id, PersonId("di"), document.digest)
        with pytest.raises(Rejected, match="not opened"):
            gate.approve(id, PersonId("ed"), sign(gate, id, "ed"))
        assert gate.approve(id, PersonId("di"), sign(gate, id, "di")).approvers() == ("di",)
        missing = Evidence(digest=b"1" * 32, media_type="text/plain", name="x.txt", size=3)
        with pytest.raises(Rejected, match="no document"):
            asked(gate, "export", evidence=(missing,))
        with pytest.raises(Rejected, match="plain file name"):
            gate.put_evidence("../x", "text/plain", b"")
        with pytest.raises(Rejected, match="expected at most"):
            gate.put_evidence("x", "text/plain", bytes(20_000_001))


def test_one_no_ends_a_request(made: TestGate) -> None:
    """A no that others could outvote would be asked for again and again."""
    with made.running() as gate:
        id = asked(gate).request.id
        approve(gate, id, "di")
        with pytest.raises(Rejected):
            gate.decline(id, PersonId("ana"), "no")
        state = gate.decline(id, PersonId("gus"), "the complaint is fabricated")
        assert isinstance(state.status, TurnedDown) and state.status.by == "gus"
        for verb in (
            lambda: approve(gate, id, "ed"),
            lambda: gate.unapprove(id, PersonId("di")),
            lambda: gate.withdraw(id, PersonId("bo")),
        ):
            with pytest.raises(Conflict, match="over"):
                verb()
    assert check_gate(made.path).findings == ()


def test_an_approval_taken_back_is_gone_for_good(made: TestGate) -> None:
    """Whoever kept the signature could give it again."""
    with made.running() as gate:
        id = asked(gate).request.id
        approve(gate, id, "di")
        assert gate.unapprove(id, PersonId("di")).approvers() == ()
        with pytest.raises(Rejected, match="taken back"):
            approve(gate, id, "di")
        assert approve(gate, id, "ed").waiting
        assert isinstance(approve(gate, id, "gus").status, Granted)
        assert isinstance(gate.request(id).status, Granted)
        with pytest.raises(Rejected, match="those who made it"):
            other = asked(gate, "export").request.id
            gate.withdraw(other, PersonId("di"))


def test_who_could_approve_is_said_before_and_after(made: TestGate) -> None:
    """Approval friction: nobody knows whom to ask."""
    with made.running() as gate:
        before = gate.who_could(ask())
        assert set(before.people) == {"di", "ed", "gus"} and before.complete
        id = asked(gate).request.id
        assert set(gate.who_could(id).people) == {"di", "ed", "gus"}
        assert [each.request.id for each in gate.waiting_for(PersonId("di"))] == [id]
        for who in ("bo", "ana", "cy", "ann"):
            assert gate.waiting_for(PersonId(who)) == ()
        approve(gate, id, "di")
        assert gate.waiting_for(PersonId("di")) == () and gate.waiting_for(PersonId("ed"))
        assert gate.who_could(id).sets[0] in {("ed",), ("gus",)}
        assert [each.request.id for each in gate.mine(PersonId("bo"))] == [id]
        with gate.database.reading() as tables:
            told = {who for who in ("di", "ed", "gus", "cy") if tables.outbox.newest(person=who)}
            assert any(each.kind == "waiting" for each in tables.outbox.newest(person="di"))
        assert {"di", "ed", "gus"} <= told


def test_what_nobody_could_approve_is_refused_at_once(made: TestGate) -> None:
    """A request that waits for nobody wastes a day."""
    with made.running() as gate:
        now = gate.now()
        for who in ("ed", "gus"):
            gate.go_away(PersonId(who), by=PersonId(who), start=now, ends=None)
        outcome = gate.ask(ask(), caller="person:bo")
        assert isinstance(outcome, Refused) and outcome.why is Why.IMPOSSIBLE
        assert gate.requests() == ()
        assert gate.come_back(PersonId("ed"))
        asked(gate)
    assert [each["reason"] for each in recorded(made, Kind.REFUSAL)] == ["nobody_could_approve"]


def test_a_key_of_a_caller_is_one_request(made: TestGate) -> None:
    """A point that retries would fill everybody's list."""
    with made.running() as gate:
        wanted = ask("end", MEETINGS, "acme")
        first = gate.ask(wanted, caller="point", key="k")
        assert gate.ask(wanted, caller="point", key="k") == first
        with pytest.raises(Conflict, match="used for another"):
            gate.ask(ask("end", MEETINGS, "bolt"), caller="point", key="k")
        assert not isinstance(gate.ask(ask("end", MEETINGS, "bolt"), caller="other", key="k"), Refused)
        assert len(gate.requests()) == 2
        for number, other in enumerate(
            (
                {"context": {"case": "17"}},
                {"hold": Hold(reason="court-order", until=moment(made.clock.now + 9999))},
                {"expires": moment(made.clock.now + 600)},
                {"window": Window(start=moment(made.clock.now), end=moment(made.clock.now + 99_999))},
                {"purpose": "another"},
            )
        ):
            one = asked(gate, "export", MEETINGS, f"c{number}", **other)
            assert _differs(one.request, ask("export", MEETINGS, f"c{number}")) is (number not in (2, 3))
            assert not _differs(one.request, ask("export", MEETINGS, f"c{number}", **other))
        later = {
            "expires": moment(made.clock.now + 601),
            "window": Window(start=moment(made.clock.now), end=moment(made.clock.now + 99_998)),
        }
        for name, value in later.items():
            assert _differs(first.request, ask("end", MEETINGS, "acme", **{name: value}))
        refused = ask(who="ana")
        assert isinstance(gate.ask(refused, caller="point", key="r"), Refused)
        assert not isinstance(gate.ask(ask("export"), caller="point", key="r"), Refused), "it left nothing"


def test_what_is_asked_for_is_checked_whole(made: TestGate) -> None:
    """One problem at a time is a day for each."""
    with made.running() as gate:
        with pytest.raises(Rejected) as caught:
            now = gate.now()
            gate.ask(ask("end", MEETINGS, " ", purpose="", window=Window(start=now, end=now), evidence=()), caller="c")
        assert len(caught.value.problems) >= 3
        with pytest.raises(Rejected, match="standing access"):
            gate.ask(ask("view", STATUS), caller="c")
        for action, on, why in [
            ("fly", MEETINGS, Why.UNKNOWN_ACTION),
            ("end", Target(type="asset", id="nothing"), Why.UNKNOWN_RESOURCE),
            ("read", ACCOUNTS, Why.NO_RULE),
        ]:
            outcome = gate.ask(ask(action, on), caller="c")
            assert isinstance(outcome, Refused) and outcome.why is why


def test_a_window_bounds_the_lease(made: TestGate) -> None:
    """Access for the maintenance on Saturday, not from now on."""
    with made.running() as gate:
        start = moment(made.clock.now + HOUR)
        window = Window(start=start, end=moment(made.clock.now + HOUR + 600))
        id = asked(gate, window=window).request.id
        lease = gate.lease(approve(gate, id, "di", "ed").status.lease)  # type: ignore[union-attr]
        assert (lease.terms.start, lease.terms.end) == (window.start, window.end)
        early = use(gate, "early")
        assert isinstance(early, Refused) and early.why is Why.NO_LEASE
        made.clock.now += HOUR
        assert isinstance(use(gate, "then"), Redeemed)


def test_uses_and_customers_are_counted(made: TestGate) -> None:
    """List-building: one lease, and customer after customer."""
    with made.running() as gate:
        leased(gate, "export", MEETINGS, "acme", by="di")
        assert [type(use(gate, f"x {n}", "export", MEETINGS, "acme")) for n in range(3)] == [
            Redeemed,
            Redeemed,
            Refused,
        ]
        assert isinstance(gate.leases()[0].status, type(gate.leases()[0].status)) and not gate.leases()[0].live
        lease = leased(gate, "read", RECORDINGS, by="di")
        for name, allowed in [("acme", True), ("bolt", True), ("acme", True), ("crow", False), ("bolt", True)]:
            made.clock.now += 1
            answer = use(gate, f"{name} {made.clock.now}", "read", RECORDINGS, name)
            assert isinstance(answer, Redeemed) == allowed, name
        assert gate.lease(lease.terms.id).customers_used == {"acme", "bolt"}
    assert check_gate(made.path).findings == ()


def test_a_use_that_names_nobody_is_told_to_all_of_its_lease(made: TestGate) -> None:
    """Whoever reads a customer's data would say of each use that it concerned nobody, and the customer never know."""
    with made.running() as gate:
        leased(gate, "end", MEETINGS, "acme", "bolt")
        assert isinstance(use(gate, "whose", "end", MEETINGS), Redeemed)
        leased(gate, "read", RECORDINGS, by="di")
        answer = use(gate, "anyone's", "read", RECORDINGS)
        assert isinstance(answer, Refused) and answer.why is Why.OUTSIDE and "name its customers" in answer.says
        assert isinstance(use(gate, "acme's", "read", RECORDINGS, "acme"), Redeemed)
        with pytest.raises(Conflict, match="live lease"):
            asked(gate, "read", RECORDINGS)
    folder = read_ledger_folder(made.path / "ledger")
    for customer, expected in {"acme": 6, "bolt": 5}.items():  # request, two approvals, lease, and uses
        assert len(customer_bundle(folder, Whose(name=customer)).opened) == expected


def test_the_same_use_is_one_use_for_a_while(made: TestGate) -> None:
    """A replayed use, by whoever saw it, opens nothing later and nothing else."""
    with made.running() as gate:
        leased(gate, "export", MEETINGS, "acme", by="di")
        first = use(gate, "one", "export", MEETINGS, "acme")
        again = use(gate, "one", "export", MEETINGS, "acme")
        assert isinstance(first, Redeemed) and isinstance(again, Redeemed)
        assert again.lease is not None and again.lease.uses == 1
        other = use(gate, "one", "export", MEETINGS)
        assert isinstance(other, Refused) and other.why is Why.SPENT
        made.clock.now += 121
        late = use(gate, "one", "export", MEETINGS, "acme")
        assert isinstance(late, Refused) and late.why is Why.SPENT
    with made.running() as gate:
        assert isinstance(use(gate, "one", "export", MEETINGS, "acme"), Refused)
        assert gate.leases()[0].uses == 1


def test_a_token_is_its_persons_alone(made: TestGate) -> None:
    """A stolen one must open nothing for whoever stole it."""
    with made.running() as gate:
        token = gate.token(leased(gate).terms.id)
        assert isinstance(use(gate, "one", token=token), Redeemed)
        stolen = use(gate, "two", who="dee", token=token)
        assert isinstance(stolen, Refused) and stolen.why is Why.OUTSIDE
        for forged in (token[:-4] + "AAAA", "x", token.split(".")[0] + "." + token.split(".")[1] + "."):
            assert isinstance(use(gate, f"f {forged[-8:]}", token=forged), Refused)
        other = gate.redeem(
            point=POINT, executor=PersonId("bo"), action="export", resource=MEETINGS, use=bytes(16), token=token
        )
        assert isinstance(other, Refused) and other.why is Why.OUTSIDE


def test_standing_access_is_recorded_where_it_concerns_a_customer(made: TestGate) -> None:
    """A customer's proof lists every access to their data, whoever needed no approval for it."""
    with made.running() as gate:
        looked = gate.look(question("bo", "view", STATUS))
        assert isinstance(looked, Standing)
        first = use(gate, "one", "view", STATUS)
        second = use(gate, "two", "view", STATUS, "acme")
        assert isinstance(first, Redeemed) and first.receipt is None
        assert isinstance(second, Redeemed) and second.receipt is not None
        assert isinstance(use(gate, "two", "view", STATUS, "acme"), Redeemed)
        assert isinstance(use(gate, "three", "view", STATUS, who="ana"), Refused)
    assert len(recorded(made, Kind.USE)) == 1


def test_a_point_that_nobody_knows_redeems_nothing(made: TestGate) -> None:
    """A name in a record that stands for no point says nothing of where an act was done."""
    with made.running() as gate:
        leased(gate)
        for point, drawn in (("elsewhere", seed("x")[:16]), (POINT, b"short")):
            answer = gate.redeem(point=point, executor=PersonId("bo"), action="end", resource=MEETINGS, use=drawn)
            assert isinstance(answer, Refused)


def test_refusals_are_on_record_and_no_flood(made: TestGate) -> None:
    """Every attempt is seen elsewhere; a loop of them fills nobody's disk."""
    with made.running() as gate:
        for number in range(20):
            use(gate, f"x {number}", "end", MEETINGS, "acme")
            use(gate, f"y {number}", "end", MEETINGS, who=f"stranger-{number}")
        made.clock.now += 61
        use(gate, "later", "end", MEETINGS, "acme")
        gate.tick()
    denied = recorded(made, Kind.REFUSAL)
    assert [each["executor"] for each in denied] == ["bo", "bo"]
    assert {each["reason"] for each in denied} == {"approval_required"}


def test_a_refusal_is_in_few_records(made: TestGate) -> None:
    """One that names a thousand customers would be a thousand records, as often as somebody likes."""
    names = [f"customer-{number:03}" for number in range(100)]
    with made.running() as gate:
        for number in range(100):
            outcome = gate.ask(ask("view", STATUS, *names[: 60 + number % 40], who="ana"), caller="person:ana")
            assert isinstance(outcome, Refused)
        use(gate, "few", "end", MEETINGS, *names[:3])
        gate.tick()
    denied = recorded(made, Kind.REFUSAL)
    assert len(denied) == 600, "30 refusals of 20 records each, and then no more in this minute"
    events = [each["firm_event"] for each in denied]
    assert all(len(event["customers"]) == 20 for event in events)  # type: ignore[call-overload,index,arg-type]
    assert {event["more"] for event in events} == set(range(40, 70))  # type: ignore[call-overload,index]
    assert check_gate(made.path).findings == ()


def test_a_refused_request_names_who_wanted_it(made: TestGate) -> None:
    """The colleague whose hands were borrowed would stand in the ledger alone."""
    with made.running() as gate:
        outcome = gate.ask(ask("view", STATUS, "acme", who="bo", asker=PersonId("ana")), caller="person:ana")
        assert isinstance(outcome, Refused)
        gate.tick()
    (denied,) = recorded(made, Kind.REFUSAL)
    assert (denied["executor"], denied["asker"]) == ("bo", "ana")


def test_everything_is_in_the_customers_bundle(made: TestGate) -> None:
    """A customer proves offline that every access to their data is in it, and reads nothing that is the firm's."""
    with made.running() as gate:
        leased(gate, "end", MEETINGS, "acme")
        use(gate, "one", "end", MEETINGS, "acme")
        use(gate, "two", "end", MEETINGS, "bolt")
        gate.revoke(gate.leases()[0].terms.id, PersonId("di"), "done")
    folder = read_ledger_folder(made.path / "ledger")
    bundle = customer_bundle(folder, Whose(name="acme"))
    assert len(bundle.opened) == 6  # request, two approvals, lease, use, revocation
    assert not any(
        b"firm_event" in repr(field).encode() and hasattr(field, "value") for o in bundle.opened for field in o.fields
    )


def test_a_lease_is_given_back_or_taken_away(made: TestGate) -> None:
    """Privileges that outlive their need are what is stolen."""
    with made.running() as gate:
        lease = leased(gate)
        with pytest.raises(Rejected, match="given back by"):
            gate.give_back(lease.terms.id, PersonId("di"))
        gate.give_back(lease.terms.id, PersonId("bo"))
        answer = use(gate, "one")
        assert isinstance(answer, Refused) and answer.why is Why.EXPIRED
        with pytest.raises(Conflict):
            gate.revoke(lease.terms.id, PersonId("di"), "late")
        other = leased(gate, "export", by="di")
        with pytest.raises(Rejected, match="revoked by those"):
            gate.revoke(other.terms.id, PersonId("ana"), "x")
        gate.revoke(other.terms.id, PersonId("gus"), "could have approved it")
        answer = use(gate, "two", "export")
        assert isinstance(answer, Refused) and answer.why is Why.REVOKED and "gus" not in answer.says


def test_looking_changes_nothing(made: TestGate) -> None:
    """An evaluation is asked thousands of times a second."""
    with made.running() as gate:
        before = gate.state.position
        assert isinstance(gate.look(question("bo", "end", MEETINGS)), Open)
        assert isinstance(gate.request(asked(gate).request.id).status, Waiting)
        after = gate.state.position
        for _ in range(10):
            gate.look(question("bo", "end", MEETINGS))
        assert gate.state.position == after > before


def test_a_restart_forgets_nothing(made: TestGate) -> None:
    """Requests, leases and keys are what the ledger says, however the gate ended."""

    def everything(gate: Gate) -> object:
        return [gate.state.document(*each) for each in gate.state.objects()]

    with made.running() as gate:
        leased(gate, "end", MEETINGS, "acme")
        asked(gate, "export")
        use(gate, "one", "end", MEETINGS, "acme")
        before = everything(gate)
    with made.running() as gate:
        assert sorted(everything(gate)) == sorted(before)  # type: ignore[type-var, arg-type]
        assert gate.health().mended.replayed <= 3
