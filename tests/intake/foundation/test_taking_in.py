"""Taking a source in: whole or not at all, again and again, whatever happens half-way."""

from __future__ import annotations

import copy
import datetime as dt
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from armslength.estate import EstateError, digest
from armslength.intake import Harvest, IntakeError
from armslength.service import drop_source, intake_sources, kept_files, link_again, take_in
from armslength.store import IntakeFolder, Overtaken, StoreError, read
from tests.conftest import ROOT
from tests.intake.firms import DAY, hr, system
from tests.intake.foundation.taking import grown

PEOPLE = hr({"id": "E1", "workplace": "CN", "mail": "a@x.com"}, {"id": "E2", "workplace": "US", "mail": "b@x.com"})


def take(estate: Path, harvest: Harvest, day: dt.date = DAY) -> str | None:
    mine = copy.deepcopy(harvest)  # taking it in empties it
    return take_in(estate, mine, as_of=day, inputs=("a test",), keep={}, tell=lambda _: None).digest


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_run_can_be_repeated(tmp_path: Path) -> None:
    """A nightly run that piled up rows, or shuffled them, would drown every review."""
    estate = tmp_path / "estate"
    for harvest in (PEOPLE, system(a={"mail": "a@x.com"}), PEOPLE):
        take(estate, harvest)
    first = contents(estate)
    assert take(estate, system(a={"mail": "a@x.com"})) == digest(read(str(estate)).estate)
    assert contents(estate) == first


def test_the_order_of_sources_changes_nothing(tmp_path: Path) -> None:
    """Else two firms with the same systems would get two reports."""
    sources = [PEOPLE, system(a={"mail": "a@x.com"}), system("aws", b={"mail": "b@x.com"}, c={})]
    found = []
    for turn in range(3):
        estate = tmp_path / str(turn) / "estate"
        found.append([take(estate, h) for h in sources[turn:] + sources[:turn]][-1])
    assert len(set(found)) == 1 and found[0] is not None


def test_what_left_the_source_leaves_the_estate(tmp_path: Path) -> None:
    """An estate that only grows tells of access that is long gone."""
    estate = tmp_path / "estate"
    take(estate, PEOPLE)
    before = contents(estate)
    take(estate, system(a={}, b={}))
    take(estate, system(a={}))
    assert b"github/b" not in b"".join(contents(estate).values())
    drop_source(estate, "github", lambda _: None)
    after = contents(estate)
    assert {name: data for name, data in after.items() if b"github" in data} == {}
    assert after["people.csv"] == before["people.csv"]
    assert [source.name for source in intake_sources(estate)] == ["hr"]


def test_a_row_that_no_estate_can_have_refuses_the_run_with_its_place_in_the_source(tmp_path: Path) -> None:
    """A line of a table that was never written helps nobody, and half an intake misleads."""
    estate = tmp_path / "estate"
    take(estate, PEOPLE)
    before = contents(estate)
    bad = system(a={})
    bad.grant("group:github/team", "push", "asset:github/nowhere", origin="repos.json $[7]")
    with pytest.raises(IntakeError) as caught:
        take(estate, bad)
    (problem,) = caught.value.problems
    assert problem.file == "github: repos.json $[7]" and "github/nowhere" in problem.message
    assert contents(estate) == before


def test_a_first_run_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """A folder that looks like an estate and is none."""
    bad = system(a={})
    bad.grant("group:nobody", "push", "asset:github/app", origin="x")
    with pytest.raises(IntakeError):
        take(tmp_path / "new" / "estate", bad)
    assert not (tmp_path / "new" / "estate").exists()


def test_a_floor_over_a_class_that_no_asset_has_yet_is_told_and_the_source_comes_in(tmp_path: Path) -> None:
    """Otherwise no order of steps would work: floors need classes, classes need assets."""
    estate = tmp_path / "estate"
    estate.mkdir()
    (estate / "estate.toml").write_text('name = "f"\n[[floor]]\naction = "push"\ntarget = "class:code"\nlength = 1\n')
    made = take_in(estate, copy.deepcopy(PEOPLE), as_of=DAY, inputs=(), keep={}, tell=lambda _: None)
    assert made.digest is None and [problem.file for problem in made.open] == ["estate.toml"]
    assert (estate / "people.csv").exists()
    (estate / "linking.toml").write_text('[[asset]]\nmatch = "github/*"\nclass = "code"\n')
    assert take(estate, system(a={"mail": "a@x.com"})) is not None
    (estate / "linking.toml").write_text('[[asset]]\nmatch = "*app"\nclass = "code"\n')
    assert link_again(estate, lambda _: None).digest is not None


def test_two_runs_at_once_do_not_mix(tmp_path: Path) -> None:
    """Of two nightly jobs one waits or fails; neither writes over the other's half."""
    take(tmp_path, PEOPLE)
    with IntakeFolder(tmp_path), pytest.raises(Overtaken, match="another intake is writing"):
        take(tmp_path, system(a={}))


def apart(what: str, *arguments: str) -> subprocess.Popen[str]:
    """`python -m tests.intake.foundation.taking WHAT …`, once it says that it begins."""
    command = [sys.executable, "-m", "tests.intake.foundation.taking", what, *arguments]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    return child


