"""The commands on a real organisation's access: read from beside the repository, never copied in."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.ran import DAY, run


@pytest.fixture
def community(shared: Path) -> Path:
    return shared / "estates" / "community"


def test_reach_answers_for_every_state(community: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Real tables are messier than any sample."""
    ran = run(capsys, "reach", community, "--at", DAY, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert ran.status == 1
    assert len({row["state"] for row in rows}) == 60
    assert {row["length"] for row in rows} <= {"0", "1", "2", "3", ""}


def test_explain_tells_a_chain_and_a_barrier(community: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever runs the organisation acts on sentences, not on numbers."""
    pairs = csv.DictReader(io.StringIO(run(capsys, "reach", community, "--at", DAY, "--format", "csv").out))
    told = {}
    for row in pairs:
        told.setdefault((row["length"], row["broken"]), row)
    assert {("0", "yes"), ("1", "no")} <= set(told)
    for row in told.values():
        pair = ("--state", row["state"], "--action", row["action"], "--asset", row["asset"])
        ran = run(capsys, "explain", community, "--at", DAY, *pair)
        assert ran.status == (1 if row["broken"] == "yes" else 0), ran
        assert "grants.csv:" in ran.out


def test_a_grant_that_is_guarded_is_seen_and_named(community: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What-if must tell whether the change that somebody is about to make is worth its trouble."""
    ran = run(capsys, "whatif", community, "--at", DAY, "--terms", "1321=two-apart", "--format", "json")
    changes = json.loads(ran.out)["changes"]
    assert ran.status == 0
    assert changes
    assert {cause["line"] for change in changes for cause in change["because"]} == {1321}


def test_a_copy_differs_by_what_was_changed_in_it(
    community: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In review only the change may show."""
    for file in community.iterdir():
        if file.suffix in (".csv", ".toml"):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    assert run(capsys, "diff", community, tmp_path, "--at", DAY).out.startswith("No length changes.")
    with (tmp_path / "grants.csv").open("a", encoding="utf-8") as grants:
        grants.write("everyone,push,asset:kubernetes/kubernetes,\n")
    ran = run(capsys, "diff", community, tmp_path, "--at", DAY, "--format", "json")
    changes = json.loads(ran.out)["changes"]
    assert ran.status == 1
    assert {(change["action"], change["asset"]) for change in changes} == {("push", "kubernetes/kubernetes")}
    assert {change["new"] for change in changes} == {0}
    assert {cause["row"]["holder"] for change in changes for cause in change["because"]} == {"everyone"}
