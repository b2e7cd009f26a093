"""What becomes of a request with its approvals."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import chain, combinations
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from armslength.gate import Decider, Judgement, Lack, Open, Pending, PersonId, Quorum, Refused, Why, judge, shortfalls
from tests.gate.estates import TRUST, decider, firm, question, request, with_policy
from tests.gate.test_decision import END, FREE, OLD, SHIELD, dated, questions
from tests.oracle.estates import AT
from tests.oracle.world import world

NOBODY: frozenset[str] = frozenset()


def people(names: str) -> list[PersonId]:
    return [PersonId(name) for name in names.split()]


def lacks(found: Judgement) -> set[Lack]:
    assert isinstance(found, Pending)
    return {each.lack for _, missing in found.lacks for each in missing}


def test_a_quorum_is_found_and_can_be_judged_again() -> None:
    """A lease would rest on people that nobody could check afterwards."""
    made = decider(firm(END))
    found = judge(made, request(question("bo")), people("cy di ed"), NOBODY)
    assert isinstance(found, Quorum)
    assert (found.passage.rule, found.rule.terms, found.people()) == ("end", "two-apart", tuple(people("di ed")))
    assert not shortfalls(found.rule, found.asking, found.approvers)


def test_nobody_is_added_who_did_not_approve() -> None:
    """One approval would be made two by whoever is in the group."""
    made = decider(firm(END))
    assert lacks(judge(made, request(question("bo")), people("di"), NOBODY)) >= {Lack.APPROVALS}
    assert lacks(judge(made, request(question("bo")), [], NOBODY)) >= {Lack.APPROVALS}


def test_one_state_is_no_quorum_however_many_approve() -> None:
    """Three approvers in one state's reach are worth nothing against that state."""
    made = decider(
        firm(END, people={"hal": {"workplace": "US", "unit": "us too"}}, groups={"trust": "cy fay hal di ed"})
    )
    assert Lack.APART in lacks(judge(made, request(question("bo")), people("cy fay hal"), NOBODY))
    assert isinstance(judge(made, request(question("bo")), people("cy fay hal di ed"), NOBODY), Quorum)


def test_who_asks_sits_in_the_quorum() -> None:
    """The compelled liaison would ask by a colleague's hands, and the quorum be judged as if he were not there."""
    made = decider(firm(END))
    fake = request(question("bo", asker="ana"))
    assert lacks(judge(made, fake, people("cy ana"), NOBODY)) >= {Lack.SAME}
    # One of the seats is Bo's and Ana's together: exposed to the US and CN both.
    assert isinstance(judge(made, fake, people("di ed"), NOBODY), Quorum)
    assert lacks(judge(made, request(question("bo", asker="di")), people("ed gus"), NOBODY)) >= {Lack.APART}


def test_a_refusal_passes_through() -> None:
    """Policy says no; signatures would say yes."""
    made = decider(firm(END + SHIELD))
    for q, reason in ((question("bo", asker="ana"), Why.FORBIDDEN), (question("di"), Why.NO_RULE)):
        found = judge(made, request(q), people("cy di ed gus"), NOBODY)
        assert isinstance(found, Refused) and found.why is reason


def test_standing_access_is_no_lease() -> None:
    """A lease without a quorum would be made for what needs none."""
    found = judge(decider(firm(END + FREE)), request(question("bo", "look")), people("di ed"), NOBODY)
    assert isinstance(found, Refused) and found.why is Why.NO_RULE and "standing" in found.says


def test_who_left_or_is_known_from_long_ago_does_not_count() -> None:
    """Somebody who left after they approved would still sit in the quorum."""
    made = decider(firm(END))
    assert lacks(judge(made, request(question("bo")), people("di left"), NOBODY)) >= {Lack.APPROVALS, Lack.APPROVERS}
    old = decider(dated(firm(END), "people", {"ed": OLD}), limit=30)
    assert isinstance(judge(made, request(question("bo")), people("di ed"), NOBODY), Quorum)
    assert lacks(judge(old, request(question("bo")), people("di ed"), NOBODY)) >= {Lack.APPROVALS, Lack.APPROVERS}


def test_an_approval_that_is_repeated_counts_once() -> None:
    """One person would be a quorum by approving twice."""
    made = decider(firm(END))
    assert isinstance(judge(made, request(question("bo")), people("di di"), NOBODY), Pending)


def test_nobody_whom_a_gaining_state_reaches_sits_in_the_quorum() -> None:
    """A state would approve the change that gives it more."""
    made = decider(firm(END))
    asked = request(question("bo"))
    barred = frozenset({"IE"})
    assert lacks(judge(made, asked, people("di ed"), NOBODY, barred=barred)) >= {Lack.BARRED}
    assert isinstance(judge(made, asked, people("di cy ed"), NOBODY, barred=barred), Pending)
    assert lacks(judge(made, asked, people("di ed"), NOBODY, barred=frozenset({"US"}))) >= {Lack.BARRED}
    assert isinstance(judge(made, asked, people("di ed"), NOBODY, barred=frozenset({"RU"})), Quorum)


