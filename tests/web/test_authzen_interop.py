"""Decision sets of the shape that AuthZEN's interoperability events use: roles, owners told by the point, a gateway in
front of a service, and searches that must say the same as the decisions. The cases are our own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from tests.web.gated import Served, served_with

ROLES = {"noor": "keeper", "odd": "editor", "pia": "editor", "quin": "reader", "rex": ""}
"""Rex is nobody's member."""
MAIL = {name: f"{name}@library.example" for name in ROLES}
LOANS = {"loan-1": "odd", "loan-2": "pia", "loan-3": "quin"}
"""Whose each is; the tables do not know, the point says it."""
ACTIONS = ("see_people", "see_loans", "add_loan", "change_loan", "drop_loan")

ESTATE = {
    "people.csv": ("id,unit,workplace\n" + "".join(f"{name},desk,US\n" for name in ROLES)).encode(),
    "groups.csv": (
        "group,member\n"
        + "".join(f"{role}s,person:{name}\n" for name, role in ROLES.items() if role)
        + "editors,group:keepers\nreaders,group:editors\n"
    ).encode(),
    "assets.csv": ("id,kind,class\n" + "".join(f"{name},loan,loans\n" for name in LOANS) + "desk,desk,\n").encode(),
    "estate.toml": b'name = "Library"\n',
    "policy.cedar": b"""
@id("anyone-reading") permit (principal in Group::"readers", action in [Action::"see_people", Action::"see_loans"],
    resource == Asset::"desk");
@id("editors-add") permit (principal in Group::"editors", action == Action::"add_loan", resource == Asset::"desk");
@id("own") permit (principal in Group::"editors", action in [Action::"change_loan", Action::"drop_loan"],
    resource in Class::"loans")
when { context has resource && context.resource has owner && context has subject && context.subject has mail &&
       context.resource.owner == context.subject.mail };
@id("keepers-drop") permit (principal in Group::"keepers", action == Action::"drop_loan", resource in Class::"loans");
@id("closed") forbid (principal, action, resource)
when { context has request && context.request has method && context.request.method == "TRACE" };
""",
}

SINGLE, BATCH = "/access/v1/evaluation", "/access/v1/evaluations"


def expected(who: str, action: str, on: str) -> bool:
    """What the library's rules say, in Python."""
    reads = ROLES[who] != ""
    edits = ROLES[who] in ("editor", "keeper")
    match action:
        case "see_people" | "see_loans":
            return reads and on == "desk"
        case "add_loan":
            return edits and on == "desk"
        case "change_loan":
            return edits and LOANS.get(on) == who
        case _:
            return on in LOANS and (ROLES[who] == "keeper" or (edits and LOANS[on] == who))


def subject(who: str) -> dict[str, Any]:
    return {"type": "user", "id": who, "properties": {"mail": MAIL[who]}}


def resource(on: str) -> dict[str, Any]:
    if on not in LOANS:
        return {"type": "desk", "id": on}
    return {"type": "loan", "id": on, "properties": {"owner": MAIL[LOANS[on]], "pages": 120, "late": False}}


CASES = list(product(ROLES, ACTIONS, [*LOANS, "desk"]))


@pytest.fixture(scope="module")
def pdp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served_with(tmp_path_factory.mktemp("interop"), ESTATE) as found:
        yield found


def asked(who: str, action: str, on: str) -> dict[str, Any]:
    return {"subject": subject(who), "action": {"name": action}, "resource": resource(on)}


def test_every_decision_of_the_set(pdp: Served) -> None:
    """One wrong cell of the table is somebody who reads what is not theirs."""
    wrong = [case for case in CASES if pdp.evaluate(asked(*case))["decision"] is not expected(*case)]
    assert wrong == []
    assert {expected(*case) for case in CASES} == {True, False}


def test_the_set_in_one_batch_says_the_same(pdp: Served) -> None:
    answer = pdp.send(BATCH, {"evaluations": [asked(*case) for case in CASES]}).json["evaluations"]
    assert [each["decision"] for each in answer] == [expected(*case) for case in CASES]


@pytest.mark.parametrize("who", ROLES)
def test_one_persons_buttons_in_one_batch(pdp: Served, who: str) -> None:
    """A page asks for all that it could show, with what is the same said once."""
    for action in ACTIONS:
        body = {
            "subject": subject(who),
            "action": {"name": action},
            "evaluations": [{"resource": resource(on)} for on in LOANS],
        }
        answer = pdp.send(BATCH, body).json["evaluations"]
        assert [each["decision"] for each in answer] == [expected(who, action, on) for on in LOANS]


def test_searches_say_what_decisions_do(pdp: Served) -> None:
    """What is found and denied is a broken page; what is permitted and not found is work that nobody does."""
    for action, on in product(ACTIONS, [*LOANS, "desk"]):
        # A search for people cannot know their mail: only what depends on no property of theirs is found.
        body = {"subject": {"type": "user"}, "action": {"name": action}, "resource": resource(on)}
        found = {each["id"] for each in pdp.send("/access/v1/search/subject", body).json["results"]}
        bare = {who for who in ROLES if pdp.evaluate({**body, "subject": {"type": "user", "id": who}})["decision"]}
        assert found == bare
    for who, on in product(ROLES, [*LOANS, "desk"]):
        body = {"subject": subject(who), "resource": resource(on)}
        found = {each["name"] for each in pdp.send("/access/v1/search/action", body).json["results"]}
        assert found == {action for action in ACTIONS if expected(who, action, on)}
    for who in ROLES:
        body = {"subject": subject(who), "action": {"name": "drop_loan"}, "resource": {"type": "loan"}}
        found = {each["id"] for each in pdp.send("/access/v1/search/resource", body).json["results"]}
        assert found == ({*LOANS} if ROLES[who] == "keeper" else set())


def test_a_gateway_asks_by_what_it_sees(pdp: Served) -> None:
    """Method, path and headers come in the context; what no policy mentions changes nothing."""
    context = {
        "request": {"method": "GET", "path": "/loans/loan-1", "headers": {"accept": ["application/json"]}},
        "ip": "192.0.2.7",
        "time": "2026-11-25T20:53:14Z",
        "mtls": True,
    }
    body = {**asked("quin", "see_loans", "desk"), "context": context}
    assert pdp.evaluate(body)["decision"] is True
    context["request"] = {"method": "TRACE", "path": "/"}
    answer = pdp.evaluate(body)
    assert answer["decision"] is False and answer["context"]["policies"] == ["closed"]


def test_what_a_point_says_of_itself_counts_for_that_question_only(pdp: Served) -> None:
    """Properties of one question must not stick to the next one."""
    lying = {**subject("quin"), "properties": {"mail": MAIL["odd"]}}
    body = {"action": {"name": "change_loan"}, "resource": resource("loan-1")}
    odd = {**body, "subject": subject("odd")}
    for _ in range(3):
        assert pdp.evaluate({**body, "subject": lying})["decision"] is False
        assert pdp.evaluate(odd)["decision"] is True
        assert pdp.evaluate({**body, "subject": {"type": "user", "id": "odd"}})["decision"] is False
    assert pdp.send(SINGLE, {**odd, "subject": subject("odd") | {"properties": {"mail": 5}}}).json["decision"] is False
