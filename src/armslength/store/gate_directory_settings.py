"""Directories that say who is there, as `[[directory]]` of gate.toml names them: how each is heard and how old its word
may become."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from armslength.store.failure import StoreError

IDENTIFIERS = ("externalId", "userName", "employeeNumber", "id")
GROUP_IDENTIFIERS = ("displayName", "externalId", "id")
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_SECRET = re.compile(r"[0-9a-f]{64}")
_COVERS = re.compile(r"everyone|(group|person):\S(.*\S)?")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ADDRESS = re.compile(r"https?://[^\s@?#]+")
_MOST = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDirectory:
    """An identity provider that tells the gate of people by SCIM 2.0, or is asked by it."""

    id: str
    """Its name in records."""
    secret_sha256: str = ""
    """SHA-256, in hex, of the bearer token (`dir_…`) with which it comes to `/scim/v2`; empty: it does not."""
    pull: str = ""
    """The address below which its own Users and Groups lie, to be asked; empty: it comes by itself."""
    token_file: str = ""
    """The file beside gate.toml, of mode 0600, with the token for `pull`."""
    pull_minutes: int = 60
    """Minutes between two pulls."""
    freshness_hours: int = 24
    """Hours after which its word of somebody is too old to decide on."""
    covers: tuple[str, ...] = ("everyone",)
    """Of whom it has to speak, and can say that they left: `everyone`, `group:ID` or `person:ID` of the estate."""
    person: str = "externalId"
    """The attribute of a user that is the person's id in the estate, once `prefix` stands before it."""
    prefix: str = ""
    group: str = "displayName"
    """The attribute of a group that is the group's id in the estate, once `group_prefix` stands before it."""
    group_prefix: str = ""
    leavers_a_day: int = 50
    """How many people it may say to have left within a day. Past that it is believed in nothing, until somebody looked:
    whoever it covers is refused, and nobody leaves for good."""
    confirm_by_reading: bool = False
    """Whether it says the same again where it reads a user and changes nothing."""
    linking: str = ""
    """The file beside gate.toml that says what its words for offices and employers mean, as intake reads it."""


