"""A ledger that is open for writing: its stores, its state, and the one way in which either changes.

The order of a commit, and what a crash after each step leaves:

    signed      nothing: the checkpoint is in memory only
    keys        keys and openings of records that no log has; they open nothing
    log         the batch, whole; the lock is behind, and the next start moves it on
    lock        everything; only the answer is missing, and asking again with the same act id gives it
    erased      an erasure's record is there and the erasure is done; before this step the next start does it

`load` is how a ledger starts and how it goes on after a storage error: both read the stores again and trust no memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from armslength.ledger import (
    Draft,
    Journal,
    Kind,
    Placed,
    Record,
    Sealed,
    canonical,
    parse_openings,
    parse_record,
    seal_values,
    unseal,
)
from armslength.service.act import Act
from armslength.service.ledger_erasing import check_scope, obey
from armslength.store import (
    FIRM_NAME,
    Customer,
    Damaged,
    Held,
    KeyDatabase,
    LedgerFolder,
    Lock,
    LogBatch,
    LogDatabase,
    LogState,
    Openings,
    Overtaken,
    log_nodes,
)
from armslength.tlog import (
    Checkpoint,
    Edge,
    Malformed,
    Note,
    Receipt,
    Tiling,
    TlogError,
    edge_at,
    leaf_hash,
    root_at,
    sign_note,
    verify_signature,
)

Outcome = Receipt | Exception
"""What became of one act of a batch: an exception where this act was refused and the others were not."""

UNSETTLED = 64
"""Customers that the map may lag behind by while nobody waits: to catch up on so many takes about 2 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """An act whose leaves have no place yet."""

    place: int
    act: Act
    drafts: tuple[Draft, ...]
    sealed: tuple[Sealed, ...]


