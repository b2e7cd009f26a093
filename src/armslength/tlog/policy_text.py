"""The lines of a policy file (c2sp.org/tlog-policy): logs, witnesses, groups and the one quorum.

Read as octets. Names are opaque: octets that are not UTF-8 stand in `str` by surrogate escape, so that two names are
equal if and only if their octets are, and what is read can be written again. Every problem is reported, with its line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from armslength.tlog.encoding import parse_decimal, quoted
from armslength.tlog.failure import Malformed
from armslength.tlog.key import Algorithm, VerifierKey

LARGEST_POLICY = 1 << 20
"""Bytes of a policy file: more than 500 keys of the longest kind."""
NONE = "none"
"""The quorum that asks for no cosignature; no witness or group may have this name."""
LOG_TYPES = (Algorithm.ED25519, Algorithm.COSIGNATURE_ML_DSA_44)
WITNESS_TYPES = (Algorithm.COSIGNATURE_ED25519, Algorithm.COSIGNATURE_ML_DSA_44)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogKey:
    """A key that a log signs with; its name is the log's origin. One log may have several: of two types, old and
    new."""

    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A witness. `name` means something only within the policy; the name that it signs under is the key's."""

    name: str
    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Cosigns if at least `threshold` of its `members`, witnesses or groups, do."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(slots=True)
class _Reading:
    """What the lines so far say; nothing outside this file sees it."""

    logs: list[LogKey] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    quorum: str | None = None
    lines: dict[tuple[str, str | bytes], int] = field(default_factory=dict)
    """Where a name, a public key, a membership or the quorum was first written."""
    labels: dict[str, bytes] = field(default_factory=dict)
    """The public key of each name and id."""
    problems: list[str] = field(default_factory=list)

    def first(self, kind: str, what: str | bytes, number: int) -> int | None:
        """The earlier line with the same, or None and the line is noted."""
        earlier = self.lines.setdefault((kind, what), number)
        return None if earlier == number else earlier


def read_policy(data: str | bytes) -> tuple[tuple[LogKey, ...], tuple[Witness, ...], tuple[Group, ...], str]:
    """(logs, witnesses, groups, quorum), or Malformed with every problem, a line each."""
    try:
        octets = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else bytes(data)
    except UnicodeEncodeError as error:
        raise Malformed(f"the policy is not text: {error.reason} at {error.start}") from None
    if len(octets) > LARGEST_POLICY:
        raise Malformed(f"the policy has {len(octets)} bytes; at most {LARGEST_POLICY} are read")
    lines = octets.decode("utf-8", "surrogateescape").split("\n")
    rest = lines.pop()
    reading = _Reading()
    for number, line in enumerate(lines, 1):
        _read_line(reading, number, line)
    if rest:
        reading.problems.append(f"line {len(lines) + 1}: has to end in a newline; the file may be cut short")
    if ("quorum", "") not in reading.lines:
        reading.problems.append(f'there is no quorum line; "quorum {NONE}" asks for no cosignature')
    if reading.problems or reading.quorum is None:
        raise Malformed("\n".join(reading.problems))
    return tuple(reading.logs), tuple(reading.witnesses), tuple(reading.groups), reading.quorum


def write_policy(logs: Iterable[LogKey], witnesses: Iterable[Witness], groups: Iterable[Group], quorum: str) -> str:
    """The plainest file that means this. Thresholds are written as numbers."""
    lines = [f"log {log.key.text}{_url(log.url)}" for log in logs]
    lines += [f"witness {witness.name} {witness.key.text}{_url(witness.url)}" for witness in witnesses]
    lines += [f"group {group.name} {group.threshold} {' '.join(group.members)}" for group in groups]
    return "".join(f"{line}\n" for line in [*lines, f"quorum {quorum}"])


def _url(url: str | None) -> str:
    return "" if url is None else f" {url}"


