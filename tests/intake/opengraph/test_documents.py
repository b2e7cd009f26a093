"""Documents: the forms that are taken, how edges name nodes, and whatever else comes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.intake import IntakeError, Matter
from tests.intake.opengraph.graphs import directory, edge, graph, node, rows, taken

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def refused(data: bytes) -> str:
    with pytest.raises(IntakeError) as raised:
        taken(data)
    return str(raised.value)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is no JSON"),
        (b"[]", "expected OpenGraph"),
        (b"{}", "has no graph with nodes and edges"),
        (b'{"graph": {}}', "has no graph with nodes and edges"),
        (b'{"graph": {"nodes": 3}}', "expected OpenGraph"),
        (b'{"graph": {"nodes": [3]}}', "$.graph.nodes[0]: 3: expected an object"),
        (b'{"graph": {"nodes": [{"id": "a", "kinds": []}]}}', "expected at least one kind"),
        (b'{"graph": {"nodes": [{"id": "", "kinds": ["User"]}]}}', "$.graph.nodes[0].id"),
        (b'{"graph": {"nodes": [{"id": "a", "kinds": [3]}]}}', "expected texts"),
        (b'{"graph": {"nodes": [{"id": "a", "id": "b", "kinds": ["User"]}]}}', '"id" comes twice'),
        (b'{"graph": {"nodes": [], "edges": [{"kind": "X"}]}}', "$.graph.edges[0].start: is missing"),
        (b'{"graph": {"edges": [1], "edges": [2]}}', '"edges" comes twice'),
        (b'{"graph": {"edges": []}, "graph": {"edges": []}}', '"graph" comes twice'),
        (b'{"graph": {"nodes": ["\xff"]}}', "is not UTF-8"),
        (b'{"graph": {"nodes": [' + b"[" * 100_000, ""),
        (b'{"meta": {"type": "users"}, "data": []}', "is a collection of SharpHound"),
        (b'{"data": {"nodes": {}, "edges": [{"source": "1", "target": "2", "kind": "X"}]}}', "does not have"),
    ],
)
def test_what_is_no_graph_is_refused_with_its_place(data: bytes, says: str) -> None:
    """Half a graph, or one of two that a file holds, is worse than none."""
    assert says in refused(data)


def test_an_answer_of_bloodhound_is_a_graph() -> None:
    """BloodHound hands out what it holds in a form of its own."""
    nodes = {
        "11": {"label": "ANA@X", "kind": "User", "objectId": "S-1", "properties": {"email": "ana@x.com"}},
        "12": {"label": "PC", "kind": "Computer", "objectId": "S-2"},
    }
    edges = [{"source": "11", "target": "12", "label": "AdminTo", "kind": "AdminTo", "properties": {}}]
    made = taken(json.dumps({"data": {"nodes": nodes, "edges": edges}}).encode())
    assert list(made.rows("grants")) == [("group:og/S-1", "operate", "asset:og/S-2", "", "g0.json $.data.edges[0]")]


def test_edges_name_nodes_by_name_and_by_properties() -> None:
    """Collectors that do not know ids name what they mean otherwise."""
    nodes = [node("1", "User", name="ANA"), node("2", "Computer", name="PC", os="x"), node("3", "Computer", name="PC")]
    by_name = {"match_by": "name", "value": "ana", "kind": "User"}
    by_property = {"match_by": "property", "property_matchers": [{"key": "os", "operator": "equals", "value": "x"}]}
    made = taken(
        graph(
            nodes,
            [
                {"start": by_name, "end": by_property, "kind": "CanRDP"},
                {"start": by_name, "end": {"match_by": "name", "value": "pc"}, "kind": "AdminTo"},
                {"start": {"match_by": "name", "value": "nobody"}, "end": {"value": "1"}, "kind": "Owns"},
            ],
        )
    )
    assert rows(made, "grants", 3) == [
        ("group:og/1", "execute", "asset:og/2"),
        ("group:og/1", "operate", "asset:og/2"),
        ("group:og/1", "operate", "asset:og/3"),
        ("group:og/name/nobody", "enroll", "group:og/1"),
    ]
    assert rows(made, "review", 2) == [(Matter.WIDER.value, "the node 'pc'")]
    many = [node(str(n), "Computer", name="PC") for n in range(11)]
    end = {"match_by": "name", "value": "pc"}
    assert "expected match_by id" in refused(graph(many, [{"start": {"value": "0"}, "end": end, "kind": "AdminTo"}]))


def test_ids_are_one_in_either_letter_case_and_in_two_documents() -> None:
    """BloodHound takes them so: a chain that is broken by a letter would be missed."""
    made = taken(graph([node("s-1", "Base")], []), graph([node("S-1", "User"), node("c", "Computer")], []),
                 graph([], [edge("s-1", "AdminTo", "C")]))  # fmt: skip
    assert rows(made, "grants", 3) == [("group:og/s-1", "operate", "asset:og/c")]
    assert rows(made, "accounts", 1) == [("og/s-1",)]


def test_names_that_people_see_link_nobody() -> None:
    """Two people of one name are two people."""
    made = taken(graph([node("1", "AZUser", name="ANA", displayname="Ana", userprincipalname="ana@x.com")], []))
    assert rows(made, "identifiers", 3) == [
        ("group:og/1", "login", "og:ana@x.com"),
        ("group:og/1", "mail", "ana@x.com"),
        ("group:og/1", "subject", "1"),
    ]


@pytest.mark.parametrize("id", ["a/b:c", "a b", "é\u4e2d", "=1+1", "'\"", "a,b", "group:x", "a]b["])
def test_strange_ids_stay_themselves(id: str) -> None:
    """An id that is taken apart would be somebody else's."""
    made = taken(graph([node(id, "User"), node("c", "Computer")], [edge(id, "AdminTo", "c")]))
    assert rows(made, "grants", 3) == [(f"group:og/{id}", "operate", "asset:og/c")]


