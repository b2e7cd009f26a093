"""The binding token: who asks after a denial asks for what was denied."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from armslength.gate import BINDING_TYPE, Rejected, moment, sign_binding, verify_binding
from armslength.tlog import Json
from tests.gate.stories import MADE, ORIGIN
from tests.gate.tokens import KEY, KEYS, OTHER_KEY, a_binding, forged

AUDIENCE = "https://gate.example"
HEADER: dict[str, Json] = {"alg": "Ed25519", "kid": KEY.kid, "typ": BINDING_TYPE}
CLAIMS: dict[str, Json] = {
    "action": {"name": "read"},
    "aud": AUDIENCE,
    "binding_context_members": ["count", "ticket"],
    "context": {"ticket": "T-1", "count": 2},
    "denial_expires_at": "2026-11-25T21:03:20Z",
    "evaluation_id": "eval_1",
    "exp": MADE + 600,
    "iat": MADE,
    "iss": ORIGIN,
    "jti": "eval_1",
    "resource": {"type": "asset", "id": "recordings"},
    "subject": {"type": "person", "id": "ana", "properties": {"device": "laptop"}},
}


def test_a_binding_reads_back_with_the_claims_of_the_profile() -> None:
    """Another access request service could not check it."""
    token = sign_binding(a_binding(), KEY)
    assert token == forged(HEADER, CLAIMS)
    assert verify_binding(token, KEYS, audience=AUDIENCE) == a_binding()
    assert verify_binding(token, KEYS, audience=AUDIENCE).expires == moment(MADE + 600)


@pytest.mark.parametrize(
    "token",
    [
        forged({**HEADER, "typ": "JWT"}, CLAIMS),
        forged(HEADER, CLAIMS, OTHER_KEY),
        forged(HEADER, {**CLAIMS, "aud": "https://other.example"}),
        forged(HEADER, {**CLAIMS, "aud": [AUDIENCE]}),
        forged(HEADER, {**CLAIMS, "jti": "eval_2"}),
        forged(HEADER, {**CLAIMS, "denial_expires_at": "2026-11-25T21:03:21Z"}),
        forged(HEADER, {**CLAIMS, "binding_context_members": ["ticket"]}),
        forged(HEADER, {**CLAIMS, "binding_context_members": ["ticket", "count"]}),
        forged(HEADER, {**CLAIMS, "subject": "ana"}),
        forged(HEADER, {**CLAIMS, "more": 1}),
        *(forged(HEADER, {n: v for n, v in CLAIMS.items() if n != dropped}) for dropped in CLAIMS),
        "a.b.c",
    ],
)
def test_what_the_gate_would_not_have_written_binds_nothing(token: str) -> None:
    """A point would make up a denial that never was, or use one of another gate."""
    with pytest.raises(Rejected):
        verify_binding(token, KEYS, audience=AUDIENCE)


def test_a_binding_names_the_point_that_may_answer() -> None:
    """Another point would answer a denial that it was never given."""
    token = sign_binding(replace(a_binding(), point="web-1"), KEY)
    assert token == forged(HEADER, {**CLAIMS, "azp": "web-1"})
    assert verify_binding(token, KEYS, audience=AUDIENCE).point == "web-1"


def asked(**changed: Any) -> dict[str, Any]:
    denied = a_binding()
    return {
        "subject": denied.subject,
        "action": denied.action,
        "resource": denied.resource,
        "context": denied.context,
        **changed,
    }


@pytest.mark.parametrize(
    ("changed", "differ"),
    [
        ({}, ()),
        ({"context": {"ticket": "T-1", "count": 2.0, "purpose": "new", "approval": {}}}, ()),
        ({"subject": {"properties": {"device": "laptop", "act": {"sub": "bot"}}, "id": "ana", "type": "person"}}, ()),
        ({"subject": {"type": "person", "id": "bo", "properties": {"device": "laptop"}}}, ("subject",)),
        ({"subject": {"type": "person", "id": "ana"}}, ("subject",)),
        ({"subject": {"type": "person", "id": "ana", "properties": {"device": "phone"}}}, ("subject",)),
        ({"action": {"name": "export"}}, ("action",)),
        ({"action": {"name": "read", "properties": {}}}, ("action",)),
        ({"resource": {"type": "asset", "id": "keys"}}, ("resource",)),
        ({"context": {"ticket": "T-2", "count": 2}}, ("context",)),
        ({"context": {"ticket": "T-1", "count": "2"}}, ("context",)),
        ({"context": {"ticket": "T-1", "count": True}}, ("context",)),
        ({"context": {"ticket": "T-1"}}, ("context",)),
        ({"context": {"ticket": "T-1", "count": None}}, ("context",)),
        ({"context": {}, "action": {}}, ("action", "context")),
    ],
)
def test_what_is_asked_is_compared_with_what_was_denied(changed: dict[str, Any], differ: tuple[str, ...]) -> None:
    """A denial of little would be turned into a request for much."""
    assert a_binding().differences(**asked(**changed)) == differ


def test_the_actor_is_not_signed() -> None:
    """A caller who moved it, as the profile allows, could ask for nothing."""
    with_actor = {"type": "person", "id": "ana", "properties": {"act": {"sub": "bot"}, "device": "laptop"}}
    assert sign_binding(a_binding(subject=with_actor), KEY) == sign_binding(a_binding(), KEY)
