"""Pulling: directories that do not come by themselves are asked, whole, every so often.

A list that is not complete is none: the client trusts nothing of what a service says about how many there are
(`store.scim_client`), and only what was read to its end says that somebody is missing.
"""

from __future__ import annotations

import stat
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from armslength.gate import GateError
from armslength.intake import IntakeError, Problems, json_node
from armslength.service.gate_directory_said import pulled_group, pulled_user
from armslength.store import GateDirectory, ScimClient, ScimFailed
from armslength.tlog import Json

RETRY = 300.0
"""Seconds after which a pull that failed is tried again."""


class Taking(Protocol):
    """What takes a whole directory in."""

    def reconcile(
        self, directory: str, users: Mapping[str, Mapping[str, Json]], groups: Mapping[str, Mapping[str, Json]]
    ) -> None: ...


class Pulling:
    """One thread at a time."""

    def __init__(
        self,
        folder: Path,
        directories: tuple[GateDirectory, ...],
        taking: Taking,
        client: Callable[[str, str], ScimClient] = ScimClient,
    ) -> None:
        self._folder, self._taking, self._client = folder, taking, client
        self._todo = tuple(each for each in directories if each.pull)
        self._due = dict.fromkeys((each.id for each in self._todo), 0.0)
        self._thread: threading.Thread | None = None
        self.problems: dict[str, str] = {}
        """By directory, why it could not be pulled last."""

    def tick(self) -> None:
        """Begin what is due, in a thread of its own: a large directory takes minutes."""
        now = time.monotonic()
        due = [each for each in self._todo if self._due[each.id] <= now]
        if due and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._all, args=(due,), name="gate-pull", daemon=True)
            self._thread.start()

    def _all(self, due: list[GateDirectory]) -> None:
        for each in due:
            wait = 60.0 * each.pull_minutes
            try:
                self.pull(each)
                self.problems.pop(each.id, None)
            except (ScimFailed, IntakeError, GateError, OSError) as error:
                self.problems[each.id] = str(error)[:500]
                wait = min(wait, RETRY)
            except Exception as error:
                self.problems[each.id] = type(error).__name__
                wait = min(wait, RETRY)
            self._due[each.id] = time.monotonic() + wait

    def pull(self, directory: GateDirectory) -> None:
        """Read all of it, and take it in. Raises `ScimFailed`, `IntakeError`, `GateError`."""
        with self._client(directory.pull, self._token(directory)) as client:
            users = _read(client, "Users", pulled_user)
            groups = _read(client, "Groups", pulled_group)
        self._taking.reconcile(directory.id, users, groups)

    def _token(self, directory: GateDirectory) -> str:
        path = self._folder / directory.token_file
        try:
            mode, text = path.stat().st_mode, path.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            raise ScimFailed(f"{path}: cannot be read; expected the token for {directory.pull}") from None
        if stat.S_IMODE(mode) & 0o077:
            raise ScimFailed(f"{path}: others may read it; expected mode 0600 (chmod 600)")
        return text


def _read(
    client: ScimClient, kind: str, read: Callable[[object], tuple[str, Mapping[str, Json]]]
) -> dict[str, Mapping[str, Json]]:
    found: dict[str, Mapping[str, Json]] = {}
    for page in client.pages(kind):
        problems = Problems()
        node = json_node(kind, page, problems)
        problems.stop()
        value = node.value if node is not None and isinstance(node.value, dict) else {}
        rows: object = next((part for name, part in value.items() if name.casefold() == "resources"), [])
        for row in rows if isinstance(rows, list) else ():
            id, attributes = read(row)
            if id in found:
                raise ScimFailed(f"{kind}: the service gave one twice")
            found[id] = attributes
    return found
