"""A batch of acts before it has a place in the log: which are new, which are there already, which are refused; and
the new ones sealed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from armslength.ledger import Draft, Kind, Record, Sealed, canonical, parse_openings, parse_record, seal_values, unseal
from armslength.service.act import Act
from armslength.service.ledger_erasing import check_scope
from armslength.store import FIRM_NAME, Customer, Damaged, KeyStore, LogStore
from armslength.tlog import Malformed, TlogError, leaf_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A new act, whose leaves have no place yet: for each customer a draft and what is kept apart from the leaf."""

    drafts: tuple[Draft, ...]
    sealed: tuple[Sealed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An act that is in the log: its first index, and its leaf hashes."""

    first: int
    leaves: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """An act asked for again in one batch: what becomes of the one at `place` becomes of it."""

    place: int


Preparation = Prepared | Recorded | Repeated | TlogError
"""What is to be done about an act; an error where this one is refused, and the others are not."""


class Preparing:
    """One batch. `customers` are those met for the first time in it, by name."""

    def __init__(self, log: LogStore, keys: KeyStore, *, size: int, chance: Callable[[int], bytes]) -> None:
        """`size` of the log; `chance` gives random bytes fit for keys."""
        self._log, self._keys, self._size, self._chance = log, keys, size, chance
        self.customers: dict[str, Customer] = {}

    def all(self, acts: Sequence[Act]) -> list[Preparation]:
        """What is to be done about each. Raises `StoreError`."""
        taken: dict[bytes, int] = {}
        recorded = self._log.acts([act.id for act in acts])
        prepared: list[Preparation] = []
        for place, act in enumerate(acts):
            try:
                if act.id in taken:
                    if act != acts[taken[act.id]]:
                        raise Malformed("this act id was used for another act")
                    prepared.append(Repeated(place=taken[act.id]))
                elif act.id in recorded:
                    prepared.append(self._again(act, *recorded[act.id]))
                else:
                    prepared.append(self._sealed(act))
                    taken[act.id] = place
            except TlogError as error:
                prepared.append(error)
        return prepared

    def _sealed(self, act: Act) -> Prepared:
        firm = self._firm()
        fresh: dict[str, Customer] = {}
        whose = [self._customer(name, fresh) for name in act.customers] or [firm]
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
            check_scope(act.scope, whose[0].handle, self._log, self._keys, size=self._size)
        self.customers.update(fresh)
        return Prepared(drafts=tuple(drafts), sealed=tuple(secrets))

    def _customer(self, name: str, fresh: dict[str, Customer]) -> Customer:
        known = self.customers.get(name) or self._keys.customer(name)
        if known is None:
            known = fresh[name] = Customer(name=name, handle=self._chance(32), key=self._chance(32))
        return known

    def _firm(self) -> Customer:
        firm = self._keys.customer(FIRM_NAME)
        if firm is None:
            raise Damaged("the firm's own key is missing from the store of keys")
        return firm

    def _again(self, act: Act, first: int, count: int) -> Recorded:
        """The act that is in the log already under this id. Raises `Malformed` if it is another one."""
        leaves = self._log.leaves(first, first + count)
        records = [parse_record(leaf) for leaf in leaves]
        names = act.customers or (FIRM_NAME,)
        # Where an act stands is looked up in a table that nobody signed; what stands there says whose it is.
        same = [(record.act, record.kind) for record in records] == [(act.id, act.kind)] * len(names)
        # A customer erased since is no longer known, even if one of that name was met again; what was recorded of it
        # can't be compared and stands.
        owners = [self._keys.by_handle(record.customer) for record in records]
        same = same and all(owner is None or owner.name == name for owner, name in zip(owners, names, strict=True))
        if not same or not all(self._same(act, first + n, record) for n, record in enumerate(records)):
            raise Malformed("this act id was used for another act")
        return Recorded(first=first, leaves=tuple(map(leaf_hash, leaves)))

    def _same(self, act: Act, index: int, record: Record) -> bool:
        """Whether a record is of this act, as far as it can still be told."""
        openings, box = self._keys.openings(index, record.commitment), self._log.payload(index)
        if openings is None:
            return True
        if {field.label for field in parse_openings(openings.openings)} != act.values.keys():
            return False
        customer = self._firm() if record.kind is Kind.ERASURE else self._keys.by_handle(record.customer)
        if customer is None or box is None:
            return True  # erased
        kept = unseal(key=customer.key, wrapped=openings.wrapped, box=box, commitment=record.commitment)
        return all(act.values[label] == canonical(value, label=label) for label, value in kept.items())
