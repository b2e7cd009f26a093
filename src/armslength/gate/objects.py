"""What the gate holds, and how it is found. Only the fold (folding.py) puts anything into it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from armslength.gate.change import ObjectKind
from armslength.gate.held import KeyState, LeaseState, RequestState
from armslength.gate.index import LeaseIndex, RequestIndex
from armslength.gate.lease import LeaseId
from armslength.gate.leaver import LeaverState
from armslength.gate.moment import Moment, posix
from armslength.gate.request import PersonId, RequestId, Target
from armslength.tlog import format_base64url

_Id = TypeVar("_Id")
_Object = TypeVar("_Object", RequestState, LeaseState)


class Objects:
    """Keys, requests and leases by their ids, with what finds them fast.

    `estate` is the digest that holds, `founded` whether a request was ever made (from then on each key needs a
    voucher), `version` how often one of these two changed, `time` the greatest `at` of an event in POSIX seconds.
    """

    def __init__(self) -> None:
        self.estate: str | None = None
        self.founded = False
        self.version = 0
        self.time = 0
        self.keys: dict[str, KeyState] = {}
        """By credential in base64url."""
        self.requests: dict[RequestId, RequestState] = {}
        self.leases: dict[LeaseId, LeaseState] = {}
        self.leavers: dict[PersonId, LeaverState] = {}
        """Whoever left, those who came back since among them."""
        self._requests = RequestIndex()
        self._leases = LeaseIndex()
        self._people: dict[PersonId, tuple[str, ...]] = {}
        self._public_keys: set[bytes] = set()
        self._uses: dict[LeaseId, set[bytes]] = {}
        self._erased: dict[LeaseId, int] = {}
        """Leases of which nothing can be read any more, and when each is surely over, in POSIX seconds."""

    # Reading

    def key(self, credential: bytes) -> KeyState | None:
        return self.keys.get(format_base64url(credential))

    def keys_of(self, person: PersonId) -> tuple[KeyState, ...]:
        """All that were ever enrolled for them, in the order of the ledger."""
        return tuple(self.keys[credential] for credential in self._people.get(person, ()))

    def knows(self, public_key: bytes) -> bool:
        """Whether it was ever enrolled, for anybody and under any id: one authenticator is not two people."""
        return public_key in self._public_keys

    def has_key(self, person: PersonId) -> bool:
        """Whether they have one that counts."""
        return any(state.revoked is None for state in self.keys_of(person))

    def gone(self, person: PersonId) -> bool:
        """Whether they left, and no adopted change named them as returning."""
        found = self.leavers.get(person)
        return found is not None and found.gone

    def waiting(self) -> tuple[RequestState, ...]:
        """Every request that waits."""
        return self._found(self.requests, self._requests.waiting())

    def requests_of(self, person: PersonId) -> tuple[RequestState, ...]:
        """Those that they carry out, ask for or wrote, whatever became of them."""
        return self._found(self.requests, self._requests.of(person))

    def requests_approved_by(self, person: PersonId) -> tuple[RequestState, ...]:
        """Waiting ones with their approval."""
        return self._found(self.requests, self._requests.approved_by(person))

    def live(self, person: PersonId | None = None) -> tuple[LeaseState, ...]:
        """Leases that no event ended, of everyone or of one executor. Their time may be past, or still to come."""
        ids = self._leases.live() if person is None else self._leases.of(person)
        return self._found(self.leases, ids)

    def leases_for(self, executor: PersonId, action: str, resource: Target) -> tuple[LeaseState, ...]:
        """Live leases for exactly this."""
        return self._found(self.leases, self._leases.asking((executor, action, resource)))

    def leases_approved_by(self, person: PersonId) -> tuple[LeaseState, ...]:
        """Live leases whose quorum they are in."""
        return self._found(self.leases, self._leases.approved_by(person))

    def used(self, lease: LeaseId, use: bytes) -> bool:
        """Whether this use of the lease is counted."""
        return use in self._uses.get(lease, ())

    def due_requests(self, now: Moment) -> tuple[RequestState, ...]:
        """Waiting requests whose end has come."""
        found = self._found(self.requests, self._requests.due(posix(now)))
        return tuple(state for state in found if state.request.expires <= now)

    def due_leases(self, now: Moment) -> tuple[LeaseState, ...]:
        """Live leases whose end has come."""
        found = self._found(self.leases, self._leases.due(posix(now)))
        return tuple(state for state in found if state.terms.end <= now)

    def ended_early(self, now: Moment) -> frozenset[LeaseId]:
        """Leases that ended before their time, or whose records were erased, and which might still run: what a list of
        revoked ones names."""
        found = self._found(self.leases, self._leases.early(posix(now)))
        erased = (id for id, over in tuple(self._erased.items()) if over > posix(now))
        return frozenset((*(state.terms.id for state in found if state.terms.end > now), *erased))

    @staticmethod
    def _found(objects: dict[_Id, _Object], ids: Iterable[_Id]) -> tuple[_Object, ...]:
        found = [state for state in map(objects.get, ids) if state is not None]
        found.sort(key=by_index)
        return tuple(found)

    # For the fold and what restores it

    def put_key(self, state: KeyState) -> None:
        id = format_base64url(state.key.credential)
        known = id in self.keys
        self._public_keys.add(state.key.public_key)
        self.keys[id] = state
        if not known:  # after the key, which readers look up by it
            self._people[state.key.person] = (*self._people.get(state.key.person, ()), id)

    def put_request(self, state: RequestState) -> None:
        before = self.requests.get(state.request.id)
        self.requests[state.request.id] = state
        self._requests.put(before, state)

    def put_lease(self, state: LeaseState) -> None:
        before = self.leases.get(state.terms.id)
        self.leases[state.terms.id] = state
        self._leases.put(before, state)

    def put_leaver(self, state: LeaverState) -> None:
        self.leavers[state.person] = state

    def drop_key(self, state: KeyState) -> list[tuple[ObjectKind, str]]:
        """Put a key that was revoked; with it go its approvals of waiting requests. Gives what changed."""
        self.put_key(state)
        changed: list[tuple[ObjectKind, str]] = [("key", format_base64url(state.key.credential))]
        credential = state.key.credential
        for request in self.signed_with(credential):
            standing = tuple(each for each in request.approvals if each.assertion.credential != credential)
            self.put_request(replace(request, approvals=standing, version=request.version + 1))
            changed.append(("request", request.request.id))
        return changed

    def put_use(self, lease: LeaseId, use: bytes) -> None:
        self._uses.setdefault(lease, set()).add(use)

    def put_erased(self, lease: LeaseId, over: int) -> None:
        """`over`: when it surely is, in POSIX seconds."""
        self._erased[lease] = over

    def signed_with(self, credential: bytes) -> tuple[RequestState, ...]:
        """Waiting requests with an approval by this key."""
        return self._found(self.requests, self._requests.signed_with(credential))

    def drop_request(self, id: RequestId) -> None:
        self._requests.put(self.requests.pop(id), None)

    def drop_lease(self, id: LeaseId) -> None:
        self._leases.put(self.leases.pop(id), None)
        self._uses.pop(id, None)


def by_index(state: KeyState | RequestState | LeaseState | LeaverState) -> int:
    return state.index
