"""How what a log publishes goes out (c2sp.org/tlog-tiles, Merkle Tree)."""

from __future__ import annotations

FRESH = "max-age=3"
"""For what changes: a client must not be kept on an old checkpoint."""
FOREVER = "public, max-age=31536000, immutable"
"""For what is the same whenever it is there."""
TEXT, BYTES, HTML = "text/plain; charset=utf-8", "application/octet-stream", "text/html; charset=utf-8"


def media_of(path: str) -> tuple[str, str]:
    """The content type and the caching of a path in a log."""
    if path.startswith("tile/"):
        return BYTES, FOREVER
    return (HTML if path.endswith(".html") else BYTES if path.startswith("map/") else TEXT), FRESH
