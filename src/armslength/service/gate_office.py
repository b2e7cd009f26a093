"""What the gate's verbs share: its settings and keys, its book, and the estate that holds on today's day."""

from __future__ import annotations

import datetime as dt
import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from armslength.estate import OPERATE, Estate, Terms, digest
from armslength.gate import (
    Candidates,
    Conflict,
    Decider,
    Event,
    Freshness,
    Ignored,
    Judgement,
    LeaseId,
    LeaseState,
    LeaseTerms,
    Moment,
    Party,
    Pending,
    PersonId,
    Quorum,
    Refused,
    Rejected,
    Request,
    RequestId,
    RequestState,
    Target,
    Why,
    judge,
    moment,
    posix,
    who_could,
)
from armslength.service.gate_book import NOTHING, Book
from armslength.service.gate_failure import Unavailable, Unfounded
from armslength.service.gate_row import Object
from armslength.store import GateFolder, Source, StoreError, parsed
from armslength.tlog import Receipt

CHANGE = "change"
"""The member of a request's context that says which change of the estate it is for. The gate alone writes it."""
MOST_CANDIDATES = 10_000
HOST = PersonId("the gate's host")
"""Stands in records for whoever looks after the gate's host: it can take away, and nothing else."""
SELF = PersonId("the gate")
"""Stands for the gate itself, where what it gave no longer holds."""


