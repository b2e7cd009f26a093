"""Where results go: pipes that close, disks that are full, terminals, and files that several runs write."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from armslength.service import Refusal, write_file
from tests.cli.ran import DAY, ESTATES, MERIDIAN, PROGRAM, run, start

TOUR = ESTATES / "tour"
CHINA = (MERIDIAN / "before", "--at", DAY, "--state", "CN")


@pytest.mark.parametrize("form", ["table", "json", "csv", "md", "sarif"])
def test_a_reader_who_goes_away_is_no_error(form: str) -> None:
    """`armslength reach estate | head` must neither complain nor change the status that a pipeline acts on."""
    with subprocess.Popen(
        [PROGRAM, "reach", MERIDIAN / "before", "--at", DAY, "--format", form],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None and running.stderr is not None
        running.stdout.close()
        errors = running.stderr.read().decode()
    assert running.returncode == 1
    assert all(line.startswith("warning: ") for line in errors.splitlines())


@pytest.mark.parametrize("form", ["table", "json", "csv", "md", "sarif"])
def test_a_full_disk_ends_with_status_2(form: str) -> None:
    """A report that was cut short and passes for whole is read as good news."""
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [PROGRAM, "reach", *CHINA, "--format", form], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1] == "armslength: cannot write the output: no space left on device"


def test_closed_streams_are_borne() -> None:
    """Daemons start programs with nothing open."""
    shell = f'"{PROGRAM}" check "{TOUR}"'
    for closing in (">&-", "2>&-", ">&- 2>&-", "<&-"):
        ended = subprocess.run(["bash", "-c", f"{shell} {closing}"], capture_output=True, text=True, check=False)
        assert ended.returncode == 0, (closing, ended)
        assert "Traceback" not in ended.stderr


def test_a_narrow_locale_ends_no_run() -> None:
    """A table's ids are not chosen by whoever set the locale."""
    for encoding in ("ascii", "latin-1"):
        ran = start("reach", *CHINA, env={"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"})
        assert ran.status == 1
        assert "unexpected" not in ran.err


def test_nothing_is_coloured_but_on_a_terminal_and_never_with_no_color() -> None:
    """Escape sequences in a log or a comment are noise."""
    assert "\x1b" not in start("reach", TOUR, "--at", DAY).out
    assert b"\x1b[" in _on_a_terminal({})
    assert b"\x1b[1;31m" not in _on_a_terminal({"NO_COLOR": "1"})


def _on_a_terminal(env: dict[str, str]) -> bytes:
    ours, theirs = pty.openpty()
    plain = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    with subprocess.Popen(
        [PROGRAM, "reach", TOUR, "--at", DAY],
        stdout=theirs,
        stderr=subprocess.PIPE,
        env={**plain, "TERM": "xterm-256color", **env},
    ):
        os.close(theirs)
        seen = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # how Linux tells that the other side is closed
                break
            if not piece:
                break
            seen += piece
    os.close(ours)
    return seen


# --html


def test_the_page_is_written_and_its_place_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A report that nobody finds was not written."""
    page = tmp_path / "report.html"
    ran = run(capsys, "reach", *CHINA, "--html", page, "--format", "csv")
    assert ran.status == 1
    assert f"the report is at {page}" in ran.err
    assert page.read_text("utf-8").startswith("<!doctype html>") or page.read_text("utf-8").startswith(
        "<!DOCTYPE html>"
    )
    assert ran.out == run(capsys, "reach", *CHINA, "--format", "csv").out
    assert os.listdir(tmp_path) == ["report.html"]


@pytest.mark.parametrize("place", ["no/such/folder/report.html", ".", "/proc/report.html", "/dev/full", "x" * 300])
def test_a_page_that_cannot_be_written_ends_with_status_2(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A job that uploads yesterday's page as today's misleads everybody who opens it."""
    monkeypatch.chdir(tmp_path)
    ran = run(capsys, "reach", TOUR, "--at", DAY, "--html", place)
    assert ran.status == 2
    assert ran.err.count("\n") == 1 and "cannot write" in ran.err and "unexpected" not in ran.err
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_keeps_its_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As above, for an ordinary user."""
    page = tmp_path / "report.html"
    page.write_text("old")
    tmp_path.chmod(0o500)
    try:
        assert run(capsys, "reach", TOUR, "--html", page).status == 2
    finally:
        tmp_path.chmod(0o700)
    assert page.read_text() == "old"


def test_a_run_that_fails_midway_keeps_the_old_page(tmp_path: Path) -> None:
    """A reader must never find half a page."""
    page = tmp_path / "report.html"
    page.write_text("old")

    def pieces() -> Iterator[str]:
        yield "new"
        raise OSError(28, "No space left on device")

    with pytest.raises(Refusal, match="cannot write .*: no space left on device"):
        write_file(str(page), pieces())
    assert page.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.html"]


def test_two_runs_at_once_leave_one_whole_page(tmp_path: Path) -> None:
    """A nightly job and a curious colleague write to the same place."""
    page = tmp_path / "report.html"
    running = [
        subprocess.Popen(
            [PROGRAM, "reach", ESTATES / name, "--at", DAY, "--html", page],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for name in ("tour", "tour-guarded", "tour")
    ]
    assert {process.wait() for process in running} <= {0, 1}
    for process in running:
        assert process.stderr is not None
        process.stderr.close()
    alone = tmp_path / "alone"
    alone.mkdir()
    wholes = set()
    for name in ("tour", "tour-guarded"):
        start("reach", ESTATES / name, "--at", DAY, "--html", alone / name)
        wholes.add((alone / name).read_bytes())
    assert page.read_bytes() in wholes
    assert sorted(os.listdir(tmp_path)) == ["alone", "report.html"]


def test_a_link_stays_a_link(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever links the published page to a folder of their own loses it otherwise."""
    real, link = tmp_path / "real.html", tmp_path / "link.html"
    link.symlink_to(real)
    run(capsys, "reach", TOUR, "--at", DAY, "--html", link)
    assert link.is_symlink()
    assert real.stat().st_size > 1000


def test_standard_input_is_left_alone() -> None:
    """A command in a loop that reads lines must not eat them."""
    read = subprocess.run(
        ["bash", "-c", f'"{PROGRAM}" check "{TOUR}" >/dev/null; cat'],
        input="kept",
        capture_output=True,
        text=True,
        check=True,
    )
    assert read.stdout == "kept"
