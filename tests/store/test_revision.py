"""Estates at a revision, in real repositories made for the test."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from armslength.estate import EstateError, digest
from armslength.store import describe, find, read

WHO = {"NAME": "A", "EMAIL": "a@example.org", "DATE": "2026-11-22T12:00:00Z"}


def git(*arguments: str, cwd: Path) -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for part, value in WHO.items():
        environment |= {f"GIT_AUTHOR_{part}": value, f"GIT_COMMITTER_{part}": value}
    run = subprocess.run(["git", *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=True)
    return run.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two commits: in the first Ana alone, in the second Bo too; `work/estate` holds the tables; the current folder
    is the top."""
    top = tmp_path / "repository"
    estate = top / "work" / "estate"
    estate.mkdir(parents=True)
    git("init", "--quiet", "--initial-branch=main", cwd=top)
    (estate / "estate.toml").write_text('name = "é"\n')
    (estate / "people.csv").write_text("id\nana\n")
    (top / "people.csv").write_text("id\ntop\n")
    git("add", ".", cwd=top)
    git("commit", "--quiet", "-m", "one", cwd=top)
    git("tag", "first", cwd=top)
    (estate / "people.csv").write_text("id\nana\nbo\n")
    git("commit", "--quiet", "-am", "two", cwd=top)
    monkeypatch.chdir(top)
    return top


def people(location: str) -> tuple[str, ...]:
    return read(location).estate.people.ids


def problem(location: str) -> str:
    with pytest.raises(EstateError) as caught:
        read(location)
    (only,) = caught.value.problems
    return str(only)


def test_a_revision_is_read_as_it_was(repository: Path) -> None:
    """A review would compare the change with itself."""
    (repository / "work" / "estate" / "people.csv").write_text("id\nnot committed\n")
    assert people("HEAD:work/estate") == ("ana", "bo")
    assert people("first:work/estate") == people("HEAD~1:work/estate") == people("main^:work/estate/") == ("ana",)
    assert people("main@{2026-11-25 10:00:00}:work/estate") == ("ana", "bo")
    assert people("work/estate") == ("not committed",)
    commit = git("rev-parse", "first", cwd=repository)
    assert people(f"{commit[:10]}:work/estate") == ("ana",)
    source = find("first:work/estate")
    assert source.commit == commit and sorted(source.files) == ["estate.toml", "people.csv"]
    assert source.description == describe("first:work/estate") == f"work/estate at first ({commit[:12]})"


def test_a_revision_and_a_folder_of_the_same_tables_are_one_estate(repository: Path) -> None:
    """A diff against the checked-out folder would show changes that nobody made."""
    assert digest(read("HEAD:work/estate").estate) == digest(read("work/estate").estate)


def test_paths_count_from_the_top_unless_they_begin_with_a_dot(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder of the repository another estate would be read than git itself shows."""
    assert people("HEAD:") == people("HEAD:.") == people("HEAD:/") == ("top",)
    monkeypatch.chdir(repository / "work")
    assert people("HEAD:") == ("top",)
    assert people("HEAD:./estate") == people("HEAD:work/estate") == people("HEAD:../work/./estate") == ("ana", "bo")
    assert problem("HEAD:estate") == "HEAD:estate: 'estate' is not in 'HEAD': expected a folder of that revision"
    assert problem("HEAD:../..") == "HEAD:../..: '../..' lies outside the repository"


def test_a_folder_wins_over_a_revision_of_that_name(repository: Path) -> None:
    """Which of the two is meant must not hang on what branches there are."""
    shutil.copytree(repository / "work" / "estate", repository / "HEAD:work")
    (repository / "HEAD:work" / "people.csv").write_text("id\nfolder\n")
    assert people("HEAD:work") == ("folder",)


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("nope:work/estate", "'nope' is no revision of this repository: expected a branch, tag or commit, or a folder"),
        ("--help:x", "'--help' is no revision of this repository"),
        ("HEAD:nope", "'nope' is not in 'HEAD': expected a folder of that revision"),
        ("HEAD:people.csv", "'people.csv' is a blob: expected a folder"),
        ("HEAD:work/estate/people.csv", "'work/estate/people.csv' is a blob: expected a folder"),
        ("HEAD:a\0b", "expected a folder, or REV:PATH"),
        ("HEAD^{tree}:work/estate", "'HEAD^{tree}' is no revision of this repository"),
        (":work/estate", "no such folder: expected a folder, or REV:PATH in a git repository"),
    ],
)
def test_what_is_not_there_is_said(repository: Path, location: str, words: str) -> None:
    """A slip in a pipeline's configuration would be a traceback of git."""
    assert problem(location).startswith(f"{location}: {words}")


def test_entries_that_are_no_files_are_told(repository: Path) -> None:
    """A link in a commit could point the check at a file of the machine that runs it."""
    estate = repository / "work" / "estate"
    (estate / "grants.csv").symlink_to("/etc/passwd")
    (estate / "groups.csv").mkdir()
    (estate / "groups.csv" / "x").write_text("x")
    (estate / "grant.csv").write_text("holder\n")
    git("add", ".", cwd=repository)
    git("commit", "--quiet", "-m", "three", cwd=repository)
    with pytest.raises(EstateError) as caught:
        read("HEAD:work/estate")
    assert [str(p) for p in caught.value.problems] == [
        "grants.csv: is a symbolic link: expected a file",
        "groups.csv: is a folder: expected a file",
    ]
    assert [p.file for p in find("HEAD:work/estate").odd] == ["grant.csv"]


def test_outside_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As above."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert problem("main:estate").startswith("main:estate: no such folder, and no revision: not a git repository")


def test_without_git(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine without git the message would be about a file that is missing."""
    monkeypatch.setenv("PATH", str(repository))
    assert problem("main:work/estate") == (
        "main:work/estate: git cannot be run: no such file or directory: install git, or name a folder"
    )


def test_odd_names_and_large_tables(repository: Path) -> None:
    """A repository with names in another script, or a table of some size, could not be read."""
    estate = repository / "国 é"
    estate.mkdir()
    (estate / "people.csv").write_text("id\n" + "".join(f"p{i}\n" for i in range(50_000)))
    (estate / "a\nb\tc").write_text("x")
    git("add", ".", cwd=repository)
    git("commit", "--quiet", "-m", "three", cwd=repository)
    assert len(people("HEAD:国 é")) == 50_000
