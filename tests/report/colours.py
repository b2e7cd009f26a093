"""Colours of the page's style sheet: its two palettes, and contrast as WCAG 2.2 counts it."""

from __future__ import annotations

import re

Colour = tuple[int, int, int]


def palettes(style: str) -> dict[str, dict[str, Colour]]:
    """`light` and `dark`: each variable that holds a colour. Every block of a scheme must say the same."""
    found: dict[str, dict[str, Colour]] = {}
    for block in re.findall(r"\{\s*(color-scheme: \w+;[^}]*)\}", style):
        scheme = re.match(r"color-scheme: (\w+)", block)
        assert scheme is not None
        colours = {
            name: (int(value[:2], 16), int(value[2:4], 16), int(value[4:], 16))
            for name, value in re.findall(r"--([\w-]+): #([0-9a-f]{6});", block)
        }
        if "--paper: #ffffff" in block:
            continue  # print: the light palette on white paper
        assert found.setdefault(scheme[1], colours) == colours
    return found


def luminance(colour: Colour) -> float:
    """Relative luminance, 0 to 1."""
    parts = [c / 255 for c in colour]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: Colour, other: Colour) -> float:
    """1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
