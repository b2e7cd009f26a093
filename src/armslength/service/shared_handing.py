"""Handing over: how the acts of a gate that does not hold the seat reach the one that does, and how its answers come
back. What was recorded the log tells; of what was turned down an answer does.

Nobody is told no of what is recorded, in whatever order an act is put, taken, answered and asked for again:

- Each sealing of an act has one fate. An answer opens for the sealing that it was given to alone, and takes that one
  out of the inbox alone, so an act that is put anew under its id waits for an answer of its own.
- What is answered with no is never recorded from that sealing: what raced saw versions that do not come back, what is
  too old stays so, and one that was dated ahead the writer remembers.
- What is recorded is not answered with no: the writer looks at all that it and those before it wrote first, and one
  that lost the seat writes nothing. Both hold for a copy that somebody puts back.
- What is recorded counts before what is answered, and only as far as the log is proven: what its tables say is
  nothing. Of an act that is not there yet the answer is read first and then, the first time, the log is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from armslength.gate import State
from armslength.service.shared_act import Sealed, Sealer, Turned
from armslength.service.shared_following import Following
from armslength.service.shared_leading import Asked, Leading, Outcome, Outcomes
from armslength.service.shared_recent import RecentActs
from armslength.service.shared_waiting import Waiting, WaitingActs
from armslength.store import Inbox, LedgerFolder, Occupied, Sent, open_log
from armslength.tlog import Receipt, TlogError

TOGETHER = 256
"""Acts of other gates that are taken at once."""
AGAIN = 2.0
"""Seconds without an answer after which an act is put in again: it may be that somebody took it out."""
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
        following: Following,
        clock: Callable[[], float],
        chance: Callable[[int], bytes],
        monotonic: Callable[[], float],
    ) -> None:
        """`following` is what the log is proven by. Raises `StoreError` where there is no log in PostgreSQL."""
        self._folder, self._site, self._sealer, self._waiting = folder, site, sealer, waiting
        self._clock, self._monotonic = clock, monotonic
        self._recent = RecentActs(folder, following, clock=clock, monotonic=monotonic, chance=chance)
        self._inbox = Inbox(folder)
        self._swept = monotonic()

    def close(self) -> None:
        self._inbox.close()

    # The one that holds the seat

    def record_all(
        self, leading: Leading, state: State, follow: Callable[[], None]
    ) -> tuple[Collection[Outcome], bool]:
        """Record what this gate and the others ask for; what became of it, and whether more waits. Raises as
        `Leading.sequence` does, and `StoreError`."""
        sent = self._inbox.waiting(TOGETHER)
        mine = {pending.handed.act.id: pending for pending in self._waiting.all()}
        theirs = [opened for each in sent if (opened := self._opened(each)) is not None]
        told = {each.sent for each in theirs}
        # This gate's own that it handed over before it took the seat, and that wait here still.
        twice = {each.sent for each in theirs if each.site == self._site and each.handed.act.id in mine}
        asked = [*map(self._own, mine.values()), *(each for each in theirs if each.sent not in twice)]
        outcomes: Outcomes = {}
        if asked:
            with open_log(self._folder) as log:
                outcomes = leading.sequence(asked, state, follow, log, self._recent, now=self._clock())
        done = {each.handed.act.id: outcome for each, outcome in outcomes.items() if each.sent is None}
        for act, outcome in done.items():
            self._waiting.done(act, outcome)
        self._inbox.forget(
            [
                *(each for each in sent if each not in told),  # what no gate put there
                *(each for each in sent if each in twice and each.act in done),
                *(each.sent for each, became in outcomes.items() if each.sent and isinstance(became, Receipt)),
            ]
        )
        self._turn_down(outcomes)
        return outcomes.values(), len(outcomes) < len(asked) or len(sent) == TOGETHER

    def _turn_down(self, outcomes: Outcomes) -> None:
        """Tell the other gates what was turned down; of what was recorded the log tells them."""
        turned: list[tuple[Sent, bytes, bytes]] = []
        for asked, outcome in outcomes.items():
            if asked.sent is not None and isinstance(outcome, Turned):
                to = Sealed(body=asked.sent.body, mac=asked.sent.mac)
                answer = self._sealer.seal_answer(asked.handed.act.id, to, outcome)
                turned.append((asked.sent, answer.body, answer.mac))
        if turned:
            self._inbox.answer_many(turned)

    def _opened(self, sent: Sent) -> Asked | None:
        opened = self._sealer.open_act(sent.act, Sealed(body=sent.body, mac=sent.mac))
        if opened is None:
            return None
        return Asked(handed=opened.handed, asked=opened.asked, site=opened.site, sent=sent)

    def _own(self, pending: Waiting) -> Asked:
        return Asked(handed=pending.handed, asked=self._asked(pending), site=self._site)

    # Those that do not

    def hand_over(self) -> None:
        """Put this gate's acts where the one that holds the seat finds them. Raises `StoreError`."""
        for pending in self._waiting.all():
            if pending.put and self._monotonic() - pending.put_at < AGAIN:
                continue
            act = pending.handed.act.id
            sealed = pending.sealed
            if sealed is None:
                sealed = self._sealer.seal_act(pending.handed, site=self._site, asked=self._asked(pending))
                pending.sealed = sealed  # before it is put: what is put twice has one answer
            try:
                self._inbox.put(act, self._site, sealed.body, sealed.mac)
            except Occupied:
                continue  # until another gate's has its answer
            pending.put, pending.put_at, pending.sought = True, self._monotonic(), False
        if self._monotonic() - self._swept > SWEEP:
            self._swept = self._monotonic()
            self._inbox.sweep(SWEEP)

    def settle(self, size: int) -> None:
        """Tell those who wait what became of the acts that were handed over; the log is proven up to `size`. Raises
        `StoreError`."""
        mine = {pending.handed.act.id: pending for pending in self._waiting.all() if pending.put}
        if not mine and self._recent.size == size:
            return
        with open_log(self._folder) as log:
            self._recent.follow(log)
            answers = self._turned([pending for act, pending in mine.items() if act not in self._recent])
            # One that was recorded long ago is found when it is looked for the first time.
            asked = [pending for act, pending in mine.items() if act in self._recent or not pending.sought]
            if not asked and not answers:
                return
            found, _ = self._recent.recorded(log, [pending.handed.act for pending in asked])
        for pending in asked:
            pending.sought = True
        for act in mine:
            match found.get(act, answers.get(act)):
                case None:
                    continue
                case TlogError() as error:
                    self._waiting.done(act, Turned(why="wrong", says=str(error)))
                case outcome:
                    self._waiting.done(act, outcome)

    def _turned(self, mine: Collection[Waiting]) -> dict[bytes, Turned]:
        """Which of these acts were turned down, as they were sealed."""
        sealings = {pending.handed.act.id: pending.sealed for pending in mine if pending.sealed is not None}
        found: dict[bytes, Turned] = {}
        for act, answer in self._inbox.answers(list(sealings)).items():
            turned = self._sealer.open_answer(act, sealings[act], Sealed(body=answer.body, mac=answer.mac))
            if turned is not None:
                found[act] = turned
        return found

    def _asked(self, pending: Waiting) -> float:
        """When it was asked for, by the clock as it is now."""
        return self._clock() - (self._monotonic() - pending.since)
