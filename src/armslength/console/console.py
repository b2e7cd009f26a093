"""What all pages of a gate's console share: who is signed in, who people are, how often one may try."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from urllib.parse import urlsplit

from starlette.requests import Request

from armslength.console.demonstration import Demonstration
from armslength.console.keepers import Keepers
from armslength.console.people import Face, Faces
from armslength.console.rates import Rate
from armslength.console.reach_view import ReachPages
from armslength.console.sessions import Sessions
from armslength.console.simulation_view import Simulations
from armslength.console.turns import Turn, Turns
from armslength.console.uploads import Uploads
from armslength.gate import Moment, PersonId, moment, posix
from armslength.service import Gate, OidcSignIn, SeenByKeepers
from armslength.store import OidcProvider, read_client_secret

THREADS = 16
"""Pages that are made at a time. The gate's own answers have other threads, so that pages never hold them up."""
OWN_THREADS = 4
"""Of those, for one person at a time."""
OWN_REQUESTS = 32
"""Of one person, under way or waiting; a browser sends six at a time, or some more through a proxy."""
STRANGE_THREADS = 8
"""For everybody who is not signed in, together: the other half is left to those who are."""
STRANGE_REQUESTS = 300
"""The same; a listener answers 500 at a time."""
PROVIDER_THREADS = 4
"""For everybody who waits for the identity provider, besides: one that does not answer holds up nobody else."""
PROVIDER_REQUESTS = 64
BACK = "/sign-in/back"
"""Where the provider sends browsers to; it has to know this address."""


class Console:
    """What all pages share. `clock` in POSIX seconds."""

    def __init__(self, gate: Gate, *, demo: bool, clock: Callable[[], float]) -> None:
        """Raises `NotADemonstration`, and `StoreError` where sign-in by a provider is set and cannot be had."""
        self.gate = gate
        self.demonstration = Demonstration(gate) if demo else None
        self.clock = clock
        where = urlsplit(gate.settings.url)
        self.https = where.scheme == "https"
        self.origin = f"{where.scheme}://{where.netloc}"
        self.host = where.netloc.lower()
        self.sessions = Sessions(
            gate.database,
            key=gate.derived("sessions"),
            https=self.https,
            idle=60 * gate.settings.session_minutes,
            longest=3600 * gate.settings.session_hours,
        )
        self.clicks = Rate(burst=60, each=1.0)
        """Forms of a person who is signed in."""
        self.looks = Rate(burst=300, each=0.1)
        """Pages of a person who is signed in. Nobody clicks ten times a second, nor opens 300 pages at once."""
        self.uploads = Uploads()
        self.failures = Rate(burst=10, each=6.0)
        """Of a passkey at the sign-in. Only who has it in hand knows its id, so nobody else can have it held up."""
        self.strangers = Rate(burst=200, each=0.05)
        """Of everybody who is not signed in, together: each visit is a row for ten minutes."""
        self.arrivals = Rate(burst=100, each=0.1)
        """Of everybody who comes from the provider: for each it is asked what a code is worth."""
        self.sign_in = self._sign_in()
        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="console")
        self._own = Turns(pool, threads=OWN_THREADS, most=OWN_REQUESTS)
        self._strange = Turns(pool, threads=STRANGE_THREADS, most=STRANGE_REQUESTS)
        # One thread more than people who sign in can take: what the provider tells by itself comes through.
        waiting = ThreadPoolExecutor(PROVIDER_THREADS + 1, thread_name_prefix="provider")
        self._waiting = Turns(waiting, threads=PROVIDER_THREADS, most=PROVIDER_REQUESTS)
        self._faces: tuple[str, Faces] | None = None
        self._keepers: Keepers | None = None
        self.reach = ReachPages()
        self.simulations = Simulations(SeenByKeepers(gate))

    def _sign_in(self) -> OidcSignIn | None:
        """At the provider that the settings name."""
        settings = self.gate.settings.sign_in
        if settings is None:
            return None
        provider = OidcProvider(
            settings.issuer,
            client_id=settings.client_id,
            secret=read_client_secret(self.gate.folder.path, settings),
            redirect_uri=f"{self.origin}{BACK}",
        )
        return OidcSignIn(settings, provider, key=self.gate.derived("sign-in by a provider"))

    @property
    def by_passkey(self) -> bool:
        """Whether a passkey signs in."""
        return self.sign_in is None or not self.sign_in.settings.only

    def turn(self, person: PersonId | None, *, waits: bool = False) -> AbstractContextManager[Turn]:
        """A request of this person, or of a stranger; `waits`: for the provider. Raises `Crowded`."""
        if waits:
            return self._waiting.of("arriving")
        return self._strange.of("") if person is None else self._own.of(person)

    def told_turn(self) -> AbstractContextManager[Turn]:
        """Something that the provider tells by itself. Raises `Crowded`."""
        return self._waiting.of("told")

    def now(self) -> Moment:
        return moment(self.clock())

    def faces(self) -> Faces:
        """Those of the estate that holds now."""
        decider = self.gate.decider
        if self._faces is None or self._faces[0] != decider.digest:
            self._faces = (decider.digest, Faces(decider.estate))
        return self._faces[1]

    def demo_people(self) -> tuple[Face, ...]:
        """Whom a visitor may act as."""
        if self.demonstration is None:
            return ()
        faces = self.faces()
        return tuple(faces.of(person) for person in self.demonstration.people(self.gate))

    def keepers(self) -> Keepers:
        """Those of the estate and the day that hold now."""
        decider = self.gate.decider
        if self._keepers is None or self._keepers.decider is not decider:
            self._keepers = Keepers(decider)
        return self._keepers

    def signed_in(self, request: Request) -> tuple[PersonId, bytes] | None:
        """(person, secret) of the browser's session, unless its person is no longer known here or has no passkey (but
        where a provider says who they are), or one of theirs was revoked since it began: by the ledger, so that no row
        of a session undoes it."""
        session = self.sessions.of(request, now=int(self.clock()))
        if session is None or not self.gate.decider.roster.knows(session.person):
            return None
        if session.through is None and not self.keys_of(session.person):
            return None
        revoked = (each.revoked for each in self.gate.state.keys_of(session.person))
        if any(each is not None and posix(each.at) >= session.made for each in revoked):
            return None
        return session.person, session.secret

    def keys_of(self, person: PersonId) -> tuple[bytes, ...]:
        """The credentials of a person's passkeys that count."""
        return tuple(each.key.credential for each in self.gate.state.keys_of(person) if each.revoked is None)
