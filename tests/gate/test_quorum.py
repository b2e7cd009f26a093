"""The rule of a quorum against a second reading of it, written apart: plain loops over the definition."""

from __future__ import annotations

from itertools import combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.gate import Lack, Member, PersonId, Rule, find_quorum, shortfalls

STATES = ("CN", "US", "IE", "SG")
PEOPLE = tuple(PersonId(name) for name in "abcdefg")


def member(name: str, exposed: str = "", *, unit: str = "", line: str = "", places: str = "") -> Member:
    """`exposed`, `line`, `places`: separated by spaces."""
    return Member(
        person=PersonId(name),
        exposed=frozenset(exposed.split()),
        values={"unit": unit or name, "shift": "day"},
        line=frozenset(PersonId(above) for above in line.split()),
        places=frozenset(int(place) for place in places.split()),
        may_approve=True,
    )


def rule(approvals: int = 2, apart: int = 0, **more: object) -> Rule:
    values = {"distinct": (), "places": (), "lines_apart": False, "home": frozenset(), **more}
    return Rule(terms="r", approvals=approvals, apart=apart, **values)  # type: ignore[arg-type]


@st.composite
def members(draw: st.DrawFn, name: PersonId) -> Member:
    return Member(
        person=name,
        exposed=frozenset(draw(st.sets(st.sampled_from(STATES), max_size=2))),
        values={
            "unit": draw(st.sampled_from(("u1", "u2", "u3", ""))),
            "shift": draw(st.sampled_from(("day", "night"))),
        },
        line=frozenset(draw(st.sets(st.sampled_from(PEOPLE), max_size=2))) - {name},
        places=frozenset(draw(st.sets(st.sampled_from((0, 1))))),
        may_approve=draw(st.integers(0, 9)) > 0,
    )


rules = st.builds(
    Rule,
    terms=st.just("r"),
    approvals=st.integers(1, 3),
    apart=st.integers(0, 4),
    distinct=st.sampled_from(((), (), ("unit",), ("unit", "shift"))),
    places=st.sampled_from(((), (), (1,), (1, 1), (2,), (1, 2))),
    lines_apart=st.booleans(),
    home=st.sampled_from((frozenset(), frozenset({"US"}))),
    barred=st.sampled_from((frozenset(), frozenset(), frozenset({"CN"}), frozenset({"US"}))),
)
benches = st.permutations(PEOPLE).flatmap(lambda names: st.tuples(*(members(name) for name in names)))


def is_quorum(rule: Rule, asking: tuple[Member, ...], approvers: tuple[Member, ...]) -> bool:
    """The definition, sentence by sentence (semantics, "A satisfied quorum", and the keys that are the gate's)."""
    everyone = [*asking, *approvers]
    names = [one.person for one in approvers]
    if len(names) != rule.approvals or len(set(names)) != rule.approvals:
        return False
    if any(name == one.person for name in names for one in asking) or not all(one.may_approve for one in approvers):
        return False
    for column in rule.distinct:
        if any(not one.values[column] for one in everyone):
            return False
        for one in approvers:
            if any(one.values[column] == other.values[column] for other in everyone if other is not one):
                return False
    wanted = [place for place, count in enumerate(rule.places) for _ in range(count)]
    if not any(
        all(place in one.places for place, one in zip(wanted, some, strict=True))
        for some in permutations(approvers, len(wanted))
    ):
        return False
    if rule.lines_apart:
        for one, other in [*combinations(approvers, 2), *((a, b) for a in asking for b in approvers)]:
            if one.person in other.line or other.person in one.line:
                return False
    if any(state in rule.barred for one in everyone for state in one.exposed):
        return False
    for state in {*STATES, "nobody's"} - rule.home:
        out = sum(state not in one.exposed for one in approvers)
        out += all(state not in one.exposed for one in asking)
        if out < rule.apart:
            return False
    return True


