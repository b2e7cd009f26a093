"""Text from the tables before any format: nothing hidden, nothing endless, numbers as people write them."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from armslength.report.plain import counted, listed, number, short, spelled, visible, width


@given(st.text(st.characters(categories=None)))
def test_nothing_that_reorders_or_hides_is_left(text: str) -> None:
    """Two ids that look the same and are not would be one row of access misread."""
    shown = visible(text)
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in shown)
    assert not any(
        unicodedata.bidirectional(c) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI") for c in shown
    )
    shown.encode("utf-8")


@given(st.text(), st.integers(8, 40))
def test_short_text_is_short_and_keeps_both_ends(text: str, longest: int) -> None:
    """Ids of one system often share their first fifty characters."""
    shown = short(text, longest)
    assert len(shown) <= longest
    if len(visible(text)) > longest:
        assert "…" in shown and visible(text).startswith(shown.partition("…")[0])
        assert visible(text).endswith(shown.rpartition("…")[2])


def test_plain_text_stays_as_it_is() -> None:
    """An id that a report rewrites cannot be searched for."""
    for text in ("recordings-us", "naïve", "漢字", "👩🏽‍💻", "a:b/c@d", "עברית"):
        assert visible(text) == text


def test_wide_characters_count_double() -> None:
    """Boxes are measured in columns; a title of wide characters would run out of its box."""
    assert (width("abc"), width("漢字"), width("e\u0301")) == (3, 4, 1)


def test_numbers_read_as_in_a_sentence() -> None:
    """The headline is read aloud in a meeting."""
    assert [spelled(k) for k in (0, 1, 12, 13, 4000)] == ["no", "one", "twelve", "13", "4,000"]
    assert (counted(1, "state"), counted(2500, "state"), counted(2, "person", "people")) == (
        "1 state",
        "2,500 states",
        "2 people",
    )
    assert number(1234567) == "1,234,567"
    assert [listed(list("ab"[:k])) for k in range(3)] == ["", "a", "a and b"]
    assert listed(list("abcdefgh"), 4) == "a, b, c and 5 more"
