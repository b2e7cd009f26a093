"""The pages on nginx and on Python services: what they show works, and what they claim is so."""

from __future__ import annotations

import asyncio
import builtins
import os
import re
from pathlib import Path
from typing import Any

import pytest

from armslength.enforce import Enforced, NotAllowed, Point
from armslength.estate import parse
from armslength.gate import Why
from tests.docs.documents import document
from tests.enforce.gate import SECRET, refusal, scripted_gate
from tests.enforce.leases import GATE


def python(name: str) -> list[str]:
    found = [block.text for block in document(name).blocks if block.language == "python"]
    if not found:  # within a list it is indented
        pattern = re.compile(r"^   ```python\n(.*?)^   ```$", re.MULTILINE | re.DOTALL)
        found = [re.sub("^   ", "", text, flags=re.MULTILINE) for text in pattern.findall(document(name).text)]
    assert found
    return found


def test_the_page_on_nginx_writes_its_two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever follows it would have no configuration, or a secret that everybody can read."""
    (script,) = python("docs/nginx.md")
    (tmp_path / "conf.d").mkdir()
    monkeypatch.setattr(builtins, "input", lambda prompt: SECRET)
    before = os.umask(0o022)
    try:
        exec(compile(script.replace("/etc/nginx", str(tmp_path)), "nginx.md", "exec"), {})
    finally:
        os.umask(before)
    secrets = tmp_path / "armslength-admin.secrets"
    assert SECRET in secrets.read_text() and secrets.stat().st_mode & 0o077 == 0
    assert f"include {secrets};" in (tmp_path / "conf.d/armslength-admin.conf").read_text()


def test_the_routes_that_are_shown_are_routes() -> None:
    """A newcomer would copy a row that is refused."""
    (table,) = [block.text for block in document("docs/nginx.md").blocks if block.language == "csv"]
    parse({"assets.csv": b"id\naccount-data\nmeetings\n", "people.csv": b"id\nana\n", "routes.csv": table.encode()})


def test_the_reasons_that_are_shown_are_reasons() -> None:
    """A program that looks for a code which does not exist never finds it."""
    shown = set()
    for name in ("docs/nginx.md", "docs/python-services.md"):
        rows = [line for line in document(name).text.splitlines() if line.startswith("| ")]
        shown |= {code for row in rows for code in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", row)}
    assert len(shown) >= 10
    assert shown <= {str(why) for why in Why}


def test_the_page_on_python_services_runs(tmp_path: Path) -> None:
    """Whoever follows it would write it again from the source."""
    first, second, third = python("docs/python-services.md")
    (tmp_path / "secret").write_text(SECRET)
    with scripted_gate() as gate:
        first = first.replace("https://gate.example.com", gate.url).replace("gate.example.com/acts", GATE)
        first = first.replace("/etc/service/point.secret", str(tmp_path / "secret"))
        first = first.replace("/var/lib/service/spool", str(tmp_path / "spool"))

        async def inner(scope: Any, receive: Any, send: Any) -> None:
            raise AssertionError

        names: dict[str, Any] = {"app": inner, "rooms": {}}
        exec(compile(first, "first", "exec"), names)
        exec(compile(second, "second", "exec"), names)
        assert isinstance(names["point"], Point) and isinstance(names["app"], Enforced)
        names["point"].look()
        exec(compile(third, "third", "exec"), names)
        assert gate.asked[-1]["customers"] == ["acme"] and gate.asked[-1]["resource"]["id"] == "recordings-eu"
        gate.redeem = refusal("forbidden")
        with pytest.raises(NotAllowed):
            exec(compile(third, "third", "exec"), names)
        out: list[Any] = []

        async def send(message: Any) -> None:
            out.append(message)

        scope = {"type": "http", "method": "GET", "path": "/x", "raw_path": b"/x", "headers": [], "session": {}}
        asyncio.run(names["app"](scope, None, send))
        assert out[0]["status"] == 403
