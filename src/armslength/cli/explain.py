"""`armslength explain`: how a state could have one thing, or what stops it."""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from armslength import service
from armslength.cli.screen import Screen
from armslength.store import read


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Gives 1 if the floor over the pair is broken."""
    with screen.progress("reading the estate") as progress:
        parsed = read(options.estate)
        screen.warn(parsed.warnings)
        wanted = service.Wanted(
            at=options.at or dt.date.today(),
            cap=options.cap,
            states=(options.state,),
            actions=(options.action,),
            assets=(options.asset,),
        )
        told = service.explanation(parsed.estate, wanted, names=options.names, doing=progress.doing)
    screen.show(_page(told))
    return 1 if told.broken else 0


def _page(told: service.Explanation) -> RenderableType:
    parts: list[RenderableType] = [_text(told.verdict, "bold")]
    if told.chain:
        numbered = [(f"{number}.", sentence) for number, sentence in enumerate(told.chain, start=1)]
        parts += [Text("\nHow:"), _list(numbered)]
    if told.stops:
        title = "What stops it with fewer:" if told.chain else "What stops it:"
        parts += [Text(f"\n{title}"), _list(("-", sentence) for sentence in told.stops)]
    for remark in told.remarks:
        parts += [Text(""), _text(remark)]
    return Group(*parts)


def _list(items: Iterable[tuple[str, str]]) -> Table:
    """A grid, so that the lines of a long sentence stand under its first."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(justify="right", width=3)
    grid.add_column(overflow="fold")
    for mark, sentence in items:
        grid.add_row(Text(mark), _text(sentence))
    return grid


def _text(sentence: str, style: str = "") -> Text:
    """Ids stand in backticks; on a terminal they are coloured too."""
    text = Text(style=style)
    for place, part in enumerate(sentence.split("`")):
        text.append(f"`{part}`" if place % 2 else part, "cyan" if place % 2 else "")
    return text
