"""What the other side of a companion is given in tests; it has to be found by name there."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable


class Endless:
    """Climbs as long as there is time."""

    def climb(self, expired: Callable[[], bool]) -> None:
        while not expired():
            time.sleep(0.01)


class Faulty:
    def climb(self, expired: Callable[[], bool]) -> None:
        print("this must not come between the values")
        raise ValueError("a fault")


def main() -> None:
    """Have a companion climb for ever, and say its number."""
    from armslength.store import Companion
    from tests.store.companions import Endless

    companion = Companion()
    companion.ready()
    waiting = companion.climb(Endless())  # type: ignore[arg-type]
    print(companion.pid, flush=True)
    waiting()


if __name__ == "__main__":
    sys.exit(main())