@given(VALUES)
def test_any_json_is_mapped_or_refused(value: Any) -> None:
    """A traceback helps nobody."""
    for whole in (value, {"graph": value}, {"graph": {"nodes": [value], "edges": [value]}}, {"data": value}):
        attempt(json.dumps(whole).encode())


GOOD = json.loads(directory(("ana", "AdminTo", "srv"), ("srv", "HasSession", "bo"), ("corp", "Contains", "staff")))
PLACES = [("nodes", n, key) for n in range(3) for key in ("id", "kinds", "properties")] + [
    ("edges", n, key) for n in range(3) for key in ("start", "end", "kind")
]


@given(st.sampled_from(PLACES), VALUES)
def test_any_change_of_a_good_graph_is_mapped_or_refused(place: tuple[str, int, str], value: Any) -> None:
    """As above, nearer to what is good."""
    changed = json.loads(json.dumps(GOOD))
    part, number, key = place
    changed["graph"][part][number][key] = value
    attempt(json.dumps(changed).encode())


@given(st.binary(max_size=6), st.integers(0, 400))
def test_any_damage_is_mapped_or_refused(damage: bytes, at: int) -> None:
    """As above, for bytes."""
    data = directory(("ana", "AdminTo", "srv"))
    attempt(data[:at] + damage + data[at + len(damage) :])


@given(st.lists(st.tuples(*[st.sampled_from(["ana", "bo", "ops", "srv", "corp", "x"])] * 2,
                          st.sampled_from(["MemberOf", "AdminTo", "HasSession", "CanRDP", "Contains"])), max_size=8),
       st.data())  # fmt: skip
def test_more_edges_never_give_less(edges: list[tuple[str, str, str]], data: st.DataObject) -> None:
    """An edge that took a way off would hide it from whoever has the larger graph."""
    every = [(start, kind, end) for start, end, kind in edges]
    some = [one for one in every if data.draw(st.booleans())]
    for table, columns in (("grants", 3), ("groups", 2), ("accounts", 1)):
        less, more = (rows(taken(directory(*of)), table, columns) for of in (some, every))
        assert set(less) <= set(more)


OURS = [
    node("AL:p", "ALPerson", reference="person:p", role="r", more='{"badge": "x"}'),
    node("AL:g", "ALGroup", reference="group:g", unknown=True),
    node("AL:t", "ALAsset", reference="asset:t", hosted_in=["IE"], subjects=3),
    node("AL:r", "ALTerms", reference="terms:r", document='{"approvals": 1, "approvers": "group:g", "from": []}'),
]
ASK = edge("AL:g", "ALMayAsk_Read", "AL:t") | {"properties": {"action": "read", "terms": ["r"]}}


@given(
    st.sampled_from(
        [(n, key) for n, one in enumerate(OURS) for key in one["properties"]] + [(9, "action"), (9, "terms")]
    ),
    VALUES | st.sampled_from(["group:", "person:x", "terms:", "{", "[]", '{"approvers": 3, "from": 3}', "\n"]),
)
def test_any_change_of_a_graph_of_ours_is_mapped_or_refused(place: tuple[int, str], value: Any) -> None:
    """As above, for what we wrote and somebody edited."""
    nodes, edges = json.loads(json.dumps(OURS)), [json.loads(json.dumps(ASK)), edge("AL:p", "ALMemberOf", "AL:g")]
    part = edges[0] if place[0] == 9 else nodes[place[0]]
    part["properties"][place[1]] = value
    attempt(graph(nodes, edges))


def attempt(data: bytes) -> None:
    try:
        taken(data)
    except IntakeError as error:
        assert error.problems


def test_a_short_part_that_stands_within_a_long_one() -> None:
    """The empty list of edges is found within the nodes first."""
    harvest = taken(b'{"graph": {"nodes": [{"id": "a", "kinds": ["User"], "properties": {"x": []}}], "edges": []}}')
    assert rows(harvest, "accounts", 1) == [("og/a",)]
    assert "comes twice" in refused(b'{"graph": {"nodes": [{"id": "a", "kinds": ["User"]}], "nodes": [], "edges": []}}')


@pytest.mark.parametrize("document", ['{"approvals": null}', '{"approvals": 1e999}', '{"from": [{"of": null}]}'])
def test_terms_that_hold_what_terms_cannot(document: str) -> None:
    """A traceback tells nobody which node it was."""
    terms = {"id": "t", "kinds": ["ALTerms"], "properties": {"reference": "terms:t", "document": document}}
    assert "document" in refused(json.dumps({"graph": {"nodes": [terms], "edges": []}}).encode())
