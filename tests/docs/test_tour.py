"""The answers that the README shows are the answers that come out."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.documents import ROOT, document


def shown() -> list[list[tuple[str, list[str]]]]:
    """For each `console` block its commands, each with the lines shown under it."""
    found: list[list[tuple[str, list[str]]]] = []
    for block in document("README.md").blocks:
        if block.language == "console":
            found.append([])
            for line in block.text.splitlines():
                if line.startswith("$ "):
                    found[-1].append((line[2:], []))
                else:
                    found[-1][-1][1].append(line)
    return found


def fits(told: list[str], real: list[str]) -> bool:
    """`told` is `real` with any number of lines left out at each `…`."""
    if not told:
        return not real
    if told[0] == "…":
        return any(fits(told[1:], real[start:]) for start in range(len(real) + 1))
    return bool(real) and told[0].rstrip() == real[0].rstrip() and fits(told[1:], real[1:])


@pytest.mark.parametrize("block", shown(), ids=lambda block: block[0][0])
def test_the_tour_shows_what_comes_out(block: list[tuple[str, list[str]]], tmp_path: Path) -> None:
    """A newcomer who sees something else than the README shows trusts neither."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # What a command makes must not be left in the repository.
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for command, told in block:
        ended = subprocess.run(
            shlex.split(command),
            cwd=tmp_path,
            env={**os.environ, "PATH": path, "COLUMNS": "120"},
            capture_output=True,
            text=True,
        )
        real = ended.stdout.rstrip("\n").split("\n")
        assert fits(told, real), ended.stdout + ended.stderr


def test_a_wrong_line_is_seen() -> None:
    """The test above must not accept anything."""
    assert fits(["a", "…", "d"], ["a", "b", "c", "d"])
    assert not fits(["a", "…", "x"], ["a", "b"])
    assert not fits(["a"], ["a", "b"])
    assert shown()