class Office:
    """For any number of threads."""

    def __init__(self, folder: GateFolder, book: Book, *, chance: Callable[[int], bytes]) -> None:
        """Raises `Unfounded` where the estate that the ledger names is not there."""
        self.folder, self.settings, self.book, self.chance = folder, folder.settings, book, chance
        if folder.row_key is None or not folder.lease_keys:
            raise Unfounded(f"{folder.path}: its keys were left alone; a gate needs them")
        self._row_key = folder.row_key
        self.party = Party(rp_id=folder.settings.domain, origins=(folder.settings.url,))
        self._deciding = threading.Lock()
        self._estates: dict[str, Estate] = {}
        self._candidates: dict[tuple[object, ...], Candidates] = {}
        try:
            day = self._today()
        except Unavailable:  # a clock that went back; nothing is decided meanwhile
            day = moment(book.state.time).date()
        self._decider = self._decided(day)

    # Secrets

    def derived(self, purpose: str) -> bytes:
        """32 bytes for one purpose alone, from the key that the database does not have."""
        expand = HKDFExpand(algorithm=SHA256(), length=32, info=f"armslength gate {purpose}".encode())
        return expand.derive(self._row_key)

    # What holds

    @property
    def decider(self) -> Decider:
        """The estate that holds, on today's day; the day stays what it was while the clock cannot be believed."""
        try:
            day = self._today()
        except Unavailable:
            day = self._decider.day
        kept = self._decider
        if (kept.digest, kept.day) != (self.digest, day):
            with self._deciding:
                kept = self._decider
                if (kept.digest, kept.day) != (self.digest, day):
                    self._candidates.clear()
                    kept = self._decider = self._decided(day)
        return kept

    @property
    def digest(self) -> str:
        found = self.book.state.estate
        if found is None:
            raise Unfounded("no estate was adopted yet")
        return found

    def decider_of(self, estate: Estate, name: str) -> Decider:
        """Of another estate than the one that holds, as if it were adopted today."""
        day = self.decider.day
        return Decider(estate, name, day=day, freshness=self._freshness(day))

    def estate(self, name: str) -> Estate:
        """The adopted or proposed estate of this digest. Raises `Unfounded`."""
        found = self._estates.get(name)
        if found is None:
            try:
                found = self.folder.estates.read(name)
            except StoreError as error:
                raise Unfounded(f"the estate {name}, which the ledger says holds: {error}") from error
            if len(self._estates) >= 4:
                self._estates.clear()
            self._estates[name] = found
        return found

    def freshen(self, files: Mapping[str, bytes]) -> None:
        """Take in the same estate with newer `as_of` dates. Raises `EstateError`, `Rejected` for another estate."""
        with self._deciding:
            made = parsed(Source(description="the estate", files=dict(files))).estate
            if digest(made) != self.digest:
                raise Rejected(["it is another estate than the one that holds: propose it"])
            self.folder.estates.keep(files)
            self._estates[self.digest] = made
            self._decider = self._decided(self._decider.day)

    def terms(self, name: str) -> Terms:
        """Of the estate that holds."""
        return next(terms for terms in self.decider.estate.settings.terms if terms.id == name)

    def gate_asset(self) -> Target | None:
        """What stands for the gate itself."""
        estate = self.decider.estate
        place = estate.settings.gate
        return None if place is None else Target(type="asset", id=estate.assets.ids[place])

    def is_change(self, request: Request) -> bool:
        """Whether it is for another estate."""
        return request.action == OPERATE and isinstance(request.context.get(CHANGE), dict)

    # People

    def keyed(self) -> frozenset[PersonId]:
        """Who has a passkey that counts."""
        with self.book.reading:
            return frozenset(key.key.person for key in self.book.state.keys.values() if key.revoked is None)

    def available(self) -> frozenset[PersonId]:
        """Who has a passkey that counts and is not away. Raises `Unavailable`."""
        now = posix(self.book.now())
        return self.keyed() - self.book.copies.read(lambda tables: tables.away.at(now))

    def candidates(self, state: RequestState) -> Candidates:
        """Who could complete it now. Raises `Unavailable`."""
        decider, available = self.decider, self.available()
        key = (state.request.id, state.version, decider.digest, decider.day, available)
        found = self._candidates.get(key)
        if found is None:
            found = who_could(decider, state.request, state.approvers(), available, barred=barred(state.request))
            if len(self._candidates) >= MOST_CANDIDATES:
                self._candidates.clear()
            self._candidates[key] = found
        return found

    # Judging

    def judged(self, state: RequestState) -> Judgement:
        """What becomes of a request with the approvals that it has."""
        return judge(self.decider, state.request, state.approvers(), state.agreed, barred=barred(state.request))

    def holds(self, lease: LeaseState) -> Refused | None:
        """Why the quorum of a lease would not be one any more; None: it would."""
        request = self.book.state.requests.get(lease.terms.request)
        if request is None:
            return Refused(why=Why.REVOKED, says="what the lease was given for is no longer known")
        if not self._signed(lease, request):
            return Refused(why=Why.REVOKED, says="a passkey that approved it was revoked")
        judgement = judge(
            self.decider,
            request.request,
            lease.terms.approvers,
            frozenset(request.request.customers),
            barred=barred(request.request),
        )
        match judgement:
            case Refused():
                return judgement
            case Pending():
                return Refused(why=Why.REVOKED, says="the people who approved it would be no quorum any more")
            case Quorum():
                return None

    def _signed(self, lease: LeaseState, request: RequestState) -> bool:
        """Whether each of its approvers signed with a passkey that counts still."""
        signed = {each.approver: each.assertion.credential for each in request.approvals}
        for approver in lease.terms.approvers:
            key = self.book.state.key(signed[approver]) if approver in signed else None
            if key is None or key.revoked is not None or key.key.person != approver:
                return False
        return True

    # Fitness

    def fit(self) -> Moment:
        """The time, if anything may be decided now. Raises `Unavailable` for a clock that went back, a ledger that
        records nothing, a database that fails."""
        now = self.book.now()
        if self.book.ledger.health().writer.stopped is not None:
            raise Unavailable(Why.LEDGER, NOTHING)
        if self.book.unsettled is not None:
            self.book.settle()
        return now

    def request(self, id: RequestId) -> RequestState:
        found = self.book.state.requests.get(id)
        if found is None:
            raise Rejected([f"there is no request {id[:40]!r}, or no longer"])
        return found

    def lease(self, id: LeaseId) -> LeaseState:
        found = self.book.state.leases.get(id)
        if found is None:
            raise Rejected([f"there is no lease {id[:40]!r}, or no longer"])
        return found

    def record(
        self,
        event: Event,
        *,
        act: bytes | None = None,
        on: Sequence[Object] = (),
        beside: Sequence[Object] = (),
        of: Request | LeaseTerms | None = None,
        used: Iterable[str] = (),
    ) -> Receipt:
        """As `Book.record`, under an act id drawn now if none is given. Raises `Conflict` as well where the event came
        too late to have effect."""
        recorded = self.book.record(event, act=act or self.draw(), on=on, beside=beside, of=of, used=used)
        if isinstance(recorded.outcome, Ignored):
            raise Conflict(f"something else happened first: {recorded.outcome.reason}")
        return recorded.receipt

    def draw(self) -> bytes:
        """16 bytes for an act."""
        return self.chance(16)

    # Within

    def _today(self) -> dt.date:
        return self.book.now().date()

    def _decided(self, day: dt.date) -> Decider:
        adopted = moment(self.book.adopted).date()
        return Decider(self.estate(self.digest), self.digest, day=day, freshness=self._freshness(adopted))

    def _freshness(self, adopted: dt.date) -> Freshness:
        days = self.settings.freshness_days
        return Freshness(limit=None if days is None else dt.timedelta(days=days), adopted=adopted)


def barred(request: Request) -> frozenset[str]:
    """The states that nobody of its quorum may be exposed to: those whose reach a change would widen."""
    change = request.context.get(CHANGE)
    widened = change.get("widened") if isinstance(change, dict) else None
    return frozenset(str(state) for state in widened) if isinstance(widened, list) else frozenset()


def derived_act(*parts: str) -> bytes:
    """An act id that follows from what the act is, so that it is recorded once."""
    return hashlib.sha256("\0".join(("armslength", *parts)).encode()).digest()[:16]
