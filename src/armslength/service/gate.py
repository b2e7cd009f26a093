"""The gate: what a program holds that has sensitive acts approved, or lets them happen.

    with open_gate(folder) as gate:
        gate.ask(...), gate.approve(...), gate.redeem(...)

Each verb gathers what it needs, asks the pure core (`armslength.gate`), records the answer in the ledger, and only then
does it have effect. Any number of threads may call. A refusal is an answer (`Refused`); what cannot be answered raises
a `GateError`: `Rejected` (the caller's fault), `Conflict` (something else happened first), `Tampered` (a row is not
what the ledger says) or `Unavailable` (clock, ledger, database), and then nothing was allowed.

It is long because it lists every verb; none of them decides anything here.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from armslength.gate import (
    Assertion,
    Binding,
    Candidates,
    Decider,
    Enrolment,
    Evidence,
    GateError,
    Impossible,
    LeaseId,
    LeaseState,
    Look,
    Moment,
    Party,
    PersonId,
    Question,
    Refused,
    RequestId,
    RequestState,
    State,
    Target,
    Why,
    posix,
    sign_binding,
)
from armslength.ledger import Json
from armslength.service.gate_adopting import Adopting
from armslength.service.gate_anew import anew
from armslength.service.gate_approving import Approving
from armslength.service.gate_asking import Asked, Asking, AskOutcome
from armslength.service.gate_book import Step
from armslength.service.gate_change import Proposed
from armslength.service.gate_clock import machine_seconds
from armslength.service.gate_denials import Denials
from armslength.service.gate_directory import Directories
from armslength.service.gate_documents import Documents
from armslength.service.gate_drill import Drills
from armslength.service.gate_enrolling import Enrolling
from armslength.service.gate_failure import Unavailable
from armslength.service.gate_health import GateHealth, gate_health, not_ready
from armslength.service.gate_leasing import Leasing
from armslength.service.gate_leaving import Leaving
from armslength.service.gate_opening import open_ledger_of, open_office
from armslength.service.gate_pending import Invitation, PendingKey
from armslength.service.gate_reviewing import review, unreviewed
from armslength.service.gate_revoking import KeysRevoked, Revoking
from armslength.service.gate_snapshot import write_snapshot
from armslength.service.gate_statements import StatementAnswer, StatementBatch, Statements
from armslength.service.gate_sweeping import EVERY, Sweeping
from armslength.service.gate_using import OfflineAnswer, OfflineUse, Redeemed, Using
from armslength.service.ledger import OpenLedger
from armslength.store import (
    Away,
    GateDatabase,
    GateFolder,
    GateSettings,
    StoreError,
    open_gate_database,
    read_gate_folder,
)


def _nothing(step: str) -> None:
    """Nobody follows the steps."""


class Gate:
    """One process's hold on a gate: its estate, its ledger, its rows."""

    def __init__(
        self,
        folder: GateFolder,
        *,
        ledger: OpenLedger | None = None,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] | None = None,
        chance: Callable[[int], bytes] = secrets.token_bytes,
        step: Step = _nothing,
    ) -> None:
        """`ledger`: one that the caller has open and keeps; without it the gate opens the one that its settings name,
        and closes it. `clock` in POSIX seconds; `steady` in seconds of a clock that nobody sets, with which it has to
        keep pace (None: the machine's, for the machine's clock; any other clock is believed); `chance` gives random
        bytes fit for keys; `step` is told each step of what is recorded when it is done.

        What the ledger has and the rows have not is made good here, by the code that records new things. Raises
        `Unfounded` where the folder is no gate or its estate is not what the ledger says, and `StoreError`.
        """
        self.folder = folder
        self._own = ledger is None
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        steady = machine_seconds if steady is None and clock is time.time else steady
        self._database = open_gate_database(folder, serving=True)
        try:
            self._ledger = open_ledger_of(folder, clock, steady, chance) if ledger is None else ledger
            try:
                self._office, self._mended = open_office(
                    folder, self._database, self._ledger, clock=clock, steady=steady, chance=chance, step=step
                )
                self._verbs()
            except BaseException:
                if self._own:
                    self._ledger.close()
                raise
        except BaseException:
            self._database.close()
            raise

    def _verbs(self) -> None:
        office = self._office
        self._denials = Denials(office)
        self._documents = Documents(office)
        self._asking = Asking(office, self._denials, self._documents)
        self._adopting = Adopting(office, self._asking, self._documents)
        self._leasing = Leasing(office, self._adopting)
        self._approving = Approving(office, self._leasing, self._documents)
        self._using = Using(office, self._leasing, self._denials)
        self._statements = Statements(office)
        self._enrolling = Enrolling(office, self._using)
        self._revoking = Revoking(office, self._leasing, self._enrolling.may_vouch)
        self._leaving = Leaving(office, self._leasing)
        self._directories = Directories(office, self._leaving, self._leasing, self._adopting)
        self._sweeping = Sweeping(
            office,
            self._asking,
            self._adopting,
            self._leasing,
            self._revoking,
            self._leaving,
            self._directories,
        )

    # Its life

    def start(self) -> None:
        """Have time pass from now on: a thread calls `tick` every two seconds, and the ledger publishes."""
        if self._own:
            self._ledger.start()
        self._thread = threading.Thread(target=self._run, name="gate", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._closed.wait(EVERY):
            self.tick()

    def close(self) -> None:
        """Let go. Once closed it stays so."""
        if self._closed.is_set():
            return
        self._closed.set()
        if self._thread is not None:
            self._thread.join()
        self._sweeping.close()
        try:
            with suppress(GateError, StoreError):  # without it the next start reads more of the ledger
                write_snapshot(self._office)
        finally:
            if self._own:
                self._ledger.close()
            self._database.close()

    def tick(self) -> None:
        """What time alone brings: requests lapse, leases end, veto windows and holds run out, the day changes, reviews
        fall due. Never raises for what is wrong in one of them; the health tells."""
        self._sweeping.tick()

    def health(self) -> GateHealth:
        """How it is; costs no disk."""
        return gate_health(self._office, self._sweeping, self._mended)

    def ready(self) -> str | None:
        """Why nothing can be allowed now, as one sentence; None where the gate is fit to decide."""
        return not_ready(self._office)

    # What it stands on

    @property
    def settings(self) -> GateSettings:
        return self._office.settings

    @property
    def database(self) -> GateDatabase:
        """For what is no record: sessions, and notices that wait."""
        return self._database

    @property
    def ledger(self) -> OpenLedger:
        """Where all of it is recorded."""
        return self._ledger

    @property
    def party(self) -> Party:
        """Who passkeys are made for."""
        return self._office.party

    @property
    def decider(self) -> Decider:
        """The estate that holds now, on today's day. A new day gives a new one."""
        return self._office.decider

    @property
    def digest(self) -> str:
        """Of the estate that holds now, in hex."""
        return self._office.digest

    @property
    def state(self) -> State:
        """What the ledger says. For reading."""
        return self._office.book.state

    # Decisions, without effect

    def look(self, question: Question) -> Look:
        """What policy says of a question. Never raises: what goes wrong is a refusal."""
        try:
            self._office.book.now()
            return self._office.decider.look(question)
        except Unavailable as error:
            return error.refused()
        except Exception as error:
            return Refused(why=Why.ERROR, says=f"deciding failed with {type(error).__name__}")

    # Requests

    def put_evidence(self, name: str, media_type: str, data: bytes) -> Evidence:
        """Keep a document, found again by its digest. Raises `Rejected` for a name or a type that is none, or more
        bytes than the settings allow."""
        return self._documents.put(name, media_type, data)

    def evidence(self, digest: bytes) -> tuple[str, bytes]:
        """Media type and bytes. Raises `Rejected` where there is none, `Tampered` where the bytes are others."""
        return self._documents.read(digest)

    @anew
    def ask(self, asked: Asked, *, caller: str, key: str | None = None) -> AskOutcome:
        """Make a request. `caller` is who sends it (a person's session, a point), `key` their Idempotency-Key: the same
        key from the same caller is the same request, whatever became of the first try.

        What policy refuses, and what nobody could approve, is recorded and comes back as `Refused`. Raises `Rejected`,
        and `Conflict` where the same is waiting or leased already (see `Asked.renews`), or the key was used for
        something else.
        """
        return self._asking.ask(asked, caller=caller, key=key)

    def request(self, id: RequestId) -> RequestState:
        """Raises `Rejected` where there is none."""
        return self._office.request(id)

    def requests(self) -> tuple[RequestState, ...]:
        """All that the gate still knows of, newest first."""
        with self._office.book.reading:
            found = list(self.state.requests.values())
        return tuple(sorted(found, key=lambda each: -each.index))

    def waiting_for(self, person: PersonId) -> tuple[RequestState, ...]:
        """Those that this person could approve now and has not, the oldest first."""
        return self._approving.waiting_for(person)

    def mine(self, person: PersonId) -> tuple[RequestState, ...]:
        """Those that this person asks for, wrote or would carry out, newest first."""
        return tuple(reversed(self.state.requests_of(person)))

    def who_could(self, asked: RequestId | Asked) -> Candidates:
        """Who could complete the quorum, of those who have a passkey; before it is sent (`Asked`) or after."""
        if isinstance(asked, Asked):
            return self._asking.who_could(asked)
        return self._office.candidates(self._office.request(asked))

    def opened(self, id: RequestId, person: PersonId, digest: bytes) -> None:
        """This document of the request was put before this person. Raises `Rejected` if the request has no such."""
        self._documents.show(id, person, digest)

    def unopened(self, id: RequestId, person: PersonId) -> tuple[Evidence, ...]:
        """What they still have to be shown before they can approve."""
        return self._documents.unopened(id, person)

    @anew
    def approve(self, id: RequestId, approver: PersonId, assertion: Assertion) -> RequestState:
        """Take a person's signature over `request.challenge()`. The last one of a quorum opens the lease at once,
        unless a customer's word or veto window is still to come.

        Raises `Rejected` with every problem, `Conflict` where the request is over or they approved already.
        """
        return self._after(self._approving.approve(id, approver, assertion))

    @anew
    def unapprove(self, id: RequestId, approver: PersonId) -> RequestState:
        """Take one's approval back while there is no lease."""
        return self._approving.unapprove(id, approver)

    @anew
    def decline(self, id: RequestId, approver: PersonId, reason: str) -> RequestState:
        """Say no, which ends it. For those who could approve it."""
        return self._approving.decline(id, approver, reason)

    @anew
    def withdraw(self, id: RequestId, by: PersonId) -> RequestState:
        """Take the request back. For its executor, asker and author."""
        return self._approving.withdraw(id, by)

    @anew
    def withdraw_filed(self, id: RequestId, point: str) -> RequestState:
        """The same, by the enforcement point that filed it, and as its act."""
        return self._approving.withdraw_filed(id, point)

    def voice_of(self, token: str) -> tuple[RequestState, str]:
        """The request and the customer that a voice token is for. Raises `Rejected`."""
        return self._approving.voice_of(token)

    @anew
    def voice(self, token: str, agrees: bool) -> RequestState:
        """A customer's own word: yes counts where the terms ask for it, no ends the request."""
        return self._after(self._approving.voice(token, agrees))

    def voice_token(self, id: RequestId, customer: str) -> str:
        """What goes into the customer's link (`/voice/{token}`). Nobody else may see it."""
        return self._approving.voice_token(id, customer)

    # Leases

    def lease(self, id: LeaseId) -> LeaseState:
        """Raises `Rejected` where there is none."""
        return self._office.lease(id)

    def leases(self) -> tuple[LeaseState, ...]:
        """All that the gate still knows of, newest first."""
        with self._office.book.reading:
            found = list(self.state.leases.values())
        return tuple(sorted(found, key=lambda each: -each.index))

    def live(self, person: PersonId | None = None) -> tuple[LeaseState, ...]:
        """Those that are live, of one executor or of all."""
        return self.state.live(person)

    def token(self, id: LeaseId) -> str:
        """The lease as a JWS. Raises `Conflict` where it is over."""
        return self._leasing.token(id)

    @anew
    def give_back(self, id: LeaseId, by: PersonId) -> LeaseState:
        """End it early. For its executor and the request's asker."""
        return self._leasing.give_back(id, by)

    @anew
    def revoke(self, id: LeaseId, by: PersonId, reason: str) -> LeaseState:
        """Take it away. For everyone who asked, approved, or could have approved it, and for `HOST`."""
        return self._leasing.revoke(id, by, reason)

    def stands(self, id: LeaseId) -> Refused | None:
        """Why what a lease opened has to end now, or None; what its last use opened may outlast that use. Raises
        `Rejected` where there is no such lease, `Unavailable`."""
        return self._leasing.stands(id)

    def revocations(self) -> str:
        """The signed list for enforcement points, at most a few seconds old."""
        return self._leasing.revocations()

    def jwks(self) -> Json:
        """The public keys that leases, lists and tokens verify under (RFC 7517)."""
        return self._leasing.jwks()

    def bind(self, binding: Binding) -> str:
        """The binding token of a denial, as the gate signs it."""
        return sign_binding(binding, self._leasing.signing)

    def redeem(
        self,
        *,
        point: str,
        executor: PersonId,
        action: str,
        resource: Target,
        customers: Sequence[str] = (),
        use: bytes,
        token: str | None = None,
        context: Mapping[str, Json] | None = None,
    ) -> Redeemed | Refused:
        """Whether the act may happen now. A yes is recorded before it is given: `use` is 16 bytes that the point drew
        for this one act, and asking again with the same is the same use. `token` names the lease; without it the gate
        looks for one. `context` is what standing access may look at. Never raises: what goes wrong is a refusal.
        """
        return self._using.redeem(
            point=point,
            executor=executor,
            action=action,
            resource=resource,
            customers=customers,
            use=use,
            token=token,
            context={} if context is None else context,
        )

    @anew
    def take_uses(self, point: str, uses: Sequence[OfflineUse]) -> tuple[OfflineAnswer, ...]:
        """Uses that a point let pass while it could not ask. Each is recorded once, however often it is sent. Raises
        `Unavailable`."""
        return self._using.take_uses(point, uses)

    @anew
    def take_statements(self, point: str, batches: Sequence[StatementBatch]) -> tuple[StatementAnswer, ...]:
        """What was done by leases in a system that writes its own log. Each batch is recorded once, however often it is
        sent. Raises `Unavailable`."""
        return self._statements.take(point, batches)

    def reviews_due(self) -> tuple[LeaseState, ...]:
        """Leases under break-glass terms that nobody looked at yet, the oldest first."""
        return unreviewed(self._office)

    @anew
    def review(self, id: LeaseId, by: PersonId, outcome: str) -> LeaseState:
        """Somebody who had no part in it says what they found (break-glass)."""
        return review(self._office, id, by, outcome)

    # People's keys

    def invite(self, person: PersonId) -> str:
        """A token for the link under which this person makes a passkey, good for a day."""
        return self._enrolling.pending.invite(person)

    def begin_enrolment(self, token: str) -> Invitation:
        """What the browser's `navigator.credentials.create` is given. Raises `Rejected` for a token that is none."""
        return self._enrolling.pending.begin(token)

    def finish_enrolment(self, token: str, registration: Mapping[str, Json]) -> PendingKey:
        """Check the new passkey and keep it until somebody vouches for it. Raises `Rejected`."""
        return self._enrolling.pending.finish(token, registration)

    def pending_keys(self) -> tuple[PendingKey, ...]:
        """Passkeys that nobody vouched for yet."""
        return self._enrolling.pending.pending()

    def enrolment(self, id: str, voucher: PersonId | None = None) -> Enrolment:
        """What the voucher signs: `.challenge()`. Raises `Rejected`, and `Tampered` for a pending key that somebody
        swapped."""
        return self._enrolling.pending.enrolment(id)

    def may_vouch(self, voucher: PersonId, person: PersonId) -> bool:
        """Whether they hold the power `assume` on that person, standing or by a live lease."""
        return self._enrolling.may_vouch(voucher, person)

    def vouchers(self, person: PersonId) -> tuple[PersonId, ...]:
        """Who could vouch for them now."""
        return self._enrolling.vouchers(person)

    @anew
    def vouch(self, id: str, voucher: PersonId, assertion: Assertion) -> None:
        """The second person's signature: from here on the passkey counts. They need the power `assume` on that person,
        standing or by a live lease. Raises `Rejected`, `Conflict`."""
        self._enrolling.vouch(id, voucher, assertion)

    @anew
    def found(self, id: str) -> None:
        """Let a passkey count without a voucher: on the gate's own host, before the first request. Raises
        `Conflict` after it."""
        self._enrolling.found(id)

    @anew
    def revoke_key(self, credential: bytes, by: PersonId, reason: str) -> KeysRevoked:
        """For its person, for whoever could vouch for them, and for `HOST`. Leases that it approved end, its person is
        signed out, and passkeys that it vouched for in the last 30 days are revoked with it. Gives which, and those
        that it vouched for earlier: they count still."""
        return self._revoking.revoke(credential, by, reason)

    # Drills

    @property
    def drills(self) -> Drills:
        """Rehearsals, which open nothing."""
        return self._sweeping.drills

    @anew
    def leave(self, person: PersonId, source: str) -> bool:
        """Somebody is gone, says `source` (a directory's id, or `HOST`): what they have ends at once, and they are
        refused everything until an adopted change names them as returning. Whether that is news. Raises
        `Unavailable`, and then it is not recorded."""
        return self._leaving.left(person, source)

    @property
    def directories(self) -> Directories:
        """What identity providers say of people."""
        return self._directories

    # The estate

    @anew
    def propose(
        self,
        files: Mapping[str, bytes],
        *,
        asker: PersonId,
        purpose: str,
        caller: str,
        key: str | None = None,
        returning: Sequence[PersonId] = (),
    ) -> AskOutcome:
        """Ask for another estate: `files` by name, all of them. What would change is the request's evidence. Adopted at
        once when its quorum, apart from every state whose reach it widens, is there. `returning` are people who left
        and come back with it; the files may then be those that hold.

        Raises `EstateError` with every problem of the files, `Rejected`, and `Conflict` where nothing differs.
        """
        return self._adopting.propose(files, asker=asker, purpose=purpose, caller=caller, key=key, returning=returning)

    def proposed(self, id: RequestId) -> Proposed | None:
        """What a request for another estate would change; None for a request of another kind."""
        return self._adopting.proposed(self._office.request(id).request)

    def simulate(self, away: frozenset[PersonId]) -> tuple[Impossible, ...]:
        """What nobody could be given with these people away, and could with everybody there."""
        return self._adopting.simulate(away)

    def estate_files(self) -> Mapping[str, bytes]:
        """The files of the estate that holds. Raises `StoreError`."""
        return self.folder.estates.files(self.digest)

    def freshen(self, files: Mapping[str, bytes]) -> None:
        """Take in the same estate with newer `as_of` dates, which are no part of its digest. Raises `EstateError`, and
        `Rejected` for another estate."""
        self._office.freshen(files)

    # Absences

    def away(self) -> tuple[Away, ...]:
        """Of whom somebody said that they cannot be asked for a time."""
        return self._office.book.copies.read(lambda tables: tables.away.all())

    def go_away(self, person: PersonId, *, by: PersonId, start: Moment, ends: Moment | None) -> None:
        """Say it. It decides nothing: it keeps them from being named and told."""
        said = Away(person=person, start=posix(start), ends=None if ends is None else posix(ends), by=by)
        self._office.book.copies.change(lambda tables: tables.away.put(said))

    def come_back(self, person: PersonId) -> bool:
        """Whether they were said to be away."""
        return self._office.book.copies.change(lambda tables: tables.away.back(person))

    # For others of this program

    def now(self) -> Moment:
        """The gate's time. Raises `Unavailable` while its clock cannot be believed."""
        return self._office.book.now()

    def derived(self, purpose: str) -> bytes:
        """32 bytes for one purpose alone, from a key that the database does not have."""
        return self._office.derived(f"for {purpose}")

    def _after(self, state: RequestState) -> RequestState:
        """What an answer brought with it is done before it is given: if another estate holds now, leases are judged
        again."""
        with suppress(GateError):
            self._leasing.catch_up()
        return state

    # With

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_gate(path: Path, *, ledger: OpenLedger | None = None) -> Gate:
    """The gate in the folder at `path`. Raises `Unfounded`, `StoreError`."""
    return Gate(read_gate_folder(path), ledger=ledger)
