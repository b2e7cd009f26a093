"""The answer of reach in each form that it is printed in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from armslength import __version__
from armslength.estate import digest
from armslength.reach import Reach, Result, Step
from armslength.report import Picture, csv_rows, document, html, markdown, sarif, survey, table
from armslength.service.place import folder_in_repository

if TYPE_CHECKING:
    from rich.console import RenderableType

FEW, MANY = 200, 1000
"""Derivations that are looked at for a comment and for a page: each takes about a millisecond."""


def json_pieces(reach: Reach, step: Callable[[], None] = lambda: None) -> Iterator[str]:
    """The answer as JSON with a derivation for every length, in pieces; `step` is called once a result."""

    def answers() -> Iterator[tuple[Result, Sequence[Step]]]:
        for i in range(len(reach)):
            step()
            yield reach.result(i), reach.steps(i)

    return document(reach.estate, reach.question, answers())


def csv_pieces(reach: Reach) -> Iterator[str]:
    """Every pair of the answer as CSV, in pieces."""
    return csv_rows(reach)


def sarif_text(reach: Reach, location: str, *, names: bool) -> str:
    """Broken floors as SARIF; `location` is where the estate was read from."""
    return sarif(reach, base=folder_in_repository(location), version=__version__, names=names)


def markdown_text(reach: Reach, warnings: Iterable[object], *, names: bool) -> str:
    """The answer as a comment in Markdown."""
    return markdown(_picture(reach, warnings, names=names, derivations=FEW))


def page(reach: Reach, warnings: Iterable[object], *, names: bool) -> tuple[str, Picture]:
    """The report as one HTML page, and the picture that it shows."""
    picture = _picture(reach, warnings, names=names, derivations=MANY)
    return html(picture), picture


def overview(reach: Reach, picture: Picture | None = None) -> RenderableType:
    """The answer for a terminal, from a picture if there is one already."""
    if picture is None:
        picture = survey(reach, digest="", most_derivations=0)
    return table(picture)


def _picture(reach: Reach, warnings: Iterable[object], *, names: bool, derivations: int) -> Picture:
    return survey(
        reach,
        digest=digest(reach.estate),
        warnings=[str(warning) for warning in warnings],
        names=names,
        most_derivations=derivations,
    )
