"""Who is who: identifiers decide, and what they do not decide stays unknown."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from armslength.intake import Assembled, Harvest, IntakeError
from tests.intake.firms import estate_of, hr, members, put_together, remarks, system, table, unknown


def test_an_account_goes_to_the_person_with_its_mail_address() -> None:
    """An account in nobody's hands would be a gap where none is."""
    made = put_together(hr({"id": "E1", "workplace": "CN", "mail": "Ana@X.com"}), system(ana={"mail": "ana@x.COM"}))
    assert members(made, "github/ana") == {"person:E1"}
    assert unknown(made) == set()


def test_an_account_without_a_holder_is_a_gap() -> None:
    """Taken for nobody's, the report would say that no state can use it."""
    made = put_together(hr({"id": "E1", "workplace": "CN", "mail": "ana@x.com"}), system(zed={}))
    assert unknown(made) == {"github/zed"}
    assert ("unknown", "group:github/zed") in remarks(made)
    estate_of(made)


def test_nobody_is_linked_by_name() -> None:
    """Two people of one name are not one."""
    made = put_together(
        hr({"id": "E1", "workplace": "CN", "name": "Ana Lu"}),
        hr({"id": "okta/1", "workplace": "US", "name": "Ana Lu"}, name="okta", kind="okta"),
    )
    assert {row["id"] for row in table(made, "people")} == {"E1", "okta/1"}


def test_an_address_of_two_people_links_nothing() -> None:
    """A shared mailbox decides who holds an account for nobody."""
    made = put_together(
        hr(
            {"id": "E1", "workplace": "CN", "mail": "desk@x.com"}, {"id": "E2", "workplace": "US", "mail": "desk@x.com"}
        ),
        system(desk={"mail": "desk@x.com"}),
    )
    assert unknown(made) == {"github/desk"}
    assert {("ambiguous", "person:E1"), ("ambiguous", "group:github/desk")} <= remarks(made)


def test_an_account_that_leads_to_two_people_is_unknown() -> None:
    """Either choice could hide the state that can compel the other."""
    made = put_together(
        hr(
            {"id": "E1", "workplace": "CN", "mail": "ana@x.com"},
            {"id": "E2", "workplace": "US", "login": "github:ana"},
        ),
        system(ana={"mail": "ana@x.com"}),
    )
    assert unknown(made) == {"github/ana"}
    assert ("ambiguous", "group:github/ana") in remarks(made)


def test_the_records_of_one_person_become_one() -> None:
    """Two halves of a person, one with the access and one with the place, would hide both."""
    made = put_together(
        hr({"id": "okta/7", "unit": "ops", "mail": "ana@x.com"}, name="okta", kind="okta"),
        hr({"id": "E1", "workplace": "CN", "mail": "ana@x.com"}),
    )
    assert table(made, "people") == [{"id": "E1", "workplace": "CN", "unit": "ops"}]


def test_records_that_one_source_tells_apart_stay_apart() -> None:
    """Two employees do not become one because a directory has one of their addresses on both."""
    made = put_together(
        hr({"id": "E1", "workplace": "CN", "mail": "a@x.com"}, {"id": "E2", "workplace": "US", "employee": "7"}),
        hr({"id": "okta/1", "mail": "a@x.com", "employee": "7"}, name="okta", kind="okta"),
    )
    assert {row["id"] for row in table(made, "people")} == {"E1", "E2"}
    assert "ambiguous" in {matter for matter, _ in remarks(made)}


def test_people_write_who_is_who_where_no_identifier_tells() -> None:
    """And what they write comes first."""
    rules = '[[same]]\nthese = ["person:E1", "person:okta/1", "group:github/zed"]\n'
    made = put_together(
        hr({"id": "E1", "workplace": "CN"}),
        hr({"id": "okta/1", "unit": "ops"}, name="okta", kind="okta"),
        system(zed={}),
        rules=rules,
    )
    assert table(made, "people") == [{"id": "E1", "workplace": "CN", "unit": "ops"}]
    assert members(made, "github/zed") == {"person:E1"}
    assert unknown(made) == set()


def test_a_rule_for_logins_makes_mail_addresses_of_them() -> None:
    """Databases know no addresses."""
    rules = '[[login]]\nsource = "postgresql"\nis = "mail"\ndomain = "X.com"\n'
    people = hr({"id": "E1", "workplace": "CN", "mail": "ana@x.com"})
    assert members(put_together(people, system("postgresql", ana={}), rules=rules), "postgresql/ana") == {"person:E1"}
    assert members(put_together(people, system("github", ana={}), rules=rules), "github/ana") == set()


