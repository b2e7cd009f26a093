"""A denial is answered with a request, approved by people, and carried back: the gate stays the judge throughout."""

from __future__ import annotations

import base64
import datetime as dt
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from armslength.gate import (
    LeaseId,
    LeaseKey,
    PersonId,
    Refused,
    Rejected,
    Requested,
    RequestId,
    Used,
    Withdrawn,
    moment,
    parse_jwks,
    sign_lease,
    verify_lease,
)
from armslength.service import check_gate
from armslength.tlog import format_base64url
from tests.service.gates import GRANTS, MEETINGS, RECORDINGS, approve, ask, asked, estate, leased
from tests.service.logs import seed
from tests.web.gated import Said, Served, point, question, resource, running_again, served, subject

REQUESTS = "/access/v1/requests"
ERROR = "urn:openid:authzen:access-request:error:"
URL = "https://gate.example.com"


@pytest.fixture
def pdp(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as found:
        yield found


def submission(denied: dict[str, Any], body: dict[str, Any], **more: object) -> dict[str, Any]:
    """The request that answers a denial of `body`."""
    context = denied["context"]
    return {
        **body,
        "requested_access": {"purpose": "an abuse report"},
        "denial": {
            "evaluation_id": context["evaluation_id"],
            "evaluated_at": context["evaluated_at"],
            "expires_at": context["access_request"]["expires_at"],
            "reason": context["reason"],
            "binding_token": context["access_request"]["binding_token"],
            "template": context["access_request"]["template"],
        },
        **more,
    }


def denied(pdp: Served, body: dict[str, Any] | None = None, **more: object) -> dict[str, Any]:
    """A request for what was just denied."""
    body = body or question()
    return submission(pdp.evaluate(body), body, **more)


def submitted(pdp: Served, body: dict[str, Any] | None = None, **more: object) -> Any:
    """The task of a new request."""
    answer = pdp.send(REQUESTS, denied(pdp, body, **more))
    assert answer.status == 202, answer.body
    return answer.json["task"]


def look(pdp: Served, id: str, **more: Any) -> Said:
    return pdp.send(f"{REQUESTS}/{id}", method="GET", **more)


def approval(pdp: Served, id: str, *people: str) -> Any:
    """Approved by these: what the task gives."""
    approve(pdp.gate, RequestId(id), *(people or ("di", "ed")))
    answer = look(pdp, id).json
    assert answer["task"]["status"] == "approved" and answer["result"]["mode"] == "reevaluate"
    return answer["result"]["approval"]


def again(pdp: Served, given: Any, body: dict[str, Any] | None = None, **context: object) -> Any:
    """The evaluation that carries an approval."""
    body = body or question()
    return pdp.evaluate({**body, "context": {**body.get("context", {}), "approval": given, **context}})


def trouble(answer: Said, status: int, name: str | None) -> None:
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json"), answer.body
    assert answer.json["type"] == ("about:blank" if name is None else ERROR + name), answer.json
    assert answer.json["status"] == status and answer.json["title"] and answer.json["detail"]


# The whole way


def test_from_a_denial_to_the_act(pdp: Served) -> None:
    """The profile's one purpose; each step is on record, and a verifier finds it sound."""
    body = question(context={"customers": ["acme"], "case": 7, "time": "2026-11-25T20:00:00Z"})
    first = pdp.evaluate(body)
    how = first["context"]["access_request"]
    assert how["endpoint"] == URL + REQUESTS and how["template"] == "two-apart" and how["display"]["title"]
    body["context"] = {"customers": ["acme"], "case": 7, "business_justification": "an abuse report"}
    sent = submission(first, body, requested_access={})
    answer = pdp.send(REQUESTS, sent)
    assert answer.status == 202 and answer.headers["location"] == answer.json["task"]["status_endpoint"]
    task = answer.json["task"]
    assert task["status"] == "pending" and "result" not in answer.json
    assert task["status_endpoint"] == f"{URL}{REQUESTS}/{task['id']}"
    waiting = look(pdp, task["id"])
    assert waiting.json["task"] == task and waiting.headers["retry-after"] == "5"
    request = pdp.gate.request(RequestId(task["id"])).request
    assert (request.purpose, request.customers) == ("an abuse report", ("acme",))
    assert dict(request.context) == {"case": 7, "filed_by": {"asker": "not verified", "point": "all"}}
    given = approval(pdp, task["id"])
    final = again(pdp, given, body)
    assert final["decision"] is True, final
    assert final["context"]["approval"] == {"id": given["id"], "approved_until": given["approved_until"]}
    assert [each.customers for each in pdp.recorded() if isinstance(each, Used)] == [("acme",)]
    pdp.gate.close()
    assert check_gate(pdp.made.path).findings == ()


def test_a_task_names_nobody(pdp: Served) -> None:
    """Whoever sees who would approve knows whom to press. A lease's token alone says it, to a point that needs it."""
    task = submitted(pdp)
    text = look(pdp, task["id"]).body.decode()
    approve(pdp.gate, RequestId(task["id"]), "di")
    text += look(pdp, task["id"]).body.decode()
    for person in ("ana", "bo", "cy", "di", "ed", "fay", "gus"):
        assert f'"{person}"' not in text and f" {person} " not in text


def test_the_schema_says_what_may_be_added(pdp: Served) -> None:
    """A program builds its request by it."""
    how = pdp.evaluate(question())["context"]["access_request"]
    path = how["request_schema_url"].removeprefix(URL)
    schema = pdp.send(path, method="GET", by=None).json
    assert "requested_access" in schema["properties"] and "purpose" in json.dumps(schema)


# Binding


def flipped(token: str, place: int) -> str:
    return token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]


