"""Certificates for SSH: who has a live lease brings it with their public key, and nobody else is asked for.

A certificate opens nothing by itself: the server's own point redeems the lease at each login.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from armslength.gate import format_moment
from armslength.service import Gate, SshAuthority
from armslength.store import read_ssh_ca, ssh_ca_line
from armslength.web.authzen_wire import Wire
from armslength.web.gate_body import parse_body
from armslength.web.gate_dispatch import Endpoint
from armslength.web.gate_exchange import TEXT, Answer, Exchange, answered, json_body, waited

CERTIFICATE, AUTHORITY = "/gate/v1/ssh-certificate", "/gate/v1/ssh-authority"
MOST_BODY = 65_536
CACHING = b"max-age=60"


class SshAsked(Wire, frozen=True):
    """`lease` is the lease as the gate signed it, `key` a line as ssh-keygen writes it."""

    lease: Annotated[str, Meta(min_length=1, max_length=32_768)]
    key: Annotated[str, Meta(min_length=1, max_length=16_384)]


class SshGiven(Wire, frozen=True):
    """`certificate` is the line that ssh takes; it is over at `until`, and what it opened at `ends`, with the lease.
    `command` is the only thing that runs; left out: what the person asks for."""

    certificate: str
    serial: str
    lease: str
    action: str
    resource: str
    until: str
    ends: str
    pty: bool
    command: str | UnsetType = UNSET


class Ssh:
    """The endpoints, over a gate and its authority."""

    def __init__(self, authority: SshAuthority, line: str) -> None:
        self._authority, self._line = authority, line

    async def certificate(self, exchange: Exchange) -> Answer:
        asked = parse_body(await json_body(exchange, MOST_BODY), SshAsked)
        return await waited(self._certificate, asked)

    def _certificate(self, asked: SshAsked) -> Answer:
        made = self._authority.certificate(asked.lease, asked.key.strip())
        return answered(
            SshGiven(
                certificate=made.text,
                serial=str(made.serial),
                lease=made.lease.id,
                action=made.lease.action,
                resource=str(made.lease.resource),
                until=format_moment(made.until),
                ends=format_moment(made.lease.end),
                pty=made.limits.pty,
                command=UNSET if made.limits.command is None else made.limits.command,
            )
        )

    async def authority(self, exchange: Exchange) -> Answer:
        return Answer(body=f"{self._line}\n".encode(), media=TEXT, caching=CACHING)


def ssh_endpoints(gate: Gate) -> list[Endpoint]:
    """None where the gate has no key to sign certificates with. Raises `StoreError` where that key cannot be used."""
    key = read_ssh_ca(gate.folder.path)
    if key is None:
        return []
    ssh = Ssh(SshAuthority(gate, key), ssh_ca_line(key, gate.settings.origin))
    return [
        Endpoint(
            method="POST",
            path=CERTIFICATE,
            kind="ssh-certificate",
            handler=ssh.certificate,
            summary="A certificate of minutes for whoever brings a live lease.",
            takes=SshAsked,
            gives={200: (SshGiven,), 409: ()},
            secured=False,
        ),
        Endpoint(
            method="GET",
            path=AUTHORITY,
            kind="ssh-authority",
            handler=ssh.authority,
            summary="The public key that certificates verify with, as a line for sshd's TrustedUserCAKeys.",
            gives={200: ()},
            media=TEXT.decode(),
            schema={"type": "string"},
            secured=False,
        ),
    ]
