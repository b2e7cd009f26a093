"""The foreign checkers themselves: there, told apart from broken ones, and made by a script that does nothing twice."""

from __future__ import annotations

import subprocess

import pytest

from tests.foreign.checker import FOREIGN, ROOT, run_aics, run_go_checker, run_program


def test_scripts_foreign_does_nothing_when_all_is_current() -> None:
    """Every run of the tests would download a tool chain again."""
    subprocess.run([ROOT / "scripts" / "foreign"], check=True)
    stamps = {file: file.stat().st_mtime_ns for file in (FOREIGN / "bin" / "checker", FOREIGN / "venv.stamp")}
    again = subprocess.run([ROOT / "scripts" / "foreign"], check=True, capture_output=True, text=True)
    assert (again.stdout, again.stderr) == ("", "")
    assert stamps == {file: file.stat().st_mtime_ns for file in stamps}


def test_a_checker_that_is_not_there_fails_the_test_and_says_what_to_run() -> None:
    """A machine without the checkers would report that they accept everything."""
    with pytest.raises(pytest.fail.Exception, match=r"\.cache/foreign/bin/absent is missing: run scripts/foreign"):
        run_program([FOREIGN / "bin" / "absent"], b"")


@pytest.mark.parametrize("call", [["no-such-command"], ["note"], ["sign", __file__, "noon", "PRIVATE+KEY+a+b+c"]])
def test_a_go_checker_called_wrongly_is_no_refusal(call: list[str]) -> None:
    """A test that expects a refusal would pass because of its own mistake."""
    with pytest.raises(AssertionError, match="the checker broke with status 2"):
        run_go_checker(*call)


@pytest.mark.parametrize("call", [["no_such_command"], ["checkpoint"], ["log", "/nowhere"]])
def test_an_aics_checker_that_breaks_is_no_refusal(call: list[str]) -> None:
    """As above."""
    with pytest.raises(AssertionError, match="the checker broke with status 3"):
        run_aics(*call)
