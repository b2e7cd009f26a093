"""`armslength intake entra`."""

from __future__ import annotations

import argparse
from pathlib import Path

from armslength.cli.intake_taken import Taken
from armslength.cli.parser import Parser
from armslength.cli.progress import Progress
from armslength.cli.screen import Screen

SUMMARY = (
    "People, groups and directory roles of Microsoft Entra ID: answers of Microsoft Graph saved as JSON, or the "
    "portal's CSV."
)
EXAMPLES = """\
armslength intake entra entra-export/ --into estate
armslength intake entra users.json groups.json members-*.json roles.json --into estate"""


def flags(parser: Parser) -> None:
    told = "documents, or folders of them; the name of one with members has the group's id"
    parser.add_argument("files", metavar="FILE", nargs="+", help=told)


def harvest(options: argparse.Namespace, screen: Screen, progress: Progress) -> Taken:
    from armslength.intake import Harvest, Problems
    from armslength.intake.entra import map_entra
    from armslength.store import read_documents

    documents = read_documents(options.files)
    made = Harvest(name=options.name, kind="entra")
    map_entra(documents.files, made, Problems())
    return Taken(harvest=made, inputs=tuple(Path(file).name for file in options.files), dated=documents.dated)
