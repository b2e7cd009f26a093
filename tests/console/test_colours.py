"""The console's colours: text can be read in both schemes."""

from __future__ import annotations

import pytest

from armslength.console.rendering import static_file
from tests.report.colours import Colour, contrast, palettes

PALETTES = palettes(static_file("console.css").decode())
SCHEMES = pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)

TEXT = [
    ("ink", "paper"), ("ink", "raised"), ("ink", "box"), ("muted", "paper"), ("muted", "raised"), ("muted", "box"),
    ("link", "paper"), ("link", "box"), ("link", "raised"), ("on-warm", "warm"), ("on-yes", "yes"), ("on-no", "no"),
    ("on-wait", "wait"), ("on-over", "over"), ("on-act", "act"), ("paper", "ink"), ("on-gone", "gone"),
    ("on-come", "come"), ("accent", "box"),
]  # fmt: skip
"""Every pair of text and ground that the style sheet uses."""
SIGNS = [
    ("focus", "paper"),
    ("focus", "raised"),
    ("focus", "box"),
    ("edge", "paper"),
    ("edge", "box"),
    ("accent", "paper"),
]
"""Lines that carry meaning: focus, the boxes of fields, the bar of a warning."""


def test_both_schemes_have_the_same_colours_defined() -> None:
    """A variable missing in one scheme would print dark on dark."""
    assert set(PALETTES) == {"light", "dark"}
    assert PALETTES["light"].keys() == PALETTES["dark"].keys()


@SCHEMES
@pytest.mark.parametrize(("text", "ground"), TEXT, ids=lambda name: str(name))
def test_text_has_contrast_aa(palette: dict[str, Colour], text: str, ground: str) -> None:
    """An approver who cannot read what they sign signs it all the same (WCAG 2.2, 1.4.3)."""
    assert contrast(palette[text], palette[ground]) >= 4.5


@SCHEMES
@pytest.mark.parametrize(("sign", "ground"), SIGNS, ids=lambda name: str(name))
def test_lines_that_mean_something_can_be_seen(palette: dict[str, Colour], sign: str, ground: str) -> None:
    """A focus ring that cannot be seen strands whoever uses the keyboard (WCAG 2.2, 1.4.11)."""
    assert contrast(palette[sign], palette[ground]) >= 3.0
