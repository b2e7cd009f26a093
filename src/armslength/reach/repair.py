"""Repair: the least-cost set of changes after which every floor holds, with the proof that nothing cheaper does.

An implicit hitting set. The master finds the cheapest plan that meets all clauses known (`repair_master`); the engine
is asked what that plan leaves broken (`repair_ask`); each derivation found becomes a clause (`repair_clause` says why
it holds for every valid plan). Between two such rounds the plan is mended greedily until the engine finds nothing
broken: that is a valid plan at any time, and its clauses make the next bound rise. When the cheapest plan is itself
valid, or a valid plan costs as little as the bound, it is proven least. Pairs that resist are set aside meanwhile
(`repair_aside`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import count

from armslength.estate import Estate, Kind, Ref
from armslength.reach.answer import reach
from armslength.reach.clock import Clock, Expired
from armslength.reach.exposure import exposure
from armslength.reach.floors import Pair
from armslength.reach.membership import Membership
from armslength.reach.pairs import pairs
from armslength.reach.repair_able import Ability, Able
from armslength.reach.repair_account import GRACE, Account
from armslength.reach.repair_aside import Resisting, Rest
from armslength.reach.repair_ask import SOME, Asking
from armslength.reach.repair_change import Change, Refusal
from armslength.reach.repair_cuts import Cuts
from armslength.reach.repair_keeping import Keeping
from armslength.reach.repair_menu import Menu
from armslength.reach.repair_plan import Idle, Plan, Progress, Why
from armslength.reach.repair_sight import Sights
from armslength.reach.repair_telling import Answer
from armslength.reach.repair_trace import Support
from armslength.reach.repair_work import people_touched
from armslength.reach.result import NOBODY, Question

ROUGH = (0.1, 0.03, 0.0)
"""How near to the least choice the solver goes, the next once the one before teaches nothing."""
PATIENCE = 12
"""Turns of mending one plan at first; twice as many each time that they end without a valid one. Until there is any
valid plan they do not end: a dear one is better than none, and what is too much goes later."""
SPARING = 6
"""So many of these turns leave out what no clause asks for any more; after them a plan only grows, so that it ends."""
GLANCE = 4
"""After so many turns without any valid plan, what the clauses prove is told."""
LOOK = 16
"""After so many plans without any valid one, and twice as many each time, it is found out which pairs the last leaves:
a plan for the others. So it is sooner where they are few, and where they would be half as many."""
DEAR = 1.5
"""A plan that costs so many times what is proven is not mended further: the solver knows a better way to go on from."""


def repair(
    estate: Estate,
    question: Question,
    refused: Iterable[Refusal] = (),
    expired: Callable[[], bool] = lambda: False,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Plan:
    """Find a least-cost plan (semantics, "Repair") for the floors on the day `question.at`; of the question's
    filters only
    the pairs they name are mended, its cap and limit do not count.

    `refused` changes are not made. `expired` is asked now and then whether the time allowed is over; then the cheapest
    plan so far is returned with the bound proven so far. `progress` is told whenever the engine has answered. Pure.

    What cannot be mended does not stop the rest: pairs that no allowed change mends are given up, and where pairs can
    be mended only one without the other, as few as possible. Pairs that resisted until the time was over are set aside.
    All are told in `Plan.remaining`; the bound is for the others.
    """
    return _Repair(estate, question, refused, expired, progress).plan()


class _Repair:
    """One repair under way."""

    def __init__(
        self,
        estate: Estate,
        question: Question,
        refused: Iterable[Refusal],
        expired: Callable[[], bool],
        progress: Callable[[Progress], None],
    ) -> None:
        self._estate, self._expired, self._progress = estate, expired, progress
        self._question = replace(question, cap=0, everything=False, seconds=None)
        self._refused = frozenset(refused)
        exposed = exposure(estate, question.at)
        self._asked = pairs(estate, exposed, self._question)
        self._ability = Ability(estate, exposed, Clock(expired).tick)
        self._menu = Menu(estate, self._refused, lambda holder, r: self._ability.able(holder, r) is Able.SPARE)
        self._cuts = Cuts(self._menu, _rank(estate, int(self._asked.floor.max(initial=0))))
        self._keeping = Keeping(estate, self._menu, self._ability)
        sights = Sights(estate, Membership(estate))
        self._asking = Asking(estate, exposed, self._asked, question.at, self._menu, sights, expired)
        self._hopeless: dict[Pair, Support] = {}
        self._resisting = Resisting()
        self._rest: Rest | None = None
        self._best: frozenset[int] | None = None
        self._last: frozenset[int] = frozenset()
        self._bound = self._rounds = self._broken = 0
        self._patience, self._look = PATIENCE, LOOK
        self._history: list[Progress] = []

    def plan(self) -> Plan:
        if self._asked.states and len(self._asked.action):
            try:
                self._search()
            except Expired:
                self._settle()
        chosen = self._last if self._best is None else self._best
        return self._told(chosen)

    def _settle(self) -> None:
        """The time is over: what do the clauses found since the solver last saw them prove?"""
        rest = self._rest
        if self._best is None and rest is not None:
            # What was found beyond mending since is no longer only unknown; the plan leaves the same pairs.
            hopeless = rest.aside & self._hopeless.keys()
            self._leave(rest.given_up | hopeless, rest.aside - hopeless)
            self._best, self._bound = rest.chosen, rest.bound
        looks = count()
        self._glance(lambda: next(looks) >= GRACE)

    def _glance(self, expired: Callable[[], bool]) -> None:
        bound = self._cuts.bound(expired)
        if bound is not None:
            self._bound = max(self._bound, bound)
            self._note()

    def _search(self) -> None:
        rough = 0
        while True:
            before, cuts = self._cuts.given_up, len(self._cuts)
            try:
                solved = self._cuts.least(self._expired, self._best, ROUGH[rough])
            finally:
                if self._cuts.given_up != before:
                    self._forget()
            self._bound = max(self._bound, solved.bound)
            self._note()
            if self._done():
                return
            start = solved.chosen
            if start is None:
                # The time was over before the solver had any plan.
                start = self._best if self._best is not None else self._cuts.mended(frozenset())
            if start is None:
                raise Expired
            valid = self._valid(self._cuts.polished(start))
            if valid is not None and (self._best is None or self._weight(valid) < self._weight(self._best)):
                self._best = valid
                self._note()
            if self._cuts.aside and valid is not None:
                self._take_up(valid)
            if self._done():
                return
            if len(self._cuts) == cuts and self._cuts.given_up == before:
                # Nothing new was learnt: only a closer look at the same clauses can go on.
                rough = min(rough + 1, len(ROUGH) - 1)

    def _valid(self, chosen: frozenset[int]) -> frozenset[int] | None:
        """The plan mended until nothing is broken; None where quick changes lead nowhere."""
        turn = 0
        while True:
            turn += 1
            if self._expired():
                raise Expired
            lost = list(self._keeping.lost(chosen))
            if lost:
                self._cuts.add(lost)
            else:
                answer = self._ask(chosen)
                if not answer.broken:
                    return chosen
                self._cuts.add(answer.clauses)
                if answer.hopeless:
                    self._hopeless |= answer.hopeless
                    self._cuts.give_up(answer.hopeless)
                    self._forget()
                resisting = set(answer.broken) - answer.hopeless.keys()
                if self._best is None and (stubborn := self._resisting.seen(resisting)):
                    self._cuts.set_aside(self._cuts.aside | stubborn)
                    self._forget()
                    return None
                if self._best is None and self._worth(answer):
                    self._look = max(self._look, 2 * self._rounds)
                    self._keep(chosen, self._cuts.aside.union(self._asking.left(chosen)))
                    self._note()
            mended = self._cuts.mended(chosen)
            if mended is None or (turn >= self._patience and self._best is not None):
                # The solver may know a better way to go on from, and what that proves.
                self._patience *= 2 if mended is not None else 1
                return None
            chosen = self._cuts.pruned(mended) if turn < SPARING or self._best is not None else mended
            if not turn % GLANCE and self._best is None:
                self._glance(self._expired)
                if self._weight(chosen) > DEAR * self._bound:
                    return None

    def _worth(self, answer: Answer) -> bool:
        """Whether what a plan that is not valid leaves is worth finding out."""
        left = None if self._rest is None else len(self._rest.aside)
        halved = left is None or (left > SOME and 2 * len(answer.broken) < left)
        return (answer.few and halved) or self._rounds >= self._look

    def _ask(self, chosen: frozenset[int]) -> Answer:
        self._last = chosen
        answer = self._asking.ask(chosen)
        self._rounds += 1
        self._broken = len(answer.broken)
        self._progress(self._now())
        return answer

    def _take_up(self, valid: frozenset[int]) -> None:
        """There is a plan for all but the pairs set aside: see whether these can be mended too."""
        self._keep(valid, self._cuts.aside)
        self._resisting.longer()
        self._cuts.set_aside(frozenset())
        self._forget()

    def _keep(self, chosen: frozenset[int], aside: frozenset[Pair]) -> None:
        """The plan mends all but the pairs set aside: it is the answer as long as there is none for more."""
        cuts, was = self._cuts, self._cuts.aside
        rest = Rest(chosen=chosen, weight=self._weight(chosen), bound=0, given_up=cuts.given_up, aside=aside)
        if rest.better(self._rest):
            cuts.leave(rest.given_up, aside)
            bound = cuts.bound(self._expired) or 0
            cuts.leave(rest.given_up, was)
            self._rest = replace(rest, bound=max(bound, self._bound if aside == was else 0))

    def _leave(self, given_up: frozenset[Pair], aside: frozenset[Pair]) -> None:
        self._cuts.leave(given_up, aside)
        self._forget()

    def _forget(self) -> None:
        """Other pairs are given up than before: what was proven for the rest of those is not proven for the rest of
        these, and a plan that was looked at without a pair that counts again was not looked at."""
        before = self._asking.open
        self._asking.open = self._asked.floor >= 1
        for column, number in self._cuts.given_up | self._cuts.aside:
            self._asking.open[column, number] = False
        if bool((self._asking.open & ~before).any()):
            self._best = None
        self._bound = 0
        if self._rest is None:
            self._history.clear()

    def _done(self) -> bool:
        return self._best is not None and self._weight(self._best) <= self._bound

    def _weight(self, chosen: frozenset[int]) -> int:
        return sum(self._menu.weight[o] for o in chosen)

    def _now(self) -> Progress:
        weight = None if self._best is None else self._weight(self._best)
        bound, aside = self._bound, self._cuts.aside
        if weight is None and self._rest is not None:
            # Of what there is no plan yet, the bound would be told beside the plan for something else.
            weight, bound, aside = self._rest.weight, self._rest.bound, self._rest.aside
        return Progress(
            cost=None if weight is None else weight / self._menu.unit,
            bound=bound / self._menu.unit,
            aside=len(aside),
            broken=self._broken,
            round=self._rounds,
        )

    def _note(self) -> None:
        now = self._now()
        last = self._history[-1] if self._history else None
        if last is None or (last.cost, last.bound, last.aside) != (now.cost, now.bound, now.aside):
            self._history.append(now)
            self._progress(now)

    def _told(self, chosen: frozenset[int]) -> Plan:
        menu, asked = self._menu, self._asked
        edited = menu.edited(chosen)
        # One more look while there is time for it. The engine has found the best plan to break nothing; of any other,
        # what is not settled by then counts as broken.
        found = reach(edited, self._question, self._expired)
        over = self._best is not None and self._expired()
        number = {pair: k for k, pair in enumerate(zip(asked.action.tolist(), asked.asset.tolist(), strict=True))}
        column = {state: c for c, state in enumerate(asked.states)}
        left = self._cuts.given_up | self._cuts.aside
        broken: dict[Pair, int] = {}
        for i in found.broken().tolist():
            pair = column[int(found.state[i])], number[int(found.action[i]), int(found.asset[i])]
            plain = found.at_most[i] != NOBODY and found.at_most[i] < found.floor[i]
            if plain or not over or pair in left:
                broken[pair] = i
        verified = broken.keys() <= left
        proven = verified and self._done()
        cost = self._weight(chosen) / menu.unit
        account = Account(menu, asked, self._cuts)
        changes = [
            Change(
                verb=menu.verb(o),
                row=menu.row(o),
                terms=menu.terms(o),
                cost=menu.cost(o),
                people=people,
            )
            for o, people in people_touched(menu, chosen).items()
        ]
        return Plan(
            changes=tuple(sorted(changes, key=lambda c: (c.row.file, c.row.row))),
            cost=cost,
            bound=cost if proven else self._bound / menu.unit,
            proven=proven,
            verified=verified,
            remaining=tuple(account.remaining(found, i, pair, self._hopeless.get(pair)) for pair, i in broken.items()),
            idle=tuple(self._idle()),
            refused=self._refused,
            rounds=self._rounds,
            history=tuple(self._history),
            certificate=account.certificate(),
        )

    def _idle(self) -> Iterator[Idle]:
        everyone = Ref(kind=Kind.EVERYONE)
        for r, terms in enumerate(self._estate.settings.terms):
            try:
                able = self._ability.able(everyone, r)
            except Expired:
                continue
            if able is not Able.SPARE:
                yield Idle(terms=terms.id, why=Why.NOBODY if able is Able.NO else Why.NO_SPARE)


def _rank(estate: Estate, floor: int) -> list[int]:
    """The order in which terms are tried: those that by the guarantee hold the highest floor come first, the least
    demanding of them before the others."""
    terms = estate.settings.terms
    order = sorted(
        range(len(terms)),
        key=lambda r: (max(0, floor - terms[r].apart), terms[r].approvals, terms[r].apart, len(terms[r].places), r),
    )
    rank = [0] * len(terms)
    for place, r in enumerate(order):
        rank[r] = place
    return rank
