"""One of each of the gate's forms with its bytes, kept in golden/gate.json for whoever writes another reader.

`python -m tests.gate.vectors` writes it anew. It never has to be: a change there is a change of the format. Signatures
of passkeys are drawn by chance, so those in the file stay as they are.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from armslength.gate import (
    BINDING_TYPE,
    LEASE_TYPE,
    REVOCATIONS_TYPE,
    Event,
    PersonId,
    fields_of,
    jwks,
    kind_of,
    sign_binding,
    sign_lease,
    sign_revocations,
)
from armslength.tlog import Json, format_base64url
from tests.gate.passkeys import PARTY
from tests.gate.stories import CY, EVE, a_request, approved, enrolled, leased, requested, used
from tests.gate.test_enrolment import an_enrolment
from tests.gate.tokens import KEY, OTHER_KEY, a_binding, a_lease, a_list, forged

GOLDEN = Path(__file__).with_name("golden") / "gate.json"
TYPES = {"lease": LEASE_TYPE, "revocations": REVOCATIONS_TYPE, "binding": BINDING_TYPE}


def request_in_full() -> Any:
    """A request that uses every member, with text that a careless writer would spell otherwise."""
    return a_request(
        author=PersonId("łucja"),
        purpose='line one\nline "two" \\ <script>&amp; \u20ac \u007f é',
        context={"ticket": "T-1", "count": 2, "": [True, False, None, -5], "nested": {"b": {}, "a": []}},
    )


def make() -> dict[str, Any]:
    """The vectors; the two assertions are new each time."""
    request, enrolment = request_in_full(), an_enrolment()
    tokens = {
        "lease": sign_lease(a_lease(), KEY),
        "revocations": sign_revocations(a_list(), KEY),
        "binding": sign_binding(a_binding(), KEY),
    }
    events: list[Event] = [requested(), approved(CY), leased(), used(), enrolled(CY)]
    return {
        "request": {
            "form": request.form(),
            "canonical": request.canonical().decode(),
            "challenge": format_base64url(request.challenge()),
        },
        "enrolment": {
            "form": enrolment.form(),
            "canonical": enrolment.canonical().decode(),
            "challenge": format_base64url(enrolment.challenge()),
        },
        "party": {"rp_id": PARTY.rp_id, "origin": PARTY.origins[0]},
        "approval": {
            "public_key": format_base64url(CY.public_key),
            "assertion": CY.sign(request.challenge()).form(),
        },
        "vouching": {
            "public_key": format_base64url(EVE.public_key),
            "assertion": EVE.sign(enrolment.challenge()).form(),
        },
        "key": {"seed": format_base64url(KEY.private.private_bytes_raw()), "kid": KEY.kid, "jwks": jwks([KEY.public])},
        "tokens": {
            name: {"typ": TYPES[name], "token": token, "claims": claims(token)} for name, token in tokens.items()
        },
        "refused": refused(tokens["lease"]),
        "records": [
            {"kind": kind_of(event), "fields": fields_of(event, of=a_request() if name == "leased" else None)}
            for event in events
            for name in [type(event).__name__.lower()]
        ],
    }


def claims(token: str) -> Json:
    text = token.split(".")[1]
    read: Json = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return read


def refused(token: str) -> dict[str, str]:
    """Leases that must be refused, by why."""
    header: dict[str, Json] = {"alg": "Ed25519", "kid": KEY.kid, "typ": LEASE_TYPE}
    read = claims(token)
    assert isinstance(read, dict)
    head, body, signature = token.split(".")
    return {
        "another key under the same kid": forged(header, read, OTHER_KEY),
        "another algorithm": forged({**header, "alg": "EdDSA"}, read),
        "another type": forged({**header, "typ": REVOCATIONS_TYPE}, read),
        "no type": forged({name: value for name, value in header.items() if name != "typ"}, read),
        "not signed": f"{head}.{body}.",
        "padded": f"{head}.{body}.{signature}==",
        "claims changed": f"{head}.{forged(header, {**read, 'sub': 'eve'}).split('.')[1]}.{signature}",
        "claims not canonical": forged(header, json.dumps(read).encode()),
    }


def golden() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(GOLDEN.read_text("utf-8"))
    return read


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(make(), indent=1, ensure_ascii=True) + "\n", "utf-8")
