"""Sign-in by an identity provider, as `[sign_in]` of gate.toml says it, and the secret that stands beside it."""

from __future__ import annotations

import ipaddress
import json
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from armslength.estate import refused_column
from armslength.gate import ClaimRules, PersonId
from armslength.store.failure import StoreError

LONGEST_SECRET = 1000
"""Bytes."""
_MOST_MINUTES = 1_000_000
_TEXT = re.compile(r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?")
_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""A scope or a class of sign-in: one of a list that spaces part (RFC 6749, appendix A.4)."""
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ABOUT = frozenset(
    "iss aud exp iat nbf jti nonce azp at_hash c_hash s_hash acr amr auth_time sid email_verified name given_name"
    " family_name middle_name gender birthdate zoneinfo locale address picture profile website updated_at"
    " phone_number_verified".split()
)
"""Claims that name nobody."""
_SCOPE_OF: Mapping[str, str] = MappingProxyType(
    {"email": "email", "preferred_username": "profile", "nickname": "profile", "phone_number": "phone"}
)
"""The scope that brings a claim (OpenID Connect Core, section 5.4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSignIn:
    """How people sign in at their identity provider (OpenID Connect)."""

    issuer: str
    """The provider, as its discovery document calls itself."""
    client_id: str
    """What it calls this gate."""
    client_secret_file: str = "sign-in.secret"
    """The file beside gate.toml, of mode 0600, that holds what the provider gave for a secret."""
    person: str = "sub"
    """The claim that names the person."""
    people: Mapping[str, str] | None = None
    """Person ids by the claim's value, and nobody else; None: the value is the person's id."""
    scopes: tuple[str, ...] = ()
    """What is asked for; nothing: `openid` and the scope that brings the claim."""
    max_age_minutes: int | None = None
    """Minutes for which the provider may go without asking them again who they are; None: as it likes."""
    amr: tuple[str, ...] = ()
    """Methods by which they have to have signed in there, all of them (RFC 8176)."""
    acr: tuple[str, ...] = ()
    """Classes of sign-in, one of which theirs has to be."""
    only: bool = False
    """Whether a passkey does not sign in any more. Approving takes one all the same."""

    @property
    def host(self) -> str:
        """What the provider is called on a page."""
        return urlsplit(self.issuer).netloc

    @property
    def asked(self) -> tuple[str, ...]:
        """The scopes that are asked for."""
        of_claim = _SCOPE_OF.get(self.person)
        return self.scopes or ("openid", *(() if of_claim is None else (of_claim,)))

    @property
    def rules(self) -> ClaimRules:
        people = self.people
        return ClaimRules(
            issuer=self.issuer,
            client_id=self.client_id,
            person=self.person,
            people=None if people is None else MappingProxyType({k: PersonId(v) for k, v in people.items()}),
            max_age=None if self.max_age_minutes is None else 60 * self.max_age_minutes,
            amr=self.amr,
            acr=self.acr,
        )


def parse_sign_in(value: object, wrong: Callable[[str], None]) -> GateSignIn | None:
    """The table `[sign_in]`; `wrong` is told every problem, and then it is None."""
    if not isinstance(value, dict):
        wrong("sign_in: expected a table [sign_in]")
        return None
    found = _Table(value, wrong)
    known = {each.name for each in fields(GateSignIn)} - {"amr", "acr"} | {"require"}
    for name in value:
        if name == "client_secret":
            wrong("sign_in.client_secret: a secret is not kept here; put it into a file, and say client_secret_file")
        elif name not in known:
            wrong(f"sign_in: unknown setting {name[:40]!r}; expected one of {', '.join(sorted(known))}")
        if name not in known:
            found.bad = True
    require = found.table("require")
    for name in require:
        if name not in ("amr", "acr"):
            found.wrong(f"require: unknown {name[:40]!r}; expected amr or acr")
    sign_in = GateSignIn(
        issuer=found.issuer(),
        client_id=found.text("client_id", ""),
        client_secret_file=found.file("client_secret_file", "sign-in.secret"),
        person=found.claim("person", "sub"),
        people=found.people("people"),
        scopes=found.tokens("scopes", value.get("scopes", [])),
        max_age_minutes=found.minutes("max_age_minutes"),
        amr=found.tokens("require.amr", require.get("amr", [])),
        acr=found.tokens("require.acr", require.get("acr", [])),
        only=found.flag("only"),
    )
    if sign_in.scopes and "openid" not in sign_in.scopes:
        found.wrong("scopes: expected openid among them: without it this is no sign-in")
    return None if found.bad else sign_in


def format_sign_in(sign_in: GateSignIn) -> list[str]:
    """The lines of the table, which `parse_sign_in` reads as the same."""
    lines = ["[sign_in]"]
    for each in fields(GateSignIn):
        value = getattr(sign_in, each.name)
        if value is not None and value != () and each.name not in ("people", "amr", "acr"):
            lines.append(f"{each.name} = {_toml(value)}")
    require = [f"{name} = {_toml(value)}" for name in ("amr", "acr") if (value := getattr(sign_in, name))]
    if require:
        lines.append(f"require = {{ {', '.join(require)} }}")
    if sign_in.people is not None:
        lines += ["", "[sign_in.people]"]
        lines += [f"{_toml(value)} = {_toml(person)}" for value, person in sign_in.people.items()]
    return lines


def read_client_secret(folder: Path, sign_in: GateSignIn) -> str:
    """What the file beside gate.toml holds. Raises `StoreError`, which does not repeat it."""
    path = folder / sign_in.client_secret_file
    try:
        data = path.read_bytes()
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise StoreError(f"{path}: not there; expected the secret that the provider gave for this gate") from None
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from None
    if stat.S_IMODE(mode) & 0o077:
        raise StoreError(f"{path}: others may read it; expected mode 0600 (chmod 600)")
    text = data.decode("ascii", "replace").strip()
    if not text or not text.isascii() or not text.isprintable() or len(data) > LONGEST_SECRET:
        raise StoreError(f"{path}: expected one line of printable ASCII characters, at most {LONGEST_SECRET:,}")
    return text


def safe_address(url: str, *, plain: bool = False) -> bool:
    """Whether secrets may be sent to this address: https, or, where `plain`, http on this machine alone."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url or port == 0:
        return False
    if not host or parts.username is not None or parts.password is not None or parts.fragment or "#" in url:
        return False
    return parts.scheme == "https" or (plain and parts.scheme == "http" and here(host))


def here(host: str) -> bool:
    """Whether a host is this machine by its name alone (RFC 8252, section 7.3)."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Table:
    """Each reader gives a value of the right type whatever it was given, and says what is wrong."""

    def __init__(self, said: Mapping[str, object], wrong: Callable[[str], None]) -> None:
        self._said, self._wrong, self.bad = said, wrong, False

    def wrong(self, problem: str) -> None:
        self.bad = True
        self._wrong(f"sign_in.{problem}")

    def text(self, key: str, default: str) -> str:
        value = self._said.get(key, default)
        if isinstance(value, str) and _TEXT.fullmatch(value) and value.isprintable() and len(value) <= 1000:
            return value
        self.wrong(f"{key}: expected a text in quotes, printable and without spaces around it")
        return default or "?"

    def issuer(self) -> str:
        text = self.text("issuer", "")
        if text != "?" and (not safe_address(text, plain=True) or "?" in text):
            self.wrong(
                f"issuer = {text[:80]!r}; expected the provider's https://HOST/PATH as its discovery document has it"
            )
            return "?"
        return text

    def file(self, key: str, default: str) -> str:
        text = self.text(key, default)
        if not _FILE.fullmatch(text) or text == "gate.toml":
            self.wrong(f"{key}: expected the name of a file beside gate.toml")
        return text

    def claim(self, key: str, default: str) -> str:
        text = self.text(key, default)
        if refused_column(text):
            self.wrong(f"{key} = {text[:80]!r}: such a claim is never read; people are named by an id, not by origin")
        elif text in _ABOUT:
            self.wrong(f"{key} = {text[:80]!r} names nobody; expected sub, email, preferred_username or one like them")
        return text

    def people(self, key: str) -> Mapping[str, str] | None:
        value = self._said.get(key)
        if value is None:
            return None
        if not isinstance(value, dict) or not value:
            self.wrong(f"{key}: expected a table [sign_in.people] of person ids by the claim's value")
            return None
        for claim, person in value.items():
            if not claim or not isinstance(person, str) or not _TEXT.fullmatch(person) or not person.isprintable():
                self.wrong(f"{key}.{claim[:40]!r}: expected a person's id in quotes")
        return MappingProxyType({claim: str(person) for claim, person in value.items()})

    def table(self, key: str) -> dict[str, object]:
        value = self._said.get(key, {})
        if isinstance(value, dict):
            return value
        self.wrong(f'{key}: expected a table such as {{ amr = ["mfa"] }}')
        return {}

    def tokens(self, key: str, value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(each, str) and _TOKEN.fullmatch(each) for each in value):
            self.wrong(f"{key}: expected a list of words in quotes")
            return ()
        if len(set(value)) < len(value):
            self.wrong(f"{key}: a word is there twice")
        return tuple(value)

    def minutes(self, key: str) -> int | None:
        value = self._said.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST_MINUTES:
            self.wrong(f"{key}: expected a whole number from 1 to {_MOST_MINUTES:,}")
            return None
        return value

    def flag(self, key: str) -> bool:
        value = self._said.get(key, False)
        if not isinstance(value, bool):
            self.wrong(f"{key}: expected true or false")
        return value is True


def _toml(value: object) -> str:
    said = list(value) if isinstance(value, tuple) else value
    return json.dumps(said, ensure_ascii=False).replace("\x7f", "\\u007f")
