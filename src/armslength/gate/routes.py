"""What a web request means: its method, host and path become an action, a resource and customers, or a refusal.

Whoever stands in front (a proxy, the gate) and the program behind must take one path for the same thing. So a path is
decoded once, strictly, and whatever some program might read in another way is refused and not repaired: encoded slashes
and dots, empty segments, `;`, backslashes, what is still encoded after decoding, bytes that are not UTF-8, and request
targets in another form than an absolute path. What no route names is refused too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from armslength.estate import (
    MOST_PATH,
    MOST_SEGMENTS,
    Estate,
    Route,
    filled,
    parse_host,
    parse_route,
    route_ties,
    routes_of,
    segment_problem,
)
from armslength.gate.failure import Rejected
from armslength.gate.outcome import Refused, Why
from armslength.gate.request import LONGEST_ID, Target
from armslength.tlog import Json

# RFC 3986, 3.3: what a path may hold as it comes; the semicolon is left out.
_PATH = re.compile(r"/(?:[A-Za-z0-9\-._~!$&'()*+,=:@/]|%[0-9A-Fa-f]{2})*")
_METHOD = re.compile(r"[A-Z][A-Z0-9-]{0,31}")
_NEVER = frozenset({"CONNECT", "TRACE"})
_FIELDS = frozenset({"host", "method", "path", "action", "resource", "customers"})

_Pattern = tuple[str | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """The customers are known by the resolver `name`, from the segments of the path."""

    name: str
    segments: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """What the request means. `customers` are ascending; `rule` is `routes:N` with the line N of the table."""

    action: str
    resource: Target
    customers: tuple[str, ...] | Lookup
    rule: str


class Routes:
    """The routes of one estate, ready to be matched; thread-safe."""

    def __init__(self, estate: Estate) -> None:
        self._fill(routes_of(estate))

    @classmethod
    def parse(cls, form: Json) -> Routes:
        """The routes that `form` gave. Raises `Rejected`, with every problem, for anything else."""
        if not isinstance(form, list):
            raise Rejected(["the routes: expected an array"])
        problems: list[str] = []
        routes: list[Route] = []
        for place, row in enumerate(form, start=1):
            if not isinstance(row, dict) or row.keys() != _FIELDS | {"line"} or not _texts(row):
                problems.append(f"route {place}: expected a row of the routes table with its line")
                continue
            cells = {name: str(row[name]) for name in _FIELDS}
            line = row["line"]
            if not cells["action"] or not isinstance(line, int) or isinstance(line, bool):
                problems.append(f"route {place}: expected an action and a line")
                continue
            route = parse_route(cells, line=line)
            if isinstance(route, Route):
                routes.append(route)
            else:
                problems.extend(f"route {place}: {each.column}: {each.message}" for each in route)
        problems.extend(f"line {one.line} is tied with line {other.line}" for one, other in route_ties(routes))
        if problems:
            raise Rejected(problems)
        found = cls.__new__(cls)
        found._fill(routes)
        return found

    def form(self) -> list[Json]:
        """The rows as they are written, each with its line: what an enforcement point is given."""
        return [{**route.cells, "line": route.line} for route in self._routes]

    def __len__(self) -> int:
        return len(self._routes)

    def match(self, method: str, host: str, raw_target: str) -> Matched | Refused:
        """What a request means. `raw_target` is the target of its first line, as it came; its query is not looked at.
        `host` may carry a port. Refuses with `AMBIGUOUS` or `UNMAPPED`."""
        path, _, _ = raw_target.partition("?")
        segments = decoded(path)
        if isinstance(segments, str):
            return Refused(why=Why.AMBIGUOUS, says=f"the path has {segments}")
        if not _METHOD.fullmatch(method) or method in _NEVER:
            return Refused(why=Why.AMBIGUOUS, says="the method is none that a request to a service has")
        name = parse_host(host)
        if name is None:
            return Refused(why=Why.AMBIGUOUS, says="the host is not a plain name")
        given = (name, "GET" if method == "HEAD" else method, *segments)
        # INVARIANT: where two patterns match, the narrower of them is met first: it has more words, and the estate
        # holds no two of which neither is narrower without one that says what holds for both.
        for places, known in self._shapes.get((len(segments), not segments[-1]), ()):
            if (route := known.get(tuple([given[place] for place in places]))) is not None:
                return _meaning(route, segments)
        return Refused(why=Why.UNMAPPED, says="no route says what this request means")

    def _fill(self, routes: Sequence[Route]) -> None:
        self._routes = tuple(routes)
        shapes: dict[tuple[int, bool], dict[tuple[int, ...], dict[_Pattern, Route]]] = {}
        for route in self._routes:
            pattern = route.pattern
            places = tuple(place for place, part in enumerate(pattern) if part is not None)
            shape = shapes.setdefault((len(route.path), route.path[-1] == ""), {})
            shape.setdefault(places, {})[tuple([pattern[place] for place in places])] = route
        self._shapes = {
            shape: tuple(sorted(found.items(), key=lambda item: -len(item[0]))) for shape, found in shapes.items()
        }


def decoded(path: str) -> tuple[str, ...] | str:
    """The segments of a path as it came, each decoded once; or in words what two programs might read in two ways. A
    last segment that is empty is a trailing slash."""
    if len(path) > MOST_PATH:
        return f"more than {MOST_PATH} characters"
    if not _PATH.fullmatch(path):
        return _odd(path)
    words = path[1:].split("/")
    if len(words) > MOST_SEGMENTS:
        return f"more than {MOST_SEGMENTS} segments"
    segments: list[str] = []
    for word in words:
        if not word:
            if len(segments) < len(words) - 1:
                return "an empty segment"
            segments.append(word)
            continue
        text = word
        if "%" in word:
            try:
                text = unquote_to_bytes(word).decode("utf-8")
            except UnicodeDecodeError:
                return "bytes that are not UTF-8"
        if (problem := segment_problem(text)) is not None:
            return problem
        segments.append(text)
    return tuple(segments)


def _odd(path: str) -> str:
    if not path.startswith("/"):
        return "another form than /…"
    for char, what in (("\\", "a backslash"), (";", "a semicolon, which some programs cut at"), ("#", "a fragment")):
        if char in path:
            return what
    if re.search(r"%(?![0-9A-Fa-f]{2})", path):
        return "a percent sign that encodes nothing"
    return "a character that has to be encoded"


def _meaning(route: Route, segments: Sequence[str]) -> Matched | Refused:
    taken = [text for text, part in zip(segments, route.path, strict=True) if part is None]
    values = dict(zip(route.slots, taken, strict=True))
    resource = Target(type=route.type, id=filled(route.resource, values))
    customers: tuple[str, ...] | Lookup
    if route.asked is not None:
        customers = Lookup(name=route.asked, segments=values)
    else:
        customers = tuple(sorted({filled(each, values) for each in route.customers}))
        if any(len(each) > LONGEST_ID for each in customers):
            return Refused(why=Why.AMBIGUOUS, says=f"the path names a customer with more than {LONGEST_ID} characters")
    return Matched(action=route.action, resource=resource, customers=customers, rule=f"routes:{route.line}")


def _texts(row: Mapping[str, Json]) -> bool:
    return all(isinstance(row[name], str) for name in _FIELDS)
