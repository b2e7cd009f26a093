"""What enforcement points ask: a use is counted once, is durable before the yes, and nobody uses another's lease."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from armslength.gate import LeaseId, PersonId, Routes, Used, parse_jwks, verify_lease, verify_revocations
from armslength.service import check_gate
from armslength.tlog import format_base64url
from tests.service.gates import MEETINGS, approve, asked, estate, leased
from tests.service.logs import NOW, seed
from tests.web.gated import Served, point, served, served_with
from tests.web.raw import exchanged

REDEEM, USES, LIST, ROUTES, JWKS = (
    "/gate/v1/redeem",
    "/gate/v1/uses",
    "/gate/v1/revocations",
    "/gate/v1/routes",
    "/access/v1/jwks",
)


@pytest.fixture
def pdp(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as found:
        yield found


def mark(name: str) -> str:
    return format_base64url(seed(name)[:16])


def act(name: str, action: str = "end", on: str = "meetings-us", **more: object) -> dict[str, Any]:
    asset = {"type": "asset", "id": on}
    return {"executor": "bo", "action": action, "resource": asset, "use": mark(name), **more}


def used(pdp: Served) -> list[Used]:
    return [each for each in pdp.recorded() if isinstance(each, Used)]


def test_a_use_is_on_record_before_the_yes(pdp: Served) -> None:
    lease = leased(pdp.gate, "end", MEETINGS, "acme")
    answer = pdp.send(REDEEM, act("one", customers=["acme"])).json
    assert answer["decision"] is True and answer["lease"] == lease.terms.id
    assert verify_lease(answer["token"], parse_jwks(pdp.gate.jwks())).terms == lease.terms
    assert "uses_left" not in answer
    (found,) = used(pdp)
    assert (found.lease, found.customers, found.point, found.use) == (lease.terms.id, ("acme",), "all", mark("one"))
    again = pdp.send(REDEEM, act("two", customers=["acme"], lease=answer["token"])).json
    assert again["decision"] is True and again["lease"] == lease.terms.id


def test_a_use_that_is_asked_again_is_the_same_use(pdp: Served) -> None:
    """A point that lost the answer would use up the lease by asking."""
    leased(pdp.gate, "export", MEETINGS, by="di")
    answers = [pdp.send(REDEEM, act("one", "export")).json for _ in range(3)]
    assert all(each["decision"] and each["uses_left"] == 1 and "token" not in each for each in answers)
    assert pdp.send(REDEEM, act("two", "export")).json["uses_left"] == 0
    third = pdp.send(REDEEM, act("three", "export")).json
    assert third["decision"] is False and third["why"] == "spent" and third["says"]
    assert len(used(pdp)) == 2


def test_of_many_at_once_as_many_as_are_left_pass(pdp: Served) -> None:
    """A lease for two uses, and eight acts at the same moment."""
    leased(pdp.gate, "export", MEETINGS, by="di")
    answers: list[bool] = []

    def ask(number: int) -> None:
        answers.append(pdp.send(REDEEM, act(f"act {number}", "export")).json["decision"])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(answers) == [False] * 6 + [True] * 2
    assert len(used(pdp)) == 2
    pdp.gate.close()
    assert check_gate(pdp.made.path).findings == ()


def test_anothers_lease_is_none(pdp: Served) -> None:
    """A token that was stolen, or that somebody lent."""
    lease = leased(pdp.gate, "end", MEETINGS, "acme")
    token = pdp.gate.token(lease.terms.id)
    for changed, why in (
        ({"executor": "dee"}, "outside_the_lease"),
        ({"action": "export"}, "outside_the_lease"),
        ({"resource": {"type": "asset", "id": "recordings"}}, "outside_the_lease"),
        ({"customers": ["other"]}, "outside_the_lease"),
        ({"lease": token[:-2] + ("AA" if not token.endswith("AA") else "BB")}, "evaluation_error"),
        ({"lease": "x"}, "evaluation_error"),
    ):
        answer = pdp.send(REDEEM, {**act(str(changed), customers=["acme"]), "lease": token, **changed}).json
        assert answer["decision"] is False, changed
        assert answer["why"] == why, answer
    assert used(pdp) == []


def test_only_who_may_redeem_does(pdp: Served) -> None:
    for path, body in ((REDEEM, act("x")), (USES, {"uses": []}), (LIST, None), (ROUTES, None)):
        method = "GET" if body is None else "POST"
        for name, status in ((None, 401), ("looking", 403), ("proxy", 403)):
            assert pdp.send(path, body, method=method, by=name).status == status, path


def test_every_problem_is_named(pdp: Served) -> None:
    answer = pdp.send(
        REDEEM, {"executor": "", "action": 1, "resource": {"type": "asset"}, "use": "x", "customers": [""]}
    )
    assert answer.status == 400
    lines = answer.body.decode().splitlines()
    assert {each.partition(":")[0].partition(" ")[0] for each in lines} == {
        "executor",
        "action",
        "resource.id",
        "use",
        "customers[0]",
    }
    for changed in ({"customers": [f"c{n}" for n in range(1001)]}, {"use": "A" * 23}, {"lease": 1}, {"context": []}):
        assert pdp.send(REDEEM, {**act("x"), **changed}).status == 400, changed


def spooled(name: str, lease: str, **more: object) -> dict[str, Any]:
    return {**act(name), "customers": [], "lease": lease, "at": int(NOW), **more}


def test_uses_that_waited_are_recorded_once(pdp: Served) -> None:
    """A point that was cut off delivers twice; what it did must not be missing, nor be there twice."""
    lease = leased(pdp.gate, "end", MEETINGS, "acme")
    delivery = {"uses": [spooled(name, lease.terms.id, customers=["acme"]) for name in ("a", "b")]}
    for _ in range(2):
        answer = pdp.send(USES, delivery)
        assert answer.json == {"taken": [{"use": mark("a")}, {"use": mark("b")}]}
    assert [each.customers for each in used(pdp)] == [("acme",), ("acme",)]


def test_a_use_that_its_lease_did_not_allow_is_recorded_and_told(pdp: Served) -> None:
    """It happened. Refusing the record would hide it."""
    lease = leased(pdp.gate, "end", MEETINGS, "acme")
    wrong = spooled("c", lease.terms.id, executor="dee")
    unknown = spooled("d", "lease_" + "A" * 22)
    answer = pdp.send(USES, {"uses": [wrong, unknown]}).json["taken"]
    assert [each["use"] for each in answer] == [mark("c"), mark("d")]
    assert all(each["problem"] for each in answer)
    assert {each.executor for each in used(pdp)} == {"dee", "bo"}


def test_a_delivery_has_to_be_one(pdp: Served) -> None:
    for body in ({}, {"uses": {}}, {"uses": [{}]}, {"uses": [spooled("a", "x", at=-1)]}, {"uses": [spooled("a", "")]}):
        assert pdp.send(USES, body).status == 400
    assert pdp.send(USES, {"uses": [spooled("a", "x")] * 1001}).status == 400
    assert pdp.send(USES, {"uses": []}).json == {"taken": []}


def test_the_list_says_what_was_taken_away(pdp: Served) -> None:
    """A point that checks leases by itself lets nothing pass on an old list, so the list has to be had."""
    lease = leased(pdp.gate, "end", MEETINGS, "acme")
    keys = parse_jwks(pdp.send(JWKS, method="GET", by=None).json)

    def revoked() -> frozenset[LeaseId]:
        answer = pdp.send(LIST, method="GET")
        assert answer.headers["content-type"] == "application/jose" and answer.headers["cache-control"] == "no-store"
        return verify_revocations(answer.body.decode(), keys).revoked

    assert revoked() == frozenset()
    pdp.gate.revoke(lease.terms.id, PersonId("di"), "a mistake")
    assert revoked() == {lease.terms.id}
    answer = pdp.send(REDEEM, act("late", customers=["acme"])).json
    assert (answer["decision"], answer["why"]) == (False, "revoked")


def test_nothing_is_listed_by_a_clock_that_went_back(pdp: Served) -> None:
    """A list with an old time would say that the lease taken away since then is sound."""
    leased(pdp.gate)
    pdp.clock.now -= 3600
    answer = pdp.send(LIST, method="GET")
    assert answer.status == 503 and answer.headers["retry-after"] == "5"
    assert pdp.send(USES, {"uses": [spooled("a", "x")]}).status == 503
    assert pdp.send(REDEEM, act("x")).json["why"] == "clock_went_back"


def test_routes_are_those_that_hold(tmp_path: Path) -> None:
    """A point with other routes than the gate asks about another act."""
    rows = b"host,method,path,action,resource,customers\napp.example.com,GET,/x/{c},view,asset:status,{c}\n"
    with served_with(tmp_path, {**estate(), "routes.csv": rows}, points=(point("all", "redeem"),)) as pdp:
        answer = pdp.send(ROUTES, method="GET").json
        assert answer["estate"] == pdp.gate.digest
        routes = Routes.parse(answer["routes"])
        assert len(routes) == 1 and routes.form() == answer["routes"]


def test_a_stream_ends_with_its_lease(pdp: Served) -> None:
    lease = leased(pdp.gate, "end", MEETINGS, "acme")
    until = pdp.send(REDEEM, act("stream", customers=["acme"])).json["until"]
    assert until == f"{lease.terms.end:%Y-%m-%dT%H:%M:%SZ}"


def test_headers_of_one_answer_do_not_reach_the_next(pdp: Served) -> None:
    """A request id with a line in it would be an answer of the caller's own."""
    sent = b"GET /access/v1/jwks HTTP/1.1\r\nHost: x\r\nX-Request-ID: a\xc3\xa9 b\r\nConnection: close\r\n\r\n"
    assert b"x-request-id: a\xc3\xa9 b\r\n" in exchanged(pdp.url, sent)
    sent = b"GET /access/v1/jwks HTTP/1.1\r\nHost: x\r\nX-Request-ID: a\tb\r\nConnection: close\r\n\r\n"
    assert b"x-request-id" not in exchanged(pdp.url, sent)


