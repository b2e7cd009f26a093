"""A while in the life of a gate that shares its ledger: it opens, serves a few people, and is closed, unless something
ends it or what it stands on. It runs in a process of its own, at its site, and says each thing that was promised."""

from __future__ import annotations

import json
import os
import random
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from armslength.gate import GateError, LeaseId, RequestState
from armslength.service import Gate, Unavailable, Unfounded, check_gate, shared_beating, shared_ledger
from armslength.service.gate_change import change_of
from armslength.store import StoreError, read_gate_folder
from tests.gate_model.lives import ACTS, InOrder, Life, Plan, Promised, broken, unfounded
from tests.gate_model.workshop import START
from tests.gate_shared.network import Site

EACH = 30
PEOPLE = 2


class NoShim:
    """In the place of the failing storage: here it is processes, servers and networks that fail."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nothing fails in storage here: {name}")


@dataclass(slots=True)
class SiteLife:
    """`live` and `look` do not return. `silent`: seconds after which the writer's seat is taken from who holds it."""

    folders: dict[str, Path]
    sites: dict[str, Site]
    number: int
    seed: int
    promised: Promised
    out: int
    silent: float

    def live(self, site: str, seconds: float) -> None:
        try:
            self._impatient()
            self.sites[site].enter()
            self._serve(site, seconds)
        except (StoreError, Unfounded, Unavailable) as error:
            self._say("failed", f"{site} does not start: {error}"[:900])
        except BaseException:
            self._say("problem", f"{site}: {traceback.format_exc()[-2500:]}")
        finally:
            os._exit(0)

    def look(self, *, thoroughly: bool) -> None:
        """Whether both gates keep what was promised, and are in one state."""
        try:
            self._impatient()
            gates = {}
            for site in self.folders:
                self.sites[site].enter()
                gates[site] = self._opened(site)
            self._look(gates)
            for gate in gates.values():
                gate.close()
            if thoroughly:
                for folder in self.folders.values():
                    for found in check_gate(folder).findings:
                        self._say("problem", f"afterwards: {found}")
        except BaseException:
            self._say("problem", f"a look: {traceback.format_exc()[-2500:]}")
        finally:
            os._exit(0)

    def _impatient(self) -> None:
        """The seat changes hands sooner than it would, or a thousand rounds take a day."""
        shared_ledger.SILENT = self.silent
        shared_beating.EVERY = self.silent / 6

    def _say(self, *fact: str) -> None:
        data = (json.dumps(fact) + "\n").encode()
        assert len(data) <= 4096
        os.write(self.out, data)

    def _opened(self, site: str) -> Gate:
        now = START + EACH * self.number
        return Gate(read_gate_folder(self.folders[site]), clock=lambda: now)

    def _serve(self, site: str, seconds: float) -> None:
        gate = self._opened(site)
        until = time.monotonic() + seconds
        self._say("up", site)
        people = [threading.Thread(target=self._act, args=(gate, site, n, until)) for n in range(PEOPLE)]
        for one in people:
            one.start()
        while time.monotonic() < until:
            gate.tick()
            time.sleep(0.1)
        for one in people:
            one.join()
        gate.close()

    def _act(self, gate: Gate, site: str, number: int, until: float) -> None:
        rng = random.Random(f"{self.seed} {site} {number}")
        plan = Plan(seed=self.seed, number=self.number, end=InOrder())
        life = Beside(
            folder=self.folders[site], attic=Path(), plan=plan, promised=self.promised, out=self.out, shim=NoShim()
        )  # type: ignore[arg-type]
        while time.monotonic() < until:
            try:
                rng.choice(ACTS)(life, gate, rng)
            except (GateError, StoreError, Unfounded) as error:
                if isinstance(error, Unavailable):
                    self._say("failed", str(error)[:500])
                    time.sleep(0.02)
            except BaseException:
                self._say("problem", f"{site}: {traceback.format_exc()[-2500:]}")
                return

    def _look(self, gates: dict[str, Gate]) -> None:
        end = time.monotonic() + 30
        for _ in range(2):
            for gate in gates.values():
                gate.tick()
        while (wrong := self._wrong(gates)) and time.monotonic() < end:
            for gate in gates.values():
                gate.tick()
            time.sleep(0.05)
        for problem in wrong:
            self._say("problem", problem[:2000])

    def _wrong(self, gates: dict[str, Gate]) -> list[str]:
        wrong: list[str] = []
        said = {}
        for site, gate in gates.items():
            health = gate.health()
            if health.problems or gate.ready() is not None:
                wrong.append(f"{site}: {health.problems} {gate.ready()}")
            if health.tampered:
                wrong.append(f"{site} takes a failure for an attack: {health.tampered}")
            with gate._office.book.still() as state:
                said[site] = {(kind, id): state.document(kind, id) for kind, id in state.objects()}
            for fact in self.promised.facts:
                with suppress(KeyError):
                    if problem := broken(gate, fact):
                        wrong.append(f"{site}: {fact}: {problem}")
            wrong += [f"{site}: a change is neither adopted nor taken back: {id}" for id in half_way(gate)]
            wrong += [
                f"{site}: {lease.terms.id}: {problem}"
                for lease in gate.live()
                if (problem := unfounded(gate, lease)) and LeaseId(lease.terms.id) not in gate._office.ending
            ]
        states = list(said.values())
        if any(state != states[0] for state in states):
            differing = {key for state in states for key in state if state.get(key) != states[0].get(key)}
            wrong.append(f"the gates are in different states: {sorted(differing)[:6]}")
        return wrong


class Beside(Life):
    """Of a gate that has others beside it: one may be first with another change while this one is carried out."""

    def _granted(self, change: RequestState) -> None:
        if change.adopted:
            self._say("changed", change.request.id)


def half_way(gate: Gate) -> list[str]:
    """Changes with a live lease that were not carried out."""
    requests = [gate.request(lease.terms.request) for lease in gate.live()]
    return [each.request.id for each in requests if change_of(each.request) is not None and not each.adopted]
