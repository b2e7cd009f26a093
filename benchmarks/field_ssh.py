"""From the last approval to the first use over SSH; prints JSON.

`python benchmarks/field_ssh.py`. Real ssh, sshd, point and gate on one machine. Each round: a request that lacks one
approval gets it (a passkey's signature over it), the person gets a certificate for the lease, logs in and runs a
command that says something. Beside it: the same login with a key that lies on the server, as sshd has it without the
gate.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from armslength.enforce import SshPoint  # noqa: E402
from armslength.gate import PersonId  # noqa: E402
from tests.enforce.nginx import free_port  # noqa: E402
from tests.enforce.ssh.sshd import (  # noqa: E402
    ME,
    SSHD,
    Person,
    believed_folder,
    person,
    point_settings,
    running_sshd,
    ssh_gate,
    until,
)
from tests.service.gates import MEETINGS, approve, asked  # noqa: E402


def approval_to_use(folder: Path, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each round: the approval until it is a lease, the certificate, the login until its command spoke,
    and all of it; and of a login without the gate."""
    found: dict[str, list[float]] = {
        name: [] for name in ("approval", "certificate", "login", "all", "login without the gate")
    }
    with ExitStack() as stack:
        gate = stack.enter_context(ssh_gate(folder / "gate"))
        believed = stack.enter_context(believed_folder())
        settings = point_settings(gate, believed, folder / "state", offline=True, point={"poll_seconds": 5.0})
        stack.enter_context(SshPoint(settings))
        server = stack.enter_context(running_sshd(gate, settings, believed, folder / "sshd"))
        bo = person(folder, gate, server.port, "bo")
        plain = stack.enter_context(_plain(folder, bo))
        for _ in range(rounds + 1):
            waiting = asked(gate.gate, "end", MEETINGS).request.id
            approve(gate.gate, waiting, "di")
            begun = time.perf_counter()
            state = approve(gate.gate, waiting, "ed")
            leased = time.perf_counter()
            lease = gate.gate.lease(state.status.lease)  # type: ignore[union-attr]
            bo.certificate(lease)
            given = time.perf_counter()
            bo.opens()
            done = time.perf_counter()
            for name, seconds in (
                ("approval", leased - begun),
                ("certificate", given - leased),
                ("login", done - given),
                ("all", done - begun),
            ):
                found[name].append(1000 * seconds)
            gate.gate.give_back(lease.terms.id, PersonId("bo"))
            begun = time.perf_counter()
            plain.opens()
            found["login without the gate"].append(1000 * (time.perf_counter() - begun))
    return {name: times[1:] for name, times in found.items()}  # the first one warms up


class _plain(ExitStack):
    """An sshd with the person's key on it."""

    def __init__(self, folder: Path, who: Person) -> None:
        super().__init__()
        self._folder, self._who = folder, who

    def __enter__(self) -> Person:  # type: ignore[override]
        super().__enter__()
        keys, port = self._folder / "keys", free_port()
        keys.write_bytes(self._who.key.with_suffix(".pub").read_bytes())
        text = (
            f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {self._folder}/sshd/host\nPidFile none\nUsePAM no\n"
            f"StrictModes no\nPermitRootLogin prohibit-password\nAuthorizedKeysFile {keys}\n"
        )
        (self._folder / "plain_config").write_text(text)
        log = self._folder / "plain.log"
        with open(log, "wb") as out:
            command = [SSHD, "-D", "-e", "-f", str(self._folder / "plain_config")]
            process = subprocess.Popen(command, stdout=out, stderr=out)
        self.callback(process.wait)
        self.callback(process.terminate)
        until(lambda: "Server listening" in log.read_text())
        copy = self._folder / "alone"
        copy.write_bytes(self._who.key.read_bytes())
        copy.chmod(0o600)
        return Person(gate=self._who.gate, key=copy, port=port)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    asked_for = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit(f"run as root: sshd logs {ME} in alone, and runs no helper")
    with tempfile.TemporaryDirectory(prefix="armslength-bench-") as temporary:
        for name, times in approval_to_use(Path(temporary), asked_for.rounds).items():
            p90 = quantiles(times, n=10)[-1]
            print(
                json.dumps({"what": name, "rounds": len(times), "p50_ms": round(median(times)), "p90_ms": round(p90)})
            )


if __name__ == "__main__":
    main()
