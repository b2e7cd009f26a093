"""The gate's state: what the events in its ledger make of it. Pure, and the same for the same events.

    outcome = state.apply(event, act=…, index=…, origin=…)     Changed, or Ignored with the reason

`apply` never raises for an event that does not fit: whatever is in the ledger is in it for ever, and has no effect
here. It raises `Tampered`, and changes nothing, for an event that no gate would have written.

One thread at a time applies; any may read. Events of the estate and of keys touch everything and are applied in the
order of the ledger. Others may change places as long as each object sees its own in that order, and the state is the
same: an object that an event finds as it was before takes it once, so a record that is read twice is ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from armslength.gate.change import Changed, Erased, Ignored, ObjectKind
from armslength.gate.event import Event
from armslength.gate.failure import Rejected, Tampered
from armslength.gate.folding import fold
from armslength.gate.form import Form, read_bytes
from armslength.gate.held import parse_key_state, parse_lease_state, parse_request_state
from armslength.gate.lease import LeaseId
from armslength.gate.leaver import parse_leaver_state
from armslength.gate.moment import Moment, posix
from armslength.gate.objects import Objects, by_index
from armslength.gate.request import PersonId, RequestId
from armslength.gate.status import Waiting
from armslength.tlog import Json, canonical, format_base64url

_SNAPSHOT = frozenset("erased estate founded keys leases leavers position requests snapshot time uses version".split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What is no longer held."""

    requests: tuple[RequestId, ...]
    leases: tuple[LeaseId, ...]