def test_customers_who_have_a_word_are_waited_for() -> None:
    """A customer whose approval the terms ask for would be read without it."""
    made = decider(firm(END, terms={"two-apart": {**TRUST, "customer": "approve"}}))
    asked = request(question("bo"), ["acme", "zeta"])
    waiting = judge(made, asked, people("di ed"), frozenset({"acme"}))
    assert isinstance(waiting, Pending) and waiting.customers == ("zeta",) and waiting.lacks[0][1] == ()
    assert isinstance(judge(made, asked, people("di ed"), frozenset({"acme", "zeta"})), Quorum)
    assert isinstance(judge(made, request(question("bo")), people("di ed"), NOBODY), Quorum)


def test_customers_who_have_a_word_must_be_named() -> None:
    """A lease for any five customers would be had by naming none, and none of them be asked."""
    for word in ("approve", "veto"):
        made = decider(firm(END, terms={"two-apart": {**TRUST, "customer": word, "customers": 5}}))
        assert lacks(judge(made, request(question("bo")), people("di ed"), NOBODY)) == {Lack.CUSTOMERS}
        named = request(question("bo"), ["acme"])
        assert isinstance(judge(made, named, people("di ed"), frozenset({"acme"})), Quorum)


def test_the_way_that_lacks_least_is_told_first() -> None:
    """People would be sent after three more approvals where one is missing."""
    one = {"approvals": 1, "approvers": "person:gus"}
    policy = END + END.replace('"end")', '"quick")', 1).replace("two-apart", "one")
    made = decider(firm(policy, terms={"one": one}))
    found = judge(made, request(question("bo")), [], NOBODY)
    assert isinstance(found, Pending) and [way.rule for way, _ in found.lacks] == ["quick", "end"]
    quick = judge(made, request(question("bo")), people("di gus"), NOBODY)
    assert isinstance(quick, Quorum) and quick.passage.rule == "quick"
    both = judge(made, request(question("bo")), people("di ed gus"), NOBODY)
    assert isinstance(both, Quorum) and both.passage.rule == "end"


def test_what_is_missing_is_said_for_each_approval_that_does_not_count() -> None:
    """A person who approved would wait without learning that their approval is of no use here."""
    made = decider(firm(END, people={"ira": {"workplace": "SG", "unit": "trust ie"}}, groups={"trust": "di ira"}))
    assert lacks(judge(made, request(question("bo")), people("di ira"), NOBODY)) >= {Lack.APPROVALS, Lack.DISTINCT}
    crowd = decider(firm(END, people={"ira": {"workplace": "US"}}, terms={"two-apart": {**TRUST, "distinct": []}}))
    assert Lack.APART in lacks(judge(crowd, request(question("bo")), people("cy fay"), NOBODY))


def test_an_error_while_judging_refuses() -> None:
    """An error that nobody thought of would leave a request where approvals count for anything."""
    made = decider(firm(END))
    found = judge(made, request(question("bo")), [["di"]], NOBODY)  # type: ignore[list-item]
    assert isinstance(found, Refused) and found.why is Why.ERROR


@given(st.integers(0, 1_000_000))
def test_a_quorum_is_found_exactly_where_some_approvers_are_one(seed: int) -> None:
    """The judge would overlook a way, or take one that is none."""
    case, random = with_policy(seed), Random(seed)
    made = decider(case)
    every = [PersonId(name) for name in made.estate.people.ids]
    for q in questions(world(case, AT), random, 5):
        some = random.sample(every, random.randint(0, len(every)))
        barred = frozenset(random.sample(["CN", "US", "IE"], random.choice((0, 0, 0, 1))))
        found, look = judge(made, request(q), some, NOBODY, barred=barred), made.look(q)
        if not isinstance(look, Open):
            assert isinstance(found, Refused)
            continue
        ways = [way for way in look.passages if any(_quorums(made, q, way.terms or "", some, barred))]
        if ways:
            assert isinstance(found, Quorum) and found.passage == ways[0]
            assert set(found.people()) <= set(some) and not set(found.people()) & request(q).parties()
            assert not any(one.exposed & barred for one in (*found.asking, *found.approvers))
        else:
            assert isinstance(found, Pending) and {way for way, _ in found.lacks} == set(look.passages)
            assert all(missing for _, missing in found.lacks)


def _quorums(made: Decider, q: object, terms: str, some: list[PersonId], barred: frozenset[str]) -> chain[bool]:
    rule = replace(made.roster.rule(terms), barred=barred)
    names = dict.fromkeys((q.executor, q.asker, q.author or q.executor))  # type: ignore[attr-defined]
    seat = [made.roster.member(name, terms) for name in names]
    members = [made.roster.member(name, terms) for name in some]
    return chain(not shortfalls(rule, seat, each) for each in combinations(members, rule.approvals))


def test_the_day_decides_the_exposures() -> None:
    """A quorum of yesterday would hold today, with an approver who has arrived in the state's reach since."""
    trip = [{"person": "di", "state": "US", "from": str(AT), "until": str(AT)}]
    case = firm(END, travel=trip)
    assert isinstance(judge(decider(case), request(question("bo")), people("di ed"), NOBODY), Pending)
    later = decider(case, day=AT + dt.timedelta(days=1))
    assert isinstance(judge(later, request(question("bo")), people("di ed"), NOBODY), Quorum)
