"""Who tries more than their lease gives gets nothing at a real sshd: other people's certificates, altered ones, other
accounts and servers, tunnels, two at once on the last use."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import SSHCertificateBuilder, SSHCertificateType, load_ssh_public_key

from armslength.enforce import NotAllowed, SshAccount
from armslength.gate import Why, ssh_principal
from armslength.store import read_ssh_ca
from tests.enforce.nginx import free_port
from tests.enforce.ssh.sshd import (
    ME,
    Stand,
    believed_folder,
    needs_root,
    needs_sshd,
    person,
    ssh_gate,
    stand,
    standing,
    until,
)
from tests.service.gates import ACCOUNTS, POLICY

pytestmark = [needs_sshd, needs_root]
Log = pytest.LogCaptureFixture
FORCED = (
    POLICY
    + """
@id("by-command") @terms("twice") @ssh_command("echo \\"forced\\"; echo asked: $SSH_ORIGINAL_COMMAND")
permit (principal in Group::"ops", action == Action::"maintain", resource == Asset::"meetings-us");

@id("from-afar") @terms("twice") @ssh_source("192.0.2.0/24") @ssh_pty("no")
permit (principal in Group::"ops", action == Action::"inspect", resource == Asset::"meetings-us");

@id("misspelt") @terms("twice") @ssh_comand("/bin/true")
permit (principal in Group::"ops", action == Action::"audit", resource == Asset::"meetings-us");
"""
)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with stand(tmp_path_factory.mktemp("hostile")) as made:
        yield made


@pytest.fixture(autouse=True)
def _log(caplog: Log) -> None:
    caplog.set_level("INFO", "armslength.enforce")


def crafted(found: Stand, *, by: Ed25519PrivateKey | None = None, **more: Any) -> None:
    """Put another certificate in bo's hand: signed by the gate's own key unless `by` says another, with parts as
    `more` has them."""
    bo = found.bo
    key = by or read_ssh_ca(found.gate.path)
    assert key is not None
    said = {
        "principals": [ssh_principal(found.lease.terms.id).encode()],
        "after": int(time.time()) - 60,
        "before": int(time.time()) + 60,
        "critical": {},
        "extensions": {b"lease@armslength": found.gate.gate.token(found.lease.terms.id).encode()},
        **more,
    }
    public = load_ssh_public_key(bo.key.with_suffix(".pub").read_bytes())
    builder = (
        SSHCertificateBuilder()
        .public_key(public)  # type: ignore[arg-type]
        .serial(7)
        .type(SSHCertificateType.USER)
        .key_id(b"crafted")
        .valid_principals(said["principals"])
        .valid_after(said["after"])
        .valid_before(said["before"])
    )
    for name, value in said["critical"].items():
        builder = builder.add_critical_option(name, value)
    for name, value in said["extensions"].items():
        builder = builder.add_extension(name, value)
    bo.shown.write_bytes(builder.sign(key).public_bytes() + b"\n")


def test_a_certificate_that_the_gate_would_not_have_made_opens_nothing(found: Stand, caplog: Log) -> None:
    """Whoever gets one bit past the gate's key could forward ports, or be anybody."""
    token = found.gate.gate.token(found.lease.terms.id).encode()
    try:
        crafted(found)
        found.bo.opens()  # what follows differs from this in one thing each
        before = len(found.gate.uses())
        lease = {b"lease@armslength": token}
        crafted(found, by=Ed25519PrivateKey.generate())
        found.bo.is_refused()
        crafted(found, before=int(time.time()) - 1)
        found.bo.is_refused()
        crafted(found, after=int(time.time()) + 50)
        found.bo.is_refused()
        crafted(found, principals=[b"lease:lease_AAAAAAAAAAAAAAAAAAAAAA"])
        found.bo.is_refused()
        crafted(found, principals=[ME.encode()])
        found.bo.is_refused()
        crafted(found, principals=[ssh_principal(found.lease.terms.id).encode(), ME.encode()])
        found.bo.is_refused()
        crafted(found, extensions={})
        found.bo.is_refused()
        for name in (
            b"permit-port-forwarding",
            b"permit-agent-forwarding",
            b"permit-X11-forwarding",
            b"permit-user-rc",
        ):
            crafted(found, extensions={**lease, name: b""})
            found.bo.is_refused()
        head, claims, signature = token.split(b".")
        other = base64.urlsafe_b64encode(base64.urlsafe_b64decode(claims + b"==").replace(b'"bo"', b'"cy"')).rstrip(
            b"="
        )
        crafted(found, extensions={b"lease@armslength": b".".join((head, other, signature))})
        found.bo.is_refused()
        found.bo.certificate(found.lease)
        kind, blob = found.bo.shown.read_text().split()[:2]
        changed = bytearray(base64.b64decode(blob))
        changed[-70] ^= 1
        found.bo.shown.write_text(f"{kind} {base64.b64encode(changed).decode()}\n")
        assert found.bo.ssh("echo in")[0] == 255
        assert len(found.gate.uses()) == before  # none of them was counted either
    finally:
        found.bo.certificate(found.lease)
    found.bo.opens()


