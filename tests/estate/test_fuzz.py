"""Hostile input: whatever the bytes, an estate or an `EstateError` with at least one problem, and never half an
estate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.estate import COLUMNS, FILES, EstateError, parse
from tests.estate.samples import Sample, samples, told

LIKELY = st.sampled_from(
    """ana person:ana person: : everyone group:g group: asset:a class:c terms:t read operate enroll * US CN XX
    2026-01-01 -1 0 1e9 nationality id person:person:ana '""".split()
    + ["", " ", " US  CN ", "\u00a0", "a\nb", 'say "so"', "é", "国", "\ufeff", "\x1f", "=1+1", "x" * 300, "9" * 30]
)
CELL = LIKELY | st.text(max_size=5)


def sound(files: Mapping[str, bytes]) -> None:
    """Reads the files; every index of an estate that comes out must hold."""
    try:
        parsed = parse(files)
    except EstateError as error:
        assert error.problems
        for problem in error.problems:
            assert problem.message and problem.file and (problem.line is None or problem.line >= 1)
            assert str(problem).startswith(problem.file)
        return
    told(parsed.estate)
    assert all(str(warning) for warning in parsed.warnings)


@given(samples(), st.sampled_from(["csv", "parquet"]), st.data())
def test_damaged_files(sample: Sample, form: str, data: st.DataObject) -> None:
    """One flipped byte in an export would stop the nightly run with a traceback, or be read as another estate."""
    files = sample.files(form)
    name = data.draw(st.sampled_from(sorted(files)))
    content = bytearray(files[name])
    for _ in range(data.draw(st.integers(1, 3))):
        if not content:
            break
        place = data.draw(st.integers(0, len(content) - 1))
        match data.draw(st.sampled_from(["set", "cut", "drop", "insert"])):
            case "set":
                content[place] = data.draw(st.integers(0, 255))
            case "cut":
                del content[place:]
            case "drop":
                del content[place : place + data.draw(st.integers(1, 8))]
            case _:
                content[place:place] = data.draw(st.binary(max_size=4))
    sound(files | {name: bytes(content)})


@given(st.dictionaries(st.sampled_from(sorted(FILES)), st.binary(max_size=60), max_size=4))
def test_any_bytes(files: dict[str, bytes]) -> None:
    """As above, for files that never were tables."""
    sound(files)


HEADERS = st.sampled_from(
    sorted({c for columns in COLUMNS.values() for c in columns}) + ["as_of", "Nationality", "", " id "]
)


@given(
    st.dictionaries(
        st.sampled_from(sorted(COLUMNS)),
        st.tuples(st.lists(HEADERS, max_size=6), st.lists(st.lists(CELL, max_size=6), max_size=4)),
        max_size=5,
    )
)
def test_any_cells(tables: dict[str, tuple[list[str], list[list[str]]]]) -> None:
    """A cell that nobody thought of would be a way past the checks."""
    files = {"estate.toml": b'[terms.t]\napprovals=1\napprovers="everyone"\n'}
    for name, (header, rows) in tables.items():
        text = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in [header, *rows])
        files[f"{name}.csv"] = text.encode()
    sound(files)


KEYS = st.sampled_from(
    """name bases gate home states terms floor costs approvals approvers apart distinct minutes from line uses
    customers customer action target length except against of count HK t drop_grant""".split()
)
SCALARS: st.SearchStrategy[Any] = (
    LIKELY.map(
        lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\x1f", "") + '"'
    )
    | st.sampled_from(
        "true false inf nan -0.0 1e400 0x7fffffffffffffff 1979-05-27 07:32:00 1979-05-27T07:32:00Z".split()
    )
    | st.integers().map(str)
    | st.just("9" * 5000)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]")
        | st.dictionaries(KEYS, inner, max_size=3).map(
            lambda table: "{" + ", ".join(f"{key} = {value}" for key, value in table.items()) + "}"
        )
    ),
    max_leaves=6,
)
HEAD = st.lists(KEYS, min_size=1, max_size=3).map(".".join)
LINES = (
    st.tuples(KEYS, VALUES).map(" = ".join)
    | HEAD.map(lambda head: f"[{head}]")
    | HEAD.map(lambda head: f"[[{head}]]")
    | st.text(max_size=8)
)


@given(st.lists(LINES, max_size=10))
def test_any_settings(lines: list[str]) -> None:
    """A slip in the settings would be a traceback in place of a line number."""
    sound({"estate.toml": "\n".join(lines).encode(errors="replace")})


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "a = " + "{a=" * 5_000 + "1" + "}" * 5_000,
        ".".join("a" * 20_000) + " = 1",
        "[" + ".".join(["a"] * 20_000) + "]",
        '"' + '"."'.join(["a"] * 5_000) + '" = 1',
        "a = " + "9" * 100_000,
        "name = '''" + "x\n" * 100_000,
        "[[floor]]\n" * 5_000,
        "a" * 1_000_000,
        "[terms.a]\n[terms.a]",
        "terms = 1\nfloor = {}\nstates = []\ncosts = 'x'",
        "[terms]\nt = []\n[states]\nHK = 'CN'",
        "floor = [1, {}, []]",
        "name = 1979-05-27\nhome = [true, [], {}]",
        '\r\n\r\nname = "x"\r\nbogus = 1\r\n',
        "a\rb = 1",
    ],
)
def test_settings_made_to_hurt(text: str) -> None:
    """A few bytes of settings could take the machine down."""
    sound({"estate.toml": text.encode()})


WORDS = st.sampled_from(
    """permit forbid ( ) , ; == in is has like when unless { } && || ! principal action resource context Person Group
    Asset Class Terms Action :: . ?principal @id @terms ("a") ("t") "a" "ops" [ ] if then else true 1 - * // /* \\ " '
    @ # é""".split()
    + [
        "\n",
        "permit(principal, action, resource);\n",
        '@id("b")',
        'Group::"ops"',
        'Person::"zed"',
        'User::"x"',
        "\x00",
        "\\u{1}",
    ]
)


@given(st.lists(WORDS, max_size=25))
def test_any_policy(words: list[str]) -> None:
    """A policy that Cedar and we read differently would open what it forbids."""
    sound({"estate.toml": b"", "policy.cedar": " ".join(words).encode()})


CONDITION = '@id("a") permit(principal, action, resource) when {{ {} }};'


@pytest.mark.parametrize(
    "text",
    [
        CONDITION.format("(" * 50_000 + "true" + ")" * 50_000),
        CONDITION.format("[" * 5_000 + "]" * 5_000 + " == []"),
        CONDITION.format("if true then " * 20_000 + "true" + " else false" * 20_000),
        CONDITION.format(" && ".join(["true"] * 100_000)),
        CONDITION.format("context" + ".a" * 100_000),
        CONDITION.format('{"a":' * 5_000 + "1" + "}" * 5_000 + " == {}"),
        CONDITION.format("context has " + ".".join("a" * 20_000)),
        CONDITION.format("!" * 1_000 + "true"),
        CONDITION.format("-" * 1_000 + "1 == 1"),
        CONDITION.format("9" * 1_000 + " == 1"),
        CONDITION.format('"' + "x" * 1_000_000 + '" == "y"'),
        '"' * 99_999,
        "@" * 50_000,
        "(" * 200_000,
        ";" * 20_000,
        "// only a comment",
        "",
    ],
)
def test_policies_made_to_hurt(text: str) -> None:
    """A policy file of a few kilobytes could end the process without a word: Cedar's parser overflows its stack."""
    sound({"estate.toml": b"", "policy.cedar": text.encode()})
