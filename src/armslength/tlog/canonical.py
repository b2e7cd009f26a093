"""Canonical JSON (RFC 8785): the one spelling of a value, which is what commitments are made over and boxes hold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

import rfc8785

from armslength.tlog.failure import Malformed

Json: TypeAlias = "None | bool | int | float | str | Sequence[Json] | Mapping[str, Json]"

_SAFE = 2**53 - 1


def canonical(value: Json, *, label: str) -> bytes:
    """The value's one spelling. Raises `Malformed`, naming `label`, for what RFC 8785 cannot write."""
    try:
        return rfc8785.dumps(value)
    except RecursionError:
        raise Malformed(f'the field "{label}" is nested too deep') from None
    except ValueError as error:  # of the library, or of a lone surrogate in a key
        raise Malformed(f'the field "{label}" has no canonical form: {error}') from None


def parse_canonical(data: bytes, *, label: str) -> Json:
    """The value that these bytes are the one spelling of. Raises `Malformed`, naming `label`.

    An integer past 2^53 - 1 is the double that JSON means by it; so what comes out can be written again.
    """
    try:
        value = cast(Json, json.loads(data.decode("utf-8"), parse_int=_number, parse_constant=_refused))
    except RecursionError:
        raise Malformed(f'the field "{label}" is nested too deep') from None
    except ValueError as error:
        raise Malformed(f'the field "{label}" is not JSON: {error}') from None
    if canonical(value, label=label) != data:
        raise Malformed(f'the field "{label}" is not in its canonical form (RFC 8785)')
    return value


def _number(digits: str) -> int | float:
    # Python refuses to read very long integers, so the length goes first.
    return number if len(digits) <= 17 and abs(number := int(digits)) <= _SAFE else float(digits)


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")
