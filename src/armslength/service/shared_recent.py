"""Which acts are in the log by what is proven, and not by what its tables say: whoever administers them could have one
recorded twice, or have it taken for recorded that is not.

What was recorded lately is kept here by act; what is older is proven when it is asked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain

from armslength.ledger import Record, parse_entry, parse_record
from armslength.service.act import Act
from armslength.service.ledger_preparing import Preparing, Recorded
from armslength.service.shared_beating import AGREE
from armslength.service.shared_following import Following, proven
from armslength.store import Damaged, LedgerFolder, LogStore, Overtaken, log_nodes, open_keys
from armslength.tlog import WIDTH, Edge, Receipt, TlogError, edge_at, leaf_hash

MOST_AGE = 30.0
"""Seconds after which an act is not recorded any more: whoever asked for it gave up."""
WINDOW = MOST_AGE + 3 * AGREE
"""Seconds after which no act that was recorded could be recorded again, for its age."""
MINUTE = 60
"""Records are dated to the minute."""
LATER = 2**62
MOST = 4096
"""Leaves that are read at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    act: bytes
    read: float
    first: int
    leaves: tuple[bytes, ...]


class RecentActs:
    """For one thread. It keeps up with `following`, of which it takes size and root."""

    def __init__(
        self,
        folder: LedgerFolder,
        following: Following,
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        chance: Callable[[int], bytes],
    ) -> None:
        self._folder, self._following = folder, following
        self._clock, self._monotonic, self._chance = clock, monotonic, chance
        self._edge: Edge | None = None
        self._acts: dict[bytes, _Placed] = {}
        self._order: deque[_Placed] = deque()

    @property
    def size(self) -> int:
        return 0 if self._edge is None else self._edge.size

    def __contains__(self, act: object) -> bool:
        """Whether it was recorded lately."""
        return act in self._acts

    def follow(self, log: LogStore) -> None:
        """Take in what is proven by now. Raises `StoreError`; `Damaged` where the log does not show it."""
        size, root = self._proven()
        if self._edge is None:
            self._edge = self._begun(log, size, root)
        if size > self._edge.size:
            leaves = list(chain.from_iterable(log.pieces(self._edge.size, size, MOST)))
            edge = self._edge.extended(map(leaf_hash, leaves))
            if edge.root() != root:
                raise Damaged(f"{self._folder.path}: the log shows other entries than a moment ago")
            self._take(self._edge.size, leaves)
            self._edge = edge
        while self._order and self._order[0].read < self._monotonic() - WINDOW:
            old = self._order.popleft()
            if self._acts.get(old.act) is old:
                del self._acts[old.act]

    def recorded(self, log: LogStore, acts: Sequence[Act]) -> tuple[Mapping[bytes, Receipt | TlogError], set[bytes]]:
        """Those of these acts that are proven to be in the log, by id: each with its receipt, or what is wrong where
        another act was recorded under this id. And the ids of those that the log says are in it and that are not
        proven to be. Raises `StoreError`."""
        recent = {act.id: self._acts[act.id] for act in acts if act.id in self._acts}
        places = {id: (each.first, len(each.leaves)) for id, each in recent.items()}
        places |= log.acts([act.id for act in acts if act.id not in recent])
        shown: dict[bytes, tuple[int, tuple[bytes, ...]]] = {}
        for id, (first, count) in places.items():
            if first + count <= self.size and (leaves := self._leaves(log, id, first, count)):
                shown[id] = first, leaves
        unproven = set(places.keys() - shown.keys())
        asked = [act for act in acts if act.id in shown]
        found: dict[bytes, Receipt | TlogError] = {}
        if asked:
            with closing(open_keys(self._folder)) as keys:
                prepared = Preparing(log, keys, size=self.size, chance=self._chance).all(asked)
            for act, outcome in zip(asked, prepared, strict=True):
                first, leaves = shown[act.id]
                if isinstance(outcome, Recorded) and (outcome.first, outcome.leaves) == (first, leaves):
                    found[act.id] = self._receipt(act.id, first, leaves)
                elif isinstance(outcome, TlogError):
                    found[act.id] = outcome
                else:
                    unproven.add(act.id)  # the log says this now and that a moment later
        return found, unproven

    def _receipt(self, act: bytes, first: int, leaves: tuple[bytes, ...]) -> Receipt:
        origin = self._folder.settings.origin
        return Receipt(origin=origin, act=act, first=first, leaves=leaves, size=self.size, _durable=Receipt.DURABLE)

    def _leaves(self, log: LogStore, act: bytes, first: int, count: int) -> tuple[bytes, ...]:
        """The hashes of an act's leaves, which are proven to be there; none where they are not."""
        if (recent := self._acts.get(act)) is not None:
            return recent.leaves
        try:
            leaves = list(chain.from_iterable(proven(self._folder, log, first, first + count)))
            if any(parse_record(leaf).act != act for leaf in leaves):
                return ()
        except (Damaged, Overtaken, TlogError):
            return ()
        return tuple(map(leaf_hash, leaves))

    def _proven(self) -> tuple[int, bytes]:
        """Size and root of one moment: others may follow meanwhile."""
        while True:
            size, root = self._following.size, self._following.root
            if self._following.size == size:
                return size, root

    def _begun(self, log: LogStore, size: int, root: bytes) -> Edge:
        """The edge to go on from, with what was recorded lately before it."""
        try:
            edge = edge_at(size, log_nodes(log, size)) if size else Edge.empty()
        except TlogError as error:
            raise Damaged(f"{self._folder.log}: {error}") from None
        if edge.root() != root:
            raise Damaged(f"{self._folder.path}: the log shows other entries than a moment ago")
        oldest, first, until = self._clock() - WINDOW - MINUTE, size, size
        recent: list[bytes] = []
        while until and (not recent or _since(recent) >= oldest):
            first = (until - 1) // WIDTH * WIDTH
            recent = list(chain.from_iterable(proven(self._folder, log, first, until))) + recent
            until = first
        if first and recent:
            # Its other leaves may be before; it is older than what matters.
            cut = getattr(_entry(recent[0]), "act", None)
            while recent and getattr(_entry(recent[0]), "act", None) == cut:
                del recent[0]
                first += 1
        self._take(first, recent)
        return edge

    def _take(self, first: int, leaves: Sequence[bytes]) -> None:
        """The leaves from index `first` on."""
        now = self._monotonic()
        acts: dict[bytes, tuple[int, list[bytes]]] = {}
        for index, leaf in enumerate(leaves, first):
            if isinstance(entry := _entry(leaf), Record):
                at, hashes = acts.setdefault(entry.act, (index, []))
                if at + len(hashes) == index:
                    hashes.append(leaf_hash(leaf))
        for act, (at, hashes) in acts.items():
            if act not in self._acts:
                placed = self._acts[act] = _Placed(act=act, read=now, first=at, leaves=tuple(hashes))
                self._order.append(placed)


def _entry(leaf: bytes) -> object:
    try:
        return parse_entry(leaf)
    except TlogError:
        return None


def _since(leaves: Sequence[bytes]) -> int:
    """When the first record among them was made, as it says; later than all of them where there is none."""
    return next((entry.time for leaf in leaves if isinstance(entry := _entry(leaf), Record)), LATER)
