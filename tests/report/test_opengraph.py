"""The estate as a graph: what BloodHound can take, what it must never tell, and that it reads back as it was."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

from hypothesis import given, settings

from armslength.estate import Estate, Kind, parse
from armslength.intake import Harvest, Problems
from armslength.intake.opengraph import map_opengraph
from armslength.report import ReachEdge, opengraph, opengraph_types
from tests.estate.samples import Sample, samples

AT = dt.date(2026, 11, 22)
FILES = {
    "people.csv": "id,role,workplace,residence,entity,name\n"
    "secret-ana,engineer,CN,,e,Ana Secret\nsecret-bo,engineer,CN,,e,Bo Secret\nsecret-cy,lead,US,IE,,Cy Secret\n",
    "entities.csv": "id,state,parent\ne,DE,f\nf,RU,\n",
    "travel.csv": "person,state,from,until\nsecret-cy,SG,2026-11-20,2026-11-30\nsecret-cy,KR,2026-12-01,2026-12-02\n",
    "declared.csv": "person,state\nsecret-cy,KP\n",
    "groups.csv": "group,member\nops,person:secret-ana\nops,person:secret-bo\nall,group:ops\n",
    "unknown.csv": "group,note\nothers,ask\n",
    "assets.csv": "id,kind,class,within,hosted_in,key\ndb,database,c,,IE,k\nrow,table,,db,,\nk,key,,,,\n",
    "grants.csv": "holder,action,target,terms\ngroup:all,read rows,class:c,\ngroup:ops,read-rows,asset:row,\n"
    "person:secret-cy,enroll,group:ops,\ngroup:ops,operate,asset:db,two\ngroup:others,operate,asset:db,\n"
    "everyone,read,asset:k,\nperson:secret-cy,amend,terms:two,\n",
    "estate.toml": 'name = "x"\n[states]\nSG = ["CN"]\n'
    '[terms.two]\napprovals = 1\napprovers = "person:secret-cy"\napart = 1\n',
}


def estate(**files: str) -> Estate:
    return parse({name: text.encode() for name, text in {**FILES, **files}.items()}).estate


def written(given: Estate, *, names: bool = False, answers: tuple[ReachEdge, ...] = ()) -> dict[str, Any]:
    text = "".join(opengraph(given, AT, names=names, answers=answers))
    assert text.isascii()
    whole: dict[str, Any] = json.loads(text)
    assert whole["metadata"] == {"source_kind": "Armslength"}
    graph: dict[str, Any] = whole["graph"]
    return graph


def edges(graph: dict[str, Any]) -> set[tuple[str, str, str]]:
    """(start, kind, end) by the references of nodes."""
    called = {node["id"]: node["properties"]["reference"] for node in graph["nodes"]}
    return {(called[e["start"]["value"]], e["kind"], called[e["end"]["value"]]) for e in graph["edges"]}


def taken(graph: dict[str, Any]) -> Harvest:
    harvest = Harvest(name="og", kind="opengraph")
    map_opengraph({"g.json": json.dumps({"graph": graph}).encode()}, harvest, Problems())
    return harvest


def test_the_edges_of_a_small_estate() -> None:
    """Every row has its edge, in the direction in which BloodHound follows it; two actions of one spelling stay two."""
    found = edges(written(estate(), names=True))
    cy = "person:secret-cy"
    assert {
        ("person:secret-ana", "ALMemberOf", "group:ops"),
        ("group:ops", "ALMemberOf", "group:all"),
        (cy, "ALEnroll", "group:ops"),
        (cy, "ALAmend", "terms:two"),
        ("group:others", "ALOperate", "asset:db"),
        ("group:ops", "ALMayAsk_Operate", "asset:db"),
        ("group:ops", "ALNeeds", "terms:two"),
        ("terms:two", "ALApprovedBy", cy),
        ("everyone", "ALCan_Read", "asset:k"),
        (cy, "ALMemberOf", "everyone"),
        ("asset:row", "ALWithin", "asset:db"),
        ("asset:db", "ALHasClass", "class:c"),
        ("asset:db", "ALKey", "asset:k"),
        ("asset:db", "ALHostedIn", "state:IE"),
        (cy, "ALExposedTo", "state:US"),
        (cy, "ALExposedTo", "state:IE"),
        (cy, "ALExposedTo", "state:SG"),
        ("state:SG", "ALAnswersTo", "state:CN"),
        ("person:secret-ana", "ALEmployedBy", "entity:e"),
        ("person:secret-ana", "ALExposedTo", "state:RU"),
        ("entity:e", "ALOwnedBy", "entity:f"),
        ("entity:f", "ALStateOf", "state:RU"),
    } <= found
    assert ("group:ops", "ALOperate", "asset:db") not in found
    assert (cy, "ALExposedTo", "state:KR") not in found
    assert len([kind for _, kind, _ in found if kind.startswith("ALCan_Read_Rows")]) == 2


def test_nobody_is_named_and_no_declared_tie_is_told() -> None:
    """A graph is uploaded to a server that many see: who declared a tie trusted that no output names it."""
    for names in (False, True):
        text = json.dumps(written(estate(), names=names))
        assert "KP" not in text
        assert ("secret" in text.lower()) is names
    graph = written(estate())
    people = {
        node["properties"]["name"]: node["properties"] for node in graph["nodes"] if node["kinds"] == ["ALPeople"]
    }
    assert set(people) == {"engineer (2 people)", "lead (1 person)"}
    assert people["engineer (2 people)"]["count"] == 2


def test_a_declared_tie_changes_nothing_that_is_written() -> None:
    """What changes with a sealed tie tells it."""
    for names in (False, True):
        assert written(estate(), names=names) == written(estate(**{"declared.csv": "person,state\n"}), names=names)


def test_what_a_state_could_have_is_an_edge_of_the_state() -> None:
    """Who looks at an asset in BloodHound sees which states come near it; what no state can have has no edge."""
    answers = (
        ReachEdge(state="CN", action="read rows", asset="db", length=1, floor=2),
        ReachEdge(state="US", action="read rows", asset="db", length=None, floor=2),
    )
    graph = written(estate(), answers=answers)
    found = [edge for edge in graph["edges"] if edge["kind"].startswith("ALReach_")]
    assert [edge["properties"] for edge in found] == [{"action": "read rows", "length": 1, "floor": 2, "broken": True}]
    assert taken(graph).count("grants") == taken(written(estate())).count("grants")


def test_terms_mean_the_same_when_they_are_read_back() -> None:
    """Terms by a column that the graph leaves out could be satisfied by nobody, or not be read at all."""
    people = FILES["people.csv"].replace("name\n", "name,badge\n", 1).replace("Secret\n", "Secret,b1\n")
    toml = FILES["estate.toml"] + 'distinct = ["badge"]\n'
    given = estate(**{"people.csv": people, "estate.toml": toml})
    named, unnamed = (taken(written(given, names=names)) for names in (True, False))
    assert {json.loads(row[8])["badge"] for row in named.rows("people")} == {"b1"}
    assert ["distinct" in json.loads(document) for _, document, _ in named.rows("terms")] == [True]
    assert ["distinct" in json.loads(document) for _, document, _ in unnamed.rows("terms")] == [False]
    assert [row[:2] for row in unnamed.rows("review")] == [("wider", "terms og/two")]


def test_the_icons_are_of_the_kinds_that_are_written() -> None:
    """A kind without an icon is a question mark on the screen."""
    types = json.loads(opengraph_types())["custom_types"]
    kinds = {node["kinds"][0] for names in (True, False) for node in written(estate(), names=names)["nodes"]}
    assert set(types) == kinds
    assert all(set(one["icon"]) == {"type", "name", "color"} for one in types.values())


def test_people_without_names_come_back_as_a_gap() -> None:
    """Nobody may be taken for nobody because their name was left out."""
    made = taken(written(estate()))
    assert made.count("people") == 0
    notes = sorted(note for _, note, _ in made.rows("accounts"))
    assert notes == ["1 people of the role lead", "2 people of the role engineer"]


@settings(max_examples=60, deadline=None)
@given(samples())
def test_bloodhound_can_take_every_graph(sample: Sample) -> None:
    """An upload that is refused half way leaves half an estate on the screen."""
    given = parse(sample.files()).estate
    for names in (True, False):
        graph = written(given, names=names)
        ids = [node["id"].upper() for node in graph["nodes"]]
        assert len(set(ids)) == len(ids)
        keys = [(e["start"]["value"], e["end"]["value"], e["kind"].upper()) for e in graph["edges"]]
        assert len(set(keys)) == len(keys)
        assert {e[key]["value"].upper() for e in graph["edges"] for key in ("start", "end")} <= set(ids)
        assert all(re.fullmatch("[A-Za-z0-9_]+", e["kind"]) for e in graph["edges"])
        for part in (*graph["nodes"], *graph["edges"]):
            for value in part.get("properties", {}).values():
                assert isinstance(value, str | int | bool) or (value and all(isinstance(one, str) for one in value))


@settings(max_examples=150, deadline=None)
@given(samples())
def test_what_is_written_with_names_reads_back_as_it_was(sample: Sample) -> None:
    """Whoever takes our graph in again must not get another firm."""
    given = parse(sample.files()).estate
    made = taken(written(given, names=True))
    assert {row[:4] for row in made.rows("grants")} == {
        (
            called(given, given.grants.holder_kind[i], given.grants.holder[i]),
            given.actions[given.grants.action[i]],
            called(given, given.grants.target_kind[i], given.grants.target[i]),
            f"og/{given.settings.terms[given.grants.terms[i]].id}" if given.grants.terms[i] >= 0 else "",
        )
        for i in range(len(given.grants))
    }
    groups, assets = given.groups, given.assets
    assert {row[:2] for row in made.rows("groups")} == {
        (f"og/{groups.ids[groups.group[i]]}", called(given, groups.member_kind[i], groups.member[i]))
        for i in range(len(groups.row))
    }
    assert {row[0] for row in made.rows("unknown")} == {f"og/{groups.ids[g]}" for g in groups.unknown}
    assert {row[0] for row in made.rows("people")} == set(given.people.ids)
    assert {row[0] for row in made.rows("entities")} == set(given.entities.ids)
    assert {(row[0], row[2], row[3]) for row in made.rows("assets")} == {
        (
            f"og/{id}",
            given.classes[assets.of_class[t]] if assets.of_class[t] >= 0 else "",
            f"og/{assets.ids[assets.within[t]]}" if assets.within[t] >= 0 else "",
        )
        for t, id in enumerate(assets.ids)
    }
    approvers = {id: json.loads(document)["approvers"] for id, document, _ in made.rows("terms")}
    assert approvers == {
        f"og/{one.id}": called(given, one.approvers.kind, one.approvers.index) for one in given.settings.terms
    }


def called(given: Estate, kind: int, index: int) -> str:
    match Kind(kind):
        case Kind.PERSON:
            return f"person:{given.people.ids[index]}"
        case Kind.GROUP:
            return f"group:og/{given.groups.ids[index]}"
        case Kind.ASSET:
            return f"asset:og/{given.assets.ids[index]}"
        case Kind.CLASS:
            return f"class:{given.classes[index]}"
        case Kind.TERMS:
            return f"terms:og/{given.settings.terms[index].id}"
        case Kind.EVERYONE:
            return "everyone"
