"""The rooms of src/armslength: what each shows, and what the pure ones may not do.

Which room may import which is checked by import-linter (pyproject.toml); this file holds what it cannot say.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "armslength"
ROOMS = sorted(folder.name for folder in SOURCE.iterdir() if (folder / "__init__.py").is_file())
PURE = [room for room in ROOMS if room in {"estate", "gate", "intake", "ledger", "reach", "report", "tlog"}]

CLOCK = {"now", "today", "utcnow", "localtime"}
DISK = {"fromfile", "tofile", "memmap", "open_memmap"}
READERS = {f"{verb}_{form}" for verb in ("read", "scan") for form in ("csv", "parquet", "ndjson", "json", "ipc")}
CHANCE = {"default_rng", "random"}
NETWORK = {"urllib", "urllib.request", "urllib.error", "urllib.robotparser"}
BUILTINS = {"open", "print", "input", "exec", "eval", "compile", "breakpoint", "__import__"}


def modules(folder: Path) -> Iterator[tuple[str, ast.Module]]:
    """Each file under `folder`, with its path inside src/armslength."""
    for path in sorted(folder.rglob("*.py")):
        yield path.relative_to(SOURCE).as_posix(), ast.parse(path.read_text("utf-8"))


def imports(file: str, tree: ast.Module) -> Iterator[tuple[int, str, str | None]]:
    """(line, module, name or None) for each import, relative ones written out."""
    package = ["armslength", *Path(file).parts[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, None
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, module, alias.name


def intrusions(file: str, tree: ast.Module) -> list[str]:
    """The imports in `file` that go past another room's door."""
    found = []
    here = Path(file).parts[0]
    for line, module, name in imports(file, tree):
        parts = module.split(".")
        if parts[0] != "armslength" or len(parts) < 2 or parts[1] == here or parts[1] not in ROOMS:
            continue
        # A folder in a room that has a door of its own, such as a source of intake, is entered by that.
        deep = len(parts) == 3 and (SOURCE / parts[1] / parts[2] / "__init__.py").is_file()
        room = ".".join(parts[1:]) if deep else parts[1]
        if len(parts) > 2 and not deep:
            found.append(f"{file}:{line} imports {module}; import it from armslength.{room}")
        elif name is not None and name not in importlib.import_module(f"armslength.{room}").__all__:
            found.append(f"{file}:{line} imports {name} from armslength.{room}, whose __all__ does not list it")
    return found


def impurities(file: str, tree: ast.Module) -> list[str]:
    """What in `file` would read the clock, the disk, the network or chance, or print. Modules that do nothing else are
    import-linter's; `urllib` is not, since it cannot tell `urllib.parse` apart."""
    found = [
        f"{file}:{line} imports {module}"
        for line, module, name in imports(file, tree)
        if module in NETWORK and (module, name) != ("urllib", "parse")
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in CLOCK | DISK | CHANCE:
            found.append(f"{file}:{node.lineno} uses .{node.attr}")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BUILTINS:
            found.append(f"{file}:{node.lineno} calls {node.func.id}()")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in READERS:
            if not (node.args and _is_buffer(node.args[0])):
                found.append(f"{file}:{node.lineno} calls .{node.func.attr} on something other than BytesIO(...)")
    return found


def _is_buffer(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in {"BytesIO", "StringIO"}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_lists_what_it_shows(room: str) -> None:
    """Who reads a room's __init__ would otherwise rely on names that may go without notice."""
    shown = importlib.import_module(f"armslength.{room}").__all__
    assert len(shown) == len(set(shown))
    missing = [name for name in shown if not hasattr(importlib.import_module(f"armslength.{room}"), name)]
    assert not missing


def test_rooms_are_entered_by_the_door() -> None:
    """A room whose inner files are imported elsewhere can no longer be changed inside without breaking others."""
    assert [found for file, tree in modules(SOURCE) for found in intrusions(file, tree)] == []


@pytest.mark.parametrize("room", PURE)
def test_pure_rooms_only_compute(room: str) -> None:
    """An answer that depends on the clock, the disk or chance cannot be recomputed by whoever doubts it."""
    assert [found for file, tree in modules(SOURCE / room) for found in impurities(file, tree)] == []


@pytest.mark.parametrize(
    "text",
    [
        "import armslength.estate.model",
        "from armslength.estate.model import Estate",
        "from ..estate.model import Estate",
        "from armslength.estate import model_that_is_not_listed",
    ],
)
def test_each_way_past_a_door_is_seen(text: str) -> None:
    """A check that overlooked one spelling would be trusted for nothing."""
    assert len(intrusions("reach/example.py", ast.parse(text))) == 1


@pytest.mark.parametrize(
    "text",
    ["dt.date.today()", "dt.datetime.now(tz)", "open(path)", "print(1)", "np.random.rand()", "pl.read_csv(path)"]
    + ["import urllib.request", "from urllib import request"],
)
def test_each_impurity_is_seen(text: str) -> None:
    """As above, for the clock, the disk, chance and printing."""
    assert len(impurities("reach/example.py", ast.parse(text))) == 1


def test_the_usual_imports_pass() -> None:
    """A check that cried at honest code would be switched off."""
    text = "import datetime as dt\nfrom armslength.estate import Estate\nfrom armslength.reach.result import Exact\n"
    assert intrusions("reach/example.py", ast.parse(text)) == []
    text += "from urllib.parse import quote\ndt.date(2026, 1, 1)\npl.scan_csv(io.BytesIO(data))\n"
    assert impurities("reach/example.py", ast.parse(text)) == []


def test_no_file_has_a_name_that_says_nothing() -> None:
    """A file called after no noun collects what nobody can find again."""
    empty = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}
    assert [file for file, _ in modules(SOURCE) if Path(file).stem in empty or set(Path(file).parts) & empty] == []
