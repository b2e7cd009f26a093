"""The table for terminals: what is broken first, short enough to read, and inert."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from armslength.report import Picture, table
from tests.report.pictures import meridian, quiet
from tests.report.test_page import HOSTILE, hostile


def printed(picture: Picture, *, wide: int = 110, colour: bool = False) -> str:
    out = io.StringIO()
    Console(file=out, width=wide, force_terminal=colour, color_system="standard" if colour else None).print(
        table(picture)
    )
    return out.getvalue()


def test_the_finding_stands_first_and_the_legend_last() -> None:
    """In a build log only the first lines are read."""
    lines = printed(meridian()).splitlines()
    assert lines[0].strip() == "Four of five floors are broken, by 13 of 15 states."
    assert "how many people outside a state’s reach" in " ".join(lines[-3:])


def test_broken_floors_come_first_the_shortest_on_top() -> None:
    """A floor that holds above one that does not sends the reader away."""
    lines = [line for line in printed(meridian()).splitlines() if "class:" in line or "asset:" in line]
    assert [line.split()[1] for line in lines] == [
        "class:archives", "class:customer-content", "class:meetings", "asset:global-directory", "class:metadata",
    ]  # fmt: skip
    assert lines[-1].rstrip().endswith("holds")


def test_many_broken_cells_are_summed_up_by_class() -> None:
    """Sixty states times ten classes scroll the finding off the screen."""
    text = printed(meridian())
    assert "states, the closest first" in text and "CN, HK and SG at 0" in text
    few = replace(meridian(), cells=tuple(c for c in meridian().cells if c.state == 0))
    assert "China (CN)" in printed(few) and "states, the closest first" not in printed(few)


def test_what_is_not_seen_is_said_here_too() -> None:
    """Whoever never opens the page must still learn of home states, unknown groups and stopped searches."""
    text = " ".join(printed(meridian()).split())
    assert "United States (US) is a home state" in text
    assert "Find out who is in contractors-apac" in text and "alumni" not in text
    assert "The search was stopped for 2 pairs" in text


def test_a_quiet_estate_is_a_short_table() -> None:
    """Good news needs no second table."""
    text = printed(quiet())
    assert text.lstrip().startswith("All five floors hold.")
    assert "closest first" not in text


@pytest.mark.parametrize(
    "text", [t for t in HOSTILE if len(t) < 1000] + ["[bold]x[/bold]", "[link=https://x.invalid]y[/link]"]
)
def test_no_id_speaks_to_the_terminal(text: str) -> None:
    """An escape sequence in an id could rewrite the lines above it, or run in some terminals."""
    shown = printed(hostile(text), colour=True)
    assert "\x1b]8" not in shown and "\x07" not in shown and "\u202e" not in shown
    plain = printed(hostile(text), wide=300)
    assert "\x1b" not in plain
    if text.startswith("["):
        assert text in plain


def test_it_fits_a_narrow_terminal() -> None:
    """Split panes are 80 columns wide."""
    assert max(map(len, printed(meridian(), wide=80).splitlines())) <= 80
