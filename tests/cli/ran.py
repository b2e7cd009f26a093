"""A command that was run: what it printed and how it ended."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from armslength.cli import main

PROGRAM = Path(sys.executable).parent / "armslength"
ESTATES = Path(__file__).parent / "estates"
ROOT = Path(__file__).resolve().parents[2]
MERIDIAN = ROOT / "examples" / "meridian"
DAY = "2026-11-22"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    status: int
    out: str
    err: str


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Ran:
    """The command in this process."""
    capsys.readouterr()
    status = main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return Ran(status=status, out=printed.out, err=printed.err)


def start(*arguments: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None, given: bytes = b"") -> Ran:
    """The command as a user starts it, in a process of its own."""
    ended = subprocess.run(
        [PROGRAM, *arguments], input=given, capture_output=True, check=False, cwd=cwd, env={**os.environ, **(env or {})}
    )
    return Ran(status=ended.returncode, out=ended.stdout.decode(), err=ended.stderr.decode())


def words(command: str) -> Sequence[str]:
    """The arguments of `armslength …` as a script writes it."""
    import shlex

    return shlex.split(command)[1:]
