"""Times, spans, sizes and terms as pages say them."""

from __future__ import annotations

import datetime as dt

import pytest

from armslength.console.terms_view import sentences, terms_of
from armslength.console.words import moment_text, size_text, span_text
from armslength.store import Source, parsed
from tests.console.staff import FILES


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "less than a minute"), (59, "less than a minute"), (60, "1 minute"), (119, "a minute"), (150, "2 minutes"),
     (3600, "1 hour"), (3661, "61 minutes"), (7200, "2 hours"), (86_400, "1 day"), (90_000, "25 hours"),
     (172_800, "2 days")],
)  # fmt: skip
def test_a_span_never_says_more_than_there_is(seconds: int, said: str) -> None:
    """Who is told two hours and has one comes too late."""
    assert span_text(dt.timedelta(seconds=seconds)) == said


def test_times_name_their_zone() -> None:
    """An approver in Singapore and one in Dublin read the same page."""
    assert moment_text(dt.datetime(2026, 6, 4, 9, 5, 0, tzinfo=dt.UTC)) == "4 Jun 2026, 09:05 UTC"


def test_sizes_are_those_of_a_file_manager() -> None:
    """A size that nobody recognises tells nobody that a document was exchanged."""
    assert [size_text(n) for n in (1, 999, 12_345, 3_100_000)] == ["1 byte", "999 bytes", "12 kB", "3.1 MB"]


def test_terms_say_all_that_they_ask_for() -> None:
    """A condition that is left out is found out when the quorum fails."""
    toml = FILES["estate.toml"] + (
        b'\n[terms.all]\napprovals = 2\napprovers = "everyone"\napart = 2\ndistinct = ["unit"]\nminutes = 90\n'
        b'from = [{ of = "group:trust", count = 1 }]\nline = "apart"\nuses = 1\ncustomers = 5\ncustomer = "veto"\n'
    )
    estate = parsed(Source(description="a test", files={**FILES, "estate.toml": toml})).estate
    terms = terms_of(estate, "all")
    assert terms is not None
    assert sentences(estate, terms) == (
        "2 approvals from anyone",
        "at least 1 approval from the group trust",
        "for every state, at least 2 of those who carry it out and approve must be out of its reach",
        "no two may have the same unit",
        "no two may be in one reporting line",
        "each customer is told first and may say no",
        "the lease then runs for 90 minutes",
        "for 1 use",
        "for 5 customers at most",
    )
    assert terms_of(estate, "none") is None
