"""CSV and Parquet, any order of rows: one estate, one digest."""

from __future__ import annotations

import hashlib
import random

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from armslength.estate import COLUMNS, digest, parse
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
