"""The world map: every state has its place, colours follow the answer, and the data is what its decision says."""

from __future__ import annotations

import json
import math
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from importlib import resources

from armslength.estate import NAMES
from armslength.report import StateLine
from armslength.report.map import DOT, off_the_map, world, world_map
from armslength.report.standing import standings
from tests.report.pictures import meridian


def test_every_state_of_the_standard_has_a_place() -> None:
    """A state that the map forgot would look like one that can do nothing. Antarctica compels nobody."""
    assert set(NAMES) - set(world().shapes) == {"AQ"}
    for shape in world().shapes.values():
        assert 0 <= shape.at[0] <= world().width and 0 <= shape.at[1] <= world().height


def test_places_lie_where_they_do_on_earth() -> None:
    """A projection turned upside down still looks like a map at a glance."""
    at = {code: shape.at for code, shape in world().shapes.items()}
    for west, east in (
        ("US", "GB"),
        ("PT", "ES"),
        ("DE", "PL"),
        ("IN", "CN"),
        ("CN", "JP"),
        ("AU", "NZ"),
        ("BR", "ZA"),
    ):
        assert at[west][0] < at[east][0]
    for north, south in (("NO", "IT"), ("IT", "TN"), ("MX", "CO"), ("SG", "AU"), ("RU", "KZ"), ("HK", "SG")):
        assert at[north][1] < at[south][1]
    for small, large in (
        ("SG", "MY"),
        ("HK", "CN"),
        ("LI", "CH"),
        ("VA", "IT"),
        ("MC", "FR"),
        ("SM", "IT"),
        ("MO", "CN"),
    ):
        assert math.dist(at[small], _nearest(large, at[small])) < 15


def _nearest(code: str, to: tuple[float, float]) -> tuple[float, float]:
    return min(corners(world().shapes[code].path), key=lambda p: math.dist(p, to))


def corners(path: str) -> list[tuple[float, float]]:
    """The absolute corners of a path of the kind that scripts/map writes."""
    found = []
    for ring in re.findall(r"M([^z]*)z", path):
        start, _, steps = ring.partition("l")
        x, y = (int(v) for v in start.split())
        found.append((float(x), float(y)))
        numbers = [int(v) for v in re.findall(r"-?\d+", steps)]
        for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
            x, y = x + dx, y + dy
            found.append((float(x), float(y)))
    return found


def test_shapes_lie_on_the_map_and_keep_their_size() -> None:
    """Equal Earth keeps areas: what is twice as large on Earth is twice as large here."""

    def area(code: str) -> float:
        total = 0.0
        for ring in re.findall(r"M[^z]*z", world().shapes[code].path):
            points = corners(ring)
            total += sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(points, points[1:] + points[:1], strict=True)) / 2
        return abs(total)

    million_km2 = {"BR": 8.5, "CN": 9.4, "AU": 7.7, "IN": 3.2, "DZ": 2.4, "GL": 2.2, "FR": 0.64, "DE": 0.36, "KE": 0.58}
    unit = area("BR") / million_km2["BR"]
    for code, size in million_km2.items():
        assert abs(area(code) / unit / size - 1) < 0.12, code
    for shape in world().shapes.values():
        for x, y in corners(shape.path):
            assert -40 <= x <= world().width + 40 and -2 <= y <= world().height + 2


def test_the_data_is_small_and_says_where_it_comes_from() -> None:
    """Every page carries it; and whoever ships it must know whose it is."""
    raw = resources.files("armslength.report").joinpath("world.json").read_bytes()
    assert len(raw) <= 90_000
    said = json.loads(raw)["provenance"]
    assert "Natural Earth" in said and "public domain" in said and "world-atlas@2.0.2" in said
    assert "take no position" in said


def test_states_are_drawn_in_their_colour_and_named() -> None:
    """The map is looked at first; a wrong colour there is the report's loudest error."""
    picture = meridian()
    ranked = standings(picture)
    root = ET.fromstring(world_map(picture, ranked))
    drawn = {}
    for mark in [*root.findall(".//path"), *root.findall(".//circle")]:
        if (title := mark.find("title")) is not None and title.text:
            drawn[title.text.split(" (")[1][:2]] = (mark.attrib["class"], title.text)
    assert set(drawn) == {s.state.code for s in ranked if s.worst is not None} - {"EU"}
    assert drawn["CN"][0] == "l0" and drawn["CN"][1].startswith("China (CN): length 0; ")
    assert drawn["TR"][0] == "l1" and drawn["MT"][0] == "holds" and drawn["JP"][0] == "gap"
    assert root.attrib["aria-label"].startswith("World map: 13 states break a floor.")


def test_numbered_dots_do_not_cover_each_other() -> None:
    """In Europe and around the Caribbean a dozen small states share a thumb's width."""
    small = ["AD", "LI", "MC", "SM", "VA", "MT", "LU", "SI", "XK", "ME", "AL", "MK", "CH", "AT", "BE", "NL", "DK", "CZ"]
    full = meridian()
    states = tuple(StateLine(code=code, name=code, people=1) for code in small)
    cells = tuple(replace(full.cells[0], state=k) for k in range(len(small)))
    picture = replace(full, states=states, cells=cells)
    root = ET.fromstring(world_map(picture, standings(picture)))
    dots = [(float(c.attrib["cx"]), float(c.attrib["cy"])) for c in root.findall(".//circle")]
    assert len(dots) == len(small)
    assert all(math.dist(a, b) >= 2 * DOT - 1 for k, a in enumerate(dots) for b in dots[:k])


def test_blocs_stand_beside_the_map() -> None:
    """A bloc has no place of its own on a map of countries, and must not vanish for it."""
    assert [s.state.code for s in off_the_map(standings(meridian()))] == ["EU"]
