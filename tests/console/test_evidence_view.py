"""Evidence in a browser: nothing that somebody handed in runs."""

from __future__ import annotations

import pytest

from armslength.console.evidence_view import document
from armslength.gate import Evidence

HOSTILE = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


def evidence(media_type: str, name: str = "packet.txt") -> Evidence:
    return Evidence(digest=bytes(32), media_type=media_type, name=name, size=len(HOSTILE))


@pytest.mark.parametrize(
    "media", ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/json"]
)
def test_whatever_could_run_is_sent_as_plain_text(media: str) -> None:
    """A complaint in HTML would sign in the name of whoever reads it."""
    sent = document(evidence(media), HOSTILE)
    assert sent.headers["content-type"] == "text/plain; charset=utf-8"
    assert sent.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in sent.headers["content-security-policy"]


@pytest.mark.parametrize(
    "media", ["application/zip", "application/octet-stream", "application/x-msdownload", "video/mp4"]
)
def test_everything_else_is_a_download(media: str) -> None:
    """What a browser hands to another program is not the console's to open."""
    sent = document(evidence(media), HOSTILE)
    assert sent.headers["content-disposition"].startswith("attachment;")
    assert sent.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("media", ["image/png", "image/jpeg", "image/webp", "application/pdf"])
def test_pictures_and_pdf_are_shown_as_what_they_are(media: str) -> None:
    """An approver who has to download each picture stops looking at them."""
    sent = document(evidence(media), b"x")
    assert sent.headers["content-type"] == media
    assert sent.headers["content-disposition"].startswith("inline;")


@pytest.mark.parametrize("media", ["text/plain", "image/png", "application/pdf", "application/zip", "text/html"])
def test_no_document_may_load_anything(media: str) -> None:
    """A document that calls home tells whom it accuses that it was read."""
    policy = document(evidence(media), b"x").headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "frame-ancestors 'self'" in policy and "script" not in policy


def test_a_name_cannot_break_the_header() -> None:
    """A quotation mark in a file's name would end the name and begin something else."""
    sent = document(evidence("text/plain", 'a"; x=.html\u202egpj.exe é'), b"x")
    assert sent.headers["content-disposition"] == (
        "inline; filename=\"a__ x_.html_gpj.exe _\"; filename*=UTF-8''a%22%3B%20x%3D.html%E2%80%AEgpj.exe%20%C3%A9"
    )
