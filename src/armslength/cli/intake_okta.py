"""`armslength intake okta`."""

from __future__ import annotations

import argparse
from pathlib import Path

from armslength.cli.intake_taken import Taken
from armslength.cli.parser import Parser
from armslength.cli.progress import Progress
from armslength.cli.screen import Screen

SUMMARY = (
    "People, groups and administrators of Okta, and who is assigned to which application: answers of Okta's API saved "
    "as JSON."
)
EXAMPLES = """\
armslength intake okta okta-export/ --into estate
armslength intake okta users.json groups.json group-*-users.json user-*-roles.json --into estate"""


def flags(parser: Parser) -> None:
    told = "documents, or folders of them; what was asked of one group, user or application has its id in the name"
    parser.add_argument("files", metavar="FILE", nargs="+", help=told)


def harvest(options: argparse.Namespace, screen: Screen, progress: Progress) -> Taken:
    from armslength.intake import Harvest, Problems
    from armslength.intake.okta import map_okta
    from armslength.store import read_documents

    documents = read_documents(options.files)
    made = Harvest(name=options.name, kind="okta")
    map_okta(documents.files, made, Problems())
    return Taken(harvest=made, inputs=tuple(Path(file).name for file in options.files), dated=documents.dated)
