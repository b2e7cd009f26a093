"""What each command prints, as golden text: the scripts of this folder, run on the estates beside them.

A script is commands (`$ armslength …`), each with its output, the lines of standard error behind `! `, and its status
where that is not 0 (`? 1`). REWRITE=1 in the environment writes down what is printed now, to be read before it is kept.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.ran import ESTATES, run, words

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.txt"))


def played(capsys: pytest.CaptureFixture[str], script: str) -> str:
    """The script with what its commands print today."""
    lines = []
    for command in [line for line in script.splitlines() if line.startswith("$ ")]:
        ran = run(capsys, *words(command[2:]))
        lines += [command, *ran.out.splitlines(), *(f"! {line}" for line in ran.err.splitlines())]
        lines += [f"? {ran.status}"] if ran.status else []
        lines.append("")
    return "\n".join(lines)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_commands_print_what_the_scripts_say(
    script: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads a report, or parses one, relies on every word of it; no word may change unseen."""
    monkeypatch.chdir(ESTATES)
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    told = script.read_text("utf-8")
    ran = played(capsys, told)
    if os.environ.get("REWRITE"):
        script.write_text(ran, "utf-8")
    assert ran == told


def test_the_scripts_leave_no_command_out() -> None:
    """A command without a script could print anything."""
    from armslength.cli.words import COMMANDS

    told = {
        words(line[2:])[0] for script in SCRIPTS for line in script.read_text("utf-8").splitlines() if line[:2] == "$ "
    }
    assert set(COMMANDS) <= told
