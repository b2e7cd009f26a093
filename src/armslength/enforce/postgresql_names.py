"""How names and texts are written into statements that take no parameters, and the names of leases' roles."""

from __future__ import annotations

import re

from armslength.gate import LeaseId, id_bytes

ROLE = re.compile(r"lease_[0-9a-f]{32}")
LONGEST = 63
"""Bytes of a name; the server cuts off what is longer, and then two would be one."""

_PLAIN = r"[a-z_][a-z0-9_]*"
_QUOTED = r'"(?:[^"\0]|"")+"'
NAME = rf"(?:{_PLAIN}|{_QUOTED})"


def role_name(lease: LeaseId) -> str:
    """The role of this lease and of no other: the 16 bytes of its id, which letter case cannot confuse."""
    return f"lease_{id_bytes(lease).hex()}"


def identifier(name: str) -> str:
    """Raises `ValueError` for what the server would not take as it is."""
    if not name or "\0" in name or len(name.encode()) > LONGEST:
        raise ValueError(f"the name {name[:80]!r}: expected 1 to {LONGEST} bytes")
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Whatever `standard_conforming_strings` says: a text with a backslash is written so that it cannot matter."""
    if "\0" in text:
        raise ValueError("a text with a zero byte")
    doubled = text.replace("'", "''")
    return "E'" + doubled.replace("\\", "\\\\") + "'" if "\\" in text else f"'{doubled}'"


def unquoted(written: str) -> str:
    """The name that an identifier of SQL means."""
    return written[1:-1].replace('""', '"') if written.startswith('"') else written
