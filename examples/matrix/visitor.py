"""A member of the staff at the staff's door: HTTPS with their own certificate, and nothing else in hand."""

from __future__ import annotations

import html
import json
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from examples.matrix.certificates import Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. `why` is the gate's code for a refusal, `says` its sentence; both are empty where it said yes."""

    status: int
    why: str
    says: str
    body: Any


class Visitor:
    """One person's way to `host`, which listens on 127.0.0.1 at `port`; `certificate` None: somebody without one."""

    def __init__(self, *, host: str, port: int, authority: Path, certificate: Certificate | None) -> None:
        context = ssl.create_default_context(cafile=str(authority))
        if certificate is not None:
            context.load_cert_chain(certificate.certificate, certificate.key)
        self._host = host
        self._pool = urllib3.HTTPSConnectionPool(
            "127.0.0.1",
            port,
            ssl_context=context,
            server_hostname=host,
            assert_hostname=host,
            retries=False,
            timeout=30,
        )

    def ask(self, method: str, path: str, form: object = None, headers: dict[str, str] | None = None) -> Answer:
        body = None if form is None else json.dumps(form).encode()
        sent = {"Host": self._host, "Content-Type": "application/json", **(headers or {})}
        answer = self._pool.urlopen(method, path, body=body, headers=sent)
        try:
            told = json.loads(answer.data)
        except ValueError:
            told = answer.data.decode("utf-8", "replace")
        why = answer.headers.get("X-Armslength-Why", "")
        sentence = re.search(r"<p>(.*?)</p>", told) if why and isinstance(told, str) else None
        return Answer(status=answer.status, why=why, says=html.unescape(sentence[1]) if sentence else "", body=told)
