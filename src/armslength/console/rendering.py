"""Pages from templates. Whatever people wrote is escaped, and shown without characters that cannot be seen."""

from __future__ import annotations

import functools
from importlib import resources

import jinja2
from markupsafe import Markup

from armslength.console.words import moment_text, size_text, span_text
from armslength.report import counted, listed, visible

STATIC = {
    "come_back.js": "text/javascript; charset=utf-8",
    "console.css": "text/css; charset=utf-8",
    "evidence.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "passkey.js": "text/javascript; charset=utf-8",
}
"""Every file that is served, with its media type."""


def render(template: str, **values: object) -> str:
    return _environment().get_template(template).render(**values)


@functools.cache
def static_file(name: str) -> bytes:
    """Of `STATIC`."""
    return resources.files("armslength.console").joinpath("static", name).read_bytes()


def prose(text: str) -> Markup:
    """What somebody wrote, line by line: of what cannot be seen only the ends of lines are kept."""
    return Markup("\n").join(visible(line) for line in text.replace("\r\n", "\n").split("\n"))


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "prose": prose,
        "moment": moment_text,
        "span": span_text,
        "size": size_text,
        "counted": counted,
        "listed": lambda items: listed(list(items)),
    }
    return environment


def _text(name: str) -> str:
    return resources.files("armslength.console").joinpath("templates", name).read_text(encoding="utf-8")


def _shown(value: object) -> object:
    """Whatever a template prints, even where it forgot to ask: nothing unseen."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
