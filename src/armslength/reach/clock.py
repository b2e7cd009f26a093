"""Clock: how long a search may go on. It asks the caller, who alone knows the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Expired(Exception):
    """The time limit has passed."""


class Clock:
    """Counts steps of a search and asks now and then whether the time that the caller allows is over."""

    def __init__(self, expired: Callable[[], bool]) -> None:
        self._expired, self._steps = expired, 0
        self._spare: int | None = None
        self._stopped = False

    def __getstate__(self) -> dict[str, object]:
        """For another process, which has to `ask` anew."""
        return {**vars(self), "_expired": None}

    def ask(self, expired: Callable[[], bool]) -> None:
        """From now on, ask this."""
        self._expired = expired

    def tick(self) -> None:
        """Raises `Expired`."""
        if self._stopped:
            return
        self._steps += 1
        if self._spare is not None:
            self._spare -= 1
            if self._spare < 0:
                raise Expired
        elif not self._steps % 64 and self._expired():
            raise Expired

    def spare(self, steps: int) -> None:
        """From now on the time does not count; so many steps are left."""
        self._spare = steps

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Within, nothing expires: to explain what was found takes no search."""
        before, self._stopped = self._stopped, True
        try:
            yield
        finally:
            self._stopped = before
