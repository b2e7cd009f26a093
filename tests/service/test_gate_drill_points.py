"""At enforcement points a drill is nothing: whatever of it is shown there, the answer is no, as it was before."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from armslength.gate import Drill, PersonId, Used
from armslength.service import DrillDesk, DrillWanted, known_gate, plan_drill
from armslength.store import read_gate_folder
from armslength.tlog import format_base64url
from tests.service.gates import BREAK_GLASS, MEETINGS, estate, key_of
from tests.service.ledgers import Chance
from tests.web.gated import EVERYBODY, Served, served_with

ROUTES = b"host,method,path,action,resource,customers\napp.example.com,POST,/restart,restart,asset:meetings-us,\n"


@pytest.fixture(scope="module")
def pdp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    files = {**estate(), "routes.csv": ROUTES}
    with served_with(tmp_path_factory.mktemp("points"), files, *EVERYBODY, break_glass=(BREAK_GLASS,)) as found:
        yield found


@pytest.fixture(scope="module")
def drill(pdp: Served) -> Drill:
    """One that a quorum signed: on the day this would open the way to restart."""
    folder = read_gate_folder(pdp.made.path)
    host = DrillDesk(folder, clock=pdp.clock)
    plan = plan_drill(known_gate(folder, clock=pdp.clock), DrillWanted())
    made = host.announce(plan, organiser="pat", purpose="Once.", hours=5, chance=Chance("points"))
    host.close()
    pdp.gate.tick()
    for person in ("di", "ed"):
        pdp.gate.drills.sign(made.id, PersonId(person), key_of(person).sign(made.challenge()))
    standing = pdp.gate.drills.under_way()
    assert standing is not None and standing.quorum is not None and plan.resource == MEETINGS
    return made


def shown(drill: Drill) -> list[str]:
    """What somebody might try to pass off as a lease."""
    form = json.dumps(drill.form()).encode()
    signature = json.dumps(key_of("di").sign(drill.challenge()).form()).encode()
    return [
        drill.id,
        drill.id.replace("drill_", "lease_"),
        drill.id.replace("drill_", "req_"),
        drill.challenge().hex(),
        format_base64url(form),
        f"{format_base64url(b'{}')}.{format_base64url(form)}.{format_base64url(signature)}",
    ]


def test_a_drill_opens_no_way_behind_nginx(pdp: Served, drill: Drill) -> None:
    """nginx asks with what the browser sent along."""
    for token in (None, *shown(drill)):
        said = {
            "X-Original-Method": "POST",
            "X-Original-Host": "app.example.com",
            "X-Original-URI": "/restart",
            "X-Armslength-Subject": "bo",
        }
        if token is not None:
            said["X-Armslength-Lease"] = token
        answer = pdp.send("/gate/v1/forward", method="GET", headers=said)
        assert answer.status == 403, answer.body


def test_a_drill_is_redeemed_nowhere(pdp: Served, drill: Drill) -> None:
    """Nor handed in later as a use while the gate could not be asked."""
    resource = {"type": "asset", "id": "meetings-us"}
    for number, token in enumerate((None, *shown(drill))):
        use = {
            "use": format_base64url(bytes([number]) * 16),
            "executor": "bo",
            "action": "restart",
            "resource": resource,
        }
        answer = pdp.send("/gate/v1/redeem", {**use, **({} if token is None else {"token": token})})
        assert answer.json is None or answer.json.get("decision") is not True, answer.body
    assert not [each for each in pdp.recorded() if isinstance(each, Used)]
    late = {"use": format_base64url(b"l" * 16), "lease": drill.id.replace("drill_", "lease_"), "executor": "bo"}
    late |= {"action": "restart", "at": int(pdp.clock.now), "resource": resource, "customers": []}  # type: ignore[dict-item]
    answer = pdp.send("/gate/v1/uses", {"uses": [late]})
    assert answer.json["taken"][0]["problem"]
    (used,) = [each for each in pdp.recorded() if isinstance(each, Used)]
    assert used.rule == "unknown"  # that a point let it happen is recorded, and that nothing allowed it


def test_a_program_that_evaluates_is_told_the_same(pdp: Served, drill: Drill) -> None:
    """AuthZEN's approval is a token too."""
    for token in shown(drill):
        body = {
            "subject": {"type": "user", "id": "bo"},
            "action": {"name": "restart"},
            "resource": {"type": "asset", "id": "meetings-us"},
            "context": {"approval": {"id": token, "state": token}},
        }
        answer = pdp.send("/access/v1/evaluation", body)
        assert answer.json is None or answer.json.get("decision") is not True, answer.body
