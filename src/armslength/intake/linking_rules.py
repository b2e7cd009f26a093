"""`linking.toml`: who is who, what is what and where things are, in one file that people write and read.

[offices]         "Dublin HQ" = "IE"                 what sources write as a place, and its state
[employers]       "Meridian GmbH" = { id = "meridian-de", state = "DE", parent = "meridian-inc" }
[people]          order = ["hr", "okta"]             whose word counts where sources differ
[[login]]         source = "prod-db", is = "mail", domain = "example.com"
[[same]]          these = ["person:E123", "group:aws/1234/user/ana"]
[[holders]]       of = "group:aws/1234/role/admin", members = ["group:okta/admins"], all = true
[[asset]]         match = "aws/*/s3/*recordings*", class = "customer-content", hosted_in = "IE"
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import translate

from armslength.intake.node import Node
from armslength.intake.problem import Problems
from armslength.intake.toml_document import toml_node

FILE = "linking.toml"
SET = ("class", "hosted_in", "key", "subjects", "shielded_from", "within")
"""Columns of assets.csv that a rule may fill."""
LOGIN_IS = ("mail", "employee")


@dataclass(frozen=True, slots=True, kw_only=True)
class Employer:
    """The row of entities.csv that a source's words for an employer stand for."""

    id: str
    state: str
    parent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRule:
    """Logins of `source` (a source's name or kind) are what comes before @`domain` in mail addresses, or employees'
    numbers where `domain` is None."""

    source: str
    domain: str | None
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Holders:
    """Who else is in a group or holds an account; `all`: together with what sources tell these are all."""

    of: str
    members: tuple[str, ...]
    all: bool
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetRule:
    """What matching assets get where their source says nothing: `sets` by column. Globs; None matches everything."""

    match: re.Pattern[str]
    kind: re.Pattern[str] | None
    trait: re.Pattern[str] | None
    sets: Mapping[str, str]
    origin: str
    written: str

    def fits(self, id: str, kind: str, traits: str) -> bool:
        if self.match.fullmatch(id) is None or (self.kind is not None and self.kind.fullmatch(kind) is None):
            return False
        return self.trait is None or any(self.trait.fullmatch(word) for word in traits.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Linking:
    """What linking.toml says; an absent file says nothing."""

    offices: Mapping[str, str]
    employers: Mapping[str, Employer]
    order: tuple[str, ...]
    logins: tuple[LoginRule, ...]
    same: tuple[tuple[str, ...], ...]
    holders: tuple[Holders, ...]
    assets: tuple[AssetRule, ...]


def read_linking(data: bytes | None, problems: Problems) -> Linking:
    """What the file says. What is wrong with it is reported."""
    root = toml_node(FILE, data, problems) if data is not None else None
    if root is None:
        root = Node({}, FILE, "$", problems)
    _only(root, ("offices", "employers", "people", "login", "same", "holders", "asset"))
    people = _table(root, "people")
    _only(people, ("order",))
    return Linking(
        offices={key: part.text() for key, part in _table(root, "offices").members()},
        employers={key: _employer(part) for key, part in _table(root, "employers").members()},
        order=tuple(people.at("order").texts()),
        logins=tuple(_login(part) for part in root.at("login").items()),
        same=tuple(_same(part) for part in root.at("same").items()),
        holders=tuple(_holders(part) for part in root.at("holders").items()),
        assets=tuple(_asset(part) for part in root.at("asset").items()),
    )


def _table(root: Node, key: str) -> Node:
    part = root.at(key)
    return part if part.value is not None else Node({}, part.file, part.path, part.problems)


def _only(node: Node, known: tuple[str, ...]) -> None:
    for key, part in node.members():
        if key not in known:
            part.wrong(f"is no setting of {FILE}: expected {', '.join(known)}")


def _employer(node: Node) -> Employer:
    _only(node, ("id", "state", "parent"))
    return Employer(id=node.at("id").text(), state=node.at("state").text_or(), parent=node.at("parent").text_or())


def _login(node: Node) -> LoginRule:
    _only(node, ("source", "is", "domain"))
    kind, domain = node.at("is"), node.at("domain")
    said = kind.text()
    if said and said not in LOGIN_IS:
        kind.wrong(f"{said!r}: expected {' or '.join(LOGIN_IS)}")
    if said == "mail":
        if domain.text().startswith("@"):
            domain.wrong("begins with @: expected what comes after it, such as example.com")
        return LoginRule(source=node.at("source").text(), domain=domain.text().lower(), origin=node.path)
    if domain.value is not None:
        domain.wrong('means nothing here: expected it with is = "mail" only')
    return LoginRule(source=node.at("source").text(), domain=None, origin=node.path)


def _same(node: Node) -> tuple[str, ...]:
    _only(node, ("these",))
    these = tuple(_references(node.at("these")))
    if len(these) < 2 or not any(reference.startswith("person:") for reference in these):
        node.at("these").wrong("expected a person: and what else is theirs, at least two in all")
    return these


def _holders(node: Node) -> Holders:
    _only(node, ("of", "members", "all"))
    of = node.at("of")
    named = of.text()
    if named and not named.startswith("group:"):
        of.wrong(f"{named!r}: expected group:…")
    members = node.at("members")
    if members.value is None:
        members.wrong("is missing: expected who is in it; [] for nobody")
    these = tuple(_references(members))
    if named and named in these:
        members.wrong(f"has {named} itself: expected others; [] for nobody")
    return Holders(
        of=named.partition(":")[2],
        members=these,
        all=node.at("all").flag(),
        origin=node.path,
    )


def _references(node: Node) -> Iterator[str]:
    for part in node.items():
        reference = part.text()
        kind, colon, id = reference.partition(":")
        if kind in ("person", "group") and colon and id:
            yield reference
        elif reference:
            part.wrong(f"{reference!r}: expected person:… or group:…")


def _asset(node: Node) -> AssetRule:
    _only(node, ("match", "kind", "trait", *SET))
    sets = {}
    for column in SET:
        part = node.at(column)
        if column == "subjects" and isinstance(part.value, int):
            sets[column] = str(part.whole())
        elif part.value is not None:
            sets[column] = part.text()
    if not sets:
        node.wrong(f"sets nothing: expected one of {', '.join(SET)}")
    match = node.at("match")
    return AssetRule(
        match=_glob(match.text()),
        kind=_glob(node.at("kind").text()) if node.has("kind") else None,
        trait=_glob(node.at("trait").text()) if node.has("trait") else None,
        sets=sets,
        origin=node.path,
        written=str(match.value),
    )


def _glob(text: str) -> re.Pattern[str]:
    """`*` any characters, `?` one, `[…]` one of these; the whole id, in its letter case."""
    return re.compile(translate(text))
