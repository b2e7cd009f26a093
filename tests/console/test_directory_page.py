"""What directories say otherwise, on a page: seen by those who may change the estate, and proposed from there."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from armslength.gate import RequestId
from armslength.service import DIRECTORY_ATTRIBUTES
from armslength.store import GateDirectory
from tests.console.desk import Desk, desk, signed_in

OKTA = GateDirectory(id="okta", secret_sha256="1" * 64)
PEOPLE = {
    "liu": ("Shanghai", "CN"),
    "ana": ("Operations", "US"),
    "bo": ("Dublin", "IE"),
    "cy": ("Singapore", "SG"),
    "di": ("Ottawa", "CA"),
    "eve": ("Oslo", "NO"),
    "fay": ("Lisbon", "PT"),
    "gus": ("Tallinn", "EE"),
    "hal": ("Quito", "EC"),
}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path / "gate", directories=(OKTA,)) as found:
        for person, (unit, state) in PEOPLE.items():
            say(found, person, unit, state)
        yield found


def say(here: Desk, person: str, unit: str, state: str, **more: object) -> None:
    given = {
        "externalId": person,
        "userName": person,
        "department": unit,
        "active": True,
        "addresses": [{"country": state, "type": "work"}],
        **more,
    }
    found = here.gate.directories.find("okta", "user", "external", person)
    id = found[0].id if found else None
    here.gate.directories.say("okta", "user", id, lambda before: (given, DIRECTORY_ATTRIBUTES))  # type: ignore[arg-type,return-value]


def test_who_may_change_the_estate_sees_what_differs_and_proposes_it(here: Desk) -> None:
    """Somebody moved, somebody left, somebody new came with a name that is no name."""
    say(here, "cy", "Singapore", "MY")
    say(here, "hal", "Quito", "EC", active=False)
    say(here, "zoe<script>", "Ops", "DE")
    keeper = signed_in(here, "eve")
    status, _, text = keeper.get("/changes/new")
    assert status == 200 and "otherwise of 3 people" in html.unescape(text)
    status, _, text = keeper.get("/changes/directory")
    assert status == 200 and "<script>" not in text and "zoe&lt;script&gt;" in text
    plain = html.unescape(re.sub(r"<[^>]+>", "", text))
    assert "cy workplace: SG in the estate, MY by okta" in plain
    assert "hal left, and stands in the estate still (okta)" in plain
    fields = {"csrf": keeper.csrf("/changes/directory"), "purpose": "as okta has it", "once": "x"}
    status, headers, text = keeper.post("/changes/directory", fields)
    assert status == 303, text
    place = str(headers["Location"])
    request = here.gate.request(RequestId(place.rpartition("/")[2]))
    assert request.request.purpose == "as okta has it" and request.waiting
    assert b"cy,Cy Tan,Singapore,trust reviewer,SG" in here.gate.estate_files()["people.csv"], "nothing has changed yet"


def test_nobody_else_sees_it(here: Desk) -> None:
    other = signed_in(here, "ana")
    assert other.get("/changes/directory")[0] == 404
    fields = {"csrf": other.csrf("/keys"), "purpose": "x"}
    assert other.post("/changes/directory", fields)[0] == 404


def test_where_there_is_no_directory_there_is_no_page(tmp_path: Path) -> None:
    with desk(tmp_path / "gate") as found:
        keeper = signed_in(found, "eve")
        assert keeper.get("/changes/directory")[0] == 404
        assert "directory" not in keeper.get("/changes/new")[2]
