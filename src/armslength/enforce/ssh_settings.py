"""What a server's SSH point has to be told: a file of TOML. Parsed once, every problem at once.

url = "https://gate.example.com"             the gate's
gate = "gate.example.com/acts"               the origin of its ledger
secret = "/etc/armslength/point.secret"      a file with the point's secret
resource = "asset:db-1"                      what logging in here is about, as the estate names it
state = "/var/lib/armslength"                for uses that wait for the gate, and who is in
socket = "/run/armslength/ssh.sock"
restart_seconds = 15                         in which another point may take over from one that ended

[accounts.deploy]                            those that leases open; no other
action = "ssh"                               what logging in as it is
command = "/usr/local/sbin/deploy"           the only thing that runs; what the person asks for if not given
pty = false                                  whether there may be a terminal; true if not given
"""

from __future__ import annotations

import pwd
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from armslength.enforce.failure import EnforceError
from armslength.enforce.settings import PointSettings
from armslength.gate import TARGETS, Target, is_name, ssh_command_problem

SOCKET = "/run/armslength/ssh.sock"
RESTART_SECONDS = 15
_ACCOUNT = re.compile(r"[a-z_][a-z0-9_.-]{0,31}\$?")
_KNOWN = (
    *("accounts", "authority", "gate", "helper", "offline", "resource", "restart_seconds", "secret", "socket"),
    *("state", "url"),
)
_TEXTS = ("gate", "resource", "secret", "state", "url")


@dataclass(frozen=True, slots=True, kw_only=True)
class SshAccount:
    """What logging in as this account is, and what it may be."""

    action: str
    command: str | None
    pty: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SshPointSettings:
    """`helper` is the system user who may ask, beside root and whoever runs the point; `point` how the gate is
    asked; after `restart_seconds` without a point sessions end."""

    point: PointSettings
    resource: Target
    accounts: Mapping[str, SshAccount]
    state: Path
    socket: Path
    helper: int | None
    restart_seconds: int = RESTART_SECONDS


def read_ssh_settings(path: Path) -> SshPointSettings:
    """Raises `EnforceError` with every problem, a line each."""
    try:
        said = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise EnforceError(f"{path}: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise EnforceError(f"{path}: {error}") from None
    problems: list[str] = []
    settings = _settings(said, problems)
    if settings is None or problems:
        raise EnforceError("\n".join(f"{path}: {problem}" for problem in problems))
    return settings


def _settings(said: Mapping[str, Any], problems: list[str]) -> SshPointSettings | None:
    problems += [f"unknown setting {key!r}; expected one of {', '.join(_KNOWN)}" for key in said if key not in _KNOWN]
    texts = {key: _text(said, key, problems) for key in _TEXTS}
    socket = _text(said, "socket", problems) if "socket" in said else SOCKET
    authority = _text(said, "authority", problems) if "authority" in said else None
    helper = _helper(_text(said, "helper", problems), problems) if "helper" in said else None
    offline = said.get("offline", True)
    if not isinstance(offline, bool):
        problems.append("offline: expected true or false")
    restart = said.get("restart_seconds", RESTART_SECONDS)
    if isinstance(restart, bool) or not isinstance(restart, int) or not 1 <= restart <= 60:
        problems.append("restart_seconds: expected a whole number from 1 to 60")
    for key, value in (("secret", texts["secret"]), ("state", texts["state"]), ("socket", socket)):
        if value and not value.startswith("/"):
            problems.append(f"{key} = {value!r}: expected a path from /")
    kind, _, name = texts["resource"].partition(":")
    if texts["resource"] and (kind not in TARGETS or not is_name(name)):
        problems.append(f"resource = {texts['resource'][:80]!r}: expected asset:… as the estate names it")
    accounts = _accounts(said.get("accounts"), problems)
    secret = _secret(Path(texts["secret"]), problems) if texts["secret"] else ""
    if problems:
        return None
    state = Path(texts["state"])
    try:
        point = PointSettings(
            url=texts["url"],
            gate=texts["gate"],
            secret=secret,
            spool=state / "spool" if offline else None,
            authority=None if authority is None else Path(authority),
        )
    except ValueError as error:
        problems += str(error).split("; ")
        return None
    return SshPointSettings(
        point=point,
        resource=Target(type=kind, id=name),
        accounts=accounts,
        state=state,
        socket=Path(socket),
        helper=helper,
        restart_seconds=restart,
    )


def _text(said: Mapping[str, Any], key: str, problems: list[str]) -> str:
    value = said.get(key)
    if isinstance(value, str) and value and value == value.strip() and value.isprintable():
        return value
    problems.append(f"{key}: expected a text in quotes" if key in said else f"expected {key}")
    return ""


def _accounts(said: object, problems: list[str]) -> dict[str, SshAccount]:
    if not isinstance(said, dict) or not said:
        problems.append("expected a table [accounts.NAME] for each account that leases open")
        return {}
    found: dict[str, SshAccount] = {}
    for name, row in said.items():
        at = f"accounts.{name}"
        if not _ACCOUNT.fullmatch(name):
            problems.append(f"{at}: expected the name of an account")
        if not isinstance(row, dict):
            problems.append(f"{at}: expected a table")
            continue
        problems += [
            f"{at}: unknown setting {key!r}; expected one of action, command, pty"
            for key in row
            if key not in ("action", "command", "pty")
        ]
        action, command, pty = row.get("action"), row.get("command"), row.get("pty", True)
        if not isinstance(action, str) or not is_name(action):
            problems.append(f"{at}.action: expected an action of the estate")
            action = ""
        if command is not None and (not isinstance(command, str) or (wrong := ssh_command_problem(command))):
            problems.append(f"{at}.command {wrong if isinstance(command, str) else 'is no text'}")
        if not isinstance(pty, bool):
            problems.append(f"{at}.pty: expected true or false")
        found[name] = SshAccount(action=action, command=command, pty=bool(pty))
    return found


def _helper(name: str, problems: list[str]) -> int | None:
    try:
        return pwd.getpwnam(name).pw_uid if name else None
    except KeyError:
        problems.append(f"helper = {name!r}: there is no such user here")
        return None


def _secret(path: Path, problems: list[str]) -> str:
    try:
        if path.stat().st_mode & 0o077:
            problems.append(f"{path}: others may read it; expected mode 0600 (chmod 600)")
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{path}: {error.strerror if isinstance(error, OSError) else 'is no secret'}")
        return ""
