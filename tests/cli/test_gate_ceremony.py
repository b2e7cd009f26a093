"""`armslength gate ceremony` as two people hold it: in a terminal, killed at each step, told from its transcript."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from armslength.service import SCRIPTS, SoftKey, create_gate
from armslength.store import GateSettings, read_gate_folder
from tests.cli.ran import PROGRAM, run
from tests.cli.served import keyed_gate, served
from tests.cli.test_gate import visited
from tests.console.desk import ORIGIN
from tests.console.staff import FILES

Capture = pytest.CaptureFixture[str]
ROOM = ("--with", "eve", "--with", "fay")


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keyed") / "gate"
    keyed_gate(path)
    return path


@pytest.fixture
def gate(keyed: Path, tmp_path: Path) -> Path:
    shutil.copytree(keyed, tmp_path / "gate")
    return tmp_path / "gate"


def answers(kind: str, since: int = 0, until: int | None = None) -> list[str]:
    """What the two type from a step on."""
    found: list[str] = []
    for step in SCRIPTS[kind].steps[since:until]:
        found += ["do"] if step.act else []
        found += ["eve", "fay"]
    return found


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """What is typed next; then nobody types any more."""
    return lambda given: monkeypatch.setattr("sys.stdin", io.StringIO(given))


def test_two_people_hold_a_ceremony(gate: Path, capsys: Capture, typing: Callable[[str], None]) -> None:
    """Its end is a file that both sign and that the ledger knows."""
    typing("".join(f"{line}\n" for line in answers("lease-keys")))
    ran = run(capsys, "gate", "ceremony", gate, "lease-keys", *ROOM)
    assert ran.status == 0, ran.err + ran.out
    assert "[10/10]" in ran.out and ran.out.count("read aloud") >= 3
    (printed,) = gate.glob("ceremonies/*.md")
    assert len(read_gate_folder(gate).lease_keys) == 2
    digest = re.search(r"SHA-256: ([0-9a-f]{64})", ran.out)
    assert digest is not None and digest[1] in printed.read_text()
    told = run(capsys, "gate", "ceremony", gate, "--verify", printed.with_suffix(".jsonl"))
    assert told.status == 0 and digest[1] in told.out
    transcript = printed.with_suffix(".jsonl")
    transcript.write_bytes(transcript.read_bytes().replace(b'"eve"', b'"gus"', 1))
    told = run(capsys, "gate", "ceremony", gate, "--verify", transcript)
    assert told.status == 1 and "PROBLEM" in told.out


def test_a_ceremony_killed_while_it_is_held_goes_on(gate: Path, capsys: Capture) -> None:
    """Nobody leaves with a key, and nobody begins anew. Every other place is killed in tests/service."""
    kind, flags, since = "lease-keys", ("lease-keys",), 0
    steps = SCRIPTS[kind].steps
    act = next(number for number, step in enumerate(steps) if step.act)
    for last in (0, act, len(steps) - 1):
        process = subprocess.Popen(
            [PROGRAM, "gate", "ceremony", gate, *flags, *ROOM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=gate.parent,
        )
        assert process.stdin is not None and process.stdout is not None
        typed = (["yes"] if since else []) + answers(kind, since, last + 1)
        process.stdin.write("".join(f"{line}\n" for line in typed))
        process.stdin.flush()
        for line in process.stdout:  # the next step is shown, or the transcript: this one is on the disk
            if line.startswith((f"[{last + 2}/", "SHA-256")):
                break
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdin.close()
        process.stdout.close()
        flags, since = ("--resume",), last + 1
        assert len(read_gate_folder(gate).lease_keys) == 1 + (last >= act)
    (transcript,) = gate.glob("ceremonies/*.jsonl")
    told = run(capsys, "gate", "ceremony", gate, "--verify", transcript, "--record")
    assert told.status == 0 or "SHA-256" in told.out, told.out
    assert run(capsys, "gate", "ceremony", gate, "--verify", transcript).status == 0
    with served(gate):
        pass


def test_founders_found_a_gate_in_a_ceremony(tmp_path: Path, capsys: Capture) -> None:
    """The first keys have no voucher: two people and a paper stand in for one."""
    path = tmp_path / "gate"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://localhost:{taken.getsockname()[1]}"
    create_gate(path, settings=GateSettings(origin=ORIGIN, url=url, break_glass=("glass",)), estate=FILES)
    process = subprocess.Popen(
        [PROGRAM, "gate", "ceremony", path, "found", "eve", "fay", *ROOM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=tmp_path,
    )
    assert process.stdin is not None and process.stdout is not None
    act = next(number for number, step in enumerate(SCRIPTS["found"].steps) if step.act)
    process.stdin.write("".join(f"{line}\n" for line in answers("found", 0, act)))
    process.stdin.flush()
    links: dict[str, str] = {}
    for line in process.stdout:
        words = line.split()
        if len(words) == 2 and "/enrol/" in words[1]:
            links[words[0]] = words[1]
        if len(links) == 2:
            break
    for number, person in enumerate(links):
        visited(links[person], SoftKey(seed=bytes([number]) * 32, rp_id="localhost", origin=url))
        process.stdin.write("yes\n")
        process.stdin.flush()
    process.stdin.write("".join(f"{line}\n" for line in answers("found", act) if line != "do"))
    process.stdin.flush()
    told = process.stdout.read()
    assert process.wait(60) == 0, told
    process.stdin.close()
    process.stdout.close()
    assert "eve, enrolled as entry" in told and "SHA-256: " in told
    checked = run(capsys, "gate", "check", path, "--format", "json")
    assert checked.status == 0 and json.loads(checked.out)["keys"] == 2


@pytest.mark.parametrize("given", ["", "eve\n", "eve\nfay\nstop\n", "eve\nfay\neve\nwho\n"])
def test_silence_is_no_confirmation(gate: Path, given: str, capsys: Capture, typing: Callable[[str], None]) -> None:
    """And who says stop can go on, or give it up."""
    typing(given)
    ran = run(capsys, "gate", "ceremony", gate, "row-key", *ROOM)
    assert ran.status == 1 and "broken off; write this on the paper" in ran.err
    before = (gate / "row.key").read_bytes()
    again = run(capsys, "gate", "ceremony", gate, "row-key", *ROOM)
    assert again.status == 2 and "broken off" in again.err
    told = run(capsys, "gate", "ceremony", gate, "--abandon", "--why", "a test", *ROOM)
    assert told.status == 0 and (gate / "row.key").read_bytes() == before


def test_who_does_not_recognise_the_last_line_does_not_go_on(
    gate: Path, capsys: Capture, typing: Callable[[str], None]
) -> None:
    """Somebody was at the transcript between the two days."""
    typing("eve\nfay\n")
    run(capsys, "gate", "ceremony", gate, "row-key", *ROOM)
    typing("no\n")
    ran = run(capsys, "gate", "ceremony", gate, "--resume", *ROOM)
    assert ran.status == 2 and "do not go on" in ran.err


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (("lease-keys",), "two people"),
        (("lease-keys", "--with", "eve"), "two people"),
        (("lease-keys", "--with", "eve", "--with", "eve"), "two people"),
        (("lease-keys", "--with", "eve", "--with", "zed"), "not in the people table"),
        (("magic", *ROOM), "expected one of"),
        (ROOM, "which ceremony"),
        (("--resume", *ROOM), "no ceremony was broken off"),
    ],
)
def test_a_ceremony_that_cannot_be_is_refused(gate: Path, capsys: Capture, flags: tuple[str, ...], why: str) -> None:
    """With what is missing."""
    ran = run(capsys, "gate", "ceremony", gate, *flags)
    assert ran.status == 2 and why in ran.err


def test_a_gate_that_runs_is_stopped_first(gate: Path, capsys: Capture) -> None:
    """It would go on with the old key."""
    with served(gate):
        ran = run(capsys, "gate", "ceremony", gate, "lease-keys", *ROOM)
    assert ran.status == 2 and "stop the gate first" in ran.err


@pytest.mark.parametrize("format", ["markdown", "html"])
def test_the_checklist_is_printed(gate: Path, capsys: Capture, format: str) -> None:
    """On paper it works without the machine that it is about."""
    ran = run(capsys, "gate", "ceremony", gate, "ledger-keys", "--print", format)
    assert ran.status == 0 and "Signatures" in ran.out and "gate.example.com/acts" in ran.out
    assert not list(gate.glob("ceremonies/*"))
