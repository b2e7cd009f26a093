"""`armslength intake` from the command line: what it prints, how it ends, and what it leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.ran import run

STAFF = "id,mail,office\nE1,ana@x.com,CN\nE2,bo@x.com,Cork\n"
MAP = ("--map", "id=id", "--map", "mail=mail", "--map", "workplace=office")


@pytest.fixture
def staff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "staff.csv").write_text(STAFF)
    return tmp_path


def test_a_source_comes_in_and_says_what_is_open(staff: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever runs it every night reads these lines only."""
    ran = run(capsys, "intake", "hr", "staff.csv", *MAP, "--into", "estate", "--as-of", "2026-11-01")
    assert ran.status == 0
    assert "hr as of 2026-11-01: 2 people, 0 accounts, 0 memberships, 0 assets, 0 grants" in ran.out
    assert "1 unknown: gaps" in ran.out and "Cork: names no state" in ran.out and "next: " in ran.out
    assert "E2" not in ran.out
    assert "E2" in run(capsys, "intake", "link", "estate", "--names").out


def test_a_mapping_is_said_once(staff: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A nightly job must not have to know the columns of HR."""
    run(capsys, "intake", "hr", "staff.csv", *MAP, "--into", "estate")
    assert run(capsys, "intake", "hr", "staff.csv", "--into", "estate").status == 0


def test_status_link_and_drop(staff: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each leaves an estate that can be read."""
    run(capsys, "intake", "hr", "staff.csv", *MAP, "--into", "estate", "--as-of", "2026-11-01")
    status = run(capsys, "intake", "status", "estate")
    assert status.status == 0 and "2026-11-01" in status.out and "staff.csv" in status.out
    (staff / "estate" / "linking.toml").write_text('[offices]\n"Cork" = "IE"\n')
    linked = run(capsys, "intake", "link", "estate")
    assert linked.status == 0 and "to look at" not in linked.out
    assert "IE" in (staff / "estate" / "people.csv").read_text()
    assert run(capsys, "intake", "drop", "estate", "hr").status == 0
    assert not (staff / "estate" / "people.csv").exists()
    missing = run(capsys, "intake", "drop", "estate", "hr")
    assert missing.status == 2 and "has no source 'hr'" in missing.err


def test_what_people_write_and_cannot_be_read_yet_ends_with_1(staff: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The source is in, and a script can tell this from a failure."""
    (staff / "estate").mkdir()
    floor = '[[floor]]\naction = "read"\ntarget = "class:none"\nlength = 1\n'
    (staff / "estate" / "estate.toml").write_text(f'name = "x"\n{floor}')
    ran = run(capsys, "intake", "hr", "staff.csv", *MAP, "--into", "estate")
    assert ran.status == 1 and "class 'none' is no asset's class" in ran.err
    assert (staff / "estate" / "people.csv").exists()


def test_nothing_is_written_for_a_document_that_is_wrong(staff: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And every problem is told, with its line."""
    (staff / "staff.csv").write_text(STAFF + "E1,c@x.com,CN\n=cmd,d@x.com,CN\n")
    ran = run(capsys, "intake", "hr", "staff.csv", *MAP, "--into", "estate")
    assert ran.status == 2 and "nothing was written" in ran.err
    assert "staff.csv:4" in ran.err and "staff.csv:5" in ran.err
    assert not (staff / "estate").exists()


def test_a_run_that_was_cut_short_is_told_by_every_command(staff: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tables of two days make an estate that never was."""
    run(capsys, "intake", "hr", "staff.csv", *MAP, "--into", "estate")
    (staff / "estate" / "intake" / ".unfinished").touch()
    ran = run(capsys, "reach", "estate", "--all")
    assert ran.status == 2 and "armslength intake link" in ran.err
    assert run(capsys, "intake", "link", "estate").status == 0
    assert run(capsys, "check", "estate").status == 0


def test_two_hr_systems_may_number_their_people_alike(staff: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A firm that bought another has two people with the number 1."""
    (staff / "other.csv").write_text("id,mail,office,boss\nE1,cy@y.com,US,E2\nE2,dee@y.com,US,\n")
    run(capsys, "intake", "hr", "staff.csv", *MAP, "--into", "estate")
    again = run(
        capsys, "intake", "hr", "other.csv", *MAP, "--map", "manager=boss", "--into", "estate", "--name", "hr-us"
    )
    assert again.status == 0
    people = (staff / "estate" / "people.csv").read_text()
    assert "\nE1," in people and "\nhr-us/E1,US,hr-us/E2," in people
