"""The SCIM client against a service that follows the specification, and against those that do not."""

from __future__ import annotations

import argparse
import datetime as dt
import ipaddress
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from armslength.cli import intake_scim
from armslength.cli.progress import Progress
from armslength.cli.screen import Screen
from armslength.store import ScimClient, ScimFailed
from tests.intake.scim.service import TOKEN, call, lying_service, scim_service
from tests.store.liars import answering, http

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def pages(url: str, kind: str = "Users", **settings: Any) -> list[Any]:
    with ScimClient(url, TOKEN, **{"sleep": lambda _: None, **settings}) as client:
        return [json.loads(page) for page in client.pages(kind)]


@pytest.mark.parametrize("cursor", [False, True])
def test_a_service_is_read_page_by_page(cursor: bool) -> None:
    with scim_service(cursor=cursor) as url:
        for number in range(7):
            call(f"{url}/Users", "POST", {"schemas": [USER], "userName": f"u{number}"})
        found = pages(url, page=3)
        assert [len(page["Resources"]) for page in found] == [3, 3, 1]
        assert {u["userName"] for page in found for u in page["Resources"]} == {f"u{n}" for n in range(7)}
        assert [page.get("Resources", []) for page in pages(url, "Groups")] == [[]]


@pytest.mark.parametrize("cursor", [False, True])
def test_the_command_takes_in_a_live_directory(cursor: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    monkeypatch.setattr("armslength.store.scim_client.PAGE", 2)
    with scim_service(cursor=cursor) as url:
        boss = call(f"{url}/Users", "POST", {"schemas": [USER], "userName": "bo@x.com"})["id"]
        extension = {
            "employeeNumber": "E1",
            "department": "Ops",
            "manager": {"value": boss, "$ref": "/".join((url, "Users", boss))},
        }
        ana = call(
            f"{url}/Users",
            "POST",
            {
                "schemas": [USER, ENTERPRISE],
                "userName": "ana",
                "emails": [{"value": "ana@x.com", "type": "work"}],
                "addresses": [{"type": "work", "country": "CN"}],
                ENTERPRISE: extension,
            },
        )["id"]
        call(f"{url}/Users", "POST", {"schemas": [USER], "userName": "gone", "active": False})
        inner = call(f"{url}/Groups", "POST", {"schemas": [GROUP], "displayName": "i", "members": [{"value": ana}]})[
            "id"
        ]
        outer = call(f"{url}/Groups", "POST", {"schemas": [GROUP], "displayName": "o", "members": [{"value": inner}]})[
            "id"
        ]
        options = argparse.Namespace(files=[], url=url, token_file=str(token), name="idp", kept={})
        taken = intake_scim.harvest(options, Screen(), Progress("", quiet=True))
    rows = {row[0]: row for row in taken.harvest.rows("people")}
    assert set(rows) == {f"idp/{boss}", f"idp/{ana}"}
    assert rows[f"idp/{ana}"][1:7] == ("Ops", "", "", "CN", "", f"idp/{boss}")
    assert {row[:2] for row in taken.harvest.rows("groups")} == {
        (f"idp/group/{inner}", f"person:idp/{ana}"),
        (f"idp/group/{outer}", f"group:idp/group/{inner}"),
    }
    assert taken.inputs == ("127.0.0.1/v2",) and taken.dated is None
    kept = [str(list(taken.harvest.rows(table))) for table in ("people", "identifiers", "groups", "review")]
    assert TOKEN not in "".join(kept)


def test_a_wrong_token_is_told_and_never_shown() -> None:
    with scim_service(cursor=False) as url, ScimClient(url, "another-t0ken") as client:
        with pytest.raises(ScimFailed) as caught:
            list(client.pages("Users"))
    assert "did not accept the token" in str(caught.value)
    assert "another-t0ken" not in str(caught.value)


def users(*ids: int) -> list[dict[str, str]]:
    return [{"id": f"u{id}"} for id in ids]


def paged(total: int, have: int, *, size: int = 2) -> Any:
    """A service that says `total` and has `have`."""

    def answer(path: str, query: dict[str, str]) -> tuple[int, bytes | dict[str, Any]]:
        if not path.endswith("/Users"):
            return 404, b""
        start = int(query["startIndex"])
        there = users(*range(start, min(start + size, have + 1)))
        return 200, {"totalResults": total, "startIndex": start, "Resources": there}

    return answer


def test_a_list_is_asked_for_until_an_empty_page() -> None:
    with lying_service(paged(5, 5)) as (url, asked):
        assert [len(page["Resources"]) for page in pages(url)] == [2, 2, 1]
    assert len(asked) == 5


@pytest.mark.parametrize(("total", "have"), [(9, 5), (3, 5), (4, 5), (1, 0)])
def test_a_total_that_is_not_so_is_an_error(total: int, have: int) -> None:
    """A directory cut short would look like a small firm."""
    with lying_service(paged(total, have)) as (url, _), pytest.raises(ScimFailed, match="says that there are"):
        pages(url)


def test_a_service_that_always_begins_again_is_cut_off() -> None:
    def answer(path: str, query: dict[str, str]) -> tuple[int, bytes | dict[str, Any]]:
        return 200, {"totalResults": 10**9, "Resources": users(1, 2)}

    with lying_service(answer) as (url, asked), pytest.raises(ScimFailed, match="gave one twice"):
        pages(url)
    assert len(asked) == 3


def test_a_service_whose_list_never_ends_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("armslength.store.scim_client.MOST_RESOURCES", 50)

    def answer(path: str, query: dict[str, str]) -> tuple[int, bytes | dict[str, Any]]:
        start = int(query.get("startIndex", 1))
        return 200, {"totalResults": 10**9, "Resources": users(*range(start, start + 10))}

    with lying_service(answer) as (url, _), pytest.raises(ScimFailed, match="more than 50"):
        pages(url)


def test_a_service_that_has_cursors_elsewhere_only_is_read_by_index() -> None:
    def answer(path: str, query: dict[str, str]) -> tuple[int, bytes | dict[str, Any]]:
        if path.endswith("Config"):
            return 200, {"pagination": {"cursor": True}}
        return (400, b"no cursors") if "cursor" in query else paged(3, 3)(path, query)

    with lying_service(answer) as (url, _):
        assert [len(page["Resources"]) for page in pages(url)] == [2, 1]


@pytest.mark.parametrize("following", ["again", 3, ["x"]])
def test_a_cursor_that_comes_again_is_cut_off(following: Any) -> None:
    def answer(path: str, query: dict[str, str]) -> tuple[int, bytes | dict[str, Any]]:
        if path.endswith("Config"):
            return 200, {"pagination": {"cursor": True}}
        return 200, {"Resources": [], "nextCursor": following}

    with lying_service(answer) as (url, asked), pytest.raises(ScimFailed, match="would never end"):
        pages(url)
    assert len(asked) < 6


def test_cursors_without_an_end_in_sight_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("armslength.store.scim_client.MOST_REQUESTS", 20)

    def answer(path: str, query: dict[str, str]) -> tuple[int, bytes | dict[str, Any]]:
        if path.endswith("Config"):
            return 200, {"pagination": {"cursor": True}}
        return 200, {"Resources": [], "nextCursor": query.get("cursor", "") + "x"}

    with lying_service(answer) as (url, _), pytest.raises(ScimFailed, match="did not end"):
        pages(url)


def test_a_service_that_dies_midway_is_an_error() -> None:
    def answer(path: str, query: dict[str, str]) -> tuple[int, bytes | dict[str, Any]]:
        if query.get("startIndex") == "3":
            raise ConnectionAbortedError
        return paged(5, 5)(path, query)

    with lying_service(answer) as (url, _), pytest.raises(ScimFailed, match="/Users: "):
        pages(url)


def test_a_busy_service_is_asked_again_and_not_for_ever() -> None:
    waits: list[float] = []
    busy = iter([429, 503])

    def answer(path: str, query: dict[str, str]) -> tuple[int, bytes | dict[str, Any]]:
        status = next(busy, 200) if path.endswith("Users") else 404
        return (status, b"") if status != 200 else paged(1, 1)(path, query)

    with lying_service(answer) as (url, _):
        assert len(pages(url, sleep=waits.append)) == 1
    assert waits == [1, 2]
    with lying_service(lambda path, query: (503, b"")) as (url, _), pytest.raises(ScimFailed, match="503"):
        pages(url)


def test_a_huge_answer_is_cut_off() -> None:
    with (
        lying_service(lambda path, query: (200, b" " * 5000)) as (url, _),
        pytest.raises(ScimFailed, match="more than"),
    ):
        pages(url, most_bytes=4000)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"3",
        b"{}",
        b'{"totalResults": "5"}',
        b'{"totalResults": 1, "Resources": {}}',
        b"[" * 99999,
    ]
    + [
        b'{"totalResults": 1, "Resources": [3]}',
        b'{"totalResults": 1, "Resources": [{"id": 4}]}',
        b'{"totalResults": -1}',
    ],
)
def test_an_answer_that_is_none_is_an_error(body: bytes) -> None:
    with lying_service(lambda path, query: (200, body)) as (url, _), pytest.raises(ScimFailed):
        pages(url)


