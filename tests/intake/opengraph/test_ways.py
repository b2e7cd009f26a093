"""Each way to take something over, from one user to one thing, and what is no way."""

from __future__ import annotations

import pytest

from armslength.intake import Problems
from armslength.intake.opengraph import read_kinds
from armslength.intake.opengraph.edge_kinds import BOTH_WAYS, EDGE_KINDS
from armslength.intake.opengraph.meaning import Effect
from tests.intake.opengraph.graphs import could, directory, edge, graph, node, rows, taken


@pytest.mark.parametrize("kind", sorted(k for k, m in EDGE_KINDS.items() if m.effect is Effect.CONTROL))
def test_every_kind_of_control_gives_the_account_and_the_computer(kind: str) -> None:
    """A kind that fell out of the table would hide every path that needs it."""
    over_user = directory(("ana", kind, "bo"), ("bo", "AdminTo", "srv"))
    assert could(over_user, "ana", "operate", "srv")
    over_computer = directory(("ana", kind, "srv"), ("srv", "HasSession", "bo"), ("bo", "AZGetSecrets", "vault"))
    assert could(over_computer, "ana", "operate", "srv")
    assert could(over_computer, "ana", "read", "vault")
    assert could(directory(("bo", "AdminTo", "srv"), ("bo", kind, "ana")), "ana", "operate", "srv") is (
        kind in BOTH_WAYS
    )


@pytest.mark.parametrize("kind", sorted(k for k, m in EDGE_KINDS.items() if m.effect is Effect.MEMBER))
def test_every_kind_of_membership_passes_on_what_the_group_has(kind: str) -> None:
    """As above, for memberships."""
    data = directory(("ana", kind, "ops"), ("ops", "MemberOf", "admins"), ("admins", "AdminTo", "srv"))
    assert could(data, "ana", "operate", "srv")
    assert not could(data, "cy", "operate", "srv")


@pytest.mark.parametrize("kind", sorted(k for k, m in EDGE_KINDS.items() if m.effect is Effect.GRANT))
def test_an_action_stays_one_action_on_a_thing(kind: str) -> None:
    """Who can sign in to a computer is no administrator of it; on an account it is taken for control."""
    data = directory(("ana", kind, "srv"), ("srv", "HasSession", "bo"), ("bo", "AdminTo", "pc"))
    assert could(data, "ana", EDGE_KINDS[kind].action, "srv")
    assert not could(data, "ana", "operate", "srv")
    assert not could(data, "ana", "operate", "pc")
    assert could(directory(("ana", kind, "bo"), ("bo", "AdminTo", "pc")), "ana", "operate", "pc")


@pytest.mark.parametrize("kind", sorted(k for k, m in EDGE_KINDS.items() if m.effect is Effect.NOTHING))
def test_what_gives_nothing_is_said(kind: str) -> None:
    """What is left out in silence is taken for looked at."""
    made = taken(directory(("ana", kind, "srv")))
    assert rows(made, "grants", 3) == []
    assert rows(made, "review", 2) == [("unmapped", f"edge kind {kind}")]


def test_what_is_taken_for_more_is_said_once_a_kind() -> None:
    """A reader who meets a thousand lines of one kind reads none."""
    made = taken(directory(("ana", "WriteSPN", "bo"), ("ana", "WriteSPN", "cy"), ("ana", "GenericAll", "bo")))
    assert rows(made, "review", 2) == [("wider", "edge kind WriteSPN")]


def test_the_rows_of_one_chain() -> None:
    """The rows themselves, as a reader of grants.csv sees them; two ways to one account are one row."""
    made = taken(
        directory(
            ("ana", "AdminTo", "srv"),
            ("srv", "HasSession", "bo"),
            ("ana", "GenericAll", "bo"),
            ("ana", "Owns", "bo"),
            ("ana", "AdminTo", "pc"),
        )
    )
    assert rows(made, "grants", 3) == [
        ("group:og/ana", "enroll", "group:og/bo"),
        ("group:og/ana", "enroll", "group:og/srv"),
        ("group:og/ana", "operate", "asset:og/pc"),
        ("group:og/ana", "operate", "asset:og/srv"),
        ("group:og/srv", "enroll", "group:og/bo"),
    ]
    assert rows(made, "accounts", 2) == [("og/ana", "User ANA"), ("og/bo", "User BO"), ("og/cy", "User CY")]
    assert rows(made, "known", 1) == [("og/admins",), ("og/ops",), ("og/srv",)]
    assert rows(made, "identifiers", 3)[0] == ("group:og/ana", "mail", "ana@x.com")
    assert [row[4] for row in made.rows("grants")][0] == "g0.json $.graph.edges[0]"


def test_a_domain_reaches_all_that_is_in_it() -> None:
    """Whoever can copy a domain's secrets can be anybody in it, through containers, or without any in the graph."""
    inside = ("corp", "Contains", "staff"), ("staff", "Contains", "bo"), ("staff", "Contains", "srv")
    data = directory(("ana", "DCSync", "corp"), *inside, ("bo", "AdminTo", "pc"))
    assert could(data, "ana", "operate", "srv") and could(data, "ana", "operate", "pc")
    assert ("og/srv", "Computer", "", "og/staff") in rows(taken(data), "assets", 4)
    nodes = [node("D", "Domain"), node("ana", "User", email="ana@x.com"), node("bo", "User", domainsid="d")]
    bare = graph([*nodes, node("pc", "Computer")], [edge("ana", "GetChangesAll", "D"), edge("bo", "AdminTo", "pc")])
    assert could(bare, "ana", "operate", "pc")


