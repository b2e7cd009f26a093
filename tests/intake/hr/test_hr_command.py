"""`armslength intake hr` as it is run: with a mapping, without one, on a terminal."""

from __future__ import annotations

import csv
import os
import pty
import subprocess
import threading
from pathlib import Path

import pytest

from tests.cli.ran import PROGRAM, run

TABLE = "Employee ID,Work Email,Office,Status,Nationality\nE1,ana@x.com,IE,Active,SECRET\nE2,bo@x.com,CN,Gone,SECRET\n"
MAPS = ["--map", "id=Employee ID", "--map", "mail=Work Email", "--map", "workplace=Office"]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(TABLE)
    return path


def people(estate: Path) -> list[dict[str, str]]:
    with (estate / "people.csv").open() as file:
        return list(csv.DictReader(file))


def test_without_a_terminal_the_command_to_run_is_told(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = run(capsys, "intake", "hr", table, "--into", tmp_path / "e")
    assert ran.status == 2
    assert "--map 'id=Employee ID' --map 'mail=Work Email' --map workplace=Office --into ESTATE" in ran.err
    assert "--map status=Status --left WORD" in ran.err
    assert "columns: Employee ID, Work Email, Office, Status, Nationality" in ran.err
    assert not (tmp_path / "e").exists()


def test_what_was_said_once_is_kept_and_changed_by_flags(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    estate = tmp_path / "e"
    assert run(capsys, "intake", "hr", table, "--into", estate, *MAPS).status == 0
    assert [row["id"] for row in people(estate)] == ["E1", "E2"]
    assert run(capsys, "intake", "hr", table, "--into", estate).status == 0
    assert [row["id"] for row in people(estate)] == ["E1", "E2"]
    more = ["--map", "status=Status", "--left", "Gone", "--map", "more.word=Status"]
    assert run(capsys, "intake", "hr", table, "--into", estate, *more).status == 0
    assert [(row["id"], row["word"]) for row in people(estate)] == [("E1", "Active")]
    assert run(capsys, "intake", "hr", table, "--into", estate, "--map", "status=", "--map", "more.word=").status == 0
    assert [row["id"] for row in people(estate)] == ["E1", "E2"]
    assert "SECRET" not in "".join(path.read_text() for path in estate.rglob("*") if path.is_file())


def test_a_column_that_is_gone_is_an_error_and_a_new_one_is_told(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    estate = tmp_path / "e"
    assert run(capsys, "intake", "hr", table, "--into", estate, *MAPS).status == 0
    table.write_text(TABLE.replace("Status", "Residence"))
    assert run(capsys, "intake", "hr", table, "--into", estate).status == 0
    assert "Residence,columns that were not there" in (estate / "review.csv").read_text()
    before = people(estate)
    table.write_text(TABLE.replace("Work Email", "E-Mail"))
    ran = run(capsys, "intake", "hr", table, "--into", estate)
    assert ran.status == 2
    assert "people.csv:1: Work Email: is not in the file, and is mapped to mail" in ran.err
    assert people(estate) == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--map", "id"], "expected FIELD=COLUMN"),
        (["--map", "nationality=Nationality"], "'nationality': expected id"),
        (["--map", "id=Employee ID", "--map", "workplace=Nationality"], "is never read, so it cannot be workplace"),
        (["--map", "id=Employee ID", "--map", "status=Status"], "it has 'Active', 'Gone': say --left WORD"),
        (["--map", "mail=Work Email"], "no column is mapped to id"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(
    arguments: list[str], told: str, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = run(capsys, "intake", "hr", table, "--into", tmp_path / "e", *arguments)
    assert ran.status == 2 and told in ran.err
    assert not (tmp_path / "e").exists()


def test_a_mapping_file_may_be_read_and_damaged(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mapping = tmp_path / "mapping.toml"
    mapping.write_text('[columns]\nid = "Employee ID"\n')
    assert run(capsys, "intake", "hr", table, "--into", tmp_path / "e", "--map-file", mapping).status == 0
    mapping.write_text('[columns]\nidd = "Employee ID"\n[x]\n')
    ran = run(capsys, "intake", "hr", table, "--into", tmp_path / "e", "--map-file", mapping)
    assert ran.status == 2 and "mapping.toml:2: $.columns.idd: 'idd': expected id" in ran.err


def test_on_a_terminal_the_columns_are_asked_for(table: Path, tmp_path: Path) -> None:
    """A real terminal: what is shown, what is asked and what is kept."""
    ours, theirs = pty.openpty()
    estate = tmp_path / "e"
    command = [PROGRAM, "intake", "hr", table, "--into", estate]
    process = subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    shown = bytearray()

    def read() -> None:
        try:
            while part := os.read(ours, 4096):
                shown.extend(part)
        except OSError:  # the other side is closed
            pass

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    # id, name, mail, unit, role, entity, workplace, residence, manager, until, status, more, left
    os.write(ours, b"\n\n\n\n\n\n\n-\n\n\n\n\nGone\n")
    assert process.wait(60) == 0
    reading.join(10)
    os.close(ours)
    assert b"E1, E2" in shown and b"SECRET" not in shown and b"mail (the mail address at work) [Work Email]" in shown
    assert [(row["id"], row["workplace"]) for row in people(estate)] == [("E1", "IE")]
    assert (estate / "intake" / "hr" / "mapping.toml").read_text().startswith("# Which column")
