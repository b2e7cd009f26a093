"""`armslength intake scim`."""

from __future__ import annotations

import argparse
import os
from urllib.parse import urlsplit

from armslength.cli.intake_taken import Taken
from armslength.cli.parser import Parser
from armslength.cli.progress import Progress
from armslength.cli.screen import Screen

SUMMARY = (
    "People and groups of a SCIM 2.0 directory: live, with a token from a file or from ARMSLENGTH_SCIM_TOKEN, or from "
    "its answers saved as JSON."
)
EXAMPLES = """\
armslength intake scim --url https://idp.example/scim/v2 --token-file scim-token --into estate
armslength intake scim users.json groups.json --into estate"""
TOKEN = "ARMSLENGTH_SCIM_TOKEN"


def flags(parser: Parser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="*", help="lists of users and groups, as the service answers")
    parser.add_argument("--url", metavar="URL", help="the service's address, below which /Users and /Groups lie")
    told = f"a file with the bearer token; without it the environment's {TOKEN}, if set"
    parser.add_argument("--token-file", metavar="FILE", help=told)


def harvest(options: argparse.Namespace, screen: Screen, progress: Progress) -> Taken:
    from armslength.intake import Harvest, Problems
    from armslength.intake.scim import map_scim
    from armslength.service import Refusal
    from armslength.store import read_documents

    if bool(options.files) == (options.url is not None):
        raise Refusal(["expected either files or --url"])
    made = Harvest(name=options.name, kind="scim")
    if options.url is None:
        documents = read_documents(options.files)
        map_scim(documents.files, made, Problems())
        return Taken(harvest=made, inputs=tuple(documents.files), dated=documents.dated)
    pages = _pages(options, progress)
    progress.doing("reading people")
    map_scim(pages, made, Problems())
    where = urlsplit(options.url)
    return Taken(harvest=made, inputs=(f"{where.hostname}{where.path}",), dated=None)


def _pages(options: argparse.Namespace, progress: Progress) -> dict[str, bytes]:
    """Every page by a name that says where its rows stood."""
    from armslength.service import Refusal
    from armslength.store import ScimClient, read_documents

    token: str | None = os.environ.get(TOKEN)
    if options.token_file:
        (data,) = read_documents([options.token_file], most=65_536).files.values()
        try:
            token = data.decode("ascii").strip()
        except UnicodeDecodeError:
            raise Refusal([f"{options.token_file}: is no token: expected one line of ASCII characters"]) from None
    found: dict[str, bytes] = {}
    with ScimClient(options.url, token) as client:
        for kind in ("Users", "Groups"):
            progress.doing(f"asking for {kind.lower()}")
            for number, page in enumerate(client.pages(kind), 1):
                found[f"/{kind} page {number}"] = page
                progress.step()
    return found