def test_holders_that_are_all_close_a_gap_and_others_do_not() -> None:
    """Somebody who is added to an unknown group does not make it known."""
    for word, gaps in (("false", {"github/zed"}), ("true", set())):
        rules = f'[[holders]]\nof = "group:github/zed"\nmembers = ["person:E1"]\nall = {word}\n'
        made = put_together(hr({"id": "E1", "workplace": "CN"}), system(zed={}), rules=rules)
        assert members(made, "github/zed") == {"person:E1"}
        assert unknown(made) == gaps


def test_a_holder_that_is_not_there_leaves_the_gap_open() -> None:
    """Left out in silence, the group would pass for one that nobody is in."""
    rules = '[[holders]]\nof = "group:github/zed"\nmembers = ["person:E1", "group:aws/later"]\nall = true\n'
    made = put_together(hr({"id": "E1", "workplace": "CN"}), system(zed={}), rules=rules)
    assert members(made, "github/zed") == {"person:E1"}
    assert unknown(made) == {"github/zed"}
    assert ("unmapped", "group:aws/later") in remarks(made)


def test_a_group_known_to_be_empty_holds_nobody() -> None:
    """An error here would ask for members that are not there; a gap would cry for nothing."""
    made = put_together(hr({"id": "E1", "workplace": "CN"}), system())
    assert members(made, "github/team") == {"group:github/team"}
    estate = estate_of(made)
    assert not estate.groups.unknown


def test_what_is_wrong_with_the_rules_is_told_with_lines() -> None:
    """All at once: people write them."""
    rules = '[office]\nx = 1\n[[login]]\nsource = "a"\nis = "name"\n[[same]]\nthese = ["E1", "group:x"]\n'
    rules += '[[asset]]\nmatch = "*"\n'
    rules += '[offices]\n"Dublin" = ""\n[[holders]]\nof = "x"\nmembers = [5]\n'
    try:
        put_together(rules=rules)
    except IntakeError as error:
        assert [(problem.line, problem.column) for problem in error.problems] == [
            (1, "$.office"),
            (11, "$.offices.Dublin"),
            (5, "$.login[0].is"),
            (7, "$.same[0].these[0]"),
            (7, "$.same[0].these"),
            (13, "$.holders[0].of"),
            (14, "$.holders[0].members[0]"),
            (8, "$.asset[0]"),
        ]
    else:
        raise AssertionError("nothing was wrong")


def test_an_office_in_no_state_is_refused() -> None:
    """`UK` is nobody's code, and people there would be reached by nobody."""
    try:
        put_together(hr({"id": "E1", "workplace": "London"}), rules='[offices]\n"London" = "UK"\n')
    except IntakeError as error:
        assert "'UK' is no state" in str(error)
    else:
        raise AssertionError("nothing was wrong")


MARKS = st.sampled_from(["mail", "employee", "login", "scim"])
VALUES = st.sampled_from(["a", "b", "c", "d"])
PERSON = st.dictionaries(MARKS, VALUES, max_size=2)


@given(st.lists(PERSON, max_size=5), st.lists(PERSON, max_size=5), st.lists(PERSON, max_size=4))
def test_every_account_has_a_holder_or_is_a_gap(one: list[dict], two: list[dict], accounts: list[dict]) -> None:
    """Whatever the identifiers say: an account in nobody's hands is never taken for out of reach, and no two records of
    one source become one person."""
    harvests = [
        hr(*({"id": f"E{n}", "workplace": "CN"} | marks for n, marks in enumerate(one))),
        hr(*({"id": f"okta/{n}", "workplace": "CN"} | marks for n, marks in enumerate(two)), name="okta", kind="okta"),
        system(**{f"u{n}": {k: v for k, v in marks.items() if k != "login"} for n, marks in enumerate(accounts)}),
    ]
    made = put_together(*harvests)
    gaps = unknown(made)
    for number in range(len(accounts)):
        held = {m for m in members(made, f"github/u{number}") if m.startswith("person:")}
        assert (len(held) == 1) != (f"github/u{number}" in gaps)
    ids = {row["id"] for row in table(made, "people")}
    assert {f"E{n}" for n in range(len(one))} <= ids
    assert max(len(one), len(two)) <= len(ids) <= len(one) + len(two)
    estate_of(made)
    assert put_together(*reversed(harvests)).files == made.files


def told(*harvests: Harvest, rules: str = "", files: Mapping[str, bytes] | None = None) -> str:
    try:
        put_together(*harvests, rules=rules, files=files)
    except IntakeError as error:
        return str(error)
    return ""


