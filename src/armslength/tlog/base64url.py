"""base64url without padding (RFC 4648, section 5), in one spelling: what format would not have written is refused."""

from __future__ import annotations

import binascii

from armslength.tlog.failure import Malformed

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")


def format_base64url(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")


def parse_base64url(text: str, length: int) -> bytes:
    """The `length` bytes that the text spells. Raises `Malformed`."""
    try:
        encoded = text.encode("ascii")
        data = binascii.a2b_base64(encoded.translate(_FROM_URL) + b"=" * (-len(encoded) % 4), strict_mode=True)
    except ValueError:
        data = b""
    # Written again and compared: the decoder takes loose last characters, and "+" for "-".
    if len(data) != length or format_base64url(data) != text:
        raise Malformed(f'"{text[:60]}" is not {length} bytes in base64url, unpadded')
    return data
