"""A Matrix homeserver (Synapse) of the example's own: SQLite, no federation, on 127.0.0.1 alone.

Its admin API takes whoever holds an administrator's token: any room, any account. That is the power that the gate
stands before. The token is made here and given to nginx; no member of the staff ever holds it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import urllib3

NAME = "fernbank.example"
"""The homeserver's name, which every user and room id ends in."""

ADMIN = "gate-hand"
SECONDS = 60
"""How long a start may take."""


class HomeserverError(Exception):
    """Synapse did not start, or answered what was not expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody's account with an access token of theirs; `address` is where they sit."""

    user: str
    token: str
    address: str = "127.0.0.1"


class Homeserver:
    """One running Synapse. `python` is the interpreter of its environment; all it writes is in `folder`."""

    def __init__(self, *, python: Path, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._python, self._folder, self._port = python, folder, port
        self._process: subprocess.Popen[bytes] | None = None
        self._pool = urllib3.PoolManager(retries=False, timeout=30)

    def start(self) -> None:
        """Returns once it answers. Raises `HomeserverError` with the end of its log."""
        self._folder.mkdir(mode=0o700, parents=True)
        secret = self._folder / "registration.secret"
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(32))
        settings = self._folder / "homeserver.yaml"
        settings.touch(mode=0o600)
        settings.write_text(json.dumps(self._settings(), indent=1))  # JSON is YAML
        command = [str(self._python), "-m", "synapse.app.homeserver", "-c", str(settings)]
        with (self._folder / "homeserver.out").open("wb") as out:
            made = subprocess.run([*command, "--generate-keys"], stdout=out, stderr=out, cwd=self._folder)
            if made.returncode:
                raise HomeserverError(self._said())
            self._process = subprocess.Popen(command, stdout=out, stderr=out, cwd=self._folder, start_new_session=True)
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            try:
                if self._pool.request("GET", f"{self.url}/health").status == 200:
                    return
            except urllib3.exceptions.HTTPError:
                pass
            time.sleep(0.1)
        said = self._said()
        self.close()
        raise HomeserverError(f"Synapse did not start: {said}")

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def register(self, name: str, *, admin: bool = False, address: str = "127.0.0.1") -> Account:
        """A new account, by the shared secret that only this homeserver's operator has."""
        path = "/_synapse/admin/v1/register"
        nonce = self.call("GET", path)["nonce"]
        password = secrets.token_urlsafe(24)
        secret = (self._folder / "registration.secret").read_bytes()
        parts = (nonce, name, password, "admin" if admin else "notadmin")
        mac = hmac.new(secret, "\0".join(parts).encode(), hashlib.sha1).hexdigest()
        form = {"nonce": nonce, "username": name, "password": password, "admin": admin, "mac": mac}
        made = self.call("POST", path, form)
        return Account(user=made["user_id"], token=made["access_token"], address=address)

    def call(self, method: str, path: str, form: object = None, *, by: Account | None = None) -> Any:
        """What the homeserver answers, straight and not by way of nginx. Raises `HomeserverError` for a refusal."""
        status, answer = self.ask(method, path, form, by=by)
        if status != 200:
            raise HomeserverError(f"{method} {path}: {status} {answer}")
        return answer

    def ask(self, method: str, path: str, form: object = None, *, by: Account | None = None) -> tuple[int, Any]:
        """As `call`, with the status and no error."""
        headers = {"Content-Type": "application/json"}
        if by is not None:
            headers |= {
                "Authorization": f"Bearer {by.token}",
                "X-Forwarded-For": by.address,
                "X-Forwarded-Proto": "https",
            }
        body = None if form is None else json.dumps(form).encode()
        answer = self._pool.request(method, self.url + path, body=body, headers=headers)
        return answer.status, answer.json()

    def room(self, host: Account, name: str, guests: tuple[Account, ...]) -> str:
        """A room of `host` that `guests` have joined; its id."""
        form = {"name": name, "preset": "public_chat", "visibility": "private"}
        room: str = self.call("POST", "/_matrix/client/v3/createRoom", form, by=host)["room_id"]
        for guest in guests:
            self.join(room, guest)
        return room

    def join(self, room: str, guest: Account) -> None:
        self.call("POST", f"/_matrix/client/v3/join/{quote(room)}", {}, by=guest)

    def say(self, room: str, by: Account, text: str) -> str | None:
        """Says something in a room; the event's id, or None where that is not let happen."""
        path = f"/_matrix/client/v3/rooms/{quote(room)}/send/m.room.message/{secrets.token_hex(8)}"
        status, answer = self.ask("PUT", path, {"msgtype": "m.text", "body": text}, by=by)
        return answer["event_id"] if status == 200 else None

    def report(self, room: str, event: str, by: Account, reason: str) -> None:
        """A complaint about something said, as any member of a room may make."""
        path = f"/_matrix/client/v3/rooms/{quote(room)}/report/{quote(event)}"
        self.call("POST", path, {"reason": reason, "score": -100}, by=by)

    def _settings(self) -> dict[str, object]:
        folder = self._folder
        plenty = {"per_second": 1000, "burst_count": 1000}
        return {
            "server_name": NAME,
            "pid_file": str(folder / "homeserver.pid"),
            "listeners": [
                {
                    "port": self._port,
                    "bind_addresses": ["127.0.0.1"],
                    "type": "http",
                    "tls": False,
                    "x_forwarded": True,
                    "resources": [{"names": ["client"], "compress": False}],
                }
            ],
            "federation_domain_whitelist": [],
            "allow_public_rooms_over_federation": False,
            "trusted_key_servers": [],
            "database": {"name": "sqlite3", "args": {"database": str(folder / "homeserver.db")}},
            "signing_key_path": str(folder / "signing.key"),
            "media_store_path": str(folder / "media"),
            "log_config": None,
            "report_stats": False,
            "enable_registration": False,
            "registration_shared_secret_path": str(folder / "registration.secret"),
            "macaroon_secret_key": secrets.token_urlsafe(32),
            "form_secret": secrets.token_urlsafe(32),
            "presence": {"enabled": False},
            # A play is quicker than people are.
            **dict.fromkeys(("rc_message", "rc_registration", "rc_reports"), plenty),
            "rc_login": dict.fromkeys(("address", "account", "failed_attempts"), plenty),
            "rc_joins": {"local": plenty, "remote": plenty},
        }

    def _said(self) -> str:
        return (self._folder / "homeserver.out").read_text("utf-8", "replace")[-2000:]
