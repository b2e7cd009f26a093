"""A directory speaks SCIM 2.0 to a gate, over a socket: what it may, what it may not, and what follows."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from scim2_client import BaseSyncSCIMClient
from scim2_models import PatchOp, PatchOperation, SearchRequest

from armslength.gate import PersonId, Refused, Taken, Why
from armslength.service import Redeemed, check_gate
from tests.service.gates import STATUS, leased, use
from tests.web.directory import (
    ENTERPRISE,
    GROUP,
    MEDIA,
    PATCH,
    USER,
    Provider,
    directory,
    provided,
    stored,
    token,
    user,
)
from tests.web.raw import ask

BO = PersonId("bo")
USERS = "/Users"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """For tests that leave it as they found it, or say only people of their own."""
    with provided(tmp_path_factory.mktemp("scim"), directory(), directory("entra", covers=("person:zoe",))) as found:
        yield found


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Provider]:
    with provided(tmp_path) as found:
        yield found


def id_of(provider: Provider, person: str) -> str:
    wanted = quote(f'externalId eq "{person}"')
    answer = provider.send("GET", f"/Users?filter={wanted}")
    assert answer.json["totalResults"] == 1, answer.body
    return str(answer.json["Resources"][0]["id"])


# A client that is not ours


class Client(BaseSyncSCIMClient):
    """scim2-client, over a socket."""

    def __init__(self, provider: Provider) -> None:
        super().__init__()
        headers = {"Authorization": f"Bearer {provider.token}"}
        self.http = httpx.Client(base_url=f"{provider.served.url}/scim/v2", headers=headers)

    def _stays_under_base_url(self, endpoint: str) -> bool:
        return True

    def _parse_json(self, response: Any) -> Any:
        return response.json()

    def request(self, method: str, url: str, **more: Any) -> Any:
        return self.http.request(method, url, **more)


@pytest.fixture
def client(own: Provider) -> Iterator[Client]:
    made = Client(own)
    made.discover()
    yield made
    made.http.close()


def test_a_foreign_client_says_somebody_changes_them_and_lets_them_go(own: Provider, client: Client) -> None:
    """Whatever we think that the standard says, providers speak to it as their own libraries do."""
    model: Any = client.get_resource_model("User")
    extension: Any = client.get_resource_model("User").get_extension_models()[ENTERPRISE]
    made = model(user_name="zoe@example.com", external_id="zoe", display_name="Zoe", active=True)
    made[extension] = extension(department="ops")
    said = client.create(made)
    assert said.id and said.user_name == "zoe@example.com" and said[extension].department == "ops"
    assert client.query(model, said.id).external_id == "zoe"
    found = client.query(model, query_parameters=SearchRequest(filter='userName eq "ZOE@example.com"'))
    assert found.total_results == 1 and found.resources[0].id == said.id
    said.title = "engineer"
    assert client.replace(said).title == "engineer"
    operation = PatchOperation(op="replace", path="active", value=False)
    changed = client.modify(model, said.id, PatchOp[model](operations=[operation]))
    assert changed is None or changed.active is False
    client.delete(model, said.id)
    assert client.query(model, said.id, raise_scim_errors=False).status == 404


def test_a_foreign_client_keeps_a_group(own: Provider, client: Client) -> None:
    model: Any = client.get_resource_model("Group")
    bo, dee = id_of(own, "bo"), id_of(own, "dee")
    made = client.create(model(display_name="ops", members=[{"value": bo}]))
    add = PatchOperation(op="add", path="members", value=[{"value": dee}])
    client.modify(model, made.id, PatchOp[model](operations=[add]))
    drop = PatchOperation(op="remove", path=f'members[value eq "{bo}"]')
    client.modify(model, made.id, PatchOp[model](operations=[drop]))
    assert [each.value for each in client.query(model, made.id).members] == [dee]


# Who may speak


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer dir_",
        "Basic b2t0YTpva3Rh",
        f"Bearer {token('nobody')}",
        f"Bearer {token('okta')} ",
        f"Bearer {token('okta')}x",
        f"Bearer {token('okta')[:-1]}",
        f"Bearer {token('okta').lower()}",
        "Bearer pt_" + token("okta")[4:],
    ],
)
def test_nobody_speaks_without_the_token_of_a_directory(shared: Provider, authorization: str | None) -> None:
    """Anybody on the network could send the firm home."""
    headers = {} if authorization is None else {"Authorization": authorization}
    for method, path in (("GET", "/Users"), ("POST", "/Users"), ("DELETE", f"{USERS}/x"), ("GET", "/Schemas")):
        answer = ask(shared.served.url, f"/scim/v2{path}", method=method, headers=headers)
        assert answer.status == 401 and answer.headers["www-authenticate"] == 'Bearer realm="armslength"'
        assert answer.headers["content-type"] == MEDIA and json.loads(answer.body)["status"] == "401"


def test_a_directory_sees_and_changes_only_what_it_said_itself(shared: Provider) -> None:
    """One provider's administrator would rule the people of another's."""
    other = Provider(served=shared.served, token=token("entra"))
    id = id_of(shared, "bo")
    assert other.send("GET", "/Users").json["totalResults"] == 0
    assert other.send("GET", f"{USERS}/{id}").status == 404
    assert other.patch(id, {"op": "replace", "path": "active", "value": False}).status == 404
    assert other.send("DELETE", f"{USERS}/{id}").status == 404
    assert not shared.served.gate.state.gone(BO)


def test_a_directory_cannot_send_home_whom_it_does_not_cover(shared: Provider) -> None:
    """That of the contractors would send the employees home."""
    other = Provider(served=shared.served, token=token("entra"))
    id = other.push("bo", userName="stranger", active=False)
    shared.served.gate.tick()
    assert not shared.served.gate.state.gone(BO)
    assert isinstance(use(shared.served.gate, "still", "view", STATUS), Redeemed)
    assert other.send("DELETE", f"{USERS}/{id}").status == 204


def test_a_point_is_no_directory_and_a_directory_no_point(shared: Provider) -> None:
    answer = shared.served.send("/scim/v2/Users", method="GET", by="all")
    assert answer.status == 401
    answer = shared.served.send(
        "/access/v1/evaluation", {}, by=None, headers={"Authorization": f"Bearer {shared.token}"}
    )
    assert answer.status == 401


# What is kept


def test_what_nobody_asked_for_is_not_kept(own: Provider) -> None:
    """Where somebody was born would lie in a database of ours."""
    secrets = {"nationality": "Atlantis-7", "placeOfBirth": "Atlantis-8", "photos": [{"value": "Atlantis-9"}]}
    id = own.push("zoe", **secrets, **{"urn:example:hr": {"citizenship": "Atlantis-10"}})
    answer = own.send("GET", f"{USERS}/{id}")
    assert "Atlantis" not in answer.body.decode() and "Hidden" not in answer.body.decode()
    assert "Secret" not in answer.body.decode() and "home.example" not in answer.body.decode()
    kept = stored(own.served.made)
    for word in (b"Atlantis", b"Hidden Street", b"home.example", b"Secret"):
        assert word not in kept
    known = own.send("GET", f"/Schemas/{USER}").json["attributes"]
    assert {each["name"] for each in known} == {
        "active",
        "addresses",
        "displayName",
        "title",
        "userName",
    } | {each["name"] for each in known if each["name"] in ("id", "externalId")}


def test_every_attribute_has_the_time_at_which_it_was_said(own: Provider) -> None:
    """What was said long ago would pass for fresh because something else was said today."""
    id = own.push("zoe")
    began = int(own.served.clock.now)
    own.served.clock.now += 1000
    assert own.patch(id, {"op": "replace", "path": "title", "value": "lead"}).status == 200
    said = own.served.gate.directories.read("okta", "user", id)
    assert said.times["title"] == began + 1000 and said.times["department"] == began and said.oldest == began
    own.served.clock.now += 1000
    assert own.send("PUT", f"{USERS}/{id}", user("zoe")).status == 200
    assert own.served.gate.directories.read("okta", "user", id).oldest == began + 2000


# What a provider sends


def test_entra_id_writes_some_things_its_own_way(own: Provider) -> None:
    """A provider in quarantine says nothing more, and the firm stands still a day later."""
    id = own.push("zoe")
    answer = own.patch(
        id,
        {"op": "Replace", "path": "active", "value": "True"},
        {"op": "Add", "path": 'emails[type eq "work"].value', "value": "zoe@example.com"},
        {"op": "Replace", "path": 'addresses[type eq "work"].country', "value": "IE"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "trust"},
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": "boss-id"},
        {"op": "Replace", "value": {"displayName": "Zoë", "name.givenName": "Zoë", f"{ENTERPRISE}:employeeNumber": 12}},
        {"op": "remove", "path": "title"},
        {"op": "add", "path": "urn:ietf:params:scim:schemas:extension:CustomExtension:2.0:User:tag", "value": "x"},
    )
    assert answer.status == 200, answer.body
    said = own.served.gate.directories.read("okta", "user", id)
    assert dict(said.attributes) == {
        "active": True,
        "addresses": [{"country": "IE", "type": "work"}],
        "department": "trust",
        "displayName": "Zoë",
        "employeeNumber": "12",
        "externalId": "zoe",
        "manager": "boss-id",
        "userName": "zoe@example.com",
    }


def test_entra_id_removes_members_by_a_list(own: Provider) -> None:
    made = own.send(
        "POST", "/Groups", {"schemas": [GROUP], "displayName": "ops", "members": [{"value": v} for v in "abc"]}
    )
    assert made.status == 201
    id = made.json["id"]
    assert own.patch(id, {"op": "Remove", "path": "members", "value": [{"value": "b"}]}, path="Groups").status == 200
    assert [each["value"] for each in own.send("GET", f"/Groups/{id}").json["members"]] == ["a", "c"]
    assert "members" not in own.send("GET", f"/Groups/{id}?excludedAttributes=members").json
    assert own.patch(id, {"op": "remove", "path": "members"}, path="Groups").status == 200
    assert "members" not in own.send("GET", f"/Groups/{id}").json


@pytest.mark.parametrize(
    ("operation", "type"),
    [
        ({"op": "replace", "path": "active", "value": "perhaps"}, "invalidValue"),
        ({"op": "replace", "path": "active", "value": None}, "mutability"),
        ({"op": "remove", "path": "active"}, "mutability"),
        ({"op": "remove", "path": "userName"}, "mutability"),
        ({"op": "remove"}, "noTarget"),
        ({"op": "explode", "path": "active", "value": True}, "invalidSyntax"),
        ({"op": 7, "path": "active", "value": True}, "invalidSyntax"),
        ({"path": "active", "value": True}, "invalidSyntax"),
        ({"op": "replace", "path": 7, "value": True}, "invalidPath"),
        ({"op": "replace", "path": "active[", "value": True}, "invalidPath"),
        ({"op": "replace", "path": "active.value.value", "value": True}, "invalidPath"),
        ({"op": "replace", "path": 'active[type eq "work"]', "value": True}, "invalidPath"),
        ({"op": "replace", "path": "../../etc/passwd", "value": True}, "invalidPath"),
        ({"op": "replace", "path": "x" * 5000, "value": True}, "invalidPath"),
        ({"op": "replace", "path": "userName", "value": "a\u0000b"}, "invalidValue"),
        ({"op": "replace", "path": "userName", "value": "x" * 5000}, "invalidValue"),
        ({"op": "replace", "path": "userName", "value": {"deep": {}}}, "invalidValue"),
        ({"op": "replace", "path": "addresses[((((((((", "value": []}, "invalidPath"),
        ({"op": "replace", "path": "addresses[type eq ]", "value": []}, "invalidFilter"),
        ({"op": "replace", "value": "no object"}, "invalidValue"),
        ({"op": "replace", "value": {"active": True, "ACTIVE": False}}, "invalidSyntax"),
    ],
)
def test_an_odd_patch_changes_nothing(shared: Provider, operation: dict[str, object], type: str) -> None:
    """Half of it done, nobody would know what the directory says."""
    id = id_of(shared, "ana")
    before = shared.send("GET", f"{USERS}/{id}").json
    good = {"op": "replace", "path": "title", "value": "changed"}
    answer = shared.patch(id, good, operation)
    assert answer.status == 400 and answer.json["scimType"] == type, answer.body
    assert answer.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"] and answer.json["status"] == "400"
    assert shared.send("GET", f"{USERS}/{id}").json == before


@pytest.mark.parametrize(
    "filter",
    [
        "",
        "userName",
        "userName eq bo",
        'userName sw "b"',
        'password eq "x"',
        'userName eq "x" or userName eq "y"',
        'userName eq "x" and not (active eq true)',
        'userName eq "x") or (1=1',
        "userName eq \"x' OR '1'='1\" --",
        'userName eq "x" and ((((((((',
        'id eq "x" and nonsense',
        "x" * 5000,
        'userName eq "\\q"',
    ],
)
def test_a_filter_that_is_not_understood_is_refused(shared: Provider, filter: str) -> None:
    """A provider that is told of nobody makes everybody anew; one that is told of everybody changes the wrong one."""
    answer = shared.send("GET", f"/Users?filter={quote(filter)}")
    assert answer.status == 400 and answer.json["scimType"] == "invalidFilter", answer.body


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ('userName eq "bo@example.com"', ["bo"]),
        ('USERNAME EQ "BO@EXAMPLE.COM"', ["bo"]),
        (f'{USER}:userName eq "bo@example.com"', ["bo"]),
        ('externalId eq "bo"', ["bo"]),
        ('externalId eq "BO"', []),
        ('userName eq "b\\u006f@example.com"', ["bo"]),
        ('userName eq "bo@example.com" and active eq true', ["bo"]),
        ('userName eq "bo@example.com" and active eq false', []),
        ('userName eq "\' OR 1=1 --"', []),
        ('userName eq "%"', []),
        ('userName eq "*"', []),
    ],
)
def test_a_filter_finds_who_is_meant_and_nobody_else(shared: Provider, filter: str, found: list[str]) -> None:
    answer = shared.send("GET", f"/Users?filter={quote(filter)}")
    assert answer.status == 200 and [each["externalId"] for each in answer.json["Resources"]] == found, answer.body


def test_a_list_is_read_page_by_page(shared: Provider) -> None:
    total = shared.send("GET", "/Users?count=0").json
    assert total["Resources"] == [] and total["totalResults"] >= 15
    seen: list[str] = []
    while len(seen) < total["totalResults"]:
        page = shared.send("GET", f"/Users?startIndex={len(seen) + 1}&count=4").json
        assert page["itemsPerPage"] == len(page["Resources"]) <= 4 and page["startIndex"] == len(seen) + 1
        seen += [each["id"] for each in page["Resources"]]
    assert len(set(seen)) == len(seen) == total["totalResults"]
    assert shared.send("GET", f"/Users?startIndex={len(seen) + 1}").json["Resources"] == []
    assert len(shared.send("GET", "/Users?startIndex=-5&count=1").json["Resources"]) == 1
    assert shared.send("GET", "/Users?count=many").status == 400
    assert shared.send("GET", "/Users?count=1&count=2").status == 400


def test_what_changed_meanwhile_is_not_overwritten(own: Provider) -> None:
    """Two administrators at once: one of them would not know."""
    id = own.push("zoe")
    first = own.send("GET", f"{USERS}/{id}")
    tag = first.headers["etag"]
    assert tag == first.json["meta"]["version"] == 'W/"1"'
    assert own.send("GET", f"{USERS}/{id}", If_None_Match=tag).status == 304
    assert own.patch(id, {"op": "replace", "path": "title", "value": "one"}, If_Match=tag).status == 200
    for late in (tag, 'W/"7"', "nonsense"):
        assert own.patch(id, {"op": "replace", "path": "title", "value": "two"}, If_Match=late).status == 412
        assert own.send("PUT", f"{USERS}/{id}", user("zoe"), If_Match=late).status == 412
        assert own.send("DELETE", f"{USERS}/{id}", If_Match=late).status == 412
    assert own.send("GET", f"{USERS}/{id}").json["title"] == "one"


def test_two_pushes_of_one_user_at_once_make_one(own: Provider) -> None:
    """Two rows for one person: the one that is forgotten would keep them there."""
    start = threading.Barrier(6)
    found: list[int] = []

    def push() -> None:
        start.wait()
        found.append(own.send("POST", "/Users", user("zoe")).status)

    threads = [threading.Thread(target=push) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(found) == [201, 409, 409, 409, 409, 409]
    assert own.send("POST", "/Users", user("zoe")).json["scimType"] == "uniqueness"


def test_who_only_looks_like_somebody_is_nobody(own: Provider) -> None:
    """A Cyrillic о in bo: whoever may make users there would speak for another."""
    for name in ("bо", "BO", "bo ", "bo\u200b", "Bo", "ｂｏ"):
        answer = own.send("POST", "/Users", user("bo", externalId=name, userName=f"{name}@elsewhere", active=False))
        assert answer.status in (201, 400, 409), answer.body
    own.served.gate.tick()
    assert not own.served.gate.state.gone(BO)


# Bodies


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"null", 400),
        (b'{"schemas": []}', 400),
        (b"\xff\xfe", 400),
        (b'{"a":' * 60 + b"1" + b"}" * 60, 400),
        (b'{"userName":"a","userName":"b"}', 400),
        (b"x" * 300_000, 413),
        (json.dumps({**user("q"), "padding": "y" * 300_000}).encode(), 413),
        (json.dumps({**user("q"), "schemas": ["urn:wrong"]}).encode(), 400),
        (json.dumps({**user("q"), "userName": ""}).encode(), 400),
        (json.dumps({**user("q"), "userName": "a\ud800"}).encode(), 400),
        (json.dumps({**user("q"), ENTERPRISE: "text"}).encode(), 400),
        (json.dumps({**user("q"), "addresses": 7}).encode(), 400),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_body_that_is_none_is_refused(shared: Provider, body: bytes, status: int) -> None:
    before = shared.send("GET", "/Users?count=0").json["totalResults"]
    assert shared.send("POST", "/Users", body).status == status
    assert shared.send("GET", "/Users?count=0").json["totalResults"] == before


def test_only_what_is_json_of_scim_is_read(shared: Provider) -> None:
    answer = shared.send("POST", "/Users", json.dumps(user("q")).encode(), Content_Type="text/plain")
    assert answer.status == 415


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", f"{USERS}/../Groups", 404),
        ("GET", f"{USERS}/%2e%2e", 404),
        ("GET", f"{USERS}/a/b", 404),
        ("GET", "/users", 404),
        ("PUT", "/Users", 405),
        ("POST", f"{USERS}/abc", 405),
        ("POST", "/Bulk", 501),
        ("GET", "/Me", 501),
        ("POST", f"{USERS}/.search", 501),
        ("GET", "/Schemas?filter=x", 403),
        ("DELETE", "/ServiceProviderConfig", 405),
        ("GET", f"{USERS}/" + "a" * 200, 404),
    ],
)
def test_what_is_not_there_is_said_to_be_so(shared: Provider, method: str, path: str, status: int) -> None:
    answer = shared.send(method, path, b"{}" if method in ("PUT", "POST") else None)
    assert answer.status == status and answer.json["status"] == str(status)


def test_the_gate_says_of_itself_what_it_can(shared: Provider) -> None:
    config = shared.send("GET", "/ServiceProviderConfig").json
    assert config["patch"]["supported"] and config["etag"]["supported"] and not config["bulk"]["supported"]
    kinds = shared.send("GET", "/ResourceTypes").json
    assert {each["id"] for each in kinds["Resources"]} == {"User", "Group"}
    assert shared.send("GET", "/ResourceTypes/User").json["endpoint"] == "/Users"
    assert shared.send("GET", f"/Schemas/{ENTERPRISE}").json["id"] == ENTERPRISE


def test_who_sends_too_much_is_told_to_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("armslength.web.scim.BURST", 5.0)
    monkeypatch.setattr("armslength.web.scim.A_SECOND", 0.001)
    with provided(tmp_path, push=False) as provider:
        answers = [provider.send("GET", "/ResourceTypes") for _ in range(8)]
    assert [each.status for each in answers] == [200] * 5 + [429] * 3
    assert answers[-1].headers["retry-after"] == "1"


# What follows


@pytest.mark.parametrize("how", ["patch", "put", "delete"])
def test_who_is_no_longer_active_has_left_at_once(own: Provider, how: str) -> None:
    """The answer comes when it is done: until then the provider asks again."""
    gate = own.served.gate
    lease = leased(gate)
    id = id_of(own, "bo")
    answer = {
        "patch": lambda: own.patch(id, {"op": "replace", "value": {"active": False}}),
        "put": lambda: own.send("PUT", f"{USERS}/{id}", user("bo", active=False)),
        "delete": lambda: own.send("DELETE", f"{USERS}/{id}"),
    }[how]()
    assert answer.status in (200, 204)
    assert gate.state.gone(BO) and isinstance(gate.lease(lease.terms.id).status, Taken)
    refused = use(gate, "after", "view", STATUS)
    assert isinstance(refused, Refused) and refused.why is Why.LEFT
    # A directory that says otherwise a moment later has said only that.
    again = (
        own.send("POST", "/Users", user("bo"))
        if how == "delete"
        else own.patch(id, {"op": "replace", "path": "active", "value": True})
    )
    assert again.status in (200, 201), again.body
    gate.tick()
    assert gate.state.gone(BO)
    assert [each.what for each in gate.directories.proposing.differences() if each.person == "bo"] == ["back"]
    assert check_gate(own.served.made.path).findings == ()


def test_a_patch_without_what_it_is_for_is_none(shared: Provider) -> None:
    id = id_of(shared, "ana")
    for body in ({"Operations": []}, {"schemas": [PATCH]}, {"schemas": [PATCH], "Operations": []}, {}):
        assert shared.send("PATCH", f"{USERS}/{id}", body).status == 400
    many = [{"op": "replace", "path": "title", "value": "x"}] * 1001
    assert shared.patch(id, *many).status == 413
