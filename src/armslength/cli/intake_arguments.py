"""The flags of `armslength intake`, source by source."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping

from armslength.cli import (
    intake_aws,
    intake_entra,
    intake_github,
    intake_google,
    intake_hr,
    intake_kubernetes,
    intake_okta,
    intake_opengraph,
    intake_postgresql,
    intake_scim,
)
from armslength.cli.intake_taken import Source
from armslength.cli.parser import Parser
from armslength.cli.values import day, file
from armslength.cli.verbs import Verb, add_verbs

WIDTH = 108
"""Columns of the help, less its indent."""
SOURCES: Mapping[str, Source] = {
    "hr": intake_hr,
    "scim": intake_scim,
    "entra": intake_entra,
    "okta": intake_okta,
    "google": intake_google,
    "aws": intake_aws,
    "postgresql": intake_postgresql,
    "github": intake_github,
    "kubernetes": intake_kubernetes,
    "opengraph": intake_opengraph,
}


def _source(source: Source) -> Callable[[Parser], None]:
    def flags(parser: Parser) -> None:
        source.flags(parser)
        told = "the estate: a folder, made if it is not there"
        parser.add_argument("--into", required=True, type=file, metavar="ESTATE", help=told)
        told = "the source's name in the estate, to tell two of a kind apart; the kind if not given"
        parser.add_argument("--name", metavar="NAME", help=told)
        told = "the day on which the source said so; when the files were written, or today, if not given"
        parser.add_argument("--as-of", type=day, metavar="DATE", help=told)
        _names(parser)
        parser.epilog = "examples:\n" + "\n".join(f"  {line}" for line in source.EXAMPLES.splitlines())

    return flags


def _names(parser: Parser) -> None:
    parser.add_argument("--names", action="store_true", help="tell in the list of what to look at who it is about")


def _estate(parser: Parser) -> None:
    parser.add_argument("estate", metavar="ESTATE", type=file, help="a folder that sources were taken into")


def _link(parser: Parser) -> None:
    _estate(parser)
    _names(parser)


def _drop(parser: Parser) -> None:
    _link(parser)
    parser.add_argument("source", metavar="NAME", help="the source's name, as status tells it")


_VERBS = {
    name: Verb(summary=textwrap.fill(source.SUMMARY, WIDTH), flags=_source(source)) for name, source in SOURCES.items()
} | {
    "link": Verb(summary="Puts the tables together again, after linking.toml changed.", flags=_link),
    "status": Verb(summary="The sources of an estate: how old each is, and how much it gave.", flags=_estate),
    "drop": Verb(summary="Takes a source, and the rows that came from it, out of the estate.", flags=_drop),
}


def intake(parser: Parser) -> None:
    parser.after = "SOURCE [FILE …] --into ESTATE"
    add_verbs(parser, _VERBS)
