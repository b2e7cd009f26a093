"""Acts as lines of JSON, and receipts as lines of JSON: the ledger from a script."""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterable
from typing import Any

from armslength.ledger import Json, Kind, format_base64url
from armslength.service.act import ACT_SIZE, Act
from armslength.service.ledger_bundle import FIRM_ONLY
from armslength.service.question import Refusal
from armslength.tlog import Malformed, Receipt

MEMBERS = {"act", "customers", "fields", "kind"}
LONGEST = 1 << 20
"""Bytes of a line."""


def read_acts(name: str, lines: Iterable[bytes], *, chance: Callable[[int], bytes]) -> list[tuple[int, Act]]:
    """The acts of a file called `name`, each with its line, one JSON object a line: `kind`, `fields`, and if wanted
    `customers` (names) and `act` (its id, 16 bytes in base64url). An act without an id gets one from `chance`; only
    one with an id can safely be sent twice.

    Raises `Refusal` with every line that is wrong; then nothing was recorded.
    """
    acts: list[tuple[int, Act]] = []
    problems: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            acts.append((number, _act(line, chance)))
        except Malformed as error:
            problems.append(f"{name}:{number}: {error}")
    if problems:
        raise Refusal(problems)
    return acts


def receipt_document(receipt: Receipt) -> dict[str, object]:
    """A receipt as an object for JSON."""
    return {
        "origin": receipt.origin,
        "act": format_base64url(receipt.act),
        "first": receipt.first,
        "leaves": [format_base64url(leaf) for leaf in receipt.leaves],
        "size": receipt.size,
    }


def _act(line: bytes, chance: Callable[[int], bytes]) -> Act:
    if len(line) > LONGEST:
        raise Malformed(f"{len(line)} bytes, expected at most {LONGEST}")
    try:
        said = json.loads(line, object_pairs_hook=_once)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Malformed(f"no JSON: {error}") from None
    if not isinstance(said, dict):
        raise Malformed("expected a JSON object")
    problems = [f"unknown {each!r}; expected {', '.join(sorted(MEMBERS))}" for each in sorted(set(said) - MEMBERS)]
    found: dict[str, Any] = {}
    for name, read, otherwise in (
        ("act", _id, None),
        ("kind", _kind, None),
        ("fields", _fields, None),
        ("customers", _customers, []),
    ):
        try:
            found[name] = chance(ACT_SIZE) if name == "act" and name not in said else read(said.get(name, otherwise))
        except Malformed as error:
            problems.append(str(error))
    if problems:
        raise Malformed("; ".join(problems))
    return Act(id=found["act"], kind=found["kind"], fields=found["fields"], customers=found["customers"])


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is there twice")
    return found


def _id(value: object) -> bytes:
    try:
        found = urlsafe_b64decode(f"{value}==") if isinstance(value, str) else b""
    except (ValueError, binascii.Error):
        found = b""
    if len(found) != ACT_SIZE or format_base64url(found) != value:
        raise Malformed(f"act {str(value)[:40]!r}: expected {ACT_SIZE} bytes in base64url without padding")
    return found


def _kind(value: object) -> Kind:
    try:
        return Kind(str(value))
    except ValueError:
        said = "no kind" if value is None else f"kind {str(value)[:40]!r}"
        raise Malformed(f"{said}: expected one of {', '.join(Kind)}") from None


def _fields(value: object) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise Malformed("fields: expected an object of labels and values")
    # A gate takes a record with such a field for its own.
    if firm := sorted(label for label in value if label.casefold().startswith(FIRM_ONLY)):
        raise Malformed(f"fields: {', '.join(firm)}: labels that begin with {FIRM_ONLY} are the gate's")
    return value


def _customers(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Malformed("customers: expected a list of names")
    return tuple(value)
