"""`armslength verify BUNDLE`, as a customer runs it: exit status, words, what it saves, and what it must not do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from armslength.ledger import CheckName, format_base64url, parse_saved
from armslength.web import verify_page
from tests.cli.ran import MERIDIAN, Ran, run, start
from tests.ledger.ledgers import ADA, BEN, community, policy_text, written
from tests.ledger.tamperings import Case, cases, saved_of

CASES = cases()


def lay(folder: Path, case: Case) -> list[str | Path]:
    """The case as files, and the arguments that name them."""
    bundle, policy = folder / "ada.bundle.json", folder / "policy.txt"
    bundle.write_bytes(case.bundle)
    policy.write_text(case.policy, "utf-8")
    arguments: list[str | Path] = [bundle, "--policy", policy]
    if case.saved is not None:
        saved = folder / "before.saved.json"
        saved.write_text(case.saved, "utf-8")
        arguments += ["--saved", saved]
    if case.handle is not None:
        arguments.append(f"--customer={format_base64url(case.handle)}")
    return arguments


@pytest.fixture(autouse=True)
def _usual_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a terminal's width is in the environment, lines break elsewhere."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def honest(tmp_path: Path) -> list[str | Path]:
    return lay(tmp_path, dict(CASES)["an_honest_bundle"]())


@pytest.mark.parametrize("make", [make for _, make in CASES], ids=[name for name, _ in CASES])
def test_each_case_ends_as_it_should(
    make: Callable[[], Case], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script that asks only for the exit status would go on with a forged bundle."""
    case = make()
    kept = tmp_path / "kept.json"
    ran = run(capsys, "verify", *lay(tmp_path, case), "--format", "json", "--save", kept)
    if case.fails is None:
        assert (ran.status, ran.out) == (2, "") and ran.err
        assert "Traceback" not in ran.err and "unexpected error" not in ran.err
        assert not kept.exists()
        return
    assert ran.status == (1 if case.fails else 0)
    told: dict[str, Any] = json.loads(ran.out)
    assert told["verdict"] == ("fails" if case.fails else "holds")
    assert {check["check"] for check in told["checks"] if check["outcome"] == "fails"} == case.fails
    connected = case.saved is None or not case.open & {"saved", "history"}
    assert kept.exists() == (not case.fails and connected)
    assert kept.exists() or "was not written" in ran.err


