"""`armslength intake kubernetes`."""

from __future__ import annotations

import argparse

from armslength.cli.intake_taken import Taken
from armslength.cli.parser import Parser
from armslength.cli.progress import Progress
from armslength.cli.screen import Screen

SUMMARY = (
    "One Kubernetes cluster: roles, bindings, service accounts, namespaces and pods, as kubectl get writes them, in "
    "YAML or JSON. What is in secrets is never read."
)
EXAMPLES = """\
armslength intake kubernetes cluster.json --into estate
armslength intake kubernetes rbac.yaml pods.json --name prod-eu --user-prefix oidc: --into estate"""


def flags(parser: Parser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="documents of one cluster, or folders of them")
    told = (
        "what the cluster puts before the names of users of an identity provider, repeatable: what follows is the "
        "login, or the mail address"
    )
    parser.add_argument("--user-prefix", metavar="PREFIX", action="append", default=[], help=told)


def harvest(options: argparse.Namespace, screen: Screen, progress: Progress) -> Taken:
    from armslength.intake import Harvest, Problems
    from armslength.intake.kubernetes import map_kubernetes, read_kubernetes
    from armslength.store import read_documents

    problems = Problems()
    made = Harvest(name=options.name, kind="kubernetes")
    documents = read_documents(options.files)
    progress.doing("reading the documents of the cluster")
    cluster = read_kubernetes(documents.files, problems)
    map_kubernetes(cluster, made, problems, prefixes=options.user_prefix, tell=progress.doing)
    return Taken(harvest=made, inputs=tuple(documents.files), dated=documents.dated)
