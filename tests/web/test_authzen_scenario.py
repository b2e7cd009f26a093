"""The certification scenario of AuthZEN 1.0, expressed from the specification with an estate and a policy of our own.

Every requirement of its levels Basic, Batch, Search and Discovery has a test here, named after what it claims. The
properties that come with a question reach the policy as `context.subject`, `context.resource` and `context.action`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.gated import Served, served_with

ESTATE = {
    "people.csv": b"id,unit,workplace\nalice,clinic,US\nbob,clinic,IE\n",
    "groups.csv": b"group,member\nreaders,person:alice\nreaders,person:bob\n",
    "assets.csv": b"id,kind,class\nrecord-1,record,records\nrecord-2,record,records\n",
    "estate.toml": b'name = "Clinic"\n',
    "policy.cedar": b"""
@id("reading")
permit (principal in Group::"readers", action == Action::"read", resource in Class::"records");

@id("own-writing")
permit (principal == Person::"alice", action == Action::"write", resource in Class::"records")
unless { context has resource && context.resource has status && context.resource.status == "archived" };

@id("archivist")
permit (principal, action == Action::"write", resource in Class::"records")
when {
    context has subject && context.subject has role && context.subject.role == "admin" &&
    // A search of resources says nothing of the one it looks for; the table knows which ones are archived.
    (if context has resource && context.resource has status
     then context.resource.status == "archived" else resource == Asset::"record-2")
};

@id("archivist-known")
permit (principal == Person::"bob", action == Action::"write", resource == Asset::"record-2")
when { context has resource && context.resource has status && context.resource.status == "archived" };

@id("soft-delete")
permit (principal == Person::"alice", action == Action::"delete", resource == Asset::"record-1")
when { context has action && context.action has soft && context.action.soft == true };
""",
}

ALICE, BOB = {"type": "user", "id": "alice"}, {"type": "user", "id": "bob"}
ADMIN = {**BOB, "properties": {"role": "admin"}}
ONE, TWO = {"type": "record", "id": "record-1"}, {"type": "record", "id": "record-2"}
ACTIVE = {**ONE, "properties": {"status": "active"}}
ARCHIVED = {**TWO, "properties": {"status": "archived"}}
READ, WRITE = {"name": "read"}, {"name": "write"}
SOFT, HARD = ({"name": "delete", "properties": {"soft": soft}} for soft in (True, False))
CONTEXT = {"time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1"}

SINGLE = "/access/v1/evaluation"
BATCH = "/access/v1/evaluations"
SUBJECTS, RESOURCES, ACTIONS = (f"/access/v1/search/{kind}" for kind in ("subject", "resource", "action"))


@pytest.fixture(scope="module")
def pdp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served_with(tmp_path_factory.mktemp("scenario"), ESTATE) as found:
        yield found


def asked(subject: object = ALICE, action: object = READ, resource: object = ONE, **more: object) -> dict[str, object]:
    return {"subject": subject, "action": action, "resource": resource, **more}


DECISIONS = {
    "a reader reads": (asked(), True),
    "who may write writes": (asked(action=WRITE), True),
    "another reader reads": (asked(BOB), True),
    "a reader does not write": (asked(BOB, WRITE), False),
    "nobody writes what is archived": (asked(ALICE, WRITE, ARCHIVED), False),
    "but the archivist": (asked(ADMIN, WRITE, ARCHIVED), True),
    "deleting softly": (asked(action=SOFT), True),
    "deleting for good": (asked(action=HARD), False),
    "deleting without a word on how": (asked(action={"name": "delete"}), False),
}


@pytest.mark.parametrize("name", DECISIONS)
def test_the_fixtures_decisions(pdp: Served, name: str) -> None:
    """A gate that answers the same to everything, or not as its policy says, is no decision point."""
    body, expected = DECISIONS[name]
    for more in ({}, {"context": CONTEXT}, {"foo": "bar", "futureField": {"nested": True}}):
        answer = pdp.evaluate({**body, **more})
        assert answer["decision"] is expected, answer
        assert isinstance(answer.get("context", {}), dict)


def test_further_properties_change_nothing(pdp: Served) -> None:
    """Points send what they have, whatever a policy looks at."""
    body = asked(
        {**ALICE, "properties": {"department": "Sales", "role": "manager"}},
        {**READ, "properties": {"method": "GET"}},
        {**ONE, "properties": {"status": "active", "owner": "bob"}},
    )
    assert pdp.evaluate(body)["decision"] is True


def without(body: dict[str, Any], *path: str) -> dict[str, Any]:
    *above, last = path
    if not above:
        return {name: value for name, value in body.items() if name != last}
    return {**body, above[0]: without(body[above[0]], last)}


REQUIRED = [
    ("subject",),
    ("action",),
    ("resource",),
    ("subject", "type"),
    ("subject", "id"),
    ("action", "name"),
    ("resource", "type"),
    ("resource", "id"),
]


@pytest.mark.parametrize("path", REQUIRED, ids=".".join)
def test_what_is_missing_is_a_bad_request(pdp: Served, path: tuple[str, ...]) -> None:
    """A question with a hole in it must not be answered as if it had none."""
    answer = pdp.send(SINGLE, without(asked(), *path))
    assert answer.status == 400 and answer.body == f"{'.'.join(path)} is missing\n".encode()


@pytest.mark.parametrize(
    "body",
    [
        asked("alice"),
        asked(action={"name": 123}),
        asked(resource=[]),
        asked(context="late"),
        asked({**ALICE, "properties": 1}),
        asked({**ALICE, "id": None}),
    ],
)
def test_what_is_of_another_type_is_a_bad_request(pdp: Served, body: object) -> None:
    assert pdp.send(SINGLE, body).status == 400


def test_what_is_no_json_is_a_bad_request(pdp: Served) -> None:
    for path in (SINGLE, BATCH, SUBJECTS, RESOURCES, ACTIONS):
        for body in (b"", b"{", b"alice", b"[]", b'"x"', b"null"):
            assert pdp.send(path, body).status == 400, (path, body)


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx", "json"])
def test_another_content_type_is_a_bad_request(pdp: Served, media: str) -> None:
    assert pdp.send(SINGLE, asked(), headers={"Content-Type": media}).status == 400
    assert pdp.send(SINGLE, asked(), headers={"Content-Type": "application/json; charset=utf-8"}).status == 200


def test_a_request_id_comes_back(pdp: Served) -> None:
    """A point's log and ours could not be laid side by side."""
    said = {"X-Request-ID": "bfe9eb29-ab87-4ca3-be83-a1d5d8305716"}
    for path, body in ((SINGLE, asked()), (SINGLE, {}), ("/nowhere", {}), (BATCH, {}), (SUBJECTS, {})):
        assert pdp.send(path, body, headers=said).headers["x-request-id"] == said["X-Request-ID"]
    assert pdp.send(SINGLE, asked(), by=None, headers=said).headers["x-request-id"] == said["X-Request-ID"]
    assert pdp.send(SINGLE, asked()).status == 200


