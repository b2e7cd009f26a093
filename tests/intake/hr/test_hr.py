"""HR exports: what becomes of their rows, and what is refused."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from armslength.cli.intake_hr_questions import ask_columns
from armslength.intake import Harvest, IntakeError, Problems
from armslength.intake.csv_document import Sheet, csv_sheet
from armslength.intake.hr import Columns, columns_toml, field_problem, map_hr, not_read, proposed, read_columns
from armslength.service import Refusal

TODAY = dt.date(2026, 11, 26)
ALL = {
    "id": "No", "mail": "Mail", "name": "Name", "unit": "Dept", "role": "Title", "entity": "Company",
    "workplace": "Office", "residence": "Home", "manager": "Boss", "login.github": "GitHub", "more.cost": "Cost",
}  # fmt: skip
GOOD = '''\
No,Mail,Name,Dept,Title,Company,Office,Home,Boss,GitHub,Cost
E1,ana@x.com,"Ana ""A""",Ops,SRE,X GmbH,Dublin HQ,IE,,ana,7
E2,bo@x.com,Bo,Ops,SRE,X GmbH,CN,CN,Ana@X.com,,
E3,,Cy,Law,Counsel,X Inc,US,US,E1,,
'''


def sheet(data: str | bytes, file: str = "people.csv") -> Sheet:
    problems = Problems()
    found = csv_sheet(file, data.encode() if isinstance(data, str) else data, problems)
    problems.stop()
    assert found is not None
    return found


def taken(text: str | bytes, of: dict[str, str] | None = None, left: set[str] | None = None) -> Harvest:
    harvest, problems = Harvest(name="hr", kind="hr"), Problems()
    columns = Columns(of=of or ALL, left=frozenset(left or ()))
    map_hr([sheet(text)], columns, harvest, problems, today=TODAY)
    assert not problems
    return harvest


def wrong(text: str | bytes, of: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(IntakeError) as caught:
        taken(text, of)
    return [str(problem) for problem in caught.value.problems]


def test_each_column_becomes_what_it_was_mapped_to() -> None:
    harvest = taken(GOOD)
    assert list(harvest.rows("people")) == [
        ("E1", "Ops", "SRE", "X GmbH", "Dublin HQ", "IE", "", 'Ana "A"', '{"cost": "7"}', "people.csv:2"),
        ("E2", "Ops", "SRE", "X GmbH", "CN", "CN", "E1", "Bo", "", "people.csv:3"),
        ("E3", "Law", "Counsel", "X Inc", "US", "US", "E1", "Cy", "", "people.csv:4"),
    ]
    assert [row[:3] for row in harvest.rows("identifiers")] == [
        ("person:E1", "employee", "E1"),
        ("person:E1", "mail", "ana@x.com"),
        ("person:E1", "login", "github:ana"),
        ("person:E2", "employee", "E2"),
        ("person:E2", "mail", "bo@x.com"),
        ("person:E3", "employee", "E3"),
    ]
    assert harvest.count("review") == 0


@pytest.mark.parametrize("delimiter", [";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_other_spellings_of_a_table_are_the_same_table(delimiter: str, encoding: str) -> None:
    """Whoever saves with a spreadsheet chooses neither."""
    other = taken(GOOD.replace(",", delimiter).replace("\n", "\r\n").encode(encoding))
    assert list(other.rows("people")) == list(taken(GOOD).rows("people"))
    assert list(other.rows("identifiers")) == list(taken(GOOD).rows("identifiers"))


def test_a_spreadsheets_first_line_about_its_delimiter_is_no_header() -> None:
    text = "sep=;\nNo;Mail\nE1;a,b@x.com\nE2;\n"
    assert wrong(text, {"id": "No", "mail": "Mail"}) == [
        "people.csv:3: Mail: 'a,b@x.com': expected one mail address",
    ]


def test_leavers_are_left_out_and_counted() -> None:
    text = "No,Until,Status\n1,2026-11-25,Active\n2,2026-11-26,Active\n3,,Left\n4,2027-01-01T00:00:00Z,Left\n5,,\n"
    text += "6,9999-12-31,Left\n7,9999-12-31,Active\n"
    harvest = taken(text, {"id": "No", "until": "Until", "status": "Status"}, {"Left"})
    assert harvest.columns("people")["id"] == ["2", "4", "5", "7"]  # 4 has given notice
    assert [row[:2] for row in harvest.rows("review")] == [("unmapped", "leavers")]
    assert harvest.columns("review")["reason"][0].startswith("3 people who left")


@pytest.mark.parametrize("day", ["26.11.2026", "11/12/2026", "2026-13-01", "2026-1-1", "soon", "2026-02-30"])
def test_a_day_that_could_be_read_in_two_ways_is_refused(day: str) -> None:
    """03/04 read the wrong way would leave somebody out who still works here."""
    assert wrong(f"No,Until\n1,{day}\n", {"id": "No", "until": "Until"})[0].startswith("people.csv:2: Until: ")


def test_every_problem_is_told_at_once_with_line_and_column() -> None:
    text = """No,Mail,Name
1,ana,"A
B"
,b@x.com,"=HYPERLINK(""x"")"
1,c@x.com,-
"""
    assert wrong(text, {"id": "No", "mail": "Mail", "name": "Name"}) == [
        "people.csv:2: Name: holds control characters: expected plain text",
        "people.csv:2: Mail: 'ana': expected one mail address",
        "people.csv:4: Name: begins with '=', as a formula does: expected plain text, or nothing",
        "people.csv:5: Name: begins with '-', as a formula does: expected plain text, or nothing",
        "people.csv:4: No: is empty: expected an id for each row",
        "people.csv:5: No: '1' stands at people.csv:2 as well: expected one row for each person",
    ]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_what_a_spreadsheet_would_run_is_refused_in_mapped_columns_only(begin: str) -> None:
    text = f'No,Name,Phone\n1,"{begin}x","{begin}353"\n'
    assert wrong(text, {"id": "No", "name": "Name"})
    assert taken(text, {"id": "No"}).count("people") == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("No,Mail\n", "has no rows"),
        ("No,No\n1,2\n", "is repeated"),
        ("No,\n1,2\n", "column 2 has no name"),
        ("No,Mail\n1\n", "has 1 cells: expected 2"),
        ('No,Mail\n1,"a\n', "is no CSV"),
        ('No,Mail\n1,"a"b\n', "is no CSV"),
        ("No,Mail\n1,\0\n", "holds NUL"),
        (b"No,Mail\n1,\xff\n", "is not UTF-8"),
        (b"\xff\xfeN\x00o", "is not UTF-16"),
        ("No;Other\n1;2\n", "is not in the file"),
    ],
)
def test_a_table_that_is_none_is_refused(text: str | bytes, told: str) -> None:
    assert any(told in line for line in wrong(text, {"id": "No", "mail": "Mail"}))


def test_a_column_about_ancestry_is_never_read() -> None:
    """Its values would else stand in an estate, for whoever gets hold of it."""
    text = "No,Nationality,Country of birth\n1,SECRET,SECRET\n"
    harvest = taken(text, {"id": "No"})
    for table in ("people", "identifiers", "review"):
        assert "SECRET" not in str(list(harvest.rows(table)))
    assert [row[1] for row in harvest.rows("review")] == ["Nationality", "Country of birth"]
    assert not_read([sheet(text)]) == ["Nationality", "Country of birth"]
    assert "is never read, so it cannot be workplace" in wrong(text, {"id": "No", "workplace": "Nationality"})[0]
    assert field_problem("more.ethnicity") is not None
    assert proposed(["Nationality", "No", "Country"]) == {"workplace": "Country"}


def test_a_manager_is_found_by_number_or_address_or_listed() -> None:
    text = "No,Mail,Boss\n1,a@x,\n2,s@x,A@X\n3,s@x,1\n4,d@x,s@x\n5,e@x,gone@x\n6,f@x,gone@x\n"
    harvest = taken(text, {"id": "No", "mail": "Mail", "manager": "Boss"})
    assert harvest.columns("people")["manager"] == ["", "1", "1", "", "", ""]
    assert [row[:2] for row in harvest.rows("review")] == [("ambiguous", "s@x"), ("unmapped", "gone@x")]


@pytest.mark.parametrize("name", ["more.id", "more.source", "login.", "login.Git Hub", "nationality", "x.y", ""])
def test_a_field_that_is_none_is_refused(name: str) -> None:
    assert field_problem(name) is not None


def test_what_was_mapped_is_kept_and_read_back() -> None:
    columns = Columns(
        of={"id": 'No "1"', "login.git-hub": "Ünï", "more.a.b": "x\\y"}, left=frozenset({"b", "a"}), seen=("No", "é")
    )
    problems = Problems()
    assert read_columns("mapping.toml", columns_toml(columns), problems) == columns
    assert not problems


@given(st.dictionaries(st.sampled_from(["id", "mail", "login.x", "more.y"]), st.text(min_size=1, max_size=9)))
def test_any_column_names_are_kept_as_they_are(of: dict[str, str]) -> None:
    of = {name: column for name, column in of.items() if column.strip() == column and column.isprintable()}
    problems = Problems()
    assert read_columns("mapping.toml", columns_toml(Columns(of=of)), problems).of == of
    assert not problems


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
@example(b"id\r\n1\r")
@example(b'"id"\n"1\n2"')
def test_any_bytes_are_a_harvest_or_problems(data: bytes) -> None:
    problems, harvest = Problems(), Harvest(name="hr", kind="hr")
    try:
        found = csv_sheet("x.csv", data, problems)
        problems.stop()
        assert found is not None
        map_hr([found], Columns(of={"id": found.header[0]}), harvest, problems, today=TODAY)
    except IntakeError as error:
        assert error.problems


@given(
    st.lists(st.tuples(st.text("ab=@;\n\t\"' é:/", min_size=1, max_size=4), st.text("ab@.,", max_size=4)), max_size=5)
)
def test_any_cells_are_a_harvest_or_problems(rows: list[tuple[str, str]]) -> None:
    text = "No,Mail\n" + "".join('"{}","{}"\n'.format(*(c.replace('"', '""') for c in row)) for row in rows)
    try:
        harvest = taken(text, {"id": "No", "mail": "Mail"})
    except IntakeError:
        return
    for id in harvest.columns("people")["id"]:
        assert id == id.strip() and id.isprintable() and id[0] not in "=+-@"


def test_a_person_at_a_terminal_is_asked_once_with_proposals() -> None:
    shown: list[str] = []
    answers = iter(["", "-", "2", "", "", "", "9", "Office", "", "", "", "", "more.cost=Cost", "", "Gone, Left"])
    text = "Employee ID,Mail,Cost,Office,Status,Nationality\nE1,a@x,7,IE,Gone,SECRET\n"
    of, left = ask_columns([sheet(text)], lambda _: next(answers), shown.append)
    assert of == {"id": "Employee ID", "mail": "Mail", "workplace": "Office", "status": "Status", "more.cost": "Cost"}
    assert left == {"Gone", "Left"}
    assert "SECRET" not in "".join(shown) and "E1" in "".join(shown)


def test_answers_that_end_early_write_nothing() -> None:
    def gone(_: str) -> str:
        raise EOFError

    with pytest.raises(Refusal):
        ask_columns([sheet("No\n1\n")], gone, lambda _: None)


def test_two_hr_systems_may_number_their_people_alike() -> None:
    """Two people would be one, or two firms could not be taken in."""
    harvest, problems = Harvest(name="hr-cn", kind="hr"), Problems()
    map_hr([sheet(GOOD)], Columns(of=ALL), harvest, problems, today=TODAY)
    people = harvest.columns("people")
    assert people["id"] == ["hr-cn/E1", "hr-cn/E2", "hr-cn/E3"]
    assert people["manager"] == ["", "hr-cn/E1", "hr-cn/E1"]
    assert [row[:3] for row in harvest.rows("identifiers")][:2] == [
        ("person:hr-cn/E1", "employee", "E1"),
        ("person:hr-cn/E1", "mail", "ana@x.com"),
    ]
