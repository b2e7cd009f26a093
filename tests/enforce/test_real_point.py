"""A point against the real gate: what it let pass while the gate was away is in the ledger afterwards, once each."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from armslength.enforce import Act, Allowed, GateClient, PointSettings, Redeemed
from armslength.gate import PersonId, Refused, Target, Why
from armslength.service import check_gate
from tests.enforce.fronts import middleware_front, nginx_front, status, why
from tests.enforce.nginx import needs_nginx
from tests.enforce.real_gate import HOST, ORIGIN, SECRET, RealGate, files, real_gate
from tests.service.gates import approve

MEETINGS = Target(type="asset", id="meetings-us")
END = Act(person=PersonId("bo"), action="end", resource=MEETINGS, customers=("acme",))
EXPORT = Act(person=PersonId("bo"), action="export", resource=MEETINGS)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[RealGate]:
    with real_gate(tmp_path / "gate") as found:
        yield found


def test_uses_of_a_time_without_the_gate_are_in_the_ledger_afterwards(gate: RealGate, tmp_path: Path) -> None:
    """A customer would never read of what was done to them while the gate was down."""
    lease = gate.leased("end", "acme")
    token = gate.gate.token(lease.terms.id)
    point = gate.point(tmp_path / "spool")
    point.look()
    gate.away()
    for _ in range(5):
        assert isinstance(point.allow(END, token=token), Allowed)
    other = Act(person=PersonId("bo"), action="end", resource=MEETINGS, customers=("beta",))
    refused = point.allow(other, token=token)
    assert isinstance(refused, Refused) and refused.why is Why.OUTSIDE
    assert gate.uses() == []
    gate.serve()
    point.look()
    uses = gate.uses()
    assert len(uses) == 5 and all(each.done is not None and each.customers == ("acme",) for each in uses)
    point.look()
    assert len(gate.uses()) == 5 and gate.gate.lease(lease.terms.id).uses == 5
    point.close()
    gate.close()
    assert check_gate(gate.path).findings == ()


def test_a_batch_that_is_sent_twice_is_recorded_once(gate: RealGate, tmp_path: Path) -> None:
    """A connection that breaks after the gate has recorded would double what the customer reads."""
    token = gate.gate.token(gate.leased("end", "acme").terms.id)
    point = gate.point(tmp_path / "spool")
    point.look()
    assert isinstance(point.allow(END, token=token), Allowed)
    point.close()  # sends it
    from armslength.enforce import Spool, SpooledUse
    from armslength.tlog import parse_base64url

    (use,) = gate.uses()
    again = SpooledUse(
        id=parse_base64url(use.use, 16),
        lease=gate.gate.live()[0].terms.id,
        executor=PersonId("bo"),
        action="end",
        resource=MEETINGS,
        customers=("acme",),
        at=use.done or 0,
    )
    spool = Spool(tmp_path / "spool")
    spool.add(again)
    spool.close()
    second = gate.point(tmp_path / "spool")
    second.look()
    assert second.health().spooled == 0 and len(gate.uses()) == 1


def test_a_use_under_a_lease_that_was_revoked_meanwhile_is_on_record_and_seen(gate: RealGate, tmp_path: Path) -> None:
    """It happened. A ledger that turns it away would be a way to hide it."""
    lease = gate.leased("end", "acme")
    token = gate.gate.token(lease.terms.id)
    point = gate.point(tmp_path / "spool")
    point.look()
    gate.gate.revoke(lease.terms.id, lease.terms.approvers[0], "wrong meeting")
    assert isinstance(point.allow(END, token=token), Allowed)  # its list is younger than a minute
    point.look()
    assert len(gate.uses()) == 1
    refused = point.allow(END, token=token)
    assert isinstance(refused, Refused) and refused.why is Why.REVOKED and refused.says == "the lease was revoked"


def test_a_use_is_good_for_one_act(gate: RealGate) -> None:
    """Whoever sees a use go by would carry out another act in its name."""
    gate.leased("export", by="di")
    gate.leased("end", "acme")
    client = GateClient(PointSettings(url=gate.url, gate=ORIGIN, secret=SECRET, spool=None))
    use = bytes(range(16))
    first = client.redeem(EXPORT, use=use, token=None)
    assert isinstance(first, Redeemed)
    assert isinstance(client.redeem(EXPORT, use=use, token=None), Redeemed)  # asked again: the same use
    assert len(gate.uses()) == 1
    other = client.redeem(END, use=use, token=None)
    assert isinstance(other, Refused) and other.why is Why.SPENT
    stranger = Act(person=PersonId("dee"), action="export", resource=MEETINGS)
    assert isinstance(client.redeem(stranger, use=use, token=None), Refused)
    assert len(gate.uses()) == 1
    client.close()


def test_several_points_share_the_uses_of_a_lease(gate: RealGate, tmp_path: Path) -> None:
    """Two uses would be two for each worker of each service."""
    lease = gate.leased("export", by="di")
    token = gate.gate.token(lease.terms.id)
    points = [gate.point(tmp_path / f"spool-{number}") for number in range(3)]
    answers: list[Allowed | Refused] = []
    for point in points:
        point.look()
    threads = [
        threading.Thread(target=lambda point=point, sent=sent: answers.append(point.allow(EXPORT, token=sent)))  # type: ignore[misc]
        for point in points
        for sent in (token, None, token)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    allowed = [answer for answer in answers if isinstance(answer, Allowed)]
    assert len(allowed) == 2 == len(gate.uses())
    assert {answer.why for answer in answers if isinstance(answer, Refused)} == {Why.SPENT}


@needs_nginx
def test_with_the_gate_down_a_checked_lease_goes_on_and_nginx_is_closed(gate: RealGate, tmp_path: Path) -> None:
    """Honest work would stop at each restart; or, at nginx, go on without a record."""
    gate.leased("end", "acme")
    line = "DELETE /meetings/acme"
    with (
        nginx_front(tmp_path / "nginx", gate) as (nginx, service),
        middleware_front(tmp_path, gate, spool=tmp_path / "spool") as middleware,
    ):
        assert status(nginx.send(line)) == status(middleware.send(line)) == 200
        gate.away()
        assert status(middleware.send(line)) == 200
        answer = nginx.send(line)
        assert (status(answer), why(answer)) == (503, "gate_unreachable") and len(service.seen) == 1
        assert status(middleware.send(line, "X-Test-Person: dee")) == 403
        gate.serve()
        end = time.monotonic() + 20
        while len(gate.uses()) < 3 and time.monotonic() < end:
            time.sleep(0.1)
    assert len(gate.uses()) == 3


def test_a_changed_estate_changes_what_requests_mean(gate: RealGate, tmp_path: Path) -> None:
    """A point with old routes would let an act pass that is another one by now."""
    point = gate.point(None)
    point.look()
    routes = point.routes()
    point.look()
    assert point.routes() is routes  # read once for each estate
    changed = {**files(), "routes.csv": files()["routes.csv"].replace(b"/status,view,status", b"/state,view,status")}
    asked = gate.gate.propose(changed, asker=PersonId("ann"), purpose="a new path", caller="person:ann")
    assert not isinstance(asked, Refused), asked
    approve(gate.gate, asked.request.id, "ben", "cho")
    point.look()
    now = point.routes()
    assert not isinstance(now, Refused)
    assert isinstance(now.match("GET", HOST, "/status"), Refused)
    found = now.match("GET", HOST, "/state")
    assert not isinstance(found, Refused) and found.action == "view"
