"""Harbour Calls: four exports become an estate whose answers were worked out by hand; the guide shows that."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.documents import ROOT, Block, document

MIXED = ROOT / "examples" / "mixed"
GUIDE = document("docs/intake/an-hour.md")
PROGRAMS = Path(sys.executable).parent
DAY = "2026-11-26"
DATE = re.compile(r"\d{4}-\d\d-\d\d")

BUCKET = "aws/314159265358/s3/harbour-recordings-"
TABLE = "aws/314159265358/dynamodb/eu-west-1/table/meetings"
CALLS = "postgresql/db/meetings/calls/"
BUTTON = f"{CALLS}end_meeting(which bigint)"
CLIENTS = "github/harbour-calls/repo/clients"
MAIN = "github/harbour-calls/repo/meetings/branch/main"
PRODUCTION = "github/harbour-calls/repo/meetings/environment/production"
# Who left and still has an account, and who works where nobody said it lies.
GAP = [{"groups": ["github/@sortega", "unplaced/Lisbon co-working"], "length": 0}]


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([MIXED / "run", folder], capture_output=True, text=True, env=environment())


def environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "120", "NO_COLOR": "1"}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mixed") / "a place"
    ended = run(folder)
    # 1 is the answer "some floor is broken"; 2 would be a failure.
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "All six floors are broken" in ended.stdout
    return folder


@pytest.fixture(scope="module")
def answers(made: Path) -> dict[tuple[str, str, str], dict[str, Any]]:
    command = [str(PROGRAMS / "armslength"), "reach", str(made / "estate"), "--at", DAY, "--format", "json"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 1, ended.stderr
    results: list[dict[str, Any]] = json.loads(ended.stdout)["results"]
    return {(one["state"], one["action"], one["asset"]): one for one in results}


@pytest.mark.parametrize(
    ("state", "action", "asset", "length", "gaps"),
    [
        # An engineer in Shanghai and one in Bengaluru may pass recordings-export to a function of theirs.
        ("CN", "read", f"{BUCKET}eu", 0, []),
        ("IN", "read", f"{BUCKET}us", 0, []),
        # Nobody in Singapore has a way there; an engineer elsewhere has one alone.
        ("SG", "read", f"{BUCKET}eu", 1, []),
        # The backup job's pattern covers buckets that the role does not name; its key is infra's, and so the SREs'.
        ("IN", "read", f"{BUCKET}*", 1, []),
        ("CN", "read", f"{BUCKET}*", 0, []),
        # The liaison has the support team's button, and it runs as the owner of every table.
        ("CN", "execute", BUTTON, 0, []),
        ("CN", "write", f"{CALLS}meeting", 0, []),
        ("IN", "read", f"{CALLS}transcript", 0, []),
        # A member of meetings_owner in Germany; a data engineer in Singapore sees days and counts only.
        ("DE", "read", f"{CALLS}transcript", 0, []),
        ("SG", "read", f"{CALLS}transcript", 1, []),
        ("SG", "execute", BUTTON, 1, []),
        # Two reviews are worth one other person. One can write in Shanghai, one in Bengaluru, two answer to DE and IE.
        ("CN", "push", MAIN, 1, GAP),
        ("IN", "push", MAIN, 1, GAP),
        ("DE", "push", MAIN, 0, []),
        ("IE", "push", MAIN, 0, []),
        # Nobody in Singapore can write: one who can and one who approves, or the owner of the organisation.
        ("SG", "push", MAIN, 1, GAP),
        # Without protection whoever can write pushes alone: one in Shanghai, none in Bengaluru.
        ("CN", "push", CLIENTS, 0, []),
        ("IN", "push", CLIENTS, 1, []),
        # GitHub's workflows act in AWS: whoever can push to meetings can write there.
        ("IN", "write", TABLE, 0, []),
        ("SG", "write", TABLE, 1, GAP),
        # Site reliability engineers in Shanghai and Dublin approve releases, and can start one themselves. Those in
        # Germany who push need one of them, or of security.
        ("CN", "deploy", PRODUCTION, 0, []),
        ("IE", "deploy", PRODUCTION, 0, []),
        ("DE", "deploy", PRODUCTION, 1, []),
    ],
)
def test_lengths_are_those_worked_out_by_hand(
    answers: dict[tuple[str, str, str], dict[str, Any]],
    state: str,
    action: str,
    asset: str,
    length: int,
    gaps: list[dict[str, Any]],
) -> None:
    """What the example shows is taken for what a reader's own firm would be told."""
    found = answers[state, action, asset]
    assert (found["length"], found["gaps"]) == (length, gaps)


