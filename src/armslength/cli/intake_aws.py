"""`armslength intake aws`."""

from __future__ import annotations

import argparse
import gc

from armslength.cli.intake_taken import Taken
from armslength.cli.parser import Parser
from armslength.cli.progress import Progress
from armslength.cli.screen import Screen

SUMMARY = (
    "Identities of AWS accounts and what they may do: aws iam get-account-authorization-details of each, with policies "
    "of the organization, of resources and assignments of Identity Center where they were exported."
)
EXAMPLES = """\
armslength intake aws details-123456789012.json --into estate
armslength intake aws aws-export/ --into estate"""


def flags(parser: Parser) -> None:
    told = "documents, or folders of them; the guide tells which commands write them"
    parser.add_argument("files", metavar="FILE", nargs="+", help=told)


def harvest(options: argparse.Namespace, screen: Screen, progress: Progress) -> Taken:
    from armslength.intake import Harvest, Problems
    from armslength.intake.aws import map_aws
    from armslength.store import read_documents

    documents = read_documents(options.files)
    made = Harvest(name=options.name, kind="aws")
    # Millions of values that all stay: looking for some to free takes as long as the mapping, and finds none.
    gc.disable()
    try:
        map_aws(documents.files, made, Problems(), progress.doing)
    finally:
        gc.enable()
    return Taken(harvest=made, inputs=tuple(documents.files), dated=documents.dated)
