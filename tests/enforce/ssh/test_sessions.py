"""What a lease opened at a real sshd ends with the lease: with all that is multiplexed on it, whatever runs in it, and
whoever kills what guards it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from armslength.enforce import SshPoint, Unreachable, ask_status
from armslength.gate import LeaseId, PersonId
from tests.enforce.real_gate import SECRET
from tests.enforce.ssh.sshd import (
    HELPER,
    ME,
    Stand,
    believed_folder,
    needs_root,
    needs_sshd,
    person,
    point_settings,
    running_sshd,
    ssh_gate,
    stand,
    until,
)
from tests.service.gates import ORIGIN

pytestmark = [needs_sshd, needs_root]
AWAY = (
    "(setsid sh -c 'echo $$ > {file}; exec sleep 600' >/dev/null 2>&1 </dev/null &); sleep 0.3; echo up; exec sleep 600"
)
"""A process that leaves the session, its terminal and its parents."""


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def nobody_in(found: Stand) -> bool:
    return not found.point.sessions()


def test_a_session_ends_with_its_lease_and_takes_with_it_what_it_left_running(tmp_path: Path) -> None:
    """Access for an hour would be access for as long as a shell is kept open, or a process left behind."""
    with stand(tmp_path) as found:
        note = tmp_path / "pid"
        with found.bo.staying(AWAY.format(file=note)) as session:
            (kept,) = found.point.sessions()
            assert (kept.account, kept.lease) == (ME, found.lease.terms.id)
            until(lambda: note.exists() and note.read_text().strip() != "")
            left = int(note.read_text())
            found.gate.clock.by = 3600.0
            begun = time.monotonic()
            assert session.wait(20) != 0
            assert time.monotonic() - begun < 5
            until(lambda: gone(left), 10)
            until(lambda: nobody_in(found), 10)


def test_what_hides_where_it_came_from_ends_by_its_audit_session(tmp_path: Path) -> None:
    """A process that leaves its parents and empties its environment would be nobody's."""
    with stand(tmp_path, sshd="", pam=True) as found:
        note = tmp_path / "pid"
        with found.bo.staying(AWAY.format(file=note).replace("setsid", "setsid env -i")) as session:
            until(lambda: note.exists() and note.read_text().strip() != "")
            left = int(note.read_text())
            found.gate.clock.by = 3600.0
            assert session.wait(20) != 0
            until(lambda: gone(left), 10)
            until(lambda: nobody_in(found), 10)


def test_a_session_ends_when_its_lease_is_revoked(tmp_path: Path) -> None:
    """Taking access away would wait until whoever has it logs out."""
    with stand(tmp_path, offline=True) as found, found.bo.staying() as session:
        found.gate.gate.revoke(found.lease.terms.id, found.lease.terms.approvers[0], "wrong server")
        assert session.wait(15) != 0
        until(lambda: nobody_in(found), 10)


def test_what_the_last_use_opened_goes_on_and_can_still_be_taken_away(tmp_path: Path) -> None:
    """A lease for one use would open nothing; or what it opened could not be ended."""
    with stand(tmp_path, action="export") as found:
        found.bo.opens()
        with found.bo.staying() as session:
            assert not found.gate.gate.lease(found.lease.terms.id).live  # spent
            time.sleep(4)
            assert session.poll() is None
            found.gate.gate.revoke(found.lease.terms.id, PersonId("di"), "wrong server")
            assert session.wait(15) != 0
        until(lambda: nobody_in(found), 10)


def test_what_the_last_use_opened_ends_when_nobody_can_say_whether_it_stands(tmp_path: Path) -> None:
    """Cutting the line to the gate would keep a revoked session open."""
    with stand(tmp_path, action="export") as found:
        found.bo.opens()
        with found.bo.staying() as session:
            until(lambda: found.point._counted._said != {})
            found.gate.away()
            found.gate.clock.by = 61.0
            assert session.wait(15) != 0


def test_all_that_shares_a_connection_ends(tmp_path: Path) -> None:
    """A second session on the first one's connection asks nobody, and would outlive it."""
    with stand(tmp_path, sshd="Match User nobody-else\nMatch all\n") as found:
        config = tmp_path / "sshd" / "sshd_config"
        assert "MaxSessions 1" in config.read_text()
        master = ["-o", "ControlMaster=auto", "-o", f"ControlPath={tmp_path}/mux", "-o", "ControlPersist=300"]
        found.bo.options = master
        with found.bo.staying() as first:
            # One session a connection: the second one gets none from it.
            status, said = found.bo.ssh("echo in")
            assert status == 0 or "in" not in said
            uses = len(found.gate.uses())
            found.gate.gate.revoke(found.lease.terms.id, found.lease.terms.approvers[0], "wrong server")
            assert first.wait(15) != 0
            until(lambda: nobody_in(found), 10)
            found.bo.is_refused()
            assert len(found.gate.uses()) == uses


