"""What a web request means, and which ones mean nothing that two programs would agree on."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from armslength.estate import Estate, EstateError, parse
from armslength.gate.failure import Rejected
from armslength.gate.outcome import Refused, Why
from armslength.gate.request import Target
from armslength.gate.routes import Lookup, Matched, Routes

HOST = "admin.example"
ASSETS = "id\nrooms\naccounts\nlogs\nroom-7\n"
PEOPLE = "id\nana\n"
HEADER = ("host", "method", "path", "action", "resource", "customers")
ROWS = (
    (HOST, "GET", "/rooms/{room}", "read", "rooms", "{room}"),
    (HOST, "DELETE", "/rooms/{room}", "end", "rooms", "*host-of-room"),
    (HOST, "GET", "/rooms/new", "open", "rooms", ""),
    (HOST, "", "/accounts/{user}/", "read", "accounts", "{user}"),
    (HOST, "PUT", "/{server}/users/{user}", "suspend", "accounts", "{server}/{user} {user}"),
    ("", "GET", "/logs", "read", "logs", ""),
    ("other.example", "GET", "/logs", "export", "logs", ""),
    (HOST, "POST", "/people/{person}/reset", "assume", "person:{person}", ""),
    (HOST, "GET", "/numbered/{n}", "read", "room-{n}", ""),
    (HOST, "GET", "/", "read", "logs", ""),
    (HOST, "GET", "/räume/{room}", "read", "rooms", "{room}"),
)
ROW = dict(zip(HEADER, ROWS[0], strict=True))


def estate(rows: Iterable[tuple[str, ...]]) -> Estate:
    text = io.StringIO()
    csv.writer(text).writerows([HEADER, *rows])
    return parse(
        {"assets.csv": ASSETS.encode(), "people.csv": PEOPLE.encode(), "routes.csv": text.getvalue().encode()}
    ).estate


ROUTES = Routes(estate(ROWS))


def meant(method: str, target: str, host: str = HOST) -> Matched:
    found = ROUTES.match(method, host, target)
    assert isinstance(found, Matched), found
    return found


def refused(method: str, target: str, host: str = HOST) -> Why:
    found = ROUTES.match(method, host, target)
    assert isinstance(found, Refused), found
    assert found.says
    return found.why


def test_a_request_means_what_its_route_says() -> None:
    """An approver agrees to one act on one customer; the request that comes in has to be that one."""
    assert meant("GET", "/rooms/abc?limit=1") == Matched(
        action="read", resource=Target(type="asset", id="rooms"), customers=("abc",), rule="routes:2"
    )
    assert meant("DELETE", "/rooms/%21abc%3Ahome").customers == Lookup(
        name="host-of-room", segments={"room": "!abc:home"}
    )
    assert meant("PUT", "/srv/users/zoe").customers == ("srv/zoe", "zoe")
    assert meant("POST", "/people/ana/reset").resource == Target(type="person", id="ana")
    assert meant("GET", "/numbered/7").resource == Target(type="asset", id="room-7")
    assert meant("GET", "/").rule == "routes:11"
    assert meant("GET", "/r%C3%A4ume/x").rule == "routes:12"


def test_a_customer_is_decoded_once() -> None:
    """A lease for one customer would open another's data if the two sides decoded differently often."""
    assert meant("GET", "/rooms/%61%62").customers == ("ab",)
    assert meant("GET", "/rooms/a%20b").customers == ("a b",)
    assert meant("GET", "/rooms/a+b").customers == ("a+b",)
    assert meant("GET", "/rooms/%23alias:home").customers == ("#alias:home",)
    assert refused("GET", "/rooms/%2561") is Why.AMBIGUOUS
    assert refused("GET", "/rooms/100%25") is Why.AMBIGUOUS


def test_a_head_is_a_get() -> None:
    """Whether a customer exists would be told to who may not read them."""
    assert meant("HEAD", "/rooms/abc").action == "read"


def test_the_narrower_route_counts() -> None:
    """A wide route would otherwise take what a narrow one protects, by the order of rows alone."""
    assert meant("GET", "/rooms/new").action == "open"
    assert meant("GET", "/logs", "other.example").action == "export"
    assert meant("GET", "/logs", "third.example").action == "read"


def test_a_host_is_a_name_without_case_or_port() -> None:
    """A program routes on the host too; one that reads it differently would be another service."""
    assert meant("GET", "/rooms/abc", "Admin.Example:8443").action == "read"
    for host in (
        "admin.example.",
        "admin.example:",
        "admin.example:8a",
        "a b",
        "",
        "admin.example,x",
        "a@b",
        "é.example",
    ):
        assert refused("GET", "/rooms/abc", host) is Why.AMBIGUOUS
    assert refused("GET", "/rooms/abc", "elsewhere.example") is Why.UNMAPPED


