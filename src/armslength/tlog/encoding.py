"""How numbers, bytes and lines are spelled in the C2SP texts: one spelling each.

Python's own readers take more than one (`int()` takes `+1`, ` 1`, `01`, `1_0` and other scripts' digits; base64
decoders take unused bits that are not zero), so two texts could mean one thing, and a signature over one be shown for
the other. Everything here refuses the second spelling with `Malformed`.
"""

from __future__ import annotations

import base64
import binascii
import re

from armslength.tlog.failure import Malformed

LARGEST = 2**63 - 1
"""The largest size, index or POSIX time: what a signed 64-bit integer of another implementation still holds."""
HASH_SIZE = 32
PRIVATE = "PRIVATE+KEY+"
"""How a signing key's text begins, so that nobody takes it for the other."""
SHOWN = 60
"""Characters of a bad word that a message repeats."""

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


def quoted(word: str) -> str:
    """`word` as a message repeats it: on one line, clipped, with what cannot be seen written out. A private key that
    was put in the wrong place is not repeated."""
    if PRIVATE in word:
        return f'"{PRIVATE}…"'
    clipped = word if len(word) <= SHOWN else word[:SHOWN] + "…"
    seen = "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in clipped)
    return f'"{seen}"'


def parse_decimal(text: str, what: str) -> int:
    """The size, index or time that `text` spells; `what` names it in the error."""
    number = int(text) if _DECIMAL.fullmatch(text) else LARGEST + 1
    if number > LARGEST:
        raise Malformed(f"{what} {quoted(text)} is not a decimal from 0 to 2^63-1 without sign, space or leading zero")
    return number


def format_base64(data: bytes) -> str:
    """RFC 4648 section 4: the standard alphabet, padded."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def parse_base64(text: str, what: str, size: int | None = None) -> bytes:
    """The bytes that `text` spells, `size` of them if given. Only what `format_base64` writes is taken: other
    alphabets, line breaks, missing padding and unused bits that are not zero are refused."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        data = None
    if data is None or format_base64(data) != text or (size is not None and len(data) != size):
        expected = "canonical base64" if size is None else f"canonical base64 of {size} bytes"
        raise Malformed(f"{what} {quoted(text)} is not {expected}")
    return data


def decoded(data: str | bytes, what: str, limit: int) -> str:
    """`data` as text of at most `limit` bytes: UTF-8, newline the only control character (signed-note, Format)."""
    try:
        raw = data.encode() if isinstance(data, str) else bytes(data)
        if len(raw) > limit:
            raise Malformed(f"{what} has {len(raw)} bytes; at most {limit} are read")
        text = raw.decode()
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise Malformed(f"{what} is not valid UTF-8: {error.reason} at {error.start}") from None
    check_characters(text, what)
    return text


def check_characters(text: str, what: str) -> None:
    """Refuse a control character other than newline, and what UTF-8 cannot carry."""
    bad = _CONTROL.search(text)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        raise Malformed(f"line {line}: {what} has the control character U+{ord(bad[0]):04X}; only newline is allowed")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise Malformed(f"{what} is not valid UTF-8: {error.reason} at {error.start}") from None
