"""Events: each has one form, and no other is read."""

from __future__ import annotations

import msgspec
import pytest

from armslength.gate import Event, format_event, parse_event
from armslength.tlog import Json, canonical, parse_canonical
from tests.gate.stories import CY, MADE, approved, requested, used
from tests.gate.test_record import EVENTS


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_reads_back(event: Event) -> None:
    """What happened would be something else after a start."""
    text = canonical(format_event(event), label="event")
    assert parse_event(parse_canonical(text, label="event")) == event


def test_every_case_of_an_event_is_tried_here() -> None:
    """A new event would have no test."""
    assert {type(event) for event in EVENTS} == set(Event.__args__)


@pytest.mark.parametrize(
    "form",
    [
        {},
        None,
        [],
        {"event": "unheard-of", "at": MADE},
        {**format_event(used()), "more": 1},
        {name: value for name, value in format_event(used()).items() if name != "point"},
        {**format_event(used()), "at": str(MADE)},
        {**format_event(used()), "at": MADE + 0.5},
        {**format_event(used()), "at": True},
        {**format_event(used()), "customers": "acme"},
        {**format_event(approved(CY)), "assertion": {"credential": 1}},
        {**format_event(requested()), "form": []},
    ],
)
def test_anything_else_is_no_event(form: Json) -> None:
    """A forged record would be read as the nearest thing."""
    with pytest.raises(msgspec.ValidationError):
        parse_event(form)