def certificate(folder: Path) -> tuple[Path, Path]:
    """For 127.0.0.1, signed by nobody but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder / "cert", folder / "key"


def test_the_token_goes_only_to_a_host_that_proves_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cert, key = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with lying_service(paged(1, 1), context) as (url, asked):
        with pytest.raises(ScimFailed, match="CERTIFICATE_VERIFY_FAILED|certificate verify failed"):
            pages(url)
        assert asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))
        assert len(pages(url)) == 1


def test_a_redirect_does_not_take_the_token_elsewhere() -> None:
    away = http(302, Location="http://127.0.0.1:9/", Connection="close")
    with answering(away) as url, pytest.raises(ScimFailed, match="not followed"):
        pages(url)


def test_an_error_that_repeats_the_token_does_not_show_it() -> None:
    with lying_service(lambda path, query: (400, f"bad Bearer {TOKEN}".encode())) as (url, _):
        with pytest.raises(ScimFailed) as caught:
            pages(url)
    assert "bad Bearer" in str(caught.value) and TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["http://idp.example/v2", "ftp://x/", "https://", "x", "https://me:pw" + "@idp.example", "https://h/v2?token=1"]
    + ["https://h:port/", "http://[::1", "http://127.0.0.1.evil.example/"],
)
def test_an_address_that_would_show_the_token_is_refused(url: str) -> None:
    with pytest.raises(ScimFailed) as caught:
        ScimClient(url, TOKEN)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX: y", "é"])
def test_a_token_that_is_none_is_refused(token: str) -> None:
    with pytest.raises(ScimFailed):
        ScimClient("https://idp.example", token)


WHO = ":".join(("idp", "hush"))


@pytest.mark.parametrize(
    "url",
    [
        f"ftp://{WHO}@h/scim", f"{WHO}@h/scim", f"https://{WHO}@h:99999999/x", f"https://{WHO}@/x",
        f"https://{WHO}@h/ x", f"https://{WHO}@h", f"https://{WHO}@sh@[h/x",
    ],
)  # fmt: skip
def test_a_password_in_a_misspelt_address_is_not_repeated(url: str) -> None:
    """It would stand in a terminal's history and in the log of a nightly job."""
    with pytest.raises(ScimFailed) as caught:
        ScimClient(url, TOKEN)
    assert "hu" not in str(caught.value).removeprefix("the address")


@pytest.mark.parametrize("url", ["https://h/scim?", "https://h/scim#", "https://h /scim", "https://h/\r\nX: y"])
def test_an_address_that_would_be_another_is_refused(url: str) -> None:
    """The token would go where nobody meant it to go."""
    with pytest.raises(ScimFailed, match="expected one such as"):
        ScimClient(url, TOKEN)


def test_all_pages_together_are_bounded() -> None:
    """A service that answers page after page would fill the memory."""
    with scim_service(cursor=False) as url:
        for number in range(6):
            call(f"{url}/Users", "POST", {"schemas": [USER], "userName": f"u{number}"})
        whole = len(pages(url, page=2))
        assert whole == 3
        with pytest.raises(ScimFailed, match="more than 1,500 bytes"):
            pages(url, page=2, most_in_all=1500)