def test_the_same_question_has_the_same_answer(pdp: Served) -> None:
    assert {pdp.evaluate(asked())["decision"] for _ in range(5)} == {True}
    assert {pdp.evaluate(asked(BOB, WRITE))["decision"] for _ in range(5)} == {False}


BATCHES = {
    "two resources": ({"subject": ALICE, "action": READ, "evaluations": [{"resource": ONE}, {"resource": TWO}]}, None),
    "two actions, in order": (
        {"subject": BOB, "resource": ONE, "evaluations": [{"action": READ}, {"action": WRITE}]},
        [True, False],
    ),
    "properties of each resource": (
        {"subject": ALICE, "action": WRITE, "evaluations": [{"resource": ACTIVE}, {"resource": ARCHIVED}]},
        [True, False],
    ),
    "properties of each subject": (
        {"action": WRITE, "resource": ARCHIVED, "evaluations": [{"subject": ALICE}, {"subject": ADMIN}]},
        [False, True],
    ),
    "no defaults": ({"evaluations": [asked(), asked(BOB, WRITE)]}, [True, False]),
    "a context for all but one": (
        {
            **without(asked(context=CONTEXT), "resource"),
            "evaluations": [{"resource": ONE}, {"resource": TWO, "context": {"source": "batch-override"}}],
        },
        [True, True],
    ),
    "an entity is replaced as a whole": (
        {**asked(ALICE, WRITE, ACTIVE), "evaluations": [{}, {"resource": ARCHIVED}]},
        [True, False],
    ),
    "one that lacks something": (
        {
            "subject": ALICE,
            "action": READ,
            "options": {"evaluations_semantic": "execute_all", "another": 1},
            "evaluations": [{"resource": ONE}, {}],
        },
        [True, False],
    ),
}


@pytest.mark.parametrize("name", BATCHES)
def test_batches(pdp: Served, name: str) -> None:
    """An answer in another's place lets the wrong act happen."""
    body, expected = BATCHES[name]
    answer = pdp.send(BATCH, body)
    assert answer.status == 200 and "decision" not in answer.json
    decisions = [each["decision"] for each in answer.json["evaluations"]]
    assert len(decisions) == len(body["evaluations"]) and all(isinstance(each, bool) for each in decisions)
    assert expected is None or decisions == expected


