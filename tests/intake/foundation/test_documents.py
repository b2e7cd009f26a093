"""What an export may look like before anything is made of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armslength.intake import IntakeError, Node, Problems, json_node, toml_node, yaml_nodes

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda part: st.lists(part, max_size=4) | st.dictionaries(st.text(max_size=5), part, max_size=4),
    max_leaves=20,
)


def said(problems: Problems) -> list[str]:
    try:
        problems.stop()
    except IntakeError as error:
        return [str(problem) for problem in error.problems]
    return []


@given(JSON)
def test_json_means_what_it_says(value: object) -> None:
    """An export that was read otherwise would give an estate of another firm."""
    problems = Problems()
    node = json_node("a.json", json.dumps(value).encode(), problems)
    assert node is not None and node.value == value and not said(problems)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b'{"a": 1, "a": 2}', 'a.json: the key "a" comes twice in one object: expected it once'),
        (b'{"a": NaN}', "a.json: is no JSON: NaN is no number of JSON"),
        (b"\xff\xfe{\0}\0", "a.json: is not UTF-8: invalid start byte at byte 0: save it again as UTF-8"),
        (b'{"a": \n}', "a.json:2: is no JSON: Expecting value at column 1"),
        (b"[" * 100_000, "a.json: is nested too deeply: expected fewer objects and arrays in one another"),
        (b"9" * 10_000, "a.json: is no JSON: a number of 10,000 digits"),
        (b"", "a.json:1: is no JSON: Expecting value at column 1"),
    ],
)
def test_json_that_could_mean_two_things_is_refused(data: bytes, told: str) -> None:
    """Whoever can write an export twice-readable decides what the report says."""
    problems = Problems()
    assert json_node("a.json", data, problems) is None
    assert said(problems) == [told]


@given(JSON)
def test_yaml_that_json_can_say_means_the_same(value: object) -> None:
    """kubectl writes either; the estate must not depend on which."""
    problems = Problems()
    text = json.dumps(value)
    nodes = yaml_nodes("a.yaml", f"- {text}\n".encode(), problems)
    if problems:  # a key of JSON may be spelled as no key of YAML can, such as with half a surrogate pair
        return
    assert [node.value for node in nodes] == [[value]] or '"\\' in text or "\\u" in text


def test_yaml_words_are_those_of_its_newer_form() -> None:
    """`NO` read as false would take Norway for no country, and a date is text in JSON."""
    problems = Problems()
    (node,) = yaml_nodes(
        "a.yaml", b"a: NO\nb: yes\nc: 2026-01-01\nd: 1_000\ne: 0o17\nf: true\ng: ~\nh: '1'\ni: 1.5\n", problems
    )
    assert node.value == {
        "a": "NO", "b": "yes", "c": "2026-01-01", "d": "1_000", "e": "0o17", "f": True, "g": None, "h": "1", "i": 1.5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"a: &x [1]\nb: *x\n", "a.yaml:1: has an anchor or an alias: expected plain YAML, written out"),
        (b"a: 1\n<<: {b: 1}\n", "a.yaml:2: has a merge key: expected plain YAML, written out"),
        (b"a: !!str x\n", "a.yaml:1: has the tag 'tag:yaml.org,2002:str': expected plain YAML"),
        (b"a: 1\nb: 1\na: 2\n", "a.yaml:3: the key 'a' comes twice in one mapping: expected it once"),
        (b"? [a]\n: 1\n", "a.yaml:1: has a key that is no text: expected one"),
        (b"[" * 150 + b"]" * 150, "a.yaml:1: is nested deeper than 100: expected less"),
        (b"a: [\n", "a.yaml:2: is no YAML: did not find expected node content"),
        (b"a: \xff\n", "a.yaml: is not UTF-8: invalid start byte at byte 3: save it again as UTF-8"),
    ],
)  # fmt: skip
def test_yaml_that_can_grow_or_act_is_refused(data: bytes, told: str) -> None:
    """Nine lines with aliases stand for a billion elements, and a tag can run a program."""
    problems = Problems()
    yaml_nodes("a.yaml", data, problems)
    assert said(problems) == [told]


def test_each_document_of_a_stream_is_had() -> None:
    """One that was left out would be access that nobody sees."""
    problems = Problems()
    nodes = yaml_nodes("a.yaml", b"a: 1\n---\n---\nb: 2\n...\n---\n- c\n", problems)
    assert [(node.value, node.path) for node in nodes] == [
        ({"a": 1}, "$"),
        ({"b": 2}, "$[document 2]"),
        (["c"], "$[document 3]"),
    ]


def test_every_wrong_shape_is_told_with_its_path() -> None:
    """One problem a run makes ten runs of ten problems."""
    problems = Problems()
    text = b'{"Roles": [{"Name": "a"}, {"Name": 5}, {"Name": "x\\ny"}], "odd key": {"deep": []}, "flag": "yes"}'
    node = json_node("a.json", text, problems)
    assert node is not None
    for role in node.at("Roles").items():
        role.at("Name").text()
        role.at("Arn").text()
    node.at("odd key").at("deep").text()
    node.at("flag").flag()
    assert said(problems) == [
        "a.json: $.Roles[0].Arn: is missing: expected a text that is not empty",
        "a.json: $.Roles[1].Name: 5: expected a text that is not empty",
        "a.json: $.Roles[1].Arn: is missing: expected a text that is not empty",
        'a.json: $.Roles[2].Name: "x\\ny": expected text without control characters',
        "a.json: $.Roles[2].Arn: is missing: expected a text that is not empty",
        'a.json: $["odd key"].deep: an array: expected a text that is not empty',
        'a.json: $.flag: "yes": expected true or false',
    ]


@given(JSON)
def test_a_node_of_any_value_answers_every_question(value: object) -> None:
    """A traceback tells a user nothing, and may tell a log what it should not know."""
    problems = Problems()
    node = Node(value, "a", "$", problems)
    node.object(), list(node.members()), list(node.items()), list(node.one_or_more()), node.text(), node.text_or()
    node.texts(), node.flag(), node.whole(0), node.at("a").at("b"), node.has("a")


def test_a_document_of_another_kind_is_not_told_a_million_times() -> None:
    """Two hundred problems say as much, and a terminal can show them."""
    problems = Problems()
    for number in range(1000):
        problems.add("a", str(number))
    assert len(said(problems)) == 201
    assert said(problems)[-1] == "a: … and 800 more"


def test_what_is_wrong_in_toml_has_its_line() -> None:
    """People write this file by hand."""
    problems = Problems()
    node = toml_node("linking.toml", b'[offices]\n"Dublin" = "IE"\n"Cork" = 5\n[[same]]\nthese = [1]\n', problems)
    assert node is not None
    for _, part in node.at("offices").members():
        part.text()
    for rule in node.at("same").items():
        rule.at("these").texts()
    assert said(problems) == [
        "linking.toml:3: $.offices.Cork: 5: expected a text that is not empty",
        "linking.toml:5: $.same[0].these[0]: 1: expected a text that is not empty",
    ]
