"""AuthZEN beyond the certification scenario: who may ask, what is read, what an answer says, and what has an effect."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from armslength.gate import Rejected, Used
from armslength.service import check_gate
from armslength.tlog import format_base64url
from armslength.web.authzen_wire import Evaluation
from armslength.web.gate_body import parse_body, parse_json
from tests.service.gates import ACCOUNTS, MEETINGS, leased, use
from tests.service.logs import seed
from tests.web.gated import Served, question, resource, secret, served, subject
from tests.web.raw import exchanged, rest, wire

SINGLE, BATCH = "/access/v1/evaluation", "/access/v1/evaluations"
PATHS = [SINGLE, BATCH, *(f"/access/v1/search/{kind}" for kind in ("subject", "resource", "action"))]


@pytest.fixture(scope="module")
def pdp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """For tests that leave nothing behind."""
    with served(tmp_path_factory.mktemp("authzen")) as found:
        yield found


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as found:
        yield found


def uses(own: Served) -> list[Used]:
    """The uses on record."""
    return [each for each in own.recorded() if isinstance(each, Used)]


# Who may ask


def test_nobody_is_told_anything_without_a_secret(pdp: Served) -> None:
    """Whoever reaches the gate could learn who may do what, and try until something passes."""
    for path in PATHS:
        for headers in (
            {},
            {"Authorization": "Bearer"},
            {"Authorization": f"Bearer {secret('nobody')}"},
            {"Authorization": f"Basic {secret('all')}"},
            {"Authorization": f"Bearer {secret('all')[:-1]}"},
            {"Authorization": f"Bearer {secret('all')}x"},
            {"Authorization": secret("all")},
        ):
            answer = pdp.send(path, question(), by=None, headers=headers)
            assert answer.status == 401 and answer.headers["www-authenticate"].startswith("Bearer")
            assert b"bo" not in answer.body


def test_two_secrets_are_none(pdp: Served) -> None:
    """Of two readers one would take the first and one the last."""
    body = json.dumps(question()).encode()
    head = f"POST {SINGLE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    for names in (("all", "nobody"), ("nobody", "all"), ("all", "all")):
        given = "".join(f"Authorization: Bearer {secret(name)}\r\n" for name in names)
        sent = f"{head}{given}Connection: close\r\n\r\n".encode() + body
        assert exchanged(pdp.url, sent).startswith(b"HTTP/1.1 401 ")


def test_a_point_may_do_what_its_settings_say(pdp: Served) -> None:
    """A proxy's secret would let its finder enumerate the firm."""
    for path in PATHS:
        assert pdp.send(path, question(), by="proxy").status == 403
    for context in ({"use": format_base64url(bytes(16))}, {"approval": {"id": "lease_x"}}):
        assert pdp.send(SINGLE, question(context=context), by="looking").status == 403
        assert pdp.send(BATCH, {"evaluations": [question(), question(context=context)]}, by="looking").status == 403
    assert pdp.evaluate(question("view", "status"), by="looking")["decision"] is True


def test_one_path_has_one_spelling(pdp: Served) -> None:
    """What a proxy in front lets through by name must not be reached by another."""
    for path in (
        "/access/v1//evaluation",
        "/access/v1/evaluation/",
        "/access/v1/%65valuation",
        "/ACCESS/v1/evaluation",
    ):
        assert pdp.send(path, question()).status == 404
    answer = pdp.send(SINGLE, method="GET")
    assert answer.status == 405 and answer.headers["allow"] == "POST"
    assert pdp.send(SINGLE + "?x=1", question("view", "status")).status == 200


# What is read

