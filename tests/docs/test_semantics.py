"""docs/semantics.md holds the meaning by itself: what the code cites is there, and what is there the code knows."""

from __future__ import annotations

import json
import re
import tomllib

from armslength.estate import Basis
from armslength.estate.columns import COLUMNS
from armslength.estate.model import POWERS
from tests.docs.documents import ROOT, document

PAGE = document("docs/semantics.md")


def cited() -> dict[str, str]:
    """Each place that the code cites, with a file that cites it."""
    found = {}
    for path in (ROOT / "src").rglob("*.py"):
        text = re.sub(r"\s+", " ", path.read_text("utf-8"))
        for place in re.findall(r"semantics, (rules? \d|\"[^\"]+\")", text):
            found[place.strip('"').replace("rules", "rule")] = path.name
    return found


def test_every_place_that_the_code_cites_is_on_the_page() -> None:
    """Who doubts a line of code is sent to the rule it carries out."""
    marked = {text.rstrip(".").lower() for text in re.findall(r"\*\*([^*]+)\*\*", PAGE.text)}
    marked |= {heading.lower() for heading in PAGE.headings}
    rules = {f"rule {number}" for number in re.findall(r"\*\*Rule (\d)\.", PAGE.text)}
    assert rules == {f"rule {number}" for number in range(1, 8)}
    wanted = cited()
    assert wanted
    assert {place: file for place, file in wanted.items() if place.lower() not in marked | rules} == {}


def test_every_table_and_column_is_on_the_page() -> None:
    """A column that the page does not tell of is filled by guessing."""
    tables = PAGE.text.split("\n### Tables\n")[1].split("\n### ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", tables, re.MULTILINE))
    assert {name: tuple(re.findall(r"`(\w+)`", rows[name])) for name in COLUMNS} == dict(COLUMNS)


def test_every_power_and_basis_is_on_the_page() -> None:
    """A power that is not told of is granted without a thought."""
    rows = set(re.findall(r"^\| `(\w+)` \|", PAGE.text, re.MULTILINE))
    assert POWERS | {basis.value for basis in Basis} <= rows


def test_the_settings_shown_can_be_read() -> None:
    """The first thing a user does is copy them."""
    shown = [tomllib.loads(block.text) for block in PAGE.blocks if block.language == "toml"]
    assert set(shown[0]) == {"name", "bases", "gate", "home", "states", "terms", "floor", "costs"}


def test_the_answer_shown_can_be_read() -> None:
    """Programs are written after it."""
    shown = [json.loads(block.text) for block in PAGE.blocks if block.language == "json"]
    assert set(shown[0]) == {"estate", "at", "cap", "results"}