def test_what_no_route_names_is_refused() -> None:
    """A new endpoint of the service must not be open because nobody wrote a row for it."""
    for method, target in (
        ("GET", "/room/abc"),
        ("GET", "/rooms/abc/"),
        ("GET", "/rooms/"),
        ("GET", "/accounts/zoe"),
        ("POST", "/rooms/abc"),
        ("GET", "/rooms/abc/members"),
        ("GET", "/ROOMS/abc"),
        ("OPTIONS", "/rooms/abc"),
    ):
        assert refused(method, target) is Why.UNMAPPED


@pytest.mark.parametrize(
    "target",
    ["", "*", "rooms/abc", "http://admin.example/rooms/abc", "//admin.example/rooms/abc", "admin.example:443"]
    + ["/rooms//abc", "/rooms/abc//", "/rooms/./abc", "/rooms/../abc", "/rooms/.", "/x/..", "/rooms/%2e%2e/abc"]
    + ["/rooms/%2E/abc", "/rooms/.%2e", "/rooms/a%2fb", "/rooms/a%2Fb", "/rooms/a%5cb", "/rooms/a\\b", "/rooms/a%00"]
    + ["/rooms/abc;v=1", "/rooms/abc%3Bv=1", "/rooms;x/abc", "/rooms/..;/abc", "/rooms/abc#x", "/rooms/#?x"]
    + ["/rooms/%", "/rooms/%4", "/rooms/%zz", "/rooms/%u0061", "/rooms/%C0%AF", "/rooms/%E0%80%AF", "/rooms/%FF"]
    + ["/rooms/%ED%A0%80", "/rooms/%252e%252e", "/rooms/%25", "/rooms/a b", "/rooms/é", "/rooms/\u0661", "/rooms/a\tb"]
    + [
        "/rooms/a\r\nX: y",
        "/rooms/a%0d%0a",
        "/rooms/%20abc",
        "/rooms/abc%20",
        "/rooms/abc%C2%A0",
        "/rooms/%E2%80%8Babc",
    ]
    + ['/rooms/"abc"', "/rooms/<abc>", "/rooms/{room}", "/rooms/a|b", "/rooms/a^b", "/rooms/`a`", "/rooms/abc\n"]
    + ["/rooms/e%CC%81", "/rooms/" + "a" * 5000, "/" + "/".join("a" * 65), "/rooms/%7F"],
)
def test_what_two_programs_may_read_in_two_ways_is_refused(target: str) -> None:
    """The proxy would ask about one customer, and the service behind it open another's data."""
    assert refused("GET", target) is Why.AMBIGUOUS


@pytest.mark.parametrize("method", ["", "get", "GET ", "CONNECT", "TRACE", "G\nET", "GÉT", "X" * 40])
def test_a_method_is_one(method: str) -> None:
    """A method that a lenient service takes for another would carry out another action."""
    assert refused(method, "/rooms/abc") is Why.AMBIGUOUS


@given(st.text(max_size=40))
@example("{room}")
@example("../x")
@example("%2e")
def test_a_segment_comes_back_as_it_was_encoded_or_not_at_all(text: str) -> None:
    """A customer whose name is changed on the way is another customer."""
    found = ROUTES.match("GET", HOST, f"/rooms/{quote(text, safe='')}" if text.isascii() or _encodable(text) else "/x")
    if isinstance(found, Matched) and found.rule == "routes:2":
        assert found.customers == (text,)


@given(st.text(alphabet=st.characters(codec="ascii"), max_size=30))
def test_no_target_breaks_it(target: str) -> None:
    """An error while matching would be a refusal that says nothing."""
    for each in (target, f"/{target}", f"/rooms/{target}"):
        assert isinstance(ROUTES.match("GET", HOST, each), Matched | Refused)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", HOST]),
            st.sampled_from(["", "GET"]),
            st.lists(st.sampled_from(["a", "b", "{x}", "{y}"]), min_size=1, max_size=3, unique=True).map(
                lambda words: "/" + "/".join(words)
            ),
            st.sampled_from(["read", "end"]),
            st.just("rooms"),
            st.just(""),
        ),
        max_size=6,
        unique=True,
    )
)
def test_the_row_that_counts_is_within_every_other_that_matches(rows: list[tuple[str, ...]]) -> None:
    """Which of two rows counts would depend on their order, and the narrow one could lose."""
    try:
        routes = Routes(estate(rows))
    except EstateError as error:
        assert all("neither is more specific" in problem.message for problem in error.problems)
        return
    for path in ("/a", "/b", "/a/a", "/a/b", "/b/a", "/c/b", "/a/b/a", "/c/c/c"):
        words = path[1:].split("/")
        matching = [row for row in rows if _fits(row, words)]
        found = routes.match("GET", HOST, path)
        assert isinstance(found, Matched) == bool(matching)
        if isinstance(found, Matched):
            winner = rows[int(found.rule.partition(":")[2]) - 2]
            assert winner in matching
            assert all(_within(winner, row) for row in matching)


