"""Questions by name: what is asked is what is answered, or one is told why not."""

from __future__ import annotations

import datetime as dt

import pytest

from armslength.estate import Estate, parse
from armslength.service import Refusal, Wanted, question, unknown

AT = dt.date(2026, 11, 22)
FILES = {
    "people.csv": b"id,workplace\nana,CN\n",
    "assets.csv": b"id,class,within\nroom,rooms,\nshelf,,room\nbox,boxes,shelf\nyard,,\n",
    "grants.csv": b"holder,action,target\nperson:ana,read,class:rooms\n",
}


@pytest.fixture
def estate() -> Estate:
    return parse(FILES).estate


def named(estate: Estate, wanted: Wanted) -> set[str]:
    return {estate.assets.ids[t] for t in question(estate, wanted).assets}


def test_a_class_brings_what_lies_within(estate: Estate) -> None:
    """A recording inside a class that was asked for must not be left out of the answer."""
    assert named(estate, Wanted(at=AT, classes=("rooms",))) == {"room", "shelf", "box"}
    assert named(estate, Wanted(at=AT, classes=("boxes",))) == {"box"}


def test_assets_and_classes_together_are_the_assets_of_either(estate: Estate) -> None:
    """What is asked for by name must not vanish because a class was named too."""
    assert named(estate, Wanted(at=AT, assets=("yard",), classes=("boxes",))) == {"yard", "box"}


def test_every_unknown_name_is_told_at_once(estate: Estate) -> None:
    """One slip after the other is one run after the other."""
    with pytest.raises(Refusal) as refused:
        question(estate, Wanted(at=AT, states=("CM",), actions=("raed",), assets=("boxx", "box"), classes=("room",)))
    assert refused.value.problems == (
        "no state 'CM' in the estate: it has 'CN'",
        "no action 'raed' in the estate: did you mean 'read'?",
        "no asset 'boxx' in the estate: did you mean 'box'?",
        "no class 'room' in the estate: did you mean 'rooms'?",
    )


def test_a_reference_where_an_id_is_meant_is_understood() -> None:
    """Reports print references; people copy them."""
    assert unknown("asset", "asset:box", ["box"]) == "no asset 'asset:box' in the estate: did you mean 'box'?"
    assert unknown("state", "cn", ["CN", "IE"]) == "no state 'cn' in the estate: did you mean 'CN'?"


def test_a_name_in_a_large_estate_is_refused_without_a_long_search() -> None:
    """A slip in a filter must not take longer than the answer."""
    names = [f"asset-{n}" for n in range(200_000)]
    assert unknown("asset", "aset-7", names) == "no asset 'aset-7' in the estate"