def test_somebody_elses_lease_is_of_no_use(found: Stand, tmp_path: Path) -> None:
    """A service that sees a lease go by could log in with it; so could who finds a certificate."""
    thief = person(tmp_path, found.gate, found.bo.port, "thief")
    with pytest.raises(NotAllowed, match="was made for another key"):
        thief.certificate(found.lease)
    with pytest.raises(NotAllowed, match="signed text"):
        thief.certificate("eyJhbGciOiJub25lIn0.e30.")
    thief.shown.write_text(found.bo.shown.read_text())
    status, said = thief.ssh("echo in")
    assert status == 255 and "in\n" not in said


def test_a_lease_opens_its_own_account_alone(found: Stand, tmp_path: Path) -> None:
    """A lease to look could be used to be root."""
    found.bo.is_refused(account="daemon")
    found.bo.is_refused(account="nosuch-account")
    status, _ = found.bo.ssh("echo in", account=f"$(touch {tmp_path}/injected)")
    assert status == 255 and not (tmp_path / "injected").exists()


def test_what_a_stranger_types_is_never_run(tmp_path: Path) -> None:
    """sshd hands the helper the name of an account as it came."""
    with ssh_gate(tmp_path / "gate") as gate:
        with standing(tmp_path, gate, sshd="") as found:
            helper = found.server.folder / "ssh-principals"
            for account in ("$(id)", "`id`", "; id", "root\nroot", "-h", "", "x" * 100_000, '"', "\udcff"):
                done = subprocess.run(
                    [str(helper), str(found.server.settings.socket), account, f"AAAA; touch {tmp_path}/injected"],
                    capture_output=True,
                    timeout=20,
                )
                assert done.returncode == 1 and done.stdout == b"", (account[:20], done)
            assert not (tmp_path / "injected").exists()


def test_a_lease_for_another_server_opens_nothing(tmp_path: Path, caplog: Log) -> None:
    """A lease for the test server would open the real one."""
    with stand(tmp_path, resource=ACCOUNTS) as found:
        found.bo.is_refused()
        assert any(f"({Why.OUTSIDE})" in line for line in caplog.messages), caplog.messages
        assert found.gate.uses() == []


def test_nothing_is_forwarded(found: Stand, tmp_path: Path) -> None:
    """A session would be a tunnel behind every other door of the firm."""
    bo = found.bo
    with socket.create_server(("127.0.0.1", 0)) as target:
        target.settimeout(0.5)
        there = target.getsockname()[1]
        here = free_port()
        bo.options = ["-L", f"{here}:127.0.0.1:{there}"]
        try:
            with bo.staying(), socket.create_connection(("127.0.0.1", here), 5) as link:
                link.settimeout(10)
                assert link.recv(1) == b""
        finally:
            bo.options = []
        with pytest.raises(TimeoutError):
            target.accept()
        bo.options = ["-W", f"127.0.0.1:{there}"]
        assert bo.ssh()[0] != 0
        bo.options = ["-o", "ExitOnForwardFailure=yes", "-R", f"0:127.0.0.1:{there}"]
        assert bo.ssh("echo in")[0] == 255
        bo.options = ["-o", "ExitOnForwardFailure=yes", "-o", "Tunnel=yes", "-w", "any:any"]
        assert "in" not in bo.ssh("echo in")[1].split()
        bo.options = [
            "-o",
            "StreamLocalBindUnlink=yes",
            "-o",
            "ExitOnForwardFailure=yes",
            "-R",
            f"{tmp_path}/s:{tmp_path}/t",
        ]
        assert bo.ssh("echo in")[0] == 255
        with pytest.raises(TimeoutError):
            target.accept()
    bo.options = ["-A"]
    try:
        words = bo.command("echo agent ${SSH_AUTH_SOCK:-none}")
        done = subprocess.run(["ssh-agent", *words], capture_output=True, text=True, timeout=25)
        assert done.stdout == "agent none\n", done
        bo.options = ["-Y"]
        done = subprocess.run(
            bo.command("echo display ${DISPLAY:-none}"),
            env={**os.environ, "DISPLAY": "127.0.0.1:77"},
            capture_output=True,
            text=True,
            timeout=25,
        )
        assert done.stdout == "display none\n", done
    finally:
        bo.options = []


