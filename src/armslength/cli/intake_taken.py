"""What a source's command line gives to `armslength intake`."""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from armslength.cli.parser import Parser
from armslength.cli.progress import Progress
from armslength.cli.screen import Screen

if TYPE_CHECKING:
    from armslength.intake import Harvest


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """`inputs`: what it was made from, in words for people: file names, a host; never a credential.
    `dated`: the day on which the source said so; None for a live one, which says it today.
    `keep`: files to keep in the source's folder beside the harvest, such as a mapping that was asked for once."""

    harvest: Harvest
    inputs: tuple[str, ...]
    dated: dt.date | None
    keep: Mapping[str, bytes] = field(default_factory=dict)


class Source(Protocol):
    """A module of a source: `armslength.cli.intake_aws`, …. It is light to import: every command loads it."""

    SUMMARY: str
    """What it reads, in a sentence or two, and where the export comes from."""
    EXAMPLES: str
    """Command lines, one a line."""

    def flags(self, parser: Parser) -> None:
        """Adds its own arguments; `--into`, `--name` and `--as-of` are there already."""

    def harvest(self, options: argparse.Namespace, screen: Screen, progress: Progress) -> Taken:
        """Reads and maps; `options.name` is the source's name in the estate, `options.kept` the files that it keeps
        there beside its rows, as the last run left them. Raises `IntakeError`, `StoreError` or `EstateError`; writes
        nothing."""
        ...
