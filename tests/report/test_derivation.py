"""The graph of a derivation: every person, group, grant and asset of the chain, once, and in order."""

from __future__ import annotations

from armslength.reach import Row, Step
from armslength.report import survey
from armslength.report.derivation import Graph, graph
from tests.report.estates import answer
from tests.report.pictures import BORROWED_HANDS, CUSTODY, ENROL, RESET_AND_QUORUM

ROLES = {
    "person:ana": "liaison", "person:bo": "engineer", "person:dee": "agent", "person:eve": "engineer",
    "person:kim": "custodian", "person:lead": "team lead", **{f"person:trust-{k}": "reviewer" for k in range(3)},
}  # fmt: skip


OPENED = ("enrolled", "group:g")


def told(drawn: Graph) -> set[tuple[str, str, str]]:
    """(from, to, word) for each line."""
    name = [f"{n.kicker} {n.title}" for n in drawn.nodes]
    return {(name[e.start], name[e.end], e.label) for e in drawn.edges}


def test_borrowed_hands_lead_from_the_outsider_to_the_asset() -> None:
    """The case this product began with must read at a glance."""
    assert told(graph(BORROWED_HANDS, ROLES)) == {
        ("Outsider engineer", "Group ops-emea", ""),
        ("Group ops-emea", "Grant terminate", ""),
        ("Grant terminate", "Class meetings", ""),
        ("Class meetings", "Asset in the class meetings-us", ""),
    }


def test_a_quorum_shows_who_asks_and_who_approves_once() -> None:
    """Five boxes that say "reviewer" hide that there are five."""
    drawn = graph(RESET_AND_QUORUM, ROLES)
    assert {
        ("Outsider 3 × reviewer", "Group trust", ""),
        ("Group trust", "Grant read", "approves"),
        ("Group ops", "Grant read", "asks"),
        ("Power assume", "Taken over engineer", ""),
        ("Taken over engineer", "Group ops", ""),
    } <= told(drawn)
    assert any(n.note == "quorum of 4" for n in drawn.nodes)


def test_custody_shows_the_host_and_the_key() -> None:
    """That a state holds the disk is a different finding from that it holds a person."""
    drawn = graph(CUSTODY, ROLES)
    assert ("Custody hosted in the state", "Asset archive-sg", "") in told(drawn)
    assert ("Asset kms-sg", "Asset archive-sg", "key") in told(drawn)
    assert any(n.kind == "compelled" and n.note == "tie is sealed" for n in drawn.nodes)


def test_enrolment_opens_the_group() -> None:
    """Who may let people in is the real holder of the group's access."""
    assert told(graph(ENROL, ROLES)) == {
        ("Compelled team lead", "Power enroll", ""),
        ("Power enroll", "Group, now open trust", ""),
        ("Compelled team lead", "Group, now open trust", ""),
        ("Group, now open trust", "Policy read", ""),
        ("Policy read", "Asset recordings-us", ""),
    }


def test_the_last_box_says_what_the_state_can_do() -> None:
    """The end of the chain is why the chain is shown."""
    for steps in (BORROWED_HANDS, RESET_AND_QUORUM, CUSTODY, ENROL):
        drawn = graph(steps, ROLES)
        goals = [n for n in drawn.nodes if n.kind == "goal"]
        assert [g.note for g in goals] == [f"state can {steps[-1].fact[1]}"]


def test_lines_always_lead_deeper_even_when_a_group_comes_twice() -> None:
    """A group that is used, then opened, then used again would draw a circle that explains nothing."""
    steps = (
        Step(rule="compelled", fact=("acts", "person:a"), tie="workplace"),
        Step(rule="member", fact=("in", "person:a", "group:g"), rows=(Row(file="groups.csv", row=0),)),
        Step(
            rule="grant", fact=("assumed", "person:b"), needs=(("acts", "person:a"), ("in", "person:a", "group:g")),
            rows=(Row(file="grants.csv", row=0),), by="standing", requester="person:a",
        ),
        Step(rule="assumed", fact=("acts", "person:b"), needs=(("assumed", "person:b"),)),
        Step(rule="member", fact=("in", "person:b", "group:g"), rows=(Row(file="groups.csv", row=1),)),
        Step(
            rule="grant", fact=("enrolled", "group:g"), needs=(("acts", "person:b"), ("in", "person:b", "group:g")),
            rows=(Row(file="grants.csv", row=1),), by="standing", requester="person:b",
        ),
        Step(rule="enrolled", fact=("in", "person:a", "group:g"), needs=(("acts", "person:a"), OPENED)),
        Step(
            rule="grant", fact=("over", "read", "asset:t"), needs=(("acts", "person:a"), ("in", "person:a", "group:g")),
            rows=(Row(file="grants.csv", row=2),), by="standing", requester="person:a",
        ),
        Step(rule="has", fact=("can", "read", "asset:t"), needs=(("over", "read", "asset:t"),)),
    )  # fmt: skip
    drawn = graph(steps, {"person:a": "agent", "person:b": "lead"})
    assert drawn.edges
    for edge in drawn.edges:
        assert drawn.depth[edge.start] < drawn.depth[edge.end]


def test_what_the_engine_derives_can_be_drawn_whole() -> None:
    """A step that the drawing does not know would leave a box without a reason."""
    for chain in survey(answer(), digest="").chains:
        drawn = graph(chain.steps, chain.people)
        goal = next(i for i, n in enumerate(drawn.nodes) if n.kind == "goal")
        reached, todo = {goal}, [goal]
        while todo:
            here = todo.pop()
            todo += (news := [e.start for e in drawn.edges if e.end == here and e.start not in reached])
            reached.update(news)
        assert reached == set(range(len(drawn.nodes)))


def test_people_have_no_ids_in_a_drawing() -> None:
    """The label decides whether a name is shown; the drawing must not know better."""
    drawn = graph(RESET_AND_QUORUM, {})
    assert {n.title for n in drawn.nodes if n.kind in ("compelled", "accomplice", "assumed")} == {
        "a person",
        "3 × a person",
    }


def test_nothing_to_show_gives_an_empty_graph() -> None:
    """A pair that nobody can reach has no chain."""
    assert graph((), {}).nodes == ()
