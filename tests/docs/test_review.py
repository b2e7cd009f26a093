"""The ready example for GitHub Actions, run as it stands on two revisions of an estate."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.docs.documents import ROOT, git

WORKFLOW = (ROOT / "examples/ci/github-actions.yml").read_text("utf-8")
SAMPLES = ROOT / "examples/meridian"


def script(step: str) -> str:
    """What the named step of the workflow runs."""
    found = re.search(rf"^( *)- name: {step}\n +run: \|\n((?:\1    .*\n|\n)+)", WORKFLOW, re.MULTILINE)
    assert found
    return textwrap.dedent(found[2])


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    return tmp_path


def commit(repository: Path, sample: Path) -> None:
    shutil.rmtree(repository / "estate", ignore_errors=True)
    shutil.copytree(sample, repository / "estate")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", sample.name)


def compare(repository: Path) -> subprocess.CompletedProcess[str]:
    """Runs the workflow's step on the last two commits, as the runner would: bash -e, with the program in PATH."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script("compare")],
        cwd=repository,
        env={**os.environ, "PATH": path, "ESTATE": "estate", "GITHUB_STEP_SUMMARY": str(repository / "summary.md")},
        capture_output=True,
        text=True,
    )


def test_a_change_that_hands_a_state_more_stops_the_merge(repository: Path) -> None:
    """Otherwise the access is live before anybody has looked."""
    commit(repository, SAMPLES / "after")
    commit(repository, SAMPLES / "before")
    ended = compare(repository)
    assert ended.returncode == 1, ended.stderr
    assert (repository / "armslength.sarif").stat().st_size > 0
    assert "CN" in (repository / "summary.md").read_text("utf-8")


def test_a_change_that_takes_reach_away_may_go_on(repository: Path) -> None:
    """A check that stops repairs is removed."""
    commit(repository, SAMPLES / "before")
    commit(repository, SAMPLES / "after")
    ended = compare(repository)
    assert ended.returncode == 0, ended.stderr


def test_an_estate_that_cannot_be_read_stops_the_merge(repository: Path) -> None:
    """A broken table must not pass for a safe one."""
    commit(repository, SAMPLES / "after")
    dangling = "holder,action,target,terms\ngroup:nobody-knows,read,asset:no-such,\n"
    (repository / "estate" / "grants.csv").write_text(dangling)
    git(repository, "commit", "--quiet", "--all", "--message", "broken")
    ended = compare(repository)
    assert ended.returncode == 2
    assert "grants.csv" in ended.stderr


def test_every_action_used_is_pinned() -> None:
    """A tag can be moved to other code, which would then judge, and read, your estate."""
    for workflow in (*ROOT.glob(".github/workflows/*.yml"), *ROOT.glob("examples/ci/*.yml")):
        used = re.findall(r"uses: (\S+)", workflow.read_text("utf-8"))
        assert used
        assert [action for action in used if not re.search(r"@[0-9a-f]{40}$", action)] == []