def test_two_people_with_one_id_are_refused() -> None:
    """The first would be given the accounts and the access of both, and the second's state would be gone."""
    us, cn = {"id": "E1", "workplace": "US", "mail": "a@x.com"}, {"id": "E1", "workplace": "CN", "mail": "b@x.com"}
    assert "person:E1 is another's id as well" in told(hr(us), hr(cn, name="hr-cn"))
    assert "person:E1 is another's id as well" in told(hr(us, cn))
    assert told(hr(us, us)) == ""


def test_the_numbers_of_two_firms_link_nobody() -> None:
    """Each counts its employees from one."""
    made = put_together(
        hr({"id": "E1", "workplace": "US", "employee": "7"}),
        hr({"id": "cn/E1", "workplace": "CN", "employee": "7"}, name="hr-cn"),
    )
    assert {row["id"] for row in table(made, "people")} == {"E1", "cn/E1"}
    assert ("ambiguous", "person:E1") in remarks(made)


def test_what_people_write_for_nothing_links_nobody() -> None:
    """Whoever has no number has the same one as everybody without."""
    made = put_together(
        hr({"id": "E1", "workplace": "US", "employee": "0"}),
        hr({"id": "okta/1", "workplace": "CN", "employee": "0"}, name="okta", kind="okta"),
    )
    assert len(table(made, "people")) == 2


def test_letters_beyond_ascii_are_not_folded() -> None:
    """`straße` and `strasse` are two mailboxes, and an attacker may choose one of them."""
    made = put_together(
        hr({"id": "E1", "workplace": "US", "mail": "strasse@x.com"}), system(a={"mail": "straße@x.com"})
    )
    assert unknown(made) == {"github/a"}


def test_people_can_say_that_two_records_of_one_source_are_one_person() -> None:
    """Administrators have a second account, in the same directory."""
    people = hr(
        {"id": "E1", "workplace": "CN", "mail": "a@x.com"}, {"id": "E2", "workplace": "", "mail": "adm-a@x.com"}
    )
    rules = '[[same]]\nthese = ["person:E1", "person:E2"]\n'
    made = put_together(people, system(adm={"mail": "adm-a@x.com"}), rules=rules)
    assert table(made, "people") == [{"id": "E1", "workplace": "CN"}]
    assert members(made, "github/adm") == {"person:E1"}
    assert unknown(made) == set()


def test_an_office_may_be_called_as_a_state() -> None:
    """CA is California to an American firm, and Georgia lies in the south of the United States as well."""
    people = hr({"id": "E1", "workplace": "CA"}, {"id": "E2", "workplace": "Georgia"})
    assert {row.get("workplace") for row in table(put_together(people), "people")} == {"CA", None}
    rules = '[offices]\n"CA" = "US"\n"georgia" = "US"\n'
    assert {row["workplace"] for row in table(put_together(people, rules=rules), "people")} == {"US"}
    assert "the same words" in told(people, rules='[offices]\n"Hq" = "US"\n"HQ" = "CN"\n')


def test_holders_have_to_be_written_out() -> None:
    """A line left out, or the group itself, would close a gap to nobody."""
    assert "is missing: expected who is in it" in told(rules='[[holders]]\nof = "group:github/zed"\nall = true\n')
    rules = '[[holders]]\nof = "group:github/zed"\nmembers = ["group:github/zed"]\nall = true\n'
    assert "itself" in told(rules=rules)


def test_a_rule_for_a_source_that_is_not_there_is_told() -> None:
    """A slip in its name leaves every account without a holder."""
    rules = '[people]\norder = ["hrr"]\n[[login]]\nsource = "postgres"\nis = "mail"\ndomain = "x.com"\n'
    assert {("unmapped", "hrr"), ("unmapped", "postgres")} <= remarks(put_together(system(a={}), rules=rules))


@given(st.permutations(range(4)))
def test_the_order_of_rows_changes_nothing(order: list[int]) -> None:
    """An export comes in another order every night."""
    people = [
        {"id": "E1", "workplace": "CN", "mail": "a@x.com"},
        {"id": "E2", "workplace": "US", "mail": "a@x.com", "employee": "2"},
        {"id": "E3", "workplace": "IE", "mail": "c@x.com"},
        {"id": "E4", "workplace": "IE", "login": "github:a"},
    ]
    directory = hr({"id": "okta/1", "mail": "c@x.com", "employee": "2"}, name="okta", kind="okta")
    accounts = system(a={"mail": "a@x.com"}, c={"mail": "c@x.com"})

    def without_origin(made: Assembled) -> list[object]:
        return [table(made, name) for name in ("people", "groups", "unknown", "grants")]

    shuffled = put_together(hr(*(people[n] for n in order)), directory, accounts)
    assert without_origin(shuffled) == without_origin(put_together(hr(*people), directory, accounts))