def test_the_words_tell_what_was_checked_and_what_was_not(
    honest: list[str | Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """A customer's lawyer reads this, not the code."""
    ran = run(capsys, "verify", *honest)
    assert ran.status == 0 and ran.err == ""
    assert ran.out.splitlines()[-1].startswith("HOLDS: you were shown all 6 records about you")
    for said in (
        "not checked  what you saved",
        "what this does not show",
        "never logged",
        "demand",
        "2025-11-03T08:07Z",
    ):
        assert said in ran.out
    assert max(map(len, ran.out.splitlines())) <= 120


def test_a_failure_is_the_last_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who reads only the end must not miss it."""
    ran = run(capsys, "verify", *lay(tmp_path, dict(CASES)["a_leaf_dropped"]()))
    assert ran.status == 1
    assert ran.out.splitlines()[-1].startswith("DOES NOT HOLD: 3 of 10 checks fail")


def test_the_json_has_the_form_that_is_promised(honest: list[str | Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Programs read it."""
    told = json.loads(run(capsys, "verify", *honest, "--format", "json").out)
    assert list(told) == ["format", "verdict", "origin", "customer", "size", "checks", "records", "unshown"]
    assert told["format"] == "armslength.verification/v1" and told["size"] == 13
    assert [check["check"] for check in told["checks"]] == list(CheckName)
    assert told["records"][0] == {
        "kind": "use",
        "records": 4,
        "first": "2025-11-03T08:00Z",
        "last": "2025-11-03T08:11Z",
    }


def test_one_file_carries_a_customer_through_the_years(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--saved` and `--save` name the same file in every script."""
    ledger = community()
    kept = tmp_path / "ada.saved.json"
    policy = tmp_path / "policy.txt"
    policy.write_text(policy_text(), "utf-8")
    first, second = tmp_path / "1.bundle.json", tmp_path / "2.bundle.json"
    first.write_bytes(written(ledger.bundle(ADA)))
    assert run(capsys, "verify", first, "--policy", policy, "--save", kept).status == 0
    ledger.use(ADA, 9)
    ledger.head()
    ledger.use(ADA, 10)
    second.write_bytes(written(ledger.bundle(ADA, earlier=(13,))))
    assert run(capsys, "verify", second, "--policy", policy, "--saved", kept, "--save", kept).status == 0
    assert parse_saved(kept.read_bytes()) == saved_of(ledger, ADA)
    before = kept.read_bytes()
    rolled_back = run(capsys, "verify", first, "--policy", policy, "--saved", kept, "--save", kept)
    assert rolled_back.status == 1 and "records are gone" in rolled_back.out
    assert kept.read_bytes() == before


def test_a_bundle_may_come_through_a_pipe(honest: list[str | Path]) -> None:
    """It may come straight out of another program."""
    bundle, *rest = honest
    ran = start("verify", "-", *rest, given=Path(bundle).read_bytes())
    assert ran.status == 0 and "HOLDS" in ran.out


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"bundle": "nowhere.bundle.json"}, "'nowhere.bundle.json' cannot be read: no such file or directory"),
        ({"policy": "nowhere.txt"}, "'nowhere.txt' cannot be read"),
        ({"saved": "nowhere.json"}, "'nowhere.json' cannot be read"),
        ({"customer": "short"}, "--customer"),
        ({"bundle": "/"}, "cannot be read"),
        ({"bundle": "a\0b"}, "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_named(
    change: dict[str, str], says: str, honest: list[str | Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """A customer with four files at hand has to know which of them it is."""
    bundle, _, policy, customer = honest
    given: dict[str, Any] = {"bundle": bundle, "policy": policy, **change}
    arguments = [given["bundle"], "--policy", given["policy"]]
    arguments += ["--saved", given["saved"]] if "saved" in given else []
    arguments += [f"--customer={given['customer']}"] if "customer" in given else [customer]
    ran = run(capsys, "verify", *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert says in ran.err and ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "expected a bundle and --policy FILE"),
        (["x.bundle.json"], "expected --policy FILE"),
        (["estate", "answer.json", "--policy", "p"], "--policy goes with a bundle"),
        (["estate", "answer.json", "--save", "p"], "--save goes with a bundle"),
        (["x.bundle.json", "--page", "p"], "--page goes alone"),
        (["--page", "p", "--policy", "q"], "--page goes alone"),
        (["a", "b", "c"], "unexpected 'c'"),
    ],
)
def test_a_wrong_call_says_what_was_expected(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two things are verified by one word; whoever mixes them up must not be told that all is well."""
    ran = run(capsys, "verify", *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert says in ran.err and ran.err.count("\n") == 1


def test_a_save_that_fails_is_no_success(honest: list[str | Path], capsys: pytest.CaptureFixture[str]) -> None:
    """The next verification would silently have nothing to hold the log to."""
    ran = run(capsys, "verify", *honest, "--save", "nowhere/at/all.json")
    assert ran.status == 2 and "cannot write" in ran.err


def test_the_page_is_written_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is what a customer without this program verifies with."""
    path = tmp_path / "verify.html"
    assert run(capsys, "verify", "--page", path).status == 0
    assert path.read_text("utf-8") == verify_page()


def test_a_bundle_is_verified_without_loading_what_estates_need(honest: list[str | Path]) -> None:
    """Half a second of loading is half of what the verification takes."""
    program = (
        "import sys; from armslength.cli import main; status = main(sys.argv[1:]); "
        "sys.exit(status or (9 if {'polars', 'numpy', 'rich', 'starlette'} & set(sys.modules) else 0))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, "verify", *map(str, honest)], capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


def test_an_answer_is_verified_as_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever has it in a script has it without --policy."""
    answer = tmp_path / "answer.json"
    answer.write_text(run(capsys, "reach", MERIDIAN / "before", "--format", "json", "--state", "CN").out, "utf-8")
    ran: Ran = run(capsys, "verify", MERIDIAN / "before", answer)
    assert ran.status == 0 and "every one follows" in ran.out


def test_another_customers_handle_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A complete bundle of somebody with fewer records would do for everyone."""
    case = dict(CASES)["an_honest_bundle"]()
    bundle, flag, policy, _ = lay(tmp_path, case)
    ran = run(capsys, "verify", bundle, flag, policy, f"--customer={format_base64url(BEN)}")
    assert ran.status == 1 and "FAILS        is it you" in ran.out