def test_containers_in_a_circle_still_make_an_estate() -> None:
    """One wrong edge must not make everything unreadable."""
    data = directory(("corp", "Contains", "staff"), ("staff", "Contains", "corp"), ("ana", "AdminTo", "staff"))
    assert could(data, "ana", "operate", "corp")


def test_everyone_who_signs_in_is_every_account_and_others() -> None:
    """A right of Authenticated Users is everybody's."""
    nodes = [node("ana", "User", email="ana@x.com"), node("CORP-S-1-5-11", "Group"), node("pc", "Computer")]
    data = graph(nodes, [edge("CORP-S-1-5-11", "AdminTo", "pc")])
    assert could(data, "ana", "operate", "pc")
    assert rows(taken(data), "unknown", 1) == [("og/everybody who signs in",)]


def test_a_node_that_no_document_has_may_be_anybodys() -> None:
    """A partial export must not make what lies beyond it safe."""
    made = taken(directory(("ana", "GenericAll", "S-1"), ("s-1", "AdminTo", "pc"), ("ana", "CanRDP", "else")))
    assert ("og/S-1", "no document has it as a node: ask who can act as it") in rows(made, "unknown", 2)
    assert ("group:og/ana", "enroll", "group:og/S-1") in rows(made, "grants", 3)
    assert ("group:og/S-1", "operate", "asset:og/pc") in rows(made, "grants", 3)
    assert ("group:og/ana", "execute", "asset:og/else") in rows(made, "grants", 3)


OWN = b"""
[nodes]
GHUser = "account"
GHTeam = "group"
GHRepo = "asset"
[edges]
GHIn = "member"
GHPush = "grant push"
GHOwnedBy = { means = "control", from = "end" }
GHSeen = "nothing"
"""


def test_a_graph_of_ones_own_means_what_the_file_says() -> None:
    """A kind that nobody knows is told with its number, and mapped once somebody says what it is."""
    nodes = [node("ana", "GHUser", email="ana@x.com"), node("t", "GHTeam"), node("r", "GHRepo")]
    edges = [edge("ana", "GHIn", "t"), edge("t", "GHPush", "r"), edge("r", "GHOwnedBy", "t"), edge("t", "GHSeen", "r")]
    data = graph(nodes, edges)
    assert rows(taken(data), "grants", 3) == []
    assert len(rows(taken(data), "review", 3)) == 7
    problems = Problems()
    kinds = read_kinds("graph.toml", OWN, problems)
    problems.stop()
    assert could(data, "ana", "push", "r", kinds) and could(data, "ana", "operate", "r", kinds)
    assert rows(taken(data, kinds=kinds), "review", 2) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[nodes]\nA = 'thing'", "expected one of account, group, asset"),
        ("[edges]\nA = 'grant operate'", "grant and one action that is no power"),
        ("[edges]\nA = 'grant'", "grant and one action"),
        ("[edges]\nA = { means = 'member', from = 'left' }", "expected start or end"),
        ("[edges]\nA = { meens = 'member' }", "is not known here"),
        ("[kinds]", "expected [nodes] and [edges]"),
        ("nodes = 3", "expected an object"),
    ],
)
def test_a_wrong_file_of_kinds_is_told_with_its_line(text: str, says: str) -> None:
    """Who mistypes a word must not get another meaning."""
    problems = Problems()
    read_kinds("graph.toml", text.encode(), problems)
    assert problems
    with pytest.raises(Exception, match="graph.toml") as raised:
        problems.stop()
    assert says in str(raised.value)


def test_a_managed_identity_is_nobodys_account() -> None:
    """Its secret is had by controlling what it belongs to; a gap there would ask a question without an answer."""
    own = node("sp", "AZServicePrincipal", serviceprincipaltype="ManagedIdentity")
    made = taken(
        graph([own, node("vm", "AZVM"), node("app", "AZServicePrincipal")], [edge("vm", "AZManagedIdentity", "sp")])
    )
    assert rows(made, "accounts", 1) == [("og/app",)]
    assert ("group:og/vm", "enroll", "group:og/sp") in rows(made, "grants", 3)


def test_edges_of_others_meet_what_we_wrote() -> None:
    """A directory's way into one of our groups leads on to what the group has."""
    ours = [
        node("AL:group:ops", "ALGroup", reference="group:ops"),
        node("AL:asset:db", "ALAsset", reference="asset:db"),
    ]
    can = edge("AL:group:ops", "ALCan_Read", "AL:asset:db") | {"properties": {"action": "read"}}
    user = node("ana", "User", email="ana@x.com")
    assert could(graph([*ours, user], [can, edge("ana", "MemberOf", "AL:group:ops")]), "ana", "read", "db")
    assert could(graph([*ours, user], [can, edge("ana", "AdminTo", "AL:asset:db")]), "ana", "operate", "db")
