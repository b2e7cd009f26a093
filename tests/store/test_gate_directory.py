"""Rows of what directories said, in a file and on a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from armslength.store import DirectoryRow, GateDatabase
from tests.store.gate_places import GatePlace

NOW = 1_800_000_000
ROW = DirectoryRow(
    directory="okta", kind="user", id="u1", name="bo@example.com", external="00u1", stamp=NOW, doc=b"{}", mac=b"mac"
)


@pytest.fixture
def database(gate_place: GatePlace) -> Iterator[GateDatabase]:
    with closing(gate_place.open(create=True)) as made:
        yield made


def test_a_row_takes_the_place_of_the_one_before(database: GateDatabase) -> None:
    """Two rows of one user would say two things of them."""
    later = replace(ROW, kind="gone", name="", external="", stamp=NOW + 1, doc=b"later")
    database.change(lambda tables: tables.directories.put(ROW, replace(ROW, id="u2", external="00u2")))
    database.change(lambda tables: tables.directories.put(later))
    with database.reading() as tables:
        assert tables.directories.read("okta", "u1") == later
        assert tables.directories.count("okta", "user") == 1
        assert tables.directories.read_some("okta", ["u1", "u2", "u3"]).keys() == {"u1", "u2"}
        assert [each.id for each in tables.directories.written("okta", since=NOW + 1)] == ["u1"]
    database.change(lambda tables: tables.directories.put())


def test_a_row_is_found_by_exactly_its_names_and_in_its_directory_alone(database: GateDatabase) -> None:
    """A wildcard, or a letter that sorts as another, would find somebody else."""
    strange = ("%", "_", "' OR 1=1 --", "bо@example.com", "BO@EXAMPLE.COM", "", "\\")
    rows = [replace(ROW, id=f"x{place}", name=name, external=name) for place, name in enumerate(strange)]
    database.change(lambda tables: tables.directories.put(ROW, replace(ROW, directory="entra", id="u9"), *rows))
    with database.reading() as tables:
        found = tables.directories
        assert [each.id for each in found.named("okta", "user", "bo@example.com")] == ["u1"]
        assert [each.id for each in found.external("entra", "user", "00u1")] == ["u9"]
        assert found.named("okta", "group", "bo@example.com") == ()
        for place, name in enumerate(strange):
            assert [each.id for each in found.named("okta", "user", name)] == [f"x{place}"]


def test_pages_have_an_order_and_no_holes(database: GateDatabase) -> None:
    rows = [replace(ROW, id=f"u{number:03}", external=str(number)) for number in range(57)]
    database.change(lambda tables: tables.directories.put(*reversed(rows)))
    with database.reading() as tables:
        pages = [tables.directories.page("okta", "user", skip=skip, limit=10) for skip in range(0, 70, 10)]
    assert [each.id for page in pages for each in page] == [each.id for each in rows]
