"""Uses of a short while ago, so that an enforcement point which lost the answer may ask again and gets the same one."""

from __future__ import annotations

from collections import OrderedDict

from armslength.gate import Used

MOST = 100_000
AGAIN = 120
"""Seconds for which the same use may be asked for again; later it is over, whoever sends it."""


class RecentUses:
    """Under the lock of whoever holds it. What a start replays is in it too, and a snapshot carries it: after a crash
    only the answer is missing."""

    def __init__(self) -> None:
        self._uses: OrderedDict[tuple[str, str], Used] = OrderedDict()

    def remember(self, event: Used) -> None:
        self._uses[event.point, event.use] = event
        while len(self._uses) > MOST:
            self._uses.popitem(last=False)

    def since(self, at: int) -> tuple[Used, ...]:
        """Those at that time (POSIX seconds) and after it, in their order."""
        return tuple(event for event in self._uses.values() if event.at >= at)

    def find(self, point: str, use: str) -> Used | None:
        """`use` in base64url."""
        return self._uses.get((point, use))
