"""Small ledgers made for real: records sealed, chained and mapped, checkpoints signed and cosigned, bundles built.

Everything comes from seeds, so the same ledger has the same bytes every time; ML-DSA-44 signatures alone differ.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from armslength.ledger import (
    NO_RECORD,
    Bundle,
    Everything,
    Json,
    Kind,
    MapClaim,
    MapHead,
    Opened,
    PrefixMap,
    Record,
    Records,
    Sealed,
    build_bundle,
    format_bundle,
    format_scope,
    open_record,
    reseal,
    seal,
    unseal,
)
from armslength.tlog import (
    Algorithm,
    Checkpoint,
    Edge,
    Note,
    Policy,
    SigningKey,
    consistency_proof,
    edge_at,
    leaf_hash,
    root_at,
    sign_note,
    tree_root,
)

ORIGIN = "log.armslength.example/ledger"
START = 1_762_156_800
"""2025-11-03T08:00Z: long past for every clock that runs these tests."""
NOW = START + 86_400 * 30
COSIGNED = START + 86_400
"""When the witnesses of these ledgers sign."""


def seed(name: str) -> bytes:
    """32 bytes that look like chance and are the same every time."""
    return hashlib.sha256(f"armslength test: {name}".encode()).digest()


def chance(name: str) -> Iterator[bytes]:
    """Endless bytes, 32 at a time."""
    count = 0
    while True:
        yield seed(f"{name} {count}")
        count += 1


def key(name: str, algorithm: Algorithm, signer: str) -> SigningKey:
    return SigningKey(name=signer, algorithm=algorithm, seed=seed(name))


LOG_KEYS = (
    key("log", Algorithm.ED25519, ORIGIN),
    key("log ml-dsa", Algorithm.COSIGNATURE_ML_DSA_44, ORIGIN),
)
WITNESS_KEYS = {
    "anna": key("anna", Algorithm.COSIGNATURE_ED25519, "witness.anna.example/w"),
    "bruno": key("bruno", Algorithm.COSIGNATURE_ED25519, "witness.bruno.example/w"),
    "carla": key("carla", Algorithm.COSIGNATURE_ML_DSA_44, "witness.carla.example/w"),
}
ADA, BEN, CYD = seed("customer ada"), seed("customer ben"), seed("customer cyd")
"""Handles of customers; what is Cyd's is added by few tests."""


def policy_text(
    *,
    logs: Sequence[SigningKey] = LOG_KEYS[:1],
    witnesses: Collection[str] = ("anna", "bruno"),
    least: int | None = None,
) -> str:
    """The policy of a customer who knows these keys; `least` of the witnesses have to cosign, all if not given."""
    lines = [f"log {each.verifier.text}" for each in logs]
    lines += [f"witness {name} {WITNESS_KEYS[name].verifier.text}" for name in witnesses]
    if not witnesses:
        return "\n".join([*lines, "quorum none", ""])
    lines.append(f"group witnesses {len(witnesses) if least is None else least} {' '.join(witnesses)}")
    return "\n".join([*lines, "quorum witnesses", ""])


POLICY = Policy.parse(policy_text())


@dataclass(slots=True, kw_only=True)
class Written:
    """A record in the log, with what the key store would hold of it."""

    index: int
    leaf: bytes
    record: Record
    sealed: Sealed
    key: bytes


