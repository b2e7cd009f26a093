"""Patches to tables: what git applies is what was meant, whatever the file looks like."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.estate import Estate, digest, drop_grants, drop_memberships, parse, set_terms
from armslength.service.patch import Patch, RowEdit, patch

SETTINGS = b"".join(
    f'[terms.{name}]\napprovals = {count}\napprovers = "everyone"\n'.encode()
    for name, count in (("two", 1), ("three", 2))
)
PEOPLE = b"id\na\nb\nc\n"
ASSETS = b"id\nt\n"
NOTES = ["", "x", "a, b", 'say "so"', "two\nlines", "two\r\nlines", "é", " spaced "]


@st.composite
def tables(draw: st.DrawFn) -> tuple[bytes, bytes, list[RowEdit]]:
    """grants.csv and groups.csv in any of the shapes that spreadsheets and people write, and edits to them."""
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    with_terms = draw(st.booleans())
    header = ["note", "holder", "action", "target", *(["terms"] if with_terms else [])]
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from(NOTES),
                st.sampled_from(["person:a", "person:b", "everyone", "group:g"]),
                st.sampled_from(["read", "list"]),
                st.just("asset:t"),
                *([st.sampled_from(["", "two", "three"])] if with_terms else []),
            ),
            min_size=1,
            max_size=12,
        )
    )
    text = [_line(header, draw(st.booleans()))]
    for row in rows:
        text.append(_line(row, draw(st.booleans())))
        if draw(st.integers(0, 9)) == 0:
            text.append("")
    whole = end.join(text) + (end if draw(st.booleans()) else "")
    grants = (b"\xef\xbb\xbf" if draw(st.booleans()) else b"") + whole.encode()
    members = draw(st.integers(2, 10))
    groups = end.join(["group,member", *(f"g,person:{'abc'[i % 3]}" for i in range(members))]).encode()
    chosen = draw(st.sets(st.integers(0, len(rows) - 1), min_size=0, max_size=len(rows)))
    edits = [
        RowEdit(file="grants.csv", row=row, terms=draw(st.sampled_from([None, "", "two", "three"])))
        for row in sorted(chosen)
    ]
    gone = draw(st.sets(st.integers(1, members - 1), max_size=3))
    return grants, groups, [*edits, *(RowEdit(file="groups.csv", row=row, terms=None) for row in sorted(gone))]


def _line(cells: list[str] | tuple[str, ...], quoted: bool) -> str:
    return ",".join(_cell(cell, quoted) for cell in cells)


def _cell(cell: str, quoted: bool) -> str:
    if quoted or any(c in cell for c in '",\r\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def edited(estate: Estate, edits: list[RowEdit]) -> Estate:
    for edit in edits:
        if edit.terms is not None:
            estate = set_terms(estate, edit.row, edit.terms)
    gone = [edit.row for edit in edits if edit.terms is None and edit.file.startswith("grants")]
    left = [edit.row for edit in edits if edit.terms is None and edit.file.startswith("groups")]
    estate = drop_grants(estate, gone) if gone else estate
    return drop_memberships(estate, left) if left else estate


def applied(folder: Path, files: dict[str, bytes], made: Patch) -> dict[str, bytes]:
    """What git makes of it, in a folder of its own."""
    for name, data in files.items():
        (folder / name).write_bytes(data)
    if made.text:
        # Whitespace must stay as it is: a table's line ends are its own.
        ran = subprocess.run(
            ["git", "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", "-"],
            cwd=folder,
            input=made.text,
            capture_output=True,
            check=False,
        )
        assert ran.returncode == 0, (ran.stderr.decode(), made.text.decode())
    return {name: (folder / name).read_bytes() for name in files}


@given(tables())
def test_git_makes_of_a_patch_what_the_edits_make_of_the_estate(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[bytes, bytes, list[RowEdit]]
) -> None:
    """Somebody applies the patch and believes that the floors hold; one wrong row, and they do not."""
    grants, groups, edits = case
    files = {
        "grants.csv": grants, "groups.csv": groups, "people.csv": PEOPLE, "assets.csv": ASSETS, "estate.toml": SETTINGS
    }  # fmt: skip
    estate = parse(files).estate
    made = patch(files, edits, "")
    new = applied(tmp_path_factory.mktemp("apply"), files, made)
    assert new == {**files, **made.files}
    assert digest(parse(new).estate) == digest(edited(estate, edits))


def test_lines_that_do_not_change_stay_as_they_are() -> None:
    """A patch that rewrites a table cannot be reviewed."""
    grants = b'holder,action,target,terms,note\r\neveryone,read,asset:t,,"a, ""b"""\r\nperson:a,read,asset:t,,x\r\n'
    made = patch({"grants.csv": grants}, [RowEdit(file="grants.csv", row=1, terms="two")], "firm/estate")
    assert made.text.decode() == (
        "diff --git a/firm/estate/grants.csv b/firm/estate/grants.csv\n"
        "--- a/firm/estate/grants.csv\n"
        "+++ b/firm/estate/grants.csv\n"
        "@@ -1,3 +1,3 @@\n"
        " holder,action,target,terms,note\r\n"
        ' everyone,read,asset:t,,"a, ""b"""\r\n'
        "-person:a,read,asset:t,,x\r\n"
        "+person:a,read,asset:t,two,x\r\n"
    )


@pytest.mark.parametrize("folder", ["a b", 'q"uote', "umläut", "tab\there", "back\\slash"])
def test_folders_of_any_name_are_found(folder: str, tmp_path: Path) -> None:
    """The folder was named long before anybody thought of patches."""
    (tmp_path / folder).mkdir()
    place = tmp_path / folder / "groups.csv"
    place.write_bytes(b"group,member\ng,person:a\ng,person:b\n")
    made = patch({"groups.csv": place.read_bytes()}, [RowEdit(file="groups.csv", row=0, terms=None)], folder)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=made.text, check=True)
    assert place.read_bytes() == made.files["groups.csv"] == b"group,member\ng,person:b\n"


@pytest.mark.parametrize("with_terms", [True, False])
def test_a_parquet_table_is_written_anew_with_its_types(with_terms: bool) -> None:
    """Whatever wrote the table reads it again."""
    frame = pl.DataFrame(
        {"holder": ["everyone"] * 3, "action": ["read", "list", "read"], "target": ["asset:t"] * 3, "n": [1, 2, 3]}
    )
    if with_terms:
        frame = frame.with_columns(pl.Series("terms", [None, "two", None], dtype=pl.String))
    out = io.BytesIO()
    frame.write_parquet(out)
    edits = [RowEdit(file="grants.parquet", row=0, terms="two"), RowEdit(file="grants.parquet", row=1, terms=None)]
    made = patch({"grants.parquet": out.getvalue()}, edits, "")
    new = pl.read_parquet(io.BytesIO(made.files["grants.parquet"]))
    assert (made.text, made.anew) == (b"", ("grants.parquet",))
    assert new["n"].to_list() == [1, 3] and new.schema["n"] == pl.Int64
    assert new["terms"].to_list() == ["two", None]
