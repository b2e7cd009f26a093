"""What the gate's verbs share: its settings and keys, its book, and the estate that holds on today's day."""

from __future__ import annotations

import datetime as dt
import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from armslength.estate import FILES, Estate, EstateError, Terms, content, digest
from armslength.gate import (
    Candidates,
    Conflict,
    Decider,
    Ended,
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
    Presence,
    Quorum,
    Refused,
    Rejected,
    Request,
    RequestId,
    RequestState,
    Revoked,
    Target,
    Why,
    judge,
    moment,
    posix,
    who_could,
)
from armslength.ledger import Kind
from armslength.reach import Compared
from armslength.service.act import Act
from armslength.service.comparison import Comparison
from armslength.service.gate_book import NOTHING, PATIENCE, Book
from armslength.service.gate_change import Change, barred, change_of, widened, widened_by_return
from armslength.service.gate_failure import Unavailable, Unfounded
from armslength.service.gate_limits import could_give
from armslength.service.gate_row import Object, of_key, of_leaver
from armslength.service.ledger_failure import AppendError
from armslength.store import GateFolder, Source, StoreError, parsed
from armslength.tlog import Json, Receipt, canonical, format_base64url

MOST_CANDIDATES = 10_000
MOST_CONCERNED = 200
MOST_KEPT = 8
"""Comparisons that are kept; one of a large firm takes seconds."""
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
        self.ending: dict[LeaseId, Ended | Revoked] = {}
        """Leases whose end could not be recorded yet: nothing is allowed by them, and the sweep tries again."""
        self.unsound: Mapping[LeaseId, str] = {}
        """Live leases that a start read and that do not hold, and why: nothing is allowed by them."""
        self.said_gone: Callable[[PersonId], bool] = lambda person: False
        """Whether a directory says now that somebody left."""
        self.unheard: Callable[[PersonId], bool] = lambda person: False
        """Whether a directory that has to speak of somebody has not for too long."""
        self.silence: str | None = None
        """Why nothing is decided of anybody, where that is because no directory has said anything."""
        self.heard = 0
        """How often that changed for somebody."""
        self._presence = Presence(
            gone=lambda person: book.state.gone(person),
            unheard=lambda person: self.unheard(person),
            anybody=lambda: bool(book.state.leavers or folder.settings.directories),
        )
        self._deciding = threading.Lock()
        self._estates: dict[str, tuple[Estate, str]] = {}
        self._comparing = threading.Lock()
        self._compared: dict[tuple[str, str, dt.date], tuple[frozenset[str], Comparison]] = {}
        self._returns: dict[tuple[str, tuple[PersonId, ...], dt.date], frozenset[str]] = {}
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
        return Decider(estate, name, day=day, freshness=self._freshness(day), presence=self._presence)

    def estate(self, name: str) -> Estate:
        """The adopted or proposed estate of this digest; the one that holds is made of the files that were adopted.
        Raises `Unfounded`."""
        estate, files = self._kept(name)
        if name == self.digest and self.book.files not in (None, files):
            raise Unfounded(f"the estate {name} holds, and its files are not those that were adopted")
        return estate

    def confirmed(self, change: Change) -> Estate:
        """The estate that a change is for, as its files are now. Raises `Unfounded` where they are not those that were
        signed for."""
        self._estates.pop(change.after, None)
        estate, files = self._kept(change.after)
        if change.files != files:
            raise Unfounded("the files of the proposed estate are not those that were signed for")
        return estate

    def _kept(self, name: str) -> tuple[Estate, str]:
        found = self._estates.get(name)
        if found is None:
            try:
                found = self.folder.estates.kept(name)
            except StoreError as error:
                raise Unfounded(f"the estate {name}, which the ledger names: {error}") from error
            if len(self._estates) >= 4:
                self._estates.clear()
            self._estates[name] = found
        return found

    def freshen(self, files: Mapping[str, bytes]) -> None:
        """Take in the same estate with newer `as_of` dates; that it was done is on record. Raises `EstateError`,
        `Rejected` for another estate, `Unavailable`."""
        self.fit()
        known = {name: data for name, data in files.items() if name in FILES}
        with self._deciding:
            made = parsed(Source(description="the estate", files=known)).estate
            if digest(made) != self.digest:
                raise Rejected(["it is another estate than the one that holds: propose it"])
            same = self._kept(self.digest)[1]
            if content(made, known) != same:
                raise Rejected(["its files differ in more than `source` and `as_of` from those that were adopted"])
            self._tell_dates(known)
            try:
                self.folder.estates.keep(known)
            except StoreError as error:
                raise Unavailable(Why.STORE, f"the estate cannot be kept: {error}") from error
            self._estates[self.digest] = made, same
            self._candidates.clear()
            self._decider = self._decided(self._decider.day)

    def follow_dates(self) -> None:
        """Take in what another gate has taken in by `freshen`, which is on record there. Raises `StoreError`,
        `Unfounded`."""
        name, estates = self.digest, self.folder.estates
        files = estates.fresher(name)
        if files is None:
            return
        with self._deciding:
            if name != self.digest:
                return
            estates.take(name, files)
            self._estates.pop(name, None)
            self._kept(name)
            self._candidates.clear()
            self._decider = self._decided(self._decider.day)

    def _tell_dates(self, files: Mapping[str, bytes]) -> None:
        """Record which files take the place of others. Raises `Unavailable`."""
        hashes: dict[str, Json] = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        whole = hashlib.sha256(canonical(hashes, label="files")).hexdigest()
        says = f"files of the estate {self.digest} with other source and as_of were taken in: SHA-256 {whole}"
        act = Act(id=self.draw(), kind=Kind.FINDING, fields={"detection": "gate-estate-dates", "evidence": says})
        try:
            self.book.ledger.append(act).result(PATIENCE)
        except (AppendError, TimeoutError) as error:
            raise Unavailable(Why.LEDGER, NOTHING) from error

    def widening(self, before: str, after: str) -> tuple[frozenset[str], Comparison]:
        """The states whose reach one estate widens in place of another on today's day, and the whole difference.
        Raises `Unfounded`."""
        key = (before, after, self.decider.day)
        with self._comparing:
            found = self._compared.get(key)
            if found is None:
                asked = Compared(at=key[2], everything=True)
                made = widened(self.estate(before), self.estate(after), asked)
                if len(self._compared) >= MOST_KEPT:
                    self._compared.clear()
                found = self._compared[key] = made
        return found

    def widening_return(self, after: str, people: Sequence[PersonId]) -> frozenset[str]:
        """The states whose reach grows on today's day where these come back under that estate. Raises `Unfounded`,
        `Rejected` where that cannot be told."""
        if not people:
            return frozenset()
        key = (after, tuple(people), self.decider.day)
        with self._comparing:
            found = self._returns.get(key)
            if found is None:
                asked = Compared(at=key[2], everything=True)
                try:
                    made = widened_by_return(self.estate(after), people, asked)
                except EstateError as error:
                    says = "who left and comes back is named there"
                    raise Rejected([f"{says}: {each}" for each in error.problems]) from None
                if len(self._returns) >= MOST_KEPT:
                    self._returns.clear()
                found = self._returns[key] = made
        return found

    def terms(self, name: str) -> Terms:
        """Of the estate that holds."""
        return next(terms for terms in self.decider.estate.settings.terms if terms.id == name)

    def gate_asset(self) -> Target | None:
        """What stands for the gate itself."""
        estate = self.decider.estate
        place = estate.settings.gate
        return None if place is None else Target(type="asset", id=estate.assets.ids[place])

    def is_change(self, request: Request) -> bool:
        """Whether it is for another estate. Of which asset it was asked for, `carry_out` looks at."""
        return change_of(request) is not None

    def barred(self, request: Request) -> frozenset[str]:
        """The states that nobody of its quorum may be exposed to: those whose reach the change was said to widen, and
        those whose it widens as things are today. Raises `Unavailable` where that cannot be told."""
        change = change_of(request)
        if change is None or change.before != self.digest:
            return barred(request)
        try:
            grows = self.widening(change.before, change.after)[0]
            return change.widened | grows | self.widening_return(change.after, change.returning)
        except (Unfounded, Rejected) as error:
            raise Unavailable(Why.STORE, str(error)) from error

    # People

    def keyed(self) -> frozenset[PersonId]:
        """Who has a passkey that counts."""
        with self.book.reading:
            return frozenset(key.key.person for key in self.book.state.keys.values() if key.revoked is None)

    def available(self) -> frozenset[PersonId]:
        """Who has a passkey that counts and is not away. Raises `Unavailable`."""
        now = posix(self.book.now())
        return self.keyed() - self.book.copies.read(lambda tables: tables.away.at(now))

    def concerned(self, terms: LeaseTerms) -> tuple[PersonId, ...]:
        """Who hears of a lease although they have no part in it: under break-glass terms, everyone who could have been
        asked."""
        if terms.terms not in self.settings.break_glass:
            return ()
        try:
            decider = self.decider
            if terms.estate != decider.digest:
                decider = self.decider_of(self.estate(terms.estate), terms.estate)
        except Unfounded:
            return ()
        roster = decider.roster
        return tuple(each for each in roster.approvers(terms.terms) if roster.knows(each))[:MOST_CONCERNED]

    def candidates(self, state: RequestState) -> Candidates:
        """Who could complete it now. Raises `Unavailable`."""
        decider, available = self.decider, self.available()
        key = (state.request.id, state.version, decider.digest, decider.day, available, self.heard)
        found = self._candidates.get(key)
        if found is None:
            found = who_could(decider, state.request, state.approvers(), available, barred=self.barred(state.request))
            if len(self._candidates) >= MOST_CANDIDATES:
                self._candidates.clear()
            self._candidates[key] = found
        return found

    # Judging

    def judged(self, state: RequestState) -> Judgement:
        """What becomes of a request with the approvals that it has. Raises `Unavailable`."""
        return judge(self.decider, state.request, state.approvers(), state.agreed, barred=self.barred(state.request))

    def holds(self, lease: LeaseState) -> Refused | None:
        """Why the lease would not be given any more, by the people who approved it and as wide as it is; None: it
        would."""
        if lease.terms.id in self.ending:
            return Refused(why=Why.REVOKED, says="the lease is being taken away")
        if (says := self.unsound.get(lease.terms.id)) is not None:
            return Refused(why=Why.REVOKED, says=says)
        request = self.book.state.requests.get(lease.terms.request)
        if request is None:
            return Refused(why=Why.REVOKED, says="what the lease was given for is no longer known")
        if not self._signed(lease, request):
            return Refused(why=Why.REVOKED, says="a passkey that approved it was revoked")
        decider, veto = self.decider, dt.timedelta(minutes=self.settings.veto_minutes)
        enough = frozenset(
            each.id for each in decider.estate.settings.terms if could_give(each, lease.terms, request, veto)
        )
        try:
            states = self.barred(request.request)
        except Unavailable as error:
            return error.refused()
        judgement = judge(decider, request.request, lease.terms.approvers, request.agreed, barred=states, only=enough)
        match judgement:
            case Refused():
                return judgement
            case Pending():
                says = "the people who approved it would be no quorum any more, or its terms would give less now"
                return Refused(why=Why.REVOKED, says=says)
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

    def rests_on(self, lease: LeaseState) -> tuple[Object, ...]:
        """Whether the lease holds is decided on these besides itself: the passkeys that approved it, and that its
        people have not left."""
        request = self.book.state.requests.get(lease.terms.request)
        approvals = () if request is None else request.approvals
        keys = [of_key(format_base64url(each.assertion.credential)) for each in approvals]
        people = (lease.terms.executor, *(() if request is None else request.request.parties()))
        return (*keys, *map(of_leaver, sorted(set(people))))

    # Fitness

    def fit(self) -> Moment:
        """The time, if anything may be decided now. Raises `Unavailable` for a clock that went back, a ledger that
        records nothing, a database that fails."""
        self.book.begin_deciding()
        now = self.book.now()
        if self.book.ledger.health().writer.stopped is not None:
            raise Unavailable(Why.LEDGER, NOTHING)
        self.book.recover()
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
        freshness = self._freshness(adopted)
        return Decider(self.estate(self.digest), self.digest, day=day, freshness=freshness, presence=self._presence)

    def _freshness(self, adopted: dt.date) -> Freshness:
        days = self.settings.freshness_days
        return Freshness(limit=None if days is None else dt.timedelta(days=days), adopted=adopted)


def derived_act(*parts: str) -> bytes:
    """An act id that follows from what the act is, so that it is recorded once."""
    return hashlib.sha256("\0".join(("armslength", *parts)).encode()).digest()[:16]
