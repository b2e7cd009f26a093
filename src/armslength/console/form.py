"""What a browser's form sends, read within limits. Those with files come by way of uploads.py."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartParser
from starlette.requests import Request
from starlette.responses import Response

from armslength.gate import MOST_EVIDENCE
from armslength.web import read_body, told

MOST_FIELDS = 2000
SMALL_BYTES = 262_144
"""Of a form without files; a registration with its attestation is some kilobytes."""
CARRIED_BYTES = 1 << 20
"""Of a form that carries on, from page to page, what was said in one with files."""
SECONDS = 60.0
"""Until a form is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An uploaded file: `name` and `media_type` are what the sender calls it."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The fields by name, in the order sent."""

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, tuple[File, ...]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """The field's text, without spaces around it and with one kind of line ends; empty where it is not there."""
        return next(iter(self.fields.get(name, ())), "").replace("\r\n", "\n").strip()

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(filter(None, (value.strip() for value in self.fields.get(name, ()))))

    def lines(self, name: str) -> tuple[str, ...]:
        return tuple(filter(None, (line.strip() for line in self.text(name).splitlines())))


def holds_files(request: Request) -> bool:
    return _media(request) == "multipart/form-data"


async def read_form(request: Request, *, limit: int = SMALL_BYTES) -> Form | Response:
    """A form without files, or the answer to one that is too large, too slow or no form at all."""
    if _media(request) != "application/x-www-form-urlencoded":
        return told(415, "expected a form")
    body = await read_body(request, limit=limit, seconds=SECONDS)
    if isinstance(body, Response):
        return body
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        return told(400, "the form cannot be read")
    return Form(fields=_grouped(pairs))


async def parse_parts(request: Request, body: AsyncGenerator[bytes, None]) -> Form:
    """A form with files. Raises `MultiPartException`, `ValueError` and `KeyError` for what is none."""
    parser = MultiPartParser(
        request.headers, body, max_files=MOST_EVIDENCE + 1, max_fields=MOST_FIELDS, max_part_size=SMALL_BYTES
    )
    parsed = await parser.parse()
    texts: list[tuple[str, str]] = []
    files: dict[str, list[File]] = {}
    for name, value in parsed.multi_items():
        if isinstance(value, UploadFile):
            data = await value.read()
            if value.filename or data:  # a browser sends an empty part where nothing was chosen
                kind = (value.content_type or "").partition(";")[0].strip().lower()
                files.setdefault(name, []).append(File(name=value.filename or "", media_type=kind, data=data))
        else:
            texts.append((name, value))
    await parsed.close()
    return Form(fields=_grouped(texts), files={name: tuple(each) for name, each in files.items()})


def _media(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _grouped(pairs: list[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: tuple(values) for name, values in found.items()}
