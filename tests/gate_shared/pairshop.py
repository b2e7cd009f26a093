"""A workshop with two gates in the place of one: what is done is done at either, by turns that nobody foresees."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from typing import Any, cast

from armslength.gate import Moment
from armslength.service import Gate
from tests.gate_model.workshop import Crash, Workshop
from tests.gate_shared.pair import SITES, Pair, documents, ledger_of
from tests.gate_shared.server import until


class Either:
    """A gate to whoever asks; each time one of two answers, which knows by then what was done at the other."""

    def __init__(self, shop: PairShop) -> None:
        self._shop = shop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shop.chosen(), name)

    def tick(self) -> None:
        for gate in self._shop.pair.gates.values():
            gate.tick()
        self._shop.pair.synced()

    def now(self) -> Moment:
        return [gate.now() for gate in self._shop.pair.gates.values()][0]


class PairShop(Workshop):
    """As `Workshop`. The process that ends at a step is that of one gate; the other goes on."""

    def __init__(self, pair: Pair, seed: int) -> None:
        super().__init__(pair.path / "gates" / "a", clock=pair.clock)
        self.pair, self._rng = pair, random.Random(seed)
        self._dead: str | None = None
        for site in SITES:
            pair.gates.pop(site).close()
        self.open()

    def chosen(self) -> Gate:
        self.pair.synced()
        return self.pair.gates[self._rng.choice(SITES)]

    @property
    def gate(self) -> Gate:
        return cast(Gate, Either(self))

    def open(self) -> Gate:
        self.crash = None
        for site in SITES:
            if site not in self.pair.gates:
                self.pair.open(site, step=lambda name, site=site: self._stepped(site, name))
        until(lambda: any(ledger_of(gate).leads for gate in self.pair.gates.values()))
        self.pair.synced()
        return self.gate

    def close(self) -> None:
        self.crash = None
        for site in SITES:
            if site in self.pair.gates:
                self.pair.gates.pop(site).close()

    def kill(self) -> None:
        """The one that ended at its step, or else the one that leads."""
        site, self._dead = self._dead or self.pair.leader(), None
        killed(self.pair.gates.pop(site))

    def sweep_away(self) -> None:
        self.close()
        self.pair.close()

    def documents(self) -> Mapping[tuple[str, str], bytes]:
        self.pair.alike()
        return documents(self.pair.a)

    def _stepped(self, site: str, name: str) -> None:
        self.steps.append(name)
        if self.crash is not None and self.crash[0] == name:
            self.crash = (name, self.crash[1] - 1)
            if self.crash[1] < 0:
                self.crash = None
                self._dead = site
                self.pair.gates[site].database.close()
                raise Crash


def killed(gate: Gate) -> None:
    """As the end of its process leaves it: no snapshot, and the writer's seat is neither given up nor kept."""
    ledger = ledger_of(gate)
    ledger._closed.set()
    ledger._wake.set()
    for thread in ledger._threads:
        thread.join()
    beating = ledger._beating
    beating._closed.set()
    beating._due.set()
    beating._proving.set()
    for thread in beating._threads:
        thread.join()
    beating._seat.close()
    ledger._handing.close()
    if (leading := ledger._leading) is not None:
        threading.Thread(target=leading.close, daemon=True).start()
    gate.database.close()
