"""SSH: a live lease becomes a certificate of minutes, which one key can use and which opens nothing by itself.

A server's enforcement point still asks, at each login, whether the lease lets it happen, and only then is there a use
on record. What the certificate adds is what policy asks of a session (gate/ssh.py), and it never lets anything be
forwarded.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificateBuilder,
    SSHCertificateType,
    load_ssh_public_key,
)

from armslength.estate import policy_annotations
from armslength.gate import (
    LEASE_EXTENSION,
    Conflict,
    LeaseTerms,
    Moment,
    Rejected,
    SshLimits,
    Tampered,
    Why,
    moment,
    parse_jwks,
    posix,
    ssh_limits,
    ssh_principal,
    verify_lease,
)
from armslength.service.gate import Gate
from armslength.service.gate_failure import Unavailable
from armslength.store import Damaged, StoreError

MINUTES = 5
"""For which a certificate is good at most; what it opens may go on until the lease ends."""
BEFORE = 60
"""Seconds by which a server's clock may be behind ours."""
LONGEST_KEY = 16_384
"""Characters of the line that a key is shown in."""
FEWEST_BITS = 3072
"""Of an RSA key."""

SshKey = Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey
_KINDS = frozenset({"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-ed25519", "ssh-rsa"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SshCertificate:
    """`text` is the line that ssh takes as a `CertificateFile`; `until` is when it is over."""

    text: str
    lease: LeaseTerms
    serial: int
    until: Moment
    limits: SshLimits


class SshAuthority:
    """Signs certificates for one gate. Threads may share it."""

    def __init__(
        self, gate: Gate, key: Ed25519PrivateKey, *, chance: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        self._gate, self._key, self._chance = gate, key, chance

    def certificate(self, token: str, key: str) -> SshCertificate:
        """A certificate for the lease that `token` is, as the gate signed it, and the public key that `key` shows as
        ssh-keygen writes one. The first key that asks is the lease's: whoever comes by the token later has no use of it
        here.

        Raises `Rejected` for what is no lease of ours or no key, `Conflict` where the lease is over, has not begun or
        belongs to another key, and `Unavailable`, `Tampered`.
        """
        public = parse_ssh_key(key)
        now = self._gate.now()
        found = verify_lease(token, parse_jwks(self._gate.jwks())).terms
        if found.gate != self._gate.settings.origin:
            raise Rejected(["the lease is another gate's"])
        state = self._gate.lease(found.id)
        kept = self._gate.token(found.id)  # which looks at the lease, its row and its quorum
        terms = state.terms
        if now < terms.start:
            raise Conflict("the lease has not begun")
        limits = ssh_limits(policy_annotations(self._gate.decider.estate, terms.rule))
        self._bound(terms, public, now)
        until = min(posix(terms.end), posix(now) + 60 * MINUTES)
        serial = int.from_bytes(self._chance(8), "big") >> 1 or 1
        builder = (
            SSHCertificateBuilder()
            .public_key(public)
            .serial(serial)
            .type(SSHCertificateType.USER)
            .key_id(f"{terms.id} {serial}".encode())
            .valid_principals([ssh_principal(terms.id).encode()])
            .valid_after(max(0, posix(now) - BEFORE))
            .valid_before(until)
            .add_extension(LEASE_EXTENSION.encode(), kept.encode("ascii"))
        )
        if limits.command is not None:
            builder = builder.add_critical_option(b"force-command", limits.command.encode())
        if limits.source:
            builder = builder.add_critical_option(b"source-address", ",".join(limits.source).encode())
        if limits.pty:
            builder = builder.add_extension(b"permit-pty", b"")
        text = builder.sign(self._key).public_bytes().decode("ascii")
        return SshCertificate(text=text, lease=terms, serial=serial, until=moment(until), limits=limits)

    def _bound(self, terms: LeaseTerms, key: SshKey, now: Moment) -> None:
        """One lease, one key: points and services see tokens too, and a token alone must not open a shell."""
        print = hashlib.sha256(key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)).digest()
        try:
            stands = self._gate.database.change(
                lambda tables: tables.idempotency.remember(
                    "ssh", terms.id, body=print, answer=terms.id, now=posix(now), ends=posix(terms.end) + 1
                )
            )
        except Damaged as error:
            raise Tampered(str(error)) from None
        except StoreError as error:
            raise Unavailable(Why.STORE, f"the gate's storage fails: {error}") from None
        if stands.body != print:
            raise Conflict(
                "a certificate of this lease was made for another key; if that was not you, revoke the lease and tell"
                " whoever looks after the gate"
            )


def parse_ssh_key(line: str) -> SshKey:
    """The public key in a line such as `ssh-ed25519 AAAA… bo@laptop`. Raises `Rejected`."""
    words = line.split(" ", 2) if len(line) <= LONGEST_KEY and line.isprintable() else []
    if len(words) < 2 or words[0] not in _KINDS:
        raise Rejected([f"the key: expected a line that begins with one of {', '.join(sorted(_KINDS))}"])
    try:
        found = load_ssh_public_key(" ".join(words[:2]).encode("ascii"))
    except (ValueError, UnsupportedAlgorithm):
        raise Rejected(["the key: cannot be read"]) from None
    if isinstance(found, RSAPublicKey) and found.key_size < FEWEST_BITS:
        raise Rejected([f"an RSA key of {found.key_size} bits: expected {FEWEST_BITS} at least"])
    if not isinstance(found, SshKey):
        raise Rejected(["the key: of a kind that no certificate is made for"])
    return found