@given(rules, benches, st.integers(1, 3))
def test_a_quorum_is_what_the_definition_says(rule: Rule, bench: tuple[Member, ...], who: int) -> None:
    """A state that reaches one person too many would be handed a lease, or honest people refused one."""
    asking, rest = bench[:who], bench[who:]
    for size in range(len(rest) + 1):
        for some in combinations(rest, size):
            assert (not shortfalls(rule, asking, some)) == is_quorum(rule, asking, some)


@given(rules, benches, st.integers(1, 3))
def test_the_first_quorum_is_found_if_there_is_one(rule: Rule, bench: tuple[Member, ...], who: int) -> None:
    """A request with all the approvals that it needs would wait for ever."""
    asking, rest = bench[:who], bench[who:]
    expected = next((some for some in combinations(rest, rule.approvals) if is_quorum(rule, asking, some)), None)
    assert find_quorum(rule, asking, rest) == expected


@given(rules, benches)
def test_who_asks_for_another_only_narrows(rule: Rule, bench: tuple[Member, ...]) -> None:
    """A compelled liaison who borrows a colleague's hands would shed the limits that he has himself."""
    executor, asker, *rest = bench
    for some in combinations(rest, rule.approvals):
        if not shortfalls(rule, (executor, asker), some):
            assert not shortfalls(rule, (executor,), some)


@given(rules, benches)
def test_who_approves_again_counts_once(rule: Rule, bench: tuple[Member, ...]) -> None:
    """One person with two passkeys would be a quorum."""
    executor, one, *_ = bench
    twice = Rule(
        terms="r", approvals=2, apart=0, distinct=(), places=(), lines_apart=False, home=frozenset(), barred=frozenset()
    )
    assert Lack.SAME in {each.lack for each in shortfalls(twice, (executor,), (one, one))}
    assert find_quorum(twice, (executor,), (one, one, executor)) is None
    assert find_quorum(rule, (executor,), [executor] * 5) is None


@pytest.mark.parametrize(
    ("lack", "asked", "approvers"),
    [
        (Lack.APPROVALS, rule(), [member("b")]),
        (Lack.DISTINCT, rule(distinct=("unit",)), [member("b", unit="u"), member("c", unit="u")]),
        (Lack.DISTINCT, rule(distinct=("unit",)), [member("b", unit="a"), member("c")]),
        (Lack.PLACES, rule(places=(1, 1)), [member("b", places="0 1"), member("c")]),
        (Lack.PLACES, rule(approvals=1, places=(1, 1)), [member("b", places="0 1")]),
        (Lack.LINE, rule(lines_apart=True), [member("b", line="c"), member("c")]),
        (Lack.LINE, rule(lines_apart=True), [member("b", line="x a"), member("c")]),
        (Lack.APART, rule(apart=2), [member("b", "CN"), member("c", "CN US")]),
        (Lack.APART, rule(apart=4), [member("b"), member("c")]),
        (Lack.BARRED, rule(barred=frozenset({"CN"})), [member("b", "CN"), member("c")]),
    ],
)
def test_each_lack_is_told(lack: Lack, asked: Rule, approvers: list[Member]) -> None:
    """Somebody who is refused would not learn what is missing."""
    found = shortfalls(asked, (member("a"),), approvers)
    assert [each.lack for each in found] == [lack]
    assert found[0].says and found[0].says[0].isalnum() and not found[0].says.endswith(".")


def test_no_shortfall_names_a_state() -> None:
    """A tie that somebody declared would be told to whoever sends a request."""
    told = shortfalls(
        rule(apart=3, barred=frozenset({"CN"})), (member("a", "CN"),), (member("b", "CN IE"), member("c", "SG"))
    )
    assert not [each.says for each in told if any(state in each.says for state in STATES)]


def test_a_barred_home_state_bars() -> None:
    """A change that gives the home state more would be approved by those whom it reaches."""
    asked = rule(apart=1, home=frozenset({"US"}), barred=frozenset({"US"}))
    assert {s.lack for s in shortfalls(asked, (member("a"),), (member("b", "US"), member("c")))} == {Lack.BARRED}
