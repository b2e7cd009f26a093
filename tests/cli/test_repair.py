"""Repair as a command: the plan, the patch, and where git applies it."""

from __future__ import annotations

import io
import json
import shlex
import shutil
import subprocess
from pathlib import Path

import jsonschema
import polars as pl
import pytest

from tests.cli.ran import DAY, ESTATES, ROOT, run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An estate with one open grant, in the current folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ESTATES / "tour", tmp_path / "firm" / "estate")
    return tmp_path / "firm" / "estate"


def applied(told: str) -> None:
    """Do what the command says is to be done with its patch."""
    line = next(line for line in told.splitlines() if line.startswith("the patch is at "))
    subprocess.run(shlex.split(line.partition(": ")[2]), check=True, capture_output=True)


@pytest.mark.parametrize("repository", [True, False])
@pytest.mark.parametrize("here", ["", "firm", "firm/estate", "elsewhere"])
def test_the_command_that_is_told_applies_the_patch(
    repository: bool,
    here: str,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A patch that lands nowhere leaves the grant open, and the one who applied it sure that it is closed."""
    if repository:
        subprocess.run(["git", "init", "--quiet"], check=True)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / here)
    ran = run(capsys, "repair", folder, "--at", DAY, "--patch", "a patch")
    assert ran.status == 0
    assert run(capsys, "reach", folder, "--at", DAY).status == 1
    applied(ran.err)
    assert run(capsys, "reach", folder, "--at", DAY).status == 0


def test_a_revision_is_repaired_in_the_working_copy(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever reviews a revision applies its repair to what is checked out."""
    settings = ["-c", "user.name=tests", "-c", "user.email=tests@example.com", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "tour"]):
        subprocess.run(["git", *settings, *arguments], check=True)
    ran = run(capsys, "repair", "HEAD:firm/estate", "--at", DAY, "--patch", "repair.patch")
    applied(ran.err)
    assert run(capsys, "reach", folder, "--at", DAY).status == 0


def test_a_parquet_table_comes_as_a_new_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No patch holds Parquet; a plan that could not be carried out would be talk."""
    grants = pl.read_csv(folder / "grants.csv")
    grants.write_parquet(folder / "grants.parquet")
    (folder / "grants.csv").unlink()
    ran = run(capsys, "repair", folder, "--at", DAY, "--patch", "repair.patch")
    assert ran.status == 0
    assert "the new grants.parquet is at repair.patch.grants.parquet" in ran.err
    shutil.copy("repair.patch.grants.parquet", folder / "grants.parquet")
    assert run(capsys, "reach", folder, "--at", DAY).status == 0
    new = pl.read_parquet(io.BytesIO((folder / "grants.parquet").read_bytes()))
    assert new.schema == grants.schema


def test_the_printed_plan_has_its_form(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Programs act on the plan; one that lacks a key is carried out by half."""
    schema = json.loads((ROOT / "docs" / "formats" / "repair.schema.json").read_text("utf-8"))
    for refused in ([], ["drop_grant"], ["grants.csv:2"], ["terms grants.csv:2"], ["terms:two-apart"]):
        flags = [part for text in refused for part in ("--refuse", text)]
        plan = json.loads(run(capsys, "repair", folder, "--at", DAY, *flags, "--format", "json").out)
        jsonschema.validate(plan, schema)
        assert len(plan["refused"]) == len(refused)


def test_a_plan_names_nobody_unless_asked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A list of grants to drop goes to many readers."""
    (folder / "grants.csv").write_text("holder,action,target\nperson:bo,terminate,asset:meetings-us\n")
    plain = run(capsys, "repair", folder, "--at", DAY).out
    named = run(capsys, "repair", folder, "--at", DAY, "--names").out
    assert "person:bo" not in plain and "a person in the role operator" in plain
    assert "person:bo" in named


def test_a_patch_that_cannot_be_written_ends_with_status_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An old patch that lies there would be applied instead."""
    for place in ("/dev/full", "no/such/folder/x", "."):
        ran = run(capsys, "repair", folder, "--at", DAY, "--patch", place)
        assert ran.status == 2
        assert "cannot write" in ran.err


def test_what_was_refused_is_not_changed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody has a reason that no table tells."""
    ran = run(capsys, "repair", folder, "--at", DAY, "--refuse", "grants.csv:2", "--format", "json")
    plan = json.loads(ran.out)
    assert (ran.status, plan["plan"]) == (1, [])
    assert {pair["asset"] for pair in plan["remaining"]} == {"meetings-us"}


def test_the_community_is_repaired_at_proven_least_cost(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Real tables must come out whole, not only small ones."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(shared / "estates" / "community", tmp_path / "community")
    ran = run(capsys, "repair", "community", "--at", DAY, "--patch", "repair.patch", "--format", "json")
    plan = json.loads(ran.out)
    assert (ran.status, plan["proven"], plan["verified"], plan["remaining"]) == (0, True, True, [])
    applied(ran.err)
    assert run(capsys, "reach", "community", "--at", DAY).status == 0
