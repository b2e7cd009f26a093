"""scripts/setup, run for real on a package of one file that needs nothing from the network."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "tiny"
version = "1"
"""

# The least that pip takes for an editable package: a wheel that points at the folder.
BACKEND = """
import os, pathlib, time, zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    time.sleep(float(os.environ.get("SLOW", "0")))
    name, info = "tiny-1-py3-none-any.whl", "tiny-1.dist-info"
    files = {
        "tiny.pth": str(pathlib.Path.cwd() / "src"),
        f"{info}/METADATA": "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: tiny\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(pathlib.Path(folder) / name, "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    return name

def build_wheel(folder, config_settings=None, metadata_directory=None):
    raise SystemExit("only editable")
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with a space in its name, as a clone of such a package."""
    clone = tmp_path / "a clone"
    (clone / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "scripts/setup", clone / "scripts/setup")
    (clone / "pyproject.toml").write_text(PROJECT)
    (clone / "backend.py").write_text(BACKEND)
    (clone / "requirements.lock").write_text("# nothing\n")
    (clone / "src/tiny").mkdir(parents=True)
    (clone / "src/tiny/__init__.py").write_text("")
    return clone


def start(clone: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [clone / "scripts/setup"],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def set_up(clone: Path, **environment: str) -> str:
    """Runs it to its end and gives what it said."""
    process = start(clone, **environment)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return said


def works(clone: Path) -> bool:
    return subprocess.run([clone / ".venv/bin/python", "-c", "import tiny"], cwd="/").returncode == 0


def test_a_second_set_up_does_nothing(clone: Path) -> None:
    """Every script calls it first; a developer would wait a minute before each test."""
    set_up(clone)
    assert works(clone)
    mark = clone / ".venv/mark"
    mark.touch()
    assert set_up(clone) == ""
    assert mark.exists()


def test_changed_pins_are_installed(clone: Path) -> None:
    """After a pull, tests would run against the packages of last month."""
    set_up(clone)
    (clone / ".venv/mark").touch()
    (clone / "requirements.lock").write_text("# changed\n")
    set_up(clone)
    assert not (clone / ".venv/mark").exists()
    assert works(clone)


def test_a_moved_clone_is_set_up_anew(clone: Path) -> None:
    """The environment's scripts name the folder they were made in, and would run another clone's code."""
    set_up(clone)
    moved = clone.rename(clone.parent / "moved")
    set_up(moved)
    assert works(moved)


def test_a_set_up_killed_half_way_is_made_good(clone: Path) -> None:
    """A closed laptop would leave an environment that looks complete and is not."""
    process = start(clone, SLOW="600")
    while not (clone / ".venv/bin/python").exists():
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (clone / ".venv/armslength-stamp").exists()
    set_up(clone)
    assert works(clone)


def test_two_at_once_make_one_environment(clone: Path) -> None:
    """Two terminals, or a test and a demo, would delete each other's work."""
    both = [start(clone, SLOW="1"), start(clone, SLOW="1")]
    said = [process.communicate(timeout=300)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sorted(bool(text) for text in said) == [False, True]
    assert works(clone)


def test_a_failed_set_up_says_so_and_is_not_taken_for_done(clone: Path) -> None:
    """The next script would run on half an environment."""
    (clone / "requirements.lock").write_text("tiny-that-is-not-there==1 --hash=sha256:" + "0" * 64 + "\n")
    for _ in range(2):
        process = start(clone, PIP_FIND_LINKS="", PIP_INDEX_URL=(clone / "empty").as_uri())
        _, said = process.communicate(timeout=300)
        assert process.returncode != 0
        assert "tiny-that-is-not-there" in said


def test_it_can_be_run_from_within_its_own_environment(clone: Path) -> None:
    """With .venv activated, as the tour asks, `python3` is the one that is about to be replaced."""
    set_up(clone)
    (clone / "requirements.lock").write_text("# changed\n")
    set_up(clone, PATH=f"{clone / '.venv/bin'}{os.pathsep}{os.environ['PATH']}")
    assert works(clone)


def test_settings_that_would_install_elsewhere_are_not_followed(clone: Path, tmp_path: Path) -> None:
    """A user's PIP_TARGET would leave .venv empty and fill another folder."""
    elsewhere = str(tmp_path / "elsewhere")
    set_up(clone, PIP_TARGET=elsewhere, PIP_USER="1", PIP_REQUIRE_HASHES="1", PIP_REQUIRE_VIRTUALENV="1")
    assert works(clone)
    assert not (tmp_path / "elsewhere").exists()
