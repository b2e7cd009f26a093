"""`armslength monitor`, as an auditor uses it."""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import subprocess
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cli.ran import PROGRAM, ROOT, Ran, run, start
from tests.ledger.histories import history
from tests.service.monitored import Firm, served


@pytest.fixture
def firm(tmp_path: Path) -> Firm:
    made = Firm(tmp_path / "ledger", now=time.time() - 180)
    made.record(20)
    (tmp_path / "policy").write_text(made.policy.format())
    return made


def monitor(capsys: pytest.CaptureFixture[str], log: str | Path, tmp_path: Path, *more: str) -> Ran:
    policy, folder = tmp_path / "policy", tmp_path / "monitor"
    return run(capsys, "monitor", log, "--policy", policy, "--folder", folder, "--once", *more)


def test_an_honest_log_ends_with_0(firm: Firm, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """cron mails only what has another status."""
    with served(firm.public) as url:
        ran = monitor(capsys, url, tmp_path)
    assert (ran.status, ran.err) == (0, "")
    assert re.fullmatch(
        r"log\.example\.com/acts: 21 entries mirrored and checked, the newest of \S+Z; nothing found\n", ran.out
    )


def test_any_static_server_may_stand_in_for_ours(
    firm: Firm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A firm that had to run our server to be checked would have one thing more to keep running, and to attack."""
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(firm.public))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ran = monitor(capsys, f"http://127.0.0.1:{server.server_port}", tmp_path)
        server.shutdown()
    assert ran.status == 0 and "nothing found" in ran.out


def test_a_finding_ends_with_1_and_its_evidence_convinces_a_court(
    firm: Firm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole way: from a log that was rolled back to a file that proves it to somebody who has only that."""
    monitor(capsys, firm.public, tmp_path)
    firm.show(firm.leaves()[:10])
    firm.show(firm.leaves()[:10], firm.sign(firm.leaves()[:10], time=firm.clock.now + 30))
    ran = monitor(capsys, firm.public, tmp_path)
    assert ran.status == 1
    first, finding, evidence = ran.out.splitlines()
    assert first.endswith("; 1 finding")
    assert finding.startswith("proven: rollback: the log: ")
    path = evidence.removeprefix("  evidence: ")
    verifying = ("verify", path, "--policy", str(tmp_path / "policy"))
    ran = run(capsys, *verifying)
    assert ran.status == 0 and "signed a tree of 10 entries" in ran.out
    text = Path(path).read_text()
    Path(path).write_text(text.replace('"larger"', '"x"').replace('"smaller"', '"larger"').replace('"x"', '"smaller"'))
    ran = run(capsys, *verifying)
    assert ran.status == 1 and "proves nothing" in ran.out
    ran = run(capsys, *verifying, "--saved", path)
    assert ran.status == 2 and "--saved goes with a bundle" in ran.err


def test_json_is_a_line_for_each_round(firm: Firm, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Programs read it; docs/monitor.md says what is in it."""
    firm.show((*firm.leaves()[:20], b"{}"))
    ran = monitor(capsys, firm.public, tmp_path, "--format", "json")
    assert ran.status == 1
    (line,) = ran.out.splitlines()
    found = json.loads(line)
    assert (found["origin"], found["served"], found["size"], found["checked"]) == ("log.example.com/acts", 21, 21, 21)
    (finding,) = found["findings"]
    assert (finding["severity"], finding["kind"], finding["stands"]) == ("proven", "content", True)
    page = (ROOT / "docs/monitor.md").read_text("utf-8")
    assert all(f"`{key}`" in page for key in (*found, *finding))


def test_the_figures_are_written_whole(firm: Firm, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An alarm that hangs on them must not read half a file."""
    firm.show((*firm.leaves()[:20], b"{}"))
    monitor(capsys, firm.public, tmp_path, "--metrics", str(tmp_path / "monitor.prom"))
    text = (tmp_path / "monitor.prom").read_text()
    assert 'armslength_monitor_mirrored_entries{log="log.example.com/acts"} 21.0' in text
    assert 'armslength_monitor_findings{kind="content",log="log.example.com/acts"} 1.0' in text
    assert 'armslength_monitor_findings{kind="split",log="log.example.com/acts"} 0.0' in text
    assert 'armslength_monitor_proven{log="log.example.com/acts"} 1.0' in text


@pytest.mark.parametrize("spoil", ["no policy", "policy", "no log", "folder"])
def test_what_cannot_run_ends_with_2(
    spoil: str, firm: Firm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A monitor that does not run must not look like one that finds nothing."""
    match spoil:
        case "no policy":
            (tmp_path / "policy").unlink()
        case "policy":
            (tmp_path / "policy").write_text("lag x\nquorum none\n")
        case "no log":
            (tmp_path / "policy").write_text("quorum none\n")
        case _:
            (tmp_path / "monitor").write_text("in the way")
    ran = monitor(capsys, firm.public, tmp_path)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("armslength: ")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("log",),
        ("log", "--policy", "p"),
        ("log", "--policy", "p", "--folder", "f", "--once", "--every", "5"),
        ("log", "--policy", "p", "--folder", "f", "--silence", "soon"),
        ("log", "--policy", "p", "--folder", "f", "--format", "xml"),
    ],
)
def test_a_wrong_command_is_one_line(arguments: tuple[str, ...]) -> None:
    """As for every command."""
    ran = start("monitor", *arguments)
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)


def test_a_server_that_is_down_is_a_finding(tmp_path: Path, firm: Firm, capsys: pytest.CaptureFixture[str]) -> None:
    """Else whoever takes the log off the net has silenced its watchers."""
    ran = monitor(capsys, "http://127.0.0.1:9", tmp_path)
    assert ran.status == 1
    assert "warning: unreachable: the log: " in ran.out


def test_it_follows_until_it_is_told_to_end(firm: Firm, tmp_path: Path) -> None:
    """A service that cannot be stopped is killed, one day in the wrong moment."""
    command = [PROGRAM, "monitor", firm.public, "--policy", tmp_path / "policy", "--folder", tmp_path / "monitor"]
    with subprocess.Popen(
        [*command, "--every", "0.1", "--format", "json"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ},
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["size"] == 21
            firm.clock.now = time.time()
            firm.record(5)
            sizes = {21}
            while 27 not in sizes:
                found = json.loads(process.stdout.readline())
                assert found["findings"] == []
                sizes.add(found["size"])
            process.send_signal(signal.SIGTERM)
            assert process.wait() == 0
        finally:
            if process.poll() is None:
                process.kill()


def test_a_table_tells_a_change_once(firm: Firm, tmp_path: Path) -> None:
    """A log file that repeats itself each minute is not read."""
    command = [PROGRAM, "monitor", firm.public, "--policy", tmp_path / "policy", "--folder", tmp_path / "monitor"]
    with subprocess.Popen([*command, "--every", "0.05"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert "nothing found" in process.stdout.readline()
            for _ in range(3):
                (firm.public / "checkpoint").rename(tmp_path / "aside")
                assert "1 finding" in process.stdout.readline()
                assert "unreachable" in process.stdout.readline()
                (tmp_path / "aside").rename(firm.public / "checkpoint")
                assert "nothing found" in process.stdout.readline()
            process.send_signal(signal.SIGINT)
            assert process.wait() == 1
        finally:
            if process.poll() is None:
                process.kill()


def test_a_round_that_is_ended_is_not_one_that_found_nothing(firm: Firm, tmp_path: Path) -> None:
    """A first round can take long; who stops it must not read that all is well, nor lose what was done."""
    leaves = history([list(range(400))] * 50, start=int(time.time()) - 86_400)
    firm.show(leaves)
    entries = tmp_path / "monitor/mirror/tile/entries/000"
    command = [PROGRAM, "monitor", firm.public, "--policy", tmp_path / "policy", "--folder", tmp_path / "monitor"]
    command += ["--once", "--silence", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            while not entries.exists() and process.poll() is None:
                time.sleep(0.001)
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate()
        finally:
            if process.poll() is None:
                process.kill()
    assert (process.returncode, out) == (130, "")
    assert "told to end before a round was over" in err
    ran = start(*command[1:])
    assert (ran.status, ran.err) == (0, "")
    assert "20,050 entries mirrored and checked" in ran.out
