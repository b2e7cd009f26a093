"""Markdown for a pull request: short, complete in its finding, and inert whatever the tables say."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from armslength.report import markdown
from tests.report.pictures import meridian, quiet
from tests.report.test_page import HOSTILE, hostile


def test_the_comment_says_the_finding_the_floors_and_the_first_repairs() -> None:
    """A reviewer decides on this comment alone."""
    said = markdown(meridian())
    assert "### Four of five floors are broken, by 13 of 15 states." in said
    assert "| `export` | `class:archives` | 2 | **0** | 18 of 90 |" in said
    assert "proven least" in said and "`grants.csv, line 19`" in said
    assert said.count("<details>") == said.count("</details>") == 3
    assert "is a home state" in said and "`contractors-apac`" in said and "2 pairs" in said


def test_the_first_line_finds_the_comment_again() -> None:
    """A job that cannot find its comment writes a new one on every push."""
    assert markdown(meridian()).startswith("<!-- armslength reach -->\n")
    assert markdown(quiet()).startswith("<!-- armslength reach -->\n")


@pytest.mark.parametrize(
    "text",
    [
        *HOSTILE,
        "@everyone",
        "#1",
        "![x](https://x.invalid/a.png)",
        "[x](https://x.invalid)",
        "a|b",
        "**b**",
        "a\n\n# b",
        "</details>",
    ],
)
def test_ids_are_no_markup(text: str) -> None:
    """An asset named by an outsider could otherwise call people, load pictures or hide the finding."""
    picture = hostile(text)
    said = markdown(picture)
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(said)
    inline = [child for token in tokens for child in token.children or ()]
    assert not [t for t in inline if t.type in ("image", "link_open")]
    tags = {
        t.content.strip().split("\n")[0].split(">")[0] + ">" for t in [*tokens, *inline] if t.type.startswith("html")
    }
    assert tags <= {
        "<!-- armslength reach -->",
        "<details>",
        "</details>",
        "<sub>",
        "</sub>",
        "</summary>",
        "<summary>",
    }
    assert sum(t.type == "heading_open" for t in tokens) == 1
    prose = re.sub(r"`[^`]*`", "", said)
    assert not re.search(r"@\w", prose) and not re.search(r"(?<!&)#\d", prose)
    assert "\u202e" not in said


def test_tables_keep_their_columns() -> None:
    """One bar in an id would move every number by a column."""
    rows = [line for line in markdown(hostile("a|b")).splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {7}


def test_it_fits_a_comment() -> None:
    """A comment that is too long is refused, and the build shows nothing at all."""
    full = meridian()
    many = replace(
        full, floors=tuple(replace(full.floors[0], number=k, target="class:" + "x" * 90) for k in range(800))
    )
    said = markdown(many)
    assert len(said) <= 65_536 and said.endswith("(cut short)\n")