def test_what_is_open_is_what_was_left_open(made: Path) -> None:
    """A gap too many drowns the two that the guide speaks of; one too few hides somebody."""
    with (made / "estate" / "review.csv").open(encoding="utf-8", newline="") as file:
        unknown = [row["item"] for row in csv.DictReader(file) if row["matter"] == "unknown"]
    assert unknown == ["Lisbon co-working", "group:github/@sortega"]
    with (made / "estate" / "unknown.csv").open(encoding="utf-8", newline="") as file:
        assert [row["group"] for row in csv.DictReader(file)] == ["github/@sortega", "unplaced/Lisbon co-working"]


def test_every_rule_of_linking_fits_something(made: Path) -> None:
    """A rule that fits nothing leaves what it was written for out of every floor."""
    text = (made / "estate" / "review.csv").read_text("utf-8")
    assert "fits no asset" not in text
    assert "nothing has it" not in text


def test_a_second_run_changes_no_byte(made: Path) -> None:
    """What runs every night must show a change only where there is one."""
    before = contents(made)
    ended = run(made)
    assert ended.returncode == 1, ended.stderr
    assert contents(made) == before


def test_the_report_is_written(made: Path) -> None:
    """It is what the run is for; and it names roles, not people."""
    page = (made / "report.html").read_text("utf-8")
    assert page.lower().startswith("<!doctype html>")
    assert "Harbour Calls" in page
    assert "Jun Chen" not in page


def test_without_a_folder_it_makes_one() -> None:
    """The README's first command has no argument."""
    ended = subprocess.run([MIXED / "run"], capture_output=True, text=True, env=environment())
    assert ended.returncode == 1, ended.stderr
    found = re.search(r"^The estate: (.+)/estate$", ended.stdout, re.MULTILINE)
    assert found
    assert (Path(found[1]) / "report.html").is_file()
    shutil.rmtree(found[1])


# the guide


def steps(blocks: tuple[Block, ...]) -> Iterator[tuple[str, list[str]]]:
    """Each command that the guide shows with an answer, and the lines of it; SQL as a command of its own."""
    for block in blocks:
        if block.language == "sql":
            yield f"sql:{block.text}", []
        if block.language != "console":
            continue
        command, told = "", list[str]()
        for line in block.text.splitlines():
            if line.startswith("$ "):
                if command:
                    yield command, told
                command, told = line[2:], []
            elif command.endswith("\\"):
                command += f"\n{line}"
            else:
                told.append(line)
        yield command, told


def fits(told: list[str], real: list[str]) -> bool:
    """`told` is `real` with any number of lines left out at each `…`."""
    if not told:
        return not real
    if told[0] == "…":
        return any(fits(told[1:], real[start:]) for start in range(len(real) + 1))
    return (
        bool(real)
        and DATE.sub("DAY", told[0].rstrip()) == DATE.sub("DAY", real[0].rstrip())
        and fits(told[1:], real[1:])
    )


def granted(folder: Path, statement: str) -> None:
    """The dump of the roles as it would be after the statement."""
    dump = folder / "examples/mixed/exports/postgresql/globals.sql"
    text = dump.read_text("utf-8")
    first = text.index("GRANT support TO")
    dump.write_text(text[:first] + statement + text[first:], "utf-8")


def test_the_guide_shows_what_comes_out(tmp_path: Path) -> None:
    """A newcomer who sees something else than the guide shows trusts neither."""
    shutil.copytree(MIXED, tmp_path / "examples/mixed")
    shown = list(steps(GUIDE.blocks))
    assert len(shown) > 10
    for command, told in shown:
        if command.startswith("sql:"):
            granted(tmp_path, command.removeprefix("sql:"))
            continue
        ended = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment(), capture_output=True, text=True)
        assert ended.returncode < 2, f"{command}\n{ended.stderr}"
        real = ended.stdout.rstrip("\n").split("\n") if ended.stdout else []
        assert fits(told, real), f"{command}\n{ended.stdout}"
    assert (tmp_path / "report.html").is_file()
    assert (tmp_path / "repair.patch").is_file()


def test_the_parts_of_files_that_the_guide_shows_are_in_them() -> None:
    """Somebody copies them."""
    files = (MIXED / "linking.toml").read_text("utf-8") + (MIXED / "estate.toml").read_text("utf-8")
    parts = [part for block in GUIDE.blocks if block.language == "toml" for part in block.text.strip().split("\n\n")]
    assert parts
    assert [part for part in parts if not part.startswith("[offices]") and part not in files] == []
