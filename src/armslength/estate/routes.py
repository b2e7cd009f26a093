"""Routes: which web request means which action on what. The one place that knows how a row of routes.csv is written.

    host       a host's name in lower case, without port; empty: any
    method     GET, POST …; empty: any. A HEAD is matched as the GET that it is
    path       segments between slashes, each a word or `{name}`, which takes any one segment that is not empty;
               written as it reads once decoded; a trailing slash is a part of it
    resource   an asset's id, or person:…, group:…, terms:… for a power; may hold `{name}`s of the path
    customers  who is concerned, separated by spaces, with `{name}`s of the path; or `*name`: the service is asked; or
               empty: nobody

Of two rows that match a request the more specific one counts. Two rows that could match the same request, neither of
them more specific, are an error, unless a third row says what holds for both.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from armslength.estate.grants import PLAIN_TARGETS, POWER_TARGETS
from armslength.estate.lookup import Lookup
from armslength.estate.model import Estate, Kind
from armslength.estate.names import WORDS
from armslength.estate.problem import Findings
from armslength.estate.sheet import Sheet

MOST_PATH = 4096
"""Characters of a path, as it comes and as it is written here."""
MOST_SEGMENTS = 64

_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*|\[[0-9a-f:.]{2,45}\]")
_METHOD = re.compile(r"[A-Z][A-Z0-9-]{0,31}")
_NEVER = frozenset({"HEAD", "CONNECT", "TRACE"})
_SLOT = re.compile(r"\{([a-z][a-z0-9_]{0,63})\}")
_ASKED = re.compile(r"\*[a-z0-9][a-z0-9._-]{0,63}")
_TYPES = frozenset({"asset", "person", "group", "terms"})
_Tell = Callable[[str, str], None]
"""Takes the column and what is wrong with its cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A place that a segment of the path fills."""

    name: str


Template = tuple[str | Slot, ...]
"""Text with slots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A row. `host`, `method` None: any; `path[i]` None: any segment, named by `slots` in order; a last "" is a
    trailing slash. `asked`: the resolver that knows the customers, None where `customers` says them."""

    host: str | None
    method: str | None
    path: tuple[str | None, ...]
    slots: tuple[str, ...]
    action: str
    type: str
    resource: Template
    customers: tuple[Template, ...]
    asked: str | None
    line: int
    cells: Mapping[str, str]
    """The row as it is written."""

    @property
    def pattern(self) -> tuple[str | None, ...]:
        """All that has to fit, None for what fits anything."""
        return (self.host, self.method, *self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteProblem:
    """What is wrong with one cell."""

    column: str
    message: str


def filled(template: Template, segments: Mapping[str, str]) -> str:
    """The text with its slots filled; what fills them is not looked at for slots again."""
    return "".join(segments[piece.name] if isinstance(piece, Slot) else piece for piece in template)


def segment_problem(text: str) -> str | None:
    """What is wrong with a decoded segment, or None: two programs might not take it for the same."""
    if text in (".", ".."):
        return "a dot segment, which some programs resolve"
    for char, what in (
        ("/", "an encoded slash"),
        ("\\", "a backslash"),
        (";", "a semicolon, which some programs cut at"),
        ("%", "a percent sign that is left after decoding"),
    ):
        if char in text:
            return what
    if not text.isprintable():
        return "a character that does not print"
    if text != text.strip():
        return "spaces around a segment"
    if not text.isascii() and not unicodedata.is_normalized("NFC", text):
        return "a character in another form than NFC"
    return None


def parse_host(text: str) -> str | None:
    """The host of a request in lower case and without port, or None if it is none that a route could name."""
    host = text.lower()
    name, colon, port = host.rpartition(":")
    if colon and not host.endswith("]"):
        if not re.fullmatch(r"[0-9]{1,5}", port):
            return None
        host = name
    return host if len(host) <= 253 and _HOST.fullmatch(host) else None


def parse_route(cells: Mapping[str, str], *, line: int) -> Route | tuple[RouteProblem, ...]:
    """One row: `cells` by column, absent ones empty. Whether what it names exists is not looked at here."""
    problems: list[RouteProblem] = []

    def wrong(column: str, message: str) -> None:
        problems.append(RouteProblem(column=column, message=message))

    cell = {name: cells.get(name, "") for name in ("host", "method", "path", "action", "resource", "customers")}
    host, method = cell["host"], cell["method"]
    if host and (len(host) > 253 or not _HOST.fullmatch(host)):
        wrong("host", f"{host!r}: expected a host's name in lower case, without port or trailing dot")
    if method and (not _METHOD.fullmatch(method) or method in _NEVER):
        hint = ": a HEAD is matched as a GET" if method == "HEAD" else ""
        wrong("method", f"{method!r}: expected one method such as GET or POST{hint}")
    path, slots = _path(cell["path"], wrong)
    if cell["action"] == "*":
        wrong("action", "'*' is no action: expected one action a row")
    word, colon, name = cell["resource"].partition(":")
    kind, written = (word, name) if colon and word in _TYPES else ("asset", cell["resource"])
    if not written or (colon and word == "class"):
        wrong("resource", f"{cell['resource']!r}: expected an asset, or person:…, group:… or terms:…")
    resource = _template(written, slots, "resource", wrong)
    asked = None
    customers: tuple[Template, ...] = ()
    if cell["customers"].startswith("*"):
        asked = cell["customers"][1:]
        if not _ASKED.fullmatch(cell["customers"]):
            wrong("customers", f"{cell['customers']!r}: expected *name, in lower case")
    else:
        customers = tuple(_template(each, slots, "customers", wrong) for each in cell["customers"].split())
    if problems:
        return tuple(problems)
    return Route(
        host=host or None,
        method=method or None,
        path=path,
        slots=slots,
        action=cell["action"],
        type=kind,
        resource=resource,
        customers=customers,
        asked=asked,
        line=line,
        cells=cell,
    )


def _path(text: str, wrong: _Tell) -> tuple[tuple[str | None, ...], tuple[str, ...]]:
    if not text.startswith("/") or len(text) > MOST_PATH:
        wrong("path", f"{text[:80]!r}: expected a path such as /rooms/{{room}}")
        return (), ()
    path: list[str | None] = []
    slots: list[str] = []
    words = text[1:].split("/")
    if len(words) > MOST_SEGMENTS:
        wrong("path", f"has {len(words)} segments: expected at most {MOST_SEGMENTS}")
    for place, word in enumerate(words):
        if (slot := _SLOT.fullmatch(word)) is not None:
            if slot[1] in slots:
                wrong("path", f"{word} is there twice: expected each name once")
            slots.append(slot[1])
            path.append(None)
        elif "{" in word or "}" in word:
            wrong("path", f"{word!r}: expected a word or {{name}}, which stands for a whole segment")
        elif "?" in word or "#" in word:
            wrong("path", f"{word!r}: expected a path alone: what follows it is not matched")
        elif not word and place < len(words) - 1:
            wrong("path", f"{text!r}: has an empty segment")
        elif "*" in word:
            wrong("path", f"{word!r}: expected one segment at a time, as {{name}}")
        elif (problem := segment_problem(word)) is not None:
            wrong("path", f"{word!r}: has {problem}, and a request with it is refused; write it as it reads decoded")
        else:
            path.append(word)
    return tuple(path), tuple(slots)


def _template(text: str, slots: Sequence[str], column: str, wrong: _Tell) -> Template:
    pieces: list[str | Slot] = []
    end = 0
    for found in _SLOT.finditer(text):
        if found[1] not in slots:
            wrong(column, f"{found[0]} is not in the path")
        pieces += [text[end : found.start()]] if found.start() > end else []
        pieces.append(Slot(name=found[1]))
        end = found.end()
    rest = text[end:]
    pieces += [rest] if rest else []
    if any("{" in piece or "}" in piece or "*" in piece for piece in pieces if isinstance(piece, str)):
        wrong(column, f"{text!r}: expected text and {{name}}s of the path")
    return tuple(pieces)


def routes_of(estate: Estate) -> tuple[Route, ...]:
    """The routes of an estate, a repeated row once. They were checked when it was read."""
    table = estate.tables["routes"]
    found: dict[tuple[tuple[str, str], ...], Route] = {}
    for row in range(len(table)):
        route = parse_route(table.cells(row), line=table.line(row))
        if isinstance(route, Route):
            found.setdefault(tuple(route.cells.items()), route)
    return tuple(found.values())


def check_routes(sheet: Sheet, look: Lookup, findings: Findings) -> None:
    """Reports every cell that is not as above, names what is not there, or is tied with another row."""
    for column in ("path", "action", "resource"):
        sheet.required(column, findings)
    routes: list[Route] = []
    table = sheet.table
    for row in range(sheet.rows):
        cells = {name: each.values[int(each.codes[row])] for name, each in sheet.columns.items()}
        read = parse_route(cells, line=table.line(row))
        if not isinstance(read, Route):
            for problem in read:
                if cells[problem.column] and cells["path"]:  # an empty one was reported, and the slots are the path's
                    findings.wrong(sheet.file, problem.message, line=table.line(row), column=problem.column)
        elif cells["action"]:
            routes.append(read)
            if (message := _unfitting(read, look)) is not None:
                findings.wrong(sheet.file, message, line=read.line, column="resource")
    for one, other in route_ties(routes):
        message = (
            f"{one.cells['path']!r} and line {other.line} match the same requests, and neither is more specific:"
            " make one narrower, or add a row for what both match"
        )
        findings.wrong(sheet.file, message, line=one.line, column="path")


def _unfitting(route: Route, look: Lookup) -> str | None:
    """What is wrong with a route's resource: it is nothing that the action takes, or is not in the estate."""
    kind = WORDS[route.type]
    possible = [each for each in POWER_TARGETS.get(route.action, PLAIN_TARGETS) if each is not Kind.CLASS]
    if kind not in possible:
        expected = " or ".join("an asset" if each is Kind.ASSET else f"{each.name.lower()}:…" for each in possible)
        return f"{route.cells['resource']!r}: {route.action!r} expects {expected}"
    if any(isinstance(piece, Slot) for piece in route.resource):
        return None  # known once the request is there
    found = look.names.of(kind).find(filled(route.resource, {}))
    return f"{route.type} {found}" if isinstance(found, str) else None


