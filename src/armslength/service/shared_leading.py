"""Leading: what the gate does that holds the writer's seat. It puts what all gates ask for into one order.

An act is recorded only if the objects that it was decided on are still at the versions that its gate saw. So of two
gates that decide on the same thing at the same time one is first, and the other is told to look again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass

from armslength.gate import State
from armslength.service.gate_row import Object
from armslength.service.ledger import Ledger
from armslength.service.ledger_failure import AppendError, Full, Stopped, Unsettled
from armslength.service.shared_act import Handed, Turned
from armslength.store import LogStore
from armslength.tlog import Receipt, TlogError

PATIENCE = 10.0
"""Seconds to wait for a batch."""
MOST_AGE = 30.0
"""Seconds after which an act that was handed over is not recorded any more: whoever asked for it gave up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An act that is to be recorded, by whichever gate; `age` in seconds."""

    handed: Handed
    age: float = 0.0


Outcome = Receipt | Turned


class Leading:
    """One hold on the seat. For one thread."""

    def __init__(self, ledger: Ledger, epoch: int) -> None:
        self.ledger, self.epoch = ledger, epoch

    def sequence(
        self, asked: Sequence[Asked], state: State, follow: Callable[[], None], log: LogStore
    ) -> dict[bytes, Outcome]:
        """Record what is asked for, in its order; gives what became of each, and nothing of those that have to wait
        for a next round. `state` is what the ledger says once `follow` was called, which is done first.

        Raises `Stopped` or `Unsettled` where the ledger fails: what became of the acts only the log tells.
        """
        follow()
        known = log.acts([each.handed.act.id for each in asked])
        outcomes: dict[bytes, Outcome] = {}
        touched: set[Object] = set()
        sent: dict[bytes, Future[Receipt]] = {}
        for each in asked:
            act, seen = each.handed.act, each.handed.seen
            if act.id in sent or act.id in outcomes:
                continue
            if act.id not in known:  # one that is there already is answered again, if it is the same
                if each.age > MOST_AGE:
                    outcomes[act.id] = Turned(raced=False, says="it was asked for too long ago")
                    continue
                if touched & seen.keys():
                    continue
                if (other := _other(state, each.handed)) is not None:
                    outcomes[act.id] = Turned(raced=True, says=f"something else happened first to {other}")
                    continue
                touched |= seen.keys()
            try:
                sent[act.id] = self.ledger.append(act)
            except Full:
                break
        _, late = wait(sent.values(), timeout=PATIENCE)
        if late:
            raise Unsettled("the ledger does not answer")
        for id, future in sent.items():
            match future.exception():
                case None:
                    outcomes[id] = future.result()
                case TlogError() as error:
                    outcomes[id] = Turned(raced=False, says=str(error))
                case AppendError() as error:
                    raise error
                case error:
                    raise Stopped(f"{type(error).__name__}: {error}")
        return outcomes

    def close(self) -> None:
        self.ledger.close()


def _other(state: State, handed: Handed) -> str | None:
    """An object that is not as the act was decided on."""
    for (kind, id), version in handed.seen.items():
        if state.version_of(kind, id) != version:
            return f"{kind} {id}"
    return None
