"""Commands that have verbs, such as `armslength witness init FOLDER`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from armslength.cli.parser import Formatter, Parser


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """What a verb does, and the flags it takes."""

    summary: str
    flags: Callable[[Parser], None]


def add_verbs(parser: Parser, verbs: Mapping[str, Verb]) -> None:
    """`options.verb` names the one that was given."""
    made = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    parser.verbs = {}
    for name, verb in verbs.items():
        own = made.add_parser(name, allow_abbrev=False, description=verb.summary, formatter_class=Formatter)
        verb.flags(own)
        parser.verbs[name] = own
