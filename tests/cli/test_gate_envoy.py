"""`armslength gate envoy`: the files that it writes are ones that Envoy takes."""

from __future__ import annotations

import subprocess
from pathlib import Path

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
