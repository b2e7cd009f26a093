"""What `gate.toml` says: how a gate runs that its estate does not say. Parsed once, every problem at once."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from armslength.store.failure import StoreError
from armslength.store.gate_directory_settings import GateDirectory, format_directories, parse_directories
from armslength.store.gate_sign_in import GateSignIn, format_sign_in, parse_sign_in
from armslength.store.postgresql_dsn import check_dsn
from armslength.store.postgresql_place import is_postgresql
from armslength.tlog import Malformed, check_key_name

May = Literal["forward", "evaluate", "redeem"]
"""What an enforcement point may ask of the gate: about a web request, for a decision, for a use of a lease."""

_HOST = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_SECRET = re.compile(r"[0-9a-f]{64}")
_SITE = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
_MOST = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePoint:
    """An enforcement point that may ask this gate."""

    id: str
    """Its name in records."""
    secret_sha256: str
    """SHA-256, in hex, of the secret that it shows (`pt_…`): whoever reads the settings cannot be it."""
    hosts: tuple[str, ...] = ()
    """Whose requests it may ask about, in lower case and without port; `*` for any."""
    may: tuple[May, ...] = ()
    """Nothing by default."""
    actions: tuple[str, ...] = ()
    """Which actions it may ask about; none for any."""
    resources: tuple[str, ...] = ()
    """Which resources it may ask about, each as `asset:meetings-us`; none for any."""

    def guards(self, action: str, resource: object) -> bool:
        """Whether it may ask about this action on this resource (a target, or its text)."""
        return self.acts(action) and self.reaches(resource)

    def acts(self, action: str) -> bool:
        return not self.actions or action in self.actions

    def reaches(self, resource: object) -> bool:
        return not self.resources or str(resource) in self.resources


@dataclass(frozen=True, slots=True, kw_only=True)
class GateLookup:
    """A service that says which customers a web request concerns, where routes.csv names `*name`."""

    name: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """What `gate.toml` says."""

    origin: str
    """The origin of the gate's ledger; it is in everything that is signed."""
    url: str
    """Where people and programs reach the gate: https://HOST, or http://localhost:PORT to try it out. Browsers give
    passkeys to no other."""
    name: str = "Armslength"
    """What people see in their browser when they make a passkey."""
    rp_id: str = ""
    """The domain that passkeys are for: the host of `url`, which is meant by none, or a domain above it. Passkeys made
    for another one no longer count."""
    ledger: str = "ledger"
    """Path of the ledger's folder, from the gate's."""
    database: str = "gate.db"
    """Path of the gate's database, from the gate's folder; or a PostgreSQL connection string, postgresql://…, without a
    password."""
    site: str = ""
    """The name of this gate among several on one database; needed where that is a PostgreSQL database."""
    request_minutes: int = 1440
    """Minutes after which a request that nobody answered ends."""
    veto_minutes: int = 60
    """Minutes that a customer has to say no, where terms say `customer = "veto"`."""
    freshness_days: int | None = None
    """Days after which what a source said of a person or an asset is too old to decide on; none: however old."""
    break_glass: tuple[str, ...] = ()
    """Ids of the terms that are for emergencies: told to everyone concerned and reviewed afterwards."""
    review_hours: int = 24
    """Hours until a lease under break-glass has to be reviewed."""
    drill_days: int | None = None
    """Days after which the last drill is too long ago, and the console and the figures say so; none: nobody is told."""
    session_minutes: int = 30
    """Minutes of silence after which somebody has to sign in again."""
    session_hours: int = 12
    """Hours after which they have to in any case."""
    evidence_mb: int = 20
    """Most megabytes (of 1,000,000 bytes) of one document of evidence."""
    points: tuple[GatePoint, ...] = ()
    """The enforcement points, `[[point]]` each."""
    lookups: tuple[GateLookup, ...] = ()
    """`[[lookup]]` each."""
    directories: tuple[GateDirectory, ...] = ()
    """Identity providers that say who is there, `[[directory]]` each."""
    notices: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Where notices go: Apprise URLs by the kind of notice, `*` for all kinds but those to customers; table
    `[notices]`."""
    sign_in: GateSignIn | None = None
    """Sign-in by an identity provider, beside passkeys or in their place; table `[sign_in]`."""

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def domain(self) -> str:
        """What passkeys are for."""
        return self.rp_id or self.host


def parse_gate_settings(data: bytes, where: str, problems: list[str]) -> GateSettings | None:
    """The settings that `data` spells; None if something was wrong, which is added to `problems`, each beginning with
    `where`."""
    try:
        said: dict[str, Any] = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.append(f"{where}: {error}")
        return None
    found = _Reading(where, problems)
    before = len(problems)
    values: dict[str, Any] = {}
    for key, value in said.items():
        reader = _READERS.get(key)
        if reader is None:
            found.wrong(f"unknown setting {key!r}; expected one of {', '.join(sorted(_READERS))}")
        else:
            values[_NAMES.get(key, key)] = reader(found, key, value)
    required = [each.name for each in fields(GateSettings) if each.default is each.default_factory is MISSING]
    for name in required:
        if name not in said:
            found.wrong(f"expected {name}")
            values[name] = ""
    settings = GateSettings(**values)
    _checked(settings, found)
    return settings if len(problems) == before else None


def format_gate_settings(settings: GateSettings) -> bytes:
    """`gate.toml`, which `parse_gate_settings` reads as the same."""
    lines: list[str] = []
    for each in fields(settings):
        value = getattr(settings, each.name)
        if each.name not in ("points", "lookups", "directories", "notices", "sign_in") and value is not None:
            lines.append(f"{each.name} = {_toml(value)}")
    for kind, urls in sorted(settings.notices.items()):
        lines += ["", "[notices]"] if "[notices]" not in lines else []
        lines.append(f"{_toml(kind)} = {_toml(urls)}")
    if settings.sign_in is not None:
        lines += ["", *format_sign_in(settings.sign_in)]
    for table, rows in (("point", settings.points), ("lookup", settings.lookups)):
        for row in rows:
            lines += ["", f"[[{table}]]"]
            lines += [f"{each.name} = {_toml(getattr(row, each.name))}" for each in fields(row)]
    lines += format_directories(settings.directories)
    return ("\n".join(lines) + "\n").encode()


def with_point(data: bytes, point: GatePoint, where: str) -> bytes:
    """The text of `gate.toml` with one point more at its end; what its operator wrote stays as it is.

    Raises `StoreError` with every problem of what comes out, such as a point of that name.
    """
    rows = "\n".join(f"{each.name} = {_toml(getattr(point, each.name))}" for each in fields(point))
    text = data.rstrip(b"\n") + f"\n\n[[point]]\n{rows}\n".encode()
    problems: list[str] = []
    if parse_gate_settings(text, where, problems) is None:
        raise StoreError("\n".join(problems))
    return text


def _toml(value: object) -> str:
    # A text of JSON is one of TOML, but for the one character that TOML wants to be escaped as well.
    said = list(value) if isinstance(value, tuple) else value
    return json.dumps(said, ensure_ascii=False).replace("\x7f", "\\u007f")


class _Reading:
    """What is wrong with a file, as it is found. Each reader gives a value of the right type whatever it was given."""

    def __init__(self, where: str, problems: list[str]) -> None:
        self._where, self._problems = where, problems
        self.bad: set[str] = set()
        """Settings whose value stands for one that could not be read."""

    def wrong(self, problem: str) -> None:
        self._problems.append(f"{self._where}: {problem}")

    def text(self, key: str, value: object) -> str:
        if isinstance(value, str) and value == value.strip() and value and value.isprintable():
            return value
        self.bad.add(key)
        self.wrong(f"{key} = {_shown(value)}; expected a text in quotes, printable and without spaces around it")
        return ""

    def place(self, key: str, value: object) -> str:
        if isinstance(value, str) and "://" in value and (value != value.strip() or not value.isprintable()):
            self.bad.add(key)
            self.wrong(f"{key} has spaces around it, or what cannot be printed")  # not repeated: it may hold a password
            return ""
        return self.text(key, value)

    def number(self, key: str, value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST:
            return value
        self.bad.add(key)
        self.wrong(f"{key} = {_shown(value)}; expected a whole number from 1 to {_MOST:,}")
        return 1

    def texts(self, key: str, value: object) -> tuple[str, ...]:
        if not isinstance(value, list):
            self.wrong(f"{key} = {_shown(value)}; expected a list of texts")
            return ()
        texts = tuple(self.text(f"{key}[{place}]", each) for place, each in enumerate(value))
        twice = sorted({text for text in texts if texts.count(text) > 1 and text})
        for text in twice:
            self.wrong(f"{key}: {text!r} is there twice")
        return texts

    def points(self, key: str, value: object) -> tuple[GatePoint, ...]:
        return tuple(
            GatePoint(
                id=self._shaped(f"{at}.id", row.get("id"), _ID, "a short name such as web-1"),
                secret_sha256=self._shaped(
                    f"{at}.secret_sha256", row.get("secret_sha256"), _SECRET, "64 digits of lower-case hexadecimal"
                ),
                hosts=tuple(
                    self._shaped(f"{at}.hosts", each, _HOSTS, "a host in lower case without port, or *")
                    for each in self.texts(f"{at}.hosts", row.get("hosts", []))
                ),
                may=self._may(f"{at}.may", row.get("may", [])),
                actions=self.texts(f"{at}.actions", row.get("actions", [])),
                resources=tuple(
                    self._shaped(f"{at}.resources", each, _RESOURCE, "a resource such as asset:meetings-us")
                    for each in self.texts(f"{at}.resources", row.get("resources", []))
                ),
            )
            for at, row in self._rows(key, value, GatePoint)
        )

    def lookups(self, key: str, value: object) -> tuple[GateLookup, ...]:
        return tuple(
            GateLookup(
                name=self._shaped(f"{at}.name", row.get("name"), _ID, "a short name, as in routes.csv after the *"),
                url=self._web(f"{at}.url", row.get("url")),
            )
            for at, row in self._rows(key, value, GateLookup)
        )

    def notices(self, key: str, value: object) -> Mapping[str, tuple[str, ...]]:
        if not isinstance(value, dict):
            self.wrong(f"{key} = {_shown(value)}; expected a table of lists of URLs by the kind of notice")
            return {}
        for kind in value:
            if kind != "*" and not _ID.fullmatch(kind):
                self.wrong(f"{key}: the kind {kind[:40]!r}; expected a short name, or *")
        return MappingProxyType({kind: self.texts(f"{key}.{kind}", urls) for kind, urls in value.items()})

    def _rows(self, key: str, value: object, of: type[GatePoint | GateLookup]) -> list[tuple[str, dict[str, Any]]]:
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            self.wrong(f"{key} = {_shown(value)}; expected tables [[{key}]]")
            return []
        known = [each.name for each in fields(of)]
        for place, row in enumerate(value, 1):
            for name in row:
                if name not in known:
                    self.wrong(f"{key} {place}: unknown setting {name!r}; expected one of {', '.join(known)}")
        first = known[0]
        ids = [row.get(first) for row in value]
        for each in sorted({repr(each) for each in ids if ids.count(each) > 1 and each is not None}):
            self.wrong(f"{key}: the {first} {each} is there twice")
        return [(f"{key} {place}", row) for place, row in enumerate(value, 1)]

    def _shaped(self, key: str, value: object, shape: re.Pattern[str], words: str) -> str:
        if isinstance(value, str) and shape.fullmatch(value):
            return value
        # Not repeated: it may be a secret that was put in the wrong place.
        seen = "is missing" if value is None else f"of {len(str(value))} characters"
        self.wrong(f"{key} {seen}; expected {words}")
        return ""

    def _web(self, key: str, value: object) -> str:
        text = self.text(key, value if value is not None else "")
        parts = _split(text)
        if text and (parts is None or parts[0] not in ("http", "https") or not parts[1]):
            self.wrong(f"{key} = {text[:80]!r}; expected an address that begins with http:// or https://")
        return text

    def _may(self, key: str, value: object) -> tuple[May, ...]:
        words: tuple[May, ...] = get_args(May)
        texts = self.texts(key, value)
        for text in texts:
            if text and text not in words:
                self.wrong(f"{key}: {text!r}; expected some of {', '.join(words)}")
        return tuple(word for word in words if word in texts)


_HOSTS = re.compile(rf"\*|{_HOST}")
_RESOURCE = re.compile(r"(asset|group|person|terms):\S(.*\S)?")
_NAMES = {"point": "points", "lookup": "lookups", "directory": "directories"}
_READERS: dict[str, Callable[[_Reading, str, object], object]] = {
    "origin": _Reading.text,
    "url": _Reading.text,
    "name": _Reading.text,
    "rp_id": lambda found, key, value: "" if value == "" else found.text(key, value),
    "ledger": _Reading.text,
    "database": _Reading.place,
    "site": lambda found, key, value: "" if value == "" else found.text(key, value),
    "request_minutes": _Reading.number,
    "veto_minutes": _Reading.number,
    "freshness_days": _Reading.number,
    "break_glass": _Reading.texts,
    "review_hours": _Reading.number,
    "drill_days": _Reading.number,
    "session_minutes": _Reading.number,
    "session_hours": _Reading.number,
    "evidence_mb": _Reading.number,
    "point": _Reading.points,
    "lookup": _Reading.lookups,
    "directory": lambda found, key, value: parse_directories(value, found.wrong),
    "notices": _Reading.notices,
    "sign_in": lambda found, key, value: parse_sign_in(value, found.wrong),
}


def _checked(settings: GateSettings, found: _Reading) -> None:
    """What several values together may not say, or only a closer look shows. One that could not be read is "" here."""
    try:
        if settings.origin:
            check_key_name(settings.origin)
    except Malformed as error:
        found.wrong(f"origin = {settings.origin[:80]!r}: {error}")
    parts = _split(settings.url)
    host = parts[1] if parts else ""
    bare = parts is not None and not parts[2]
    secure = parts is not None and (parts[0] == "https" or (parts[0] == "http" and host == "localhost"))
    if not settings.url:
        pass
    elif not bare or not secure or not re.fullmatch(_HOST, host):
        found.wrong(
            f"url = {settings.url[:80]!r}; expected https://HOST or http://localhost:PORT, in lower case and with"
            " nothing after it"
        )
    elif settings.rp_id and settings.rp_id != host and not host.endswith(f".{settings.rp_id}"):
        found.wrong(f"rp_id = {settings.rp_id[:80]!r}; expected {host}, the host of url, or a domain above it")
    sessions = {"session_minutes", "session_hours"}
    if settings.session_minutes > 60 * settings.session_hours and not sessions & found.bad:
        found.wrong("session_minutes is longer than session_hours; expected at most that")
    if settings.site and not _SITE.fullmatch(settings.site):
        found.wrong(f"site = {settings.site[:40]!r}; expected at most 31 of a-z, 0-9 and -, not - first")
    if settings.site == "shared":
        found.wrong("site = 'shared': what all gates share is called that; expected another name")
    if is_postgresql(settings.database):
        try:
            check_dsn(settings.database, "database")
        except StoreError as error:
            found.wrong(str(error))
        if not settings.site and "site" not in found.bad:
            found.wrong("expected site, the name of this gate among those on its PostgreSQL database")
    for point in settings.points:
        if "forward" in point.may and not point.hosts:
            found.wrong(f"point {point.id} may forward and has no hosts; expected some, or *")


def _split(url: str) -> tuple[str, str, str] | None:
    """Scheme, host and whatever there is besides them and a port; None for no URL. What the parser would let pass in
    another spelling is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname or ""
    plain = f"{parts.scheme}://{host}" + ("" if port is None else f":{port}")
    return parts.scheme, host, url.removeprefix(plain) if url.startswith(plain) else url


def _shown(value: object) -> str:
    return repr(value)[:80]


GATE_SETTINGS = "gate.toml"


def read_gate_settings(path: Path, problems: list[str]) -> GateSettings | None:
    """The settings in the gate's folder at `path`; None with what is wrong added to `problems`."""
    file = path / GATE_SETTINGS
    try:
        data = file.read_bytes()
        mode = file.stat().st_mode
    except FileNotFoundError:
        problems.append(f"{file}: not there; armslength gate init makes a gate")
        return None
    except OSError as error:
        problems.append(f"{file}: {error.strerror}")
        return None
    settings = parse_gate_settings(data, str(file), problems)
    if settings is not None and settings.notices and mode & 0o007:
        problems.append(f"{file}: names where notices go, which is secret, and anyone may read it; chmod o= it")
    return settings
