"""A lease opens a session at Debian's sshd, for what it is for, and nothing else does."""

from __future__ import annotations

from pathlib import Path

from tests.enforce.ssh.sshd import needs_root, needs_sshd, stand

pytestmark = [needs_sshd, needs_root]


def test_a_lease_opens_a_session_and_its_use_is_on_record(tmp_path: Path) -> None:
    """SSH would be the way around the gate."""
    with stand(tmp_path) as found:
        found.bo.opens()
        (use,) = found.gate.uses()
        assert (use.lease, use.executor, use.action, use.resource) == (
            found.lease.terms.id,
            "bo",
            "end",
            "asset:meetings-us",
        )
        assert found.server.said().count("Accepted certificate ID") >= 1
