"""The certificate that somebody shows to sshd, as its helper hands it on: which lease it is for, and what it may be.

sshd has looked at its authority before, and looks at its times and principals only after it asked: here all of that is
checked, or a use would be spent on what sshd refuses.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import SSHCertificate, SSHCertificateType, load_ssh_public_identity

from armslength.gate import LEASE_EXTENSION, LeaseId, PersonId, Rejected, is_id, is_name, ssh_principal

MOST_TEXT = 65_536
_MAY = frozenset({b"permit-pty", LEASE_EXTENSION.encode()})
_MUST = frozenset({b"force-command", b"source-address"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCertificate:
    """`token` is the lease as the gate signed it, and `person` whom it names: to be checked by who knows its keys.
    `counted`: the gate counts its uses. `command` is what alone runs, None for what the person asks for; `digest` the
    SHA-256 of the certificate; it is good from `after` until `before`, POSIX seconds."""

    lease: LeaseId
    token: str
    person: PersonId
    counted: bool
    serial: int
    command: str | None
    pty: bool
    digest: bytes
    after: int
    before: int


def read_certificate(text: str) -> ShownCertificate:
    """`text` is the certificate in base64 (sshd's `%k`). Raises `Rejected` for what the gate would not have made."""
    if len(text) > MOST_TEXT:
        raise Rejected(["the certificate is too long"])
    try:
        blob = base64.b64decode(text, validate=True)
        kind = blob[4 : 4 + struct.unpack(">I", blob[:4])[0]]
        found = load_ssh_public_identity(kind + b" " + base64.b64encode(blob))
        if not isinstance(found, SSHCertificate):
            raise Rejected(["it is a key, and no certificate"])
        found.verify_cert_signature()
    except (binascii.Error, struct.error, ValueError, UnsupportedAlgorithm, InvalidSignature) as error:
        raise Rejected([f"the certificate cannot be read: {type(error).__name__}"]) from None
    if found.type is not SSHCertificateType.USER:
        raise Rejected(["the certificate is no user's"])
    if len(found.valid_principals) != 1:
        raise Rejected(["the certificate is not for one lease alone"])
    principal = found.valid_principals[0].decode("utf-8", "replace")
    lease = LeaseId(principal.removeprefix("lease:"))
    if not is_id(lease, "lease") or principal != ssh_principal(lease):
        raise Rejected(["the certificate is for no lease"])
    if odd := sorted((set(found.critical_options) - _MUST) | (set(found.extensions) - _MAY)):
        raise Rejected([f"the certificate has {odd[0].decode('utf-8', 'replace')[:60]!r}, which the gate never gives"])
    try:
        token = found.extensions[LEASE_EXTENSION.encode()].decode("ascii")
        command = found.critical_options.get(b"force-command")
        said = None if command is None else command.decode("ascii")
    except (KeyError, UnicodeDecodeError):
        raise Rejected(["the certificate does not hold its lease"]) from None
    person, counted = _lease(token, lease)
    return ShownCertificate(
        lease=lease,
        token=token,
        person=person,
        counted=counted,
        serial=found.serial,
        command=said,
        pty=b"permit-pty" in found.extensions,
        digest=hashlib.sha256(blob).digest(),
        after=found.valid_after,
        before=found.valid_before,
    )


def _lease(token: str, lease: LeaseId) -> tuple[PersonId, bool]:
    try:
        claims = token.split(".")[1]
        said = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        id, person, counts = said["jti"], said["sub"], (said["uses"], said["most_customers"])
    except (IndexError, KeyError, TypeError, ValueError, RecursionError):
        raise Rejected(["the certificate's lease cannot be read"]) from None
    if id != lease:
        raise Rejected(["the certificate holds another lease than it is for"])
    if not isinstance(person, str) or not is_name(person):
        raise Rejected(["the certificate's lease names nobody"])
    return PersonId(person), counts != (None, None)
