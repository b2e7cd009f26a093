"""HR and a directory in one estate: whoever resets others reaches what they may do, and no further."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.ran import run

GLOBAL, HELPDESK = "62e90394-69f5-4237-9190-012177145e10", "729827e3-9c14-49f7-bb1b-9608f156bbb8"
HR = "id,mail,office\nE1,ana@x.com,US\nE2,bo@x.com,CN\nE3,cy@x.com,IE\n"


def guid(number: int) -> str:
    return f"{number:08}-0000-0000-0000-000000000000"


def save(folder: Path, **documents: Any) -> Path:
    folder.mkdir()
    for name, document in documents.items():
        (folder / f"{name.replace('_', '-', 1)}.json").write_text(json.dumps(document))
    return folder


def lengths(capsys: pytest.CaptureFixture[str], estate: Path) -> dict[tuple[str, str], int | None]:
    ran = run(capsys, "reach", estate, "--all", "--format", "json", "--at", "2026-11-26")
    assert ran.status in (0, 1), ran.err
    found = json.loads(ran.out)["results"]
    return {(result["state"], result["asset"]): result["length"] for result in found}


def add(table: Path, row: str) -> None:
    """A row that people write."""
    text = table.read_text()
    header = text.partition("\n")[0]
    table.write_text(f"{text}{row}{',' * (header.count(',') - row.count(','))}\n")


@pytest.fixture
def estate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Ana (US) runs the tenant, Cy (IE) is in the staff group, Bo (CN) is the help desk."""
    estate = tmp_path / "estate"
    (tmp_path / "people.csv").write_text(HR)
    maps = ["--map", "id=id", "--map", "mail=mail", "--map", "workplace=office"]
    assert run(capsys, "intake", "hr", tmp_path / "people.csv", "--into", estate, *maps).status == 0
    people = [(1, "ana"), (2, "bo"), (3, "cy")]
    export = save(
        tmp_path / "entra",
        users={
            "value": [{"id": guid(n), "userPrincipalName": f"{who}@x.com", "accountEnabled": True} for n, who in people]
        },
        groups={"value": [{"id": guid(9), "displayName": "Staff", "groupTypes": []}]},
        **{f"members_{guid(9)}": {"value": [{"id": guid(3)}]}, f"owners_{guid(9)}": {"value": []}},
        assignments={
            "value": [
                {"id": "1", "principalId": guid(1), "roleDefinitionId": GLOBAL, "directoryScopeId": "/"},
                {"id": "2", "principalId": guid(2), "roleDefinitionId": HELPDESK, "directoryScopeId": "/"},
            ]
        },
    )
    ran = run(capsys, "intake", "entra", export, "--into", estate)
    assert ran.status == 0, ran.err
    return estate


def test_a_help_desk_reaches_what_those_below_may_and_not_the_tenant(
    estate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(estate / "assets.csv", "recordings")
    add(estate / "grants.csv", f"group:entra/group/{guid(9)},read,asset:recordings")
    found = lengths(capsys, estate)
    assert found["CN", "recordings"] == 0  # Bo resets Cy
    assert found["US", "recordings"] == 0  # Ana adds herself to the group
    assert found["IE", "recordings"] == 0
    assert found["US", "entra/tenant"] == 0
    assert found["CN", "entra/tenant"] == 1  # Ana is needed: the help desk cannot reset her
    assert found["IE", "entra/tenant"] == 1
