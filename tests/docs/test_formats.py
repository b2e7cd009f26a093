"""The JSON forms: the schemas, the pages that describe them, and what is really printed say the same."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from armslength.reach import Exact, Question, Result, check_document
from armslength.reach.checker import _FIELDS
from armslength.report import document
from tests.docs.documents import ROOT
from tests.docs.documents import document as page
from tests.oracle import Case, lengths
from tests.reach.derivations import AT, FIRST_EXAMPLE, SECOND_EXAMPLE, THREE_OUTSIDERS, WORKED

NAMES = ("reach", "diff", "whatif", "repair")


def schema(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((ROOT / f"docs/formats/{name}.schema.json").read_text("utf-8"))
    return read


def example(name: str) -> dict[str, Any]:
    """The one JSON block of a page."""
    (block,) = [block for block in page(f"docs/formats/{name}.md").blocks if block.language == "json"]
    read: dict[str, Any] = json.loads(block.text)
    return read


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_one_and_takes_the_example(name: str) -> None:
    """Whoever reads our output by the page would be refused by the schema, or the other way about."""
    Draft202012Validator.check_schema(schema(name))
    Draft202012Validator(schema(name)).validate(example(name))


def _keys(part: object) -> Iterator[str]:
    match part:
        case {"row": dict(), **rest}:
            yield from (*rest, "row")
        case dict():
            for key, value in part.items():
                yield key
                yield from _keys(value)
        case list():
            for value in part:
                yield from _keys(value)


@pytest.mark.parametrize("name", NAMES)
def test_every_key_is_explained(name: str) -> None:
    """A reader would meet a key that no page tells of."""
    text = page(f"docs/formats/{name}.md").text + page("docs/formats/derivation.md").text
    text += page("docs/formats/diff.md").text if name == "whatif" else ""
    for key in {*_keys(example(name)), *schema(name)["properties"]}:
        assert f"`{key}`" in text or f'"{key}"' in page("docs/formats/derivation.md").text, key


def _without(whole: dict[str, Any], path: tuple[str | int, ...]) -> dict[str, Any]:
    """A copy without the key at the end of the path."""
    copied = copy.deepcopy(whole)
    part: Any = copied
    for key in path[:-1]:
        part = part[key]
    del part[path[-1]]
    return copied


def _paths(part: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(part, dict):
        for key, value in part.items():
            yield (*path, key)
            yield from _paths(value, (*path, key))
    elif isinstance(part, list):
        for i, value in enumerate(part):
            yield from _paths(value, (*path, i))


OPTIONAL = {"floor", "requester", "approvers", "needs", "rows", "terms", "holder", "action", "target"}


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_refuses_what_lacks_a_key_or_has_one_more(name: str) -> None:
    """A program would read half an answer without noticing."""
    validator = Draft202012Validator(schema(name))
    for path in _paths(example(name)):
        if path[-1] in OPTIONAL or {"row", "refused"} & set(path[:-1]):
            continue
        with pytest.raises(ValidationError):
            validator.validate(_without(example(name), path))
    for more in ({**example(name), "note": "x"}, {}, [], None):
        with pytest.raises(ValidationError):
            validator.validate(more)


def test_the_example_of_reach_is_what_is_printed() -> None:
    """The page would show something that the program never prints."""
    state, action, asset, accomplices = SECOND_EXAMPLE.asked()
    found = Result(
        state=state,
        action=action,
        asset=asset,
        length=Exact(length=1),
        accomplices=accomplices,
        floor=2,
        gaps=(),
    )
    printed = "".join(document(SECOND_EXAMPLE.estate, Question(at=AT), [(found, SECOND_EXAMPLE.steps)]))
    assert example("reach") == json.loads(printed)
    assert check_document(example("reach"), SECOND_EXAMPLE.estate) == ()


def _length(case: Case, change: dict[str, Any]) -> int | None:
    return lengths(case, AT)[change["state"], change["action"], change["asset"]].length


def _with(case: Case, table: str, row: dict[str, str]) -> Case:
    return replace(case, tables={**case.tables, table: [*case.rows(table), row]})


def test_the_lengths_of_the_other_examples_are_true() -> None:
    """The pages would teach a wrong reading of the numbers."""
    (change,) = example("diff")["changes"]
    (cause,) = change["because"]
    assert _length(THREE_OUTSIDERS.case, change) == change["old"]
    assert _length(_with(THREE_OUTSIDERS.case, "grants", cause["row"]), change) == change["new"]
    (change,) = example("whatif")["changes"]
    (cause,) = change["because"]
    assert _length(FIRST_EXAMPLE.case, change) == change["old"]
    assert _length(_with(FIRST_EXAMPLE.case, "travel", cause["row"]), change) == change["new"]
    (planned,) = example("repair")["plan"]
    assert FIRST_EXAMPLE.case.rows("grants")[planned["line"] - 2] == planned["row"]
    mended = {**planned["row"], "terms": planned["terms"]}
    settings = THREE_OUTSIDERS.case.settings
    repaired = replace(FIRST_EXAMPLE.case, settings=settings, tables={**FIRST_EXAMPLE.case.tables, "grants": [mended]})
    assert (_length(repaired, change) or 0) >= change["floor"]


def test_page_schema_and_checker_have_the_same_rules() -> None:
    """A step would be fine by one of them and wrong by another."""
    definitions = schema("reach")["$defs"]
    rules = {name.removeprefix("step_"): body for name, body in definitions.items() if name.startswith("step_")}
    assert rules.keys() == _FIELDS.keys()
    text = page("docs/formats/derivation.md")
    for rule, fields in _FIELDS.items():
        forms = rules[rule].get("anyOf", [rules[rule]])
        assert {key for form in forms for key in form["properties"]} == {"rule", "fact", *fields}, rule
        assert rule in text.headings
    for worked in WORKED:
        for step in worked.steps:
            for word in (step.by, step.tie, f'["{step.fact[0]}"'):
                assert word is None or word in text.text, word


def test_the_schema_of_reach_refuses_steps_of_no_rule() -> None:
    """A forged step could pass for a well-formed one."""
    validator = Draft202012Validator(schema("reach"))
    number = len(example("reach")["results"][0]["steps"])
    for i in range(number):
        for change in (
            {"rule": "magic"},
            {"fact": ["can", "read"]},
            {"fact": ["acts", "group:ops"]},
            {"tie": "ancestry"},
            {"policy": "p"},
            {"rows": [{"file": "grants.csv", "row": 1}]},
            {"needs": []},
            {"note": "x"},
        ):
            whole = example("reach")
            whole["results"][0]["steps"][i].update(change)
            with pytest.raises(ValidationError):
                validator.validate(whole)
