"""CSV: every pair once, and no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from armslength.report import csv_rows
from tests.report.estates import SMALL, answer, estate


def rows(**asked: object) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(csv_rows(answer(**asked))))))


def test_every_pair_stands_there_with_its_length_and_floor() -> None:
    """Whoever counts for themselves must come to the page's numbers."""
    found = rows()
    assert len(found) == 23
    assert sum(row["broken"] == "yes" for row in found) == 22
    by = {(r["state"], r["action"], r["asset"]): r for r in found}
    assert by["CN", "terminate", "meetings-us"] == {
        "state": "CN", "action": "terminate", "asset": "meetings-us", "class": "meetings", "length": "1",
        "at_least": "", "at_most": "", "floor": "2", "broken": "yes", "gap": "", "gap_groups": "", "gap_at_least": "",
    }  # fmt: skip
    assert by["CN", "read", "meetings-us"]["gap"] == "0" and by["CN", "read", "meetings-us"]["gap_groups"] == "agency"
    assert by["CN", "read", "archive"]["length"] == "" and by["CN", "read", "archive"]["broken"] == "no"


def test_pairs_without_a_floor_are_neither_broken_nor_whole() -> None:
    """An empty cell says that nobody judged; a "no" would say that it is fine."""
    found = rows(everything=True)
    free = [r for r in found if r["floor"] == ""]
    assert free and {r["broken"] for r in free} == {""}


def test_a_stopped_search_leaves_the_length_empty() -> None:
    """A bound read as a length is a wrong number."""
    whole = answer()
    whole.at_least[:], whole.at_most[:] = 1, -1
    found = list(csv.DictReader(io.StringIO("".join(csv_rows(whole)))))
    assert {(r["length"], r["at_least"], r["at_most"]) for r in found} == {("", "1", "")}
    whole._gaps = {place: replace(gap, stopped=True) for place, gap in whole._gaps.items()}
    stopped = [r for r in csv.DictReader(io.StringIO("".join(csv_rows(whole)))) if r["gap_groups"]]
    assert {(r["gap"], r["gap_at_least"]) for r in stopped} == {("", "0")}


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_begins_a_formula(formula: str) -> None:
    """Ids come from systems that outsiders can write to; a spreadsheet would run them as its user."""
    quoted = '"' + formula + '"'
    assets = SMALL["assets.csv"].replace("archive", quoted)
    toml = (
        SMALL["estate.toml"].split("[[floor]]")[0]
        + '[[floor]]\naction = "read"\ntarget = "class:meetings"\nlength = 1\n'
    )
    shown = "".join(csv_rows(answer(estate(assets=assets, estate=toml), everything=True)))
    cells = [cell for row in csv.reader(io.StringIO(shown)) for cell in row]
    assert not any(cell[:1] in ("=", "+", "-", "@", "\t", "\r") for cell in cells)
    assert any(cell.lstrip("'").endswith(formula.strip()) for cell in cells)


def test_quotes_commas_and_line_breaks_survive() -> None:
    """A cell that spills into the next column shifts every number after it."""
    assets = SMALL["assets.csv"].replace("meetings-eu", '"eu, ""west"""')
    shown = "".join(csv_rows(answer(estate(assets=assets))))
    found = list(csv.DictReader(io.StringIO(shown)))
    assert 'eu, "west"' in {r["asset"] for r in found}
    assert len(found) == 23 and shown.endswith("\r\n")
