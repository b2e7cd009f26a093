"""A gate that a directory speaks to, and what a directory sends: real gate, real ledger, real sockets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from armslength.service import DIRECTORY_ATTRIBUTES, Gate
from armslength.store import GateDirectory, GatePoint
from armslength.tlog import format_base64url
from tests.service.gates import PEOPLE, POINT, SECRET, TestGate
from tests.web.gated import POINTS, Said, Served, served, told
from tests.web.raw import ask

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MEDIA = "application/scim+json"


def token(name: str) -> str:
    """A directory's token that a test can foretell."""
    return "dir_" + format_base64url(hashlib.sha256(f"directory {name}".encode()).digest())


def directory(name: str = "okta", **more: object) -> GateDirectory:
    digest = hashlib.sha256(token(name).encode()).hexdigest()
    return GateDirectory(id=name, secret_sha256=digest, **more)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """The side of the identity provider."""

    served: Served
    token: str

    def send(self, method: str, path: str, body: object = None, **more: str) -> Said:
        headers = {"Authorization": f"Bearer {self.token}", **{k.replace("_", "-"): v for k, v in more.items()}}
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            headers.setdefault("Content-Type", MEDIA)
        return told(ask(self.served.url, f"/scim/v2{path}", method=method, body=data, headers=headers))

    def push(self, person: str, **more: object) -> str:
        """Say somebody; gives the id that the gate has for them."""
        answer = self.send("POST", "/Users", user(person, **more))
        assert answer.status == 201, answer.body
        return str(answer.json["id"])

    def patch(self, id: str, *operations: Mapping[str, object], path: str = "Users", **more: str) -> Said:
        return self.send("PATCH", f"/{path}/{id}", {"schemas": [PATCH], "Operations": list(operations)}, **more)


def user(person: str, **more: Any) -> dict[str, Any]:
    """As Okta or Entra ID would say them, with what nobody asked for."""
    unit, state, _ = PEOPLE.get(person, ("ops", "US", ""))
    return {
        "schemas": [USER, ENTERPRISE],
        "externalId": person,
        "userName": f"{person}@example.com",
        "displayName": person.title(),
        "active": True,
        "name": {"givenName": person, "familyName": "Secret"},
        "emails": [{"value": f"{person}@home.example", "type": "home"}],
        "addresses": [{"type": "work", "country": state, "streetAddress": "1 Hidden Street"}],
        "nationality": "hidden",
        ENTERPRISE: {"department": unit, "employeeNumber": "7"},
        **more,
    }


@contextmanager
def provided(path: Path, *directories: GateDirectory, push: bool = True, **more: object) -> Iterator[Provider]:
    """A served gate whose people the first directory has said, all of them, if `push`."""
    said = directories or (directory(),)
    points = (*POINTS, GatePoint(id=POINT, secret_sha256=SECRET, may=("redeem",)))
    with served(path, directories=said, points=points, **more) as found:
        provider = Provider(served=found, token=token(said[0].id))
        if push:
            everybody(found.gate, said[0].id)
        yield provider


def everybody(gate: Gate, name: str) -> None:
    """The directory says everybody of the estate, without the network."""
    for person, (unit, state, _) in PEOPLE.items():
        attributes = {
            "externalId": person,
            "userName": f"{person}@example.com",
            "displayName": person.title(),
            "active": True,
            "department": unit,
            "addresses": [{"type": "work", "country": state}],
        }
        gate.directories.say(name, "user", None, lambda before, said=attributes: (said, DIRECTORY_ATTRIBUTES))  # type: ignore[misc]


def stored(made: TestGate) -> bytes:
    """All bytes of the gate's database."""
    return b"".join(path.read_bytes() for path in made.path.glob("gate.db*"))
