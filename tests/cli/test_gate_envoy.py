"""`armslength gate envoy`: the files that it writes are ones that Envoy takes."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.ran import run, start
from tests.cli.test_gate import Capture, gate
from tests.enforce.certificates import CN, Authority
from tests.enforce.envoy import binary, key_set

__all__ = ["gate"]


def test_envoy_is_written_two_files_and_takes_them(gate: tuple[Path, str], capsys: Capture, tmp_path: Path) -> None:
    """A configuration that Envoy does not start with is one that nobody uses."""
    people, into = Authority(folder=tmp_path / "ca", label="people").made(), tmp_path / "conf"
    into.mkdir()
    made = people.certificate("admin", [(CN, "admin.example.com")])
    secret = run(capsys, "gate", "add-point", gate[0], "web-9", "--host", "admin.example.com").out
    common = ("--upstream", "http://127.0.0.1:8008", "--certificate", made, "--key", made.with_suffix(".key"))
    command = ("gate", "envoy", gate[0], "--host", "admin.example.com", *common, "--into", into)
    token = ("--token-keys", key_set(tmp_path), "--issuer", "https://login.example", "--audience", "admin")
    for who in (("--people", people.file), token, (*token, "--cookie", "person")):
        ran = start(*command, *who, given=secret.encode())
        assert ran.status == 0, ran.err
        written = [Path(line) for line in ran.out.splitlines()]
        assert secret.strip() in written[1].read_text() and secret.strip() not in written[0].read_text()
        assert written[1].stat().st_mode & 0o777 == 0o600
        said = [str(binary()), "--mode", "validate", "-c", str(written[0])]
        tested = subprocess.run(said, capture_output=True, text=True, check=False)
        assert tested.returncode == 0, tested.stderr
    for who in ((), ("--people", people.file, *token), token[:2], ("--people", people.file, "--listen", "443")):
        wrong = start(*command, *who, given=secret.encode())
        assert wrong.status == 2 and wrong.err


@pytest.mark.parametrize("proxy", ["envoy", "nginx"])
def test_what_is_not_there_is_named(gate: tuple[Path, str], tmp_path: Path, proxy: str) -> None:
    """Who has not made the folder yet would be told of a file that nobody knows."""
    into = tmp_path / "absent"
    flags = ["--host", "admin.example.com", "--upstream", "http://127.0.0.1:8008", "--into", into]
    flags += ["--authority", "/none/ca.pem", "--people", "/none/people.pem"]
    command = ("gate", proxy, gate[0], *flags, "--certificate", "/none/a.pem", "--key", "/none/a.key")
    secret = f"pt_{'A' * 43}".encode()
    wrong = start(*command, given=secret)
    assert wrong.status == 2 and "there is no such folder; make it first: mkdir -p" in wrong.err
    into.write_text("")
    assert "is no folder" in start(*command, given=secret).err
    into.unlink()
    into.mkdir()
    ran = start(*command, given=secret)
    assert ran.status == 0, ran.err
    # They may be on the proxy's own host.
    assert ran.err.count("warning: --") == 4 and "--key '/none/a.key': no such file here" in ran.err


@pytest.mark.parametrize("proxy", ["envoy", "nginx"])
def test_at_a_terminal_the_secret_is_asked_for_and_not_shown(
    gate: tuple[Path, str], capsys: Capture, tmp_path: Path, proxy: str
) -> None:
    """Without a word the command would seem to hang, and what is typed would stay on the screen."""
    secret = run(capsys, "gate", "add-point", gate[0], f"typed-{proxy}", "--host", "admin.example.com").out.strip()
    into = tmp_path / "conf"
    into.mkdir()
    flags = ["--host", "admin.example.com", "--upstream", "http://127.0.0.1:8008", "--into", str(into)]
    flags += ["--authority", "/ca.pem", "--people", "/people.pem", "--certificate", "/a.pem", "--key", "/a.key"]
    command = [sys.executable, "-m", "armslength", "gate", proxy, str(gate[0]), *flags]
    process, terminal = pty.fork()
    if process == 0:
        os.execv(command[0], command)
    shown = b""
    while b"secret: " not in shown:
        shown += os.read(terminal, 4096)
    os.write(terminal, secret.encode() + b"\n")
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # it has ended
            break
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0, shown
    os.close(terminal)
    assert secret.encode() not in shown
    assert sum(secret in path.read_text() for path in into.iterdir()) == 1
