"""Reading one table of estate.toml: each key with its type, every slip reported, unknown keys refused."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from armslength.estate.columns import SETTINGS
from armslength.estate.problem import Findings, did_you_mean
from armslength.estate.toml_lines import Path, lines

GREATEST = 2**53 - 1
"""Whole numbers beyond this have no exact form in JSON, where the digest needs them."""

LONGEST = 16_000_000
"""Characters of a settings file; more is no one's settings."""

_DEEP_KEY = re.compile(r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){32}""")
_WHERE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A parsed TOML text with the line of every key."""

    values: Mapping[str, object]
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int | None:
        """The line of the setting, or of the nearest thing around it that has one."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return None


def document(text: str, findings: Findings) -> Document | None:
    """The TOML in `text`; None after saying where it is malformed."""
    if len(text) > LONGEST:
        findings.wrong(SETTINGS, f"has {len(text)} characters: expected at most {LONGEST}")
        return None
    if deep := _DEEP_KEY.search(text):
        findings.wrong(SETTINGS, "a key has over 32 parts: expected few", line=text.count("\n", 0, deep.start()) + 1)
        return None
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = _WHERE.search(str(error))
        line = int(where.group(1)) if where and where.group(1) else text.rstrip("\n").count("\n") + 1
        reason = _WHERE.sub("", str(error))
        findings.wrong(SETTINGS, f"is not TOML: {reason[:1].lower()}{reason[1:]}", line=line)
        return None
    except RecursionError:
        findings.wrong(SETTINGS, "is nested too deeply: expected few levels")
        return None
    except ValueError:
        findings.wrong(SETTINGS, f"holds a number that is too long: expected at most {GREATEST}")
        return None
    return Document(values=values, lines=lines(text))


def spelled(value: object) -> str:
    """A value for a message, cut where it is long."""
    if isinstance(value, bool):
        return str(value).lower()
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an int too long to print, or tables too deep
        text = "a value too large to print"
    return text if len(text) <= 60 else f"{text[:57]}…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One table of the document. A reader returns None for a key that is absent or wrong; a wrong one was reported."""

    of: Document
    path: Path
    values: Mapping[str, object]
    findings: Findings

    def at(self, *keys: str | int) -> tuple[int | None, str]:
        """Line and dotted name of a key of this table."""
        path = (*self.path, *keys)
        dotted = ""
        for part in path:
            dotted += f"[{part}]" if isinstance(part, int) else f".{part}" if dotted else str(part)
        return self.of.line(path), dotted

    def wrong(self, message: str, *keys: str | int) -> None:
        line, column = self.at(*keys)
        self.findings.wrong(SETTINGS, message, line=line, column=column or None)

    def odd(self, message: str, *keys: str | int) -> None:
        line, column = self.at(*keys)
        self.findings.odd(SETTINGS, message, line=line, column=column or None)

    def only(self, known: Iterable[str]) -> None:
        """Refuses every key that is not known."""
        names = list(known)
        for key in self.values:
            if key not in names:
                hint = did_you_mean(key, names) or f": expected one of {', '.join(names)}"
                self.wrong(f"is not a setting{hint}", key)

    def needed(self, key: str) -> bool:
        if key in self.values:
            return True
        self.wrong(f"{key!r} is missing: expected it here")
        return False

    def text(self, key: str) -> str | None:
        """A text that is not empty, stripped."""
        if key not in self.values:
            return None
        value = self.values[key]
        if isinstance(value, str) and value.strip():
            return value.strip()
        self.wrong(f"{spelled(value)}: expected a text that is not empty", key)
        return None

    def count(self, key: str, least: int, most: int = GREATEST) -> int | None:
        """A whole number of at least `least`, and at most `most`."""
        if key not in self.values:
            return None
        value = self.values[key]
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        bound = f"at least {least}" if most == GREATEST else f"{least} to {most}"
        self.wrong(f"{spelled(value)}: expected a whole number of {bound}", key)
        return None

    def texts(self, key: str) -> tuple[str, ...] | None:
        """An array of texts, none empty."""
        if key not in self.values:
            return None
        value = self.values[key]
        if not isinstance(value, list):
            self.wrong(f"{spelled(value)}: expected an array of texts", key)
            return None
        good = True
        for item in value:
            if not isinstance(item, str) or not item.strip():
                self.wrong(f"{spelled(item)}: expected a text that is not empty", key)
                good = False
        return tuple(item.strip() for item in value) if good else None

    def choice(self, key: str, choices: tuple[str, ...]) -> str | None:
        if key not in self.values:
            return None
        value = self.values[key]
        if isinstance(value, str) and value in choices:
            return value
        self.wrong(f"{spelled(value)}: expected {' or '.join(repr(c) for c in choices)}", key)
        return None

    def table(self, key: str) -> Section | None:
        """The table under `key`."""
        if key not in self.values:
            return None
        value = self.values[key]
        if isinstance(value, dict):
            return Section(of=self.of, path=(*self.path, key), values=value, findings=self.findings)
        self.wrong(f"{spelled(value)}: expected a table", key)
        return None

    def tables(self, key: str) -> list[Section]:
        """The array of tables under `key`; empty if it is absent or none."""
        value = self.values.get(key, [])
        if not isinstance(value, list):
            self.wrong(f"{spelled(value)}: expected an array of tables", key)
            return []
        sections = []
        for place, item in enumerate(value):
            if isinstance(item, dict):
                sections.append(Section(of=self.of, path=(*self.path, key, place), values=item, findings=self.findings))
            else:
                self.wrong(f"{spelled(item)}: expected a table", key, place)
        return sections