class LedgerState:
    """The stores of a ledger, held by this process alone, and its journal. For one thread at a time."""

    def __init__(
        self,
        folder: LedgerFolder,
        *,
        clock: Callable[[], float],
        chance: Callable[[int], bytes],
        step: Callable[[str], None],
        old_keys: bool = False,
    ) -> None:
        """`clock` in POSIX seconds; `chance` gives random bytes fit for keys; `step` is told the name of each step of
        a commit when it is done; `old_keys` goes on with a store of keys that is behind the log. Raises `StoreError`,
        `Overtaken` where another process writes."""
        self._folder, self._clock, self._chance, self._step = folder, clock, chance, step
        self._old_keys = old_keys
        self._lock = Lock(folder.lock)
        try:
            self._log = LogDatabase(folder.log, writing=True)
            try:
                self._keys = KeyDatabase(folder.keys, writing=True)
            except BaseException:
                self._log.close()
                raise
        except BaseException:
            self._lock.close()
            raise
        self._stamp = 0

    def close(self) -> None:
        self._log.close()
        self._keys.close()
        self._lock.close()

    @property
    def size(self) -> int:
        return self._journal.size

    @property
    def edge(self) -> Edge:
        return self._journal.edge

    @property
    def newest(self) -> LogState:
        """The newest checkpoint that may be shown: the lock knows it. One that the lock refused stands in the log's
        database of the writer that lost, and is another history."""
        return self._newest

    @property
    def time(self) -> int:
        """The newest entry's, in POSIX seconds."""
        return self._journal.time

    @property
    def unmapped(self) -> bool:
        """Whether there are records that no map head covers."""
        return self._journal.unmapped

    def load(self) -> None:
        """Take the state from the stores.

        Raises `Overtaken` if the lock knows more than the log: it was rolled back, or another writer went on from
        here. Raises `Damaged` if the log does not add up, and then nothing is signed.
        """
        self._log.settle()  # or a batch that is not there could come back, its keys replaced
        state = self._log.state()
        self._check_note(state)
        self._check_keys(state)
        self._check_lock(state)
        journal = self._replayed(state)
        self._tiling = Tiling.at(state.size, self._hashes, self._log.tile)
        self._journal = journal
        self._newest = state
        self._before = Held(size=state.size, root=state.edge.root())
        self._obey()

    def settle(self) -> None:
        """Do some of the next map head's work now, as nobody waits: with many customers it would hold up a batch."""
        self._journal.settle(beyond=UNSETTLED)

    def commit(self, acts: Sequence[Act], *, map_head: bool) -> list[Outcome]:
        """Record a batch of acts, durably, and a map head after them if asked for and there is something new. Gives
        each act's outcome. An erasure is a batch by itself, so that nothing is sealed under a key that it is about to
        destroy.

        Raises `StoreError` if the batch as a whole failed: it is in the log or not, and only `load` tells.
        """
        if len(acts) > 1 and any(act.kind is Kind.ERASURE for act in acts):
            raise ValueError("an erasure among other acts")
        outcomes: list[Outcome | None] = [None] * len(acts)
        customers: dict[str, Customer] = {}
        prepared = self._prepared(acts, outcomes, customers)
        drafts = [draft for each in prepared for draft in each.drafts]
        map_head = map_head and (bool(drafts) or self.unmapped)
        batch = self._journal.place(drafts, now=int(self._clock()), map_head=map_head)
        if batch.leaves:
            secrets = [sealed for each in prepared for sealed in each.sealed]
            state = self._signed(batch.edge, mapped=batch.mapped, time=batch.time)
            after = Held(size=batch.size, root=batch.edge.root())
            self._step("signed")
            self._keys.write(customers.values(), map(_openings, batch.records, secrets), size=batch.size)
            self._step("keys")
            self._log.write(
                LogBatch(
                    before=self._journal.edge,
                    after=state,
                    leaves=batch.leaves,
                    records=batch.records,
                    acts=_spans(prepared, batch.first),
                    erasures=tuple(
                        _openings(p, s)
                        for p, s in zip(batch.records, secrets, strict=True)
                        if p.record.kind is Kind.ERASURE
                    ),
                    payloads=tuple((p.index, s.box) for p, s in zip(batch.records, secrets, strict=True)),
                    tiles=tuple(self._tiling.extend(batch.hashes)),
                    heads=self._journal.moved(batch) if map_head else {},
                )
            )
            self._step("log")
            self._lock.advance(self._folder.settings.origin, before=self._before, after=after)
            self._step("lock")
            self._journal.adopt(batch)
            self._newest = state
            self._before = after
            if any(placed.record.kind is Kind.ERASURE for placed in batch.records):
                self._obey()
                self._step("erased")
        at = batch.first
        for each in prepared:
            hashes = batch.hashes[at - batch.first : at - batch.first + len(each.drafts)]
            outcomes[each.place] = self._receipt(each.act, first=at, leaves=hashes)
            at += len(each.drafts)
        return self._shared(acts, outcomes)

    # Of a commit

    def _prepared(
        self, acts: Sequence[Act], outcomes: list[Outcome | None], customers: dict[str, Customer]
    ) -> list[_Prepared]:
        """The acts that are new, sealed. Those already in the log, and those refused, get their outcome here;
        customers not seen before are added to `customers`."""
        prepared: list[_Prepared] = []
        taken: dict[bytes, Act] = {}
        recorded = self._log.acts([act.id for act in acts])
        for place, act in enumerate(acts):
            try:
                if act.id in taken:
                    if act != taken[act.id]:
                        raise Malformed("this act id was used for another act")
                    continue  # `_shared` gives it the first one's outcome
                if act.id in recorded:
                    outcomes[place] = self._again(act, *recorded[act.id])
                    continue
                prepared.append(self._sealed(place, act, customers))
                taken[act.id] = act
            except TlogError as error:
                outcomes[place] = error
        return prepared

    def _sealed(self, place: int, act: Act, customers: dict[str, Customer]) -> _Prepared:
        firm = self._firm()
        fresh: dict[str, Customer] = {}
        whose = [self._customer(name, customers, fresh) for name in act.customers] or [firm]
        drafts: list[Draft] = []
        secrets: list[Sealed] = []
        for customer in whose:
            # An erasure's record must outlive the key that it destroys.
            sealed = seal_values(act.values, firm.key if act.kind is Kind.ERASURE else customer.key, self._chance)
            secrets.append(sealed)
            drafts.append(Draft(act=act.id, kind=act.kind, customer=customer.handle, commitment=sealed.commitment))
        if act.kind is Kind.ERASURE:
            if fresh:
                raise Malformed("an erasure of a customer that the log does not know")
            check_scope(act.scope, whose[0].handle, self._log, self._keys, size=self._journal.size)
        customers.update(fresh)
        return _Prepared(place=place, act=act, drafts=tuple(drafts), sealed=tuple(secrets))

    def _customer(self, name: str, batch: dict[str, Customer], fresh: dict[str, Customer]) -> Customer:
        known = batch.get(name) or self._keys.customer(name)
        if known is None:
            known = fresh[name] = Customer(name=name, handle=self._chance(32), key=self._chance(32))
        return known

    def _firm(self) -> Customer:
        firm = self._keys.customer("")
        if firm is None:
            raise Damaged(f"{self._folder.keys}: the firm's own key is missing")
        return firm

    def _signed(self, edge: Edge, *, mapped: int, time: int) -> LogState:
        """The checkpoint of an edge, signed by every key. A clock that stepped back does not take the time signed
        with it."""
        text = Checkpoint(origin=self._folder.settings.origin, size=edge.size, root=edge.root()).format()
        self._stamp = max(self._stamp, int(self._clock()))
        signatures = [
            sign_note(text, key, timestamp=self._stamp if key.algorithm.timestamped else None)
            for key in self._folder.signers
        ]
        note = Note(text=text, signatures=tuple(signatures)).format()
        return LogState(origin=self._folder.settings.origin, edge=edge, note=note, mapped=mapped, time=time)

    def _receipt(self, act: Act, *, first: int, leaves: tuple[bytes, ...]) -> Receipt:
        return Receipt(
            origin=self._folder.settings.origin,
            act=act.id,
            first=first,
            leaves=leaves,
            size=self._journal.size,
            _durable=Receipt.DURABLE,
        )

    def _shared(self, acts: Sequence[Act], outcomes: list[Outcome | None]) -> list[Outcome]:
        """The outcomes with those of acts that were asked for twice in one batch filled in."""
        first = {act.id: outcome for act, outcome in zip(acts, outcomes, strict=True) if isinstance(outcome, Receipt)}
        return [outcome or first[act.id] for act, outcome in zip(acts, outcomes, strict=True)]

    def _again(self, act: Act, first: int, count: int) -> Receipt:
        """The receipt of an act that is in the log already. Raises `Malformed` if the log's is another one."""
        leaves = self._log.leaves(first, first + count)
        records = [parse_record(leaf) for leaf in leaves]
        names = act.customers or (FIRM_NAME,)
        same = [record.kind for record in records] == [act.kind] * len(names)
        # A customer erased since is no longer known, even if one of that name was met again; what was recorded of it
        # can't be compared and stands.
        owners = [self._keys.by_handle(record.customer) for record in records]
        same = same and all(owner is None or owner.name == name for owner, name in zip(owners, names, strict=True))
        if not same or not all(self._same(act, first + n, record) for n, record in enumerate(records)):
            raise Malformed("this act id was used for another act")
        return self._receipt(act, first=first, leaves=tuple(map(leaf_hash, leaves)))

    def _same(self, act: Act, index: int, record: Record) -> bool:
        customer = self._firm() if record.kind is Kind.ERASURE else self._keys.by_handle(record.customer)
        openings, box = self._keys.openings(index, record.commitment), self._log.payload(index)
        if customer is None or openings is None or box is None:
            return True  # erased
        if {field.label for field in parse_openings(openings.openings)} != act.values.keys():
            return False
        kept = unseal(key=customer.key, wrapped=openings.wrapped, box=box, commitment=record.commitment)
        return all(act.values[label] == canonical(value, label=label) for label, value in kept.items())

    def _obey(self) -> None:
        try:
            obey(self._log, self._keys, size=self._journal.size, chance=self._chance)
        except TlogError as error:
            raise Damaged(f"{self._folder.keys}: {error}") from None

    # Of a load

    def _check_note(self, state: LogState) -> None:
        """The stored checkpoint is ours and of this state, and no time is signed that lies before one signed
        already."""
        if state.origin != self._folder.settings.origin or self._keys.origin() != state.origin:
            raise Damaged(
                f"{self._folder.path}: the log is of {state.origin!r}, its keys of {self._keys.origin()!r}, the"
                f" settings say {self._folder.settings.origin!r}"
            )
        try:
            note = Note.parse(state.note)
            checkpoint = Checkpoint.parse(note.text)
            signed = [s for key in self._folder.policy.logs if (s := verify_signature(note, key.key)) is not None]
        except TlogError as error:
            raise Damaged(f"{self._folder.log}: the stored checkpoint: {error}") from None
        if (checkpoint.origin, checkpoint.size, checkpoint.root) != (state.origin, state.size, state.edge.root()):
            raise Damaged(f"{self._folder.log}: the stored checkpoint is not that of the stored state")
        if not signed:
            raise Damaged(f"{self._folder.log}: the stored checkpoint is signed by no key of the policy")
        self._stamp = max([self._stamp, *(s.timestamp or 0 for s in signed)])

    def _check_keys(self, state: LogState) -> None:
        """The store of keys was written for this log: it has read no further than the log goes, and is not behind
        it."""
        erased = self._keys.erased()
        if erased > state.size:
            raise Overtaken(
                f"{self._folder.log}: holds {state.size} entries, but the erasures up to {erased} were done"
                f" ({self._folder.keys}): it was rolled back; restore what is missing, and never sign on from here"
            )
        followed = self._keys.followed()
        if followed < state.size:
            if not self._old_keys:
                raise Overtaken(
                    f"{self._folder.keys}: was written for {followed} entries, but the log has {state.size}: it is an"
                    " older copy; find the newest, or go on without what it lacks: armslength ledger adopt-keys"
                )
            self._keys.follow(state.size)

    def _check_lock(self, state: LogState) -> None:
        """The lock knows a prefix of this log; if it is behind, the last commit ended between the two, and it is
        moved on."""
        origin = state.origin
        held = self._lock.held(origin)
        if held.size > state.size:
            raise Overtaken(
                f"{self._folder.log}: holds {state.size} entries, but {held.size} were signed ({self._folder.lock}): it"
                " was rolled back; restore what is missing, and never sign on from here"
            )
        if root_at(held.size, log_nodes(self._log, state.size)) != held.root:
            raise Overtaken(
                f"{self._folder.log}: another root than the one signed at size {held.size} ({self._folder.lock}): this"
                " is not the log that was signed"
            )
        if held.size < state.size:
            self._lock.advance(origin, before=held, after=Held(size=state.size, root=state.edge.root()))

    def _replayed(self, state: LogState) -> Journal:
        """The journal before the newest map head, carried on over it and the entries after it by the code that checks
        every log: so the chains that are kept are those that the head vouches for."""
        chains = self._log.heads()
        start = state.mapped if chains else 0
        try:
            journal = Journal(edge=_edge(self._log, start), chains=chains)
            for leaves in self._log.pieces(start, state.size):
                journal.adopt(journal.replay(leaves))
        except TlogError as error:
            raise Damaged(f"{self._folder.log}: {error}") from None
        if journal.edge != state.edge:
            raise Damaged(f"{self._folder.log}: the entries do not give the root that was signed")
        if (journal.mapped, journal.time) != (state.mapped, state.time):
            raise Damaged(f"{self._folder.log}: the stored state is not that of its entries")
        return journal  # it knows which chains moved since the head, as the next head has to

    def _hashes(self, first: int, until: int) -> list[bytes]:
        return [leaf_hash(leaf) for leaf in self._log.leaves(first, until)]


def _edge(log: LogDatabase, size: int) -> Edge:
    return edge_at(size, log_nodes(log, size))


def _openings(placed: Placed, sealed: Sealed) -> Openings:
    return Openings(
        index=placed.index,
        commitment=sealed.commitment,
        wrapped=sealed.wrapped,
        openings=sealed.kept,
    )


def _spans(prepared: Sequence[_Prepared], first: int) -> tuple[tuple[bytes, int, int], ...]:
    spans = []
    for each in prepared:
        spans.append((each.act.id, first, len(each.drafts)))
        first += len(each.drafts)
    return tuple(spans)
