"""Leading: what the gate does that holds the writer's seat. It puts what all gates ask for into one order.

An act is recorded only if the objects that it was decided on are still at the versions that its gate saw. So of two
gates that decide on the same thing at the same time one is first, and the other is told to look again. Of acts that
wait, the one that was asked for first is first, at whichever gate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass

from armslength.gate import State
from armslength.ledger import Kind
from armslength.service.gate_row import GATE, Object
from armslength.service.ledger import Ledger
from armslength.service.ledger_failure import AppendError, Full, Stopped, Unsettled
from armslength.service.shared_act import Handed, Turned
from armslength.service.shared_beating import AGREE
from armslength.service.shared_recent import MOST_AGE, RecentActs
from armslength.store import LogStore, Sent
from armslength.tlog import Receipt, TlogError

PATIENCE = 10.0
"""Seconds to wait for a batch."""
WIDE = frozenset({Kind.POLICY_CHANGE, Kind.ESTATE_CHANGE, Kind.PEOPLE_CHANGE, Kind.ERASURE})
"""Kinds of acts that may change more than what they were decided on. No other kind changes a key, a person who left, or
the estate."""
CHANGED = frozenset({"request", "lease"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """An act that is to be recorded, asked for at `asked` (POSIX seconds) by the clock of the gate `site`; `sent` is
    how it lies in the inbox, None for one of this gate's own."""

    handed: Handed
    asked: float
    site: str
    sent: Sent | None = None


Outcome = Receipt | Turned
Outcomes = dict[Asked, Outcome]


class Leading:
    """One hold on the seat. For one thread."""

    def __init__(self, ledger: Ledger, epoch: int) -> None:
        self.ledger, self.epoch = ledger, epoch
        self._ahead: dict[bytes, float] = {}
        """Acts that were turned down because they were dated ahead, and when: they are not to come true later."""

    def sequence(
        self,
        asked: Sequence[Asked],
        state: State,
        follow: Callable[[], None],
        log: LogStore,
        recent: RecentActs,
        *,
        now: float,
    ) -> Outcomes:
        """Record what is asked for, the oldest first; gives what became of each, and nothing of those that have to wait
        for a next round. `state` is what the ledger says once `follow` was called, which is done first; `now` is the
        time by this gate's clock.

        Raises `Stopped` or `Unsettled` where the ledger fails: what became of the acts only the log tells.
        """
        follow()
        recent.follow(log)
        known, unproven = recent.recorded(log, [each.handed.act for each in asked])
        size = self.ledger.health().writer.size
        outcomes: Outcomes = {}
        sent: dict[bytes, tuple[Asked, Future[Receipt]]] = {}
        touched: set[Object] = set()
        everything = False
        for each in sorted(asked, key=lambda each: min(each.asked, now)):
            act, seen = each.handed.act, each.handed.seen
            if act.id in sent:
                continue  # from two gates: what becomes of the one tells what becomes of the other
            if act.id in known:
                match known[act.id]:
                    case Receipt() as receipt:
                        outcomes[each] = receipt
                    case TlogError() as error:
                        outcomes[each] = Turned(why="wrong", says=str(error))
                continue
            if act.id in unproven:
                outcomes[each] = Turned(why="late", says="the log says that this was recorded, and does not show it")
                continue
            if (turned := self._untimely(each, now)) is not None:
                outcomes[each] = turned
                continue
            if touched & seen.keys() or (everything and seen):
                continue
            if (other := _other(state, each.handed)) is not None:
                outcomes[each] = Turned(why="raced", says=f"something else happened first to {other}")
                continue
            try:
                sent[act.id] = each, self.ledger.append(act)
            except Full:
                break
            touched |= _changes(each.handed, state)
            everything = everything or act.kind in WIDE
        _, late = wait([future for _, future in sent.values()], timeout=PATIENCE)
        if late:
            raise Unsettled("the ledger does not answer")
        for each, future in sent.values():
            outcomes[each] = _became(each, future, size)
        return outcomes

    def _untimely(self, each: Asked, now: float) -> Turned | None:
        """Whoever asked for it gave it up by now; or did so at a time that is still to come."""
        if now - each.asked > MOST_AGE + AGREE:
            return Turned(why="late", says=f"it was asked for {int(now - each.asked)} seconds ago")
        if each.asked > now + AGREE:
            self._ahead = {act: asked for act, asked in self._ahead.items() if now - asked <= MOST_AGE + AGREE}
            self._ahead[each.handed.act.id] = each.asked
            return Turned(why="late", says=f"the clock of {each.site} is {each.asked - now:.0f} seconds ahead")
        if self._ahead.get(each.handed.act.id) == each.asked:
            return Turned(why="late", says=f"the clock of {each.site} was ahead")
        return None

    def close(self) -> None:
        self.ledger.close()


def _changes(handed: Handed, state: State) -> set[Object]:
    """What an act may change, unless it is of a kind that may change anything."""
    changes = {which for which in handed.seen if which[0] in CHANGED}
    if handed.act.kind is Kind.REQUEST and not state.founded:
        changes.add(GATE)
    return changes


def _became(each: Asked, future: Future[Receipt], size: int) -> Outcome:
    """`size`: how much there was before. What was recorded was so after that: anything else the log's tables say."""
    match future.exception():
        case None if (receipt := future.result()).first >= size:
            return receipt
        case TlogError() as error if each.handed.act.kind is Kind.ERASURE:
            return Turned(why="wrong", says=str(error))
        case None | TlogError():
            return Turned(why="late", says="the log says that this was recorded, and does not show it")
        case AppendError() as error:
            raise error
        case error:
            raise Stopped(f"{type(error).__name__}: {error}")


def _other(state: State, handed: Handed) -> str | None:
    """An object that is not as the act was decided on."""
    for (kind, id), version in handed.seen.items():
        if state.version_of(kind, id) != version:
            return f"{kind} {id}"
    return None
