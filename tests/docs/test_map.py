"""ARCHITECTURE.md, the changelog and pyproject.toml speak of the same code."""

from __future__ import annotations

import ast
import re
import sys
import tomllib

from armslength import __version__
from tests.docs.documents import ROOT, document

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
ROOMS = sorted(path.parent.name for path in (ROOT / "src/armslength").glob("*/__init__.py"))


def layers() -> list[str]:
    """The rooms from top to bottom, as import-linter checks them."""
    contract = next(c for c in PROJECT["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    return [room.strip("() ") for layer in contract["layers"] for room in layer.split("|")]


def test_the_map_shows_the_rooms_in_the_order_that_is_checked() -> None:
    """Somebody who builds by a wrong map builds into the wrong room."""
    drawn = next(block.text for block in document("ARCHITECTURE.md").blocks if "pure" in block.text)
    assert re.findall(r"^(\w+) ", drawn, re.MULTILINE) == layers()


def test_every_room_is_on_the_map_and_under_the_contract() -> None:
    """A room that no contract names may import anything."""
    assert sorted(layers()) == ROOMS


def test_every_pure_room_is_under_the_contract() -> None:
    """A pure room that reads the clock gives answers that nobody can compute again."""
    contract = next(c for c in PROJECT["tool"]["importlinter"]["contracts"] if c["type"] == "forbidden")
    drawn = next(block.text for block in document("ARCHITECTURE.md").blocks if "pure" in block.text)
    pure = re.findall(r"^(\w+) +pure:", drawn, re.MULTILINE)
    assert sorted(contract["source_modules"]) == sorted(f"armslength.{room}" for room in pure)


def test_the_changelog_is_headed_by_the_packages_version() -> None:
    """A user who reads what changed must read about what they run."""
    versions = [heading for heading in document("CHANGELOG.md").headings if heading[0].isdigit()]
    assert versions[0].split(" ")[0] == __version__


def test_the_changelog_stars_what_changes_answers() -> None:
    """Somebody whose floors break after an update must be able to see why."""
    text = document("CHANGELOG.md").text
    assert "★" in text.split("\n## ")[0]
    assert re.search(r"^- ★ ", text, re.MULTILINE)


def test_no_run_time_package_is_used_and_not_declared() -> None:
    """An import that only the developers' environment satisfies fails at the user's."""
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = [*PROJECT["project"]["dependencies"], *(line for name in extras if name != "dev" for line in extras[name])]
    declared = {re.split(r"[<>=\[ ]", line)[0] for line in wanted}
    found = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    third = found - sys.stdlib_module_names - {"armslength"}
    packages = {"yaml": "pyyaml"}
    assert {packages.get(module, module).replace("_", "-") for module in third} <= declared