def test_a_denial_is_answered_for_exactly_what_was_denied(pdp: Served) -> None:
    """Approvers would sign what nobody was denied; the confused deputy of the profile's section 16."""
    body = {**question(context={"case": 7, "customers": ["acme"]}), "subject": subject("bo", role="x")}
    sent = denied(pdp, body)
    for changed in (
        {"subject": subject("dee", role="x")},
        {"subject": subject("bo")},
        {"subject": subject("bo", role="y")},
        {"subject": {**subject("bo", role="x"), "type": "person"}},
        {"resource": resource("recordings")},
        {"resource": resource(id="meetings-us", status="x")},
        {"action": {"name": "export"}},
        {"action": {"name": "end", "properties": {}}},
        {"context": {"case": 8, "customers": ["acme"]}},
        {"context": {"case": True, "customers": ["acme"]}},
        {"context": {"case": 7}},
        {"context": {"case": 7, "customers": ["acme", "other"]}},
        {"context": {"customers": ["acme"]}},
    ):
        trouble(pdp.send(REQUESTS, {**sent, **changed}), 400, "invalid_denial_binding")
    assert pdp.gate.requests() == ()
    more = {"context": {"case": 7.0, "customers": ["acme"], "ticket": "T-1", "business_justification": "x"}}
    assert pdp.send(REQUESTS, {**sent, **more}).status == 202


def test_what_a_request_adds_is_seen_by_no_policy(pdp: Served) -> None:
    """A member that was not in the denial could open another permit, and nobody would have been denied it."""
    sent = denied(pdp, question())
    task = pdp.send(REQUESTS, {**sent, "context": {"customers": ["acme"], "asker": "ana", "mfa": True}}).json["task"]
    request = pdp.gate.request(RequestId(task["id"])).request
    assert (set(request.context), request.customers, request.asker) == ({"filed_by"}, (), "bo")


def test_a_forged_binding_is_none(pdp: Served) -> None:
    sent = denied(pdp)
    token = sent["denial"]["binding_token"]
    head, claims, signature = token.split(".")
    other = Ed25519PrivateKey.generate()
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    for forged in (
        "",
        "x",
        f"{head}.{claims}.",
        f"{none}.{claims}.",
        flipped(token, 10),
        flipped(token, len(head) + 20),
        flipped(token, len(token) - 20),
        f"{head}.{claims}.{format_base64url(other.sign(f'{head}.{claims}'.encode()))}",
        token + "A",
        signature,
    ):
        changed = {**sent, "denial": {**sent["denial"], "binding_token": forged}}
        trouble(pdp.send(REQUESTS, changed), 400, "invalid_denial_binding")
    trouble(pdp.send(REQUESTS, {**sent, "denial": {"expires_at": "x"}}), 400, "invalid_denial_binding")
    for name, value in (("expires_at", "2099-01-01T00:00:00Z"), ("evaluation_id", "eval_x")):
        changed = {**sent, "denial": {**sent["denial"], name: value}}
        trouble(pdp.send(REQUESTS, changed), 400, "invalid_denial_binding")


