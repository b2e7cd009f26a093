"""What a ledger's records say, re-verified: payloads, keys and openings against the leaves, and against the erasures.

A field may be missing only where an erasure record asks for it, and must be where one does. What is missing otherwise
is lost: told, unless the log says that an older store of keys was gone on with and the record lies in what that lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from armslength.ledger import (
    FIRM,
    SCOPE,
    ErasedField,
    Everything,
    Field,
    Json,
    Kind,
    Placed,
    Record,
    Records,
    Scope,
    check_fields,
    excuses,
    format_base64url,
    parse_openings,
    parse_record,
    parse_scope,
    unseal,
)
from armslength.store import Customer, KeyStore, LogStore, Openings, StoreError
from armslength.tlog import TlogError, Unverified

AHEAD = 256
"""Entries whose secrets are read at a time."""
Found = Callable[[str, str], None]
"""Is told where something is wrong, and what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """An erasure record of the log; `done` if the store of keys says that it has obeyed it."""

    index: int
    record: Record
    scope: Scope
    done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lost:
    """A record that cannot be opened: `where` what is missing should be, and whose key it is if it is a key. `orders`
    are the indexes of the erasures that took a part of it."""

    index: int
    where: str
    handle: bytes | None
    orders: tuple[int, ...]


class Orders:
    """The erasures that the log's table of them names."""

    def __init__(self, log: LogStore, keys: KeyStore, found: Found, *, done: int) -> None:
        """Those before entry `done` have been obeyed, says the store of keys."""
        self.secrets: dict[int, Openings] = {}
        """What opens them, by index, which is kept with the log as well as with the keys."""
        self._whole: dict[bytes, list[_Order]] = {}
        self._some: dict[tuple[bytes, int], list[_Order]] = {}
        self._log, self._keys = log, keys
        for secrets in log.erasures(0):
            self.secrets[secrets.index] = secrets
            try:
                self._add(self._read(secrets, done=secrets.index < done))
            except (TlogError, StoreError) as error:
                found(f"log.db erasures, entry {secrets.index}", f"what is erased cannot be read: {error}")
            if secrets.index >= done:
                found(
                    f"log.db erasures, entry {secrets.index}",
                    "the erasure is recorded and not done here; the ledger does it when it is next opened",
                )

    def of(self, record: Record) -> Sequence[_Order]:
        """Those that may be about a record."""
        return (*self._whole.get(record.customer, ()), *self._some.get((record.customer, record.sequence), ()))

    def _read(self, secrets: Openings, *, done: bool) -> _Order:
        index = secrets.index
        order = parse_record(self._log.leaves(index, index + 1)[0])
        if order.kind is not Kind.ERASURE or secrets.commitment != order.commitment:
            raise Unverified("the entry is no erasure, or another one")
        firm, box = self._keys.by_handle(FIRM), self._log.payload(index)
        if firm is None or box is None:
            raise Unverified("its payload or the firm's key is missing")
        values = unseal(key=firm.key, wrapped=secrets.wrapped, box=box, commitment=order.commitment)
        check_fields(commitment=order.commitment, fields=parse_openings(secrets.openings), values=values)
        return _Order(index=index, record=order, scope=parse_scope(values.get(SCOPE)), done=done)

    def _add(self, order: _Order) -> None:
        customer = order.record.customer
        match order.scope:
            case Everything():
                self._whole.setdefault(customer, []).append(order)
            case Records(records=records):
                for sequence, _ in records:
                    self._some.setdefault((customer, sequence), []).append(order)