def test_two_at_once_on_the_last_use(tmp_path: Path) -> None:
    """A race would be worth a session."""
    with stand(tmp_path, action="export") as found:
        found.bo.opens()
        with ThreadPoolExecutor(4) as pool:
            said = list(pool.map(lambda _: found.bo.ssh("echo in"), range(4)))
        assert sorted(status for status, _ in said) == [0, 255, 255, 255], said
        assert len(found.gate.uses()) == 2


def test_a_command_is_forced_where_policy_asks_for_it(tmp_path: Path, caplog: Log) -> None:
    """Terms for one command would be terms for all."""
    accounts = {
        ME: SshAccount(action="maintain", command=None, pty=True),
        "daemon": SshAccount(action="inspect", command=None, pty=True),
    }
    with (
        ssh_gate(tmp_path / "gate", policy=FORCED) as gate,
        standing(tmp_path, gate, action="export", accounts=accounts) as found,
    ):
        bo = person(tmp_path / "more", gate, found.bo.port, "bo")
        given = bo.certificate(gate.leased("maintain", by="di"))
        assert given.command is not None and given.command.startswith("echo ")
        assert bo.ssh("rm -rf none") == (0, "forced\nasked: rm -rf none\n")
        options = [
            word for pair in zip(bo.command(), bo.command()[1:], strict=False) if pair[0] == "-o" for word in pair
        ]
        at = ["-P", str(bo.port), "-i", str(bo.key), *options]
        batch = tmp_path / "batch"
        batch.write_text("get /etc/hostname\n")
        done = subprocess.run(
            ["sftp", "-F", "none", "-b", str(batch), *at, f"{ME}@127.0.0.1"],
            capture_output=True,
            timeout=25,
            cwd=tmp_path,
        )
        assert done.returncode != 0 and not (tmp_path / "hostname").exists()
        assert len(gate.uses()) == 2
        # From elsewhere than policy says; and a word that policy does not know, which might have meant less.
        afar = person(tmp_path / "afar", gate, found.bo.port, "bo")
        afar.certificate(gate.leased("inspect", by="di"))
        afar.is_refused(account="daemon")
        assert len(gate.uses()) == 2 or gate.uses()[-1].action == "inspect"
        with pytest.raises(NotAllowed, match="ssh_comand"):
            afar.certificate(gate.leased("audit", by="di"))


def test_two_commands_that_differ_open_nothing(tmp_path: Path, caplog: Log) -> None:
    """A server's own command would be lost behind the policy's, or the other way round."""
    accounts = {ME: SshAccount(action="maintain", command='printf "%s\\n" "a b" own', pty=False)}
    with (
        ssh_gate(tmp_path / "gate", policy=FORCED) as gate,
        standing(tmp_path, gate, action="export", accounts=accounts) as found,
    ):
        bo = person(tmp_path / "more", gate, found.bo.port, "bo")
        bo.certificate(gate.leased("maintain", by="di"))
        bo.is_refused()
        assert any("two different commands" in line for line in caplog.messages)
        assert gate.uses() == []
    accounts = {ME: SshAccount(action="export", command='printf "%s\\n" "a b" own', pty=False)}
    with stand(tmp_path / "own", action="export", accounts=accounts) as found:
        assert found.bo.ssh("echo in") == (0, "a b\nown\n")
        done = subprocess.run(
            [*found.bo.command("-tt"), "echo in"], capture_output=True, text=True, timeout=25, stdin=subprocess.DEVNULL
        )
        assert "PTY allocation request failed" in done.stderr + done.stdout


