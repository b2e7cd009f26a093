"""Who holds what: an operation is alone on the objects that it is about, and nobody waits in a ring."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from armslength.service.gate_row import Object

STRIPES = 256


class Holdings:
    """For any number of threads."""

    def __init__(self) -> None:
        self._stripes = tuple(threading.RLock() for _ in range(2 * STRIPES))
        """The second half is for leases, which may be held by who holds something else, and never the other way: so
        nobody waits in a ring."""

    @contextmanager
    def holding(self, *objects: Object) -> Iterator[None]:
        """Alone on these objects; others who want one of them wait. Who holds some may hold a lease besides; whatever
        else is needed is held from the beginning."""
        places = sorted({hash(each) % STRIPES + (STRIPES if each[0] == "lease" else 0) for each in objects})
        with ExitStack() as held:
            for place in places:
                held.enter_context(self._stripes[place])
            yield
