"""What a gate should hold, as plain lists: who asked, who signed with which key, what was lent, used and ended.

Told what happened, it says what may be and what must be, by the rules of `firm`. It knows nothing of how a gate comes
to its answers; where the gate chose (which quorum, which of several terms), it checks the choice.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from armslength.estate import Estate, leaver, parse
from armslength.reach import Compared, difference
from tests.gate_model.firm import HOME, STANDING, Firm

VETO = 3600.0
"""Seconds that customers have."""
DOUBTED = 30 * 86_400
"""Seconds before its revocation in which whatever a key vouched for is doubted."""
LATE = 60
"""Seconds after a revocation in which a use that could not be asked for may have happened."""


def day_of(at: float) -> dt.date:
    return dt.datetime.fromtimestamp(at, dt.UTC).date()


@dataclass(kw_only=True, repr=False)
class Ask:
    """A request. `approvals` are those that stand, person and key; `change` the digests of the estates before and
    after, `returning` who left and is to come back by it; `over` why it ended without a lease; `told` when customers
    heard of it, None while they have not."""

    id: str
    executor: str
    asker: str
    author: str | None
    action: str
    target: str
    customers: frozenset[str]
    start: float
    end: float
    expires: float
    made: float
    told: float | None
    change: tuple[str, str] | None = None
    barred: frozenset[str] = frozenset()
    returning: frozenset[str] = frozenset()
    approvals: dict[str, bytes] = field(default_factory=dict)
    took_back: set[str] = field(default_factory=set)
    agreed: set[str] = field(default_factory=set)
    over: str | None = None
    lease: str | None = None

    def __repr__(self) -> str:
        return f"<{self.id}: {self.executor} {self.action} {self.target}>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    @property
    def waiting(self) -> bool:
        return self.over is None and self.lease is None

    @property
    def seat(self) -> frozenset[str]:
        return frozenset({self.executor, self.asker, self.author or self.executor})

    @property
    def others(self) -> frozenset[str]:
        return self.seat - {self.executor}


def _gain(old: Estate, new: Estate, day: dt.date) -> frozenset[str]:
    """The states that one estate helps in place of another."""
    found = difference(old, new, Compared(at=day, everything=True)).changes
    return frozenset(change.state for change in found if change.fell or change.broke) - HOME


@dataclass(kw_only=True, repr=False)
class Lent:
    """A lease, given at `given`. `ended`: when, None while it is live."""

    id: str
    ask: Ask
    given: float
    start: float
    end: float
    uses: int | None
    most: int | None
    approvers: dict[str, bytes]
    used: int = 0
    customers: set[str] = field(default_factory=set)
    ended: float | None = None

    def __repr__(self) -> str:
        return f"<{self.id} of {self.ask}>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    @property
    def online(self) -> bool:
        return self.uses is not None or self.most is not None


@dataclass(frozen=True, kw_only=True)
class Vouched:
    """How a key came: with which other key, and when."""

    by: bytes
    at: float


@dataclass
class Plain:
    """`keys` by credential: whose it is, and whether it counts still; `vouched` those that another vouched for.
    `told_uses` are uses that the gate said yes to, or took afterwards; `strays` how many it took that fitted no lease.
    """

    firm: Firm
    digest: str
    keys: dict[bytes, tuple[str, bool]] = field(default_factory=dict)
    vouched: dict[bytes, Vouched] = field(default_factory=dict)
    asks: dict[str, Ask] = field(default_factory=dict)
    leases: dict[str, Lent] = field(default_factory=dict)
    firms: dict[str, Firm] = field(default_factory=dict)
    told_uses: list[bytes] = field(default_factory=list)
    strays: int = 0
    gone: set[str] = field(default_factory=set)
    """Who left and was not let come back."""
    brought: set[str] = field(default_factory=set)
    """Requests by which somebody came back."""
    _gains: dict[tuple[object, ...], frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.firms[self.digest] = self.firm

    def barred(self, ask: Ask, at: float) -> frozenset[str]:
        """The states that gain by a change: those it was said to have, and those that it has as things are on the day.
        Of what reaches what, the word of `armslength.reach` is taken."""
        if ask.change is None or ask.change[0] != self.digest:
            return ask.barred
        key = (*ask.change, ask.returning, day_of(at))
        if key not in self._gains:
            old, new = (parse(self.firms[name].files()).estate for name in ask.change)
            without = new
            for person in sorted(ask.returning):
                without = leaver(without, f"person:{person}")
            self._gains[key] = _gain(old, new, day_of(at)) | _gain(without, new, day_of(at))
        return ask.barred | self._gains[key]

    # People who left

    def leave(self, person: str) -> None:
        """Whatever they have ends, by the gate's doing; their keys count no more, at once and for good."""
        self.gone.add(person)
        for key, (whose, counts) in tuple(self.keys.items()):
            if whose == person and counts:
                self.drop(key)

    def may_assume(self, voucher: str, person: str) -> bool:
        return not self.gone & {voucher, person} and self.firm.may_assume(voucher, person)

    def leads(self, executor: str, others: frozenset[str], action: str, target: str, at: float) -> list[str]:
        """As `Firm.ways`, which knows nothing of who left."""
        if self.gone & {executor, *others, target.removeprefix("person:")}:
            return []
        return self.firm.ways(executor, others, action, target, day_of(at))

    # Keys

    def led_to(self, key: bytes, at: float) -> set[bytes]:
        """The keys that count and that this one, revoked at `at`, vouched for in the 30 days before; what those vouched
        for then; and so on."""
        found: set[bytes] = set()
        new = {key}
        while new:
            new = {each for each, how in self.vouched.items() if how.by in new and how.at > at - DOUBTED} - found
            new = {each for each in new if self.keys[each][1]}
            found |= new
        return found

    def drop(self, key: bytes) -> None:
        """It counts no more, nor does an approval by it of what waits."""
        person = self.keys[key][0]
        self.keys[key] = (person, False)
        for ask in self.asks.values():
            if ask.waiting and ask.approvals.get(person) == key:
                del ask.approvals[person]

    # Requests

    def keyed(self) -> frozenset[str]:
        """Who has a passkey that counts."""
        return frozenset(person for person, counts in self.keys.values() if counts)

    def ways(self, ask: Ask, at: float) -> list[str]:
        return self.leads(ask.executor, ask.others, ask.action, ask.target, at)

    def possible(self, ask: Ask, at: float) -> bool:
        """Whether a quorum could be made for it of people who have a passkey."""
        return any(
            next(self.firm.quorums(terms, ask.seat, self.keyed(), day_of(at), self.barred(ask, at)), None)
            for terms in self.ways(ask, at)
            if terms != STANDING
        )

    def useful(self, ask: Ask, person: str, at: float) -> bool:
        """Whether this person is in some quorum for it, whoever else may sign."""
        everybody = frozenset(self.firm.everybody) - self.gone
        return any(
            person in quorum
            for terms in self.ways(ask, at)
            if terms != STANDING
            for quorum in self.firm.quorums(terms, ask.seat, everybody, day_of(at), self.barred(ask, at))
        )

    def an_approver(self, ask: Ask, person: str, at: float) -> bool:
        """The least that whoever signs must be."""
        return (
            person in self.firm.people
            and person not in self.gone
            and person not in ask.seat
            and any(
                self.firm.belongs(person, self.firm.terms[terms].approvers)
                for terms in self.ways(ask, at)
                if terms != STANDING
            )
        )

    def complete(self, ask: Ask, at: float) -> bool:
        """Whether nothing is missing and it must have become a lease by now."""
        if not ask.waiting or at >= ask.expires or at >= ask.end:
            return False
        return any(
            self.customers_let(ask, terms, at)
            and next(
                self.firm.quorums(terms, ask.seat, frozenset(ask.approvals), day_of(at), self.barred(ask, at)), None
            )
            for terms in self.ways(ask, at)
            if terms != STANDING
        )

    def customers_let(self, ask: Ask, terms: str, at: float) -> bool:
        match self.firm.terms[terms].customer:
            case "approve":
                return ask.customers <= ask.agreed
            case "veto":
                heard = ask.told is not None and at >= ask.told + VETO
                return heard or ask.customers <= ask.agreed
            case _:
                return True

    # Leases

    def holds(self, lent: Lent, at: float) -> bool:
        """Whether there would still be a quorum among those who approved it, with signatures that count."""
        ask = lent.ask
        return self.signed(lent) and any(
            next(self.firm.quorums(terms, ask.seat, frozenset(lent.approvers), day_of(at), self.barred(ask, at)), None)
            for terms in self.ways(ask, at)
            if terms != STANDING and self.gives(lent, terms)
        )

    def gives(self, lent: Lent, terms: str) -> bool:
        """Whether the terms as they are today would give as much."""
        asked, ask = self.firm.terms[terms], lent.ask
        most = min(len(ask.customers), lent.most or len(ask.customers)) if ask.customers else lent.most or 0
        heard = ask.customers <= ask.agreed or (asked.customer == "veto" and lent.given >= ask.made + VETO)
        return (
            lent.end - lent.start <= 60 * asked.minutes
            and (asked.uses is None or (lent.uses is not None and lent.uses <= asked.uses))
            and (asked.customers is None or most <= asked.customers)
            and (asked.customer is None or heard)
        )

    def signed(self, lent: Lent) -> bool:
        return all(self.keys[key] == (person, True) for person, key in lent.approvers.items())

    def usable(self, lent: Lent, at: float, customers: frozenset[str]) -> bool:
        """Whether an act may happen by it now."""
        return (
            lent.ended is None
            and lent.start <= at < lent.end
            and self.covers(lent, customers)
            and (lent.uses is None or lent.used < lent.uses)
            and (lent.most is None or len(lent.customers | customers) <= lent.most)
            and self.holds(lent, at)
        )

    @staticmethod
    def covers(lent: Lent, customers: frozenset[str]) -> bool:
        """Where customers are counted, each use names some."""
        if lent.most is not None and not customers:
            return False
        return not customers or (customers <= lent.ask.customers if lent.ask.customers else lent.most is not None)

    def late_fits(self, lent: Lent, done: int, customers: frozenset[str]) -> bool:
        """Whether an act that happened elsewhere, at `done`, fitted it."""
        return (
            self.covers(lent, customers)
            and lent.start <= done < lent.end
            and (lent.ended is None or (not lent.online and done - lent.ended <= LATE))
            and (lent.uses is None or lent.used < lent.uses)
            and (lent.most is None or len(lent.customers | customers) <= lent.most)
        )

    def lent_for(self, executor: str, action: str, target: str) -> list[Lent]:
        return [
            lent
            for lent in self.leases.values()
            if (lent.ask.executor, lent.ask.action, lent.ask.target) == (executor, action, target)
        ]

    def use(self, lent: Lent, use: bytes, customers: frozenset[str]) -> None:
        lent.used += 1
        lent.customers |= customers
        self.told_uses.append(use)
