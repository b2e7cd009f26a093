"""Files that are no estate, form by form, and what is said of them."""

from __future__ import annotations

import pytest

from armslength.estate import COLUMNS, NAMES, EstateError, Problem, parse


def problems(files: dict[str, bytes]) -> list[str]:
    """Every problem; an estate.toml is added, so that its absence is none."""
    with pytest.raises(EstateError) as caught:
        parse({"estate.toml": b""} | files)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "people.csv:1: is empty: expected a header, or no file at all"),
        (b"\n\n", "people.csv:1: is empty: expected a header, or no file at all"),
        ("id\nana\n".encode("utf-16"), "people.csv:1: is UTF-16: expected UTF-8: save it again as UTF-8"),
        (
            b"id\nana\nJ\xf6rg\n",
            "people.csv:3: byte 0xF6 at position 8 is not UTF-8: save the file again as UTF-8",
        ),
        (
            b"id\nana\nJ\xf6rg\nbo\n\xff\n",
            "people.csv:5: byte 0xFF at position 15 is not UTF-8: save the file again as UTF-8",
        ),
        (b"id\nana\nb\0o\n", "people.csv:3: byte 0x00 at position 8: expected text, which has no NUL"),
        (
            b'id\n"ana"x\n',
            "people.csv:2: ',' expected after '\"': expected comma-separated cells, quoted whole or not at all",
        ),
        (
            b'id\nana\n"bo\n',
            "people.csv:3: unexpected end of data: expected comma-separated cells, quoted whole or not at all",
        ),
        (
            b"id\n" + b"x" * 200_000 + b"\n",
            "people.csv:2: field larger than field limit (131072): expected comma-separated cells, quoted whole or not"
            " at all",
        ),
        (b"id,unit\nana\n", "people.csv:2: has 1 cells: expected 2, one for each column"),
        (b"id\nana,eng\n", "people.csv:2: has 2 cells: expected 1, one for each column"),
        (b"id,id\nana,bo\n", "people.csv:1: id: is repeated: expected each column once"),
        (b"ID\nana\n", "people.csv:1: id: is missing: expected a column of that name: did you mean 'ID'?"),
        (b"id,\nana,\n", "people.csv:1: column 2 has no name: expected a name, or no column"),
    ],
)
def test_a_table_that_cannot_be_read(content: bytes, expected: str) -> None:
    """A table cut short in transfer would be an estate with fewer people, and shorter reports."""
    assert expected in problems({"people.csv": content})


@pytest.mark.parametrize(
    "content", ["\ufeffid\r\nana\r\n".encode(), b"id\rana\r", b"\n id \n\n ana \n", b'"id"\n"ana"']
)
def test_the_usual_ways_to_write_a_table_are_read(content: bytes) -> None:
    """People with another spreadsheet would be told that their table is wrong."""
    assert parse({"people.csv": content}).estate.people.ids == ("ana",)


def test_one_table_in_two_forms() -> None:
    """The one that was meant to be gone would be read."""
    found = problems({"people.csv": b"id\nana\n", "people.parquet": b""})
    assert found == ["people.parquet: stands beside people.csv: expected one form of each table: remove one of the two"]


def test_lines_are_those_an_editor_shows() -> None:
    """With a note over three lines in one cell, every later message would point at the wrong row."""
    text = b'id,name,workplace\nana,"a\nlong\nname",US\n\nbo,,XX\n'
    assert problems({"people.csv": text})[0].startswith("people.csv:6: workplace: 'XX' is not a state")


def test_a_lost_table_is_one_problem_not_thousands() -> None:
    """The one message that matters would be the last of a thousand about people who are not there."""
    files = {
        "people.csv": b'id\n"',
        "groups.csv": b"group,member\ng,person:ana\n",
        "grants.csv": b"holder,action,target,terms\nperson:bo,read,asset:box,\n",
    }
    assert [line.split(":")[0] for line in problems(files)] == ["grants.csv", "people.csv"]
    lost = Problem(file="people.csv", message="cannot be read")
    with pytest.raises(EstateError) as caught:
        parse({"groups.csv": files["groups.csv"]}, lost=[lost])
    assert caught.value.problems == (lost,)


def test_malformed_settings_do_not_hide_the_tables_problems() -> None:
    """Mending the settings would only show the next list."""
    found = problems({"estate.toml": b"[terms\n", "people.csv": b"id,workplace,manager\nana,XX,zed\n"})
    assert found == [
        "estate.toml:1: is not TOML: expected ']' at the end of a table declaration",
        "people.csv:2: manager: 'zed' is not in the people table",
    ]


