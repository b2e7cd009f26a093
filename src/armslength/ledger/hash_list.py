"""Many 32-byte hashes between bytes and base64url at once: a bundle holds a million of them.

One spelling each, as in `base64url`, which takes them one at a time and says what is wrong with one.
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence

from armslength.tlog import Malformed, format_base64url, parse_base64url

SPELLED = 43
"""Characters of 32 bytes in base64url without padding."""

_FROM_URL = bytes.maketrans(b"-_+/", b"+/!!")
_TO_URL = bytes.maketrans(b"+/", b"-_")


def parse_hashes(texts: Sequence[str]) -> list[bytes]:
    """The 32 bytes that each of `texts` spells. Raises `Malformed` for the first that spells none."""
    if not texts:
        return []
    # An A after each fills the last group of four: it decodes to a 33rd byte, which is zero if and only if the two bits
    # that no byte uses are.
    joined = "A".join(texts) + "A"
    if set(map(len, texts)) == {SPELLED} and joined.isascii():
        try:
            raw = binascii.a2b_base64(joined.encode("ascii").translate(_FROM_URL), strict_mode=True)
        except binascii.Error:
            raw = b""
        if len(raw) == 33 * len(texts) and not any(raw[32::33]):
            return [raw[at : at + 32] for at in range(0, len(raw), 33)]
    for text in texts:
        parse_base64url(text, 32)
    raise Malformed("a list of hashes that is not as its parts")  # unreachable: one of them was refused


def format_hashes(hashes: Sequence[bytes]) -> list[str]:
    """The text of each, as `format_base64url` writes it."""
    if set(map(len, hashes)) <= {32}:
        text = binascii.b2a_base64(b"\0".join(hashes) + b"\0", newline=False).translate(_TO_URL).decode("ascii")
        return [text[at : at + SPELLED] for at in range(0, 44 * len(hashes), 44)]
    return [format_base64url(each) for each in hashes]
