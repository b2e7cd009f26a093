"""The gate's description of itself: complete, sound, and true of the gate that runs, whatever it is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from armslength import __version__
from tests.service.gates import MEETINGS, asked
from tests.web.gated import POINTS, Served, secret, served
from tests.web.test_access_requests import approval, submitted

ROUNDS = 40
SERVED = {
    "/.well-known/authzen-configuration",
    "/access/v1/evaluation",
    "/access/v1/evaluations",
    "/access/v1/jwks",
    "/access/v1/requests",
    "/access/v1/requests/schema",
    "/access/v1/requests/{id}",
    "/access/v1/requests/{id}/cancel",
    "/access/v1/search/action",
    "/access/v1/search/resource",
    "/access/v1/search/subject",
    "/gate/v1/ext-authz/{rest}",
    "/gate/v1/forward",
    "/gate/v1/forward-auth",
    "/gate/v1/redeem",
    "/gate/v1/revocations",
    "/gate/v1/routes",
    "/gate/v1/standing",
    "/gate/v1/statements",
    "/gate/v1/uses",
}


@pytest.fixture(scope="module")
def pdp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("openapi"), points=POINTS) as found:
        asked(found.gate, "end", MEETINGS, "acme")
        yield found


@pytest.fixture(scope="module")
def described(pdp: Served) -> Any:
    answer = pdp.send("/openapi.json", method="GET", by=None)
    assert answer.status == 200 and answer.headers["content-type"] == "application/json"
    return answer.json


@pytest.fixture(scope="module")
def api(pdp: Served, described: Any) -> Any:
    schema = schemathesis.openapi.from_dict({**described, "servers": [{"url": pdp.url}]})
    schema.config.update(base_url=pdp.url)
    return schema


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_whatever_is_sent_the_gate_answers_as_described(pdp: Served, api: Any, mode: GenerationMode) -> None:
    """A point that trips the gate stops every act behind it; one that trusts the description must get what it says.

    That all that fits the types is taken is not claimed: a schema cannot say that a denial has to be the gate's own, or
    that whole numbers have an end wherever they stand.
    """
    headers = {"Authorization": f"Bearer {secret('all')}"}
    checked = 0
    for found in api.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=ROUNDS,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        def sent(case: Any) -> None:
            response = case.call(headers=headers)
            assert response.status_code < 500, response.text
            case.validate_response(response, headers=headers, excluded_checks=[positive_data_acceptance])

        try:
            sent()
        except Unsatisfiable:  # nothing of it can be wrong
            assert mode is GenerationMode.NEGATIVE, operation.label
            continue
        checked += 1
    assert checked > 15


def test_it_says_all_that_is_served(described: Any) -> None:
    """What is served and not described is used by those who look for it, and checked by nobody."""
    assert described["info"]["version"] == __version__ and described["openapi"] == "3.1.0"
    assert set(described["paths"]) == SERVED
    operations = {(path, method) for path, item in described["paths"].items() for method in item}
    ids = [operation["operationId"] for item in described["paths"].values() for operation in item.values()]
    assert len(set(ids)) == len(ids)
    for path, method in operations:
        operation = described["paths"][path][method]
        assert operation["summary"] and ("{" not in path or operation["parameters"])
        assert set(operation["responses"]) >= {"405", "503"}
        assert ("401" in operation["responses"]) == ("security" in operation)


def test_its_types_are_schemas(described: Any) -> None:
    """A generator of clients stumbles over one that is none."""
    named = described["components"]["schemas"]
    for name, one in named.items():
        Draft202012Validator.check_schema(one)
        assert one["description"] and not one["description"].startswith(name), name
    references = set(re.findall(r"#/components/schemas/([A-Za-z]+)", str(described)))
    assert references <= named.keys()


def test_answers_are_of_their_types(pdp: Served, described: Any) -> None:
    """The whole way of a request, by the description."""
    resolved = {"$defs": described["components"]["schemas"], **_local(described)}

    def sound(name: str, value: Any) -> None:
        Draft202012Validator({**resolved, "$ref": f"#/$defs/{name}"}).validate(value)

    task = submitted(pdp, {"subject": {"type": "user", "id": "dee"}, **_act("end")})
    sound("Task", task)
    given = approval(pdp, task["id"])
    sound("ApprovalGiven", given)
    answer = pdp.evaluate({"subject": {"type": "user", "id": "dee"}, **_act("end"), "context": {"approval": given}})
    sound("Decision", answer)
    assert answer["decision"] is True


def _act(action: str) -> dict[str, Any]:
    return {"action": {"name": action}, "resource": {"type": "asset", "id": "meetings-us"}}


def _local(described: Any) -> dict[str, Any]:
    """The components where their references look for them."""
    return {"components": {"schemas": described["components"]["schemas"]}}
