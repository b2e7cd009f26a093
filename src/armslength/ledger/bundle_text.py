"""Reading a bundle (docs/formats/bundle.md): bytes become a `Bundle`, or every problem at once.

The bytes come from whoever is being checked. Nothing is read leniently: an unknown key, a second spelling, or a number
that another reader would take otherwise refuses the whole bundle.
"""

from __future__ import annotations

from typing import Any

from armslength.ledger.bundle import (
    FORMAT,
    Bundle,
    Disclosed,
    Earlier,
    Erased,
    MapClaim,
    Opened,
    OpenedField,
    Withheld,
)
from armslength.ledger.commitment import LABEL
from armslength.ledger.document_reading import NotReadable, Reading
from armslength.ledger.map_proof import MapLeaf, MapProof
from armslength.ledger.strict_json import read_json, spelled
from armslength.tlog import Malformed

VALUE_DEPTH = 5
"""Objects and arrays around the value of a field."""
MOST_STEPS = 256
"""Steps of a map proof: a handle has no more bits."""
MOST_EARLIER = 10_000

_KEYS = {"format", "origin", "customer", "checkpoint", "map", "before", "tail", "leaves", "opened"}
_OPTIONAL = {"consistency"}


def parse_bundle(data: bytes) -> Bundle:
    """The bundle that a file holds. Raises `NotReadable` with every problem."""
    try:
        document = read_json(data)
    except Malformed as error:
        raise NotReadable(str(error).splitlines()) from None
    reading = Reading()
    bundle = _bundle(reading, document)
    if reading.problems or bundle is None:
        raise NotReadable(reading.told())
    return bundle


def _bundle(reading: Reading, document: Any) -> Bundle | None:
    given = reading.members(document, "the bundle", _KEYS, _OPTIONAL)
    if given is None:
        return None
    reading.form(given["format"], FORMAT)
    origin = reading.text(given["origin"], "origin")
    customer = reading.bytes32(given["customer"], "customer")
    signed = reading.note(given["checkpoint"], "checkpoint")
    claim = None if given["map"] is None else _map(reading, given["map"])
    before = reading.hashes(given["before"], "before")
    tail = reading.entries(given["tail"], "tail")
    leaves = reading.entries(given["leaves"], "leaves")
    opened = _opened(reading, reading.items(given["opened"], "opened"))
    consistency = _consistency(reading, reading.items(given.get("consistency", []), "consistency"))
    if reading.problems or origin is None or customer is None or signed is None:
        return None
    return Bundle(
        origin=origin,
        customer=customer,
        note=signed[0],
        checkpoint=signed[1],
        map=claim,
        before=before,
        tail=tail,
        leaves=leaves,
        opened=opened,
        consistency=consistency,
    )


def _map(reading: Reading, value: Any) -> MapClaim | None:
    given = reading.members(value, "map", {"index", "proof"})
    if given is None:
        return None
    index = reading.whole(given["index"], "map.index")
    proof = reading.members(given["proof"], "map.proof", {"steps", "leaf"})
    if proof is None:
        return None
    steps = []
    given_steps = reading.items(proof["steps"], "map.proof.steps")
    if len(given_steps) > MOST_STEPS:
        reading.problem("map.proof.steps", f"expected at most {MOST_STEPS}")
        given_steps = []
    for i, step in enumerate(given_steps):
        where = f"map.proof.steps[{i}]"
        if type(step) is not list or len(step) != 2:
            reading.problem(where, "expected a bit and a hash")
            continue
        bit, other = reading.whole(step[0], f"{where}[0]", most=MOST_STEPS - 1), reading.bytes32(step[1], f"{where}[1]")
        if bit is not None and other is not None:
            steps.append((bit, other))
    leaf = None if proof["leaf"] is None else _map_leaf(reading, proof["leaf"])
    return None if index is None else MapClaim(index=index, proof=MapProof(steps=tuple(steps), leaf=leaf))