def parse_directories(value: object, wrong: Callable[[str], None]) -> tuple[GateDirectory, ...]:
    """The tables `[[directory]]`; `wrong` is told every problem."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        wrong("directory: expected tables [[directory]]")
        return ()
    found = tuple(_Row(f"directory {place}", row, wrong).directory() for place, row in enumerate(value, 1))
    ids = [each.id for each in found if each.id]
    for id in sorted({id for id in ids if ids.count(id) > 1}):
        wrong(f"directory: the id {id!r} is there twice")
    secrets = [each.secret_sha256 for each in found if each.secret_sha256]
    if len(set(secrets)) < len(secrets):
        wrong("directory: two have the same secret_sha256; expected a secret of its own for each")
    return found


def format_directories(directories: Sequence[GateDirectory]) -> list[str]:
    """The lines of the tables, which `parse_directories` reads as the same."""
    lines: list[str] = []
    for each in directories:
        lines += ["", "[[directory]]", *_lines(each)]
    return lines


def with_directory(
    data: bytes, directory: GateDirectory, where: str, parse: Callable[[bytes, str, list[str]], object]
) -> bytes:
    """The text of `gate.toml` with one directory more at its end. Raises `StoreError` with every problem of what comes
    out; `parse` finds them."""
    text = data.rstrip(b"\n") + ("\n\n[[directory]]\n" + "\n".join(_lines(directory)) + "\n").encode()
    problems: list[str] = []
    if parse(text, where, problems) is None:
        raise StoreError("\n".join(problems))
    return text


def _lines(directory: GateDirectory) -> list[str]:
    """What is not left to its default."""
    said = [(each, getattr(directory, each.name)) for each in fields(GateDirectory)]
    return [f"{each.name} = {_toml(value)}" for each, value in said if each.name == "id" or value != each.default]


def _toml(value: object) -> str:
    said = list(value) if isinstance(value, tuple) else value
    return json.dumps(said, ensure_ascii=False).replace("\x7f", "\\u007f")


class _Row:
    def __init__(self, at: str, row: Mapping[str, Any], wrong: Callable[[str], None]) -> None:
        self._at, self._row, self._wrong = at, row, wrong
        known = [each.name for each in fields(GateDirectory)]
        for name in row:
            if name in ("secret", "token"):
                wrong(f"{at}.{name}: a secret is not kept here; armslength gate add-directory makes one")
            elif name not in known:
                wrong(f"{at}: unknown setting {name[:40]!r}; expected one of {', '.join(known)}")

    def directory(self) -> GateDirectory:
        made = GateDirectory(
            id=self._shaped("id", _ID, "a short name such as okta", required=True),
            secret_sha256=self._shaped("secret_sha256", _SECRET, "64 digits of lower-case hexadecimal"),
            pull=self._shaped("pull", _ADDRESS, "an address such as https://idp.example/scim/v2"),
            token_file=self._shaped("token_file", _FILE, "the name of a file beside gate.toml"),
            pull_minutes=self._number("pull_minutes", 60),
            freshness_hours=self._number("freshness_hours", 24),
            covers=self._covers(),
            person=self._one_of("person", IDENTIFIERS, "externalId"),
            prefix=self._prefix("prefix"),
            group=self._one_of("group", GROUP_IDENTIFIERS, "displayName"),
            group_prefix=self._prefix("group_prefix"),
            leavers_a_day=self._number("leavers_a_day", 50),
            confirm_by_reading=self._flag("confirm_by_reading"),
            linking=self._shaped("linking", _FILE, "the name of a file beside gate.toml"),
        )
        if bool(made.secret_sha256) == bool(made.pull):
            self._wrong(f"{self._at}: expected secret_sha256, where it comes by itself, or pull, where it is asked")
        if bool(made.pull) != bool(made.token_file):
            self._wrong(f"{self._at}: expected token_file with pull, and not without it")
        if made.pull and made.pull_minutes >= 60 * made.freshness_hours:
            self._wrong(f"{self._at}: pull_minutes = {made.pull_minutes}; expected less than freshness_hours")
        return made

    def _shaped(self, name: str, shape: re.Pattern[str], words: str, *, required: bool = False) -> str:
        value = self._row.get(name)
        if value is None and not required:
            return ""
        if isinstance(value, str) and shape.fullmatch(value) and value.isprintable():
            return value
        # Not repeated: it may be a secret that was put in the wrong place.
        seen = "is missing" if value is None else f"of {len(str(value))} characters"
        self._wrong(f"{self._at}.{name} {seen}; expected {words}")
        return ""

    def _number(self, name: str, default: int) -> int:
        value = self._row.get(name, default)
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST:
            return value
        self._wrong(f"{self._at}.{name} = {value!r:.40}; expected a whole number from 1 to {_MOST:,}")
        return default

    def _flag(self, name: str) -> bool:
        value = self._row.get(name, False)
        if isinstance(value, bool):
            return value
        self._wrong(f"{self._at}.{name} = {value!r:.40}; expected true or false")
        return False

    def _one_of(self, name: str, words: Sequence[str], default: str) -> str:
        value = self._row.get(name, default)
        if isinstance(value, str) and value in words:
            return value
        self._wrong(f"{self._at}.{name} = {value!r:.40}; expected one of {', '.join(words)}")
        return default

    def _prefix(self, name: str) -> str:
        value = self._row.get(name, "")
        if isinstance(value, str) and value.isprintable() and value == value.strip() and len(value) <= 100:
            return value
        self._wrong(f"{self._at}.{name} = {value!r:.40}; expected a short text without spaces around it")
        return ""

    def _covers(self) -> tuple[str, ...]:
        value = self._row.get("covers", ["everyone"])
        good = isinstance(value, list) and value and all(isinstance(each, str) for each in value)
        if good and all(_COVERS.fullmatch(each) and each.isprintable() for each in value):
            return tuple(value)
        self._wrong(f"{self._at}.covers = {value!r:.80}; expected some of everyone, group:ID, person:ID")
        return ("everyone",)
