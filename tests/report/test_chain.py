"""The drawing of a chain: text inside its boxes, one name for the picture, nothing too large to help."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.reach import Step
from armslength.report.chain import BOX, COLUMNS_OF_TEXT, drawing, wrapped
from armslength.report.plain import width
from tests.report.pictures import BORROWED_HANDS, CUSTODY, ENROL, RESET_AND_QUORUM
from tests.report.test_derivation import ROLES


@pytest.mark.parametrize("steps", [BORROWED_HANDS, RESET_AND_QUORUM, CUSTODY, ENROL], ids=range(4))
def test_every_box_lies_within_the_picture(steps: tuple[Step, ...]) -> None:
    """A box cut off at the edge is a fact left out."""
    root = ET.fromstring(drawing(steps, ROLES, "what it shows"))
    _, _, wide, high = (float(v) for v in root.attrib["viewBox"].split())
    assert root.attrib["aria-label"] == "what it shows" and root.attrib["role"] == "img"
    boxes = root.findall(".//rect")
    assert boxes
    for box in boxes:
        x, y, w, h = (float(box.attrib[k]) for k in ("x", "y", "width", "height"))
        assert 0 <= x and x + w <= wide + 1 and 0 <= y and y + h <= high + 1


def test_text_stays_inside_its_box() -> None:
    """Text that runs over the next box belongs to neither."""
    long = dict.fromkeys(ROLES, "senior principal regional compliance coordination lead for the southern districts")
    root = ET.fromstring(drawing(RESET_AND_QUORUM, long, "t"))
    for group in root.findall("g"):
        box = group.find("rect")
        assert box is not None
        x, y, h = (float(box.attrib[k]) for k in ("x", "y", "height"))
        for text in group.findall("text"):
            assert width(text.text or "") <= COLUMNS_OF_TEXT + 2
            assert x < float(text.attrib["x"]) < x + BOX and y < float(text.attrib["y"]) < y + h


@given(st.text(min_size=1, max_size=80))
def test_titles_take_at_most_two_lines(title: str) -> None:
    """A grant named by a machine must not push the chain off the page."""
    lines = wrapped(title)
    assert 1 <= len(lines) <= 2 and all(width(line) <= COLUMNS_OF_TEXT for line in lines)


def test_titles_break_where_ids_do() -> None:
    """`customer-content` broken inside a word reads as another id."""
    assert wrapped("customer-content-archive") == ["customer-content-", "archive"]
    assert wrapped("incident commanders emea") == ["incident", "commanders emea"]


def test_words_in_a_drawing_stay_words() -> None:
    """A role may be named by whoever edits the directory."""
    made = drawing(ENROL, {"person:lead": '<script>alert(1)</script>&"'}, '"><script>')
    assert "<script" not in made
    ET.fromstring(made)


def test_the_drawing_brings_no_colour_and_no_style() -> None:
    """Colours come from the style sheet alone, or dark pages would have light boxes; and the policy refuses styles."""
    made = drawing(RESET_AND_QUORUM, ROLES, "t")
    assert not re.search(r"style=|fill=|stroke=|#[0-9a-f]{3}", made)


def test_too_large_a_drawing_is_left_out() -> None:
    """A hundred boxes explain nothing; the sentences do."""
    people = [f"person:p{k}" for k in range(100)]
    steps = tuple(Step(rule="accomplice", fact=("acts", p)) for p in people)
    assert drawing(steps, {p: f"role {p}" for p in people}, "t") == ""
    assert drawing((), {}, "t") == ""