class State(Objects):
    """Empty until events are applied. `position` is one more than the greatest index seen."""

    def __init__(self) -> None:
        super().__init__()
        self.position = 0

    # What happened

    def apply(self, event: Event | Erased, *, act: bytes, index: int, origin: str) -> Changed | Ignored:
        """Takes what the record of `act` at `index` of the log `origin` says.

        Raises `Tampered` for an event with fields that no gate writes, and where an erased record may have revoked a
        key or changed the estate: without it nothing can be decided.
        """
        if len(act) != 16 or index < 0:
            raise Tampered(f"a record at {index} with an act id of {len(act)} bytes")
        outcome = fold(self, event, act, index, origin)
        if not isinstance(event, Erased):
            self.time = max(self.time, event.at)
        self.position = max(self.position, index + 1)
        return outcome

    # Writing

    def document(self, kind: ObjectKind, id: str) -> bytes:
        """RFC 8785 form of one object with its version: what its row must equal. Raises `KeyError`."""
        return canonical(self._form(kind, id), label=kind)

    def version_of(self, kind: ObjectKind, id: str) -> int:
        """0 for an object that is not there."""
        match kind:
            case "gate":
                return self.version
            case "key":
                key = self.keys.get(id)
                return 0 if key is None else key.version
            case "request":
                request = self.requests.get(RequestId(id))
                return 0 if request is None else request.version
            case "lease":
                lease = self.leases.get(LeaseId(id))
                return 0 if lease is None else lease.version
            case "leaver":
                leaver = self.leavers.get(PersonId(id))
                return 0 if leaver is None else leaver.version

    def objects(self) -> tuple[tuple[ObjectKind, str], ...]:
        """Everything that has a document."""
        gate: tuple[tuple[ObjectKind, str], ...] = (("gate", ""),) if self.version else ()
        return (
            *gate,
            *(("key", id) for id in tuple(self.keys)),
            *(("request", id) for id in tuple(self.requests)),
            *(("lease", id) for id in tuple(self.leases)),
            *(("leaver", id) for id in tuple(self.leavers)),
        )

    def _form(self, kind: ObjectKind, id: str) -> dict[str, Json]:
        match kind:
            case "gate":
                if id or not self.version:
                    raise KeyError(id)
                return {"estate": self.estate, "founded": self.founded, "kind": "gate", "version": self.version}
            case "key":
                return self.keys[id].form()
            case "request":
                return self.requests[RequestId(id)].form()
            case "lease":
                return self.leases[LeaseId(id)].form()
            case "leaver":
                return self.leavers[PersonId(id)].form()

    def snapshot(self) -> Callable[[], dict[str, Json]]:
        """Everything as it is now; what comes back writes it out, which takes long and disturbs nobody. Nothing may be
        on its way from the ledger to `apply` meanwhile, or `position` would pass it."""
        keys, leases, requests = list(self.keys.values()), list(self.leases.values()), list(self.requests.values())
        leavers = list(self.leavers.values())
        uses = {id: tuple(each) for id, each in self._uses.items()}
        plain: dict[str, Json] = {
            "erased": {id: self._erased[id] for id in sorted(self._erased)},
            "estate": self.estate,
            "founded": self.founded,
            "position": self.position,
            "snapshot": 1,
            "time": self.time,
            "version": self.version,
        }

        def written() -> dict[str, Json]:
            return {
                **plain,
                "keys": [state.form() for state in sorted(keys, key=by_index)],
                "leases": [state.form() for state in sorted(leases, key=by_index)],
                "leavers": [state.form() for state in sorted(leavers, key=by_index)],
                "requests": [state.form() for state in sorted(requests, key=by_index)],
                "uses": {id: sorted(map(format_base64url, each)) for id, each in uses.items()},
            }

        return written

    @staticmethod
    def restore(snapshot: Json) -> State:
        """The state of which this is the snapshot. Raises `Tampered`."""
        state = State()
        try:
            state._restore(snapshot)
        except Rejected as error:
            raise Tampered(f"the snapshot is not one that a gate wrote: {error}") from None
        return state

    def _restore(self, snapshot: Json) -> None:
        read = Form(snapshot, "snapshot", _SNAPSHOT)
        read.exactly("snapshot", 1)
        self.estate = read.text("estate") if read.has("estate") else None
        self.founded = read.flag("founded")
        self.version, self.time, self.position = read.number("version"), read.number("time"), read.number("position")
        keys = [parse_key_state(form) for form in read.items("keys")]
        requests = [parse_request_state(form) for form in read.items("requests")]
        leases = [parse_lease_state(form) for form in read.items("leases")]
        leavers = [parse_leaver_state(form) for form in read.items("leavers")]
        uses, erased = read.mapping("uses"), read.mapping("erased")
        read.done()
        for key in keys:
            self.put_key(key)
        for leaver in leavers:
            self.put_leaver(leaver)
        for request in requests:
            self.put_request(request)
        for lease in leases:
            self.put_lease(lease)
        for id in uses:
            self._uses[LeaseId(id)] = {read_bytes(use) for use in Form(uses, "uses", frozenset(uses)).texts(id)}
        overs = Form(erased, "erased leases", frozenset(erased))
        for id in erased:
            self.put_erased(LeaseId(id), overs.number(id))
        overs.done()

    def forget(self, before: Moment, *, keep: Collection[LeaseId] = frozenset()) -> Forgotten:
        """Lets go of requests and leases that ended before then, so that memory stays bounded. A lease stays as long as
        its own time is not past, or it is one to `keep`, and its request with it."""
        for id in [id for id, over in self._erased.items() if over < posix(before)]:
            del self._erased[id]
        gone = self.forgettable(before, keep=keep)
        for lease in gone.leases:
            self.drop_lease(lease)
        for request in gone.requests:
            self.drop_request(request)
        return gone

    def forgettable(self, before: Moment, *, keep: Collection[LeaseId] = frozenset()) -> Forgotten:
        """What `forget` would let go of."""
        leases = frozenset(
            id
            for id, lease in self.leases.items()
            if id not in keep and lease.ended is not None and max(lease.ended, lease.terms.end) < before
        )
        held = {lease.terms.request for id, lease in self.leases.items() if id not in leases}
        requests = tuple(
            id
            for id, request in self.requests.items()
            if id not in held and not isinstance(request.status, Waiting) and request.status.at < before
        )
        return Forgotten(requests=requests, leases=tuple(leases))
