"""Two estates compared, or one with changes that nobody has made: gathered, asked, and given in each form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from armslength import __version__
from armslength.estate import Estate, EstateError, digest, setting_lines
from armslength.reach import Cause, Causes, Difference, LengthChange, SettingCause
from armslength.report import (
    Sides,
    difference_document,
    difference_markdown,
    difference_sarif,
    difference_table,
    findings,
)
from armslength.service.place import folder_in_repository
from armslength.store import find

if TYPE_CHECKING:
    from rich.console import RenderableType

MOST = 20_000
"""Changes whose causes are looked for: each takes about a millisecond. The others are told without."""


class Comparison:
    """A difference with its causes, ready to be shown. `locations`: where the old and the new side were read from.
    `below`: as `--fail-below` gave it. `step` is called for each change whose causes are looked for."""

    def __init__(
        self,
        found: Difference,
        locations: tuple[str, str],
        *,
        names: bool = False,
        below: int | None = None,
        step: Callable[[], None] = lambda: None,
    ) -> None:
        self.found, self._below = found, below
        causes = Causes(found) if found.changes else None
        self._causes: dict[int, tuple[Cause, ...]] = {}
        for change in sorted(found.changes, key=lambda c: not c.fails(below))[:MOST]:
            step()
            if causes is not None:
                self._causes[change.number] = causes.of(change)
        self._locations = locations
        settings = any(isinstance(c, SettingCause) for some in self._causes.values() for c in some)
        lines = [_lines(location) if settings else {} for location in locations]
        self._sides = Sides(old=found.old, new=found.new, old_lines=lines[0], new_lines=lines[1], names=names)
        self._findings = findings(found, self._causes, self._sides, below=below)

    @property
    def fails(self) -> bool:
        """Whether it is a reason to stop."""
        return self._findings.fails

    @property
    def untold(self) -> int:
        """How many changes are told without their causes."""
        return max(0, len(self.found.changes) - MOST)

    def table(self) -> RenderableType:
        return difference_table(self._findings, self._sides)

    def markdown(self) -> str:
        return difference_markdown(self._findings, self._sides)

    def sarif(self) -> str:
        base, at = folder_in_repository(self._locations[1]), self.found.asked.at.isoformat()
        return difference_sarif(self._findings, self._sides, base=base, version=__version__, at=at)

    def json(self, head: Mapping[str, object]) -> Iterator[str]:
        """In pieces, after `head`."""
        return difference_document(head, self.found, self._of, self._sides)

    def _of(self, change: LengthChange) -> Sequence[Cause]:
        return self._causes.get(change.number, ())


def side(location: str, estate: Estate) -> dict[str, str]:
    """One side as the printed form names it."""
    return {"given": location, "estate": estate.settings.name, "digest": digest(estate)}


def _lines(location: str) -> Mapping[tuple[str | int, ...], int]:
    """The lines of estate.toml; none where it can no longer be read as it was."""
    try:
        text = find(location).files.get("estate.toml", b"")
        return setting_lines(text.decode("utf-8-sig"))
    except (EstateError, ValueError):
        return {}