def _read_line(reading: _Reading, number: int, line: str) -> None:
    bad = next((char for char in line if (char < " " and char != "\t") or char == "\x7f"), None)
    if bad is not None:
        reading.problems.append(f"line {number}: has the control character 0x{ord(bad):02x}; only tab is allowed")
        return
    words = [word for word in line.replace("\t", " ").split(" ") if word]
    if not words or words[0].startswith("#"):
        return
    try:
        match words:
            case ["log", vkey, *url] if len(url) <= 1:
                key = _key(reading, number, "log", vkey, LOG_TYPES)
                reading.logs.append(LogKey(key=key, url=url[0] if url else None))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                _define(reading, number, name)  # before its key, so that a bad key does not make its name unknown
                key = _key(reading, number, "witness", vkey, WITNESS_TYPES)
                reading.witnesses.append(Witness(name=name, key=key, url=url[0] if url else None))
            case ["group", name, threshold, *members] if members:
                group = _group(reading, number, name, threshold, tuple(members))
                reading.groups.append(group)
            case ["quorum", name]:
                _quorum(reading, number, name)
            case ["log", *_]:
                raise Malformed("expected: log <vkey> [<url>]")
            case ["witness", *_]:
                raise Malformed("expected: witness <name> <vkey> [<url>]")
            case ["group", *_]:
                raise Malformed("expected: group <name> all|any|<k> <name>..., with at least one member")
            case ["quorum", *_]:
                reading.first("quorum", "", number)
                raise Malformed(f"expected: quorum <name>, or quorum {NONE}")
            case _:
                raise Malformed(f"{quoted(words[0])} is not one of log, witness, group, quorum, #")
    except Malformed as error:
        reading.problems.append(f"line {number}: {error}")


def _define(reading: _Reading, number: int, name: str) -> None:
    if name == NONE:
        raise Malformed(f'the name "{NONE}" is reserved for the quorum line')
    if earlier := reading.first("name", name, number):
        raise Malformed(f"the name {quoted(name)} is already defined in line {earlier}, as a witness or a group")


def _key(reading: _Reading, number: int, kind: str, vkey: str, types: tuple[Algorithm, ...]) -> VerifierKey:
    key = VerifierKey.parse(vkey)
    if key.algorithm not in types:
        expected = " or ".join(f"0x{algorithm:02x}" for algorithm in types)
        raise Malformed(f"the key of a {kind} has type {expected}, not 0x{key.algorithm:02x}")
    if earlier := reading.first("key", key.public, number):
        # Also of a log and a witness: such a log would vouch for itself.
        raise Malformed(f"line {earlier} has the same public key, which may be listed once only")
    # Four bytes of id can collide. A signature line would then be by two keys at once, of which one has to fail.
    if reading.labels.setdefault(key.label, key.public) != key.public:
        raise Malformed(f"another key has the same name and id, {quoted(key.label)}; one of the two needs a new name")
    return key


def _group(reading: _Reading, number: int, name: str, threshold: str, members: tuple[str, ...]) -> Group:
    """A group line. Its name stays unknown until its members are read: a group cannot hold itself."""
    problems = []
    for member in members:
        if member == NONE:
            problems.append(f'"{NONE}" cannot be a member')
        elif ("name", member) not in reading.lines:
            problems.append(f"{quoted(member)} is not defined on a line before")
        elif ("member", member) in reading.lines:
            problems.append(f"{quoted(member)} is already a member in line {reading.lines['member', member]}")
        reading.lines.setdefault(("member", member), number)
    least = 0
    try:
        match threshold:
            case "all":
                least = len(members)
            case "any":
                least = 1
            case _:
                least = parse_decimal(threshold, "threshold")
                if not 1 <= least <= len(members):
                    problems.append(f"threshold {least} is not within 1 to {len(members)}, the number of members")
    except Malformed:
        problems.append(f"threshold {quoted(threshold)} is neither all, any nor a decimal without sign or leading zero")
    try:
        _define(reading, number, name)
    except Malformed as error:
        problems.append(str(error))
    if problems:
        raise Malformed("; ".join(problems))
    return Group(name=name, threshold=least, members=members)


def _quorum(reading: _Reading, number: int, name: str) -> None:
    if earlier := reading.first("quorum", "", number):
        raise Malformed(f"the quorum is already given in line {earlier}")
    if name != NONE and ("name", name) not in reading.lines:
        raise Malformed(f"{quoted(name)} is not defined on a line before")
    reading.quorum = name