def test_a_request_that_waits_gives_no_access(pdp: Served) -> None:
    state = asked(pdp.gate, "end", MEETINGS)
    approve(pdp.gate, state.request.id, "di")
    answer = pdp.send(REDEEM, act("early")).json
    assert (answer["decision"], answer["why"]) == (False, "approval_required")


def test_an_old_use_is_in_nobodys_records(pdp: Served) -> None:
    """Whoever has a point's secret could write acts of years ago into somebody's name."""
    lease = leased(pdp.gate, "end", by="di ed").terms
    use = {"use": format_base64url(b"o" * 16), "lease": lease.id, "executor": "bo", "action": "end", "at": 0}
    resource = {"type": "asset", "id": "meetings-us"}
    answer = pdp.send("/gate/v1/uses", {"uses": [{**use, "resource": resource, "customers": []}]})
    assert answer.status == 200 and "older than a day" in answer.json["taken"][0]["problem"]
    assert not [each for each in pdp.recorded() if isinstance(each, Used)]


def test_points_are_not_told_who_revoked_a_lease_or_why(pdp: Served) -> None:
    """A reason may be about a person, and every point would read it."""
    lease = leased(pdp.gate, "end", by="di ed").terms
    pdp.gate.revoke(lease.id, PersonId("di"), "bo is investigated")
    use = {"use": format_base64url(b"r" * 16), "executor": "bo", "action": "end"}
    answer = pdp.send("/gate/v1/redeem", {**use, "resource": {"type": "asset", "id": "meetings-us"}}).json
    assert (answer["decision"], answer["why"], answer["says"]) == (False, "revoked", "the lease was revoked")