def test_a_lease_is_no_binding(pdp: Served) -> None:
    """Both are signed by the same key: one must not pass for the other."""
    token = pdp.gate.token(leased(pdp.gate, "export", MEETINGS, by="di").terms.id)
    sent = denied(pdp)
    trouble(
        pdp.send(REQUESTS, {**sent, "denial": {**sent["denial"], "binding_token": token}}),
        400,
        "invalid_denial_binding",
    )
    binding = sent["denial"]["binding_token"]
    lease = pdp.gate.live()[0].terms
    body = question("export")
    answer = again(pdp, {"id": lease.id, "state": binding}, body)
    assert answer["decision"] is False and answer["context"]["reason"] == "approval_unverifiable"


def test_a_denial_ages(pdp: Served) -> None:
    """What was denied an hour ago may be permitted or forbidden now."""
    sent, late = denied(pdp), denied(pdp, question("export"))
    pdp.clock.now += 629
    assert pdp.send(REQUESTS, sent).status == 202
    pdp.clock.now += 1
    trouble(pdp.send(REQUESTS, late), 410, "expired_denial")


def test_one_denial_makes_one_request(pdp: Served) -> None:
    """Somebody who finds it would have approvers asked again and again."""
    sent = denied(pdp)
    task = pdp.send(REQUESTS, sent).json["task"]
    pdp.send(f"{REQUESTS}/{task['id']}/cancel")
    trouble(pdp.send(REQUESTS, sent, headers={"Idempotency-Key": "another"}), 400, "invalid_denial_binding")
    assert len(pdp.gate.requests()) == 1


# Idempotency


def test_the_same_key_is_the_same_task(pdp: Served) -> None:
    """A point that lost the answer would ask approvers twice."""
    key = {"Idempotency-Key": "7b8d0f0d-65a1-4af1-9fd3-a684f08a5d13"}
    sent = denied(pdp)
    first = pdp.send(REQUESTS, sent, headers=key)
    assert first.status == 202
    assert pdp.send(REQUESTS, sent, headers=key).json == first.json
    assert pdp.send(REQUESTS, json.dumps(sent, indent=3).encode(), headers=key).json == first.json
    fresh = {**sent, "denial": denied(pdp)["denial"]}
    assert pdp.send(REQUESTS, fresh, headers=key).json == first.json
    trouble(
        pdp.send(REQUESTS, {**sent, "requested_access": {"purpose": "something else"}}, headers=key),
        409,
        "duplicate_request",
    )
    trouble(pdp.send(REQUESTS, denied(pdp, question("export")), headers=key), 409, "duplicate_request")
    approval(pdp, first.json["task"]["id"])
    assert pdp.send(REQUESTS, sent, headers=key).json["task"]["status"] == "approved"
    assert len([each for each in pdp.recorded() if isinstance(each, Requested)]) == 1


def test_a_key_is_its_points_own(pdp: Served) -> None:
    """One point would get the other's task."""
    key = {"Idempotency-Key": "same"}
    first = pdp.send(REQUESTS, denied(pdp), headers=key)
    body = question("export")
    own = submission(pdp.evaluate(body, by="looking"), body)
    other = pdp.send(REQUESTS, own, headers=key, by="looking")
    assert (first.status, other.status) == (202, 202) and first.json["task"]["id"] != other.json["task"]["id"]


def test_many_at_once_with_one_key_make_one_request(pdp: Served) -> None:
    sent, answers = denied(pdp), []

    def send() -> None:
        answers.append(pdp.send(REQUESTS, sent, headers={"Idempotency-Key": "k"}))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(pdp.gate.requests()) == 1
    assert {each.status for each in answers} <= {202, 409}
    assert len({each.json["task"]["id"] for each in answers if each.status == 202}) == 1


@pytest.mark.parametrize("key", ["", "k" * 256, "k\u00e9y"])
def test_a_key_has_to_be_one(pdp: Served, key: str) -> None:
    trouble(pdp.send(REQUESTS, denied(pdp), headers={"Idempotency-Key": key}), 400, None)


