"""Evidence in a browser: shown where that can do no harm, and downloaded where it could.

Nothing that somebody handed in ever runs here. Text of any kind, HTML and SVG too, is sent as plain text; pictures as
pictures, PDF as PDF; everything else is a download. Each comes with a policy under which nothing may load or run and
whose page has no origin, and the browser is not to guess what it is (`nosniff`).
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

from starlette.responses import Response

from armslength.gate import Evidence

Shown = Literal["frame", "tab", "download"]

PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
PDF = "application/pdf"
TEXTS = frozenset({"application/json", "application/xml", "image/svg+xml", "message/rfc822"})

_POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
"""The style is the browser's own, for its viewers of pictures and of text."""
SANDBOX = f"{_POLICY}; sandbox"


def shown(media_type: str) -> Shown:
    """How a document of this type is looked at."""
    if media_type in PICTURES or is_text(media_type):
        return "frame"
    return "tab" if media_type == PDF else "download"


def is_text(media_type: str) -> bool:
    return media_type.startswith("text/") or media_type in TEXTS or media_type.endswith(("+json", "+xml"))


def document(evidence: Evidence, data: bytes) -> Response:
    """The answer that carries it."""
    media = evidence.media_type
    how = shown(media)
    headers = {
        "Content-Security-Policy": SANDBOX if media != PDF else _POLICY,  # no browser shows a PDF in a sandbox
        "X-Frame-Options": "SAMEORIGIN",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Content-Disposition": _disposition(evidence.name, attached=how == "download"),
    }
    if is_text(media):
        media = "text/plain; charset=utf-8"
    elif how == "download":
        media = "application/octet-stream"
    return Response(data, headers=headers, media_type=media)


def _disposition(name: str, *, attached: bool) -> str:
    """RFC 6266, with the name in the one form that every character survives in."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._- ") else "_" for c in name)
    return f"{'attachment' if attached else 'inline'}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
