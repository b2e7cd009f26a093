"""The stores of a log that grows by real records, for tests that write them by hand."""

from __future__ import annotations

from collections.abc import Sequence

from armslength.ledger import Chain, Draft, Journal, Kind, Placed
from armslength.ledger.journal import Batch
from armslength.store import LogBatch, LogState, Openings
from armslength.tlog import Algorithm, Checkpoint, Edge, Note, SigningKey, Tiling, sign_note
from tests.service.logs import NOW, seed

ORIGIN = "log.example.com/acts"
KEY = SigningKey(name=ORIGIN, algorithm=Algorithm.ED25519, seed=seed(ORIGIN))
ADA, BEN = seed("ada"), seed("ben")


def log_state(edge: Edge, *, mapped: int = 0, time: int = 0) -> LogState:
    """The state at an edge, its checkpoint signed."""
    text = Checkpoint(origin=ORIGIN, size=edge.size, root=edge.root()).format()
    note = Note(text=text, signatures=(sign_note(text, KEY),)).format()
    return LogState(origin=ORIGIN, edge=edge, note=note, mapped=mapped, time=time)


def erasing(placed: Placed) -> Openings:
    """What opens an erasure record: for the stores it is bytes."""
    wrapped, openings = b"wrapped %d" % placed.index, b"openings %d" % placed.index
    return Openings(index=placed.index, commitment=placed.record.commitment, wrapped=wrapped, openings=openings)


class Growth:
    """Batches for a log database: each follows on the one before it."""

    def __init__(self) -> None:
        self.journal = Journal(edge=Edge.empty(), chains={})
        self.tiling = Tiling()
        self.leaves: list[bytes] = []
        self.heads: dict[bytes, Chain] = {}

    def next(self, customers: Sequence[bytes], *, map_head: bool = False, kind: Kind = Kind.USE) -> LogBatch:
        """A record for each customer, each an act of its own, and a map head after them if asked for."""
        first = self.journal.size
        acts = [seed(f"act {first + place}")[:16] for place in range(len(customers))]
        drafts = [
            Draft(act=act, kind=kind, customer=customer, commitment=seed(f"commitment {act.hex()}"))
            for act, customer in zip(acts, customers, strict=True)
        ]
        batch = self.journal.place(drafts, now=NOW, map_head=map_head)
        return self._taken(batch, acts, map_head=map_head)

    def _taken(self, batch: Batch, acts: Sequence[bytes], *, map_head: bool) -> LogBatch:
        heads = self.journal.moved(batch) if map_head else {}
        made = LogBatch(
            before=self.journal.edge,
            after=log_state(batch.edge, mapped=batch.mapped, time=batch.time),
            leaves=batch.leaves,
            records=batch.records,
            acts=tuple((act, batch.first + place, 1) for place, act in enumerate(acts)),
            erasures=tuple(erasing(p) for p in batch.records if p.record.kind is Kind.ERASURE),
            payloads=tuple((p.index, b"box of %d" % p.index) for p in batch.records),
            tiles=tuple(self.tiling.extend(batch.hashes)),
            heads=heads,
        )
        self.journal.adopt(batch)
        self.leaves += batch.leaves
        self.heads |= heads
        return made
