"""What is known of people on a day, against the oracle's reading of the same tables."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.estate import parse
from armslength.gate import Lack, PersonId, Roster, Target, shortfalls
from tests.gate.estates import decider, firm, question
from tests.oracle.estates import AT, random_case
from tests.oracle.world import world


def test_members_are_as_the_oracle_reads_the_tables() -> None:
    """A person taken for out of a state's reach would complete a quorum that the state controls."""
    for seed in range(60):
        case = random_case(seed)
        roster, known = Roster(parse(case.files()).estate, AT), world(case, AT)
        for terms, asked in known.terms.items():
            rule = roster.rule(terms)
            assert (rule.approvals, rule.apart, rule.distinct) == (asked.approvals, asked.apart, asked.distinct)
            assert (rule.home, sum(rule.places), rule.barred) == (known.home, len(asked.places), frozenset())
            for person in known.people:
                member = roster.member(PersonId(person), terms)
                assert member.exposed == known.exposure[person]
                assert member.values == {column: known.cells[person].get(column, "") for column in asked.distinct}
                assert member.may_approve == _belongs(person, asked.approvers, known.member[person])
                assert member.may_approve == (PersonId(person) in roster.approvers(terms))
                wanted = [place for place, count in enumerate(rule.places) for _ in range(count)]
                for place, of in zip(wanted, asked.places, strict=True):
                    assert (place in member.places) == _belongs(person, of, known.member[person])


def _belongs(person: str, to: tuple[str, str], groups: frozenset[str]) -> bool:
    kind, name = to
    return kind == "everyone" or (kind == "person" and name == person) or (kind == "group" and name in groups)


@given(st.integers(0, 400))
def test_groups_are_those_that_reach_gives(seed: int) -> None:
    """A nested group that is overlooked hides who can approve, or who holds a grant."""
    estate = parse(random_case(seed).files()).estate
    roster = Roster(estate, AT)
    for person in range(len(estate.people.ids)):
        expected = {g for g in range(len(estate.groups.ids)) if roster.membership.is_member(g)[person]}
        assert roster.groups(person) == expected


def test_a_line_goes_all_the_way_up() -> None:
    """A director and somebody three levels below would count as two who do not answer to each other."""
    people = {
        "bo": {"workplace": "US", "unit": "ops", "manager": "cy"},
        "cy": {"workplace": "US", "unit": "trust us", "manager": "di"},
        "di": {"workplace": "IE", "unit": "trust ie", "manager": "ed"},
    }
    terms = {"apart": {"approvals": 1, "approvers": "group:trust", "line": "apart"}}
    roster = Roster(parse(firm(people=people, terms=terms).files()).estate, AT)
    bo, ed, gus = (roster.member(PersonId(name), "apart") for name in ("bo", "ed", "gus"))
    assert bo.line == {"cy", "di", "ed"}
    assert [each.lack for each in shortfalls(roster.rule("apart"), (bo,), (ed,))] == [Lack.LINE]
    assert not shortfalls(roster.rule("apart"), (bo,), (gus,))


def test_a_journey_counts_on_its_days_only() -> None:
    """Somebody who was questioned at the border yesterday would approve today as if at home."""
    trip = [{"person": "di", "state": "CN", "from": "2026-11-20", "until": "2026-11-22"}]
    estate = parse(firm(travel=trip).files()).estate
    for day, states in ((19, {"IE"}), (20, {"IE", "CN"}), (22, {"IE", "CN"}), (23, {"IE"})):
        assert Roster(estate, dt.date(2026, 11, day)).member(PersonId("di"), "two-apart").exposed == states


def test_a_declared_tie_counts() -> None:
    """The one tie that nobody else can know would be the one that is ignored."""
    estate = parse(firm(declared=[{"person": "di", "state": "CN"}]).files()).estate
    assert Roster(estate, AT).member(PersonId("di"), "two-apart").exposed == {"IE", "CN"}


def test_who_is_not_known_is_not_made_up() -> None:
    """A misspelt approver would sit in a quorum without exposures."""
    roster = Roster(parse(firm().files()).estate, AT)
    assert not roster.knows(PersonId("nobody"))
    for ask in (lambda: roster.member(PersonId("nobody"), "two-apart"), lambda: roster.rule("none")):
        with pytest.raises(KeyError):
            ask()


def test_the_line_of_a_long_chain_is_found() -> None:
    """A table made to be hostile would stop the gate with a recursion error."""
    people = {f"p{n}": {"workplace": "US", "unit": "u", **({"manager": f"p{n - 1}"} if n else {})} for n in range(3000)}
    made = decider(firm(people=people))
    assert len(made.roster.member(PersonId("p2999"), "two-apart").line) == 2999
    assert question("p1").resource == Target(type="asset", id="meetings-us")
