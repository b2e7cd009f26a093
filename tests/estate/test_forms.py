"""CSV and Parquet, any order of rows: one estate, one digest."""

from __future__ import annotations

import datetime as dt
import hashlib
import random

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from armslength.estate import COLUMNS, EstateError, content, digest, digesting, parse
from armslength.gate import LONGEST
from armslength.gate.lease import MOST_USES
from armslength.gate.request import MOST_CUSTOMERS
from tests.estate.samples import Sample, samples, told


def plain_digest(sample: Sample) -> str:
    """The digest as the definition says it, in the fewest words."""
    tables = {}
    for name, columns in COLUMNS.items():
        rows = [{c: row.get(c, "") for c in columns} for row in sample.tables.get(name, [])]
        tables[name] = sorted({rfc8785.dumps(row): row for row in rows}.items())
    estate = parse(sample.files()).estate
    whole = {
        "tables": {name: [row for _, row in rows] for name, rows in tables.items()},
        "settings": estate.settings.parsed,
        "policy": sample.policy or "",
    }
    return hashlib.sha256(rfc8785.dumps(whole)).hexdigest()  # type: ignore[arg-type]


@given(samples())
def test_both_forms_make_the_same_estate(sample: Sample) -> None:
    """A firm that moves its tables to Parquet would get other answers about the same people."""
    from_csv, from_parquet = parse(sample.files("csv")), parse(sample.files("parquet"))
    assert told(from_csv.estate) == told(from_parquet.estate)
    assert len(from_csv.warnings) == len(from_parquet.warnings)


@given(samples())
def test_the_digest_is_the_one_defined(sample: Sample) -> None:
    """An auditor who recomputes the digest with other tools would accuse the firm of a change that nobody made."""
    assert digest(parse(sample.files("csv")).estate) == plain_digest(sample)
    assert digest(parse(sample.files("parquet")).estate) == plain_digest(sample)


@given(samples())
def test_a_small_table_is_digested_as_a_large_one_is(sample: Sample) -> None:
    """A firm's estate would be another on the day that one row more makes its table large."""
    estate = parse(sample.files()).estate
    for name, table in estate.tables.items():
        known = digesting._known(name, estate)
        if len(table):
            small, large = (b"".join(way(table, known)) for way in (digesting._by_python, digesting._by_polars))
            assert small == large, name


@given(samples(), st.randoms(use_true_random=False), st.booleans())
def test_the_digest_does_not_ask_for_order_or_repeats(sample: Sample, chance: random.Random, doubled: bool) -> None:
    """An export that sorts its rows otherwise each night would look like a change each night."""
    before = digest(parse(sample.files()).estate)
    for rows in sample.tables.values():
        chance.shuffle(rows)
    for name in ("groups", "grants", "travel", "declared", "unknown", "routes"):
        if doubled:
            sample.tables[name] = sample.tables.get(name, []) * 2
    for row in sample.tables["people"]:
        row["source"] = "hr"
    assert digest(parse(sample.files()).estate) == before


@given(samples(), st.data())
def test_the_digest_sees_each_cell(sample: Sample, data: st.DataObject) -> None:
    """A change of a role or a note could be made without a trace."""
    before = digest(parse(sample.files()).estate)
    table = data.draw(st.sampled_from(["people", "unknown"]))
    if rows := sample.tables[table]:
        data.draw(st.sampled_from(rows))["role" if table == "people" else "note"] = "something else"
        assert digest(parse(sample.files()).estate) != before


TEAMS = """
[terms.two]
approvals = 1
approvers = "everyone"
distinct = ["team \u2192", "unit"]
"""


def with_teams(team: str, *, terms: str = TEAMS, dated: str = "") -> dict[str, bytes]:
    head, rows = "id,unit,team \u2192,floor", [("ana", "ops", "one", "3"), ("bo", "law", team, "4")]
    lines = [head, *(",".join(row) for row in rows)]
    if dated:
        lines = [lines[0] + ",as_of", *(f"{line},{dated}" for line in lines[1:])]
    return {"people.csv": "\n".join(lines).encode(), "estate.toml": terms.encode()}


def digest_of(files: dict[str, bytes]) -> str:
    return digest(parse(files).estate)


def test_the_digest_sees_a_column_that_terms_tell_apart_by() -> None:
    """Whoever could write that column could make two people of one team a quorum, under a digest that was signed."""
    assert digest_of(with_teams("one")) != digest_of(with_teams("two"))
    unread = TEAMS.replace('"team \u2192", ', "")
    assert digest_of(with_teams("one", terms=unread)) == digest_of(with_teams("two", terms=unread))
    row = dict.fromkeys(COLUMNS["people"], "")
    rows = [
        {**row, "id": "ana", "unit": "ops", "team \u2192": "one"},
        {**row, "id": "bo", "unit": "law", "team \u2192": "two"},
    ]
    estate = parse(with_teams("two")).estate
    whole = {
        "tables": {name: [] for name in COLUMNS} | {"people": sorted(rows, key=rfc8785.dumps)},
        "settings": estate.settings.parsed,
        "policy": "",
    }
    assert digest(estate) == hashlib.sha256(rfc8785.dumps(whole)).hexdigest()  # type: ignore[arg-type]


def content_of(files: dict[str, bytes]) -> str:
    return content(parse(files).estate, files)


def test_the_content_sees_everything_but_where_rows_came_from() -> None:
    """People sign for files; others of one digest are none that they looked at."""
    files = with_teams("one")
    assert content_of(with_teams("one", dated="2027-01-15")) == content_of(files)
    columns = {"id": ["ana", "bo"], "unit": ["ops", "law"], "team \u2192": ["one", "one"], "floor": ["3", "4"]}
    hashes = {
        "estate.toml": hashlib.sha256(files["estate.toml"]).hexdigest(),
        "people.csv": hashlib.sha256(rfc8785.dumps(columns)).hexdigest(),
    }
    assert content_of(files) == hashlib.sha256(rfc8785.dumps(hashes)).hexdigest()
    for other in (
        {**files, "people.csv": files["people.csv"].replace(b",4", b",5")},
        {**files, "estate.toml": files["estate.toml"] + b"# mine"},
        {**files, "policy.cedar": b""},
        {**files, "travel.csv": b"person,state,from,until\n"},
    ):
        assert digest_of(other) == digest_of(files)
        assert content_of(other) != content_of(files)


def test_terms_give_no_more_than_a_lease_can_hold() -> None:
    """A quorum would sign, and the gate then find that there can be no such lease."""
    for key, most in (
        ("uses", MOST_USES),
        ("customers", MOST_CUSTOMERS),
        ("minutes", LONGEST // dt.timedelta(minutes=1)),
    ):
        terms = '[terms.two]\napprovals = 1\napprovers = "everyone"\n'
        parse({"estate.toml": f"{terms}{key} = {most}".encode()})
        with pytest.raises(EstateError) as caught:
            parse({"estate.toml": f"{terms}{key} = {most + 1}".encode()})
        (problem,) = caught.value.problems
        assert (problem.file, problem.line, problem.column) == ("estate.toml", 4, f"terms.two.{key}")
