"""`armslength intake opengraph` and `armslength graph` as they are run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.ran import ESTATES, run
from tests.intake.opengraph.graphs import edge, graph, node

KINDS = '[nodes]\nGHUser = "account"\nGHRepo = "asset"\n[edges]\nGHPush = "grant push"\n'


def test_what_kinds_mean_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who has to find the file again every night forgets it one night, and the estate shrinks."""
    estate, file, kinds = tmp_path / "e", tmp_path / "g.json", tmp_path / "kinds.toml"
    file.write_bytes(graph([node("ana", "GHUser"), node("r", "GHRepo")], [edge("ana", "GHPush", "r")]))
    kinds.write_text(KINDS)
    ran = run(capsys, "intake", "opengraph", file, "--into", estate)
    assert "edge kind GHPush" in ran.out and "0 grants" in ran.out
    for flags in (["--map-file", kinds], []):
        assert run(capsys, "intake", "opengraph", file, "--into", estate, *flags).status == 0
        assert "group:opengraph/ana,push,asset:opengraph/r" in (estate / "grants.csv").read_text()
    kinds.write_text('[edges]\nGHPush = "push"\n')
    ran = run(capsys, "intake", "opengraph", file, "--into", estate, "--map-file", kinds)
    assert ran.status == 2 and "kinds.toml:2" in ran.err and "nothing was written" in ran.err


def test_the_graph_of_an_estate_with_what_states_could_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The two commands that the documentation shows must fit together."""
    answer, out, types, again = (tmp_path / name for name in ("answer.json", "g.json", "kinds.json", "e"))
    tour = ESTATES / "tour"
    answer.write_text(run(capsys, "reach", tour, "--at", "2026-11-22", "--format", "json").out)
    flags = ["--out", out, "--types", types, "--answer", answer, "--at", "2026-11-22"]
    assert run(capsys, "graph", tour, *flags).status == 0
    told = json.loads(answer.read_text())["results"]
    edges = [e for e in json.loads(out.read_text())["graph"]["edges"] if e["kind"].startswith("ALReach_")]
    assert len(edges) == len([one for one in told if one["length"] is not None]) > 0
    assert "custom_types" in json.loads(types.read_text())
    assert run(capsys, "intake", "opengraph", out, "--into", again).status == 0


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"results": [1]}', '{"results": [{"state": "CN", "action": "x", "asset": "y", "length": 0}]}'],
)
def test_an_answer_of_something_else_is_refused(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Lengths of another estate on this one's assets would be believed."""
    answer = tmp_path / "answer.json"
    answer.write_text(text)
    ran = run(capsys, "graph", ESTATES / "tour", "--out", tmp_path / "g.json", "--answer", answer)
    assert ran.status == 2 and "answer.json" in ran.err and not (tmp_path / "g.json").exists()
