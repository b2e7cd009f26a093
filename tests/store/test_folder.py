"""Estates in folders, with everything that a disk can hold in place of a table."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from armslength.estate import EstateError, digest
from armslength.store import describe, find, read
from armslength.store.hush import hushed


def estate_in(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "people.csv").write_text("id,workplace\nana,CN\nbo,US\n")
    (folder / "estate.toml").write_text('name = "Small"\n')
    return folder


def problems(location: Path | str) -> list[str]:
    with pytest.raises(EstateError) as caught:
        read(str(location))
    return [str(problem) for problem in caught.value.problems]


def test_the_community_estate_is_read_without_a_problem(shared: Path) -> None:
    """Real access data, the first that anyone would try, could not be loaded."""
    parsed = read(str(shared / "estates" / "community"))
    assert parsed.warnings == ()
    estate = parsed.estate
    assert (len(estate.people.ids), len(estate.groups.ids), len(estate.grants)) == (1509, 777, 1534)
    assert len(estate.groups.row) == 6306 and len(estate.groups.unknown) == 5
    assert len(digest(estate)) == 64


def test_only_known_names_are_read(tmp_path: Path) -> None:
    """A stray file of the folder, or a key lying beside the tables, would be taken in."""
    folder = estate_in(tmp_path)
    (folder / "notes.txt").write_text("x")
    (folder / "secret.key").write_text("x")
    os.mkfifo(folder / "people.json")
    assert sorted(find(str(folder)).files) == ["estate.toml", "people.csv"]
    assert describe(str(folder)) == str(folder)


@pytest.mark.parametrize("name", ["grant.csv", "Grants.CSV", "person.parquet", "people.CSV", "entity.csv"])
def test_a_table_with_a_name_that_slipped_is_told_of(tmp_path: Path, name: str) -> None:
    """A table left out for its name is empty, and an estate without grants reaches nothing."""
    folder = estate_in(tmp_path)
    (folder / name).write_text("holder,action,target\n")
    (warning,) = read(str(folder)).warnings
    assert str(warning).startswith(f"{name}: is not a file of an estate and is ignored: did you mean ")


def _folder(path: Path) -> None:
    path.mkdir()


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _nowhere(path: Path) -> None:
    path.symlink_to("nowhere")


def _socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # a socket's name must be short
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(3 * 2**30)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (_folder, "is a folder: expected a file"),
        (os.mkfifo, "is a pipe: expected a file"),
        (_socket, "is a socket: expected a file"),
        (_loop, "cannot be read: too many levels of symbolic links"),
        (_nowhere, "cannot be read: no such file or directory"),
        (lambda path: path.symlink_to("/dev/zero"), "is a device: expected a file"),
        (_huge, "has 3221225472 bytes: expected at most 2147483648"),
        (
            lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
            "is a Git LFS pointer: fetch the file itself with git lfs pull",
        ),
    ],
)
def test_what_is_no_table_is_told_and_never_waited_for(
    tmp_path: Path, make: Callable[[Path], object], expected: str
) -> None:
    """A pipe in the folder would hang the nightly run for ever."""
    folder = estate_in(tmp_path)
    make(folder / "grants.csv")
    assert problems(folder) == [f"grants.csv: {expected}"]


def test_every_lost_file_is_told_with_the_problems_of_the_rest(tmp_path: Path) -> None:
    """Each run would find one problem more."""
    folder = estate_in(tmp_path)
    (folder / "grants.csv").mkdir()
    (folder / "groups.csv").symlink_to("nowhere")
    (folder / "people.csv").write_text("id,workplace\nana,XX\n")
    assert [line.split(": ")[0] for line in problems(folder)] == ["grants.csv", "groups.csv", "people.csv:2"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    """An estate without the table that was locked would look safe."""
    folder = estate_in(tmp_path)
    (folder / "people.csv").chmod(0)
    assert problems(folder) == ["people.csv: cannot be read: permission denied"]


def test_links_to_files_are_followed(tmp_path: Path) -> None:
    """A folder that a nightly job puts together from links could not be read."""
    folder = estate_in(tmp_path / "real")
    linked = tmp_path / "linked"
    linked.mkdir()
    for path in folder.iterdir():
        (linked / path.name).symlink_to(path)
    assert read(str(linked)).estate.people.ids == ("ana", "bo")


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("", "'': no such folder: expected a folder, or REV:PATH in a git repository"),
        ("nowhere", "nowhere: no such folder: expected a folder, or REV:PATH in a git repository"),
        ("C:\\estate", "C:\\estate: no such folder: expected a folder, or REV:PATH in a git repository"),
        ("C:/estate", "C:/estate: no such folder: expected a folder, or REV:PATH in a git repository"),
        ("a\0b", "a\0b: no such folder: expected a folder, or REV:PATH in a git repository"),
        ("x" * 5000, "x" * 5000 + ": no such folder: expected a folder, or REV:PATH in a git repository"),
        ("file", "file: is no folder: expected the folder that holds the estate's tables"),
    ],
)
def test_a_place_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str, expected: str) -> None:
    """A slip in the folder's name would be a traceback."""
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("x")
    assert problems(location) == [expected]


def test_a_damaged_page_is_one_problem_and_no_stack_trace(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The user would see forty lines about a library's inside before the one that names the file."""
    folder = estate_in(tmp_path)
    (folder / "people.csv").unlink()
    path = folder / "people.parquet"
    pl.DataFrame({"id": [f"p{i}" for i in range(300)], "unit": ["a", None, "b"] * 100}).write_parquet(
        path, compression="uncompressed", statistics=False
    )
    sound = path.read_bytes()
    damaged = 0
    for place in range(4, len(sound) - 400):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 0x7F]) + sound[place + 1 :])
        try:
            read(str(folder))
        except EstateError as error:
            damaged += "its pages are damaged" in str(error)
    assert damaged, "no flip reached the reader's own checks: this test shows nothing"
    assert capfd.readouterr().err == ""


def test_what_others_write_to_standard_error_is_not_lost(tmp_path: Path) -> None:
    """A warning of another thread, written while a table was read, would vanish."""
    kept = tmp_path / "errors"
    with kept.open("wb") as file:
        before = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            with hushed():
                os.write(2, b"from elsewhere\n")
                assert kept.read_bytes() == b""
        finally:
            os.dup2(before, 2)
            os.close(before)
    assert kept.read_bytes() == b"from elsewhere\n"
