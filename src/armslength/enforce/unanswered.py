"""Why nothing came back from an address, in words for whoever typed it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from urllib3.exceptions import NameResolutionError, NewConnectionError, SSLError, TimeoutError

from armslength.enforce.failure import Unreachable


def unanswered(url: str, error: Exception) -> Unreachable:
    """`error` is urllib3's, or the system's."""
    parts = urlsplit(url)
    if "certificate verify failed" in str(error):
        return Unreachable(
            f"the certificate of {url} does not verify ({_reason(error)}): --authority names the file that it verifies"
            " with"
        )
    match error:
        case NameResolutionError():
            says = f"no host {parts.hostname} is known here"
        case NewConnectionError():
            cause = error.__cause__
            says = (cause.strerror if isinstance(cause, OSError) else None) or "no connection is made"
        case TimeoutError():
            says = "it takes too long"
        case SSLError():
            says = "it speaks no TLS"
        case _:
            says = "the connection broke"
    return Unreachable(f"no answer from {parts.scheme}://{parts.netloc}: {says}")


def _reason(error: Exception) -> str:
    """OpenSSL's words, such as "self-signed certificate"."""
    found = re.search(r"certificate verify failed: ([^()]*?)\.? \(", str(error))
    return found[1] if found else "certificate verify failed"
