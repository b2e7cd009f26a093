"""The commands of docs/ssh.md do what it says, from the gate's key to a session, with a point in its own process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from armslength.store import read_gate_folder
from tests.enforce.real_gate import SECRET, real_gate
from tests.enforce.ssh.sshd import (
    HELPER,
    ME,
    Server,
    believed_folder,
    needs_root,
    needs_sshd,
    person,
    point_settings,
    running_sshd,
    until,
)
from tests.service.gates import ORIGIN

pytestmark = [needs_sshd, needs_root]


def run(*words: str, text: str = "") -> tuple[int, str, str]:
    command = [sys.executable, "-m", "armslength", *words]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=90)
    return done.returncode, done.stdout, done.stderr


def test_from_the_gates_key_to_a_session(tmp_path: Path) -> None:
    """A newcomer who follows the page would be left standing at some step."""
    with real_gate(tmp_path / "gate", opened=False) as gate, believed_folder() as believed:
        status, made, said = run("gate", "ssh-ca", str(gate.path))
        assert (
            status == 0 and made.startswith("ssh-ed25519 ") and made.endswith(f" {ORIGIN}\n") and "made ssh.ca" in said
        )
        assert run("gate", "ssh-ca", str(gate.path))[:2] == (0, made)
        arguments = [
            "--host",
            "db-1.example.com",
            "--may",
            "redeem",
            "--action",
            "end",
            "--resource",
            "asset:meetings-us",
        ]
        status, secret, _ = run("gate", "add-point", str(gate.path), "db-1", *arguments)
        assert status == 0 and read_gate_folder(gate.path).settings.points[-1].may == ("redeem",)
        gate.open()
        place, settings = tmp_path / "secret", tmp_path / "ssh.toml"
        place.write_text(secret)
        place.chmod(0o600)
        settings.write_text(
            f'url = "{gate.url}"\ngate = "{ORIGIN}"\nsecret = "{place}"\nresource = "asset:meetings-us"\n'
            f'state = "{tmp_path}/state"\nsocket = "{believed}/point/ssh.sock"\nhelper = "{HELPER}"\n'
            f'restart_seconds = 1\n[accounts.{ME}]\naction = "end"\n'
        )
        status, _, said = run("ssh", "status", str(settings))
        assert status == 2 and "no point answers" in said
        authority = tmp_path / "ca.pub"
        words = ["ssh", "sshd", str(settings), "--into", str(believed), "--ca", str(authority)]
        # sshd -t takes both, and nobody would come in.
        status, config, said = run(*words, "--user", "no such user")
        assert (status, config) == (2, "") and f"{authority}: No such file" in said and "no such user here" in said
        strange = tmp_path / "strange.toml"
        strange.write_text(settings.read_text() + '[accounts.nobody-here]\naction = "end"\n')
        status, config, said = run(*words[:2], str(strange), *words[3:], "--user", HELPER)
        assert (status, config) == (2, "") and "account 'nobody-here': there is no such user here" in said
        authority.write_text("pt_secret\n")
        status, config, said = run(*words, "--user", HELPER)
        assert (status, config) == (2, "") and "is not what armslength gate ssh-ca prints" in said
        authority.write_text(made)
        status, config, said = run(*words, "--user", HELPER)
        assert status == 0 and f"AuthorizedPrincipalsCommand {believed}/ssh-principals" in config
        assert (believed / "ssh-principals").stat().st_mode & 0o777 == 0o755
        with open(tmp_path / "log", "wb") as log:
            command = [sys.executable, "-m", "armslength", "ssh", "point", str(settings)]
            point = subprocess.Popen(command, stderr=log)
        try:
            until(lambda: (believed / "point" / "ssh.sock").exists() or point.poll() is not None, 60)
            known = point_settings(gate, believed, tmp_path / "elsewhere")
            with running_sshd(gate, known, believed, tmp_path / "sshd") as server:
                assert isinstance(server, Server)
                lease = gate.leased("end")
                bo = person(tmp_path, gate, server.port, "bo")
                token = gate.gate.token(lease.terms.id)
                words = ["ssh", "certificate", "--gate", gate.url, "--key", str(bo.key.with_suffix(".pub"))]
                status, said, _ = run(*words, text=token + "\n")
                assert status == 0 and f"{bo.shown}: end on asset:meetings-us" in said, said
                assert bo.shown.stat().st_mode & 0o777 == 0o600
                with bo.staying():
                    status, said, _ = run("ssh", "status", str(settings))
                    assert status == 0 and lease.terms.id in said, said
                until(lambda: gate.uses() != [])
                assert [use.point for use in gate.uses()] == ["db-1"]
                gate.gate.give_back(lease.terms.id, lease.terms.executor)
                status, _, said = run(*words, text=token)
                assert status == 2 and "the lease is over" in said, said
                # A second point on the same state would guard what the first one guards.
                status, _, said = run("ssh", "point", str(settings))
                assert status == 2 and "another point runs on it" in said, said
            assert SECRET not in (tmp_path / "log").read_text() and "bo" not in (tmp_path / "log").read_text().split()
        finally:
            point.terminate()
            assert point.wait(30) == 0
