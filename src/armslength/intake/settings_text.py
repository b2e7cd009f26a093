"""estate.toml: terms that systems enforce by themselves, in a block of their own behind what people wrote."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping

from armslength.intake.problem import Problems

BEGIN = "# >>> terms that systems enforce by themselves: written by armslength intake, anew at each run"
END = "# <<< end of what armslength intake wrote"
_BLOCK = re.compile(rf"\n*{re.escape(BEGIN)}(?:(?!{re.escape(BEGIN)}).)*?{re.escape(END)}\n?", re.DOTALL)
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")

STARTER = """\
name = {name}

# States whose reach covers others: who is in HK, CN can compel too.
# [states]
# HK = ["CN"]

# What must hold: so many outsiders, at least, before any state has this. Give assets classes in linking.toml first.
# [[floor]]
# action = "read"
# target = "class:customer-content"
# length = 2
"""


LINKING_STARTER = """\
# Who is who, what is what and where things are. Every `armslength intake` reads this file; after a change,
# `armslength intake link` puts the tables together again. review.csv tells what is still open.

# Places as sources write them, and the state each lies in. Codes and English names of states need no line.
[offices]
# "Dublin HQ" = "IE"

# Employers as sources write them, and the rows of entities.csv that they stand for.
[employers]
# "Meridian GmbH" = { id = "meridian-de", state = "DE", parent = "meridian-inc" }

# Logins of a source that are what comes before the @ of a mail address.
# [[login]]
# source = "postgresql"
# is = "mail"
# domain = "example.com"

# Records and accounts of one person, where no identifier tells.
# [[same]]
# these = ["person:E123", "group:aws/123456789012/user/ana"]

# Who is in a group that sources do not tell in full; all = true: nobody else is.
# [[holders]]
# of = "group:aws/123456789012/role/admin"
# members = ["group:okta/aws-admins"]
# all = true

# What assets are, by id (* any characters), kind or trait. The first rule that fits and sets a column counts.
# [[asset]]
# match = "aws/*/s3/*recordings*"
# class = "customer-content"
"""


def with_terms(text: str, terms: Mapping[str, Mapping[str, object]], problems: Problems) -> str:
    """The settings with these terms, by id, in the block of intake; without a block where there are none. A block that
    was changed by hand is reported, since what was written into it would be gone."""
    own = _BLOCK.sub("\n", text).rstrip("\n") + "\n"
    if BEGIN in own or END in own:
        message = "the block of armslength intake has lost its first or its last line: remove what is left of it"
        problems.add("estate.toml", message, line=_line(text, BEGIN if BEGIN in own else END))
    elif (block := _BLOCK.search(text)) is not None and not _only_terms(block.group()):
        message = "the block of armslength intake holds more than its terms: move it out of the block"
        problems.add("estate.toml", message, line=_line(text, BEGIN))
    if not terms:
        return own
    lines = [own, BEGIN]
    for id, settings in sorted(terms.items()):
        lines += ["", f"[terms.{_key(id)}]", *(f"{_key(k)} = {_value(v)}" for k, v in settings.items())]
    return "\n".join([*lines, "", END, ""])


def _only_terms(block: str) -> bool:
    try:
        return set(tomllib.loads(block)) <= {"terms"}
    except (ValueError, RecursionError):
        return False


def _line(text: str, marker: str) -> int:
    return text.count("\n", 0, text.index(marker)) + 1


def _key(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else _value(name)


def _value(value: object) -> str:
    """TOML of a value that came as JSON."""
    match value:
        case dict():
            return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
        case list():
            return "[" + ", ".join(_value(part) for part in value) + "]"
        case str():
            # A basic string of TOML is one of JSON, but for this character.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case _:
            return json.dumps(value)
