"""What a browser's form sends, read within limits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from armslength.console.form import Form, read_form
from armslength.console.uploads import NotTaken, Uploads
from armslength.gate import PersonId

BOUNDARY = "x7"
TOKEN = "T0ken-of_the_session"


def read(body: bytes, media: str) -> Form | Response:
    return asyncio.run(read_form(request(body, media)))


def request(body: bytes, media: str) -> Request:
    sent: Mapping[str, str] = {"content-type": media, "content-length": str(len(body))}

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
    }
    return Request(scope, receive)


def part(disposition: str, data: bytes, media: str = "") -> bytes:
    kind = f"Content-Type: {media}\r\n" if media else ""
    return f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n{kind}\r\n".encode() + data + b"\r\n"


def parts(*each: bytes) -> Form:
    return taken(b"".join(each) + f"--{BOUNDARY}--\r\n".encode())


def taken(body: bytes) -> Form:
    """What comes after the token of a form with files."""

    async def take() -> Form:
        sent = request(part('name="csrf"', TOKEN.encode()) + body, f"multipart/form-data; boundary={BOUNDARY}")
        async with Uploads().taken(sent, PersonId("ana"), TOKEN) as form:
            return form

    return asyncio.run(take())


def test_fields_come_in_the_order_sent() -> None:
    """A form that keeps one of two customers forgets whose data it is."""
    form = read(b"a=1&b=%C3%A9+x&a=2&empty=", "application/x-www-form-urlencoded")
    assert isinstance(form, Form)
    assert form.all("a") == ("1", "2") and form.text("b") == "é x" and form.text("empty") == ""
    assert form.text("absent") == "" and form.all("absent") == ()


def test_files_keep_their_names_types_and_bytes() -> None:
    """Evidence that changed on the way is other evidence."""
    data = bytes(range(256))
    form = parts(
        part('name="purpose"', b"why"),
        part('name="evidence"; filename="a.bin"', data, "Application/Octet-Stream; x=y"),
        part('name="evidence"; filename=""', b"", "application/octet-stream"),
    )
    assert (form.text("csrf"), form.text("purpose")) == (TOKEN, "why")
    (file,) = form.files["evidence"]
    assert (file.name, file.media_type, file.data) == ("a.bin", "application/octet-stream", data)


@pytest.mark.parametrize(
    ("body", "media", "status"),
    [
        (b"a=1", "text/plain", 415),
        (b"a=1", "multipart/form-data; boundary=x", 415),
        (b"a=%ff", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a=1" for _ in range(3000)), "application/x-www-form-urlencoded", 400),
        (b"a=" + b"1" * 300_000, "application/x-www-form-urlencoded", 413),
        ("a=é".encode(), "application/x-www-form-urlencoded", 400),
    ],
    ids=["text", "files where none belong", "not UTF-8", "too many", "too large", "not ASCII"],
)
def test_what_is_no_form_of_ours_is_refused(body: bytes, media: str, status: int) -> None:
    """What is half understood is acted on half."""
    answer = read(body, media)
    assert isinstance(answer, Response) and answer.status_code == status


@pytest.mark.parametrize("body", [b"", b"--x7\r\n", b"--x7\r\nno header\r\n\r\n", b"nonsense"])
def test_files_that_cannot_be_read_are_refused(body: bytes) -> None:
    """A request without the evidence that was chosen is another request."""
    try:
        assert not taken(body).files
    except NotTaken as error:
        assert error.status == 400
