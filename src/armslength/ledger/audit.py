"""The content of a log, checked as it grows: every entry one of ours, every chain without a gap, every map head true.

It takes no secret, only the leaves. `Journal` is what checks, the same code that writes; this goes on after a problem,
so that one broken entry does not hide the next. After it the log is taken as it stands: a record out of its chain is
the chain's new end, a time that ran back the new time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from armslength.ledger.chain import Chain, check_next
from armslength.ledger.entry import parse_entry
from armslength.ledger.journal import Batch, Journal
from armslength.ledger.map_head import MapHead, parse_map_head
from armslength.ledger.minute import format_minute
from armslength.ledger.record import Record
from armslength.tlog import Edge, Malformed, TlogError, Unverified, format_base64url, leaf_hash


class Rule(StrEnum):
    """What an entry has to keep (docs/formats/record.md, docs/formats/map.md)."""

    FORM = "form"
    """It is the one spelling of a record or of a map head."""
    TIME = "time"
    """Its time is not before that of the entry before it."""
    CHAIN = "chain"
    """It is its customer's next record: sequence and previous follow on the one before."""
    MAP = "map"
    """A map head is the map of the entries before it, all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """The entry at `index` of the main log breaks `rule`; `words` say how."""

    index: int
    rule: Rule
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditState:
    """All that is needed to go on: of the main log its edge, the newest entry's time (POSIX seconds), the size that its
    newest map head covers; of every customer the chain, by handle."""

    edge: Edge
    time: int
    mapped: int
    chains: dict[bytes, Chain] = field(repr=False)
    shifted: dict[bytes, int] = field(repr=False, default_factory=dict)
    """Of customers whose chain broke: the next sequence number, where it is not the number of their records."""

    @classmethod
    def empty(cls) -> AuditState:
        return cls(edge=Edge.empty(), time=0, mapped=0, chains={})


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """What some more entries came to: the problems in them, and the state after them, of which `chains` holds only
    those that changed."""

    problems: tuple[Problem, ...]
    state: AuditState


class Audit:
    """A log followed from its first entry, or from where an audit before it ended."""

    def __init__(self, state: AuditState) -> None:
        self._chains = dict(state.chains)
        self._shifted = dict(state.shifted)
        self._journal = Journal(edge=state.edge, chains=state.chains, time=state.time, mapped=state.mapped)

    @property
    def size(self) -> int:
        return self._journal.size

    @property
    def edge(self) -> Edge:
        return self._journal.edge

    @property
    def time(self) -> int:
        """The newest entry's, in POSIX seconds; 0 if there is none."""
        return self._journal.time

    def state(self) -> AuditState:
        return self._state(dict(self._chains))

    def extend(self, leaves: Sequence[bytes]) -> Audited:
        """Check the entries that follow. Whose they are is not asked: compare the edge's root with a checkpoint's."""
        problems: list[Problem] = []
        chains: dict[bytes, Chain] = {}
        self._take(leaves, problems, chains)
        return Audited(problems=tuple(problems), state=self._state(chains))

    def _state(self, chains: dict[bytes, Chain]) -> AuditState:
        journal = self._journal
        return AuditState(
            edge=journal.edge, time=journal.time, mapped=journal.mapped, chains=chains, shifted=dict(self._shifted)
        )

    def _take(self, leaves: Sequence[bytes], problems: list[Problem], chains: dict[bytes, Chain]) -> None:
        if not leaves:
            return
        try:
            batch = self._journal.replay(leaves)
        except TlogError:
            if len(leaves) > 1:
                # Halved until what is wrong stands alone.
                middle = len(leaves) // 2
                self._take(leaves[:middle], problems, chains)
                self._take(leaves[middle:], problems, chains)
                return
            found, batch = self._broken(leaves[0])
            problems += found
        self._journal.adopt(batch)
        self._chains.update(batch.chains)
        chains.update(batch.chains)

    def _broken(self, leaf: bytes) -> tuple[list[Problem], Batch]:
        """Everything that is wrong with the next entry, and the log with it as it is."""
        journal, hashed = self._journal, leaf_hash(leaf)
        index, time, mapped = journal.size, journal.time, journal.mapped
        found: list[tuple[Rule, str]] = []
        chains: dict[bytes, Chain] = {}
        try:
            entry = parse_entry(leaf)
        except Malformed as error:
            found.append((Rule.FORM, f"neither a record nor a map head: {error}"))
        else:
            if entry.time < time:
                before = f"{format_minute(time)}, that of an entry before it"
                found.append((Rule.TIME, f"its time {format_minute(entry.time)} is before {before}"))
            time = entry.time
            if isinstance(entry, MapHead):
                found += [(Rule.MAP, words) for words in self._wrong_head(entry)]
                mapped = index
            else:
                chain = self._chains.get(entry.customer) or Chain.empty()
                if broken := self._break(chain, entry, hashed):
                    found.append((Rule.CHAIN, f"customer {format_base64url(entry.customer)}: {broken}"))
                chains[entry.customer] = chain.next(hashed)
                self._shifted.pop(entry.customer, None)
                if entry.sequence != chain.size:
                    self._shifted[entry.customer] = entry.sequence + 1
        batch = Batch(
            first=index,
            leaves=(leaf,),
            hashes=(hashed,),
            records=(),
            edge=journal.edge.extended((hashed,)),
            chains=chains,
            time=time,
            mapped=mapped,
        )
        return [Problem(index=index, rule=rule, words=words) for rule, words in found], batch

    def _break(self, chain: Chain, record: Record, hashed: bytes) -> str | None:
        """How a record fails to be its customer's next; None if it is."""
        expected = self._shifted.get(record.customer)
        if expected is None:
            try:
                check_next(chain, record, hashed)
            except Unverified as error:
                return str(error)
            return None
        if record.sequence != expected:
            return f"the record has the sequence number {record.sequence}, expected {expected}"
        if record.previous != chain.last:
            return f"record {record.sequence} does not follow on the record before it: its previous is another"
        return None

    def _wrong_head(self, head: MapHead) -> list[str]:
        index = self._journal.size
        found = []
        if head.size != index:
            found.append(f"a map head that says it covers {head.size} entries, expected {index}")
        # What a map head placed here would say.
        placed = self._journal.place((), now=head.time, map_head=True)
        true = parse_map_head(placed.leaves[-1])
        if (head.customers, head.root) != (true.customers, true.root):
            found.append(
                f"a map head of {head.customers} customers with root {format_base64url(head.root)}; the entries before "
                f"it give {true.customers} customers and root {format_base64url(true.root)}"
            )
        return found
