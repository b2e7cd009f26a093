"""The patch of a repair: what git makes of it, and what it leaves alone."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from armslength.cli import main
from armslength.store import read

PEOPLE = "id,unit,workplace\nana,u1,CN\nbo,u2,US\ncy,u3,IE\ndi,u4,SG\ned,u5,US\nfy,u6,IE\ngo,u7,SG\n"
GROUPS = "group,member\n" + "".join(f"trust,person:{p}\n" for p in ("cy", "di", "ed", "fy", "go"))
SETTINGS = """home = ["US"]
[terms.two-apart]
approvals = 2
approvers = "group:trust"
apart = 2
[[floor]]
action = "read"
target = "asset:x"
length = 2
"""
FORMS = {
    "plain": "holder,action,target,terms\nperson:bo,read,asset:x,\nperson:cy,list,asset:x,\n",
    "windows": "\ufeffholder,action,target,terms\r\nperson:bo,read,asset:x,\r\nperson:cy,list,asset:x,",
    "quoted": 'note,holder,action,target,terms\n"a, ""b""",person:bo,read,"asset:x",\n,person:cy,list,asset:x,\n',
    "no column": "holder,action,target\nperson:bo,read,asset:x\nperson:cy,list,asset:x\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "estate"
    made.mkdir()
    files = {"people.csv": PEOPLE, "groups.csv": GROUPS, "assets.csv": "id\nx\n", "estate.toml": SETTINGS}
    for name, text in files.items():
        (made / name).write_text(text)
    return made


@pytest.mark.parametrize("form", FORMS)
def test_git_applies_the_patch_and_every_floor_holds(
    form: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A patch that does not apply leaves the way open while everybody thinks it closed."""
    (folder / "grants.csv").write_bytes(FORMS[form].encode())
    monkeypatch.chdir(folder.parent)
    subprocess.run(["git", "init", "-q", "."], check=True)
    assert main(["reach", "estate", "--at", "2026-11-22"]) == 1
    assert main(["repair", "estate", "--at", "2026-11-22", "--patch", "fix.patch"]) == 0
    subprocess.run(["git", "apply", "fix.patch"], check=True)
    assert main(["reach", "estate", "--at", "2026-11-22"]) == 0
    assert "two-apart" in (folder / "grants.csv").read_text()
    assert len(read("estate").estate.grants) == 2


def test_the_plan_prints_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Programs that act on a plan need its proof as much as people do."""
    (folder / "grants.csv").write_text(FORMS["plain"])
    assert main(["repair", str(folder), "--at", "2026-11-22", "--format", "json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["proven"] and plan["verified"] and plan["gap"] == 0 and plan["cost"] == plan["bound"] == 1
    (change,) = plan["plan"]
    assert (change["change"], change["line"], change["terms"]) == ("terms", 2, "two-apart")


def test_a_refusal_that_names_nothing_is_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A slip in a refusal must not end in the very change that was refused."""
    (folder / "grants.csv").write_text(FORMS["plain"])
    assert main(["repair", str(folder), "--refuse", "drop_grants"]) == 2
    assert "drop_grant" in capsys.readouterr().err