def test_routes_travel_to_a_point_and_mean_the_same() -> None:
    """An enforcement point that reads a row otherwise than the gate lets another act happen than was approved."""
    there = Routes.parse(ROUTES.form())
    assert there.form() == ROUTES.form() and len(there) == len(ROWS)
    for target in ("/rooms/abc", "/rooms/new", "/", "/nothing", "/rooms/a%2fb"):
        assert there.match("GET", HOST, target) == ROUTES.match("GET", HOST, target)


@pytest.mark.parametrize(
    "form",
    [None, {}, [1], [{}], [{**dict.fromkeys(HEADER, ""), "line": 1}], [{**ROW, "line": "2"}]]
    + [
        [{**ROW, "line": 2, "more": ""}],
        [{**ROW, "path": "/%41", "line": 2}],
    ]
    + [[{**ROW, "line": 2}, {**ROW, "action": "end", "line": 3}]],
)
def test_what_are_no_routes_is_not_taken_for_some(form: object) -> None:
    """A point that starts with half of its routes refuses honest work; one that repairs them lets through what it
    should not."""
    with pytest.raises(Rejected):
        Routes.parse(form)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("row", "column", "says"),
    [
        ((HOST, "GET", "/other/{x}", "read", "romms", ""), "resource", "asset 'romms' is not in the assets table"),
        ((HOST, "GET", "/x", "assume", "rooms", ""), "resource", "expects person:… or group:…"),
        ((HOST, "GET", "/x", "read", "person:ana", ""), "resource", "expects an asset"),
        ((HOST, "GET", "/x", "assume", "person:bea", ""), "resource", "'bea' is not in the people table"),
        (("Admin.example", "GET", "/x", "read", "rooms", ""), "host", "lower case"),
        ((f"{HOST}:443", "GET", "/x", "read", "rooms", ""), "host", "without port"),
        ((HOST, "HEAD", "/x", "read", "rooms", ""), "method", "a HEAD is matched as a GET"),
        ((HOST, "GET", "x", "read", "rooms", ""), "path", "expected a path"),
        ((HOST, "GET", "/a//b", "read", "rooms", ""), "path", "empty segment"),
        ((HOST, "GET", "/a/x{b}", "read", "rooms", ""), "path", "a whole segment"),
        ((HOST, "GET", "/a/{b}/{b}", "read", "rooms", ""), "path", "twice"),
        ((HOST, "GET", "/a/*", "read", "rooms", ""), "path", "one segment at a time"),
        ((HOST, "GET", "/a?b", "read", "rooms", ""), "path", "a path alone"),
        ((HOST, "GET", "/a/%41", "read", "rooms", ""), "path", "as it reads decoded"),
        ((HOST, "GET", "/a/../b", "read", "rooms", ""), "path", "dot segment"),
        ((HOST, "GET", "/a", "read", "rooms", "{room}"), "customers", "not in the path"),
        ((HOST, "GET", "/a", "read", "rooms", "*Who"), "customers", "in lower case"),
        ((HOST, "GET", "/rooms/{other}", "end", "rooms", ""), "path", "line 2"),
        ((HOST, "GET", "/{a}/new", "read", "rooms", ""), "path", "neither is more specific"),
    ],
)
def test_a_bad_row_is_told_by_its_cell(row: tuple[str, ...], column: str, says: str) -> None:
    """A row that is skipped in silence is an endpoint that is open or dead, and nobody knows which line to mend."""
    with pytest.raises(EstateError) as caught:
        estate([*ROWS[:2], row])
    assert [(p.file, p.line, p.column) for p in caught.value.problems] == [("routes.csv", 4, column)]
    assert says in caught.value.problems[0].message


def test_a_third_row_settles_what_two_others_share() -> None:
    """Somebody with two crossing endpoints would be left without a way to write them."""
    rows = [
        (HOST, "GET", path, action, "rooms", "") for path, action in (("/a/{x}", "p"), ("/{x}/b", "q"), ("/a/b", "r"))
    ]
    found = Routes(estate(rows)).match("GET", HOST, "/a/b")
    assert isinstance(found, Matched) and found.action == "r"


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _fits(row: tuple[str, ...], words: list[str]) -> bool:
    pattern = row[2][1:].split("/")
    return len(pattern) == len(words) and all(p[0] == "{" or p == w for p, w in zip(pattern, words, strict=True))


def _within(narrow: tuple[str, ...], wide: tuple[str, ...]) -> bool:
    return all(not b or a == b for a, b in zip(narrow[:2], wide[:2], strict=True)) and all(
        b[0] == "{" or a == b for a, b in zip(narrow[2][1:].split("/"), wide[2][1:].split("/"), strict=True)
    )
