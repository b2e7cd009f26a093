"""The page that verifies a customer's bundle in a browser, as one file: no server, no network, no other part.

It is the second verifier of docs/formats/bundle.md. Its parts lie in `page/`; here they become one text whose own
policy lets nothing load and nothing connect but this style sheet and this script, each allowed by its hash.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from importlib import resources

SCRIPTS = ("bytes", "json", "note", "policy", "entries", "tree", "bundle", "checks", "disclosure", "verdict", "page")
"""In the order in which they use one another."""


@functools.cache
def verify_page() -> str:
    """The whole page; the same bytes each time."""
    script = "\n" + '"use strict";\n(() => {\n' + "\n".join(_text(f"{name}.js") for name in SCRIPTS) + "})();\n"
    style = "\n" + _text("verify.css")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    page = _text("verify.html")
    for name, part in (("policy", policy), ("style", style), ("script", script)):
        page = page.replace("{{" + name + "}}", part)
    return page


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _text(name: str) -> str:
    return resources.files("armslength.web").joinpath("page", name).read_text(encoding="utf-8")
