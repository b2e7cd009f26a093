"""What is to be looked at, one row for each kind: how many there are like it, and one by name."""

from __future__ import annotations

from armslength.intake.harvest import Harvest, Matter

SHOWN = 3
"""Items of one kind that are told by name."""


class Remarks:
    def __init__(self) -> None:
        self._found: dict[tuple[Matter, str], tuple[dict[str, None], str]] = {}

    def say(self, matter: Matter, item: str, reason: str, origin: str) -> None:
        items, _ = self._found.setdefault((matter, reason), ({}, origin))
        items[item] = None

    def tell(self, harvest: Harvest) -> None:
        for (matter, reason), (items, origin) in self._found.items():
            told = list(items)
            more = f" and {len(told) - SHOWN:,} more" if len(told) > SHOWN else ""
            harvest.review(matter, ", ".join(told[:SHOWN]) + more, reason, origin=origin)