@pytest.mark.parametrize("files", [{}, {"person.csv": b"id\n"}, {"notes.txt": b""}])
def test_a_folder_without_an_estate(files: dict[str, bytes]) -> None:
    """A mistyped folder would be an estate in which nobody can do anything: all floors hold."""
    with pytest.raises(EstateError, match=r"no file of an estate is here"):
        parse(files)


SPELLINGS = """Nationality NATIONALITY nationalities national_origin nation passport_country passport-no
country_of_birth birthCountry Citizen citizenship CITIZEN-SHIP dual_citizen Ethnic ethnicity ethnic_group birthPlace
place-of-birth born_in Birth_Country race Race racial_group religion religious_affiliation faith ancestry caste
Nacionalidad nationalité Staatsangehörigkeit Staatsbürgerschaft Geburtsort geburtsland lieu_de_naissance
lugar_de_nacimiento ciudadanía cidadania raza etnia religión cittadinanza 国籍 民族 宗教 гражданство национальность
место_рождения 국적 الجنسية country.of.origin mother-tongue""".split()


@pytest.mark.parametrize("column", [*SPELLINGS, "place of birth", "Country of Birth", " nationality ", "mother tongue"])
@pytest.mark.parametrize("table", sorted(COLUMNS))
def test_a_column_about_ancestry_is_refused_in_any_table(table: str, column: str) -> None:
    """Someone would be counted as a state's own for where they were born."""
    found = problems({f"{table}.csv": f'"{column}"\n'.encode()})
    assert any("exposure comes from places and employers, never from nationality" in line for line in found)


@pytest.mark.parametrize(
    "column",
    "trace embrace birthdate team title host country region office combination place_of_work state birthday".split(),
)
def test_a_column_about_something_else_is_not(column: str) -> None:
    """A firm could not load its tables for a word in a word."""
    assert parse({"people.csv": f"id,{column}\nana,x\n".encode()}).estate.people.columns[column][0] == "x"


def test_no_known_column_is_refused() -> None:
    """No estate could be read."""
    for table, columns in COLUMNS.items():
        parse({f"{table}.csv": ",".join([*columns, "source", "as_of"]).encode()})


def test_the_states_are_those_of_the_standard() -> None:
    """People in a state that was forgotten could not be entered."""
    assert len(NAMES) == 249 and all(len(code) == 2 and code.isalpha() and code.isupper() for code in NAMES)
    assert {"CN", "US", "GB", "TW", "PS", "VA", "AX", "SS", "BQ"} <= NAMES.keys() and not {
        "EU",
        "UK",
        "XK",
    } & NAMES.keys()
    assert all(name and name == name.strip() for name in NAMES.values())


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ("", "EU"),
        ("[states]\nXK = []", "XK"),
        ('[states]\nBE = ["BENELUX"]', "BENELUX"),
        ('[states]\nUK = ["GB"]', "UK"),
    ],
)
def test_a_state_may_be_declared(settings: str, code: str) -> None:
    """A bloc, or a state that the standard lacks, could not be asked about."""
    files = {"estate.toml": settings.encode(), "people.csv": f"id,workplace\nana,{code}\n".encode()}
    assert code in parse(files).estate.states


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("permit(principal, action, resource)", "policy.cedar:1: is not Cedar: unexpected end of input"),
        (
            '@id("a")\n@id("b")\npermit(principal, action, resource);',
            "policy.cedar:1: is not Cedar: duplicate annotation",
        ),
        (
            '// fine\n@id("a")\npermit(principal,\n action, resource) when\n { 1 + };',
            "policy.cedar:5: is not Cedar: unexp",
        ),
        (
            '@id("a")\npermit(principal, action, resource) when\n{ "x\n" == "y" };\n'
            '@id("a")\npermit(principal, action, resource);',
            "policy.cedar:5: @id 'a' is repeated: line 1 has it already",
        ),
    ],
)
def test_a_policy_is_wrong_at_a_line(policy: str, expected: str) -> None:
    """Cedar names no line: the author of forty policies would look for the comma in all of them."""
    assert problems({"policy.cedar": policy.encode()})[0].startswith(expected)


def test_names_in_policies_may_be_escaped() -> None:
    """A group would be unknown to the check that Cedar knows, or the other way round."""
    policy = '@id("\\u{61}\\n1")\npermit(principal in Group /* no comment */ :: "o\\x70s\\"", action, resource);'
    policy = policy.replace(" /* no comment */ ", " ")
    files = {"unknown.csv": b'group\n"ops"""\n', "policy.cedar": policy.encode(), "estate.toml": b""}
    parsed = parse(files)
    assert parsed.estate.policy is not None and parsed.estate.policy.ids == ("a\n1",)
    assert not parsed.warnings
