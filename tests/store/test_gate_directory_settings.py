"""`[[directory]]` of gate.toml: what it may say, and every problem at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from armslength.store import GateDirectory, StoreError, add_gate_directory
from armslength.store.gate_settings import format_gate_settings, parse_gate_settings
from tests.service.gates import settings, small_gate

BASE = b'origin = "log.example.com/gate"\nurl = "https://gate.example.com"\n'
SECRET = "a" * 64


def read(text: str) -> tuple[object, list[str]]:
    problems: list[str] = []
    found = parse_gate_settings(BASE + text.encode(), "gate.toml", problems)
    return found, problems


def test_what_is_written_reads_back() -> None:
    """A gate that was made with it would hear another directory."""
    directories = (
        GateDirectory(id="okta", secret_sha256=SECRET),
        GateDirectory(
            id="idp",
            pull="https://idp.example/scim/v2",
            token_file="idp.token",
            pull_minutes=30,
            freshness_hours=12,
            covers=("group:staff", "person:Zoë"),
            person="employeeNumber",
            prefix="hr/",
            group="externalId",
            leavers_a_day=3,
            confirm_by_reading=True,
            linking="linking.toml",
        ),
    )
    said = settings(directories=directories)
    problems: list[str] = []
    assert parse_gate_settings(format_gate_settings(said), "gate.toml", problems) == said and problems == []


@pytest.mark.parametrize(
    "row",
    [
        "",
        'id = "Okta"\nsecret_sha256 = "SECRET"',
        'id = "okta"',
        'id = "okta"\nsecret_sha256 = "short"',
        'id = "okta"\nsecret_sha256 = "SECRET"\npull = "https://idp.example"\ntoken_file = "t"',
        'id = "okta"\npull = "https://idp.example"',
        'id = "okta"\nsecret_sha256 = "SECRET"\ntoken_file = "t"',
        'id = "okta"\npull = "ftp://idp.example"\ntoken_file = "t"',
        'id = "okta"\npull = "https://me:' 'pass@idp.example"\ntoken_file = "t"',
        'id = "okta"\npull = "https://idp.example"\ntoken_file = "../t"',
        'id = "okta"\npull = "https://idp.example"\ntoken_file = "t"\npull_minutes = 1440',
        'id = "okta"\nsecret_sha256 = "SECRET"\nfreshness_hours = 0',
        'id = "okta"\nsecret_sha256 = "SECRET"\nfreshness_hours = true',
        'id = "okta"\nsecret_sha256 = "SECRET"\ncovers = []',
        'id = "okta"\nsecret_sha256 = "SECRET"\ncovers = ["staff"]',
        'id = "okta"\nsecret_sha256 = "SECRET"\nperson = "nationality"',
        'id = "okta"\nsecret_sha256 = "SECRET"\nprefix = " x"',
        'id = "okta"\nsecret_sha256 = "SECRET"\nconfirm_by_reading = "yes"',
        'id = "okta"\nsecret_sha256 = "SECRET"\nunheard_of = 1',
        'id = "okta"\nsecret = "dir_x"\nsecret_sha256 = "SECRET"',
    ],
)
def test_a_directory_that_is_none_is_refused(row: str) -> None:
    """A slip would leave whom it covers unheard, or let anybody in."""
    found, problems = read("[[directory]]\n" + row.replace("SECRET", SECRET))
    assert found is None and problems
    assert not any("pass@" in each or "dir_x" in each for each in problems)


def test_two_with_one_name_or_one_secret_are_refused() -> None:
    one = f'[[directory]]\nid = "okta"\nsecret_sha256 = "{SECRET}"\n'
    assert len(read(one + one)[1]) == 2
    assert read("directory = 7")[1]


def test_one_is_added_to_what_the_operator_wrote(tmp_path: Path) -> None:
    made = small_gate(tmp_path / "gate")
    before = (made.path / "gate.toml").read_bytes()
    add_gate_directory(made.path, GateDirectory(id="okta", secret_sha256=SECRET))
    after = (made.path / "gate.toml").read_bytes()
    assert after.startswith(before.rstrip(b"\n"))
    with pytest.raises(StoreError):
        add_gate_directory(made.path, GateDirectory(id="okta", secret_sha256="b" * 64))
    assert (made.path / "gate.toml").read_bytes() == after