def test_the_same_is_asked_for_once(pdp: Served) -> None:
    """Without a key as well: approvers would have two requests for one act before them."""
    first = submitted(pdp)
    answer = pdp.send(REQUESTS, denied(pdp))
    trouble(answer, 409, None)
    assert first["id"] in answer.json["detail"]


# What is asked for


def test_every_problem_of_a_request_is_named(pdp: Served) -> None:
    wanted = {
        "purpose": " ",
        "requested_from": "tomorrow",
        "requested_until": "2026-01-01",
        "hold": {"reason": "x", "until": "never"},
        "evidence": [{"digest": "0" * 64, "name": "x"}],
    }
    answer = pdp.send(REQUESTS, denied(pdp, requested_access=wanted))
    trouble(answer, 400, None)
    assert len(answer.json["problems"]) == 5
    sent = denied(pdp, items=[], callback={"endpoint": "http://127.0.0.1/"}, client={"actor": {"id": "x"}})
    answer = pdp.send(REQUESTS, sent)
    trouble(answer, 400, None)
    assert [each.split(":")[0] for each in answer.json["problems"]] == ["items", "callback", "client.actor"]
    answer = pdp.send(REQUESTS, {"subject": {}, "denial": 1})
    trouble(answer, 400, None)
    assert len(answer.json["problems"]) == 5
    assert pdp.send(REQUESTS, b"{").status == 400
    assert pdp.send(REQUESTS, denied(pdp, client={"id": "x", "name": "y"})).status == 202


def test_times_evidence_and_holds_are_kept(pdp: Served) -> None:
    start = moment(pdp.clock.now + 3600)
    digest = pdp.gate.put_evidence("report.txt", "text/plain", b"abuse").digest
    wanted = {
        "purpose": "an abuse report",
        "requested_from": start.astimezone(dt.timezone(dt.timedelta(hours=2))).isoformat(),
        "requested_until": f"{start + dt.timedelta(hours=1):%Y-%m-%dT%H:%M:%S}.5z",
        "evidence": [{"digest": digest.hex(), "name": "report.txt"}],
        "hold": {"reason": "court-order", "until": f"{start + dt.timedelta(days=3):%Y-%m-%dT%H:%M:%SZ}"},
        "emergency": True,
    }
    answer = pdp.send(REQUESTS, denied(pdp, requested_access=wanted))
    assert answer.status == 202, answer.body
    request = pdp.gate.request(RequestId(answer.json["task"]["id"])).request
    assert (request.window.start, request.window.end) == (start, start + dt.timedelta(hours=1))
    assert request.evidence[0].digest == digest and request.evidence[0].size == 5
    assert request.hold is not None and request.hold.reason == "court-order"


def test_what_nobody_could_approve_is_not_requestable(pdp: Served) -> None:
    """Approvers' time; and the person waits for nothing."""
    sent = denied(pdp)
    for person in ("cy", "di", "ed", "fay", "gus"):
        credential = pdp.gate.state.keys_of(PersonId(person))[0].key.credential
        pdp.gate.revoke_key(credential, PersonId(person), "lost")
    answer = pdp.send(REQUESTS, sent)
    trouble(answer, 400, "not_requestable")
    assert "nobody_could_approve" in answer.json["detail"]


# Tasks


def test_a_task_is_seen_by_the_point_that_filed_it(pdp: Served) -> None:
    """A leaked handle alone shows nothing."""
    id = submitted(pdp)["id"]
    assert look(pdp, id, by=None).status == 401
    assert look(pdp, id, by="proxy").status == 403
    assert look(pdp, id).json["task"]["id"] == id
    trouble(look(pdp, id, by="looking"), 404, "unknown_task")
    for method in ("POST", "DELETE"):
        assert pdp.send(f"{REQUESTS}/{id}/cancel", method=method, by=None).status == 401
        assert pdp.send(f"{REQUESTS}/{id}/cancel", method=method, by="proxy").status == 403


