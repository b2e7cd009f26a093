"""The program as a whole: help, arguments, statuses, and that nothing ends in a traceback."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import armslength.cli.check
from armslength.cli import main
from armslength.cli.arguments import parse
from armslength.cli.screen import Screen
from armslength.cli.words import COMMANDS
from tests.cli.ran import DAY, ESTATES, MERIDIAN, run, start

TOUR = ESTATES / "tour"


def test_help_names_every_command_and_needs_no_estate(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever has only the program must be able to use it."""
    ran = run(capsys, "--help")
    assert ran.status == 0
    for command in COMMANDS:
        assert re.search(rf"^  {command} +\S", ran.out, re.MULTILINE)
        assert re.search(rf"^  armslength {command} ", run(capsys, command, "--help").out, re.MULTILINE)


def test_help_loads_nothing_that_computes() -> None:
    """Help that takes a second is not asked for twice."""
    code = "import sys; from armslength.cli import main; main(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "polars", "rich", "cedarpy", "armslength.estate"} & set(
        re.findall(r"'([\w.]+)'", ended.stderr)
    )


def test_a_handle_that_begins_with_a_dash_is_no_flag() -> None:
    """One in 64 does; its customer could not check anything."""
    handle = "--h_GMre-8nYxmQuqXlzbrBHTlS7YG1p9i9bNrqAS8k"
    options = parse(["verify", "bundle.json", "--policy", "policy", "--customer", handle])
    assert options.customer == handle
    options = parse(["ledger", "export", "folder", "--handle", handle, "--tiles", "theirs"])
    assert options.handle == handle


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "armslength: expected a command"),
        (["raech", "x"], "no command 'raech': did you mean 'reach'?"),
        (["--verson"], "unknown flag '--verson'"),
        (["reach"], "the following arguments are required: ESTATE"),
        (["reach", "x", "--statt", "CN"], "unknown flag '--statt': did you mean '--state'?"),
        (["reach", "x", "--stat", "CN"], "unknown flag '--stat'"),
        (["reach", "x", "y"], "unexpected 'y'"),
        (["reach", "x", "--at", "2026-13-01"], "'2026-13-01' is no date: expected one such as 2026-11-22"),
        (["reach", "x", "--at", "20261122"], "is no date"),
        (["reach", "x", "--cap", "-1"], "'-1' is no such number"),
        (["reach", "x", "--cap", "١"], "is no such number"),
        (["reach", "x", "--cap", "101"], "expected a whole one from 0 to 100"),
        (["reach", "x", "--limit", "nan"], "'nan' is no time"),
        (["reach", "x", "--limit", "-1"], "'-1' is no time"),
        (["reach", "x", "--format", "jsn"], "expected one of table, json, csv, md, sarif: did you mean 'json'?"),
        (["reach", "x", "--html", ""], "is no name of a file"),
        (["whatif", "x", "--travel", "ana"], "expected person:ID=STATE"),
        (["whatif", "x", "--travel", "person:a=CN@2026-02-01..2026-01-01"], "ends before it begins"),
        (["whatif", "x", "--grant", "a,b"], "expected HOLDER,ACTION,TARGET"),
        (["whatif", "x", "--join", "person:a"], "expected person:ID=group:ID"),
        (["whatif", "x", "--terms", "x=y"], "'x' is no line"),
        (["whatif", "x", "--drop-grant", "1.5"], "'1.5' is no line"),
    ],
)
def test_wrong_arguments_end_in_one_line_that_helps(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A user who is told only 'usage' gives up, and one whose slip is guessed at gets another answer than asked for."""
    ran = run(capsys, *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert says in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    "place", ["", "\0", "/dev/null", "nowhere", "HEAD:nowhere", "-", "x" * 5000, str(TOUR / "people.csv")]
)
def test_a_place_without_an_estate_is_refused_by_every_command(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A check that passes because it read nothing is worse than none."""
    for command, rest in (
        ("reach", []),
        ("check", []),
        ("explain", ["--state=CN", "--action=read", "--asset=x"]),
        ("diff", [str(TOUR)]),
        ("whatif", ["--leaver=person:bo"]),
        ("verify", ["x.json"]),
    ):
        ran = (
            run(capsys, command, "--", place, *rest)
            if command in ("check", "reach")
            else run(capsys, command, place, *rest)
        )
        assert ran.status == 2, (command, ran)
        assert ran.err and "Traceback" not in ran.err and "unexpected error" not in ran.err, (command, ran)


@given(
    st.lists(
        st.one_of(st.sampled_from(["reach", "diff", "--state", "--at", "--", "@", "=", ":", "-h"]), st.text()),
        max_size=5,
    )
)
def test_no_arguments_end_in_a_traceback(arguments: list[str]) -> None:
    """Scripts pass on whatever they were given."""
    assert main(arguments) in (0, 2)


@pytest.mark.parametrize("command", ["reach", "explain", "whatif"])
def test_names_of_all_kinds_only_ever_end_in_a_line(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Ids come from other systems, and from people who try."""
    for name in ("", " ", "\x1b[2J", "\u202e", "a" * 100_000, "\udcff", "💥", "class:", "'; drop", "%s{}"):
        rest = {
            "reach": [f"--state={name}", f"--class={name}"],
            "explain": [f"--state={name}", f"--action={name}", f"--asset={name}"],
            "whatif": [f"--leaver=person:{name}"],
        }[command]
        ran = run(capsys, command, TOUR, *rest)
        assert ran.status == 2
        assert "\x1b" not in ran.err and "\u202e" not in ran.err and "unexpected error" not in ran.err


def test_an_unexpected_error_is_one_line_that_says_how_to_report_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A traceback tells a user nothing, and may tell others what was in the tables."""

    def broken(options: object, screen: Screen) -> int:
        raise LookupError("first line\nsecond line")

    monkeypatch.setattr(armslength.cli.check, "run", broken)
    ran = run(capsys, "check", TOUR)
    assert ran.status == 2
    assert ran.err.count("\n") == 1
    assert "LookupError: first line second line" in ran.err and "please report it" in ran.err


def test_an_interrupt_ends_with_130_and_no_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C is how a long search is ended."""

    def interrupted(options: object, screen: Screen) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(armslength.cli.check, "run", interrupted)
    ran = run(capsys, "check", TOUR)
    assert (ran.status, ran.err) == (130, "armslength: interrupted\n")


def test_statuses_are_those_of_the_definition(capsys: pytest.CaptureFixture[str]) -> None:
    """A pipeline acts on nothing else."""
    assert run(capsys, "reach", ESTATES / "tour-guarded", "--at", DAY).status == 0
    assert run(capsys, "reach", TOUR, "--at", DAY).status == 1
    assert run(capsys, "reach", ESTATES.parents[1] / "estate" / "bad").status == 2


def test_every_problem_of_a_bad_estate_is_a_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody who mends one problem at a time runs the program a hundred times."""
    bad = ESTATES.parents[1] / "estate" / "bad"
    ran = run(capsys, "reach", bad)
    assert ran.out == ""
    assert ran.err.splitlines() == (bad / "problems.txt").read_text("utf-8").splitlines()


def test_the_same_question_gives_the_same_bytes() -> None:
    """Whoever compares two reports must see only what changed."""
    for form in ("table", "json", "csv", "md", "sarif"):
        first, second = (
            start(
                "reach",
                MERIDIAN / "before",
                "--at",
                DAY,
                "--state",
                "CN",
                "--format",
                form,
                env={"PYTHONHASHSEED": seed},
            )
            for seed in ("1", "2")
        )
        assert first == second


def test_python_m_armslength_is_the_same_program() -> None:
    """Where scripts are not on the path it is the only way in."""
    ended = subprocess.run(
        [sys.executable, "-m", "armslength", "check", TOUR], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0
    assert ended.stdout == start("check", TOUR).out