def _map_leaf(reading: Reading, value: Any) -> MapLeaf | None:
    where = "map.proof.leaf"
    given = reading.members(value, where, {"customer", "size", "root"})
    if given is None:
        return None
    handle = reading.bytes32(given["customer"], f"{where}.customer")
    size = reading.whole(given["size"], f"{where}.size", least=1)
    root = reading.bytes32(given["root"], f"{where}.root")
    if handle is None or size is None or root is None:
        return None
    return MapLeaf(handle=handle, size=size, root=root)


def _opened(reading: Reading, items: list[Any]) -> tuple[Opened, ...]:
    """Fields come by the hundred thousand, so what is well is read in one pass, and only what is not is asked why."""
    found = []
    labels: dict[str, bool] = {}
    before = -1
    for i, item in enumerate(items):
        where = f"opened[{i}]"
        given = reading.members(item, where, {"sequence", "fields"})
        if given is None:
            continue
        sequence = reading.whole(given["sequence"], f"{where}.sequence")
        if sequence is None:
            continue
        if sequence <= before:
            reading.problem(f"{where}.sequence", f"{sequence} comes after {before}, expected ascending numbers")
        before = sequence
        fields = _fields(reading, reading.items(given["fields"], f"{where}.fields"), f"{where}.fields", labels)
        found.append(Opened(sequence, fields))
    return tuple(found)


def _fields(reading: Reading, items: list[Any], where: str, labels: dict[str, bool]) -> tuple[OpenedField, ...]:
    """The fields of one record; `labels` remembers which labels are ones."""
    texts = []
    values: list[bytes | None] = []
    erased = set()
    before = ""
    for k, item in enumerate(items):
        if type(item) is not list or not 2 <= len(item) <= 3:
            reading.problem(f"{where}[{k}]", 'expected [label, opening, value] or [label, {"withheld" or "erased": …}]')
            return ()
        label = item[0]
        if type(label) is not str or not _is_label(label, labels):
            reading.problem(f"{where}[{k}][0]", "expected a label: [a-z][a-z0-9_]*, at most 64 characters")
            return ()
        if label <= before:
            reading.problem(f"{where}[{k}][0]", f'"{label}" comes after "{before}", expected ascending labels')
        before = label
        if len(item) == 3:
            texts.append(item[1])
            try:
                values.append(spelled(item[2], depth=VALUE_DEPTH))
            except Malformed as error:
                reading.problem(f"{where}[{k}][2]", str(error))
                return ()
        else:
            closed = item[1]
            if type(closed) is not dict or len(closed) != 1 or not closed.keys() <= {"withheld", "erased"}:
                reading.problem(f"{where}[{k}][1]", 'expected {"withheld": commitment} or {"erased": commitment}')
                return ()
            ((state, commitment),) = closed.items()
            texts.append(commitment)
            values.append(None)
            if state == "erased":
                erased.add(k)
    hashes = reading.hashes(texts, where)
    if len(hashes) != len(items):
        return ()
    return tuple(
        [
            Disclosed(item[0], found, value)
            if value is not None
            else Erased(item[0], found)
            if k in erased
            else Withheld(item[0], found)
            for k, (item, found, value) in enumerate(zip(items, hashes, values, strict=True))
        ]
    )


def _is_label(label: str, known: dict[str, bool]) -> bool:
    if (is_one := known.get(label)) is None:
        is_one = known[label] = LABEL.fullmatch(label) is not None
    return is_one


def _consistency(reading: Reading, items: list[Any]) -> tuple[Earlier, ...]:
    if len(items) > MOST_EARLIER:
        reading.problem("consistency", f"expected at most {MOST_EARLIER:,} proofs")
        return ()
    found = []
    before = 0
    for i, item in enumerate(items):
        where = f"consistency[{i}]"
        given = reading.members(item, where, {"from", "proof"})
        if given is None:
            continue
        size = reading.whole(given["from"], f"{where}.from", least=1)
        proof = reading.hashes(given["proof"], f"{where}.proof")
        if size is None:
            continue
        if size <= before:
            reading.problem(f"{where}.from", f"{size} comes after {before}, expected ascending sizes")
        before = size
        found.append(Earlier(size=size, proof=proof))
    return tuple(found)