@pytest.mark.parametrize("id", ["req_" + "A" * 22, "x", "req_", "..", "%2e%2e", "a%2fb", "\u00e9".encode().hex()])
def test_a_task_that_nobody_has_is_unknown(pdp: Served, id: str) -> None:
    trouble(look(pdp, id), 404, "unknown_task")
    trouble(pdp.send(f"{REQUESTS}/{id}/cancel"), 404, "unknown_task")


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_task_is_taken_back(pdp: Served, method: str) -> None:
    task = submitted(pdp)
    path = task["links"]["cancel"].removeprefix(URL)
    answer = pdp.send(path, {"reason": "not-needed", "comment": "solved"} if method == "POST" else None, method=method)
    assert answer.status == 200 and answer.json["task"]["status"] == "cancelled"
    assert "cancel" not in answer.json["task"]["links"]
    trouble(pdp.send(path, method=method), 409, "invalid_task_state")
    assert look(pdp, task["id"]).json["task"]["status"] == "cancelled"
    trouble(pdp.send(path, b"{", method="POST"), 400, None)


def test_what_becomes_of_a_task(pdp: Served) -> None:
    """The mapping of docs/formats/authzen.md."""
    no, late = submitted(pdp), submitted(pdp, question("export"))
    pdp.gate.decline(RequestId(no["id"]), PersonId("di"), "no ground")
    answer = look(pdp, no["id"]).json
    assert answer["task"]["status"] == "denied" and "result" not in answer
    pdp.clock.now += 86_400
    pdp.gate.tick()
    assert look(pdp, late["id"]).json["task"]["status"] == "expired"


# Carried back


def test_neither_id_nor_state_is_a_grant(pdp: Served) -> None:
    """Whoever saw an approval pass by would have the access."""
    given = approval(pdp, submitted(pdp)["id"])
    for body in (
        question(who="dee"),
        question("export"),
        question("read", "recordings"),
        question(context={"customers": ["acme"]}),
        question(context={"case": 1}),
        question(context={"asker": "ana"}),
        question(context={"author": "dee"}),
    ):
        answer = again(pdp, given, body)
        assert answer["decision"] is False, body
        assert answer["context"]["reason"] == "out_of_scope", answer
        requestable = answer["context"]["next_action"] == "request"
        assert requestable == ("access_request" in answer["context"])
    assert pdp.gate.live()[0].uses == 0
    assert again(pdp, {"id": given["id"]})["decision"] is True
    assert again(pdp, given, time="2026-11-25T20:53:14Z", business_justification="x")["decision"] is True


def test_an_approval_that_cannot_be_verified_is_none(pdp: Served) -> None:
    given = approval(pdp, submitted(pdp)["id"])
    other = approval(pdp, submitted(pdp, question("export"))["id"], "di")
    lease = verify_lease(given["state"], parse_jwks(pdp.gate.jwks()))
    forged = sign_lease(lease, LeaseKey(Ed25519PrivateKey.generate()))
    for changed in (
        {**given, "id": "lease_" + "A" * 22},
        {**given, "id": ""},
        {**given, "id": "x", "state": ""},
        {**given, "state": ""},
        {**given, "state": flipped(given["state"], 200)},
        {**given, "state": forged},
        {**given, "state": other["state"]},
        {**given, "id": other["id"]},
    ):
        answer = again(pdp, changed)
        assert answer["decision"] is False, changed
        assert (answer["context"]["reason"], answer["context"]["next_action"]) == ("approval_unverifiable", "none")
    for malformed in ("x", 1, [], {}, {"id": 1}, {"id": "x", "state": {}}, None):
        body = {**question(), "context": {"approval": malformed}}
        assert pdp.send("/access/v1/evaluation", body).status == 400
        batch = pdp.send("/access/v1/evaluations", {"evaluations": [body]})
        assert batch.json["evaluations"][0]["context"]["error"]["status"] == 400


def test_an_approval_that_was_taken_away_is_over(pdp: Served) -> None:
    """Revoked in between: the point still holds a signed state that looks sound."""
    given = approval(pdp, submitted(pdp)["id"])
    assert again(pdp, given)["decision"] is True
    pdp.gate.revoke(LeaseId(given["id"]), PersonId("di"), "a mistake")
    answer = again(pdp, given)
    assert answer["decision"] is False
    assert (answer["context"]["reason"], answer["context"]["next_action"]) == ("approval_expired", "request")
    assert answer["context"]["access_request"]["binding_token"]
    task = look(pdp, pdp.gate.requests()[0].request.id).json
    assert task["task"]["status"] == "approved" and "state" not in task["result"]["approval"]
    renewed = pdp.send(REQUESTS, submission(answer, question()))
    assert renewed.status == 202