def test_with_more_sessions_a_connection_all_of_them_end(tmp_path: Path) -> None:
    """Where an operator lets a connection carry several, one of them would go on."""
    with ssh_gate(tmp_path / "gate") as gate, believed_folder() as folder:
        lease = gate.leased("end")
        settings = point_settings(gate, folder, tmp_path / "state")
        with SshPoint(settings, clock=gate.clock, look_seconds=0.1) as point:
            more = f"Match User {ME}\n    MaxSessions 5\nMatch all"
            with running_sshd(gate, settings, folder, tmp_path / "sshd", more=more) as server:
                bo = person(tmp_path, gate, server.port, "bo")
                bo.certificate(lease)
                bo.options = ["-o", "ControlMaster=auto", "-o", f"ControlPath={tmp_path}/mux"]
                with bo.staying() as first, bo.staying() as second:
                    assert len(gate.uses()) == 1 and len(point.sessions()) == 1
                    gate.gate.revoke(lease.terms.id, lease.terms.approvers[0], "wrong server")
                    assert first.wait(15) != 0 and second.wait(15) != 0


def test_the_gate_goes_down_in_the_middle_of_a_login(tmp_path: Path) -> None:
    """Between sshd's two questions everything may change; the second answer would be from before."""
    with stand(tmp_path) as found:
        allow = found.point._point.allow

        def down(*given: object, **more: object) -> object:
            answer = allow(*given, **more)  # type: ignore[arg-type]
            found.gate.away()
            return answer

        found.point._point.allow = down  # type: ignore[method-assign,assignment]
        found.bo.opens()  # its use is on record, and its end is known
        found.bo.is_refused()
        found.point._point.allow = allow  # type: ignore[method-assign]
        found.gate.serve()
        found.bo.opens()
        assert len(found.gate.uses()) == 2


# A point in a process of its own


@contextmanager
def own_process(folder: Path, *, restart: int) -> Iterator[tuple[Stand, Path]]:
    with ssh_gate(folder / "gate") as gate, believed_folder() as believed:
        secret = folder / "secret"
        secret.write_text(SECRET)
        secret.chmod(0o600)
        settings = folder / "ssh.toml"
        settings.write_text(
            f'url = "{gate.url}"\ngate = "{ORIGIN}"\nsecret = "{secret}"\nresource = "asset:meetings-us"\n'
            f'state = "{folder}/state"\nsocket = "{believed}/point/ssh.sock"\nhelper = "{HELPER}"\n'
            f'restart_seconds = {restart}\n[accounts.{ME}]\naction = "end"\n'
        )
        from armslength.enforce import read_ssh_settings

        with running_sshd(gate, read_ssh_settings(settings), believed, folder / "sshd") as server:
            lease = gate.leased("end")
            bo = person(folder, gate, server.port, "bo")
            bo.certificate(lease)
            yield Stand(gate=gate, server=server, point=None, bo=bo, lease=lease), settings  # type: ignore[arg-type]


def point_process(settings: Path, socket: Path) -> subprocess.Popen[bytes]:
    with open(settings.with_suffix(".log"), "ab") as log:
        made = subprocess.Popen([sys.executable, "-m", "armslength", "ssh", "point", str(settings)], stderr=log)

    def answers() -> bool:
        try:
            return ask_status(socket)["problems"] == []
        except Unreachable:
            return False

    until(lambda: made.poll() is not None or answers(), 60)
    assert made.poll() is None, settings.with_suffix(".log").read_text()
    return made


def watching(point: int) -> int:
    """The process that watches this point."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                words = Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0")
                if b"watch" in words and f"\nPPid:\t{point}\n" in Path(f"/proc/{name}/status").read_text():
                    return int(name)
            except OSError:
                continue
    raise AssertionError("nothing watches the point")


def test_killing_the_point_keeps_everybody_out_and_ends_who_is_in(tmp_path: Path) -> None:
    """Whoever is in would kill what ends them, and stay."""
    with own_process(tmp_path, restart=1) as (found, settings):
        point = point_process(settings, found.server.settings.socket)
        try:
            with found.bo.staying() as session:
                said = json.loads((tmp_path / "state" / "ssh-sessions.json").read_text())
                assert [LeaseId(each["lease"]) for each in said["sessions"]] == [found.lease.terms.id]
                # What watches it is started again when it is killed.
                first = watching(point.pid)
                os.kill(first, signal.SIGKILL)
                until(lambda: gone(first))
                until(lambda: any(True for _ in _try(lambda: watching(point.pid) != first)))
                point.kill()
                point.wait()
                found.bo.is_refused()
                assert session.wait(25) != 0
        finally:
            point.kill()
            point.wait()


def _try(work: object) -> Iterator[None]:
    try:
        if work():  # type: ignore[operator]
            yield None
    except AssertionError:
        return


def test_a_restart_of_the_point_ends_nobodys_session_and_forgets_none(tmp_path: Path) -> None:
    """An upgrade would throw everybody out; or whoever was in before would never be ended."""
    with own_process(tmp_path, restart=60) as (found, settings):
        point = point_process(settings, found.server.settings.socket)
        try:
            with found.bo.staying() as session:
                point.terminate()
                assert point.wait(20) == 0
                found.bo.is_refused()
                point = point_process(settings, found.server.settings.socket)
                time.sleep(2)
                assert session.poll() is None
                found.gate.gate.revoke(found.lease.terms.id, found.lease.terms.approvers[0], "wrong server")
                assert session.wait(25) != 0
        finally:
            point.terminate()
            point.wait()
