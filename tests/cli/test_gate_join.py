"""`armslength gate init`, `join`, `rebuild` and `check` of gates that share a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.ran import run
from tests.intake.postgresql.server import PostgresqlServer, running_postgresql
from tests.service.gates import estate

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARMSLENGTH_TESTS_WITHOUT_FSYNC", "1")
        with running_postgresql() as found:
            yield found


def test_a_gate_is_joined_by_another_and_made_again_where_its_tables_were_lost(
    server: PostgresqlServer, tmp_path: Path, capsys: Capture
) -> None:
    """A second gate, or one after a loss, would need a hand on the database."""
    files = tmp_path / "estate"
    files.mkdir()
    for name, data in estate().items():
        (files / name).write_bytes(data)
    place = f"postgresql:///postgres?host={server.folder}&port={server.port}&user=root"
    init = [
        *("gate", "init", tmp_path / "one", "--estate", files, "--origin", "gate.example.com/acts"),
        *("--url", "https://gate.example.com", "--database", place),
    ]
    unnamed = run(capsys, *init)
    assert unnamed.status == 2
    assert "expected site, the name of this gate among those on its PostgreSQL database" in unnamed.err
    secret = run(capsys, *init[:-1], f"postgresql://gate:{'word'}@db/gate", "--site", "one")
    assert secret.status == 2
    assert "database holds a password" in secret.err
    assert "word@" not in secret.err
    made = run(capsys, *init, "--site", "one")
    assert made.status == 0, made.err
    again = run(capsys, *init[:2], tmp_path / "again", *init[3:], "--site", "again")
    assert again.status == 2
    joined = run(capsys, "gate", "join", tmp_path / "two", "--beside", tmp_path / "one", "--site", "two")
    assert joined.status == 0, joined.err
    assert "made the gate two" in joined.err
    for name in ("one", "two"):
        assert run(capsys, "gate", "check", tmp_path / name).status == 0
    server.sql("DROP SCHEMA gate_two CASCADE")
    lost = run(capsys, "gate", "check", tmp_path / "two")
    assert lost.status == 2
    assert "has no schema gate_two of a gate; armslength gate rebuild makes it again" in lost.err
    rebuilt = run(capsys, "gate", "rebuild", tmp_path / "two")
    assert rebuilt.status == 0, rebuilt.err
    assert "made empty tables of the gate two" in rebuilt.err
    assert run(capsys, "gate", "check", tmp_path / "two").status == 0
    twice = run(capsys, "gate", "rebuild", tmp_path / "two")
    assert twice.status == 2
    assert "has a schema gate_two already" in twice.err


def test_a_gate_with_files_is_joined_by_nobody(tmp_path: Path, capsys: Capture) -> None:
    """It would look as if two gates shared what each has for itself."""
    nothing = run(capsys, "gate", "join", tmp_path / "two", "--beside", tmp_path / "one", "--site", "two")
    assert nothing.status == 2
    assert "gate.toml: not there" in nothing.err