def test_an_approval_runs_out(pdp: Served) -> None:
    given = approval(pdp, submitted(pdp)["id"])
    pdp.clock.now += 3599
    assert again(pdp, given)["decision"] is True
    pdp.clock.now += 1
    for _ in range(2):
        answer = again(pdp, given)
        assert answer["decision"] is False and answer["context"]["reason"] == "approval_expired"
        pdp.gate.tick()


def test_an_approval_is_spent(pdp: Served) -> None:
    """Two uses; a third would be one that nobody approved."""
    body = question("export")
    given = approval(pdp, submitted(pdp, body)["id"], "di")
    mark = format_base64url(seed("one act")[:16])
    answers = [again(pdp, given, body, use=mark) for _ in range(3)]
    assert all(each["decision"] for each in answers)
    assert again(pdp, given, body)["decision"] is True
    answer = again(pdp, given, body)
    assert answer["decision"] is False and answer["context"]["reason"] == "approval_expired"
    assert len([each for each in pdp.recorded() if isinstance(each, Used)]) == 2


def test_customers_beyond_the_approval_are_out_of_scope(pdp: Served) -> None:
    """Two customers at most, named at each use."""
    state = approve(pdp.gate, asked(pdp.gate, "read", RECORDINGS).request.id, "di")
    lease = next(each.terms for each in pdp.gate.live() if each.terms.request == state.request.id)
    given = {"id": lease.id, "state": pdp.gate.token(lease.id)}
    body = question("read", "recordings")
    for customer, decision in (("a", True), ("b", True), ("c", False), ("a", True)):
        assert again(pdp, given, body, customers=[customer])["decision"] is decision, customer


def test_who_asked_and_who_acts_are_kept_apart(pdp: Served) -> None:
    """Dee wants bo to do it; the re-evaluation may leave dee out, and the limits of dee still hold."""
    body = question(context={"asker": "dee"})
    given = approval(pdp, submitted(pdp, body)["id"])
    assert again(pdp, given, body)["decision"] is True
    assert again(pdp, given, question())["decision"] is True
    assert again(pdp, given, question(context={"asker": "bo"}))["context"]["reason"] == "out_of_scope"


def test_todays_policy_counts(pdp: Served) -> None:
    """Ops may no longer ask to end meetings, since this morning: what was approved yesterday does not help."""
    given = approval(pdp, submitted(pdp)["id"])
    files = estate(grants=tuple(each for each in GRANTS if not each.startswith("group:ops,end")))
    change = pdp.gate.propose(files, asker=PersonId("ann"), purpose="fewer grants", caller="person:ann")
    assert not isinstance(change, Refused), change
    approve(pdp.gate, change.request.id, "ben", "cho")
    answer = again(pdp, given)
    assert answer["decision"] is False
    assert (answer["context"]["reason"], answer["context"]["next_action"]) in (
        ("policy_denied", "none"),
        ("approval_expired", "none"),
    )
    assert "access_request" not in answer["context"]
    assert pdp.evaluate(question())["context"]["reason"] in ("no_rule", "unknown_action")


def test_an_actor_may_be_told_elsewhere(pdp: Served) -> None:
    """The profile lets a point move `act` out of the subject's properties; the act that was approved is the same."""
    body = {**question(), "subject": subject("bo", act={"iss": "https://agents.example.com", "sub": "a1"})}
    moved = {**question(), "subject": subject("bo") | {"properties": {}}}
    given = approval(pdp, submitted(pdp, body)["id"])
    assert again(pdp, given, body)["decision"] is True
    assert again(pdp, given, moved)["decision"] is True
    assert pdp.send(REQUESTS, denied(pdp, {**body, "action": {"name": "export"}})).status == 202


# Whose it is


def test_a_task_is_its_points_own(pdp: Served) -> None:
    """A point of another service would read its lease, or take it back in somebody's name."""
    id = submitted(pdp)["id"]
    trouble(pdp.send(f"{REQUESTS}/{id}/cancel", by="looking"), 404, "unknown_task")
    approval(pdp, id)
    trouble(look(pdp, id, by="looking"), 404, "unknown_task")