def test_a_socket_that_somebody_else_holds_is_not_believed(tmp_path: Path) -> None:
    """Whoever answers in the point's place would let themselves in."""
    with stand(tmp_path) as found:
        helper = found.server.folder / "ssh-principals"
        open_to_all = tmp_path / "open"
        open_to_all.mkdir()
        open_to_all.chmod(0o777)
        found.point.close()
        place = found.server.settings.socket
        found.bo.is_refused()  # nobody answers

        def yes(at: Path, as_user: int) -> subprocess.Popen[bytes]:
            program = (
                "import os,socket,sys; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1])\n"
                "os.chmod(sys.argv[1], 0o666); s.listen(); os.setuid(int(sys.argv[2])); print('up', flush=True)\n"
                'while True:\n c,_=s.accept(); c.recv(65536); c.sendall(b\'{"line": "lease:x"}\\n\'); c.close()'
            )
            made = subprocess.Popen(["/usr/bin/python3", "-c", program, str(at), str(as_user)], stdout=subprocess.PIPE)
            assert made.stdout is not None and made.stdout.readline() == b"up\n"
            return made

        for at, user in ((place, 12345), (open_to_all / "s", 0)):
            squatter = yes(at, user)
            try:
                asked = [str(helper), str(at), ME, "AAAA"]
                done = subprocess.run(asked, capture_output=True, text=True, timeout=25)
                # SO_PEERCRED tells who made the socket listen, so the first is told by its folder's owner alone.
                assert done.returncode == (1 if at != place else done.returncode), done
            finally:
                squatter.kill()
                squatter.wait()


def test_a_helper_below_a_folder_that_all_may_write_is_not_run(tmp_path: Path) -> None:
    """Whoever may write there would put their own in its place; sshd refuses, and so do we when we write it."""
    from armslength.enforce import EnforceError, put_helper

    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    with pytest.raises(EnforceError, match="others may write into it"):
        put_helper(open_to_all / "lib")
    with believed_folder() as folder:
        folder.chmod(0o775)  # Debian's sshd takes it, where nobody else is in the group
        with pytest.raises(EnforceError, match="others may write into it"):
            put_helper(folder)
    with stand(tmp_path) as found:
        found.server.folder.chmod(0o777)
        before = len(found.gate.uses())
        found.bo.is_refused()
        assert "bad ownership or modes" in found.server.said()
        assert len(found.gate.uses()) == before
        found.server.folder.chmod(0o755)
        found.bo.opens()


def test_only_sshd_may_ask(tmp_path: Path, caplog: Log) -> None:
    """Any program of this machine could spend somebody's uses by showing their certificate."""
    with stand(tmp_path) as found:
        blob = found.bo.shown.read_text().split()[1]
        helper = [str(found.server.folder / "ssh-principals"), str(found.server.settings.socket), ME, blob]
        done = subprocess.run(helper, capture_output=True, text=True, timeout=25)
        assert done.returncode == 1 and done.stdout == ""
        assert any("it was not sshd that asked" in line for line in caplog.messages)
        assert found.gate.uses() == []
        for sent in (b"", b"{", b"[]\n", b'{"ask": 1}\n', b"\xff\n", b'{"ask":"login","account":1}\n', b"x" * 200_000):
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(10)
                link.connect(str(found.server.settings.socket))
                try:
                    link.sendall(sent)
                    link.shutdown(socket.SHUT_WR)
                    assert b"line" not in link.recv(65536)
                except OSError:
                    pass
        found.bo.opens()


def test_a_crowd_at_the_socket_keeps_nobody_out_for_long(tmp_path: Path) -> None:
    """Who connects and says nothing would keep everybody out."""
    with stand(tmp_path) as found:
        links = []
        for _ in range(70):
            link = socket.socket(socket.AF_UNIX)
            link.connect(str(found.server.settings.socket))
            links.append(link)
        try:
            found.bo.opens()
        finally:
            for link in links:
                link.close()


def test_a_slow_gate_holds_a_login_no_longer_than_sshd_waits(tmp_path: Path) -> None:
    """A login that waits for ever would be let in by whoever wakes the gate up."""
    with stand(tmp_path, sshd="LoginGraceTime 2", point={"timeout_seconds": 6.0}) as found:
        found.gate.away()
        host, port = found.gate.url.removeprefix("http://").split(":")
        with socket.create_server((host, int(port)), backlog=16):
            begun = time.monotonic()
            status, _ = found.bo.ssh("echo in")
            assert status == 255 and time.monotonic() - begun < 20
        found.gate.serve()
        until(lambda: found.point.status()["problems"] == [])
        found.bo.opens()
