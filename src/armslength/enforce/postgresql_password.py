"""A role's password as the server keeps it: a SCRAM verifier (RFC 5803), made where the password is. So it is in no
statement, no log and nobody else's memory."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

ITERATIONS = 4096
"""The server's own. The password is 32 bytes of chance, which no number of guesses finds."""
MOST_ITERATIONS = 100_000
"""More would have the person wait at each connection."""
SALT_SIZE, KEY_SIZE = 16, 32

_VERIFIER = re.compile(
    r"SCRAM-SHA-256\$([1-9][0-9]{3,5}):([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]{43}=):([A-Za-z0-9+/]{43}=)"
)


def scram_verifier(password: str, salt: bytes, iterations: int = ITERATIONS) -> str:
    """`password` of ASCII, which SASLprep (RFC 4013) leaves as it is."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    written = [base64.b64encode(each).decode() for each in (salt, stored, server)]
    return f"SCRAM-SHA-256${iterations}:{written[0]}${written[1]}:{written[2]}"


def is_verifier(text: str) -> bool:
    """Whether the server would keep exactly this: what it does not know for a verifier, it takes for the password."""
    match = _VERIFIER.fullmatch(text)
    if match is None or not ITERATIONS <= int(match[1]) <= MOST_ITERATIONS:
        return False
    try:
        salt, *keys = (base64.b64decode(each, validate=True) for each in match.groups()[1:])
    except ValueError:
        return False
    canonical = [base64.b64encode(each).decode() for each in (salt, *keys)] == list(match.groups()[1:])
    return canonical and 8 <= len(salt) <= 64 and all(len(each) == KEY_SIZE for each in keys)