def go(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.write("go\n")
    child.stdin.flush()


def test_a_run_killed_anywhere_is_made_whole_by_the_next(tmp_path: Path) -> None:
    """A power cut in the night must not leave an estate that mixes two days for good."""
    people = hr(*({"id": f"E{n}", "workplace": "CN", "mail": f"u{n}@x.com"} for n in range(300)))
    small, large = system(u1={}), grown(300)
    clean = tmp_path / "clean" / "estate"
    for harvest in (people, large):
        take(clean, harvest)
    start = time.monotonic()
    take(clean, large)
    usual = time.monotonic() - start
    chance = random.Random(5)
    for turn in range(8):
        estate = tmp_path / str(turn) / "estate"
        for harvest in (people, small):
            take(estate, harvest)
        child = apart("take", str(estate), "300")
        go(child)
        time.sleep(chance.uniform(0, 1.5 * usual))
        child.kill()
        child.wait()
        take(estate, large)
        assert contents(estate) == contents(clean)


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    """And says so, rather than leaving tables cut short."""
    estate = tmp_path / "estate"
    take(estate, PEOPLE)
    before = contents(estate)
    child = apart("full", str(estate), "5000")
    told, _ = child.communicate("go\n", timeout=120)
    assert "too large" in told and child.returncode == 7
    assert contents(estate) == before
    assert take(estate, grown(5000)) is not None


def test_a_source_that_was_killed_while_it_changed_places_is_not_lost(tmp_path: Path) -> None:
    """Another source's run, or a look at the status, would else take the old harvest for rubbish and remove it."""
    estate = tmp_path / "estate"
    take(estate, PEOPLE)
    take(estate, system(a={}))
    before = contents(estate)
    os.rename(estate / "intake" / "github", estate / "intake" / ".github.old")
    (estate / "intake" / ".github.new").mkdir()
    (estate / "intake" / ".unfinished").touch()
    with pytest.raises(EstateError, match="cut short"):
        read(str(estate))
    assert [source.name for source in intake_sources(estate)] == ["hr"]
    assert link_again(estate, lambda _: None).digest is not None
    assert contents(estate) == before


def test_only_what_is_ours_is_ever_removed(tmp_path: Path) -> None:
    """Somebody keeps the folder in git, or links it from elsewhere."""
    take(tmp_path, PEOPLE)
    (tmp_path / "intake" / ".git").mkdir()
    (tmp_path / "intake" / ".git" / "config").touch()
    take(tmp_path, system(a={}))
    assert (tmp_path / "intake" / ".git" / "config").exists()
    elsewhere = tmp_path / "other"
    elsewhere.mkdir()
    (elsewhere / "intake").symlink_to(tmp_path / "intake")
    with pytest.raises(StoreError, match="is a link"):
        take(elsewhere, PEOPLE)


def test_a_harvest_that_was_cut_short_is_no_smaller_source(tmp_path: Path) -> None:
    """The estate would be one with less access, and nobody would be told."""
    take(tmp_path, PEOPLE)
    take(tmp_path, system(a={}))
    path = tmp_path / "intake" / "github" / "grants.csv"
    whole = path.read_bytes()
    for data in (whole[: len(whole) // 2], None):
        path.unlink() if data is None else path.write_bytes(data)
        with pytest.raises(IntakeError, match="differ from what was written"):
            link_again(tmp_path, lambda _: None)
    assert take(tmp_path, system(a={})) is not None


def test_files_keep_their_rights_and_new_ones_are_private(tmp_path: Path) -> None:
    """They name people, and tell where a firm is weak."""
    estate = tmp_path / "estate"
    take(estate, PEOPLE)
    assert {oct(p.stat().st_mode & 0o777) for p in estate.rglob("*") if p.is_file()} == {"0o600"}
    (estate / "people.csv").chmod(0o640)
    take(estate, hr({"id": "E1", "workplace": "US"}))
    assert (estate / "people.csv").stat().st_mode & 0o777 == 0o640


def test_a_row_among_ours_that_goes_is_told(tmp_path: Path) -> None:
    """Somebody edited the table in a spreadsheet."""
    take(tmp_path, PEOPLE)
    path = tmp_path / "people.csv"
    path.write_text(path.read_text().replace("E2", "E9"))
    made = link_again(tmp_path, lambda _: None)
    assert any("E9" in remark.item for remark in made.assembled.remarks)
    assert not any("E9" in remark.item for remark in link_again(tmp_path, lambda _: None).assembled.remarks)


def test_what_a_source_keeps_beside_its_rows_is_there_at_its_next_run(tmp_path: Path) -> None:
    """A mapping that was asked for once, or functions that somebody read, would have to be said again every night."""
    keep = {"mapping.toml": b"a = 1\n", "reviewed.txt": b"f\n"}
    take_in(tmp_path, copy.deepcopy(PEOPLE), as_of=DAY, inputs=(), keep=keep, tell=lambda _: None)
    found = kept_files(tmp_path, "hr")
    assert {name: found[name] for name in keep} == keep
    assert not any(name.endswith(".csv") for name in found)


def test_groups_of_a_system_that_lead_to_nothing_are_no_warning(tmp_path: Path) -> None:
    """Eight hundred of them would bury the one that somebody wrote by hand."""
    source = system(a={})
    source.group("github/idle", origin="x")
    take(tmp_path, source)
    assert read(str(tmp_path)).warnings == ()
    (tmp_path / "groups.csv").write_text((tmp_path / "groups.csv").read_text() + "byhand,group:github/team,,,\n")
    assert ["'byhand'" in str(warning) for warning in read(str(tmp_path)).warnings] == [True]