def test_a_batch_without_evaluations_is_one_question(pdp: Served) -> None:
    for body in (asked(), {**asked(), "evaluations": []}):
        assert pdp.send(BATCH, body).json["decision"] is True
    assert pdp.send(BATCH, {"subject": ALICE, "evaluations": []}).status == 400


def found(pdp: Served, path: str, body: dict[str, Any]) -> list[Any]:
    answer = pdp.send(path, body)
    assert answer.status == 200, answer.body
    assert isinstance(answer.json["page"]["next_token"], str)
    results: list[Any] = answer.json["results"]
    return results


WHO = {"subject": {"type": "user"}, "action": READ, "resource": ONE}
WHICH = {"subject": ALICE, "action": READ, "resource": {"type": "record"}}
WHAT = {"subject": ALICE, "resource": ONE}


def test_searches_find_what_would_be_permitted(pdp: Served) -> None:
    """A user interface that shows what is not so sends people to closed doors."""
    assert found(pdp, SUBJECTS, WHO) == [ALICE, BOB]
    assert ONE in found(pdp, RESOURCES, WHICH)
    assert {"name": "read"} in found(pdp, ACTIONS, WHAT) and {"name": "write"} in found(pdp, ACTIONS, WHAT)


def test_searches_by_properties(pdp: Served) -> None:
    assert BOB in found(pdp, SUBJECTS, {"subject": {"type": "user"}, "action": WRITE, "resource": ARCHIVED})
    assert TWO in found(pdp, RESOURCES, {"subject": ADMIN, "action": WRITE, "resource": {"type": "record"}})
    assert {"name": "write"} in found(pdp, ACTIONS, {"subject": ADMIN, "resource": ARCHIVED})


def test_a_context_or_an_id_changes_no_search(pdp: Served) -> None:
    for path, body in ((SUBJECTS, WHO), (RESOURCES, WHICH), (ACTIONS, WHAT)):
        assert found(pdp, path, {**body, "context": CONTEXT}) == found(pdp, path, body)
    assert found(pdp, SUBJECTS, {**WHO, "subject": ALICE}) == found(pdp, SUBJECTS, WHO)
    assert found(pdp, RESOURCES, {**WHICH, "resource": ONE}) == found(pdp, RESOURCES, WHICH)


def test_pages(pdp: Served) -> None:
    first = pdp.send(SUBJECTS, {**WHO, "page": {"limit": 1}}).json
    assert first["page"] | {"next_token": ""} == {"next_token": "", "count": 1, "total": 2}
    assert first["results"] == [ALICE] and first["page"]["next_token"]
    second = pdp.send(SUBJECTS, {**WHO, "page": {"token": first["page"]["next_token"]}}).json
    assert second == {"page": {"next_token": "", "count": 1, "total": 2}, "results": [BOB]}


@pytest.mark.parametrize("path", [SUBJECTS, RESOURCES, ACTIONS])
def test_what_nobody_knows_finds_nothing(pdp: Served, path: str) -> None:
    body = {SUBJECTS: WHO, RESOURCES: WHICH, ACTIONS: WHAT}[path]
    for name in ("subject", "resource"):
        assert found(pdp, path, {**body, name: {"type": "spaceship", "id": "x"}}) == []
        if path != {"subject": SUBJECTS, "resource": RESOURCES}[name]:
            assert found(pdp, path, {**body, name: {**body[name], "id": "nonexistent"}}) == []


def test_a_search_that_lacks_something_is_a_bad_request(pdp: Served) -> None:
    kind = {"subject": {"type": "user"}, "resource": {"type": "record"}}
    for path, body in (
        (SUBJECTS, without(WHO, "action")),
        (RESOURCES, without(WHICH, "subject")),
        (ACTIONS, without(WHAT, "resource")),
        (SUBJECTS, {**kind, "action": READ}),
        (RESOURCES, {**kind, "action": READ}),
        (ACTIONS, {**kind, "resource": ONE}),
    ):
        assert pdp.send(path, body).status == 400, (path, body)


def test_the_metadata(pdp: Served) -> None:
    """A point that is sent elsewhere by it asks somebody else."""
    answer = pdp.send("/.well-known/authzen-configuration", method="GET", by=None)
    assert answer.status == 200 and answer.headers["content-type"] == "application/json"
    assert answer.json["policy_decision_point"] == "https://gate.example.com"
    endpoints = {name: value for name, value in answer.json.items() if name.endswith("_endpoint")}
    assert len(endpoints) == 6 and all(value.startswith("https://gate.example.com/") for value in endpoints.values())
    assert endpoints["access_evaluation_endpoint"].endswith(SINGLE)
    assert all(isinstance(each, str) for each in answer.json["capabilities"])
    assert pdp.send("/.well-known/authzen-configuration/tenant1", method="GET").status == 404
