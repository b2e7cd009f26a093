"""`ssh.ca` in a gate's folder: the key that signs certificates for SSH, as ssh-keygen writes keys, mode 0600.

It is a key of its own: sshd believes whatever it signs, and nothing else of the gate may be read as a certificate.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from armslength.store.failure import StorageFailed, StoreError
from armslength.store.writing import replace_file

SSH_CA = "ssh.ca"
_SIZE = 32


def read_ssh_ca(path: Path) -> Ed25519PrivateKey | None:
    """The key of the gate's folder at `path`; None where there is none, and the gate signs no certificates. Raises
    `StoreError`."""
    place = path / SSH_CA
    try:
        data = place.read_bytes()
        mode = os.stat(place).st_mode
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageFailed(f"{place}: {error.strerror}") from error
    if stat.S_IMODE(mode) & 0o077:
        raise StoreError(f"{place}: others may read it; expected mode 0600 (chmod 600)")
    try:
        key = load_ssh_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise StoreError(f"{place}: expected an ed25519 key without a passphrase, as ssh-keygen writes it") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise StoreError(f"{place}: expected an ed25519 key")
    return key


def make_ssh_ca(path: Path, *, chance: Callable[[int], bytes]) -> Ed25519PrivateKey:
    """Make the key of the gate's folder at `path`. Raises `StoreError` where there is one."""
    place = path / SSH_CA
    if os.path.lexists(place):
        raise StoreError(f"{place}: is there already")
    key = Ed25519PrivateKey.from_private_bytes(chance(_SIZE))
    written = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    try:
        replace_file(place, written, mode=0o600)
    except OSError as error:
        raise StorageFailed(f"{place}: {error.strerror}") from error
    return key


def ssh_ca_line(key: Ed25519PrivateKey, origin: str) -> str:
    """Its public half, as a line of sshd's `TrustedUserCAKeys`; `origin` is the gate's."""
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")
    return f"{line} {origin}"
