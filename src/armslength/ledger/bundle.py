"""A customer's bundle: what they need to check, offline, that they were shown every record about them.

docs/formats/bundle.md fixes the format. Here are its parts as values, how they are put together, and how they are
written; `bundle_text` reads them back. Nothing is believed by being in a bundle: `verify_bundle` says what holds.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from armslength.ledger.hash_list import format_hashes
from armslength.ledger.map_proof import MapProof
from armslength.ledger.openings import ErasedField, Field, OpenField
from armslength.tlog import Checkpoint, Edge, Json, Malformed, Note, canonical, format_base64url

FORMAT = "armslength.bundle/v1"
SUFFIX = ".bundle.json"
"""How the name of a bundle's file ends."""


class Disclosed(NamedTuple):
    """A field that is opened. `value` is the RFC 8785 form."""

    label: str
    opening: bytes
    value: bytes


class Withheld(NamedTuple):
    """A field that could be opened and is not."""

    label: str
    commitment: bytes


class Erased(NamedTuple):
    """A field whose opening is said to be destroyed; an erasure record has to cover it."""

    label: str
    commitment: bytes


OpenedField: TypeAlias = Disclosed | Withheld | Erased


class Opened(NamedTuple):
    """What is told of the customer's record with this sequence number: all its fields, in ascending order of labels."""

    sequence: int
    fields: tuple[OpenedField, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapClaim:
    """The newest map head, an entry of the main log at `index`, and what it says of the customer."""

    index: int
    proof: MapProof


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The proof that the main log's first `size` entries, as once seen, are the beginning of it."""

    size: int
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """`before` are the hashes of the edge of the main log's entries before the map head (none where `map` is None),
    `tail` its entries from there to the end of the checkpoint, `leaves` the customer's records that the map covers.
    `checkpoint` is what `note` says; who signed it is not looked at here."""

    origin: str
    customer: bytes
    note: Note
    checkpoint: Checkpoint
    map: MapClaim | None
    before: tuple[bytes, ...]
    tail: tuple[bytes, ...]
    leaves: tuple[bytes, ...]
    opened: tuple[Opened, ...]
    consistency: tuple[Earlier, ...]


def open_record(
    sequence: int, fields: Sequence[Field], values: Mapping[str, Json], *, withhold: Collection[str] = frozenset()
) -> Opened:
    """What to tell of a record, from its openings (`parse_openings`) and the values in its box (`unseal`).

    Fields whose opening is destroyed are erased, those in `withhold` are withheld, the rest is disclosed. Raises
    `Malformed` for an opening without a value.
    """
    told: list[OpenedField] = []
    for field in fields:
        match field:
            case ErasedField(label=label, commitment=commitment):
                told.append(Erased(label, commitment))
            case OpenField(label=label, commitment=commitment) if label in withhold:
                told.append(Withheld(label, commitment))
            case OpenField(label=label, opening=opening):
                if label not in values:
                    raise Malformed(f'record {sequence}: the field "{label}" has an opening but no value')
                told.append(Disclosed(label, opening, canonical(values[label], label=label)))
    return Opened(sequence, tuple(told))


def build_bundle(
    *,
    origin: str,
    customer: bytes,
    note: Note,
    map: MapClaim | None,
    before: Edge,
    tail: Sequence[bytes],
    leaves: Sequence[bytes],
    opened: Iterable[Opened] = (),
    consistency: Mapping[int, Sequence[bytes]] | None = None,
) -> Bundle:
    """Put a bundle together.

    `note` is the cosigned checkpoint, `before` the edge of the main log's first `map.index` entries (the empty edge
    without a map, `tail` being the whole log then), `leaves` the customer's records that the map covers, `opened` by
    sequence number in any order, `consistency` the proofs by the size of the earlier checkpoint. Raises `Malformed`
    where the parts cannot belong together; whether they verify is not asked.
    """
    checkpoint = Checkpoint.parse(note.text)
    ordered = sorted(opened, key=lambda each: each.sequence)
    if any(one.sequence == other.sequence for one, other in pairwise(ordered)):
        raise Malformed("one record is opened twice")
    start = 0 if map is None else map.index
    if before.size != start:
        raise Malformed(f"the edge before the tail is of {before.size} entries, expected {start}")
    if start + len(tail) != checkpoint.size:
        raise Malformed(f"the tail ends at {start + len(tail)}, the checkpoint at {checkpoint.size}")
    claimed = None if map is None else map.proof.leaf
    covered = claimed.size if claimed is not None and claimed.handle == customer else 0
    if len(leaves) != covered:
        raise Malformed(f"{len(leaves)} records are given, and the map covers {covered}")
    return Bundle(
        origin=origin,
        customer=customer,
        note=note,
        checkpoint=checkpoint,
        map=map,
        before=before.hashes,
        tail=tuple(tail),
        leaves=tuple(leaves),
        opened=tuple(ordered),
        consistency=tuple(
            Earlier(size=size, proof=tuple(proof)) for size, proof in sorted((consistency or {}).items())
        ),
    )


def format_bundle(bundle: Bundle) -> Iterator[str]:
    """The bundle's text, piece by piece: one line for each entry, record and opening."""
    yield f'{{"format":"{FORMAT}",\n"origin":{_text(bundle.origin)},\n'
    yield f'"customer":"{format_base64url(bundle.customer)}",\n'
    yield f'"checkpoint":{_text(bundle.note.format())},\n"map":{_map(bundle.map)},\n'
    yield f'"before":{_hashes(bundle.before)},\n'
    yield from _list("tail", (_text(entry.decode("utf-8")) for entry in bundle.tail))
    yield from _list("leaves", (_text(leaf.decode("utf-8")) for leaf in bundle.leaves))
    yield from _list("opened", map(_opened, bundle.opened))
    earlier = (f'{{"from":{each.size},"proof":{_hashes(each.proof)}}}' for each in bundle.consistency)
    yield from _list("consistency", earlier, last=True)


def _list(name: str, items: Iterator[str], *, last: bool = False) -> Iterator[str]:
    yield f'"{name}":['
    between = "\n"
    for item in items:
        yield between + item
        between = ",\n"
    yield "]}\n" if last else "],\n"


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _hashes(hashes: Sequence[bytes]) -> str:
    return "[" + ",".join(f'"{each}"' for each in format_hashes(hashes)) + "]"


def _map(claim: MapClaim | None) -> str:
    if claim is None:
        return "null"
    steps = ",".join(f'[{bit},"{format_base64url(other)}"]' for bit, other in claim.proof.steps)
    leaf = "null"
    if (found := claim.proof.leaf) is not None:
        root = format_base64url(found.root)
        leaf = f'{{"customer":"{format_base64url(found.handle)}","size":{found.size},"root":"{root}"}}'
    return f'{{"index":{claim.index},"proof":{{"steps":[{steps}],"leaf":{leaf}}}}}'


def _opened(opened: Opened) -> str:
    return f'{{"sequence":{opened.sequence},"fields":[{",".join(map(_field, opened.fields))}]}}'


def _field(field: OpenedField) -> str:
    match field:
        case Disclosed(label, opening, value):
            return f'["{label}","{format_base64url(opening)}",{value.decode("utf-8")}]'
        case Withheld(label, commitment):
            return f'["{label}",{{"withheld":"{format_base64url(commitment)}"}}]'
        case Erased(label, commitment):
            return f'["{label}",{{"erased":"{format_base64url(commitment)}"}}]'
