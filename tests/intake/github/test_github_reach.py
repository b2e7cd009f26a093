"""HR and GitHub in one estate, through the command: what a review is worth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.ran import run
from tests.intake.github.exports import FILES, encoded, reviews

HR = "id,mail,office\nE1,ana@x.com,CN\nE2,bo@x.com,US\nE3,olga@x.com,US\nE4,cy@x.com,IE\n"


def lengths(tmp_path: Path, capsys: pytest.CaptureFixture[str], **changes: Any) -> dict[str, Any]:
    """How many others China needs for a push, by asset."""
    estate, export = tmp_path / "estate", tmp_path / "acme"
    (tmp_path / "people.csv").write_text(HR)
    maps = ["--map", "id=id", "--map", "mail=mail", "--map", "workplace=office"]
    assert run(capsys, "intake", "hr", tmp_path / "people.csv", "--into", estate, *maps).status == 0
    people = [
        {"samlIdentity": {"nameId": f"{login}@x.com"}, "user": {"login": login}}
        for login in ("ana", "bo", "cy", "olga")
    ]
    page = {"data": {"organization": {"samlIdentityProvider": {"externalIdentities": {"nodes": people}}}}}
    for path, value in {**FILES, "identities.json": page, **changes}.items():
        (export / path).parent.mkdir(parents=True, exist_ok=True)
        (export / path).write_bytes(encoded(value))
    ran = run(capsys, "intake", "github", export, "--into", estate)
    assert ran.status == 0, ran.err
    flags = ["--all", "--format", "json", "--state", "CN", "--action", "push", "--at", "2026-11-26"]
    found = json.loads(run(capsys, "reach", estate, *flags).out)["results"]
    return {result["asset"].removeprefix("github/acme"): result["length"] for result in found}


def test_alone_without_a_review(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lengths(tmp_path, capsys)["/repo/App"] == 0


def test_with_another_where_it_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = lengths(tmp_path, capsys, **{"repos/App/protection.json": [reviews()]})
    assert (found["/repo/App/branch/main"], found["/repo/App/branch/*"]) == (1, 0)


def test_alone_past_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rule = reviews(bypass_pull_request_allowances={"users": [{"login": "ANA"}]})
    assert lengths(tmp_path, capsys, **{"repos/App/protection.json": [rule]})["/repo/App/branch/main"] == 0


def test_a_config_in_a_folder_comes_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "config"
    for name, text in (("org", "admins: [olga]\n"), ("sig/teams", "teams: {t: {members: [a], repos: {r: write}}}\n")):
        file = folder / "acme" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    ran = run(capsys, "intake", "github", folder, "--into", tmp_path / "estate")
    assert ran.status == 0, ran.err
    assert "group:github/acme/team/t,push,asset:github/acme/repo/r" in (tmp_path / "estate" / "grants.csv").read_text()
    alone = run(capsys, "intake", "github", folder / "acme", "--into", tmp_path / "other")
    assert alone.status == 0, alone.err
    shared = (tmp_path / "estate" / "grants.csv").read_text().replace("config/acme/", "acme/")
    assert (tmp_path / "other" / "grants.csv").read_text() == shared