HOSTILE = {
    "a key twice": b'{"subject":{"type":"user","id":"bo","id":"ana"}}',
    "a key twice by an escape": b'{"subject":{"type":"user","id":"bo","\\u0069d":"ana"}}',
    "a key twice among colons": b'{"x:":":","subject":{"id":":::","id":""}}',
    "a key twice deep inside": b'{"context":{"a":[{"b":1},{"c":{"d":1,"d":1}}]}}',
    "not UTF-8": b'{"subject":{"type":"user","id":"\xff"}}',
    "not UTF-8 where nobody looks": b'{"unknown":"\xc0\x80"}',
    "half a surrogate pair": b'{"unknown":"\\ud800"}',
    "a control character": b'{"unknown":"\x00"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"subject":1}'.encode("utf-16"),
    "a number past 2^53": b'{"context":{"n":9007199254740993}}',
    "a number past a double": b'{"context":{"n":1e400}}',
    "a number of a million digits": b'{"context":{"n":' + b"9" * 1_000_000 + b"}}",
    "not a number": b'{"context":{"n":NaN}}',
    "a comment": b'{"a":1/**/}',
    "a comma too many": b'{"a":1,}',
    "something behind": b"{} {}",
    "arrays without end": b"[" * 500_000,
    "objects without end": b'{"a":' * 100_000,
    "objects too deep": b'{"a":' * 40 + b"1" + b"}" * 40,
    "arrays too deep": b'{"a":' + b"[" * 40 + b"]" * 40 + b"}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_two_readers_could_read_in_two_ways_is_refused(pdp: Served, name: str) -> None:
    """The point would have asked about bo, and the gate decided about ana."""
    for path in PATHS:
        answer = pdp.send(path, HOSTILE[name])
        assert answer.status == 400, (path, answer.body)
        assert len(answer.body) < 5_000


def test_colons_and_escapes_are_no_problem() -> None:
    """The quick look for keys that come twice must not refuse what is sound."""
    for text in (
        '{"a":"b:c","d":["::",{"e:":"\\u003a"}]}',
        '{"a" : "\\"b\\":", "c"\t:\n1}',
        '{"":{"":{"":""}}}',
        '{"a":"\\ud83d\\ude00"}',
    ):
        assert parse_json(text.encode()) == json.loads(text)


def test_every_problem_is_named_at_once() -> None:
    """Whoever mends a point would find them one by one."""
    with pytest.raises(Rejected) as found:
        parse_body(b'{"subject":{"type":1,"properties":[]},"action":{},"context":"x"}', Evaluation)
    assert list(found.value.problems) == [
        "subject.type: expected str, got int",
        "subject.id is missing",
        "subject.properties: expected object, got array",
        "action.name is missing",
        "resource is missing",
        "context: expected object, got str",
    ]


def test_a_body_has_an_end(pdp: Served) -> None:
    """One point could take all of the memory."""
    large = {**question("view", "status"), "context": {"x": "y" * 1_000_000}}
    assert pdp.send(SINGLE, large).status == 200
    assert pdp.send(SINGLE, {**large, "z": "y" * 200_000}).status == 413
    head = f"POST {SINGLE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {secret('all')}\r\n"
    head += "Content-Type: application/json\r\n"
    for length in ("99999999999999999999", "9999999999"):
        sent = f"{head}Content-Length: {length}\r\n\r\n".encode()
        assert exchanged(pdp.url, sent)[:12] in (b"HTTP/1.1 413", b"HTTP/1.1 400")
    with wire(pdp.url) as connection:
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        try:
            for _ in range(1000):
                connection.sendall(b"10000\r\n" + b" " * 65_536 + b"\r\n")
        except OSError:
            pass
        assert rest(connection)[:12] in (b"HTTP/1.1 413", b"")


@pytest.mark.slow
def test_a_body_that_does_not_come_is_not_waited_for(pdp: Served) -> None:
    head = f"POST {SINGLE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {secret('all')}\r\n"
    began = time.monotonic()
    sent = f"{head}Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{{".encode()
    assert exchanged(pdp.url, sent).startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < 20


def test_a_point_that_gave_no_secret_sends_its_body_to_nobody(pdp: Served) -> None:
    """It is answered at once, and the connection ends: nothing of it is read as another request."""
    sent = f"POST {SINGLE} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nGET /openapi.json HTTP/1.1\r\n".encode()
    found = exchanged(pdp.url, sent)
    assert found.startswith(b"HTTP/1.1 401 ") and found.count(b"HTTP/1.1") == 1 and b"connection: close" in found


# What an answer says


def test_an_answer_says_why(pdp: Served) -> None:
    """A person who is refused learns by which rule, on what it was decided, and what would do."""
    yes = pdp.evaluate(question("view", "status"))
    assert yes["context"]["policies"] == ["status"] and yes["context"]["estate"] == pdp.gate.digest
    assert yes["context"]["evaluation_id"].startswith("eval_") and "reason" not in yes["context"]
    cases = {
        ("end", "meetings-us", "bo"): "approval_required",
        ("end", "meetings-us", "ana"): "no_rule",
        ("end", "accounts", "ana"): "no_rule",
        ("end", "meetings-us", "nobody"): "unknown_subject",
        ("end", "nothing", "bo"): "unknown_resource",
        ("fly", "meetings-us", "bo"): "unknown_action",
    }
    for (action, on, who), reason in cases.items():
        answer = pdp.evaluate(question(action, on, who))
        assert answer["decision"] is False and answer["context"]["reason"] == reason
        assert answer["context"]["reason_user"]
        assert ("access_request" in answer["context"]) == (reason == "approval_required")
    borrowed = pdp.evaluate({**question("view", "status"), "context": {"asker": "ana"}})
    assert (borrowed["context"]["reason"], borrowed["context"]["policies"]) == ("forbidden", ["shield"])
    ids = {pdp.evaluate(question())["context"]["evaluation_id"] for _ in range(5)}
    assert len(ids) == 5


def test_types_that_nobody_knows_are_denied(pdp: Served) -> None:
    """Not an error: the point asked a sound question."""
    body = question("view", "status")
    for name, reason in (("subject", "unknown_subject"), ("resource", "unknown_resource")):
        answer = pdp.evaluate({**body, name: {"type": "spaceship", "id": "bo"}})
        assert answer["decision"] is False and answer["context"]["reason"] == reason


def test_an_asset_goes_by_its_kind(pdp: Served) -> None:
    """`status` is a page: asked for as a store it is not there."""
    body = question("view", "status")
    for kind, decision in (("page", True), ("asset", True), ("store", False), ("service", False)):
        assert pdp.evaluate({**body, "resource": resource("status", kind)})["decision"] is decision


def test_borrowed_hands_have_the_limits_of_who_asks(pdp: Served) -> None:
    """Ana in CN has bo look at what policy shields from CN."""
    assert pdp.evaluate(question("view", "status", context={"asker": "dee"}))["decision"] is True
    for name in ("asker", "author"):
        answer = pdp.evaluate(question("view", "status", context={name: "ana"}))
        assert answer["decision"] is False and answer["context"]["policies"] == ["shield"]
    answer = pdp.evaluate(question("view", "status", context={"asker": "nobody"}))
    assert answer["context"]["reason"] == "unknown_subject"
    for name in ("asker", "author"):
        for value in (1, None, "", " bo", "b\no", ["bo"]):
            assert pdp.send(SINGLE, question("view", "status", context={name: value})).status == 400


def test_the_places_of_properties_are_taken(pdp: Served) -> None:
    """A context that says what the subject's properties say could say something else."""
    for name in ("subject", "resource", "action"):
        answer = pdp.send(SINGLE, question(context={name: {"role": "admin"}}))
        assert answer.status == 400 and f"context.{name}".encode() in answer.body


def test_what_policies_cannot_read_is_refused(pdp: Served) -> None:
    """Cedar has entities and calls behind certain names: a point's properties must not become them."""
    body = question("view", "status")
    for value in (1.5, None, {"__entity": {"type": "Person", "id": "ann"}}, {"a": [{"__extn": {}}]}):
        answer = pdp.evaluate({**body, "subject": subject("bo", role=value)})
        assert answer["decision"] is False and answer["context"]["reason"] == "evaluation_error"


# Several

ORDER = [question("view", "status"), question("fly"), question("view", "status"), question("end")]


@pytest.mark.parametrize(
    ("semantic", "expected"),
    [
        (None, [True, False, True, False]),
        ("execute_all", [True, False, True, False]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
def test_semantics(pdp: Served, semantic: str | None, expected: list[bool]) -> None:
    """A point that stops at the first denial would take the rest for permitted."""
    options = {} if semantic is None else {"options": {"evaluations_semantic": semantic}}
    answer = pdp.send(BATCH, {"evaluations": ORDER, **options})
    assert [each["decision"] for each in answer.json["evaluations"]] == expected


def test_an_error_counts_as_a_denial(pdp: Served) -> None:
    for semantic, expected in (("deny_on_first_deny", [False]), ("permit_on_first_permit", [False, True])):
        body = {"evaluations": [{"subject": "bo"}, ORDER[0], ORDER[1]], "options": {"evaluations_semantic": semantic}}
        decisions = pdp.send(BATCH, body).json["evaluations"]
        assert [each["decision"] for each in decisions] == expected
        assert decisions[0]["context"]["error"]["status"] == 400


def test_what_is_wrong_with_the_whole_is_a_bad_request(pdp: Served) -> None:
    for body in (
        {"evaluations": {}},
        {"evaluations": [1]},
        {"evaluations": [ORDER[0]], "subject": "bo"},
        {"evaluations": [ORDER[0]], "options": {"evaluations_semantic": "any"}},
        {"evaluations": [ORDER[0]] * 1001},
    ):
        assert pdp.send(BATCH, body).status == 400, body
    assert len(pdp.send(BATCH, {"evaluations": [ORDER[0]] * 1000}).json["evaluations"]) == 1000


# Searches


def test_a_page_is_of_one_question(pdp: Served) -> None:
    """With another question's token people would be missing from the answer, and nobody would know."""
    path, asked = (
        "/access/v1/search/subject",
        {
            "subject": {"type": "person"},
            "action": {"name": "view"},
            "resource": resource("status"),
        },
    )
    first = pdp.send(path, {**asked, "page": {"limit": 1}}).json
    token = first["page"]["next_token"]
    assert first["results"] == [{"type": "person", "id": "bo"}]
    assert pdp.send(path, {**asked, "page": {"limit": 1, "token": token}}).json["results"] == [
        {"type": "person", "id": "dee"}
    ]
    for changed in (
        {**asked, "page": {"limit": 2, "token": token}},
        {**asked, "action": {"name": "end"}, "page": {"token": token}},
        {**asked, "context": {"a": 1}, "page": {"token": token}},
        {**asked, "subject": {"type": "user"}, "page": {"token": token}},
        {**asked, "page": {"token": token + "x"}},
        {**asked, "page": {"token": "0" + token}},
        {**asked, "page": {"token": "x"}},
        {**asked, "page": {"limit": -1}},
        {**asked, "page": {"limit": 1.5}},
    ):
        assert pdp.send(path, changed).status == 400, changed
    none = pdp.send(path, {**asked, "page": {"limit": 0}}).json
    assert none["results"] == [] and none["page"]["total"] == 2 and none["page"]["next_token"]
    assert pdp.send(path, {**asked, "page": {"limit": 10**9}}).json["page"]["next_token"] == ""


def test_what_needs_approval_is_not_found(pdp: Served) -> None:
    """A list of what bo may do must not hold what bo may only ask for."""
    found = pdp.send("/access/v1/search/action", {"subject": subject(), "resource": resource()}).json["results"]
    assert found == []
    found = pdp.send("/access/v1/search/action", {"subject": subject(), "resource": resource("status")}).json
    assert found["results"] == [{"name": "view"}]
    body = {"subject": subject(), "action": {"name": "view"}, "resource": {"type": "page"}}
    assert pdp.send("/access/v1/search/resource", body).json["results"] == [{"type": "page", "id": "status"}]
    body["resource"] = {"type": "store"}
    assert pdp.send("/access/v1/search/resource", body).json["results"] == []


# Effects


def test_asking_has_no_effect(own: Served) -> None:
    """A point that draws a page of buttons would use up leases and fill the ledger."""
    leased(own.gate, "export", MEETINGS, by="di")
    for _ in range(3):
        assert own.evaluate(question("export"))["decision"] is False
        own.evaluate(question("view", "status"))
    assert own.gate.live()[0].uses == 0
    assert uses(own) == []


def test_a_use_is_recorded_before_the_yes(own: Served) -> None:
    """Access to a customer that is missing from the customer's bundle."""
    plain = question("view", "status", context={"customers": ["acme"]})
    denied = own.evaluate(plain)
    assert denied["decision"] is False and denied["context"]["reason"] == "use_required"
    mark = format_base64url(seed("an act")[:16])
    told = question("view", "status", context={"customers": ["acme"], "use": mark})
    for _ in range(2):
        answer = own.evaluate(told)
        assert answer["decision"] is True and answer["context"]["policies"] == ["status"]
    (used,) = uses(own)
    assert (used.customers, used.use, used.point) == (("acme",), mark, "all")
    assert check_gate(own.made.path).findings == ()


def test_a_use_takes_a_lease_that_is_live(own: Served) -> None:
    lease = leased(own.gate, "export", MEETINGS, by="di")
    marks = [format_base64url(seed(f"act {number}")[:16]) for number in range(3)]
    answers = [own.evaluate(question("export", context={"use": mark})) for mark in (marks[0], *marks)]
    assert [each["decision"] for each in answers] == [True, True, True, False]
    assert answers[-1]["context"]["reason"] in ("spent", "approval_required")
    assert {used.lease for used in uses(own)} == {lease.terms.id}


def test_a_use_has_to_be_one(pdp: Served) -> None:
    for value in ("", "x", "A" * 21 + "B", 5, None, "A" * 23):
        assert pdp.send(SINGLE, question(context={"use": value})).status == 400
    for value in ("acme", [1], [""], ["a\nb"], None, [f"c{n}" for n in range(1001)]):
        assert pdp.send(SINGLE, question(context={"customers": value})).status == 400


@pytest.mark.parametrize("carried", [{"id": {}}, {"id": 1}, {}, [], "x", None, {"id": "x", "state": 1}])
def test_an_approval_that_is_none_is_refused_wherever_it_stands(pdp: Served, carried: object) -> None:
    """A point whose approvals get lost on the way would be told that the subject is unknown, or get an answer, and its
    people would look for the fault in the tables."""
    body = question("view", "status", context={"approval": carried})
    unknown = {"type": "spaceship", "id": "bo"}
    for each in (body, {**body, "subject": unknown}, {**body, "resource": unknown}):
        assert pdp.send(SINGLE, each).status == 400
    assert pdp.send(BATCH, {"context": body["context"], "evaluations": [question("view", "status")]}).status == 400
    for search in ("subject", "resource", "action"):
        answer = pdp.send(f"/access/v1/search/{search}", {**body, "subject": unknown})
        assert answer.status == 400 and b"context.approval" in answer.body


def test_a_clock_that_went_back_refuses(own: Served) -> None:
    """Leases that are over would be live again."""
    assert own.evaluate(question("view", "status"))["decision"] is True
    use(own.gate, "before", "view", ACCOUNTS)
    own.clock.now -= 3600
    answer = own.evaluate(question("view", "status"))
    assert answer["decision"] is False
    context = answer["context"]
    assert (context["reason"], context["next_action"], context["retry_after"]) == ("clock_went_back", "retry", 5)
