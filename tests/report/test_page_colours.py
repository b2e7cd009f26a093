"""The page's colours: text can be read in both schemes, and the scale by anyone who tells light from dark."""

from __future__ import annotations

import pytest

from armslength.report import html
from tests.report.colours import Colour, contrast, luminance, palettes
from tests.report.markup import Page
from tests.report.pictures import meridian

PALETTES = palettes(Page(html(meridian())).one("style").text)
SCHEMES = pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)

TEXT = [
    ("ink", "paper"), ("ink", "raised"), ("ink", "box"), ("muted", "paper"), ("muted", "raised"), ("muted", "box"),
    ("muted", "land"), ("link", "paper"), ("accent", "paper"), ("paper", "ink"), ("on-holds", "holds"),
    ("on-home", "home"), *((f"on-l{k}", f"l{k}") for k in range(4)),
]  # fmt: skip
"""Every pair of text and ground that the style sheet uses."""
SIGNS = [("focus", "paper"), ("edge", "paper"), ("edge", "box"), ("accent", "l3"), ("strong", "paper"), ("ink", "box")]
"""Lines that carry meaning: focus, boxes, bars, the dashes of outsiders and of unknown groups."""


def test_both_schemes_have_the_same_colours_defined() -> None:
    """A variable missing in one scheme would print dark on dark."""
    assert set(PALETTES) == {"light", "dark"}
    assert PALETTES["light"].keys() == PALETTES["dark"].keys()


@SCHEMES
@pytest.mark.parametrize(("text", "ground"), TEXT, ids=lambda name: str(name))
def test_text_has_contrast_aa(palette: dict[str, Colour], text: str, ground: str) -> None:
    """Older eyes and bad projectors lose grey text first (WCAG 2.2, 1.4.3)."""
    assert contrast(palette[text], palette[ground]) >= 4.5


@SCHEMES
@pytest.mark.parametrize(("sign", "ground"), SIGNS, ids=lambda name: str(name))
def test_lines_that_mean_something_can_be_seen(palette: dict[str, Colour], sign: str, ground: str) -> None:
    """A focus ring that cannot be seen strands whoever uses the keyboard (WCAG 2.2, 1.4.11)."""
    assert contrast(palette[sign], palette[ground]) >= 3.0


@SCHEMES
def test_the_scale_of_lengths_steps_in_light_alone(palette: dict[str, Colour]) -> None:
    """Readers who confuse red and green order the steps by lightness, and the shortest length must stand out most."""
    steps = [palette[f"l{k}"] for k in range(4)]
    away = [contrast(step, palette["paper"]) for step in steps]
    assert away == sorted(away, reverse=True)
    for one, next_one in zip(steps, steps[1:], strict=False):
        assert contrast(one, next_one) >= 1.4
    light = [luminance(step) for step in steps]
    assert light in (sorted(light), sorted(light, reverse=True))


@SCHEMES
def test_what_holds_is_not_taken_for_what_is_broken(palette: dict[str, Colour]) -> None:
    """The calm colour differs in hue by more blue than red, which no common colour blindness confuses with orange."""
    red, _, blue = palette["holds"]
    assert blue > red
    for k in range(4):
        red, _, blue = palette[f"l{k}"]
        assert red > blue + 20