@dataclass(slots=True)
class SecretsCheck:
    """The check of one record after the other, within a snapshot of both stores; the counts are of those so far."""

    log: LogStore
    keys: KeyStore
    orders: Orders
    found: Found
    opened: int = 0
    erased: int = 0
    payloads: int = 0
    _lost: list[_Lost] = field(default_factory=list)
    _adopted: list[range] = field(default_factory=list)
    """The entries that lie between the age of a store of keys that was gone on with and the log's then."""
    _read: tuple[int, int] = (0, 0)
    _kept: dict[tuple[int, bytes], Openings] = field(default_factory=dict)
    _boxes: dict[int, bytes] = field(default_factory=dict)
    _customers: dict[bytes, Customer | None] = field(default_factory=dict)

    @property
    def lost(self) -> int:
        return len(self._lost)

    def record(self, placed: Placed) -> None:
        """What the record says is what its leaf commits to; what is not there was erased, or is lost."""
        try:
            self._record(placed.index, placed.record)
        except (TlogError, StoreError) as error:
            self.found(f"keys.db, entry {placed.index}", str(error))

    def end(self) -> None:
        """Tell what is lost, of which the log says nothing."""
        untold = [each for each in self._lost if not any(self._explains(gone, each) for gone in self._adopted)]
        keys: dict[bytes, int] = {}
        runs: list[tuple[str, int, int]] = []
        for each in untold:
            if each.handle is not None:
                keys.setdefault(each.handle, each.index)
            elif runs and runs[-1][0] == each.where and runs[-1][2] == each.index - 1:
                runs[-1] = (each.where, runs[-1][1], each.index)
            else:
                runs.append((each.where, each.index, each.index))
        for handle, index in keys.items():
            whose = "the firm" if handle == FIRM else f"the customer {format_base64url(handle)}"
            self.found("keys.db customers", f"no key of {whose}, which nothing erased; first needed for entry {index}")
        for where, first, last in runs:
            place = f"entry {first}" if first == last else f"entries {first} to {last}"
            self.found(f"{where}, {place}", "lost: it is not there, and no erasure in the log asks for that")

    def _record(self, index: int, record: Record) -> None:
        self._ahead(index)
        kept = self._kept.get((index, record.commitment)) or self.orders.secrets.get(index)
        box = self._boxes.get(index)
        self.payloads += box is not None
        orders = self.orders.of(record)
        if kept is None:
            if any(isinstance(order.scope, Everything) and _takes(order, record, "") for order in orders):
                self.erased += 1
            else:
                self._lose(index, "keys.db", orders)
            return
        fields = parse_openings(kept.openings)
        self._erasures(index, record, fields, orders)
        if all(isinstance(each, ErasedField) for each in fields):
            self.erased += 1
            if box is not None or kept.wrapped:
                raise Unverified("the record was erased, and its payload or key is still there")
            check_fields(commitment=record.commitment, fields=fields, values={})
            return
        handle = FIRM if record.kind is Kind.ERASURE else record.customer
        if handle not in self._customers:
            self._customers[handle] = self.keys.by_handle(handle)
        customer = self._customers[handle]
        if customer is None:
            self._lose(index, "keys.db customers", orders, handle)
        elif box is None:
            self._lose(index, "log.db payloads", orders)
        else:
            values = unseal(key=customer.key, wrapped=kept.wrapped, box=box, commitment=record.commitment)
            check_fields(commitment=record.commitment, fields=fields, values=values)
            self.opened += 1
            self._adoption(record, values)

    def _ahead(self, index: int) -> None:
        """Read what belongs to this record and those after it: each by itself would be two questions to a server."""
        if not self._read[0] <= index < self._read[1]:
            self._read = (index, index + AHEAD)
            self._kept, self._boxes = self.keys.between(*self._read), self.log.payloads(*self._read)

    def _erasures(self, index: int, record: Record, fields: Sequence[Field], orders: Sequence[_Order]) -> None:
        """The fields that are gone are those that erasures ask for."""
        for each in fields:
            asked = [order for order in orders if _takes(order, record, each.label)]
            if isinstance(each, ErasedField) and not asked:
                self.found(
                    f"keys.db, entry {index}",
                    f'the field "{each.label}" is erased, and no erasure in the log asks for that',
                )
            late = [order for order in asked if order.done and not isinstance(each, ErasedField)]
            if late:
                self.found(
                    f"keys.db, entry {index}", f'the field "{each.label}" is there, and entry {late[0].index} erased it'
                )

    def _lose(self, index: int, where: str, orders: Sequence[_Order], handle: bytes | None = None) -> None:
        took = tuple(order.index for order in orders)
        self._lost.append(_Lost(index=index, where=where, handle=handle, orders=took))

    def _adoption(self, record: Record, values: Mapping[str, Json]) -> None:
        if record.kind is Kind.KEY_CHANGE and record.customer == FIRM:
            first, until = values.get("restored_from"), values.get("restored_at")
            if isinstance(first, int) and isinstance(until, int):
                self._adopted.append(range(first, until))

    @staticmethod
    def _explains(gone: range, lost: _Lost) -> bool:
        """What was written since the older store was, or lost a field since, cannot be opened with it."""
        return lost.index in gone or any(order in gone for order in lost.orders)


def _takes(order: _Order, record: Record, label: str) -> bool:
    return excuses(order.record, order.scope, record, label)