@dataclass(slots=True, kw_only=True)
class Ledger:
    """A ledger that grows. `owned` are each customer's records in order."""

    name: str = "ledger"
    origin: str = ORIGIN
    entries: list[bytes] = field(default_factory=list)
    owned: dict[bytes, list[Written]] = field(default_factory=dict)
    map: PrefixMap = field(default_factory=PrefixMap)
    heads: list[tuple[int, PrefixMap]] = field(default_factory=list)
    time: int = START

    def draw(self, size: int) -> bytes:
        """The bytes for the next sealing."""
        source = chance(f"{self.name} {len(self.entries)}")
        found = b""
        while len(found) < size:
            found += next(source)
        return found[:size]

    def add(self, customer: bytes, kind: Kind, fields: Mapping[str, Json]) -> Written:
        owned = self.owned.setdefault(customer, [])
        sealing = seed(f"key of {customer.hex()}")
        sealed = seal(fields, sealing, self.draw)
        record = Record(
            kind=kind,
            customer=customer,
            sequence=len(owned),
            previous=leaf_hash(owned[-1].leaf) if owned else NO_RECORD,
            time=self.time,
            commitment=sealed.commitment,
            act=seed(f"act {len(self.entries)}")[:16],
        )
        self.time += 60
        written = Written(index=len(self.entries), leaf=record.leaf(), record=record, sealed=sealed, key=sealing)
        owned.append(written)
        self.entries.append(written.leaf)
        return written

    def use(self, customer: bytes, number: int = 0) -> Written:
        """A record of somebody's access."""
        return self.add(
            customer,
            Kind.USE,
            {
                "action": "read",
                "approvers": ["person:bo", "person:cy"],
                "asset": f"recordings-{number}",
                "reason": f"ticket {number}: restore “café”",
                "requester": "person:ana",
                "seconds": 12.5 + number,
            },
        )

    def erase(self, customer: bytes, scope: Everything | Records) -> Written:
        """Erase, and say so in the log. `Everything` takes the customer's keys with it."""
        if isinstance(scope, Records):
            for sequence, labels in scope.records:
                written = self.owned[customer][sequence]
                without = [each.label for each in written.sealed.fields] if labels is None else labels
                written.sealed = reseal(
                    without=without,
                    key=written.key,
                    wrapped=written.sealed.wrapped,
                    box=written.sealed.box,
                    commitment=written.sealed.commitment,
                    fields=written.sealed.fields,
                    chance=self.draw,
                )
        return self.add(customer, Kind.ERASURE, {"scope": format_scope(scope), "basis": "asked for"})

    def head(self) -> int:
        """Write a map head; gives its index."""
        for customer, owned in self.owned.items():
            self.map.set(customer, len(owned), tree_root(leaf_hash(each.leaf) for each in owned))
        index = len(self.entries)
        head = MapHead(size=index, customers=len(self.map), root=self.map.root(), time=self.time)
        self.time += 60
        self.entries.append(head.leaf())
        self.heads.append((index, self.map.copy()))
        return index

    # what is published

    def node(self, height: int, index: int) -> bytes:
        start = index << height
        return tree_root(leaf_hash(entry) for entry in self.entries[start : start + (1 << height)])

    def checkpoint(
        self,
        size: int | None = None,
        *,
        logs: Sequence[SigningKey] = LOG_KEYS[:1],
        witnesses: Collection[str] = ("anna", "bruno"),
        time: int = COSIGNED,
    ) -> Note:
        """The signed and cosigned checkpoint of the first `size` entries."""
        size = len(self.entries) if size is None else size
        text = Checkpoint(origin=self.origin, size=size, root=root_at(size, self.node)).format()
        signers = [*logs, *(WITNESS_KEYS[name] for name in witnesses)]
        signatures = (
            sign_note(text, each, timestamp=time if each.verifier.algorithm.timestamped else None) for each in signers
        )
        return Note(text=text, signatures=tuple(signatures))

    # what a customer gets

    def opened(self, customer: bytes, *, withhold: Collection[str] = ()) -> list[Opened]:
        """Everything about every record, but what is withheld or erased."""
        return [
            open_record(
                each.record.sequence,
                each.sealed.fields,
                unseal(
                    key=each.key,
                    wrapped=each.sealed.wrapped,
                    box=each.sealed.box,
                    commitment=each.sealed.commitment,
                ),
                withhold=withhold,
            )
            for each in self.owned.get(customer, ())
        ]

    def bundle(
        self,
        customer: bytes,
        *,
        note: Note | None = None,
        withhold: Collection[str] = (),
        opened: Sequence[Opened] | None = None,
        earlier: Collection[int] = (),
        full: bool = False,
    ) -> Bundle:
        """The customer's bundle at the checkpoint of all entries; `full`: the whole log in place of the map."""
        note = self.checkpoint() if note is None else note
        size = Checkpoint.parse(note.text).size
        index, mapped = (0, None) if full or not self.heads else self.heads[-1]
        claim = None if mapped is None else MapClaim(index=index, proof=mapped.prove(customer))
        covered = [each.leaf for each in self.owned.get(customer, ()) if mapped is not None and each.index < index]
        return build_bundle(
            origin=self.origin,
            customer=customer,
            note=note,
            map=claim,
            before=edge_at(index, self.node) if index else Edge.empty(),
            tail=self.entries[index:size],
            leaves=covered,
            opened=self.opened(customer, withhold=withhold) if opened is None else opened,
            consistency={old: consistency_proof(old, size, self.node) for old in earlier},
        )


def written(bundle: Bundle) -> bytes:
    """The bundle as its file."""
    return "".join(format_bundle(bundle)).encode()


def community(name: str = "ledger") -> Ledger:
    """Ada and Ben with records under two map heads and after them, one of Ada's fields erased."""
    ledger = Ledger(name=name)
    for number in range(3):
        ledger.use(ADA, number)
        ledger.use(BEN, number)
    ledger.head()
    ledger.add(ADA, Kind.DEMAND, {"state": "CN", "what": "disclosure", "received": "2026-11-25"})
    ledger.erase(ADA, Records(records=((1, ("requester",)),)))
    ledger.use(BEN, 3)
    ledger.head()
    ledger.use(ADA, 4)
    ledger.use(BEN, 4)
    return ledger
