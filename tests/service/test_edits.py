"""Edits that nobody has made: all of them together, whatever their order."""

from __future__ import annotations

import datetime as dt
import json
from itertools import permutations
from pathlib import Path

import jsonschema
import pytest

from armslength.estate import Estate, EstateError, digest, parse
from armslength.service import (
    DropGrant,
    DropMembership,
    Edit,
    Granted,
    Join,
    Leaver,
    NewTerms,
    Refusal,
    Travel,
    edit_document,
    edited,
    remarks,
)

AT = dt.date(2026, 11, 22)
ROOT = Path(__file__).resolve().parents[2]
FILES = {
    "people.csv": b"id,workplace\nana,CN\nbo,US\ncy,IE\n",
    "groups.csv": b"group,member\nops,person:ana\nops,person:bo\nlaw,person:cy\n",
    "assets.csv": b"id\nt\n",
    "grants.csv": b'holder,action,target,terms,note\ngroup:ops,read,asset:t,,"two\nlines"\n'
    b"group:law,list,asset:t,,\ngroup:law,read,asset:t,,\n",
    "estate.toml": b'[terms.two]\napprovals = 1\napprovers = "everyone"\n',
}
EDITS: tuple[Edit, ...] = (
    NewTerms(line=4, terms="two"),
    DropGrant(line=2),
    DropMembership(line=4),
    Join(member="person:bo", group="group:law"),
    Leaver(person="person:ana"),
)


@pytest.fixture
def estate() -> Estate:
    return parse(FILES).estate


def test_lines_are_those_of_the_file_in_any_order_of_edits(estate: Estate) -> None:
    """A user counts lines in the file, not in what earlier edits left of it."""
    meant = {
        "people.csv": b"id,workplace\nbo,US\ncy,IE\n",
        "groups.csv": b"group,member\nops,person:bo\nlaw,person:bo\n",
        "assets.csv": FILES["assets.csv"],
        "grants.csv": b"holder,action,target,terms\ngroup:law,list,asset:t,two\ngroup:law,read,asset:t,\n",
        "estate.toml": FILES["estate.toml"],
    }
    wanted = digest(parse(meant).estate)
    for order in permutations(EDITS):
        edits = [edit for edit in order if not isinstance(edit, DropMembership)]
        joined = edited(estate, edits, AT)
        assert digest(edited(joined, [DropMembership(line=4)], AT)) == wanted


@pytest.mark.parametrize("line", [0, 1, 3, 6, 99])
def test_a_line_without_a_row_is_refused(line: int, estate: Estate) -> None:
    """The wrong grant dropped in mind is the wrong grant dropped in fact. Line 3 is the inside of a cell."""
    with pytest.raises(EstateError, match=f"grants.csv:{line}: no row begins at this line"):
        edited(estate, [DropGrant(line=line)], AT)


def test_a_journey_counts_only_while_it_lasts(estate: Estate) -> None:
    """A trip in spring says nothing of today, and must not seem to."""
    days = [dt.date(2026, 11, day) for day in (21, 22, 23)]
    trips = [Travel(person="person:bo", state="RU", start=day, until=day) for day in days]
    assert [len(edited(estate, [trip], AT).travel) for trip in trips] == [0, 1, 0]
    assert len(list(remarks(trips, AT))) == 2
    assert len(edited(estate, [Travel(person="person:bo", state="RU")], AT).travel) == 1


def test_no_edit_is_no_question(estate: Estate) -> None:
    """A slip in a script must not print that nothing would change."""
    with pytest.raises(Refusal):
        edited(estate, [], AT)


def test_every_kind_of_edit_is_printed_as_its_form_says() -> None:
    """Programs that read the form would miss an edit that it does not know."""
    schema = json.loads((ROOT / "docs" / "formats" / "whatif.schema.json").read_text("utf-8"))
    edits: tuple[Edit, ...] = (
        *EDITS,
        NewTerms(line=4, terms=""),
        Travel(person="person:bo", state="CN"),
        Travel(person="person:bo", state="CN", start=AT, until=AT),
        Granted(holder="everyone", action="read", target="asset:t"),
        Granted(holder="everyone", action="read", target="asset:t", terms="two"),
    )
    shown = [edit_document(edit) for edit in edits]
    jsonschema.validate({"estate": "", "at": "2026-11-22", "cap": 3, "edits": shown, "changes": []}, schema)
    assert {edit["edit"] for edit in shown} == {
        choice["properties"]["edit"]["const"] for choice in schema["$defs"]["edit"]["oneOf"]
    }
