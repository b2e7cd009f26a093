"""`armslength intake github`."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from armslength.cli.intake_taken import Taken
from armslength.cli.parser import Parser
from armslength.cli.progress import Progress
from armslength.cli.screen import Screen

SUMMARY = (
    "Accounts, teams, repositories, required reviews, deploy keys, apps and environments of a GitHub organisation: the "
    "answers of its REST API in a folder, or a peribolos config in YAML."
)
EXAMPLES = """\
armslength intake github github-export/ --into estate
armslength intake github org/config/ --into estate
armslength intake github github-export/ --authors-apart --into estate"""


def flags(parser: Parser) -> None:
    told = "the folder of an export or a config, or a config in one file"
    parser.add_argument("files", metavar="FILE", nargs="+", help=told)
    told = "take the author of a pull request for another person than those who approve it, which GitHub cannot tell"
    parser.add_argument("--authors-apart", action="store_true", help=told)


def harvest(options: argparse.Namespace, screen: Screen, progress: Progress) -> Taken:
    from armslength.intake import Harvest, Problems
    from armslength.intake.github import map_github
    from armslength.store import read_documents

    paths = {path: name for given in options.files for path, name in _below(given)}
    progress.doing("reading the documents")
    read = read_documents(paths)
    names = Counter(Path(path).name for path in paths)
    documents = {}
    for path, name in paths.items():
        own = Path(path).name
        documents[name] = read.files[own if names[own] == 1 else str(Path(path))]
    progress.doing("mapping the organisations")
    made = Harvest(name=options.name, kind="github")
    map_github(documents, made, Problems(), authors_apart=options.authors_apart)
    return Taken(harvest=made, inputs=tuple(Path(file).name for file in options.files), dated=read.dated)


def _below(given: str) -> list[tuple[str, str]]:
    """Every file at or below a path, and its name from the given folder's own on: where it lies tells what it is."""
    root = Path(given)
    if not root.is_dir():
        return [(given, root.name)]
    above = root.resolve().name
    files = sorted(path for path in root.rglob("*") if path.is_file() or path.is_symlink())
    shown = [path for path in files if not any(part.startswith(".") for part in path.relative_to(root).parts)]
    return [(str(path), f"{above}/{path.relative_to(root).as_posix()}") for path in shown]
