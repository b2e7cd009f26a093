"""Programs we did not write, to judge what we publish: the Go authors' x/mod and crypto/mldsa, and PyPI's aics-tlog.

`scripts/foreign` makes them. Each runner gives a `Verdict`; a checker that breaks or is called wrongly is a failure of
the test at hand, never a refusal. `foreign_witness` runs aics-witness on the loopback interface.
"""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOREIGN = ROOT / ".cache" / "foreign"
GO_CHECKER = FOREIGN / "bin" / "checker"
PYTHON = FOREIGN / "venv" / "bin" / "python"
AICS = Path(__file__).with_name("aics.py")
WITNESS = (PYTHON, "-I", "-m", "aics_witness")
PATIENCE = 300
"""Seconds; the slowest check takes a few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a foreign checker said: whether it accepts, its standard output, and why not."""

    accepted: bool
    output: str
    reason: str

    @property
    def lines(self) -> list[str]:
        return self.output.removesuffix("\n").split("\n") if self.output else []


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignWitness:
    """A running aics-witness: where it listens (no path), and its verifier key (type 0x04)."""

    url: str
    vkey: str


def run_go_checker(*arguments: str | Path, stdin: bytes = b"") -> Verdict:
    """`checker ARGUMENTS`, of tests/foreign/go: its main.go lists the commands."""
    return _verdict([GO_CHECKER, *arguments], stdin)


def run_aics(*arguments: str | Path, stdin: bytes = b"") -> Verdict:
    """`aics.py ARGUMENTS` under the Python that has aics-tlog: the file lists the commands."""
    return _verdict([PYTHON, "-I", AICS, *arguments], stdin)


@contextmanager
def foreign_witness(folder: Path, name: str, logs: Mapping[str, Sequence[str]]) -> Iterator[ForeignWitness]:
    """aics-witness with its key and state in `folder`, trusting for each origin the verifier keys of type 0x01.

    Started again with the same folder and name, it remembers what it cosigned."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "witness.json"
    vkey = _configure("init", "--config", config, "--name", name).strip()
    for origin, keys in logs.items():
        for key in keys:
            _configure("add-log", "--config", config, "--origin", origin, "--vkey", key)
    serve = [*WITNESS, "serve", "--config", config, "--listen", "127.0.0.1:0"]
    with subprocess.Popen(serve, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as server:
        assert server.stderr is not None
        said, listening = "", None
        try:
            for line in server.stderr:
                said += line
                if listening := re.search(r"listening on (\S+)", line):
                    break
            assert listening, f"aics-witness did not start:\n{said}"
            # What it goes on to say must not fill the pipe.
            threading.Thread(target=server.stderr.read, daemon=True).start()
            yield ForeignWitness(url=listening[1], vkey=vkey)
        finally:
            server.terminate()


def _configure(*arguments: str | Path) -> str:
    done = run_program([*WITNESS, *arguments], b"")
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def _verdict(command: Sequence[str | Path], stdin: bytes) -> Verdict:
    done = run_program(command, stdin)
    reason = done.stderr.decode(errors="replace").strip()
    refused = done.returncode == 1 and reason.startswith("refused: ")
    assert done.returncode == 0 or refused, f"the checker broke with status {done.returncode}: {reason}"
    return Verdict(accepted=not refused, output=done.stdout.decode(errors="replace"), reason=reason)


def run_program(command: Sequence[str | Path], stdin: bytes) -> subprocess.CompletedProcess[bytes]:
    program = Path(command[0])
    if not program.exists():
        pytest.fail(f"{program.relative_to(ROOT)} is missing: run scripts/foreign")
    return subprocess.run(command, input=stdin, capture_output=True, timeout=PATIENCE, check=False)
