"""What opens a record's commitment, field by field, and the bytes in which the key store holds it.

It lies with the keys, not with the log: erasing a field destroys its opening and keeps its commitment, so that the fold
in the leaf can still be recomputed and the other fields still be opened. docs/formats/commitment.md gives the bytes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from armslength.ledger.commitment import OPENING_SIZE, Opening, check_label, commit, fold
from armslength.tlog import Json, Malformed, Unverified, canonical

_VERSION = 1
_ERASED, _OPEN = 0, 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OpenField:
    """A field that can be opened: with its value, `opening` gives `commitment`."""

    label: str
    commitment: bytes
    opening: Opening = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ErasedField:
    """A field whose opening is destroyed: nobody can test a guess at its value any more."""

    label: str
    commitment: bytes


Field = OpenField | ErasedField


def check_fields(*, commitment: bytes, fields: Sequence[Field], values: Mapping[str, Json]) -> None:
    """That these are all the fields of the record with this commitment, and these the values of those that are open.

    Raises `Unverified`, naming the first field that does not hold; `Malformed` for a value without a canonical form.
    Whether a field may be erased is for an erasure record to say: `excuses`.
    """
    labels = [field.label for field in fields]
    if labels != sorted(set(labels)):
        raise Unverified("a record's fields are not in ascending order of their labels, each once")
    if fold([(field.label, field.commitment) for field in fields]) != commitment:
        raise Unverified("the commitments of the fields do not fold to the commitment in the leaf")
    opened = {field.label for field in fields if isinstance(field, OpenField)}
    for label in sorted(values.keys() ^ opened):
        has, lacks = ("an opening", "value") if label in opened else ("a value", "opening")
        raise Unverified(f'the field "{label}" has {has} but no {lacks}')
    for field in fields:
        if isinstance(field, OpenField):
            value = canonical(values[field.label], label=field.label)
            if commit(field.opening, field.label, value) != field.commitment:
                raise Unverified(f'the field "{field.label}" is not what was committed to')


def format_openings(fields: Sequence[Field]) -> bytes:
    """The bytes for the key store: `parse_openings` gives the fields back. Raises `Malformed`."""
    parts: list[bytes] = []
    before = ""
    for field in fields:
        check_label(field.label)
        if field.label <= before:
            raise Malformed(f'the field "{field.label}" comes after "{before}", expected ascending labels')
        before = field.label
        opening = field.opening if isinstance(field, OpenField) else b""
        if len(field.commitment) != 32 or (isinstance(field, OpenField) and len(opening) != OPENING_SIZE):
            raise Malformed(f'the commitment or opening of the field "{field.label}" has not 32 bytes')
        parts.append(field_bytes(field.label.encode("ascii"), field.commitment, opening))
    return openings_bytes(parts)


def field_bytes(label: bytes, commitment: bytes, opening: bytes) -> bytes:
    """One field of `format_openings`, unchecked: what has just been sealed is right. No opening: it is erased."""
    return b"%c%b%b%c%b" % (len(label), label, commitment, _OPEN if opening else _ERASED, opening)


def openings_bytes(fields: Sequence[bytes]) -> bytes:
    """All of `format_openings`, from the bytes of the fields in ascending order of their labels."""
    return b"%c%b%b" % (_VERSION, len(fields).to_bytes(2, "big"), b"".join(fields))


def parse_openings(data: bytes) -> tuple[Field, ...]:
    """The fields of a record, in ascending order of their labels. Raises `Malformed`."""
    if data[:1] != bytes((_VERSION,)):
        raise Malformed("not the openings of a record, version 1")
    fields: list[Field] = []
    at = 3
    for _ in range(int.from_bytes(data[1:3], "big")):
        end = at + 1 + int.from_bytes(data[at : at + 1], "big")
        label = data[at + 1 : end].decode("latin-1")
        commitment = data[end : end + 32]
        at = end + 33
        if data[at - 1 : at] == bytes((_OPEN,)):
            fields.append(OpenField(label=label, commitment=commitment, opening=data[at : at + OPENING_SIZE]))
            at += OPENING_SIZE
        else:
            fields.append(ErasedField(label=label, commitment=commitment))
    # What is cut short, too long, out of order or in another spelling is not written again as it was.
    if format_openings(fields) != data:
        raise Malformed("the openings of a record are cut short, too long, or in another form than they are written in")
    return tuple(fields)
