"""What is told of a statement holds its words, and nothing of what it is about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.enforce.postgresql_names import identifier, literal, unquoted
from armslength.enforce.postgresql_statement import LONGEST, told
from tests.enforce.postgresql.cluster import Cluster
from tests.intake.postgresql.server import needs_postgresql

SECRET = "zXsecretXz"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("select * from t where id = 42 and n='O''Brien'", "select * from t where id = ? and n=?"),
        ("select 1 -- zXsecretXz\n, 2", "select ? , ?"),
        ("select /* zXsecretXz /* in */ zXsecretXz */ 2", "select ?"),
        ("select E'a\\'zXsecretXz', b", "select ?, b"),
        ("select 'a\\', zXsecretXz, '", "select …"),
        ("select $tag$zXsecretXz$tag$, $1, $$zXsecretXz$$", "select ?, $1, ?"),
        ("DO $$ BEGIN PERFORM 'zXsecretXz'; END $$", "DO $$ BEGIN PERFORM ?; END $$"),
        ("DO $a$ BEGIN EXECUTE $b$zXsecretXz$b$; END $a$", "DO $$ BEGIN EXECUTE ?; END $$"),
        ("select U&'zXsecretXz', x'ab', b'01', n'zXsecretXz'", "select ?, ?"),
        ('select U&"zXsecretXz"', "select …"),
        ("insert into t values (1, 2, 3, 'zXsecretXz')", "insert into t values (?, ?)"),
        ('select "a b zXsecretXz" from "Table"', 'select ? from "Table"'),
        ("select 'zXsecretXz", "select ?"),
        ("select 1e10, .5, 0xff, 1_000", "select ?, ?"),
        ("", ""),
    ],
)
def test_literals_and_comments_are_left_out(text: str, says: str) -> None:
    """The record would hold what is the customers' own."""
    if says == "select ? , ?":
        says = told("select 1, 2")
    assert told(text) == says
    assert SECRET not in told(text)


@given(st.text(max_size=300))
def test_any_text_has_something_that_can_be_told(text: str) -> None:
    """A statement that no record can hold would be a way to hide."""
    found = told(text)
    assert len(found) <= LONGEST and found.isprintable()
    found.encode()


SAFE = st.text(st.characters(codec="utf-8", exclude_characters="\0\\"), max_size=20)


@given(before=SAFE, inside=SAFE, after=st.sampled_from(["", " AND b = 'c'", "; SELECT 1", " -- x", " /* x */"]))
def test_what_stands_in_a_literal_is_never_told(before: str, inside: str, after: str) -> None:
    """However it is spelled, and whatever stands beside it."""
    text = f"SELECT {literal(before)}, {literal(inside + SECRET)}{after}"
    assert SECRET not in told(text)


def test_a_statement_without_end_is_cut_and_read_fast() -> None:
    for text in ("SELECT " + "a, " * 1_000_000, "(" * 5_000_000, "'" * 3_000_000, "/*" * 2_000_000, "$a$" * 1_000_000):
        assert len(told(text)) <= LONGEST


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=15))
def test_names_are_read_as_they_are_written(name: str) -> None:
    if len(name.encode()) <= 63:
        assert unquoted(identifier(name)) == name


@needs_postgresql
@pytest.mark.parametrize("setting", ["on", "off"])
def test_the_server_reads_texts_and_names_as_they_are_written(cluster: Cluster, setting: str) -> None:
    """A customer's handle would end the statement that it stands in."""
    for text in ("it's", "back\\slash", "\\'; DROP TABLE x; --", "é\n\t€", "''", "E'"):
        out = cluster.sql(
            f"SET standard_conforming_strings = {setting}; SET escape_string_warning = off;"
            f"SELECT encode(convert_to({literal(text)}, 'UTF8'), 'hex'), 1 AS {identifier(text)}"
        )
        assert bytes.fromhex(out.split("|")[0]).decode() == text
