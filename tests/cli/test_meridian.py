"""The commands on the sample estate, which every newcomer runs first."""

from __future__ import annotations

import csv
import io
import json

import jsonschema
import pytest

from tests.cli.ran import DAY, MERIDIAN, ROOT, run

BEFORE, AFTER = MERIDIAN / "before", MERIDIAN / "after"


def schema(name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((ROOT / "docs" / "formats" / f"{name}.schema.json").read_text("utf-8"))
    return found


def test_before_is_broken_and_after_holds(capsys: pytest.CaptureFixture[str]) -> None:
    """The sample exists to show this."""
    before, after = (run(capsys, "reach", estate, "--at", DAY) for estate in (BEFORE, AFTER))
    assert (before.status, after.status) == (1, 0)
    assert before.out.startswith("All eleven floors are broken")
    assert after.out.startswith("All eleven floors hold.")


def test_one_deceived_colleague_is_enough_before_and_not_after(capsys: pytest.CaptureFixture[str]) -> None:
    """The case that the product grew from."""
    pair = ("--state", "CN", "--action", "terminate", "--asset", "meetings-us")
    before = run(capsys, "explain", BEFORE, "--at", DAY, *pair)
    assert before.status == 1
    assert "if one person outside its reach can be won over: the floor of 2 is broken" in " ".join(before.out.split())
    after = run(capsys, "explain", AFTER, "--at", DAY, *pair)
    assert after.status == 0
    assert "What stops it with fewer:" in after.out


def test_json_csv_and_sarif_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """Two tools fed from two forms must not disagree."""
    china = (BEFORE, "--at", DAY, "--state", "CN")
    answer = json.loads(run(capsys, "reach", *china, "--format", "json").out)
    jsonschema.validate(answer, schema("reach"))
    rows = list(csv.DictReader(io.StringIO(run(capsys, "reach", *china, "--format", "csv").out)))
    assert [(r["action"], r["asset"], str(r["length"])) for r in answer["results"]] == [
        (row["action"], row["asset"], row["length"]) for row in rows
    ]
    broken = sum(row["broken"] == "yes" for row in rows)
    log = json.loads(run(capsys, "reach", *china, "--format", "sarif").out)
    assert sum(result["properties"]["pairs"] for result in log["runs"][0]["results"]) == broken > 0


def test_what_is_printed_is_what_verify_takes(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    """A derivation that only its maker can check proves nothing."""
    answer = tmp_path_factory.mktemp("answer") / "answer.json"
    answer.write_text(run(capsys, "reach", BEFORE, "--at", DAY, "--state", "CN", "--format", "json").out)
    assert run(capsys, "verify", BEFORE, answer).status == 0
    assert run(capsys, "verify", AFTER, answer).status == 1


def test_the_way_from_before_to_after_may_go_on_and_the_way_back_stops(capsys: pytest.CaptureFixture[str]) -> None:
    """A check that stops repairs is switched off; one that lets the fall pass was for nothing."""
    there = run(capsys, "diff", BEFORE, AFTER, "--at", DAY, "--format", "json")
    back = run(capsys, "diff", AFTER, BEFORE, "--at", DAY, "--format", "json")
    assert (there.status, back.status) == (0, 1)
    for ran in (there, back):
        document = json.loads(ran.out)
        jsonschema.validate(document, schema("diff"))
        assert [c for c in document["changes"] if not c["because"]] == []
    assert {c["fell"] for c in json.loads(there.out)["changes"]} == {False}


def test_a_journey_is_foreseen(capsys: pytest.CaptureFixture[str]) -> None:
    """A lead who holds the keys books a flight: what the host state could have then must be known before."""
    trip = (AFTER, "--at", DAY, "--travel", "person:sre-lead-1=CN")
    ran = run(capsys, "whatif", *trip, "--format", "json")
    document = json.loads(ran.out)
    jsonschema.validate(document, schema("whatif"))
    assert ran.status == 1
    assert {c["state"] for c in document["changes"]} == {"CN"}
    assert {cause["table"] for c in document["changes"] for cause in c["because"]} == {"travel"}
    assert run(capsys, "whatif", *trip, "--fail-below", "2").status == 0


def test_people_appear_as_roles_unless_names_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """A report that lists employees by name for where they live puts them in danger."""
    ids = [row["id"] for row in csv.DictReader((BEFORE / "people.csv").open(encoding="utf-8"))]
    for arguments in (
        ("reach", BEFORE),
        ("reach", BEFORE, "--format", "md"),
        ("reach", BEFORE, "--format", "csv"),
        ("reach", BEFORE, "--format", "sarif"),
        ("explain", BEFORE, "--state", "CN", "--action", "terminate", "--asset", "meetings-us"),
        ("diff", AFTER, BEFORE),
        ("diff", AFTER, BEFORE, "--format", "md"),
        ("diff", AFTER, BEFORE, "--format", "sarif"),
    ):
        out = run(capsys, *arguments, "--at", DAY).out
        assert out
        assert [
            person for person in ids if f"{person}`" in out or f" {person} " in out or f"person:{person}" in out
        ] == []


def test_a_filter_only_leaves_out(capsys: pytest.CaptureFixture[str]) -> None:
    """A length that depended on what else was asked would be no length."""

    def lengths(*more: str) -> dict[tuple[str, str, str], str]:
        out = run(capsys, "reach", BEFORE, "--at", DAY, "--format", "csv", *more).out
        return {(r["state"], r["action"], r["asset"]): r["length"] for r in csv.DictReader(io.StringIO(out))}

    whole = lengths()
    for more in (
        ["--state", "CN", "--state", "IE"],
        ["--class", "customer-content"],
        ["--action", "use", "--asset", "key-us"],
    ):
        some = lengths(*more)
        assert some and some.items() <= whole.items()
