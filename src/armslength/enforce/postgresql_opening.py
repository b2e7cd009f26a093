"""Opens a database by a lease: makes the role, with the lease's privileges, once its use is on record.

What happens for one, in this order, and what a crash after each step leaves:

    kept        the journal says what is about to be made; nothing is there, and the next start forgets it
    redeemed    the gate has the use on record; who asks again with the same verifier gets the same use
    made        the role, whole; the next start finds it by the journal, and ends it unless its lease runs
    live        everything; only the answer is missing
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from armslength.enforce.act import Act
from armslength.enforce.client import GateClient
from armslength.enforce.failure import SpoolFailed, Unreachable
from armslength.enforce.postgresql_gate import GateSeen
from armslength.enforce.postgresql_journal import RoleKept
from armslength.enforce.postgresql_kept import KeptRoles
from armslength.enforce.postgresql_names import role_name
from armslength.enforce.postgresql_password import is_verifier
from armslength.enforce.postgresql_roles import LeaseRoles, NameTaken
from armslength.enforce.postgresql_server import ServerFailed
from armslength.enforce.postgresql_settings import DatabaseGrant, PostgresqlPointSettings
from armslength.gate import MOST_CUSTOMERS, LeaseTerms, Moment, Refused, Why, covers, is_name

LOG = logging.getLogger("armslength.enforce.postgresql")

Step = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A role that is there for the lease, until then."""

    role: str
    database: str
    until: Moment


class Opening:
    """For any number of threads."""

    def __init__(
        self,
        settings: PostgresqlPointSettings,
        roles: LeaseRoles,
        kept: KeptRoles,
        gate: GateSeen,
        client: GateClient,
        *,
        unfit: Callable[[], Refused | None],
        clocks: Callable[[], str | None],
        step: Step,
    ) -> None:
        """`unfit`: why nothing is opened now, whoever asks; `clocks`: how the server's clock differs from ours."""
        self._settings, self._roles, self._kept, self._gate, self._client = settings, roles, kept, gate, client
        self._unfit, self._clocks, self._step = unfit, clocks, step
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    def open(self, token: str, verifier: str, customers: Sequence[str], person: str | None) -> Opened | Refused:
        """Raises `ServerFailed`, `SpoolFailed`, `LogLost`."""
        if not is_verifier(verifier):
            return Refused(why=Why.ERROR, says="the password is no SCRAM-SHA-256 verifier")
        if len(customers) > MOST_CUSTOMERS or not all(map(is_name, customers)):
            return Refused(why=Why.ERROR, says="a customer that is named is no name")
        terms = self._gate.terms(token)
        if isinstance(terms, Refused):
            return terms
        if person is not None and person != terms.executor:
            return Refused(why=Why.OUTSIDE, says="the lease is another person's")
        named = tuple(sorted(set(customers))) or terms.customers
        act = Act(person=terms.executor, action=terms.action, resource=terms.resource, customers=named)
        if not covers(
            terms,
            executor=terms.executor,
            action=terms.action,
            resource=terms.resource,
            customers=frozenset(named),
        ):
            return Refused(why=Why.OUTSIDE, says="the lease is for other customers, or each use has to name them")
        grant = self._settings.grant(terms.action, terms.resource)
        if grant is None:
            says = f"nothing says here what {terms.action} on {terms.resource} opens in this database"
            return Refused(why=Why.UNKNOWN_RESOURCE, says=says)
        if grant.rows == "customers" and not named:
            return Refused(
                why=Why.OUTSIDE, says="the lease names no customers, and these tables are opened by customer"
            )
        name = role_name(terms.id)
        with self._lock:
            own = self._locks.setdefault(name, threading.Lock())
        with own:  # two who bring the same lease, one after the other
            return self._opened(token, terms, act, name, verifier)

    def _opened(self, token: str, terms: LeaseTerms, act: Act, name: str, verifier: str) -> Opened | Refused:
        grant = self._settings.grant(terms.action, terms.resource)
        assert grant is not None
        use = _use_of(terms, verifier, act.customers)
        if (refused := self._unfit() or self._gate.not_now(terms)) is not None:
            return refused
        earlier = self._kept.get(name)
        answer = Opened(role=name, database=grant.database, until=terms.end)
        if earlier is not None and earlier.live and earlier.use == use and self._kept.ending(name) is None:
            return answer  # its answer was lost
        if self._kept.ending(name) is not None:
            return Refused(why=Why.STORE, says="an earlier role of this lease is not gone yet: try again")
        if (said := self._clocks()) is not None:
            return Refused(why=Why.CLOCK, says=said)
        if not self._kept.heard():
            return Refused(
                why=Why.STORE, says="the database's log cannot be read, so nothing that is done would be seen"
            )
        about = RoleKept(
            name=name,
            lease=terms.id,
            executor=terms.executor,
            action=terms.action,
            resource=terms.resource,
            customers=act.customers,
            ends=int(terms.end.timestamp()),
            use=use,
            counted=terms.online,
            live=False,
        )
        with self._kept.making(name):
            return self._made(token, terms, act, verifier, grant, about, earlier)

    def _made(
        self,
        token: str,
        terms: LeaseTerms,
        act: Act,
        verifier: str,
        grant: DatabaseGrant,
        about: RoleKept,
        earlier: RoleKept | None,
    ) -> Opened | Refused:
        name = about.name
        try:
            if earlier is None:
                self._kept.keep(about)
            self._step("kept")
            # INVARIANT: the use is durable in the gate's ledger before anything is opened by it.
            redeemed = self._client.redeem(act, use=about.use, token=token)
            if isinstance(redeemed, Refused):
                if earlier is None:
                    self._kept.forget(name)
                return redeemed
            if redeemed.lease != terms.id or redeemed.end is None:
                if earlier is None:
                    self._kept.forget(name)
                return Refused(why=Why.ERROR, says="the gate's yes is for something else")
            self._step("redeemed")
            if earlier is not None:  # with another password, or for other customers, or one that a crash left
                if not self._kept.gone(earlier):
                    return Refused(why=Why.STORE, says="an earlier role of this lease is not gone yet: try again")
                self._kept.keep(about)
            end = min(redeemed.end, terms.end)
            try:
                self._roles.make(name, terms.id, grant, verifier=verifier, end=end, customers=act.customers)
            except NameTaken:
                self._kept.forget(name)
                return Refused(why=Why.STORE, says=f"a role {name} is in the database that this point did not make")
            except ServerFailed:
                self._kept.end_soon(name, "nobody knows whether it was made")
                raise
            self._step("made")
            try:
                self._kept.keep(replace(about, live=True))
            except SpoolFailed:
                self._kept.end_soon(name, "it cannot be kept in the journal")
                raise
            self._step("live")
            LOG.info("opened %s until %s", name, end.isoformat())
            return Opened(role=name, database=grant.database, until=end)
        except Unreachable as error:
            LOG.warning("the gate: %s", error)
            if earlier is None:
                self._kept.forget(name)
            return Refused(why=Why.GATE, says="the gate gives no answer that counts, so nothing is opened")


def _use_of(terms: LeaseTerms, verifier: str, customers: tuple[str, ...]) -> bytes:
    """16 bytes for the use of this lease with this verifier, which holds chance: who asks again asks for the same."""
    parts = ("armslength postgresql", terms.id, verifier, *customers)
    return hashlib.sha256("\0".join(parts).encode()).digest()[:16]
