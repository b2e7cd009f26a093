"""Handing over: how the acts of a gate that does not hold the seat reach the one that does, and how its answers come
back. What was recorded the log tells; of what was turned down an answer does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import closing

from armslength.gate import State
from armslength.service.act import Act
from armslength.service.ledger_preparing import Preparing, Recorded
from armslength.service.shared_act import Sealer, Turned
from armslength.service.shared_leading import Asked, Leading, Outcome
from armslength.service.shared_waiting import WaitingActs
from armslength.store import Inbox, LedgerFolder, StorageFailed, open_keys, open_log
from armslength.tlog import Receipt, TlogError

TOGETHER = 256
"""Acts of other gates that are taken at once."""
SWEEP = 3600.0
"""Seconds for which answers are kept."""


class Handing:
    """For one thread. `waiting` are the acts of this gate."""

    def __init__(
        self,
        folder: LedgerFolder,
        site: str,
        sealer: Sealer,
        waiting: WaitingActs,
        *,
        chance: Callable[[int], bytes],
        monotonic: Callable[[], float],
    ) -> None:
        """Raises `StoreError` where there is no log in PostgreSQL."""
        self._folder, self._site, self._sealer, self._waiting = folder, site, sealer, waiting
        self._chance, self._monotonic = chance, monotonic
        self._inbox = Inbox(folder)
        self._swept = monotonic()

    def close(self) -> None:
        self._inbox.close()

    def record_all(
        self, leading: Leading, state: State, follow: Callable[[], None]
    ) -> tuple[Collection[Outcome], bool]:
        """Record what this gate and the others ask for; what became of it, and whether more waits. Raises as
        `Leading.sequence` does, and `StoreError`."""
        mine = self._waiting.all()
        theirs = self._inbox.waiting(TOGETHER)
        asked: list[Asked] = [Asked(handed=each.handed) for each in mine]
        strange: list[bytes] = []
        for sent in theirs:
            handed = self._sealer.open_act(sent.body, sent.mac)
            if handed is None or handed.act.id != sent.act:
                strange.append(sent.act)
            else:
                asked.append(Asked(handed=handed, age=sent.age))
        if strange:
            self._inbox.forget(strange)
        if not asked:
            return (), False
        with open_log(self._folder) as log:
            outcomes = leading.sequence(asked, state, follow, log)
        self._answer({sent.act for sent in theirs} - set(strange), outcomes)
        return outcomes.values(), len(outcomes) < len(asked) or len(theirs) == TOGETHER

    def _answer(self, theirs: set[bytes], outcomes: Mapping[bytes, Outcome]) -> None:
        """Tell the other gates what was turned down; of what was recorded the log tells them."""
        done = [act for act in theirs if isinstance(outcomes.get(act), Receipt)]
        turned = [
            (act, *self._sealer.seal_answer(act, outcome))
            for act in theirs
            if isinstance(outcome := outcomes.get(act), Turned)
        ]
        if done:
            self._inbox.forget(done)
        if turned:
            self._inbox.answer_many(turned)
        for act, outcome in outcomes.items():
            self._waiting.done(act, outcome)

    def hand_over(self) -> None:
        """Put this gate's acts where the one that holds the seat finds them. Raises `StoreError`."""
        for pending in self._waiting.all():
            if not pending.put:
                body, mac = self._sealer.seal_act(pending.handed)
                self._inbox.put(pending.handed.act.id, self._site, body, mac)
                pending.put = True
        if self._monotonic() - self._swept > SWEEP:
            self._swept = self._monotonic()
            self._inbox.sweep(SWEEP)

    def settle(self, size: int) -> None:
        """Tell those who wait what became of the acts that were handed over; the log is proven up to `size`. Raises
        `StoreError`."""
        mine = [pending for pending in self._waiting.all() if pending.put]
        if not mine:
            return
        acts = {pending.handed.act.id: pending.handed.act for pending in mine}
        with open_log(self._folder) as log:
            # Read before the log was followed, an act may be beyond what is proven: it is found the next time.
            found = {
                id: act
                for id, (first, count) in log.acts(list(acts)).items()
                if (act := acts.get(id)) is not None and first + count <= size
            }
            if found:
                with closing(open_keys(self._folder)) as keys:
                    preparing = Preparing(log, keys, size=size, chance=self._chance)
                    for act, prepared in zip(found.values(), preparing.all(list(found.values())), strict=True):
                        self._waiting.done(act.id, self._outcome(act, prepared, size))
        for id, answer in self._inbox.answers([id for id in acts if id not in found]).items():
            turned = self._sealer.open_answer(id, answer.body, answer.mac)
            if turned is not None:
                self._waiting.done(id, turned)

    def _outcome(self, act: Act, prepared: object, size: int) -> Outcome:
        match prepared:
            case Recorded(first=first, leaves=leaves):
                return Receipt(
                    origin=self._folder.settings.origin,
                    act=act.id,
                    first=first,
                    leaves=leaves,
                    size=size,
                    _durable=Receipt.DURABLE,
                )
            case TlogError() as error:
                return Turned(raced=False, says=str(error))
            case _:
                raise StorageFailed("an act that is in the log is not in it")
