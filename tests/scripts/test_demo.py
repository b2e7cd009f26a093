"""scripts/demo, run for real with the environment that is there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the demo, the sample and this environment; set-up is tested by itself."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/demo", tmp_path / "scripts/demo")
    (tmp_path / "scripts/setup").write_text("#!/bin/sh\n")
    (tmp_path / "scripts/setup").chmod(0o755)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    shutil.copytree(ROOT / "examples/meridian", tmp_path / "examples/meridian")
    return tmp_path


def demo(clone: Path) -> subprocess.CompletedProcess[str]:
    wide = {**os.environ, "COLUMNS": "120"}
    return subprocess.run([clone / "scripts/demo"], cwd="/", env=wide, capture_output=True, text=True, timeout=300)


def test_the_demo_ends_with_the_findings_and_the_page(clone: Path) -> None:
    """It is the first thing a newcomer runs, and for many the last."""
    ended = demo(clone)
    assert ended.returncode == 0, ended.stderr
    assert "floors are broken" in ended.stdout
    assert "CN can have `terminate` on `asset:meetings-us` if one person outside its reach" in ended.stdout
    assert "floors hold" in ended.stdout
    page = re.search(r"opens offline: (.+)$", ended.stdout.strip())
    assert page and "<html" in Path(page[1]).read_text("utf-8")
    assert len(ended.stdout.splitlines()) < 50


def test_the_demo_says_what_went_wrong(clone: Path) -> None:
    """A demo that ends in silence is taken for a broken product, and nobody can mend what nobody names."""
    (clone / "examples/meridian/before/grants.csv").write_text("holder,action,target\ngroup:no-such,read,asset:none\n")
    ended = demo(clone)
    assert ended.returncode == 2
    assert "grants.csv" in ended.stderr
