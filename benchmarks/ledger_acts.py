"""Acts as a gate would record them, drawn from a seed: six fields, one customer, an id of chance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random

import rfc8785

from armslength.ledger import Json, Kind
from armslength.service import Act

ACTIONS = ("read", "restart", "export", "change-settings", "reset-password")
WORK = ("the customer reported that calls drop", "planned maintenance", "restore from backup", "routine inspection")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What a gate knows of an act before anybody records it. To make of it what a recorder takes, an `Act` or JSON, is
    part of recording it, and done while the clock runs."""

    id: bytes
    kind: Kind
    customer: str
    fields: dict[str, Json]

    def act(self) -> Act:
        """As the ledger takes it."""
        return Act(id=self.id, kind=self.kind, customers=(self.customer,), fields=self.fields)

    def spelled(self) -> bytes:
        """As a peer takes it, all of it in the clear: RFC 8785 JSON."""
        return rfc8785.dumps(
            {"act": self.id.hex(), "customer": self.customer, "fields": self.fields, "kind": self.kind.value}
        )


class Acts:
    """The same seed gives the same acts in the same order, whoever records them."""

    def __init__(self, seed: int, customers: int) -> None:
        self._random = Random(seed)
        self._customers = customers

    def draw(self, count: int) -> list[Drawn]:
        """The next acts, each on a customer drawn evenly."""
        return [self._of(customer_name(self._random.randrange(self._customers))) for _ in range(count)]

    def each(self, size: int) -> Iterator[list[Drawn]]:
        """One act on every customer, so many at a time."""
        names = map(customer_name, range(self._customers))
        while some := list(islice(names, size)):
            yield [self._of(name) for name in some]

    def on(self, customer: str, count: int) -> list[Drawn]:
        """Acts on one customer."""
        return [self._of(customer) for _ in range(count)]

    def _of(self, customer: str) -> Drawn:
        number = self._random.randrange
        return Drawn(
            id=self._random.randbytes(16),
            kind=Kind.USE,
            customer=customer,
            fields={
                "action": self._random.choice(ACTIONS),
                "executor": f"person:sre-{number(3000):04d}",
                "lease": self._random.randbytes(12).hex(),
                "reason": self._random.choice(WORK),
                "resource": f"asset:recordings-{number(10_000):05d}",
                "ticket": f"OPS-{number(1_000_000)}",
            },
        )


def customer_name(number: int) -> str:
    return f"customer-{number:06d}"
