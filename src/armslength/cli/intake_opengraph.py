"""`armslength intake opengraph`."""

from __future__ import annotations

import argparse
from pathlib import Path

from armslength.cli.intake_taken import Taken
from armslength.cli.parser import Parser
from armslength.cli.progress import Progress
from armslength.cli.screen import Screen
from armslength.cli.values import file

SUMMARY = (
    "A graph of BloodHound: OpenGraph JSON of any collector, or BloodHound's answer to a query. Kinds of nodes and "
    "edges that are not Active Directory's or Entra's are told in a --map-file, once."
)
EXAMPLES = """\
armslength intake opengraph graph.json --into estate
armslength intake opengraph github.json --map-file graph.toml --into estate --name github-graph"""


def flags(parser: Parser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="documents, or folders of them")
    told = "what the graph's own kinds mean, as TOML; kept in the estate, so that it is given once"
    parser.add_argument("--map-file", type=file, metavar="FILE", help=told)


def harvest(options: argparse.Namespace, screen: Screen, progress: Progress) -> Taken:
    from armslength.intake import Harvest, Problems
    from armslength.intake.opengraph import FILE, Kinds, map_opengraph, read_kinds
    from armslength.store import read_documents

    documents = read_documents(options.files)
    problems, kinds, keep = Problems(), Kinds(), {}
    if options.map_file is not None:
        name, data = next(iter(read_documents([options.map_file]).files.items()))
        kinds, keep = read_kinds(name, data, problems), {FILE: data}
    elif FILE in options.kept:
        data = options.kept[FILE]
        kinds, keep = read_kinds(FILE, data, problems), {FILE: data}
    problems.stop()
    made, done = Harvest(name=options.name, kind="opengraph"), 0
    progress.doing("reading the graph", sum(map(len, documents.files.values())))

    def tell(more: int) -> None:
        nonlocal done
        done += more
        progress.reached(done)

    map_opengraph(documents.files, made, problems, kinds, tell)
    return Taken(harvest=made, inputs=tuple(Path(f).name for f in options.files), dated=documents.dated, keep=keep)
