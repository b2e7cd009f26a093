"""Every source of people in one estate: the same people, found by what they are known by."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.ran import run

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
OKTA, OKTA_GROUP = "00u" + "a" * 17, "00g" + "s" * 17
HR = "id,mail,office\nE1,ana@x.com,IE\nE2,bo@x.com,CN\n"
MAPS = ["--map", "id=id", "--map", "mail=mail", "--map", "workplace=office"]


def test_all_sources_of_people_make_one_estate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    estate = tmp_path / "estate"

    def take(source: str, *arguments: Any, **documents: Any) -> None:
        folder = tmp_path / source
        folder.mkdir()
        for name, document in documents.items():
            data = document if isinstance(document, str) else json.dumps(document)
            (folder / (name.replace("__", ".") if "__" in name else f"{name.replace('_', '-')}.json")).write_text(data)
        ran = run(capsys, "intake", source, folder, "--into", estate, *arguments)
        assert ran.status == 0, ran.err

    take("hr", *MAPS, people__csv=HR)
    take(
        "scim",
        users=[
            {"schemas": [USER], "id": "1", "userName": "ana@x.com"},
            {"schemas": [USER], "id": "2", "userName": "new"},
        ],
        groups=[{"schemas": [GROUP], "id": "g", "displayName": "Staff", "members": [{"value": "1"}, {"value": "2"}]}],
    )
    take(
        "entra",
        users={"value": [{"id": "1", "userPrincipalName": "ana@x.com", "employeeId": "E1", "accountEnabled": True}]},
    )
    take(
        "okta",
        users=[{"id": OKTA, "status": "ACTIVE", "profile": {"login": "ana", "email": "Ana@X.com"}}],
        groups=[{"id": OKTA_GROUP, "type": "OKTA_GROUP", "objectClass": [], "profile": {"name": "Staff"}}],
        **{
            f"group_{OKTA_GROUP}_users": [{"id": OKTA, "status": "ACTIVE"}],
            f"user_{OKTA}_roles": [{"type": "SUPER_ADMIN"}],
        },
    )
    take("google", users__csv="primaryEmail,isAdmin,suspended\nana@x.com,True,False\nbo@x.com,False,False\n")
    with (estate / "people.csv").open() as file:
        people = {row["id"]: row for row in csv.DictReader(file)}
    assert set(people) == {"E1", "E2", "scim/2"}
    with (estate / "groups.csv").open() as file:
        members = {(row["group"], row["member"]) for row in csv.DictReader(file)}
    assert {("scim/group/g", "person:E1"), ("scim/group/g", "person:scim/2"), ("google/users", "person:E2")} <= members
    assert (f"okta/group/{OKTA_GROUP}", "person:E1") in members
    for table, row in (("assets", "archive"), ("grants", "person:E1,read,asset:archive")):  # as people write them
        text = (estate / f"{table}.csv").read_text()
        rest = "," * (text.partition("\n")[0].count(",") - row.count(","))
        (estate / f"{table}.csv").write_text(f"{text}{row}{rest}\n")
    ran = run(capsys, "reach", estate, "--all", "--format", "json", "--at", "2026-11-26")
    assert ran.status == 0, ran.err
    # Ana (IE) runs Google; Bo (CN) would need her.
    found = {(r["state"], r["asset"]): r["length"] for r in json.loads(ran.out)["results"]}
    assert found["IE", "google/workspace"] == 0 and found["CN", "google/workspace"] == 1


@pytest.mark.parametrize("source", ["scim", "entra", "okta", "google"])
def test_what_is_no_export_is_refused_and_nothing_written(
    source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.json").write_text('{"things": [1]}')
    ran = run(capsys, "intake", source, tmp_path / "x.json", "--into", tmp_path / "estate")
    assert ran.status == 2 and "x.json" in ran.err and "expected" in ran.err
    assert not (tmp_path / "estate").exists()


def test_files_and_an_address_are_not_read_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], [tmp_path / "x.json", "--url", "https://idp.example"]):
        ran = run(capsys, "intake", "scim", *arguments, "--into", tmp_path / "estate")
        assert ran.status == 2 and "either files or --url" in ran.err
    ran = run(capsys, "intake", "scim", "--url", "http://idp.example/v2", "--into", tmp_path / "estate")
    assert ran.status == 2 and "expected https://" in ran.err
