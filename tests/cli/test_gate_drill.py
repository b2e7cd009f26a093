"""`armslength gate drill` as whoever looks after a gate uses it: beside the gate that runs, to its protocol."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pytest

from armslength.service import known_gate, read_drills
from armslength.store import read_gate_folder
from tests.cli.ran import run
from tests.cli.served import client_of, keyed_gate, served
from tests.console.desk import Client

Capture = pytest.CaptureFixture[str]


def signs(client: Client, id: str, key: object, path: Path) -> None:
    record = next(each for each in read_drills(known_gate(read_gate_folder(path))) if each.drill.id == id)
    signature = json.dumps(key.sign(record.drill.challenge()).form())  # type: ignore[attr-defined]
    csrf = client.csrf(f"/drills/{id}")
    status, _, text = client.post(f"/drills/{id}/sign", {"csrf": csrf, "credential": signature})
    assert status == 303, text


def test_a_drill_from_its_announcement_to_its_protocol(tmp_path: Path, capsys: Capture) -> None:
    """What was never rehearsed does not work on the day."""
    path = tmp_path / "gate"
    url, keys = keyed_gate(path)
    with served(path):
        dry = run(capsys, "gate", "drill", path, "--dry-run", "--json")
        plan = json.loads(dry.out)
        assert dry.status == 0 and plan["terms"] == "glass" and plan["executor"] == "ana"
        assert plan["could"] == ["bo", "cy", "di"] and "no channel for drill notices" in plan["lacks"][0]
        assert read_drills(known_gate(read_gate_folder(path))) == ()
        begun = run(capsys, "gate", "drill", path, "--by", "person:fay", "--yes", "--no-wait")
        assert begun.status == 1, begun.err  # no quorum yet
        assert "announced to 4 people" in begun.out
        again = run(capsys, "gate", "drill", path, "--by", "fay", "--yes", "--no-wait")
        assert again.status == 2 and "under way" in again.err
        (record,) = read_drills(known_gate(read_gate_folder(path)))
        client = client_of(url, keys["bo"])
        assert f"/drills/{record.drill.id}" in client.get("/waiting")[2]
        signs(client, record.drill.id, keys["bo"], path)
        followed = run(capsys, "gate", "drill", path, "--resume", "--no-wait")
        assert followed.status == 0 and "bo signed" in followed.out and "QUORUM: bo" in followed.out
        for reviewer in ("fay", "ana", "nobody"):
            wrong = run(capsys, "gate", "drill", path, "--end", "--yes", "--reviewer", reviewer)
            assert wrong.status == 2, wrong.out
        ended = run(
            capsys, "gate", "drill", path, "--end", "--yes", "--reviewer", "gus", "--failed", "no pager", "--json"
        )
        assert ended.status == 0, ended.err
        said = json.loads(ended.out)
        assert said["met"] and said["quorum"] == ["bo"] and "no pager" in said["failed"]
        protocol = path / "drills" / f"{record.drill.id}.md"
        (record,) = read_drills(known_gate(read_gate_folder(path)))
        assert record.transcript == hashlib.sha256(protocol.read_bytes()).hexdigest()
        assert protocol.stat().st_mode & 0o077 == 0
        last = run(capsys, "gate", "drill", path, "--last")
        assert last.status == 0 and "a quorum signed" in last.out
    checked = run(capsys, "gate", "check", path)
    assert checked.status == 0, checked.out


def test_a_drill_without_a_gate_that_runs_tells_nobody(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it look as if it had."""
    from armslength.cli import gate_drill

    monkeypatch.setattr(gate_drill, "TAKEN_UP", 1.0)
    path = tmp_path / "gate"
    keyed_gate(path)
    ran = run(capsys, "gate", "drill", path, "--by", "fay", "--yes", "--no-wait")
    assert ran.status == 2 and "is it running?" in ran.err
    assert read_drills(known_gate(read_gate_folder(path))) == ()


def test_what_is_not_confirmed_is_not_announced(keyed: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checklist that nobody reads is none."""
    for given in ("", "yes\nno\n", "\n"):
        monkeypatch.setattr("sys.stdin", io.StringIO(given))
        ran = run(capsys, "gate", "drill", keyed, "--by", "fay")
        assert ran.status == 2 and "nobody was told" in ran.err


@pytest.mark.parametrize(
    "flags",
    [
        (),
        ("--yes",),
        ("--by", "fay", "--on", "meetings"),
        ("--by", "fay", "--terms", "none"),
        ("--resume",),
        ("--end",),
        ("--by", "fay", "--yes", "--days", "0"),
    ],
)
def test_a_drill_that_cannot_be_is_refused(
    tmp_path: Path, capsys: Capture, flags: tuple[str, ...], keyed: Path
) -> None:
    """With what to say instead."""
    ran = run(capsys, "gate", "drill", keyed, *flags)
    assert ran.status == 2 and "Traceback" not in ran.err


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keyed") / "gate"
    keyed_gate(path)
    return path
