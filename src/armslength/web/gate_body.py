"""A request's body, read strictly (RFC 8259, and the advice of AuthZEN 1.0, section 11.5): one object, UTF-8, no key
twice, no number that readers would take for different ones.

What is not JSON is one problem; where the JSON is not what an endpoint takes, every problem is named at once. Unknown
members are ignored, as AuthZEN wants.
"""

from __future__ import annotations

import json
import types
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from armslength.gate import Rejected

MOST_BYTES = 1_048_576
"""Of a body."""
DEEPEST = 32
"""Objects and arrays within one another."""
SAFE = 2**53 - 1
"""The largest whole number that every reader of JSON takes for what it is."""
MOST_PROBLEMS = 20
"""Named in one answer; how many more there are is said."""

T = TypeVar("T", bound=msgspec.Struct)

_decode = msgspec.json.Decoder().decode


def parse_body(body: bytes, shape: type[T]) -> T:
    """What the body spells. Raises `Rejected` with every problem."""
    value = parse_json(body)
    if not isinstance(value, dict):
        raise Rejected([f"the body is {_kind(value)}, expected an object"])
    return convert(value, shape)


def convert(value: Any, shape: type[T], *, place: str = "") -> T:
    """What a `value` of JSON is as `shape`. Raises `Rejected` with every problem; `place` is where it stood."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        found = list(_problems(value, shape, place)) or [f"{place or 'the body'}: {_said(error)}"]
    more = [f"and {len(found) - MOST_PROBLEMS} more"] if len(found) > MOST_PROBLEMS else []
    raise Rejected([*found[:MOST_PROBLEMS], *more])


def parse_json(body: bytes) -> Any:
    """The JSON of a body. Raises `Rejected`."""
    if not body:
        raise Rejected(["the body is empty, expected JSON"])
    try:
        value = _decode(body)
        # INVARIANT: as many colons as members and colons within texts means that no key came twice: each key of the
        # text has its own colon, and what a second key of a name hides can only add to them. An escape could spell a
        # colon, so texts with one are read the slow way; so is everything for which the numbers differ.
        if body.count(b":") == _weigh(value, 0) and b"\\u" not in body:
            return value
    except msgspec.MsgspecError as error:
        raise Rejected([f"the body is not JSON: {error}"]) from None
    except UnicodeDecodeError as error:
        raise Rejected([f"the body is not UTF-8: {error.reason}"]) from None
    except RecursionError:
        raise _too_deep() from None
    return _read_slowly(body)


def _weigh(value: Any, depth: int) -> int:
    """The members of all objects, and the colons in all texts. Raises `Rejected` for what is too deep or too large."""
    kind = type(value)
    if kind is str:
        return int(value.count(":"))
    if kind is dict:
        if depth >= DEEPEST:
            raise _too_deep()
        weight = len(value)
        for key, part in value.items():
            weight += key.count(":") + (part.count(":") if type(part) is str else _weigh(part, depth + 1))
        return weight
    if kind is list:
        if depth >= DEEPEST:
            raise _too_deep()
        return sum(_weigh(part, depth + 1) for part in value)
    if kind is int and not -SAFE <= value <= SAFE:
        raise Rejected(["a whole number is past 2^53 - 1, where readers of JSON differ"])
    return 0


def _read_slowly(body: bytes) -> Any:
    """The same by the reader that sees each pair; the body is known to be JSON that is not too deep."""
    twice: Counter[str] = Counter()

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(found)
        if len(made) != len(found):
            twice.update(key for key, times in Counter(key for key, _ in found).items() if times > 1)
        return made

    try:
        value = json.loads(body.decode(), object_pairs_hook=pairs)
    except (ValueError, RecursionError) as error:
        raise Rejected([f"the body is not JSON: {error}"]) from None
    if twice:
        raise Rejected([f"the key {key[:80]!r} comes twice in one object" for key in list(twice)[:MOST_PROBLEMS]])
    _weigh(value, 0)
    return value


def _too_deep() -> Rejected:
    return Rejected([f"nested too deeply: expected at most {DEEPEST} objects and arrays in one another"])


def _problems(value: Any, shape: Any, place: str) -> Iterator[str]:
    """Why `value` is no `shape`: a Struct, a list of them, or what JSON has, each with `| UNSET` or without."""
    origin, arguments = get_origin(shape), get_args(shape)
    if origin is types.UnionType or origin is Union:
        choices = [each for each in arguments if each not in (msgspec.UnsetType, types.NoneType)]
        if len(choices) == 1 and not (value is None and types.NoneType in arguments):
            yield from _problems(value, choices[0], place)
            return
    if origin is Annotated:
        found = list(_problems(value, arguments[0], place))
        yield from found
        if found:
            return
    if origin in (list, tuple) and isinstance(value, list):
        for number, each in enumerate(value):
            yield from _problems(each, arguments[0], f"{place}[{number}]")
        return
    if isinstance(shape, type) and issubclass(shape, msgspec.Struct) and isinstance(value, dict):
        yield from _struct_problems(value, shape, place)
        return
    try:
        msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        yield f"{place or 'the body'}: {_said(error)}"


def _struct_problems(value: dict[str, Any], shape: type[msgspec.Struct], place: str) -> Iterator[str]:
    hints = get_type_hints(shape, include_extras=True)
    for field in msgspec.structs.fields(shape):
        at = f"{place}.{field.encode_name}" if place else field.encode_name
        if field.encode_name in value:
            yield from _problems(value[field.encode_name], hints[field.name], at)
        elif field.required:
            yield f"{at} is missing"


def _said(error: msgspec.ValidationError) -> str:
    text = str(error).split(" - at ")[0].replace("`", "")
    return text[:1].lower() + text[1:]


def _kind(value: Any) -> str:
    return {list: "an array", str: "a text", bool: "a boolean", type(None): "null"}.get(type(value), "a number")
