"""`armslength intake google`."""

from __future__ import annotations

import argparse
from pathlib import Path

from armslength.cli.intake_taken import Taken
from armslength.cli.parser import Parser
from armslength.cli.progress import Progress
from armslength.cli.screen import Screen

SUMMARY = (
    "People, groups and administrators of Google Workspace: answers of the Directory API saved as JSON, or CSV of GAM."
)
EXAMPLES = """\
armslength intake google google-export/ --into estate
armslength intake google users.csv groups.csv group-members.csv admins.csv --into estate"""


def flags(parser: Parser) -> None:
    told = "documents, or folders of them; the name of one from members.list has the group's address"
    parser.add_argument("files", metavar="FILE", nargs="+", help=told)


def harvest(options: argparse.Namespace, screen: Screen, progress: Progress) -> Taken:
    from armslength.intake import Harvest, Problems
    from armslength.intake.google import map_google
    from armslength.store import read_documents

    documents = read_documents(options.files)
    made = Harvest(name=options.name, kind="google")
    map_google(documents.files, made, Problems())
    return Taken(harvest=made, inputs=tuple(Path(file).name for file in options.files), dated=documents.dated)
