"""`armslength gate add-directory`: a provider gets its token, once, and the gate its settings."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path

import pytest

from tests.cli.ran import run
from tests.service.gates import small_gate

Capture = pytest.CaptureFixture[str]


def test_a_directory_is_added_and_its_token_is_kept_nowhere(tmp_path: Path, capsys: Capture) -> None:
    """A token that stood in the settings would be everybody's who can read them, and send the firm home."""
    made = small_gate(tmp_path / "gate")
    settings = made.path / "gate.toml"
    before = settings.read_text()
    flags = ("--person", "userName", "--covers", "group:staff", "--freshness-hours", "12")
    ran = run(capsys, "gate", "add-directory", made.path, "okta", *flags)
    assert ran.status == 0, ran.err
    token = ran.out.strip()
    assert re.fullmatch(r"dir_[A-Za-z0-9_-]{43}", token) and "https://gate.example.com/scim/v2" in ran.err
    text = settings.read_text()
    assert text.startswith(before.rstrip("\n")) and token not in text
    said = tomllib.loads(text)["directory"][0]
    assert said == {
        "id": "okta",
        "secret_sha256": hashlib.sha256(token.encode()).hexdigest(),
        "freshness_hours": 12,
        "covers": ["group:staff"],
        "person": "userName",
    }
    again = run(capsys, "gate", "add-directory", made.path, "okta")
    assert again.status == 2 and "okta" in again.err and settings.read_text() == text


def test_a_directory_that_is_asked_gets_no_token(tmp_path: Path, capsys: Capture) -> None:
    made = small_gate(tmp_path / "gate")
    half = run(capsys, "gate", "add-directory", made.path, "idp", "--pull", "https://idp.example/scim/v2")
    assert half.status == 2 and "--token-file" in half.err
    flags = ("--pull", "https://idp.example/scim/v2", "--token-file", "idp.token")
    ran = run(capsys, "gate", "add-directory", made.path, "idp", *flags)
    assert ran.status == 0 and ran.out == "", ran.err
    said = tomllib.loads((made.path / "gate.toml").read_text())["directory"][0]
    assert said == {"id": "idp", "pull": "https://idp.example/scim/v2", "token_file": "idp.token"}