def route_ties(routes: Iterable[Route]) -> Iterator[tuple[Route, Route]]:
    """Pairs of rows, the later one first, that could match one request while neither says less than the other, and no
    row says what holds for both."""
    patterns: dict[tuple[str | None, ...], Route] = {}
    by_shape: dict[tuple[int, bool], dict[tuple[bool, ...], dict[tuple[str | None, ...], Route]]] = {}
    for route in routes:
        first = patterns.setdefault(route.pattern, route)
        if first is not route:
            if first.cells != route.cells:
                yield route, first
            continue
        shape = by_shape.setdefault((len(route.path), route.path[-1] == ""), {})
        shape.setdefault(tuple(part is None for part in route.pattern), {})[route.pattern] = route
    for shape in by_shape.values():
        masks = list(shape)
        for place, one in enumerate(masks):
            for other in masks[:place]:
                yield from _crossing(shape[one], one, shape[other], other, patterns)


def _crossing(
    ones: Mapping[tuple[str | None, ...], Route],
    one: tuple[bool, ...],
    others: Mapping[tuple[str | None, ...], Route],
    other: tuple[bool, ...],
    patterns: Mapping[tuple[str | None, ...], Route],
) -> Iterator[tuple[Route, Route]]:
    """The tied pairs of two sets of rows, whose open places are `one` and `other`."""
    if all(a >= b for a, b in zip(one, other, strict=True)) or all(a <= b for a, b in zip(one, other, strict=True)):
        return  # where both match, one of them is the more specific
    shared = [place for place, (a, b) in enumerate(zip(one, other, strict=True)) if not a and not b]
    alike: dict[tuple[str | None, ...], list[tuple[str | None, ...]]] = {}
    for pattern in others:
        alike.setdefault(tuple(pattern[place] for place in shared), []).append(pattern)
    for pattern, route in ones.items():
        for met in alike.get(tuple(pattern[place] for place in shared), ()):
            both = tuple(a if a is not None else b for a, b in zip(pattern, met, strict=True))
            if both not in patterns:
                later, earlier = sorted((route, others[met]), key=lambda each: -each.line)
                yield later, earlier
