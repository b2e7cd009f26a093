"""The lines that settings stand on."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from armslength.estate.toml_lines import Path, lines

TEXT = '''# a comment with [brackets] and "quotes
name = "x # [y]" # [z]

  [terms."two apart"]
approvals = 1
from = [  # ] not the end
  { of = "everyone", count = 1 },
]
note = """
[not.a.header]
approvals = 2
"""
'a=b' = \'\'\'
x = 1\'\'\'
deep . "er" = { inline = [1, {a = "]"}] }

[[floor]]
length = 1
[[floor]]
[floor.sub]
key = 1
[[ floor . inner ]]
key = 2
[[floor]]
length = 3
'''


def test_every_key_has_its_line() -> None:
    """Every message about the settings would point at another line."""
    assert lines(TEXT) == {
        ("name",): 2,
        ("terms",): 4,
        ("terms", "two apart"): 4,
        ("terms", "two apart", "approvals"): 5,
        ("terms", "two apart", "from"): 6,
        ("terms", "two apart", "note"): 9,
        ("terms", "two apart", "a=b"): 13,
        ("terms", "two apart", "deep"): 15,
        ("terms", "two apart", "deep", "er"): 15,
        ("floor",): 17,
        ("floor", 0): 17,
        ("floor", 0, "length"): 18,
        ("floor", 1): 19,
        ("floor", 1, "sub"): 20,
        ("floor", 1, "sub", "key"): 21,
        ("floor", 1, "inner"): 22,
        ("floor", 1, "inner", 0): 22,
        ("floor", 1, "inner", 0, "key"): 23,
        ("floor", 2): 24,
        ("floor", 2, "length"): 25,
    }
    assert lines(TEXT.replace("\n", "\r\n")) == lines(TEXT)


KEY = st.sampled_from(["a", "b", '"c d"', "'e.f'", '"g\\"h"', '"=#["'])
VALUE = st.sampled_from(
    ["1", '"#"', "[\n1,\n # ]\n2]", '"""\n[x]\n"""', "'''\na = 1'''", '"\\"]"', "{ a = '}' }", "[[1]]"]
)
STATEMENT = st.one_of(
    st.tuples(st.lists(KEY, min_size=1, max_size=2).map(".".join), VALUE).map(lambda pair: f"{pair[0]} = {pair[1]}"),
    st.lists(KEY, min_size=1, max_size=2).map(lambda keys: f"[{'.'.join(keys)}]"),
    st.lists(KEY, min_size=1, max_size=2).map(lambda keys: f"[[{'.'.join(keys)}]]"),
    st.sampled_from(["", "# comment", "   "]),
)


def paths(value: Any, path: Path = ()) -> set[Path]:
    """Every path of tables, arrays of tables and keys in a parsed text."""
    found = {path} if path else set()
    if isinstance(value, dict):
        for key, inner in value.items():
            found |= paths(inner, (*path, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            found |= paths(inner, (*path, place))
    return found


@given(st.lists(STATEMENT, max_size=8))
def test_lines_belong_to_what_the_parser_sees(statements: list[str]) -> None:
    """The walk over the text and the parser of its values would read two files."""
    text = "\n".join(statements)
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    found = lines(text)
    assert set(found) <= paths(parsed)
    for key in parsed:
        assert (key,) in found
    for line in found.values():
        assert text.split("\n")[line - 1].strip()
