"""Estates out of git revisions, as a check before a merge reads them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.ran import DAY, ESTATES, run


def git(folder: Path, *arguments: str) -> None:
    settings = ["-c", "user.name=tests", "-c", "user.email=tests@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *settings, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two commits of an estate in `firm/estate`: a guarded one on `main`, an open one on `change`."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    for branch, name in (("main", "tour-guarded"), ("change", "tour")):
        if branch != "main":
            git(tmp_path, "checkout", "--quiet", "-b", branch)
        shutil.rmtree(tmp_path / "firm", ignore_errors=True)
        shutil.copytree(ESTATES / name, tmp_path / "firm" / "estate")
        git(tmp_path, "add", "--all")
        git(tmp_path, "commit", "--quiet", "--message", name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_two_revisions_are_compared_without_a_checkout(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A check that needs a second working copy is not run on a laptop."""
    git(repository, "rm", "-r", "--quiet", "--cached", "firm")
    shutil.rmtree(repository / "firm")
    worse = run(capsys, "diff", "main:firm/estate", "change:firm/estate", "--at", DAY)
    better = run(capsys, "diff", "change:firm/estate", "main:firm/estate", "--at", DAY)
    assert (worse.status, better.status) == (1, 0)
    assert "A floor that held breaks for 2 pairs: CN and IE." in worse.out
    assert "No protected length falls. 2 lengths rise." in better.out


def test_a_revision_is_compared_with_the_working_copy(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is not committed yet is what somebody is about to commit."""
    assert run(capsys, "diff", "main:firm/estate", "firm/estate", "--at", DAY).status == 1
    shutil.copy(ESTATES / "tour-guarded" / "grants.csv", repository / "firm" / "estate")
    assert run(capsys, "diff", "main:firm/estate", "firm/estate", "--at", DAY).status == 0


@pytest.mark.parametrize("new", ["change:firm/estate", "firm/estate", "HEAD:./estate"])
def test_sarif_points_into_the_repository(
    new: str, repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A finding at a path that the review tool does not know is shown to nobody."""
    if "./" in new:
        monkeypatch.chdir(repository / "firm")
    ran = run(capsys, "diff", "main:firm/estate", new, "--at", DAY, "--format", "sarif")
    assert ran.status == 1, ran.err
    places = json.loads(ran.out)["runs"][0]["results"][0]["locations"]
    assert places[0]["physicalLocation"]["artifactLocation"]["uri"] == "firm/estate/grants.csv"


def test_a_setting_is_named_at_its_line(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Terms that are made weaker give access as a grant does, and hide better."""
    settings = repository / "firm" / "estate" / "estate.toml"
    shutil.copy(ESTATES / "tour-guarded" / "grants.csv", settings.parent)
    weaker = settings.read_text().replace("approvals = 2", "approvals = 1").replace("apart = 2", "apart = 0")
    settings.write_text(weaker)
    ran = run(capsys, "diff", "main:firm/estate", "firm/estate", "--at", DAY, "--format", "json")
    assert ran.status == 1
    lines = weaker.splitlines()
    assert json.loads(ran.out)["changes"][0]["because"] == [
        {
            "table": "settings",
            "line": lines.index(f"{key} = {value}") + 1,
            "side": "new",
            "change": "changed",
            "row": {"setting": f"terms.two-apart.{key}", "value": str(value)},
        }
        for key, value in (("approvals", 1), ("apart", 0))
    ]


def test_a_side_that_cannot_be_read_is_named(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of two estates with the same file names one must know which is broken."""
    (repository / "firm" / "estate" / "grants.csv").write_text("holder,action,target\ngroup:nobody,read,asset:x\n")
    ran = run(capsys, "diff", "main:firm/estate", "firm/estate")
    assert ran.status == 2
    assert all(line.startswith("firm/estate/grants.csv:2: ") for line in ran.err.splitlines())


def test_a_revision_that_is_not_there_is_refused(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A shallow clone has no main; a check that then compared nothing would let everything through."""
    ran = run(capsys, "diff", "origin/main:firm/estate", "firm/estate")
    assert ran.status == 2
    assert "'origin/main' is no revision of this repository" in ran.err