def test_what_a_person_asked_for_is_no_points(pdp: Served) -> None:
    """It would be withdrawn as their own act, which it was not."""
    id = asked(pdp.gate, "export").request.id
    trouble(look(pdp, id), 404, "unknown_task")
    trouble(pdp.send(f"{REQUESTS}/{id}/cancel"), 404, "unknown_task")
    assert pdp.gate.request(id).waiting


def test_a_point_takes_back_as_itself(pdp: Served) -> None:
    """The record would say that a person did it."""
    id = submitted(pdp)["id"]
    assert pdp.send(f"{REQUESTS}/{id}/cancel").json["task"]["status"] == "cancelled"
    assert [each.by for each in pdp.recorded() if isinstance(each, Withdrawn)] == ["point:all"]


def test_a_denial_is_answered_by_the_point_that_was_told(pdp: Served) -> None:
    """Whoever finds it in a log would ask in its name."""
    trouble(pdp.send(REQUESTS, denied(pdp), by="looking"), 400, "invalid_denial_binding")
    assert pdp.gate.requests() == ()


def test_nobody_says_that_a_point_filed_a_request(pdp: Served) -> None:
    """Approvers would read of a point that had nothing to do with it."""
    said = {"filed_by": {"asker": "not verified", "point": "looking"}}
    assert pdp.send("/access/v1/evaluation", question(context=said)).status == 400
    for caller in ("person:bo", "point:all"):
        with pytest.raises(Rejected, match="filed_by"):
            pdp.gate.ask(ask("end", context=said), caller=caller)


def test_an_approval_without_its_state_is_for_the_point_that_filed_it(pdp: Served) -> None:
    """An id stands in records and links; the lease itself does not."""
    lease = leased(pdp.gate, "export", by="di").terms
    body = question("export")
    assert again(pdp, {"id": lease.id}, body)["context"]["reason"] == "approval_unverifiable"
    assert again(pdp, {"id": lease.id, "state": pdp.gate.token(lease.id)}, body)["decision"] is True
    given = approval(pdp, submitted(pdp)["id"])
    assert again(pdp, {"id": given["id"]})["decision"] is True


def test_a_denial_is_answered_once_across_a_restart(tmp_path: Path) -> None:
    """Approvers would be asked again with every start."""
    with served(tmp_path) as pdp:
        sent = denied(pdp)
        task = pdp.send(REQUESTS, sent, headers={"Idempotency-Key": "a"}).json["task"]
        pdp.send(f"{REQUESTS}/{task['id']}/cancel")
        made = pdp.made
    with running_again(made) as pdp:
        trouble(pdp.send(REQUESTS, sent, headers={"Idempotency-Key": "b"}), 400, "invalid_denial_binding")
        assert pdp.send(REQUESTS, sent, headers={"Idempotency-Key": "a"}).json["task"]["id"] == task["id"]


def test_a_point_asks_about_what_it_guards(tmp_path: Path) -> None:
    """The secret of one service would be good for every other."""
    narrow = point("narrow", "evaluate", "redeem", actions=("end",), resources=("asset:meetings-us",))
    with served(tmp_path, points=(narrow,)) as pdp:
        assert pdp.evaluate(question(), by="narrow")["context"]["reason"] == "approval_required"
        for body in (question("export"), question("view", "status")):
            answer = pdp.evaluate(body, by="narrow")
            assert answer["decision"] is False and "this point" in answer["context"]["reason_user"]
        leased(pdp.gate, "export", by="di")
        use = {"executor": "bo", "action": "export", "resource": {"type": "asset", "id": "meetings-us"}}
        said = pdp.send("/gate/v1/redeem", {**use, "use": format_base64url(bytes(16))}, by="narrow").json
        assert said["decision"] is False and "this point" in said["says"]
        who = {"subject": {"type": "person"}, "action": {"name": "view"}, "resource": resource("status")}
        assert pdp.send("/access/v1/search/subject", who, by="narrow").json["results"] == []


def test_the_same_is_asked_for_once_by_whichever_point(pdp: Served) -> None:
    """Approvers would have one request from each of them."""
    submitted(pdp)
    body = question()
    trouble(pdp.send(REQUESTS, submission(pdp.evaluate(body, by="looking"), body), by="looking"), 409, None)
