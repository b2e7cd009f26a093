"""The person's side of SSH: a certificate from the gate, for a lease that they have."""

from __future__ import annotations

import json
import os
import re
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import urllib3

from armslength.enforce.failure import EnforceError, NotAllowed, Unreachable
from armslength.enforce.unanswered import unanswered
from armslength.gate import Refused, Why

PATH = "/gate/v1/ssh-certificate"
SECONDS = 10.0
MOST_BYTES = 262_144
_LINE = re.compile(r"[a-z0-9@.-]+-cert-v01@openssh\.com [A-Za-z0-9+/=]+")
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenCertificate:
    """`text` is the line that ssh takes; it is over at `until`, and a session at `ends`, as the gate writes times.
    `command` is all that runs; None: what is asked for."""

    text: str
    action: str
    resource: str
    until: str
    ends: str
    command: str | None


def ask_certificate(url: str, lease: str, key: str, *, authority: Path | None = None) -> GivenCertificate:
    """Raises `NotAllowed` with the gate's sentence, `Unreachable`, and `EnforceError` for a url that is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise EnforceError(f"the gate's url {url[:80]!r}: expected https:// and a host")
    if parts.scheme == "http" and parts.hostname not in _LOCAL:
        raise EnforceError(f"the gate's url {url[:80]!r}: expected https, as the lease travels on it")
    more = {} if authority is None else {"ca_certs": str(authority)}
    with urllib3.PoolManager(retries=False, **more) as pool:  # type: ignore[arg-type]
        try:
            answer = pool.request(
                "POST",
                url.rstrip("/") + PATH,
                body=json.dumps({"lease": lease, "key": key}).encode(),
                headers={"Content-Type": "application/json"},
                redirect=False,
                timeout=urllib3.Timeout(total=SECONDS),
                preload_content=False,
            )
            body = answer.read(MOST_BYTES)
            answer.release_conn()
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise unanswered(url, error) from None
    if answer.status in (400, 409, 503):
        says = "".join(c for c in body[:1000].decode("utf-8", "replace").strip() if c.isprintable() or c == "\n")
        raise NotAllowed(Refused(why=Why.GATE if answer.status == 503 else Why.NO_LEASE, says=says or "no"))
    try:
        if answer.status == 404:
            raise Unreachable(
                "this gate signs no certificates for SSH: its operator makes a key, armslength gate ssh-ca"
            )
        said = json.loads(body)
        given = GivenCertificate(
            text=str(said["certificate"]),
            action=str(said["action"]),
            resource=str(said["resource"]),
            until=str(said["until"]),
            ends=str(said["ends"]),
            command=None if said.get("command") is None else str(said["command"]),
        )
    except (ValueError, KeyError, TypeError):
        raise Unreachable(f"the gate's answer ({answer.status}) is no certificate") from None
    if not _LINE.fullmatch(given.text.strip()):
        raise Unreachable("the gate's answer is no certificate")
    return given


def put_certificate(key: Path, text: str) -> Path:
    """Write it where ssh looks for it, beside the key. Raises `OSError`."""
    place = key.with_name(f"{key.name.removesuffix('.pub')}-cert.pub")
    handle, made = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text.strip() + "\n")
        os.rename(made, place)
    except BaseException:
        os.unlink(made)
        raise
    return place


def ask_status(place: Path) -> dict[str, object]:
    """How the point of this machine is, asked at its socket. Raises `Unreachable`."""
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(SECONDS)
            link.connect(str(place))
            link.sendall(b'{"ask": "status"}\n')
            found = b""
            while not found.endswith(b"\n") and (part := link.recv(65_536)):
                found += part
        said = json.loads(found)
        if not isinstance(said, dict) or "sessions" not in said:
            raise ValueError
    except OSError as error:
        raise Unreachable(f"no point answers at {place}: {error.strerror or error}") from None
    except ValueError:
        raise Unreachable(f"what answers at {place} is no point, or not to you") from None
    return said
