"""How often something may be tried: a bucket of tries for each key, that fills again with time."""

from __future__ import annotations

import threading
from collections import OrderedDict

MOST_KEYS = 10_000
"""Keys that are remembered; the one that was longest unused is forgotten first, with a full bucket again."""


class Rate:
    """`burst` tries at once, then `each` seconds for every further one. Safe to use from several threads."""

    def __init__(self, *, burst: int, each: float) -> None:
        self._burst, self._each = burst, each
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str, now: float, amount: float = 1) -> bool:
        """Whether `key` may try at `now` (seconds of a steady clock); if so, it is counted, as `amount` tries."""
        with self._lock:
            left = self._there(key, now)
            self._left.pop(key, None)
            self._left[key] = (left - amount if left >= amount else left, now)
            if len(self._left) > MOST_KEYS:
                self._left.popitem(last=False)
            return left >= amount

    def allows(self, key: str, now: float) -> bool:
        """The same without counting: for what counts only where it fails."""
        return not self.wait(key, now)

    def wait(self, key: str, now: float, amount: float = 1) -> float:
        """Seconds until `key` may try; 0: now."""
        with self._lock:
            return max(0.0, amount - self._there(key, now)) * self._each

    def _there(self, key: str, now: float) -> float:
        left, since = self._left.get(key, (float(self._burst), now))
        return min(float(self._burst), left + max(0.0, now - since) / self._each)
