"""SARIF: what a code-review tool shows, at the row that causes it, once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from armslength.estate import Estate
from armslength.report import sarif
from tests.report.estates import SMALL, answer, estate


def log(of: Estate | None = None, **options: object) -> dict[str, Any]:
    return dict(json.loads(sarif(answer(of), version="1.2.3", **options)))  # type: ignore[arg-type]


def results(of: Estate | None = None, **options: object) -> list[dict[str, Any]]:
    (run,) = log(of, **options)["runs"]
    return list(run["results"])


def where(result: dict[str, Any]) -> tuple[str, int]:
    (location,) = result["locations"]
    physical = location["physicalLocation"]
    return physical["artifactLocation"]["uri"], physical["region"]["startLine"]


def test_pairs_that_one_row_breaks_are_one_result_with_counts() -> None:
    """Ten thousand annotations on one line hide every other line."""
    found = {(r["ruleId"], *where(r)): r["properties"]["pairs"] for r in results()}
    assert found == {
        ("floor-broken", "grants.csv", 4): 12,
        ("floor-broken", "grants.csv", 3): 3,
        ("floor-broken", "assets.csv", 5): 1,
        ("unknown-members", "unknown.csv", 2): 6,
    }


def test_the_message_says_what_whom_and_how() -> None:
    """A reviewer who must open another tool to learn what is wrong will not."""
    said = {where(r): r["message"]["text"] for r in results()}
    assert said["grants.csv", 4] == (
        "group:ops may terminate on class:meetings alone. With this, IE could terminate meetings-eu with nobody's help"
        ", where the floor asks for 2. 12 protected pairs of CN, IE, RU and SG are below the floor by this row."
    )
    assert said["assets.csv", 5].startswith("asset:archive is hosted in SG. With this, SG could read archive")
    assert said["unknown.csv", 2] == (
        "Nobody told who is in group agency. If people of CN are, it could read meetings-eu with nobody's help, "
        "where the floor asks for 1. 6 protected pairs of CN and SG depend on it."
    )


def test_locations_stand_under_the_folder_of_the_estate() -> None:
    """A tool that cannot find the file drops the result without a word."""
    assert {where(r)[0] for r in results(base="./infra/my estate/")} == {
        "infra/my%20estate/grants.csv", "infra/my%20estate/assets.csv", "infra/my%20estate/unknown.csv",
    }  # fmt: skip


def test_fingerprints_follow_the_row_and_not_its_line() -> None:
    """A dismissed finding that comes back whenever someone sorts the table teaches people to dismiss all."""
    before = {r["message"]["text"]: r["partialFingerprints"] for r in results()}
    head, *rows = SMALL["grants.csv"].splitlines()
    sorted_otherwise = "\n".join([head, *rows[::-1], "group:ops,observe,asset:archive,"]) + "\n"
    after = {r["message"]["text"]: r["partialFingerprints"] for r in results(estate(grants=sorted_otherwise))}
    assert after == before
    assert len({json.dumps(f) for f in before.values()}) == len(before)
    dated = "\n".join([f"{head},as_of", *(f"{row},2026-11-{k:02}" for k, row in enumerate(rows, start=1))]) + "\n"
    assert {r["message"]["text"]: r["partialFingerprints"] for r in results(estate(grants=dated))} == before
    changed = SMALL["grants.csv"].replace("group:ops,terminate", "everyone,terminate")
    assert set(map(json.dumps, before.values())) != {
        json.dumps(r["partialFingerprints"]) for r in results(estate(grants=changed))
    }


def test_the_last_standing_grant_is_to_blame_before_a_membership() -> None:
    """The row that gives the access is the one that a reviewer can change."""
    groups = SMALL["groups.csv"] + "ops,group:reviewers\n"
    assert ("grants.csv", 4) in {where(r) for r in results(estate(groups=groups))}


def test_the_other_rows_of_the_chain_are_related() -> None:
    """Who can take a person out of a group must see which membership it was."""
    (worst,) = [r for r in results() if where(r) == ("grants.csv", 4)]
    related = {where({"locations": [{"physicalLocation": r["physicalLocation"]}]}) for r in worst["relatedLocations"]}
    assert ("groups.csv", 3) in related
    assert not any(file == "people.csv" for file, _ in related)


def test_people_are_roles_in_messages() -> None:
    """A code-review page is read by the whole firm."""
    grants = SMALL["grants.csv"] + "person:cy,terminate,asset:archive,\n"
    toml = SMALL["estate.toml"] + '[[floor]]\naction = "terminate"\ntarget = "asset:archive"\nlength = 2\n'
    shown = sarif(answer(estate(grants=grants, estate=toml)), version="1")
    assert "a person in the role operations engineer may terminate on asset:archive alone" in shown
    assert "person:cy" not in shown and "Cy Example" not in shown
    assert "person:cy may terminate" in sarif(answer(estate(grants=grants, estate=toml)), version="1", names=True)


def test_pairs_that_were_not_traced_are_counted() -> None:
    """A limit that drops results without a word turns a red build green."""
    found = results(most_derivations=4)
    assert sum(r["properties"]["pairs"] for r in found) == 22
    (rest,) = [r for r in found if r["partialFingerprints"]["armslengthCause/v1"] == "untraced"]
    assert rest["properties"]["pairs"] == 18 and where(rest)[0] == "estate.toml"


def test_a_stopped_search_is_a_result_of_its_own() -> None:
    """What was not proven must not look like what was found."""
    whole = answer()
    whole.at_least[:] = 0
    whole.at_most[:] = -1
    found = json.loads(sarif(whole, version="1"))["runs"][0]["results"]
    assert {(r["ruleId"], where(r)[0]) for r in found} == {("floor-unproven", "estate.toml")}
    assert sum(r["properties"]["pairs"] for r in found) == 23


def test_every_floor_that_holds_gives_an_empty_run() -> None:
    """An empty list closes the findings of the run before; a missing run leaves them open for ever."""
    toml = SMALL["estate.toml"].split("[[floor]]")[0]
    assert results(estate(estate=toml)) == []


def test_rules_explain_themselves() -> None:
    """The rule's help is all that most readers ever see of this product."""
    (run,) = log()["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("Armslength", "1.2.3")
    assert [rule["id"] for rule in driver["rules"]] == ["floor-broken", "unknown-members", "floor-unproven"]
    for rule in driver["rules"]:
        assert rule["help"]["text"] and rule["help"]["markdown"] and rule["shortDescription"]["text"]
        assert rule["defaultConfiguration"]["level"] == "error"
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_the_form_is_that_of_the_standard() -> None:
    """A log that a tool refuses shows nothing (SARIF 2.1.0, sections 3.13, 3.14, 3.27 to 3.30)."""
    whole = log()
    assert set(whole) == {"$schema", "version", "runs"} and whole["version"] == "2.1.0"
    (run,) = whole["runs"]
    assert {"tool", "results", "columnKind", "invocations", "automationDetails", "properties"} == set(run)
    assert run["invocations"] == [{"executionSuccessful": True}]
    for result in run["results"]:
        assert result["level"] == "error" and result["message"]["text"]
        assert all(isinstance(v, str) for v in result["partialFingerprints"].values())
        uri, line = where(result)
        assert not uri.startswith("/") and ":" not in uri and line >= 1
        ids = [related["id"] for related in result.get("relatedLocations", [])]
        assert ids == sorted(set(ids))


@pytest.mark.parametrize("unsafe", ["a\u202eb", "a\x1b[31mb", 'q"uote', "back\\slash"])
def test_it_is_ascii_whatever_the_ids(unsafe: str) -> None:
    """A console in another locale must be able to print it, and a reader to trust it."""
    toml = SMALL["estate.toml"].replace("asset:archive", "asset:x" + json.dumps(unsafe)[1:-1])
    quoted = '"x' + unsafe.replace('"', '""') + '"'
    assets = SMALL["assets.csv"].replace("archive", quoted)
    text = sarif(answer(estate(assets=assets, estate=toml)), version="1")
    assert text.isascii()
    json.loads(text)
